//! What people may ask for, and why not.

use codex_fleet::rollout::{Act, Ask, Start, State};
use jiff::Timestamp;

use super::plan::{MAX_TICK_SECONDS, duration, word};
use super::{BUCKETS, Point, Ring, Rollout, Strategy, Turn};

/// What the release offers a cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The newest bundle; none where the release has none for the cohort.
    pub newest: Option<Point>,
    /// What everybody has, or had before the last rollout: the last bundle that was promoted, else
    /// the one before the newest.
    pub stable: Option<Point>,
    /// What the newest allows that the stable one does not: keys and rule files.
    pub loosens: Vec<String>,
    /// Whether that was approved.
    pub approval: Approval,
}

/// Whether a loosening was approved. The server does not decide that: endpoints do, once more. It
/// looks so that a rollout does not end in a fleet of refusals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// The release carries an approval that counts.
    Given,
    /// There is none that counts, and why.
    Missing(String),
}

/// Why something is not done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The release has nothing of the cohort.
    #[error("the release has no bundle of cohort `{cohort}`: publish one first")]
    NoRelease {
        /// The cohort.
        cohort: String,
    },
    /// The release has another generation.
    #[error(
        "there is no generation {asked} of cohort `{cohort}` in the release; the newest is {newest}"
    )]
    Unknown {
        /// The cohort.
        cohort: String,
        /// What was asked for.
        asked: u64,
        /// What there is.
        newest: u64,
    },
    /// It is older.
    #[error(
        "generation {asked} of cohort `{cohort}` is older than {stable}, and endpoints never go \
         back: publish the old content as a new generation"
    )]
    Older {
        /// The cohort.
        cohort: String,
        /// What was asked for.
        asked: u64,
        /// What everybody has.
        stable: u64,
    },
    /// Everybody has it.
    #[error("generation {generation} of cohort `{cohort}` is what everybody has already")]
    Same {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
    },
    /// It loosens, and nobody approved that.
    #[error(
        "generation {generation} of cohort `{cohort}` loosens {}, and {why}: every endpoint would \
         refuse it; have the loosening approved and publish again",
        keys.join(", ")
    )]
    Loosens {
        /// The cohort.
        cohort: String,
        /// The generation.
        generation: u64,
        /// The keys and files.
        keys: Vec<String>,
        /// What is wrong with the approval.
        why: String,
    },
    /// One is under way.
    #[error(
        "cohort `{cohort}` has a rollout to generation {to}, which is {state}: promote or abort it \
         first"
    )]
    UnderWay {
        /// The cohort.
        cohort: String,
        /// Where it goes.
        to: u64,
        /// How it stands.
        state: String,
    },
    /// There is none.
    #[error("cohort `{cohort}` has no rollout")]
    None {
        /// The cohort.
        cohort: String,
    },
    /// It is not paused.
    #[error("the rollout of cohort `{cohort}` is {state}, not paused: there is nothing to resume")]
    NotPaused {
        /// The cohort.
        cohort: String,
        /// How it stands.
        state: String,
    },
    /// It is paused already.
    #[error("the rollout of cohort `{cohort}` is paused already")]
    AlreadyPaused {
        /// The cohort.
        cohort: String,
    },
    /// It is over.
    #[error("the rollout of cohort `{cohort}` is {state}: nothing more comes of it")]
    Settled {
        /// The cohort.
        cohort: String,
        /// How it ended.
        state: String,
    },
    /// The clock has stepped back.
    #[error(
        "the server's clock is {} behind the last step of cohort `{cohort}`: set it right first",
        duration(*seconds)
    )]
    Clock {
        /// The cohort.
        cohort: String,
        /// By how many seconds.
        seconds: u64,
    },
}

/// Starts a rollout. `last` is the cohort's last one; the salt is 32 random hexadecimal digits.
///
/// # Errors
/// Why it is not started.
pub fn start(
    request: &Start,
    offer: &Offer,
    last: Option<&Rollout>,
    by: &str,
    salt: String,
    now: Timestamp,
) -> Result<Rollout, Refusal> {
    let cohort = || request.cohort.clone();
    let newest = offer.newest.clone().ok_or_else(|| Refusal::NoRelease { cohort: cohort() })?;
    let stable = offer.stable.as_ref().map_or(0, |point| point.generation);
    let asked = request.generation;
    if let Some(last) = last {
        steady(last, now)?;
        if !last.state.is_settled() {
            let (to, state) = (last.to.generation, word(last.state));
            return Err(Refusal::UnderWay { cohort: cohort(), to, state });
        }
    }
    if asked < stable {
        return Err(Refusal::Older { cohort: cohort(), asked, stable });
    }
    if asked != newest.generation {
        return Err(Refusal::Unknown { cohort: cohort(), asked, newest: newest.generation });
    }
    if asked == stable {
        return Err(Refusal::Same { cohort: cohort(), generation: asked });
    }
    if let (false, Approval::Missing(why)) = (offer.loosens.is_empty(), &offer.approval) {
        let (keys, why) = (offer.loosens.clone(), why.clone());
        return Err(Refusal::Loosens { cohort: cohort(), generation: asked, keys, why });
    }
    let mut rollout = Rollout {
        cohort: cohort(),
        from: offer.stable.clone(),
        to: newest,
        strategy: Strategy::asked(request),
        volunteers: request.volunteers.clone(),
        salt,
        started_by: by.to_owned(),
        started_at: now,
        state: State::Running,
        opened: 0,
        ring: Ring::default(),
        waited: 0,
        baked: 0,
        accepted: 0,
        ticked: now,
        steps: 0,
        history: Vec::new(),
    };
    let text = format!("started to generation {asked} as {}", request.strategy.word());
    rollout.note(now, by, with_reason(text, &request.reason));
    Ok(rollout)
}

/// Does what a person asks of a rollout. `failed` is how many of its ring have failed so far: who
/// resumes accepts them.
///
/// # Errors
/// Why it is not done.
pub fn act(
    rollout: Option<&Rollout>,
    ask: &Ask,
    failed: u64,
    by: &str,
    now: Timestamp,
) -> Result<Rollout, Refusal> {
    let cohort = || ask.cohort.clone();
    let rollout = rollout.ok_or_else(|| Refusal::None { cohort: cohort() })?;
    // Who stops something need not wait for the right time.
    match ask.act {
        Act::Pause | Act::Abort => {}
        Act::Resume | Act::Promote => steady(rollout, now)?,
    }
    let state = || word(rollout.state);
    if rollout.state.is_settled() {
        return Err(match ask.act {
            Act::Resume => Refusal::NotPaused { cohort: cohort(), state: state() },
            Act::Pause | Act::Abort | Act::Promote => {
                Refusal::Settled { cohort: cohort(), state: state() }
            }
        });
    }
    let paused = rollout.state == State::Paused;
    let mut next = rollout.clone();
    let text = match ask.act {
        Act::Pause if paused => return Err(Refusal::AlreadyPaused { cohort: cohort() }),
        Act::Pause => {
            next.state = State::Paused;
            "paused".to_owned()
        }
        Act::Resume if !paused => {
            return Err(Refusal::NotPaused { cohort: cohort(), state: state() });
        }
        Act::Resume => {
            next.state = State::Running;
            next.accepted = failed;
            (next.waited, next.baked) = (0, 0);
            format!("resumed; {failed} failures are accepted")
        }
        Act::Abort => {
            next.state = State::Aborted;
            "aborted: who has not got it does not get it; to take it back, publish the old content \
             as a new generation"
                .to_owned()
        }
        Act::Promote => {
            next.ring = Ring { cut: BUCKETS, volunteers: Turn::Come };
            next.opened = next.strategy.stages.len();
            next.state = if failed == 0 { State::Promoted } else { State::PromotedWithFailures };
            "promoted by hand: everybody may have it".to_owned()
        }
    };
    next.steps += 1;
    next.ticked = now;
    next.note(now, by, with_reason(text, &ask.reason));
    Ok(next)
}

/// A clock that is far behind what was written down would write a history backwards.
fn steady(rollout: &Rollout, now: Timestamp) -> Result<(), Refusal> {
    let behind = rollout.ticked.as_second().saturating_sub(now.as_second());
    match u64::try_from(behind) {
        Ok(seconds) if seconds > MAX_TICK_SECONDS => {
            Err(Refusal::Clock { cohort: rollout.cohort.clone(), seconds })
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text} ({reason})") }
}
