//! Conformance vectors: worlds with a question and the answer that a real Codex gave.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::OracleError;
use crate::install::CodexBinary;
use crate::isolation::Isolation;
use crate::oracle::{Oracle, ask};
use crate::spec::WorldSpec;
use crate::world::World;

/// What an expectation says about a pointer that must lead nowhere.
pub const ABSENT: &str = "<absent>";

/// A file of vectors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    /// What kind of file this is.
    pub format: String,
    /// What the recorded program said to `--version`, such as `codex-cli 0.169.0`.
    pub codex: String,
    /// The vectors.
    pub vectors: Vec<Vector>,
}

/// One world, one question, one answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// A name that no other vector of the file has.
    pub name: String,
    /// Why the answer is surprising.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The world.
    #[serde(flatten)]
    pub world: WorldSpec,
    /// The question.
    #[serde(flatten)]
    pub oracle: Oracle,
    /// Values by JSON pointer into the answer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, Value>,
    /// Text that must be part of Codex's refusal; there is then no document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// One way in which an answer differs from a vector.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// Another value at a pointer.
    #[error("at `{pointer}`: expected {expected}, got {actual}")]
    Value {
        /// The JSON pointer.
        pointer: String,
        /// What the vector says.
        expected: Value,
        /// What was answered, or [`ABSENT`].
        actual: Value,
    },
    /// A document where a refusal was expected.
    #[error("expected the refusal `{expected}`, got {document}")]
    NotRefused {
        /// The text the refusal must contain.
        expected: String,
        /// What came instead.
        document: Value,
    },
    /// A refusal in other words, or where a document was expected.
    #[error("refused with `{message}`, expected {expected:?}")]
    Refused {
        /// The text the refusal must contain, if one was expected.
        expected: Option<String>,
        /// What was said.
        message: String,
    },
}

impl VectorFile {
    /// Parses a vector file.
    ///
    /// # Errors
    ///
    /// When the text is not JSON of this shape.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Reads a vector file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is not a vector file.
    pub fn load(path: &Path) -> std::io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string(path)?)?)
    }

    /// Returns the project's own vectors of 0.169.0.
    ///
    /// # Errors
    ///
    /// When the committed file is damaged.
    pub fn codex_0_169_0() -> Result<Self, serde_json::Error> {
        Self::parse(include_str!("../vectors/codex-0.169.0.json"))
    }
}

impl Vector {
    /// Asks the real Codex.
    ///
    /// # Errors
    ///
    /// As [`ask`].
    pub fn answer(
        &self,
        isolation: &Isolation,
        binary: &CodexBinary,
    ) -> Result<Value, OracleError> {
        let world = World::build(isolation, binary, &self.world)?;
        ask(&world, &self.oracle)
    }

    /// Compares an answer, of Codex or of a model of it, with this vector; empty means it agrees.
    pub fn compare(&self, answer: Result<&Value, &str>) -> Vec<Mismatch> {
        match (answer, &self.error) {
            (Ok(document), None) => compare(&self.expect, document),
            (Ok(document), Some(expected)) => {
                let (expected, document) = (expected.clone(), document.clone());
                vec![Mismatch::NotRefused { expected, document }]
            }
            (Err(message), expected) => {
                // Recorded on one line, and held together as the random machines are.
                let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let message = one_line(message);
                match expected {
                    Some(expected) if message.contains(&one_line(expected)) => Vec::new(),
                    _ => vec![Mismatch::Refused { expected: expected.clone(), message }],
                }
            }
        }
    }

    /// Asks the real Codex and compares.
    ///
    /// # Errors
    ///
    /// [`OracleError::Harness`] only: a refusal is an answer.
    pub fn replay(
        &self,
        isolation: &Isolation,
        binary: &CodexBinary,
    ) -> Result<Vec<Mismatch>, OracleError> {
        match self.answer(isolation, binary) {
            Ok(document) => Ok(self.compare(Ok(&document))),
            Err(OracleError::Refused { message }) => Ok(self.compare(Err(&message))),
            Err(error @ OracleError::Harness { .. }) => Err(error),
        }
    }
}

/// Compares a document with values by JSON pointer ([`ABSENT`]: the pointer must lead nowhere).
pub fn compare(expect: &BTreeMap<String, Value>, document: &Value) -> Vec<Mismatch> {
    expect
        .iter()
        .filter_map(|(pointer, expected)| {
            let actual = document.pointer(pointer).cloned().unwrap_or_else(|| ABSENT.into());
            (actual != *expected).then(|| Mismatch::Value {
                pointer: pointer.clone(),
                expected: expected.clone(),
                actual,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Value, VectorFile};

    const TEXT: &str = include_str!("../vectors/codex-0.169.0.json");

    /// Fields that this crate does not know would be dropped silently and change the question.
    #[test]
    fn every_field_of_every_vector_is_understood() {
        let file = VectorFile::parse(TEXT).unwrap();
        let back = serde_json::to_value(&file).unwrap();
        let original: Value = serde_json::from_str(TEXT).unwrap();
        let pairs =
            original["vectors"].as_array().unwrap().iter().zip(back["vectors"].as_array().unwrap());
        for (original, back) in pairs {
            let mut original = original.clone();
            // An empty expectation says the same as none.
            if original["expect"].as_object().is_some_and(serde_json::Map::is_empty) {
                original.as_object_mut().unwrap().remove("expect");
            }
            assert_eq!(original, *back);
        }
    }

    #[test]
    fn names_are_unique() {
        let file = VectorFile::parse(TEXT).unwrap();
        let names: BTreeSet<_> = file.vectors.iter().map(|vector| &vector.name).collect();
        assert_eq!((names.len(), file.vectors.len()), (164, 164));
    }
}
