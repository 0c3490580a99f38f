//! Values of the evaluation. Lists, tuples, dictionaries and functions live in one heap and are
//! named by index: nothing is ever dropped recursively, and cycles cost nothing.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::builtins::Native;
use super::syntax::{Definition, Names};

#[derive(Clone, Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    List(usize),
    Tuple(usize),
    Dict(usize),
    /// Start, stop and step; the step is never 0.
    Range(i64, i64, i64),
    Function(usize),
    Native(Native),
    /// A method with its object, which is a text, list or dictionary.
    Method(Rc<(Value, String)>),
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Rc::from(text.as_ref()))
    }

    /// The name that Codex prints for the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "string",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Range(..) => "range",
            Self::Function(_) | Self::Native(_) | Self::Method(_) => "function",
        }
    }
}

#[derive(Debug)]
pub(super) enum Object {
    List(Vec<Value>),
    Tuple(Vec<Value>),
    Dict(Dict),
    Function { definition: Rc<Definition>, defaults: Vec<Option<Value>>, frame: usize },
}

/// A dictionary in order of insertion. Keys are compared by a text that is equal exactly when the
/// values are (`Interpreter::key`).
#[derive(Clone, Debug, Default)]
pub(super) struct Dict {
    by_key: BTreeMap<String, (u64, Value, Value)>,
    order: BTreeMap<u64, String>,
    next: u64,
}

impl Dict {
    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    pub(super) fn find(&self, key: &str) -> Option<&Value> {
        self.by_key.get(key).map(|(_, _, value)| value)
    }

    /// Sets a value; an existing key keeps its place.
    pub(super) fn set(&mut self, key: String, key_value: Value, value: Value) {
        if let Some((_, _, old)) = self.by_key.get_mut(&key) {
            *old = value;
            return;
        }
        self.order.insert(self.next, key.clone());
        self.by_key.insert(key, (self.next, key_value, value));
        self.next += 1;
    }

    pub(super) fn remove(&mut self, key: &str) -> Option<Value> {
        let (place, _, value) = self.by_key.remove(key)?;
        self.order.remove(&place);
        Some(value)
    }

    pub(super) fn items(&self) -> Vec<(Value, Value)> {
        let entries = self.order.values().filter_map(|key| self.by_key.get(key));
        entries.map(|(_, key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The variables of one running module, function or comprehension.
#[derive(Debug)]
pub(super) struct Frame {
    /// Names that belong to this frame, bound yet or not.
    pub(super) names: Names,
    pub(super) values: HashMap<String, Value>,
    pub(super) parent: Option<usize>,
}

/// Bytes of a call in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) at: usize,
    pub(super) end: usize,
}

#[derive(Debug, Default)]
pub(super) struct Arguments {
    pub(super) positional: Vec<Value>,
    pub(super) named: Vec<(String, Value)>,
}
