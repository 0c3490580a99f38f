//! Values of settings chosen from a fixed list. Variants stand in the order of Codex's error texts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which tokens count towards the compaction limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompactionScope {
    /// All of them.
    Total,
    /// Those after the prefix that compaction keeps.
    BodyAfterPrefix,
}

/// How the model's reasoning is summarised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningSummary {
    /// As the model does by default.
    Auto,
    /// Briefly.
    Concise,
    /// At length.
    Detailed,
    /// Not at all.
    None,
}

/// How long the model's answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// Short.
    Low,
    /// In between.
    Medium,
    /// Long.
    High,
}

/// The tone of the model's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Personality {
    /// None in particular.
    None,
    /// Warm.
    Friendly,
    /// Matter-of-fact.
    Pragmatic,
}

/// What happens after too many denials by the reviewing model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CircuitBreakAction {
    /// The turn is interrupted.
    Default,
    /// The stricter treatment.
    Strict,
}

/// Whether a project folder's own configuration is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrustLevel {
    /// It is.
    Trusted,
    /// It is not.
    Untrusted,
}

/// Which environment variables commands start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ShellInherit {
    /// The few that programs need.
    Core,
    /// All of them.
    All,
    /// None of them.
    None,
}

/// What a filter does to variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FilterAction {
    /// Passes them on.
    Include,
    /// Takes them away.
    Exclude,
}

/// How far commands are fenced in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxSetting {
    /// Commands may read only.
    ReadOnly,
    /// Commands may write in the workspace.
    WorkspaceWrite,
    /// No fence.
    DangerFullAccess,
}

/// An implementation of the sandbox on Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowsSandboxSetting {
    /// With an elevated helper.
    Elevated,
    /// Without one.
    Unelevated,
    /// With MXC.
    Mxc,
}

/// How a client secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuth {
    /// In a header.
    ClientSecretBasic,
    /// In the body.
    ClientSecretPost,
}

/// Where credentials for MCP servers are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum McpCredentialsStore {
    /// In the keyring where there is one, else in a file.
    Auto,
    /// In a file below `CODEX_HOME`.
    File,
    /// In the keyring of the operating system.
    Keyring,
}

/// How Codex signs in at an MCP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum McpAuth {
    /// With OAuth at the server.
    Oauth,
    /// With the user's ChatGPT account.
    Chatgpt,
    /// With the enterprise identity provider.
    EmaAuth,
}

/// When an MCP server counts as started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StartupReadiness {
    /// When it is connected.
    Connection,
    /// When its tools are known.
    Catalog,
}

/// Whether prompts are kept in the history file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryPersistence {
    /// They are.
    SaveAll,
    /// They are not.
    None,
}

/// The editor that links to files open in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileOpener {
    /// Visual Studio Code.
    Vscode,
    /// Its preview.
    VscodeInsiders,
    /// Windsurf.
    Windsurf,
    /// Cursor.
    Cursor,
    /// No links.
    None,
}

/// Who searches the web for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchProvider {
    /// The separate endpoint.
    Standalone,
    /// An MCP server.
    SearchMcp,
}

/// The implementation of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MemoriesVersion {
    /// The first.
    V1,
    /// The second.
    V2,
}

/// The kind of a marketplace's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MarketplaceKind {
    /// A repository.
    Git,
    /// A local folder.
    Local,
}
