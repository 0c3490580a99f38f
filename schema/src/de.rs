//! Reads a [`Node`] as a Rust type, with the words of the TOML library inside Codex and with the
//! exact place of the mistake.
//!
//! Codex reads a layer as a TOML value first and as typed structs second, so its type errors
//! carry a key path and never a line. The texts here follow that second step; the place is ours.

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};

use crate::span::Span;
use crate::value::{Entry, Node, Value};

/// A value of the wrong type or with an impossible content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeProblem {
    /// serde's words.
    pub message: String,
    /// The keys of the tables between the document and the mistake, outermost first.
    pub keys: Vec<String>,
    /// The place of the offending value.
    pub span: Option<Span>,
}

impl TypeProblem {
    /// A problem at a value.
    pub fn at(node: &Node, message: &dyn std::fmt::Display) -> Self {
        Self { message: message.to_string(), keys: Vec::new(), span: Some(node.span) }
    }

    /// The text as Codex prints it: the message, then the key path on a line of its own.
    pub fn as_codex_prints(&self) -> String {
        if self.keys.is_empty() {
            return format!("{}\n", self.message);
        }
        format!("{}\nin `{}`\n", self.message, self.keys.join("."))
    }
}

impl std::fmt::Display for TypeProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for TypeProblem {}

impl de::Error for TypeProblem {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), keys: Vec::new(), span: None }
    }
}

/// Reads a value as a type.
///
/// # Errors
/// What serde says about the first mismatch in the order of the file.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, TypeProblem> {
    T::deserialize(Reader(node)).map_err(|problem| placed(problem, node))
}

/// A map whose values serde buffers before it reads them.
#[derive(serde::Deserialize)]
struct Buffer<T> {
    #[serde(flatten)]
    values: std::collections::BTreeMap<String, T>,
}

/// Reads a value through serde's buffer, as Codex does below flattened and untagged tables.
///
/// # Errors
/// serde's words for a mismatch; the place is the whole value, because the buffer has none.
pub fn from_buffered_node<T: DeserializeOwned>(node: &Node) -> Result<(), TypeProblem> {
    let mut table = crate::value::Table::default();
    let key = crate::span::Sourced { value: "value".into(), span: node.span };
    table.insert(key, node.clone());
    let map = Node { value: Value::Table(table), span: node.span };
    let buffer: Buffer<T> = from_node(&map).map_err(|mut problem| {
        problem.keys.clear();
        problem
    })?;
    drop(buffer.values);
    Ok(())
}

fn placed(mut problem: TypeProblem, node: &Node) -> TypeProblem {
    problem.span.get_or_insert(node.span);
    problem
}

#[derive(Clone, Copy)]
struct Reader<'node>(&'node Node);

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = TypeProblem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeProblem> {
        let node = self.0;
        let result = match &node.value {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Datetime(text) => visitor.visit_borrowed_str(text),
            Value::Array(elements) => {
                let mut rest = Elements(elements.iter());
                let value = visitor.visit_seq(&mut rest);
                if value.is_ok() && !rest.0.as_slice().is_empty() {
                    let problem: TypeProblem =
                        de::Error::invalid_length(elements.len(), &"fewer elements in array");
                    return Err(placed(problem, node));
                }
                value
            }
            Value::Table(table) => visitor.visit_map(Entries { rest: table.iter(), current: None }),
        };
        result.map_err(|problem| placed(problem, node))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeProblem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeProblem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeProblem> {
        let node = self.0;
        let result = match &node.value {
            Value::String(variant) => {
                visitor.visit_enum(IntoDeserializer::<TypeProblem>::into_deserializer(&**variant))
            }
            Value::Table(table) => match (table.iter().next(), table.len()) {
                (None, _) => Err(de::Error::custom("wanted exactly 1 element, found 0 elements")),
                (Some(entry), 1) => visitor.visit_enum(Variant(entry)),
                (Some(_), _) => {
                    Err(de::Error::custom("wanted exactly 1 element, more than 1 element"))
                }
            },
            _ => Err(de::Error::invalid_type(Unexpected::UnitVariant, &"string only")),
        };
        result.map_err(|problem| placed(problem, node))
    }

    serde::forward_to_deserialize_any! {
        bool u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 char str string unit seq
        bytes byte_buf map unit_struct tuple_struct struct
        tuple ignored_any identifier
    }
}

struct Elements<'node>(std::slice::Iter<'node, Node>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = TypeProblem;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, TypeProblem> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(Reader(node)).map(Some).map_err(|problem| placed(problem, node))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.as_slice().len())
    }
}

struct Entries<'node> {
    rest: std::slice::Iter<'node, Entry>,
    current: Option<&'node Entry>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = TypeProblem;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, TypeProblem> {
        self.current = self.rest.next();
        let Some(entry) = self.current else { return Ok(None) };
        let key: StrDeserializer<'_, TypeProblem> = entry.key.value.into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mut problem| {
            problem.span.get_or_insert(entry.key.span);
            problem
        })
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, TypeProblem> {
        let Some(entry) = self.current.take() else {
            return Err(de::Error::custom("value is missing"));
        };
        seed.deserialize(Reader(&entry.node)).map_err(|problem| {
            let mut problem = placed(problem, &entry.node);
            problem.keys.insert(0, entry.key.value.to_string());
            problem
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// An enum variant written as a table of one key.
struct Variant<'node>(&'node Entry);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = TypeProblem;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self), TypeProblem> {
        let key: StrDeserializer<'_, TypeProblem> = self.0.key.value.into_deserializer();
        Ok((seed.deserialize(key)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = TypeProblem;

    fn unit_variant(self) -> Result<(), TypeProblem> {
        match &self.0.node.value {
            Value::Array(elements) if elements.is_empty() => Ok(()),
            Value::Array(_) => Err(de::Error::custom("expected empty array")),
            Value::Table(table) if table.is_empty() => Ok(()),
            Value::Table(_) => Err(de::Error::custom("expected empty table")),
            other => Err(de::Error::custom(format!("expected table, found {}", other.kind()))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, TypeProblem> {
        seed.deserialize(Reader(&self.0.node)).map_err(|problem| placed(problem, &self.0.node))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, TypeProblem> {
        Reader(&self.0.node).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeProblem> {
        Reader(&self.0.node).deserialize_any(visitor)
    }
}
