//! An answer as data for people and programs: places instead of spans, and who wrote them.
//!
//! `decide` makes the answer; this names its places, `render::why` shows it.

use schemars::JsonSchema;
use serde::Serialize;

use codex_schema::source::Documents;

use crate::compile::history::{Commit, History};
use crate::decide::answer::{Answer, EntrySaid, NearMiss, Part, Placement, Verdict};
use crate::explain::{Place, place_in};

/// The version of this document's form.
pub const FORM: &str = "codex-config/why-blocked/1";

/// Everything that `why-blocked` knows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Why {
    /// The form of this document: `codex-config/why-blocked/1`.
    pub schema: &'static str,
    /// The Codex whose behaviour is told.
    pub codex: String,
    /// Whose policy was asked: a host, or `cohort NAME`.
    pub of: String,
    /// What was asked: `command`, `domain`, `path`, `mcp`, `feature` or `setting`.
    pub kind: &'static str,
    /// What the question came to: the host without its port, the absolute path, the script.
    pub subject: String,
    /// What happens.
    pub verdict: Verdict,
    /// Where a command runs when it is let through.
    pub placement: Option<Placement>,
    /// Why, in one sentence.
    pub because: String,
    /// The entries that matched, the deciding one first.
    pub entries: Vec<Entry>,
    /// The commands of a script.
    pub parts: Vec<ScriptPart>,
    /// Entries that nearly matched, nearest first.
    pub near: Vec<Near>,
    /// What Codex shows, where that is known to the letter.
    pub codex_says: Option<String>,
    /// What else a reader must know.
    pub notes: Vec<String>,
    /// What can be done.
    pub advice: Vec<String>,
    /// Whether something could not be read, so that this may not be the whole truth.
    pub partial: bool,
}

/// An entry of the policy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// The key or file it belongs to.
    pub key: String,
    /// The entry in words.
    pub text: String,
    /// What it says.
    pub verdict: Verdict,
    /// Why, in its author's words.
    pub reason: Option<String>,
    /// Where it stands.
    pub place: Option<Place>,
    /// The commit that its line comes from, where version control knows.
    pub commit: Option<Commit>,
}

/// One command of a script.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScriptPart {
    /// Its words.
    pub words: Vec<String>,
    /// Why it could not be taken apart, where it could not.
    pub opaque: Option<String>,
    /// What happens to it.
    pub verdict: Verdict,
    /// Who says so.
    pub by: String,
    /// The entries that matched it, the deciding one first.
    pub entries: Vec<Entry>,
}

/// An entry that nearly matched.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Near {
    /// The entry.
    pub entry: Entry,
    /// Where the two part.
    pub differs: String,
}

/// Whose policy was asked, and what it was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The Codex whose behaviour is told.
    pub codex: String,
    /// A host, or `cohort NAME`.
    pub of: String,
    /// `command`, `domain`, `path`, `mcp`, `feature` or `setting`.
    pub kind: &'static str,
    /// Whether something could not be read.
    pub partial: bool,
}

/// Names the places of an answer.
pub fn why(asked: Asked, answer: Answer, documents: &Documents, history: &dyn History) -> Why {
    let Answer {
        subject,
        verdict,
        placement,
        because,
        entries,
        parts,
        near,
        codex_says,
        notes,
        advice,
    } = answer;
    let Asked { codex, of, kind, partial } = asked;
    let entry = |said: EntrySaid| told(said, documents, history);
    Why {
        schema: FORM,
        codex,
        of,
        kind,
        subject,
        verdict,
        placement,
        because,
        entries: entries.into_iter().map(entry).collect(),
        parts: parts
            .into_iter()
            .map(|Part { words, opaque, verdict, by, entries }| ScriptPart {
                words,
                opaque,
                verdict,
                by,
                entries: entries.into_iter().map(entry).collect(),
            })
            .collect(),
        near: near
            .into_iter()
            .map(|NearMiss { entry: said, differs }| Near { entry: entry(said), differs })
            .collect(),
        codex_says,
        notes,
        advice,
        partial,
    }
}

fn told(said: EntrySaid, documents: &Documents, history: &dyn History) -> Entry {
    let EntrySaid { key, text, verdict, reason, span } = said;
    let place = place_in(documents, span);
    let commit = place.as_ref().and_then(|place| {
        let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
        let commit = history.lines(&place.document).get(line)?.clone()?;
        Some(Commit::clone(&commit))
    });
    Entry { key, text, verdict, reason, place, commit }
}
