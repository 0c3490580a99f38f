//! Hooks in a user's configuration: read like those of a policy, printed with other names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Handlers for the calls a matcher selects.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[schemars(rename = "HookGroupSetting")]
pub struct MatcherGroup {
    /// A regular expression on the tool's name; none selects every call.
    #[serde(default)]
    pub matcher: Option<String>,
    /// What runs.
    #[serde(default)]
    pub hooks: Vec<HookHandlerConfig>,
}

/// One handler.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(rename = "HookHandlerSetting")]
pub enum HookHandlerConfig {
    /// A program.
    Command {
        /// The command line.
        command: String,
        /// The command line on Windows.
        #[serde(default, rename = "commandWindows", alias = "command_windows")]
        command_windows: Option<String>,
        /// Longest run time in seconds.
        #[serde(default)]
        timeout: Option<u64>,
        /// Whether Codex goes on without waiting.
        #[serde(default)]
        r#async: bool,
        /// What the user sees while it runs.
        #[serde(default, rename = "statusMessage")]
        status_message: Option<String>,
        /// How much of its output the model gets.
        #[serde(
            default,
            rename = "additionalContextLimit",
            skip_serializing_if = "Option::is_none"
        )]
        additional_context_limit: Option<usize>,
    },
    /// A tool of an MCP server.
    McpTool {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
        /// Its input.
        #[serde(default)]
        input: serde_json::Map<String, serde_json::Value>,
        /// Longest run time in seconds.
        #[serde(default)]
        timeout: Option<u64>,
        /// What the user sees while it runs.
        #[serde(default, rename = "statusMessage")]
        status_message: Option<String>,
    },
    /// A prompt; its fields are not read.
    Prompt {},
    /// An agent; its fields are not read.
    Agent {},
}
