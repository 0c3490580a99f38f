//! What is wrong with a policy, as data: one [`Diagnostic`] for one mistake.
//!
//! A diagnostic says where (a [`Span`] of the text that was decoded), what, what to write instead,
//! and what the real Codex does with it, version by version. It is put into words once, in
//! [`Diagnostic::message`], and laid out by a renderer; the codes and everything that explains
//! them stand in [`registry`].

pub mod registry;

use serde::{Serialize, Serializer};

use crate::span::{SourceId, Span};
use crate::version::Version;

pub use registry::{Code, Rule};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing is wrong; the author may want to know it.
    Info,
    /// The policy does what it says; the author should know something.
    Warning,
    /// The policy does not do what it says, or Codex refuses it.
    Error,
}

impl Severity {
    /// The word shown to people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A place and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there, lower case, no full stop; may be empty.
    pub text: String,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which rule it breaks.
    pub code: Code,
    /// How bad it is; a rule's usual severity unless the place says otherwise.
    pub severity: Severity,
    /// One plain sentence: lower case, no full stop, the author's text in backticks.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Other places that have to do with it, such as the first of two equal keys.
    pub labels: Vec<Label>,
    /// What to write instead.
    pub help: Option<String>,
    /// The name or value that was probably meant, ready to replace [`Diagnostic::primary`].
    pub suggestion: Option<String>,
    /// What Codex does with it.
    pub effects: Vec<Effect>,
    /// A change of the documents that removes the mistake and nothing else; `None` where a person
    /// must decide.
    pub fix: Option<Fix>,
}

/// A change of documents, safe to make without asking: it says what the author evidently meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, lower case, no full stop: `rename the key to \`allowed_sandbox_modes\``.
    pub title: String,
    /// The edits; all of them or none.
    pub edits: Vec<Edit>,
}

/// One edit of a document. Comments and the order of everything else stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Puts other text in the place of a span.
    Replace {
        /// The place.
        span: Span,
        /// The new text, as TOML.
        text: String,
    },
    /// Sets a key of a TOML document, adding its tables where they are missing.
    Set {
        /// The document.
        source: SourceId,
        /// The key's names from the root.
        path: Vec<String>,
        /// The value, as TOML.
        value: String,
    },
    /// Takes out a key, or one element of a list, with the comments that belong to it.
    Remove {
        /// The place of the key, the value or the element.
        span: Span,
    },
}

impl Diagnostic {
    /// A finding with the severity its rule usually has.
    pub fn new(code: Code, message: impl Into<String>, span: Span) -> Self {
        Self {
            code,
            severity: code.rule().severity,
            message: message.into(),
            primary: Label { span, text: String::new() },
            labels: Vec::new(),
            help: None,
            suggestion: None,
            effects: Vec::new(),
            fix: None,
        }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says how to mend it without asking.
    #[must_use]
    pub fn fix(mut self, title: impl Into<String>, edits: Vec<Edit>) -> Self {
        self.fix = Some(Fix { title: title.into(), edits });
        self
    }

    /// Says what stands at the primary place.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn beside(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds something Codex does with it; saying the same twice has no effect.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
        self
    }

    /// Adds several effects.
    #[must_use]
    pub fn effects(self, effects: impl IntoIterator<Item = Effect>) -> Self {
        effects.into_iter().fold(self, Self::effect)
    }
}

/// What some versions of Codex do with a mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Which versions.
    pub versions: Versions,
    /// What they do.
    pub outcome: Outcome,
    /// Codex's exact words, where it says something and we know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
}

impl Effect {
    /// An effect without Codex's words.
    pub const fn new(versions: Versions, outcome: Outcome) -> Self {
        Self { versions, outcome, says: None }
    }

    /// Adds Codex's exact words.
    #[must_use]
    pub fn says(mut self, words: impl Into<String>) -> Self {
        self.says = Some(words.into());
        self
    }

    /// The effect as a clause: `Codex 0.155 and older: ignores it without a word`.
    pub fn sentence(&self) -> String {
        format!("Codex {}: {}", self.versions, self.outcome.words())
    }
}

/// What Codex does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Ignores it and says nothing.
    IgnoresSilently,
    /// Ignores it and names it in a warning that the developer sees.
    IgnoresWithWarning,
    /// Refuses the whole file and does not start.
    RefusesToStart,
    /// Starts, and then refuses every session.
    RefusesSessions,
    /// Takes the file as no policy at all.
    NoPolicy,
    /// Accepts it and does what it says.
    Accepts,
    /// Accepts it, and it restricts nothing.
    EnforcesNothing,
    /// Drops every file of command rules on the machine and warns.
    DropsRules,
    /// Accepts it and uses another value in its place.
    Substitutes,
}

impl Outcome {
    /// The outcome in words that follow `Codex VERSIONS:`.
    pub const fn words(self) -> &'static str {
        match self {
            Self::IgnoresSilently => "ignores it without a word",
            Self::IgnoresWithWarning => "warns the developer and ignores it",
            Self::RefusesToStart => "refuses to start",
            Self::RefusesSessions => "starts, then refuses every session",
            Self::NoPolicy => "takes it as no policy at all, without a word",
            Self::Accepts => "accepts it",
            Self::EnforcesNothing => "accepts it and enforces nothing",
            Self::DropsRules => "warns and drops every file of command rules",
            Self::Substitutes => "accepts it under its present name",
        }
    }
}

/// A range of Codex versions, both ends included; an absent end is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// First version.
    pub first: Option<Version>,
    /// Last version.
    pub last: Option<Version>,
}

/// The highest patch number in a range's end that stands for a whole release: `0.155` means all
/// of its patches.
const ANY_PATCH: u32 = u32::MAX;

impl Versions {
    /// Every version.
    pub const ALL: Self = Self { first: None, last: None };

    /// One version.
    pub const fn only(version: Version) -> Self {
        Self { first: Some(version), last: Some(version) }
    }

    /// `0.MINOR` and newer.
    pub const fn since(minor: u32) -> Self {
        Self { first: Some(Version::of(minor)), last: None }
    }

    /// `0.MINOR` with all its patches, and older.
    pub const fn through(minor: u32) -> Self {
        Self { first: None, last: Some(Version::patched(minor, ANY_PATCH)) }
    }

    /// From one release to another, all patches included.
    pub const fn between(first: u32, last: u32) -> Self {
        Self { first: Some(Version::of(first)), last: Some(Version::patched(last, ANY_PATCH)) }
    }

    /// Everything older than a version.
    pub fn before(version: Version) -> Self {
        let Version { major: _, minor, patch } = version;
        match patch.checked_sub(1) {
            Some(patch) => Self { first: None, last: Some(Version::patched(minor, patch)) },
            None => Self::through(minor.saturating_sub(1)),
        }
    }

    /// Whether a version is in the range.
    pub fn contains(self, version: Version) -> bool {
        self.first.is_none_or(|first| first <= version)
            && self.last.is_none_or(|last| version <= last)
    }
}

impl std::fmt::Display for Versions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |version: Version| match version.patch {
            0 | ANY_PATCH => format!("{}.{}", version.major, version.minor),
            _ => version.to_string(),
        };
        match (self.first, self.last) {
            (None, None) => formatter.write_str("(every version)"),
            (Some(first), None) => write!(formatter, "{} and newer", short(first)),
            (None, Some(last)) => write!(formatter, "{} and older", short(last)),
            (Some(first), Some(last)) if first == last => write!(formatter, "{first}"),
            (Some(first), Some(last)) => write!(formatter, "{} to {}", short(first), short(last)),
        }
    }
}

impl Serialize for Versions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_contain_their_ends_and_read_well() {
        for (range, text, inside, outside) in [
            (Versions::through(155), "0.155 and older", Version::patched(155, 2), Version::of(156)),
            (Versions::since(156), "0.156 and newer", Version::of(156), Version::patched(155, 9)),
            (Versions::between(110, 123), "0.110 to 0.123", Version::of(123), Version::of(124)),
            (Versions::only(Version::NEWEST), "0.169.0", Version::NEWEST, Version::of(168)),
            (
                Versions::before(Version::patched(153, 4)),
                "0.153.3 and older",
                Version::patched(153, 3),
                Version::patched(153, 4),
            ),
            (Versions::before(Version::of(77)), "0.76 and older", Version::of(76), Version::of(77)),
        ] {
            assert_eq!(range.to_string(), text);
            assert!(range.contains(inside) && !range.contains(outside), "{text}");
        }
        assert!(Versions::ALL.contains(Version::of(1)));
    }
}
