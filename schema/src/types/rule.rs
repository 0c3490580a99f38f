//! Rules on commands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule on commands that begin with certain words.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RequirementsExecPolicyPrefixRuleToml {
    /// Whether the command is brought into a normal form first.
    #[serde(default)]
    pub canonical_matching: bool,
    /// The words, in order.
    pub pattern: Vec<RequirementsExecPolicyPatternTokenToml>,
    /// What happens. Optional for the reader; a later check demands it.
    pub decision: Option<Decision>,
    /// Why, shown to the model.
    pub justification: Option<String>,
}

/// One word of a pattern. A later check demands exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RequirementsExecPolicyPatternTokenToml {
    /// Exactly this word.
    pub token: Option<String>,
    /// Any of these words.
    pub any_of: Option<Vec<String>>,
}

/// What happens to a command, loosest first: where several rules match, Codex takes the strictest.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It runs; a later check refuses this in requirements.
    Allow,
    /// Somebody is asked.
    Prompt,
    /// The user is asked, never a reviewing model.
    PromptUser,
    /// It does not run.
    Forbidden,
}
