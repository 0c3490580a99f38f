//! Approval policies and reviewers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// When Codex asks before it acts. Variants in the order of Codex's error text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalPolicy {
    /// Asks for everything that is not known to be safe.
    Untrusted,
    /// Read, and printed, as `on-request`.
    OnFailure,
    /// The model decides when to ask.
    OnRequest,
    /// Asks or not by kind of action.
    Granular(GranularApprovalConfig),
    /// Never asks.
    Never,
}

impl Serialize for ApprovalPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Untrusted => serializer.serialize_str("untrusted"),
            Self::OnFailure | Self::OnRequest => serializer.serialize_str("on-request"),
            Self::Never => serializer.serialize_str("never"),
            Self::Granular(kinds) => {
                serializer.serialize_newtype_variant("ApprovalPolicy", 3, "granular", kinds)
            }
        }
    }
}

/// Which kinds of action are asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "these are the fields of Codex's own table")]
pub struct GranularApprovalConfig {
    /// Actions outside the sandbox.
    pub sandbox_approval: bool,
    /// Commands that a rule prompts for.
    pub rules: bool,
    /// Running skills.
    #[serde(default)]
    pub skill_approval: bool,
    /// Requests for more permissions.
    #[serde(default)]
    pub request_permissions: bool,
    /// Questions of MCP servers.
    pub mcp_elicitations: bool,
}

/// Who answers approval requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalsReviewer {
    /// The person at the keyboard.
    User,
    /// A reviewing model.
    #[serde(alias = "guardian_subagent")]
    AutoReview,
}
