//! What people and their pipelines ask of a rollout, and what they hear about it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::identity::is_name;

/// The most bytes of a request.
pub const MAX_BYTES: usize = 16_384;

/// The most characters of a reason that a person gives.
pub const MAX_REASON: usize = 500;

/// The longest time that a stage may be asked to bake, in seconds: 30 days.
pub const MAX_BAKE_SECONDS: u64 = 30 * 24 * 3_600;

/// How a rollout goes from nobody to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// 1, 5, 25 and 100 percent, each looked at for a while.
    Canary,
    /// Ten times a tenth.
    Linear,
    /// Everybody, at once: for what cannot wait.
    AllAtOnce,
}

impl StrategyName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Canary, Self::Linear, Self::AllAtOnce];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Canary => "canary",
            Self::Linear => "linear",
            Self::AllAtOnce => "all-at-once",
        }
    }
}

/// A request to start one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The cohort.
    pub cohort: String,
    /// The generation that everybody shall have in the end: the newest of the release.
    pub generation: u64,
    /// How.
    pub strategy: StrategyName,
    /// The group of machines that go first, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volunteers: Option<String>,
    /// How long each stage is looked at, in seconds, instead of the strategy's own time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bake_seconds: Option<u64>,
    /// How many machines must have said that they enforce it before a stage is judged, instead of
    /// the strategy's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_sample: Option<u64>,
    /// How many of 10,000 may fail, instead of the strategy's own number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures_of_10_000: Option<u16>,
    /// Why, for the record.
    #[serde(default)]
    pub reason: String,
}

/// What is asked of a rollout that has been started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Nobody else gets it for now.
    Pause,
    /// It goes on; the failures so far are accepted.
    Resume,
    /// It ends; who has not got it does not get it.
    Abort,
    /// Everybody gets it now.
    Promote,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Abort, Self::Promote];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Abort => "abort",
            Self::Promote => "promote",
        }
    }
}

/// A request for an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The cohort; empty where the address of the request says it.
    #[serde(default)]
    pub cohort: String,
    /// What.
    pub act: Act,
    /// Why, for the record.
    #[serde(default)]
    pub reason: String,
}

/// How a rollout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The stage's machines are getting it.
    Running,
    /// Enough of them enforce it; time shall show whether that is well.
    Baking,
    /// Too few were heard of for too long: nobody else gets it until they are.
    Inconclusive,
    /// Too many failed, or somebody asked for it: nobody else gets it until a person decides.
    Paused,
    /// It was called off.
    Aborted,
    /// Everybody may have it.
    Promoted,
    /// Everybody may have it, and some have failed.
    PromotedWithFailures,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Baking,
        Self::Inconclusive,
        Self::Paused,
        Self::Aborted,
        Self::Promoted,
        Self::PromotedWithFailures,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Baking => "baking",
            Self::Inconclusive => "inconclusive",
            Self::Paused => "paused",
            Self::Aborted => "aborted",
            Self::Promoted => "promoted",
            Self::PromotedWithFailures => "promoted_with_failures",
        }
    }

    /// Whether nothing more comes of it.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Running | Self::Baking | Self::Inconclusive | Self::Paused => false,
            Self::Aborted | Self::Promoted | Self::PromotedWithFailures => true,
        }
    }
}

/// A rollout, for who asks how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The cohort.
    pub cohort: String,
    /// The generation that everybody had; none before the first.
    pub from: Option<u64>,
    /// The generation that everybody shall have.
    pub to: u64,
    /// The digest of its bundle, `sha256:…`.
    pub digest: String,
    /// How.
    pub strategy: StrategyName,
    /// How it stands.
    pub state: State,
    /// Which stage, from 1; 0 before the first is open.
    pub stage: usize,
    /// Of how many.
    pub stages: usize,
    /// How many of 10,000 machines the stage is for; 0 where only volunteers have it.
    pub share_of_10_000: u16,
    /// The figures of the machines that may have it.
    pub figures: Figures,
    /// Why machines failed, the most frequent reason first.
    pub reasons: Vec<Reason>,
    /// What happens next, in a sentence.
    pub next: String,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: Timestamp,
    /// What happened, oldest first.
    pub history: Vec<Entry>,
}

/// The rollouts of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The newest one of every cohort that has any.
    pub rollouts: Vec<Status>,
}

/// How many machines of those that may have it are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// How many may have it.
    pub known: u64,
    /// How many enforce it.
    pub enforced: u64,
    /// How many failed.
    pub failed: u64,
    /// How many are on their way.
    pub underway: u64,
    /// How many said nothing about it: they count for nothing.
    pub silent: u64,
    /// How many must enforce it before the stage is judged.
    pub needed: u64,
    /// How many may fail.
    pub allowed: u64,
}

/// Why machines failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// In their own words.
    pub text: String,
    /// How many.
    pub count: u64,
}

/// Something that happened to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Who: a person's name, or `automation`.
    pub by: String,
    /// How it stood after that.
    pub state: State,
    /// What, in a sentence.
    pub text: String,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A text is too long, empty, or has control characters.
    #[error("`{0}` is empty, too long, or has control characters")]
    Text(&'static str),
    /// A number is outside its limits.
    #[error("`{name}` must be {least} to {most}")]
    Number {
        /// The field.
        name: &'static str,
        /// The smallest that is allowed.
        least: u64,
        /// The largest that is allowed.
        most: u64,
    },
}

impl Start {
    /// Holds it against every limit.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn check(&self) -> Result<(), BadRequest> {
        text("cohort", &self.cohort, 128)?;
        if let Some(group) = &self.volunteers {
            text("volunteers", group, crate::identity::MAX_CLAIM)?;
        }
        reason(&self.reason)?;
        number("generation", self.generation, 1, i64::MAX.unsigned_abs())?;
        if let Some(seconds) = self.bake_seconds {
            number("bake_seconds", seconds, 0, MAX_BAKE_SECONDS)?;
        }
        if let Some(sample) = self.minimum_sample {
            number("minimum_sample", sample, 1, 1_000_000)?;
        }
        if let Some(failures) = self.failures_of_10_000 {
            number("failures_of_10_000", failures.into(), 0, 5_000)?;
        }
        Ok(())
    }
}

impl Ask {
    /// Holds it against every limit.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn check(&self) -> Result<(), BadRequest> {
        text("cohort", &self.cohort, 128)?;
        reason(&self.reason)
    }
}

fn text(name: &'static str, value: &str, most: usize) -> Result<(), BadRequest> {
    if is_name(value, most) { Ok(()) } else { Err(BadRequest::Text(name)) }
}

/// A reason may be left out.
fn reason(value: &str) -> Result<(), BadRequest> {
    if value.is_empty() { Ok(()) } else { text("reason", value, MAX_REASON) }
}

fn number(name: &'static str, value: u64, least: u64, most: u64) -> Result<(), BadRequest> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(BadRequest::Number { name, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Start {
        Start {
            cohort: "payments".to_owned(),
            generation: 7,
            strategy: StrategyName::Canary,
            volunteers: Some("volunteers".to_owned()),
            bake_seconds: Some(600),
            minimum_sample: Some(20),
            failures_of_10_000: Some(50),
            reason: "the mirror has moved".to_owned(),
        }
    }

    #[test]
    fn every_limit_of_a_start_holds() {
        assert_eq!(start().check(), Ok(()));
        let with = |change: fn(&mut Start)| {
            let mut bad = start();
            change(&mut bad);
            bad.check().expect_err("breaks a limit").to_string()
        };
        assert!(with(|one| one.cohort.clear()).contains("`cohort`"));
        assert!(with(|one| one.volunteers = Some("a\nb".to_owned())).contains("`volunteers`"));
        assert!(with(|one| one.reason = "x".repeat(501)).contains("`reason`"));
        assert!(with(|one| one.generation = 0).contains("`generation`"));
        assert!(with(|one| one.bake_seconds = Some(u64::MAX)).contains("`bake_seconds`"));
        assert!(with(|one| one.minimum_sample = Some(0)).contains("`minimum_sample`"));
        assert!(with(|one| one.failures_of_10_000 = Some(5_001)).contains("0 to 5000"));
        let ask =
            Ask { cohort: "payments".to_owned(), act: Act::Pause, reason: "\u{1b}[2J".to_owned() };
        assert_eq!(ask.check(), Err(BadRequest::Text("reason")));
    }

    #[test]
    fn words_are_those_of_the_wire() {
        let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
        for state in State::ALL {
            assert_eq!(word(serde_json::json!(state)).as_deref(), Some(state.word()));
        }
        for name in StrategyName::ALL {
            assert_eq!(word(serde_json::json!(name)).as_deref(), Some(name.word()));
        }
        for act in Act::ALL {
            assert_eq!(word(serde_json::json!(act)).as_deref(), Some(act.word()));
        }
    }
}
