//! What a policy answers, as data: the verdict, the entries that made it, and what to do.

use schemars::JsonSchema;
use serde::Serialize;

use codex_schema::span::Span;

/// What happens, mildest first: of several parts of one thing the strictest counts.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    serde::Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It happens, and nothing in the policy has a say in it.
    Unmanaged,
    /// It happens, within what the sandbox allows.
    Allow,
    /// Whoever reviews approvals is asked: a person, or the automatic reviewer.
    Prompt,
    /// A person is asked; the automatic reviewer never answers.
    PromptUser,
    /// It does not happen.
    Deny,
}

impl Verdict {
    /// The word for it in files and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unmanaged => "unmanaged",
            Self::Allow => "allow",
            Self::Prompt => "prompt",
            Self::PromptUser => "prompt-user",
            Self::Deny => "deny",
        }
    }
}

/// Where a command runs when it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Within the sandbox and behind the managed proxy.
    Sandboxed,
    /// Outside of both.
    OutsideSandbox,
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What the question came to: the host without its port, the absolute path, the script.
    pub subject: String,
    /// What happens.
    pub verdict: Verdict,
    /// Where a command runs when it is let through; `None` for everything else.
    pub placement: Option<Placement>,
    /// Why, in one sentence without a full stop.
    pub because: String,
    /// The entries that matched, the deciding one first.
    pub entries: Vec<EntrySaid>,
    /// The commands of a script, or the script as one opaque command.
    pub parts: Vec<Part>,
    /// Entries that nearly matched, nearest first.
    pub near: Vec<NearMiss>,
    /// What the program or the person is shown by Codex, where that is known to the letter.
    pub codex_says: Option<String>,
    /// What else a reader must know.
    pub notes: Vec<String>,
    /// What can be done.
    pub advice: Vec<String>,
}

impl Answer {
    /// An answer without entries.
    pub fn new(subject: impl Into<String>, verdict: Verdict, because: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            verdict,
            placement: None,
            because: because.into(),
            entries: Vec::new(),
            parts: Vec::new(),
            near: Vec::new(),
            codex_says: None,
            notes: Vec::new(),
            advice: Vec::new(),
        }
    }
}

/// An entry of the policy that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntrySaid {
    /// The key or file it belongs to, such as `rules.prefix_rules`.
    pub key: String,
    /// The entry in words, such as `*.evil.example`.
    pub text: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in its author's words.
    pub reason: Option<String>,
    /// Where it stands.
    pub span: Span,
}

/// One command of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its words.
    pub words: Vec<String>,
    /// Why it could not be taken apart, where it could not: rules then see only the shell.
    pub opaque: Option<String>,
    /// What happens to it.
    pub verdict: Verdict,
    /// Who says so, in a few words: an entry, or Codex's own list.
    pub by: String,
    /// The entries that matched it, the deciding one first.
    pub entries: Vec<EntrySaid>,
}

/// An entry that nearly matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The entry.
    pub entry: EntrySaid,
    /// Where the two part, in words.
    pub differs: String,
}

impl From<codex_schema::types::case::Decision> for Verdict {
    fn from(decision: codex_schema::types::case::Decision) -> Self {
        use codex_schema::types::case::Decision;
        match decision {
            Decision::Unmanaged => Self::Unmanaged,
            Decision::Allow => Self::Allow,
            Decision::Prompt => Self::Prompt,
            Decision::PromptUser => Self::PromptUser,
            Decision::Deny => Self::Deny,
        }
    }
}

impl From<codex_schema::types::case::Placement> for Placement {
    fn from(placement: codex_schema::types::case::Placement) -> Self {
        match placement {
            codex_schema::types::case::Placement::Sandboxed => Self::Sandboxed,
            codex_schema::types::case::Placement::OutsideSandbox => Self::OutsideSandbox,
        }
    }
}
