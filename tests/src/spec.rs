//! What a world is made of, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The description of one machine, user and working folder that Codex is started in.
///
/// In every text, `$CWD`, `$CODEX_HOME` and `$USER_HOME` stand for the world's folders. The same fields, by the
/// same names, are the world half of a conformance vector.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WorldSpec {
    /// Content by path; paths start with `/etc/codex/`, `$CODEX_HOME/`, `$CWD/` or `$HOME/`.
    #[serde(default)]
    pub files: BTreeMap<String, FileSpec>,
    /// What a loopback config server hands out. With this (or `http`) a `[config_server]` table is
    /// appended to `/etc/codex/requirements.toml`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// What the config server answers instead of a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpAnswer>,
    /// State of the managed-config cache; the server then answers 404 while Codex is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<Cache>,
    /// The machine's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// Arguments for Codex, before the sub-command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Environment variables on top of the few that every world has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The numeric user to run Codex as, owner of everything outside `/etc/codex`. Root when not
    /// given; root reads unreadable files, so tests of those need another user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
}

impl WorldSpec {
    /// Returns a world with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a text file.
    #[must_use]
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.files.insert(path.to_owned(), FileSpec::Text(content.to_owned()));
        self
    }

    /// Adds or replaces something that is not a plain text file.
    #[must_use]
    pub fn special(mut self, path: &str, special: SpecialFile) -> Self {
        self.files.insert(path.to_owned(), FileSpec::Special(special));
        self
    }

    /// Serves a bundle from a loopback config server.
    #[must_use]
    pub fn bundle(mut self, bundle: Bundle) -> Self {
        self.bundle = Some(bundle);
        self
    }

    /// Sets the machine's name.
    #[must_use]
    pub fn hostname(mut self, hostname: &str) -> Self {
        self.hostname = Some(hostname.to_owned());
        self
    }

    /// Adds arguments before the sub-command.
    #[must_use]
    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs Codex as this numeric user.
    #[must_use]
    pub fn user(mut self, user: u32) -> Self {
        self.user = Some(user);
        self
    }
}

/// One thing in the file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FileSpec {
    /// A text file; `$CWD` and `$CODEX_HOME` in it are expanded.
    Text(String),
    /// Anything else.
    Special(SpecialFile),
}

/// What can be in the place of a plain text file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpecialFile {
    /// An empty folder where Codex expects a file.
    Directory {},
    /// A symbolic link to this target (expanded; may dangle or point at itself).
    Symlink(String),
    /// A file with this text and no permission at all; see [`WorldSpec::user`].
    Unreadable(String),
    /// A file with exactly these bytes, given in base64.
    Base64(String),
}

/// The answer of a config server that works.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// Requirement fragments as (id, TOML), highest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<(String, String)>,
    /// Config fragments as (id, TOML), highest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub config: Vec<(String, String)>,
    /// The whole answer as JSON; the other two fields are then not used.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub raw: Option<Value>,
}

/// The answer of a config server that does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The HTTP status.
    #[serde(default = "success")]
    pub status: u16,
    /// The body: a text is sent as it is, anything else as JSON.
    #[serde(default)]
    pub body: Value,
}

/// State of the managed-config cache when Codex is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// As Codex wrote it a moment ago.
    Fresh,
    /// With every `false` in its requirements made `true`, and the old signature.
    Tampered,
}

fn success() -> u16 {
    200
}

/// Keeps an explicit `null` apart from a missing field.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
