//! Values chosen from a fixed list. Variants stand in the order of Codex's error texts.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A way of signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoginMethod {
    /// With a ChatGPT account.
    Chatgpt,
    /// With an API key.
    Api,
}

/// Where sign-in credentials are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialsStore {
    /// In a file below `CODEX_HOME`.
    File,
    /// In the keyring of the operating system.
    Keyring,
    /// In the keyring where there is one, else in a file.
    Auto,
    /// In memory only.
    Ephemeral,
}

/// How far commands are fenced in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxMode {
    /// Commands may read only.
    ReadOnly,
    /// Commands may write in the workspace.
    WorkspaceWrite,
    /// No fence.
    DangerFullAccess,
    /// The fence is somebody else's; never printed by Codex.
    ExternalSandbox,
}

/// How the web search tool works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebSearchMode {
    /// Not at all.
    Disabled,
    /// On stored pages.
    Cached,
    /// On an index.
    Indexed,
    /// On the live web.
    Live,
}

/// Whether something is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AllowDeny {
    /// It is.
    Allow,
    /// It is not.
    Deny,
}

/// How long a browser approval lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApprovalLifetime {
    /// One turn.
    Turn,
    /// The whole thread.
    Thread,
}

/// An implementation of the sandbox on Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WindowsSandbox {
    /// With an elevated helper.
    Elevated,
    /// Without one.
    Unelevated,
}

/// Where requests to `OpenAI` are processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Residency {
    /// In the United States.
    Us,
}

/// The kind of a marketplace source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MarketplaceSource {
    /// A repository.
    Git,
    /// Any repository on matching hosts.
    HostPattern,
    /// A local folder.
    Local,
}

/// How calls of an app tool are approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppToolApproval {
    /// As the tool's own hints say.
    Auto,
    /// By asking each time.
    Prompt,
    /// By asking before calls that write.
    Writes,
    /// Without asking.
    Approve,
}

/// The kind of remote compaction a model provider offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteCompaction {
    /// None.
    Unsupported,
    /// The second protocol.
    V2,
}

/// Which request methods a permission profile's network may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    /// Methods that only read.
    Limited,
    /// Every method.
    Full,
}

/// The protocol a model provider speaks. Read as a text, so a wrong type is "expected a string".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WireApi {
    /// The Responses protocol.
    Responses,
}

const CHAT_IS_GONE: &str = "`wire_api = \"chat\"` is no longer supported.\n\
    How to fix: set `wire_api = \"responses\"` in your provider config.\n\
    More info: https://github.com/openai/codex/discussions/7782";

impl<'de> Deserialize<'de> for WireApi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match name.as_str() {
            "responses" => Ok(Self::Responses),
            "chat" => Err(serde::de::Error::custom(CHAT_IS_GONE)),
            other => Err(serde::de::Error::unknown_variant(other, &["responses"])),
        }
    }
}
