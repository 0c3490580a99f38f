//! Tools, skills and apps in a user's configuration. Names that Codex prints are Codex's own.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::AllowDeny;

/// Where tools may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolSurface {
    /// In code mode.
    CodeMode,
    /// Among tools that are loaded when needed.
    Deferred,
    /// Among tools the model sees at once.
    Direct,
}

/// The web search tool: on or off (ignored), or its settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WebSearchToolConfigInput {
    /// Read, and ignored.
    Enabled(bool),
    /// Settings.
    Config(WebSearchToolConfig),
}

/// Settings of the web search tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct WebSearchToolConfig {
    /// How much of the results the model sees.
    pub context_size: Option<WebSearchContextSize>,
    /// The only domains searched.
    pub allowed_domains: Option<Vec<String>>,
    /// Where the user is.
    pub location: Option<WebSearchLocation>,
}

/// How much of the results the model sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebSearchContextSize {
    /// Little.
    Low,
    /// Something in between.
    Medium,
    /// Much.
    High,
}

/// Where the user is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct WebSearchLocation {
    /// The country.
    pub country: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The time zone.
    pub timezone: Option<String>,
}

/// What can be suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolSuggestKind {
    /// An app.
    Connector,
    /// A plugin.
    Plugin,
}

/// A tool the model may suggest to install.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ToolSuggestDiscoverable {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ToolSuggestKind,
    /// Its identifier.
    pub id: String,
}

/// A tool the model may not suggest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ToolSuggestDisabledTool {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: ToolSuggestKind,
    /// Its identifier.
    pub id: String,
}

/// Whether one skill is on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct SkillConfig {
    /// The folder of the skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// The name of the skill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it is on.
    pub enabled: bool,
}

/// Access to a signed program on Windows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct ComputerUseWindowsExeConfigToml {
    /// Who signed it.
    pub publisher_name: String,
    /// Its product.
    pub product_name: String,
    /// Its file, for one program of a product.
    pub binary_name: Option<String>,
    /// Whether it may be used.
    pub access: AllowDeny,
}

/// Notifications: on or off, or the kinds that are on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Notifications {
    /// All, or none.
    Enabled(bool),
    /// Only these kinds.
    Custom(Vec<String>),
}

/// An environment variable passed on to an MCP server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum McpServerEnvVar {
    /// By name.
    Name(String),
    /// By name and origin.
    Config(McpServerEnvVarConfig),
}

/// An environment variable and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct McpServerEnvVarConfig {
    /// The variable.
    pub name: String,
    /// `local` or `remote`; a later check refuses everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A feature with settings of its own: on or off, or those settings. The settings' own types are
/// not checked here.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FeatureToml {
    /// On or off.
    Enabled(bool),
    /// Its settings.
    Config(serde_json::Map<String, serde_json::Value>),
}
