//! The functions that every file can call: those of Starlark that Codex offers, and its own three.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::Fault;
use super::calls::{refuse_extra, take_named};
use super::interpreter::Interpreter;
use super::operations::range_length;
use super::values::{Arguments, Dict, Span, Value};

/// A built-in function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Native(usize);

/// All of them; 0.169.0 has no `print`, `set` or `struct` (fixtures of these names).
const NAMES: [&str; 30] = [
    "prefix_rule",
    "network_rule",
    "host_executable",
    "abs",
    "all",
    "any",
    "bool",
    "chr",
    "dict",
    "dir",
    "enumerate",
    "fail",
    "float",
    "getattr",
    "hasattr",
    "hash",
    "int",
    "len",
    "list",
    "max",
    "min",
    "ord",
    "range",
    "repr",
    "reversed",
    "sorted",
    "str",
    "tuple",
    "type",
    "zip",
];

impl Native {
    pub(super) fn by_name(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(Self)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.get(self.0).copied().unwrap_or_default()
    }
}

impl Interpreter {
    pub(super) fn call_native(
        &mut self,
        native: Native,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        let name = native.name();
        let at = span.at;
        match name {
            "prefix_rule" => self.prefix_rule(arguments, span),
            "network_rule" => self.network_rule(arguments, span),
            "host_executable" => self.host_executable(arguments, span),
            "dict" => self.make_dict(arguments, at),
            "max" | "min" => self.extreme(name, arguments, at),
            "sorted" => self.sorted(arguments, at),
            "zip" => self.zip(&arguments.positional, at),
            "fail" => {
                let mut parts = vec![];
                for value in &arguments.positional {
                    parts.push(self.show(value, at)?);
                }
                Err(Fault::refused(at, format!("fail: {}", parts.join(" "))))
            }
            _ => {
                let Arguments { positional, named } = arguments;
                if !named.is_empty() {
                    return Err(Fault::unsupported(at, "a named argument of this function"));
                }
                self.simple_native(name, &positional, at)
            }
        }
    }

    fn simple_native(&mut self, name: &str, given: &[Value], at: usize) -> Result<Value, Fault> {
        Ok(match (name, given) {
            ("bool", []) => Value::Bool(false),
            ("bool", [value]) => Value::Bool(self.truth(value)),
            ("str", [value]) => Value::text(self.show(value, at)?),
            ("repr", [value]) => Value::text(self.repr(value, at)?),
            ("type", [value]) => Value::text(value.type_name()),
            ("len", [value]) => self.length(value, at)?,
            ("list", []) => self.new_list(vec![]),
            ("tuple", []) => self.new_tuple(vec![]),
            ("list" | "tuple" | "reversed", [value]) => {
                let mut items = self.iterate(value, at)?;
                if name == "reversed" {
                    items.reverse();
                }
                if name == "tuple" { self.new_tuple(items) } else { self.new_list(items) }
            }
            ("any" | "all", [value]) => {
                let wanted = name == "any";
                let found = self.iterate(value, at)?.iter().any(|i| self.truth(i) == wanted);
                Value::Bool(found == wanted)
            }
            ("enumerate", [value]) => self.enumerate(value, 0, at)?,
            ("enumerate", [value, Value::Int(start)]) => self.enumerate(value, *start, at)?,
            ("range", [Value::Int(stop)]) => Value::Range(0, *stop, 1),
            ("range", [Value::Int(start), Value::Int(stop)]) => Value::Range(*start, *stop, 1),
            ("range", [Value::Int(start), Value::Int(stop), Value::Int(stride)]) => {
                if *stride == 0 || *stride == i64::MIN {
                    let message = "Third argument of range (step) cannot be null";
                    return Err(Fault::refused(at, message));
                }
                Value::Range(*start, *stop, *stride)
            }
            ("abs", [Value::Int(value)]) => match value.checked_abs() {
                Some(value) => Value::Int(value),
                None => return Err(Fault::unsupported(at, "an integer of more than 64 bits")),
            },
            ("int", [Value::Int(value)]) => Value::Int(*value),
            ("int", [Value::Bool(value)]) => Value::Int(i64::from(*value)),
            ("int", [Value::Text(text)]) => match text.parse() {
                Ok(value) => Value::Int(value),
                Err(_) => return Err(Fault::unsupported(at, "`int` of this text")),
            },
            ("hash", [Value::Text(text)]) => Value::Int(hash(text)),
            _ => {
                let what = format!("`{name}` with these arguments");
                return Err(Fault::unsupported(at, &what));
            }
        })
    }

    fn length(&mut self, value: &Value, at: usize) -> Result<Value, Fault> {
        let length = match value {
            Value::Text(text) => text.chars().count(),
            Value::List(id) | Value::Tuple(id) => self.items(*id).len(),
            Value::Dict(id) => self.dict(*id).map_or(0, Dict::len),
            Value::Range(start, stop, stride) => range_length(*start, *stop, *stride),
            other => {
                let kind = other.type_name();
                let message = format!("Operation `len()` not supported on type `{kind}`");
                return Err(Fault::refused(at, message));
            }
        };
        Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
    }

    fn enumerate(&mut self, value: &Value, start: i64, at: usize) -> Result<Value, Fault> {
        let mut pairs = vec![];
        let mut place = start;
        for item in self.iterate(value, at)? {
            pairs.push(self.new_tuple(vec![Value::Int(place), item]));
            place = place.saturating_add(1);
        }
        Ok(self.new_list(pairs))
    }

    fn zip(&mut self, given: &[Value], at: usize) -> Result<Value, Fault> {
        let mut columns = vec![];
        for value in given {
            columns.push(self.iterate(value, at)?.into_iter());
        }
        let mut rows = vec![];
        while !columns.is_empty() {
            let row: Vec<Value> = columns.iter_mut().filter_map(Iterator::next).collect();
            if row.len() < columns.len() {
                break;
            }
            rows.push(self.new_tuple(row));
        }
        Ok(self.new_list(rows))
    }

    fn make_dict(&mut self, arguments: Arguments, at: usize) -> Result<Value, Fault> {
        let Arguments { positional, named } = arguments;
        let mut dict = match positional.as_slice() {
            [] => Dict::default(),
            [Value::Dict(id)] => self.dict(*id).cloned().unwrap_or_default(),
            [pairs] => {
                let mut dict = Dict::default();
                for pair in self.iterate(pairs, at)? {
                    let pair = self.iterate(&pair, at)?;
                    let [key, value] = pair.as_slice() else {
                        return Err(Fault::refused(at, "dict needs pairs of key and value"));
                    };
                    dict.set(self.key(key, at)?, key.clone(), value.clone());
                }
                dict
            }
            _ => return refuse_extra("dict", positional.len() - 1, &[], at).map(|()| Value::None),
        };
        self.charge(dict.len(), at)?;
        for (name, value) in named {
            let key = Value::text(&name);
            dict.set(self.key(&key, at)?, key, value);
        }
        Ok(self.new_dict(dict))
    }

    /// The values with what they are compared by.
    fn keyed(
        &mut self,
        items: Vec<Value>,
        function: Option<&Value>,
        at: usize,
    ) -> Result<Vec<(Value, Value)>, Fault> {
        let mut keyed = vec![];
        for item in items {
            let key = match function {
                None | Some(Value::None) => item.clone(),
                Some(function) => {
                    let arguments = Arguments { positional: vec![item.clone()], named: vec![] };
                    self.call(function, arguments, Span { at, end: at })?
                }
            };
            keyed.push((key, item));
        }
        Ok(keyed)
    }

    fn extreme(&mut self, name: &str, arguments: Arguments, at: usize) -> Result<Value, Fault> {
        let Arguments { positional, mut named } = arguments;
        let function = take_named(&mut named, "key");
        refuse_extra(name, 0, &named, at)?;
        let items = match positional.as_slice() {
            [one] => self.iterate(one, at)?,
            _ => positional,
        };
        let wanted = if name == "max" { Ordering::Greater } else { Ordering::Less };
        let mut best: Option<(Value, Value)> = None;
        for (key, item) in self.keyed(items, function.as_ref(), at)? {
            let better = match &best {
                None => true,
                Some((held, _)) => self.order(&key, held, at)? == wanted,
            };
            if better {
                best = Some((key, item));
            }
        }
        let message = format!("Argument is an empty iterable, {name} of nothing");
        best.map(|(_, item)| item).ok_or_else(|| Fault::refused(at, message))
    }

    fn sorted(&mut self, arguments: Arguments, at: usize) -> Result<Value, Fault> {
        let Arguments { positional, mut named } = arguments;
        let function = take_named(&mut named, "key");
        let reverse = take_named(&mut named, "reverse").is_some_and(|value| self.truth(&value));
        refuse_extra("sorted", positional.len().saturating_sub(1), &named, at)?;
        let Some(values) = positional.first() else {
            return Err(Fault::refused(at, "Missing parameter `x` for call to `sorted`"));
        };
        let items = self.iterate(values, at)?;
        let keyed = self.keyed(items, function.as_ref(), at)?;
        let keyed = self.merge_sort(keyed, reverse, at)?;
        Ok(self.new_list(keyed.into_iter().map(|(_, item)| item).collect()))
    }

    /// A stable sort whose comparisons may fail. The library's sort may panic on an order that is
    /// not total, which values of mixed types have.
    fn merge_sort(
        &mut self,
        items: Vec<(Value, Value)>,
        reverse: bool,
        at: usize,
    ) -> Result<Vec<(Value, Value)>, Fault> {
        let later = if reverse { Ordering::Less } else { Ordering::Greater };
        let mut runs: VecDeque<VecDeque<(Value, Value)>> =
            items.into_iter().map(|item| VecDeque::from([item])).collect();
        // Each round merges neighbours, so that equal items keep their order.
        while runs.len() > 1 {
            let mut merged = VecDeque::new();
            while let Some(mut left) = runs.pop_front() {
                let mut right = runs.pop_front().unwrap_or_default();
                let mut run = VecDeque::with_capacity(left.len() + right.len());
                while let (Some((left_key, _)), Some((right_key, _))) =
                    (left.front(), right.front())
                {
                    let from_right = self.order(left_key, right_key, at)? == later;
                    run.extend(if from_right { right.pop_front() } else { left.pop_front() });
                }
                run.append(&mut left);
                run.append(&mut right);
                merged.push_back(run);
            }
            runs = merged;
        }
        Ok(runs.pop_front().map(Vec::from).unwrap_or_default())
    }
}

/// The hash of a text as Java and Starlark have it.
fn hash(text: &str) -> i64 {
    let mut hash = 0_i32;
    for unit in text.encode_utf16() {
        hash = hash.wrapping_mul(31).wrapping_add(i32::from(unit));
    }
    i64::from(hash)
}
