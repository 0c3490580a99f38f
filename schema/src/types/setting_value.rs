//! Values of settings that may be written in more than one way.

use std::num::NonZeroU16;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// ChatGPT workspaces: one, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WorkspaceIds {
    /// One.
    Single(String),
    /// Several.
    Multiple(Vec<String>),
}

/// What serde tries first; the name stands in its error text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Repr {
    Single(String),
    Multiple(Vec<String>),
}

const NO_COMMAS: &str = "forced_chatgpt_workspace_id must be a single workspace ID string or a \
    TOML list of strings; comma-separated strings are not supported. Use \
    `forced_chatgpt_workspace_id = [\"123e4567-e89b-42d3-a456-426614174000\", \
    \"123e4567-e89b-42d3-a456-426614174001\"]` instead.";

impl<'de> Deserialize<'de> for WorkspaceIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Repr::deserialize(deserializer)? {
            Repr::Single(one) if one.contains(',') => Err(D::Error::custom(NO_COMMAS)),
            Repr::Single(one) => Ok(Self::Single(one)),
            Repr::Multiple(several) => Ok(Self::Multiple(several)),
        }
    }
}

/// Channels of a microphone: one, or a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum MicrophoneChannels {
    /// One, counted from 1.
    Single(NonZeroU16),
    /// Several.
    Multiple(Vec<NonZeroU16>),
}

/// Where threads are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadStoreToml {
    /// In files below `CODEX_HOME`.
    Local {},
    /// In memory, for tests.
    InMemory {
        /// The name of the store.
        id: String,
    },
}

/// Seconds, fractions allowed, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Seconds(#[schemars(range(min = 0))] f64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        match std::time::Duration::try_from_secs_f64(seconds) {
            Ok(duration) => Ok(Self(duration.as_secs_f64())),
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

/// Keys bound to an action: one combination, or a list; an empty list unbinds the action. The
/// names of keys are not checked here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Keybindings {
    /// One combination.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl JsonSchema for Keybindings {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Keybindings".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } },
            ]
        })
    }
}

impl<'de> Deserialize<'de> for Keybindings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeybindingsVisitor)
    }
}

struct KeybindingsVisitor;

impl<'de> Visitor<'de> for KeybindingsVisitor {
    type Value = Keybindings;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a keybinding string or a list of keybinding strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Keybindings, E> {
        Ok(Keybindings::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Keybindings, A::Error> {
        let mut several = Vec::new();
        while let Some(text) = list.next_element()? {
            several.push(text);
        }
        Ok(Keybindings::Many(several))
    }
}
