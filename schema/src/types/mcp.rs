//! What an MCP server must be.

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The program or the address a server must have. Codex tries the readings in this order and
/// ignores other fields beside the one it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum McpIdentity {
    /// A program.
    Command {
        /// Which.
        command: CommandMatch,
    },
    /// An address.
    Url {
        /// Which.
        url: UrlMatch,
    },
}

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum CommandMatch {
    /// By name, with any arguments.
    Program(String),
    /// By name and arguments.
    Invocation(Invocation),
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// The program.
    pub executable: String,
    /// One matcher for each argument.
    pub args: Vec<TextMatch>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UrlMatch {
    /// Exactly this one.
    Exact(String),
    /// Whatever matches.
    Match(TextMatch),
}

/// A matcher for a text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "match", rename_all = "snake_case", deny_unknown_fields)]
pub enum TextMatch {
    /// Exactly this text.
    Exact {
        /// The text.
        value: String,
    },
    /// Texts that begin so.
    Prefix {
        /// The beginning.
        value: String,
    },
    /// Texts that match as a whole.
    Regex {
        /// The regular expression.
        expression: String,
    },
}

#[derive(Deserialize)]
struct Command {
    command: CommandMatch,
}

#[derive(Deserialize)]
struct Url {
    url: UrlMatch,
}

impl<'de> Deserialize<'de> for McpIdentity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Codex refuses the positional form here, unlike everywhere else.
        let value = serde_json::Value::deserialize(deserializer)?;
        let table = value.is_object();
        if let (true, Ok(Command { command })) = (table, Command::deserialize(&value)) {
            return Ok(Self::Command { command });
        }
        if let (true, Ok(Url { url })) = (table, Url::deserialize(&value)) {
            return Ok(Self::Url { url });
        }
        let words = "data did not match any variant of untagged enum RawMcpServerIdentity";
        Err(D::Error::custom(words))
    }
}
