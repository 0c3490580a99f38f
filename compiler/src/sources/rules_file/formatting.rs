//! How values become text: `str`, `repr`, `%` and `.format`.

use super::Fault;
use super::interpreter::Interpreter;
use super::values::{Arguments, Dict, Object, Value};

impl Interpreter {
    /// As `str(value)`.
    pub(super) fn show(&mut self, value: &Value, at: usize) -> Result<String, Fault> {
        if let Value::Text(text) = value {
            self.charge(text.len() / 16 + 1, at)?;
            return Ok(text.as_ref().to_owned());
        }
        self.repr(value, at)
    }

    /// As `repr(value)`.
    pub(super) fn repr(&mut self, value: &Value, at: usize) -> Result<String, Fault> {
        self.enter(at)?;
        let result = match value {
            Value::None => "None".to_owned(),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => float(*value),
            Value::Text(text) => {
                self.charge(text.len() / 16, at)?;
                quoted(text)
            }
            Value::List(id) => format!("[{}]", self.repr_items(*id, at)?),
            Value::Tuple(id) => {
                let comma = if self.items(*id).len() == 1 { "," } else { "" };
                format!("({}{comma})", self.repr_items(*id, at)?)
            }
            Value::Dict(id) => {
                let items = self.dict(*id).map(Dict::items).unwrap_or_default();
                let mut parts = vec![];
                for (key, value) in items {
                    let key = self.repr(&key, at)?;
                    parts.push(format!("{key}: {}", self.repr(&value, at)?));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Value::Range(start, stop, stride) => match (start, stride) {
                (0, 1) => format!("range({stop})"),
                (start, 1) => format!("range({start}, {stop})"),
                _ => format!("range({start}, {stop}, {stride})"),
            },
            Value::Function(id) => match self.heap.get(*id) {
                Some(Object::Function { definition, .. }) => definition.name.clone(),
                _ => "function".to_owned(),
            },
            Value::Native(native) => native.name().to_owned(),
            Value::Method(method) => method.1.clone(),
        };
        self.leave();
        Ok(result)
    }

    fn repr_items(&mut self, id: usize, at: usize) -> Result<String, Fault> {
        let items = self.items(id).to_vec();
        let mut length = 0;
        let mut parts = vec![];
        for item in items {
            let part = self.repr(&item, at)?;
            length += part.len();
            parts.push(part);
        }
        self.charge(length / 16, at)?;
        Ok(parts.join(", "))
    }

    /// `template % values`.
    pub(super) fn percent(
        &mut self,
        template: &str,
        values: &Value,
        at: usize,
    ) -> Result<Value, Fault> {
        let mut given = match values {
            Value::Tuple(id) => self.items(*id).to_vec(),
            other => vec![other.clone()],
        }
        .into_iter();
        let mut result = String::new();
        let mut characters = template.chars();
        while let Some(next) = characters.next() {
            if next != '%' {
                result.push(next);
                continue;
            }
            let conversion = characters.next();
            if conversion == Some('%') {
                result.push('%');
                continue;
            }
            if !matches!(conversion, Some('s' | 'r' | 'd')) {
                return Err(Fault::unsupported(at, "this `%` conversion"));
            }
            let Some(value) = given.next() else {
                return Err(Fault::refused(at, "Not enough parameters in format string"));
            };
            match (conversion, &value) {
                (Some('r'), _) => result.push_str(&self.repr(&value, at)?),
                (Some('d'), Value::Int(number)) => result.push_str(&number.to_string()),
                (Some('d'), _) => return Err(Fault::unsupported(at, "`%d` of this value")),
                _ => result.push_str(&self.show(&value, at)?),
            }
        }
        if given.next().is_some() {
            return Err(Fault::refused(at, "Too many arguments for format string"));
        }
        Ok(Value::text(result))
    }

    /// `template.format(...)`: `{}`, `{0}`, `{name}`, each with `!r` or `!s`.
    pub(super) fn format(
        &mut self,
        template: &str,
        arguments: &Arguments,
        at: usize,
    ) -> Result<Value, Fault> {
        let bad = || Fault::refused(at, "Unmatched brace in format string");
        let mut result = String::new();
        let mut next_place = 0;
        let mut rest = template;
        while let Some(brace) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(brace);
            result.push_str(before);
            if let Some(tail) = after.strip_prefix("{{") {
                result.push('{');
                rest = tail;
                continue;
            }
            if let Some(tail) = after.strip_prefix("}}") {
                result.push('}');
                rest = tail;
                continue;
            }
            let inner = after.strip_prefix('{').ok_or_else(bad)?;
            let (field, tail) = inner.split_once('}').ok_or_else(bad)?;
            rest = tail;
            let (name, conversion) = field.split_once('!').unwrap_or((field, "s"));
            let value = if name.is_empty() {
                next_place += 1;
                arguments.positional.get(next_place - 1)
            } else if let Ok(place) = name.parse::<usize>() {
                arguments.positional.get(place)
            } else {
                arguments.named.iter().find(|(given, _)| given == name).map(|(_, value)| value)
            };
            let missing = || Fault::refused(at, format!("no argument for `{{{field}}}`"));
            let value = value.cloned().ok_or_else(missing)?;
            let text = match conversion {
                "s" => self.show(&value, at)?,
                "r" => self.repr(&value, at)?,
                _ => return Err(Fault::unsupported(at, "this format conversion")),
            };
            result.push_str(&text);
        }
        result.push_str(rest);
        Ok(Value::text(result))
    }
}

/// A text in double quotes with the escapes that Starlark prints.
pub(super) fn quoted(text: &str) -> String {
    let mut result = String::from("\"");
    for next in text.chars() {
        match next {
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            '"' | '\\' => result.extend(['\\', next]),
            other => result.push(other),
        }
    }
    result.push('"');
    result
}

fn float(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "+inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let size = value.abs();
    if value == 0.0 || (1e-4..1e17).contains(&size) {
        return format!("{value:?}");
    }
    let shown = format!("{value:e}");
    let (digits, exponent) = shown.split_once('e').unwrap_or((shown.as_str(), "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}
