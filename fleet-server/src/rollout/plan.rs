//! What happens next in a rollout, and making it so.

use std::fmt;

use codex_fleet::rollout::{Figures, Reason, State};
use jiff::Timestamp;

use super::inventory::{Inventory, Tally};
use super::strategy::{Stage, percent};
use super::{AUTOMATION, Ring, Rollout, Turn};

/// The most seconds that count between two steps. While the server is down nobody listens, and a
/// clock that is put forward by a year must not bake a bundle in an instant.
pub const MAX_TICK_SECONDS: u64 = 300;

/// How many reasons a pause names.
const NAMED_REASONS: usize = 5;

/// What happens next, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The step that it was made for.
    pub of_step: u64,
    /// What the clock did since the last step.
    pub clock: Clock,
    /// The figures of the stage that is open.
    pub figures: Figures,
    /// What happens.
    pub step: Step,
}

/// What the clock did since the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// It went on for so many seconds, and all of them count.
    Steady(u64),
    /// It went on for so many seconds: [`MAX_TICK_SECONDS`] count.
    Ahead(u64),
    /// It stepped back by so many seconds: none counts.
    Back(u64),
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The next stage is opened.
    Open(Opened),
    /// Enough endpoints enforce the candidate; baking begins, or goes on after a silence.
    Bake,
    /// Nothing changes.
    Wait(Waiting),
    /// Too few endpoints were heard of for too long.
    Inconclusive,
    /// Too many failed; the most frequent reasons.
    Pause(Vec<Reason>),
    /// Everybody has had the chance, and enough enforce it.
    Promote,
}

/// A stage that is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which one, from 1.
    pub stage: usize,
    /// Who may have the candidate from now on.
    pub ring: Ring,
    /// How many endpoints these are.
    pub endpoints: u64,
}

/// For what it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// For so many more endpoints to enforce the candidate.
    Reports(u64),
    /// For so many more seconds.
    Baking(u64),
    /// For the first endpoint of the cohort.
    Endpoints,
    /// For a person.
    Person,
    /// For nothing: it is over.
    Over,
}

/// A decision that was made for another state of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rollout has changed since this was decided (step {decided}, now {now}): decide again")]
pub struct Outdated {
    decided: u64,
    now: u64,
}

/// Decides what happens next.
pub fn plan(rollout: &Rollout, inventory: &Inventory, now: Timestamp) -> Decision {
    let clock = clock(rollout.ticked, now);
    let figures = figures(rollout, inventory);
    let step = match rollout.state {
        State::Running | State::Baking | State::Inconclusive => match rollout.stage() {
            None => open_first(rollout, inventory),
            Some(stage) => judge(rollout, inventory, stage, &figures, clock.counted()),
        },
        State::Paused => Step::Wait(Waiting::Person),
        State::Aborted | State::Promoted | State::PromotedWithFailures => Step::Wait(Waiting::Over),
    };
    Decision { of_step: rollout.steps, clock, figures, step }
}

/// The figures of the endpoints that may have the candidate.
pub fn figures(rollout: &Rollout, inventory: &Inventory) -> Figures {
    let tally = inventory.ring(rollout.ring);
    let Tally { silent, underway, enforced, failed } = tally;
    let needed = rollout.stage().map_or(0, |stage| stage.needed(tally.known()));
    let reported = enforced + failed;
    let allowed = rollout.stage().map_or(0, |stage| stage.allowed(reported, needed));
    let allowed = allowed + rollout.accepted;
    Figures { known: tally.known(), enforced, failed, underway, silent, needed, allowed }
}

fn clock(before: Timestamp, now: Timestamp) -> Clock {
    let seconds = now.as_second().saturating_sub(before.as_second());
    let size = seconds.unsigned_abs();
    if seconds < 0 {
        Clock::Back(size)
    } else if size > MAX_TICK_SECONDS {
        Clock::Ahead(size)
    } else {
        Clock::Steady(size)
    }
}

impl Clock {
    /// How many seconds count.
    pub fn counted(self) -> u64 {
        match self {
            Self::Steady(seconds) => seconds,
            Self::Ahead(_) => MAX_TICK_SECONDS,
            Self::Back(_) => 0,
        }
    }
}

/// Nobody at all is no proof of anything: a store that was just restored knows nobody either.
fn open_first(rollout: &Rollout, inventory: &Inventory) -> Step {
    match (inventory.everybody().known(), open(rollout, inventory)) {
        (0, _) | (_, None) => Step::Wait(Waiting::Endpoints),
        (_, Some(opened)) => Step::Open(opened),
    }
}

/// The next stage in which there is anybody new, or the last.
fn open(rollout: &Rollout, inventory: &Inventory) -> Option<Opened> {
    let before = inventory.ring(rollout.ring).known();
    let last = rollout.strategy.stages.len();
    let mut stages = (1..=last).zip(&rollout.strategy.stages).skip(rollout.opened);
    stages.find_map(|(number, stage)| {
        let cut = inventory.cut(stage.share).max(rollout.ring.cut);
        let ring = Ring { cut, volunteers: Turn::Come };
        let endpoints = inventory.ring(ring).known();
        let opened = Opened { stage: number, ring, endpoints };
        (endpoints > before || number == last).then_some(opened)
    })
}

fn judge(
    rollout: &Rollout,
    inventory: &Inventory,
    stage: &Stage,
    figures: &Figures,
    counted: u64,
) -> Step {
    if figures.failed > figures.allowed {
        return Step::Pause(inventory.reasons(rollout.ring, NAMED_REASONS));
    }
    // Only those that enforce it count. A report of a failure thus never completes a sample.
    let missing = figures.needed.saturating_sub(figures.enforced);
    if missing > 0 || figures.known == 0 {
        let waited = rollout.waited + counted;
        let patient = waited < stage.patience || rollout.state == State::Inconclusive;
        return match (patient, figures.known) {
            (true, 0) => Step::Wait(Waiting::Endpoints),
            (true, _) => Step::Wait(Waiting::Reports(missing)),
            (false, _) => Step::Inconclusive,
        };
    }
    if rollout.state != State::Baking {
        return Step::Bake;
    }
    let left = stage.bake.saturating_sub(rollout.baked + counted);
    match (left, open(rollout, inventory)) {
        (0, Some(opened)) => Step::Open(opened),
        (0, None) => Step::Promote,
        (left, _) => Step::Wait(Waiting::Baking(left)),
    }
}

/// Makes a decision so.
///
/// # Errors
/// When the rollout has changed since.
pub fn apply(rollout: Rollout, decision: &Decision, now: Timestamp) -> Result<Rollout, Outdated> {
    if decision.of_step != rollout.steps {
        return Err(Outdated { decided: decision.of_step, now: rollout.steps });
    }
    let mut next = rollout;
    next.steps += 1;
    next.ticked = now;
    let counted = decision.clock.counted();
    next.waited += counted;
    match &decision.step {
        Step::Open(opened) => {
            next.state = State::Running;
            next.opened = opened.stage;
            next.ring = opened.ring;
            (next.waited, next.baked) = (0, 0);
        }
        Step::Bake => next.state = State::Baking,
        Step::Wait(Waiting::Baking(_)) => next.baked += counted,
        Step::Wait(_) => {}
        Step::Inconclusive => next.state = State::Inconclusive,
        Step::Pause(_) => next.state = State::Paused,
        Step::Promote => {
            next.state = match decision.figures.failed {
                0 => State::Promoted,
                _ => State::PromotedWithFailures,
            };
        }
    }
    let stepped = !matches!(decision.clock, Clock::Steady(_));
    if !matches!(decision.step, Step::Wait(_)) || stepped {
        next.note(now, AUTOMATION, decision.sentence(&next));
    }
    Ok(next)
}

impl Decision {
    /// What happens and why, for people; the rollout is the one before or after.
    pub fn sentence(&self, rollout: &Rollout) -> String {
        let clock = match self.clock {
            Clock::Steady(_) => String::new(),
            Clock::Ahead(seconds) => format!(
                "the clock went on by {} since the last step, of which {} count; ",
                duration(seconds),
                duration(MAX_TICK_SECONDS),
            ),
            Clock::Back(seconds) => {
                format!(
                    "the clock stepped back by {}, which counts as no time; ",
                    duration(seconds)
                )
            }
        };
        format!("{clock}{}", self.what(rollout))
    }

    fn what(&self, rollout: &Rollout) -> String {
        let Figures { known, enforced, failed, underway, silent, needed, allowed } = self.figures;
        match &self.step {
            Step::Open(opened) => {
                let stages = rollout.strategy.stages.len();
                let index = opened.stage.saturating_sub(1);
                let who = rollout.strategy.stages.get(index).map_or_else(String::new, Stage::who);
                let Opened { stage, endpoints, .. } = opened;
                format!("stage {stage} of {stages} ({who}) is open: {}", many(*endpoints))
            }
            Step::Bake => format!(
                "{enforced} of {known} enforce it, {needed} are enough; {failed} failed, {allowed} may: \
                 baking"
            ),
            Step::Wait(waiting) => match waiting {
                Waiting::Reports(missing) => format!(
                    "{missing} more must enforce it ({enforced} do, {underway} are on their way, \
                     {silent} are silent, {failed} failed)"
                ),
                Waiting::Baking(left) => {
                    format!("baking for {} more; {failed} failed, {allowed} may", duration(*left))
                }
                Waiting::Endpoints => "nobody is known in this cohort yet".to_owned(),
                Waiting::Person => {
                    "paused until a person resumes, promotes or aborts it".to_owned()
                }
                Waiting::Over => format!("it is {}", word(rollout.state)),
            },
            Step::Inconclusive => format!(
                "inconclusive: only {enforced} of {needed} enforce it, {silent} of {known} are silent; \
                 nobody else gets it until they are heard of"
            ),
            Step::Pause(reasons) => {
                let rate = percent(failed, enforced + failed);
                let reasons: String = reasons
                    .iter()
                    .map(|Reason { text, count }| format!("; {count} × {text}"))
                    .collect();
                format!(
                    "paused: {failed} of {} that reported failed ({rate}), {allowed} may{reasons}",
                    enforced + failed
                )
            }
            Step::Promote => match failed {
                0 => format!("promoted: {enforced} of {known} enforce it, {silent} are silent"),
                _ => format!(
                    "promoted with failures: {enforced} of {known} enforce it, {failed} failed, {silent} \
                     are silent"
                ),
            },
        }
    }
}

/// A state, in words.
pub(super) fn word(state: State) -> String {
    state.word().replace('_', " ")
}

fn many(endpoints: u64) -> String {
    match endpoints {
        1 => "1 endpoint may have it".to_owned(),
        number => format!("{number} endpoints may have it"),
    }
}

/// A number of seconds, for people.
pub(crate) fn duration(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, rest) = (seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .take(2)
        .map(|(number, unit)| format!("{number} {unit}"))
        .collect();
    if said.is_empty() { "0 s".to_owned() } else { said.join(" ") }
}

impl fmt::Display for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steady(seconds) => write!(formatter, "{}", duration(*seconds)),
            Self::Ahead(seconds) => write!(formatter, "{} ahead", duration(*seconds)),
            Self::Back(seconds) => write!(formatter, "{} back", duration(*seconds)),
        }
    }
}
