//! Two questions that are only about what is known: may a generation wait, and is the one in
//! force stale?

use std::time::Duration;

use jiff::Timestamp;

use super::{InForce, Kept, LONGEST_HOLD, Now, Offer};

/// Why a generation waits, for people; `None` where it is to be installed.
///
/// A server can delay and nothing else: a machine without policy takes what is signed for it, what
/// the organisation demands is not delayed, and nothing is delayed for longer than
/// [`LONGEST_HOLD`] after it was first seen here. A pause on this machine works alike, for as long as
/// the organisation allows: whoever wrote it, it is not asked how long ago.
pub fn waits(kept: &Kept, offer: &Offer, first_seen: Timestamp, now: Timestamp) -> Option<String> {
    let installed = kept.installed.as_ref()?;
    if installed.held.cohort != offer.held.cohort {
        // It was moved to another cohort: its old policy is not for it any more.
        return None;
    }
    if installed.held.generation < offer.minimum {
        return None;
    }
    let end = first_seen.checked_add(signed(LONGEST_HOLD)).unwrap_or(Timestamp::MAX);
    if now >= end {
        return None;
    }
    let allowed = first_seen.checked_add(signed(offer.longest_pause)).unwrap_or(Timestamp::MAX);
    let pause = kept.pause.as_ref().filter(|pause| now < pause.until && now < allowed);
    if let Some(pause) = pause {
        let until = pause.until.min(allowed);
        return Some(format!("paused here until {until}: {}", pause.reason));
    }
    let hold = kept.hold.filter(|hold| offer.held.generation > *hold)?;
    Some(format!("the server asks for nothing above {hold} for now, until {end} at the latest"))
}

/// For how long nothing was heard of the release. The clock that only runs forward decides where
/// it can: a clock that somebody set must not make a policy old, or young.
pub fn silence(kept: &Kept, heard: Option<Duration>, now: Now) -> Duration {
    if let Some(heard) = heard {
        return now.uptime.saturating_sub(heard);
    }
    let Some(heard) = kept.heard else { return Duration::ZERO };
    Duration::try_from(now.wall.duration_since(heard)).unwrap_or(Duration::ZERO)
}

/// Whether a policy is too old to be used without hearing from the release.
pub fn is_stale(installed: &InForce, silence: Duration) -> bool {
    silence.as_secs() > installed.fresh_for_seconds
}

pub(crate) fn signed(duration: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(duration).unwrap_or(jiff::SignedDuration::MAX)
}
