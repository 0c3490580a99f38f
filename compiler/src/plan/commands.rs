//! What two sets of command rules decide, compared over all commands there are.
//!
//! Both sets become one tree of words; every node knows the strictest rule of either side that ends
//! there. A walk over the sets of nodes that a command can be in at once meets every command that
//! matters: words that no rule names lead nowhere, and change nothing that was decided before them.
//! What is equal below a set of nodes is not walked. So the verdict is exact, or there is none:
//! [`Extent::TooLarge`].
//!
//! A program given with its path is looked up by its whole path first and by its name when no rule
//! begins with that path; `host_executable` in rule files says which paths count as a name.

mod side;
mod tree;
mod walk;

use codex_schema::span::Span;
use codex_schema::strictness::Change;
use serde::Serialize;

pub use side::{CommandSide, SideRule};

/// What happens to a command, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandDecision {
    /// A rule file lets it run without asking, outside of the sandbox.
    Allow,
    /// No rule matches: it runs as the session's sandbox and approval policy say.
    NoRule,
    /// Somebody is asked; a reviewing model may answer.
    Prompt,
    /// A person is asked.
    PromptUser,
    /// It is refused.
    Forbidden,
}

impl CommandDecision {
    /// The word that rules use for it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::NoRule => "no rule",
            Self::Prompt => "prompt",
            Self::PromptUser => "prompt-user",
            Self::Forbidden => "forbidden",
        }
    }

    /// What happens, in the present tense.
    pub fn words(self) -> &'static str {
        match self {
            Self::Allow => "runs outside the sandbox without asking",
            Self::NoRule => "has no rule",
            Self::Prompt => "asks",
            Self::PromptUser => "asks a person",
            Self::Forbidden => "is forbidden",
        }
    }

    /// What happened, in the past tense.
    pub fn past(self) -> &'static str {
        match self {
            Self::Allow => "ran outside the sandbox without asking",
            Self::NoRule => "had no rule",
            Self::Prompt => "asked",
            Self::PromptUser => "asked a person",
            Self::Forbidden => "was forbidden",
        }
    }
}

/// A command that is decided differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandWitness {
    /// Its words.
    pub command: Vec<String>,
    /// What happened to it.
    pub before: CommandDecision,
    /// What happens to it now.
    pub after: CommandDecision,
    /// The rule that decided before.
    pub rule_before: Option<Span>,
    /// The rule that decides now.
    pub rule_after: Option<Span>,
}

/// How far a comparison went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Over everything there is: what it says is proved.
    Whole,
    /// Addresses of version 6 were left out that patterns with wildcards may match.
    Addresses,
    /// It was given up: differences that were found are real, there may be others.
    TooLarge,
}

/// What becomes of decisions from one policy to another, with an example for each direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared<Witness> {
    /// Something that is decided more strictly now.
    pub tighter: Option<Witness>,
    /// Something that is decided less strictly now.
    pub looser: Option<Witness>,
    /// Whether everything was looked at.
    pub extent: Extent,
}

impl<Witness> Compared<Witness> {
    /// Nothing changes.
    pub const EQUAL: Self = Self { tighter: None, looser: None, extent: Extent::Whole };

    /// The direction. What was not looked at to the end is not comparable, whatever was found.
    pub fn change(&self) -> Change {
        match (self.extent, &self.tighter, &self.looser) {
            (Extent::TooLarge | Extent::Addresses, _, _) | (Extent::Whole, Some(_), Some(_)) => {
                Change::Incomparable
            }
            (Extent::Whole, None, None) => Change::Equal,
            (Extent::Whole, Some(_), None) => Change::Tighter,
            (Extent::Whole, None, Some(_)) => Change::Looser,
        }
    }
}

/// Compares what two sets of rules decide, over all commands.
pub fn compare(from: &CommandSide<'_>, to: &CommandSide<'_>) -> Compared<CommandWitness> {
    walk::compare(from, to, walk::STEPS)
}

#[cfg(test)]
mod tests;
