//! Methods of texts, lists and dictionaries.

use super::Fault;
use super::interpreter::Interpreter;
use super::sequences::place;
use super::values::{Arguments, Dict, Object, Value};

const TEXT: [&str; 33] = [
    "capitalize",
    "codepoints",
    "count",
    "elems",
    "endswith",
    "find",
    "format",
    "index",
    "isalnum",
    "isalpha",
    "isdigit",
    "islower",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "title",
    "upper",
];
const LIST: [&str; 7] = ["append", "clear", "extend", "index", "insert", "pop", "remove"];
const DICT: [&str; 9] =
    ["clear", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"];

impl Interpreter {
    /// `object.name`.
    pub(super) fn attribute(object: Value, name: &str, at: usize) -> Result<Value, Fault> {
        let known = match &object {
            Value::Text(_) => TEXT.contains(&name),
            Value::List(_) => LIST.contains(&name),
            Value::Dict(_) => DICT.contains(&name),
            _ => false,
        };
        if known {
            return Ok(Value::Method((object, name.to_owned()).into()));
        }
        let kind = object.type_name();
        let message = format!("Object of type `{kind}` has no attribute `{name}`");
        Err(Fault::refused(at, message))
    }

    pub(super) fn call_method(
        &mut self,
        object: &Value,
        name: &str,
        arguments: &Arguments,
        at: usize,
    ) -> Result<Value, Fault> {
        if let (Value::Text(template), "format") = (object, name) {
            return self.format(template, arguments, at);
        }
        if let (Value::Dict(id), "update") = (object, name) {
            return self.update(*id, arguments, at);
        }
        if !arguments.named.is_empty() {
            return Err(Fault::unsupported(at, "a named argument of a method"));
        }
        let given = arguments.positional.as_slice();
        let result = match object {
            Value::Text(text) => self.text_method(text, name, given, at)?,
            Value::List(id) => self.list_method(*id, name, given, at)?,
            Value::Dict(id) => self.dict_method(*id, name, given, at)?,
            _ => None,
        };
        let what = format!("`.{name}` with these arguments");
        result.ok_or_else(|| Fault::unsupported(at, &what))
    }

    /// `None` if the method or its arguments are not known.
    fn text_method(
        &mut self,
        text: &str,
        name: &str,
        given: &[Value],
        at: usize,
    ) -> Result<Option<Value>, Fault> {
        self.charge(text.len() / 16 + 1, at)?;
        let every =
            |test: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(test));
        Ok(Some(match (name, given) {
            ("lower", []) => Value::text(text.to_lowercase()),
            ("upper", []) => Value::text(text.to_uppercase()),
            ("strip", []) => Value::text(text.trim()),
            ("lstrip", []) => Value::text(text.trim_start()),
            ("rstrip", []) => Value::text(text.trim_end()),
            ("strip", [Value::Text(set)]) => Value::text(text.trim_matches(|c| set.contains(c))),
            ("lstrip", [Value::Text(set)]) => {
                Value::text(text.trim_start_matches(|c| set.contains(c)))
            }
            ("rstrip", [Value::Text(set)]) => {
                Value::text(text.trim_end_matches(|c| set.contains(c)))
            }
            ("startswith", [Value::Text(start)]) => Value::Bool(text.starts_with(start.as_ref())),
            ("endswith", [Value::Text(end)]) => Value::Bool(text.ends_with(end.as_ref())),
            ("removeprefix", [Value::Text(start)]) => {
                Value::text(text.strip_prefix(start.as_ref()).unwrap_or(text))
            }
            ("removesuffix", [Value::Text(end)]) => {
                Value::text(text.strip_suffix(end.as_ref()).unwrap_or(text))
            }
            ("replace", [Value::Text(old), Value::Text(new)]) => {
                let found = text.matches(old.as_ref()).count();
                self.charge(found.saturating_mul(new.len()) / 16, at)?;
                Value::text(text.replace(old.as_ref(), new))
            }
            ("count", [Value::Text(part)]) if !part.is_empty() => {
                count(text.matches(part.as_ref()))
            }
            ("find", [Value::Text(part)]) => Value::Int(match text.find(part.as_ref()) {
                Some(found) => {
                    let before = text.get(..found).unwrap_or_default().chars().count();
                    i64::try_from(before).unwrap_or(i64::MAX)
                }
                None => -1,
            }),
            ("isdigit", []) => every(|c| c.is_ascii_digit()),
            ("isalpha", []) => every(char::is_alphabetic),
            ("isalnum", []) => every(char::is_alphanumeric),
            ("isspace", []) => every(char::is_whitespace),
            ("split", []) => self.texts(text.split_whitespace(), at)?,
            ("split", [Value::Text(by)]) if !by.is_empty() => {
                self.texts(text.split(by.as_ref()), at)?
            }
            ("split", [Value::Text(by), Value::Int(times)]) if !by.is_empty() && *times >= 0 => {
                let times = usize::try_from(*times).unwrap_or(usize::MAX).saturating_add(1);
                self.texts(text.splitn(times, by.as_ref()), at)?
            }
            ("splitlines", []) => self.texts(text.lines(), at)?,
            ("join", [values]) => self.join(text, values, at)?,
            ("partition", [Value::Text(by)]) if !by.is_empty() => {
                let (before, by, after) = match text.split_once(by.as_ref()) {
                    Some((before, after)) => (before, by.as_ref(), after),
                    None => (text, "", ""),
                };
                self.new_tuple([before, by, after].map(Value::text).to_vec())
            }
            _ => return Ok(None),
        }))
    }

    fn texts<'t>(
        &mut self,
        parts: impl Iterator<Item = &'t str>,
        at: usize,
    ) -> Result<Value, Fault> {
        let parts: Vec<Value> = parts.map(Value::text).collect();
        self.charge(parts.len(), at)?;
        Ok(self.new_list(parts))
    }

    fn join(&mut self, separator: &str, values: &Value, at: usize) -> Result<Value, Fault> {
        let mut parts = vec![];
        let mut length = 0;
        for value in self.iterate(values, at)? {
            let Value::Text(part) = value else {
                let message = format!("Expected `str`, but got `{}`", value.type_name());
                return Err(Fault::refused(at, message));
            };
            length += part.len() + separator.len();
            parts.push(part);
        }
        self.charge(length / 16, at)?;
        Ok(Value::text(parts.join(separator)))
    }

    fn list_method(
        &mut self,
        id: usize,
        name: &str,
        given: &[Value],
        at: usize,
    ) -> Result<Option<Value>, Fault> {
        let length = self.items(id).len();
        self.charge(length / 16, at)?;
        if let ("index" | "remove", [wanted]) = (name, given) {
            let found = self.find_item(id, wanted, at)?;
            if name == "index" {
                return Ok(Some(Value::Int(i64::try_from(found).unwrap_or(i64::MAX))));
            }
            if let Object::List(items) = self.change(id, at)? {
                items.remove(found);
            }
            return Ok(Some(Value::None));
        }
        let more = match (name, given) {
            ("extend", [values]) => self.iterate(values, at)?,
            _ => vec![],
        };
        let Object::List(items) = self.change(id, at)? else { return Ok(None) };
        match (name, given) {
            ("append", [value]) => items.push(value.clone()),
            ("extend", [_]) => items.extend(more),
            ("clear", []) => items.clear(),
            ("insert", [Value::Int(index), value]) => {
                let from_end = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
                let place =
                    if *index < 0 { length.saturating_sub(from_end) } else { from_end.min(length) };
                items.insert(place, value.clone());
            }
            ("pop", [] | [Value::Int(_)]) => {
                let index = if let [Value::Int(index)] = given { *index } else { -1 };
                let Some(place) = place(index, length) else {
                    let message = format!("Index `{index}` is out of bound");
                    return Err(Fault::refused(at, message));
                };
                return Ok(Some(items.remove(place)));
            }
            _ => return Ok(None),
        }
        Ok(Some(Value::None))
    }

    fn find_item(&mut self, id: usize, wanted: &Value, at: usize) -> Result<usize, Fault> {
        let items = self.items(id).to_vec();
        self.charge(items.len(), at)?;
        for (place, item) in items.iter().enumerate() {
            if self.equal(item, wanted, at)? {
                return Ok(place);
            }
        }
        let shown = self.repr(wanted, at)?;
        Err(Fault::refused(at, format!("Element '{shown}' not found in list")))
    }

    fn dict_method(
        &mut self,
        id: usize,
        name: &str,
        given: &[Value],
        at: usize,
    ) -> Result<Option<Value>, Fault> {
        let entries = |interpreter: &mut Self| {
            let items = interpreter.dict(id).map(Dict::items).unwrap_or_default();
            interpreter.charge(items.len(), at).map(|()| items)
        };
        Ok(Some(match (name, given) {
            ("keys", []) => {
                let items = entries(self)?.into_iter().map(|(key, _)| key).collect();
                self.new_list(items)
            }
            ("values", []) => {
                let items = entries(self)?.into_iter().map(|(_, value)| value).collect();
                self.new_list(items)
            }
            ("items", []) => {
                let mut pairs = vec![];
                for (key, value) in entries(self)? {
                    pairs.push(self.new_tuple(vec![key, value]));
                }
                self.new_list(pairs)
            }
            ("get" | "pop" | "setdefault", [key_value, rest @ ..]) if rest.len() < 2 => {
                let key = self.key(key_value, at)?;
                let found = self.dict(id).and_then(|dict| dict.find(&key)).cloned();
                let default = rest.first().cloned();
                if name == "get" {
                    return Ok(Some(found.or(default).unwrap_or(Value::None)));
                }
                let Object::Dict(dict) = self.change(id, at)? else { return Ok(None) };
                if name == "setdefault" {
                    let value = found.or(default).unwrap_or(Value::None);
                    dict.set(key, key_value.clone(), value.clone());
                    return Ok(Some(value));
                }
                let popped = dict.remove(&key).or(default);
                if popped.is_none() {
                    let shown = self.repr(key_value, at)?;
                    return Err(Fault::refused(at, format!("Key `{shown}` not found in dict")));
                }
                return Ok(popped);
            }
            ("clear", []) => {
                if let Object::Dict(dict) = self.change(id, at)? {
                    *dict = Dict::default();
                }
                Value::None
            }
            _ => return Ok(None),
        }))
    }

    fn update(&mut self, id: usize, arguments: &Arguments, at: usize) -> Result<Value, Fault> {
        let mut more = match arguments.positional.as_slice() {
            [] => vec![],
            [Value::Dict(other)] => self.dict(*other).map(Dict::items).unwrap_or_default(),
            _ => return Err(Fault::unsupported(at, "`.update` with these arguments")),
        };
        more.extend(arguments.named.iter().map(|(n, value)| (Value::text(n), value.clone())));
        self.charge(more.len(), at)?;
        for (key_value, value) in more {
            let key = self.key(&key_value, at)?;
            if let Object::Dict(dict) = self.change(id, at)? {
                dict.set(key, key_value, value);
            }
        }
        Ok(Value::None)
    }
}

fn count<'t>(found: impl Iterator<Item = &'t str>) -> Value {
    Value::Int(i64::try_from(found.count()).unwrap_or(i64::MAX))
}
