//! What is asked of a policy.

use serde_json::Value as Json;

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// May this program be started: its words, as the model's tool gives them.
    Command(Vec<String>),
    /// May this shell script be run.
    Script(String),
    /// May this host be reached; a port and brackets may stand with it.
    Host(String),
    /// May this path be touched.
    Path {
        /// The path as a person writes it: `~`, `..` and relative paths are understood.
        path: String,
        /// How.
        access: Access,
    },
    /// May this MCP server run.
    Server {
        /// Its name in the configuration.
        name: String,
        /// What it is; `None` asks about the server that is configured under this name.
        launch: Option<Launch>,
    },
    /// Is this feature on.
    Feature(String),
    /// May a setting of `config.toml` have this value.
    Setting {
        /// Its dotted key.
        key: String,
        /// The value that is wanted.
        value: Json,
    },
}

/// What an MCP server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Launch {
    /// A program with its arguments.
    Program(Vec<String>),
    /// An address.
    Address(String),
}

/// How a path is touched.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It is read.
    Read,
    /// It is written.
    Write,
}

impl std::fmt::Display for Question {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(words) => formatter.write_str(&words.join(" ")),
            Self::Script(text) | Self::Host(text) | Self::Feature(text) => {
                formatter.write_str(text)
            }
            Self::Server { name, launch: None } => formatter.write_str(name),
            Self::Server { name, launch: Some(Launch::Program(words)) } => {
                write!(formatter, "{name} = {}", words.join(" "))
            }
            Self::Server { name, launch: Some(Launch::Address(url)) } => {
                write!(formatter, "{name} = {url}")
            }
            Self::Path { path, access: Access::Read } => write!(formatter, "read {path}"),
            Self::Path { path, access: Access::Write } => write!(formatter, "write {path}"),
            Self::Setting { key, value } => write!(formatter, "{key} = {value}"),
        }
    }
}

impl From<codex_schema::types::case::Access> for Access {
    fn from(access: codex_schema::types::case::Access) -> Self {
        match access {
            codex_schema::types::case::Access::Read => Self::Read,
            codex_schema::types::case::Access::Write => Self::Write,
        }
    }
}
