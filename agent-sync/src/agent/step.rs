//! What leads to what.

use std::time::Duration;

use codex_fleet::check_in::{Answer, Freshness, Held, State as Step};
use codex_fleet::push::{Hint, MAX_SPREAD};

use super::judge::{is_stale, signed, silence, waits};
use super::kept::Seen;
use super::requests::{self, Sent};
use super::{
    Attestation, CLOCK_TOLERANCE, DRIFT_REPORT, Effect, Event, FIRST_BACKOFF, FROZEN_AFTER,
    HINTS_PER_HOUR, InForce, Notice, Now, Offer, POLL, Phase, REFUSED_AGAIN, SHORTEST_POLL,
    STORM_ATTESTATION, State, Todo, Unready, WEAK_REPORT, Wanted,
};
use crate::install::plan::Which;

/// The most that a report may wait for others.
const SOON: Duration = Duration::from_secs(2);

/// Takes in what happened and says what to do. The caller keeps [`State::kept`] first.
pub fn step(state: &mut State, now: Now, event: Event) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        Event::Started(installed) => started(state, installed),
        Event::Timer => timer(state, now),
        Event::Hint(hint) => hinted(state, now, &hint),
        Event::Refreshed(done) => refreshed(state, now, done, &mut effects),
        Event::Assigned(done) => assigned(state, now, done, &mut effects),
        Event::Verified(done) => verified(state, now, done, &mut effects),
        Event::Installed(done) => installed(state, now, done, &mut effects),
        Event::Attested(attestation) => attested(state, now, attestation, &mut effects),
        Event::Drifted(what) => drifted(state, now, &what, &mut effects),
        Event::Weak(weak) => weakened(state, now, weak, &mut effects),
        Event::CodexChanged => {
            // A new Codex may understand what the old one did not.
            state.running.refused_until = Duration::ZERO;
            state.running.todo.attest = Wanted::Yes;
        }
        Event::Answered { nonce, answer } => answered(state, now, &nonce, answer, &mut effects),
        Event::Asked(all) => {
            all.into_iter().for_each(|one| requests::asked(state, now, one, &mut effects));
        }
        Event::Filed(filing) => requests::filed(state, now, filing, &mut effects),
    }
    next(state, now, &mut effects);
    effects
}

fn started(state: &mut State, installed: Option<InForce>) {
    // Whatever was going on was cut off.
    state.running.phase = Phase::Idle;
    if installed.is_none() {
        state.kept.timestamp = None;
    } else {
        state.running.todo.attest = Wanted::Yes;
    }
    state.kept.installed = installed;
    state.running.todo.check_in = Wanted::Yes;
}

fn timer(state: &mut State, now: Now) {
    if now.uptime >= state.running.due {
        state.running.todo.check_in = Wanted::Yes;
    }
}

fn hinted(state: &mut State, now: Now, hint: &Hint) {
    if hint.revision <= state.kept.revision {
        return;
    }
    let hour = Duration::from_hours(1);
    state.running.hints.retain(|at| now.uptime.saturating_sub(*at) < hour);
    let followed = u32::try_from(state.running.hints.len()).unwrap_or(u32::MAX);
    if followed >= HINTS_PER_HOUR {
        return;
    }
    state.running.hints.push(now.uptime);
    let spread = Duration::from_millis(hint.spread.min(MAX_SPREAD));
    let wait = spread.mul_f64(roll(state));
    state.running.due = state.running.due.min(now.uptime + wait);
    timer(state, now);
}

fn answered(
    state: &mut State,
    now: Now,
    nonce: &str,
    answer: Result<Answer, String>,
    effects: &mut Vec<Effect>,
) {
    if state.running.phase != Phase::CheckingIn {
        return;
    }
    state.running.phase = Phase::Idle;
    let key = state.server.clone().unwrap_or_default();
    let problem = match answer {
        Err(problem) => format!("the server does not answer: {problem}"),
        Ok(answer) => match answer.freshness(nonce, &key).cloned() {
            Ok(fresh) => return heard_server(state, now, &answer, &fresh, effects),
            Err(problem) => {
                effects.push(Effect::Tell(Notice::Alarm(problem.to_string())));
                problem.to_string()
            }
        },
    };
    // The release may lie somewhere else, and is signed by itself.
    state.running.todo.refresh = Wanted::Yes;
    state.running.vouched = None;
    failed(state, now, problem, effects);
}

fn heard_server(
    state: &mut State,
    now: Now,
    answer: &Answer,
    fresh: &Freshness,
    effects: &mut Vec<Effect>,
) {
    let tolerance = signed(CLOCK_TOLERANCE);
    let latest = state.kept.server_time.unwrap_or(fresh.time);
    let apart = now.wall.duration_since(fresh.time).abs();
    // A server whose clock was once ahead must not look frozen for ever after.
    let is_frozen = latest.duration_since(fresh.time) > tolerance && apart > tolerance;
    if is_frozen {
        let alarm = format!(
            "the server signs the time {}, and has signed {latest} before: its clock was set back, \
             or an old copy of it answers",
            fresh.time
        );
        effects.push(Effect::Tell(Notice::Alarm(alarm)));
    }
    if apart > tolerance {
        let alarm = format!(
            "this clock shows {}, the server's {}: {} seconds apart",
            now.wall,
            fresh.time,
            apart.as_secs()
        );
        effects.push(Effect::Tell(Notice::Alarm(alarm)));
    }
    state.kept.server_time = Some(if is_frozen { latest } else { fresh.time });
    state.kept.forget(answer.kept);
    state.kept.hold = answer.hold;
    state.kept.revision = answer.revision;
    state.running.failures = 0;
    state.running.vouched.clone_from(&fresh.timestamp);
    let again = Duration::from_secs(answer.again).clamp(SHORTEST_POLL, POLL);
    state.running.due = now.uptime + jittered(state, again);
    let is_known = fresh.timestamp.is_some() && fresh.timestamp == state.kept.timestamp;
    if is_known && !is_frozen {
        heard(state, now);
    }
    let may_go_on = may_try_again(state, now) || is_back(state);
    if fresh.timestamp.is_some() && (!is_known || may_go_on || state.kept.installed.is_none()) {
        state.running.todo.refresh = Wanted::Yes;
    }
    // More than fits into one check-in.
    if state.kept.queue.len() > codex_fleet::check_in::MAX_TRANSITIONS && answer.kept > 0 {
        state.running.todo.check_in = Wanted::Yes;
    }
}

/// Whether what waits is worth another look although the release is the same.
fn may_try_again(state: &State, now: Now) -> bool {
    let Some(held) = &state.kept.waiting else { return false };
    if state.kept.refused.as_ref().is_some_and(|(refused, _)| refused == held) {
        return now.uptime >= state.running.refused_until;
    }
    let first_seen = state.kept.seen.get(&held.digest).copied().unwrap_or(now.wall);
    let longest_pause = Duration::from_secs(state.kept.longest_pause_seconds);
    let offer = Offer { held: held.clone(), minimum: 0, longest_pause };
    waits(&state.kept, &offer, first_seen, now.wall).is_none()
}

fn heard(state: &mut State, now: Now) {
    state.kept.heard = Some(now.wall);
    state.running.heard = Some(now.uptime);
    state.kept.stale = false;
}

/// Whether the stricter files are in force although the release was heard of again.
fn is_back(state: &State) -> bool {
    let stricter = state.kept.installed.as_ref().is_some_and(|one| one.which == Which::Stricter);
    stricter && !state.kept.stale
}

fn refreshed(state: &mut State, now: Now, done: Result<String, String>, effects: &mut Vec<Effect>) {
    if state.running.phase != Phase::Refreshing {
        return;
    }
    state.running.phase = Phase::Idle;
    let digest = match done {
        Ok(digest) => digest,
        Err(problem) => return failed(state, now, problem, effects),
    };
    let is_old = state.kept.timestamp.as_ref() == Some(&digest);
    let vouched = state.running.vouched.clone();
    let is_other = vouched.is_some_and(|vouched| vouched != digest);
    // Something newer than what the server knew a moment ago is no freeze.
    state.running.frozen = if is_other && is_old { state.running.frozen + 1 } else { 0 };
    if state.running.frozen >= FROZEN_AFTER {
        let alarm = "the release that is served is not the one that the server vouches for: \
                     somebody holds it back";
        effects.push(Effect::Tell(Notice::Alarm(alarm.to_owned())));
    }
    if !(is_other && is_old) {
        heard(state, now);
    }
    // Only what was understood is known: a restart before that must look again.
    state.running.refreshed = Some(digest);
    if state.server.is_none() {
        state.running.failures = 0;
    }
    state.running.phase = Phase::Assigning;
    effects.push(Effect::Assign);
}

fn assigned(state: &mut State, now: Now, done: Result<Offer, String>, effects: &mut Vec<Effect>) {
    if state.running.phase != Phase::Assigning {
        return;
    }
    state.running.phase = Phase::Idle;
    let offer = match done {
        Ok(offer) => offer,
        Err(problem) => {
            // What was refreshed is not understood: the next refresh is to come here again.
            state.kept.timestamp = None;
            return failed(state, now, problem, effects);
        }
    };
    state.kept.timestamp = state.running.refreshed.take();
    state.kept.longest_pause_seconds = offer.longest_pause.as_secs();
    let is_there = state.kept.installed.as_ref().is_some_and(|one| one.held == offer.held);
    if is_there {
        state.kept.waiting = None;
        if is_back(state) {
            state.running.phase = Phase::Installing(Which::Usual);
            effects.push(Effect::Install(Which::Usual));
        }
        return;
    }
    let (first_seen, seen) = state.kept.first_seen(&offer.held, now.wall);
    if seen == Seen::Now {
        state.kept.note(now.wall, &offer.held, Step::Offered, &[]);
        // Whoever waits says so at once; others have more to say in a moment.
        report(state);
    }
    if let Some(why) = waits(&state.kept, &offer, first_seen, now.wall) {
        let Held { cohort, generation, digest: _ } = offer.held.clone();
        effects.push(Effect::Tell(Notice::Waiting { cohort, generation, why }));
        state.kept.waiting = Some(offer.held);
        return;
    }
    state.kept.waiting = Some(offer.held.clone());
    state.running.phase = Phase::Verifying(offer);
    effects.push(Effect::Verify);
}

fn verified(state: &mut State, now: Now, done: Result<Held, Unready>, effects: &mut Vec<Effect>) {
    let Phase::Verifying(offer) = std::mem::take(&mut state.running.phase) else { return };
    match done {
        Ok(held) => {
            state.kept.note(now.wall, &held, Step::Fetched, &[]);
            state.kept.note(now.wall, &held, Step::Verified, &[]);
            state.running.phase = Phase::Installing(Which::Usual);
            effects.push(Effect::Install(Which::Usual));
        }
        Err(Unready::Refused(reasons)) => refused(state, now, &offer.held, reasons, effects),
        Err(Unready::Failed(problem)) => failed(state, now, problem, effects),
    }
}

fn refused(
    state: &mut State,
    now: Now,
    held: &Held,
    reasons: Vec<String>,
    effects: &mut Vec<Effect>,
) {
    state.running.refused_until = now.uptime + REFUSED_AGAIN;
    if state.kept.note_refusal(now.wall, held, &reasons) {
        let Held { cohort, generation, digest: _ } = held.clone();
        effects.push(Effect::Tell(Notice::Refused { cohort, generation, reasons }));
        report(state);
    }
}

fn installed(
    state: &mut State,
    now: Now,
    done: Result<InForce, String>,
    effects: &mut Vec<Effect>,
) {
    let Phase::Installing(_) = state.running.phase else { return };
    state.running.phase = Phase::Idle;
    let in_force = match done {
        Ok(in_force) => in_force,
        Err(problem) => {
            // The next refresh is to come here again.
            state.kept.timestamp = None;
            return failed(state, now, problem, effects);
        }
    };
    let held = in_force.held.clone();
    effects.push(Effect::Tell(now_is(&held, "installed")));
    state.kept.note(now.wall, &held, Step::Installed, &[]);
    state.kept.installed = Some(in_force);
    state.kept.waiting = None;
    state.kept.enforced = None;
    state.running.todo.attest = Wanted::Yes;
}

fn now_is(held: &Held, state: &'static str) -> Notice {
    Notice::Now { cohort: held.cohort.clone(), generation: held.generation, state }
}

fn attested(state: &mut State, now: Now, attestation: Attestation, effects: &mut Vec<Effect>) {
    if state.running.phase != Phase::Attesting {
        return;
    }
    state.running.phase = Phase::Idle;
    let Attestation { codex, answered, differences, notes } = attestation;
    state.running.codex = codex;
    let Some(held) = state.kept.installed.as_ref().map(|one| one.held.clone()) else { return };
    if !differences.is_empty() {
        state.kept.enforced = None;
        return refused(state, now, &held, differences, effects);
    }
    if answered > 0 && state.kept.enforced.as_ref() != Some(&held.digest) {
        state.kept.refused = None;
        state.kept.enforced = Some(held.digest.clone());
        state.kept.note(now.wall, &held, Step::Enforced, &notes);
        effects.push(Effect::Tell(now_is(&held, "enforced")));
    }
    if !state.kept.queue.is_empty() {
        report(state);
    }
}

fn drifted(state: &mut State, now: Now, what: &[String], effects: &mut Vec<Effect>) {
    let Some(held) = state.kept.installed.as_ref().map(|one| one.held.clone()) else { return };
    let last = state.running.drift;
    let is_storm = last.is_some_and(|at| now.uptime.saturating_sub(at) < DRIFT_REPORT);
    if is_storm {
        // Codex may have been asked in the middle of it.
        state.running.attest_at.get_or_insert(now.uptime + STORM_ATTESTATION);
        return;
    }
    state.running.drift = Some(now.uptime);
    state.kept.note(now.wall, &held, Step::Drifted, what);
    effects.push(Effect::Tell(Notice::Changed(what.to_vec())));
    state.running.todo.attest = Wanted::Yes;
    state.running.due = state.running.due.min(now.uptime + SOON);
}

/// Reports what weakens a policy that is enforced, and that nothing does any more. Until then it
/// is offered again.
fn weakened(state: &mut State, now: Now, weak: Vec<String>, effects: &mut Vec<Effect>) {
    let last = state.running.weak;
    let is_storm = last.is_some_and(|at| now.uptime.saturating_sub(at) < WEAK_REPORT);
    let Some(held) = state.kept.installed.as_ref().map(|one| one.held.clone()) else { return };
    if weak == state.kept.weak || is_storm || state.kept.enforced.as_ref() != Some(&held.digest) {
        return;
    }
    state.running.weak = Some(now.uptime);
    state.kept.note(now.wall, &held, Step::Enforced, &super::weak_words(&weak));
    effects.push(Effect::Tell(Notice::Weak(weak.clone())));
    state.kept.weak = weak;
    report(state);
}

/// Has what was noted reported, unless the server is being waited for.
fn report(state: &mut State) {
    if state.running.failures == 0 && state.server.is_some() {
        state.running.todo.check_in = Wanted::Yes;
    }
}

fn failed(state: &mut State, now: Now, problem: String, effects: &mut Vec<Effect>) {
    state.running.failures = state.running.failures.saturating_add(1);
    let doubled = 2_u32.saturating_pow(state.running.failures.saturating_sub(1).min(16));
    let wait = FIRST_BACKOFF.saturating_mul(doubled).min(POLL);
    state.running.due = now.uptime + jittered(state, wait);
    effects.push(Effect::Tell(Notice::Failed(problem)));
}

/// Begins the next operation, if none is going on; says how long to sleep where none is due.
fn next(state: &mut State, now: Now, effects: &mut Vec<Effect>) {
    if state.running.phase != Phase::Idle {
        return;
    }
    if grow_stale(state, now, effects) {
        state.running.phase = Phase::Installing(Which::Stricter);
        effects.push(Effect::Install(Which::Stricter));
        return;
    }
    if state.running.attest_at.is_some_and(|at| at <= now.uptime) {
        state.running.attest_at = None;
        state.running.todo.attest = Wanted::Yes;
    }
    let Todo { check_in, refresh, attest } = &mut state.running.todo;
    if attest.take() == Wanted::Yes {
        state.running.phase = Phase::Attesting;
        effects.push(Effect::Attest);
    } else if check_in.take() == Wanted::Yes && state.server.is_some() {
        state.running.phase = Phase::CheckingIn;
        effects.push(Effect::CheckIn(Box::new(state.kept.check_in(&state.running.codex))));
    } else if refresh.take() == Wanted::Yes || wants_mirror(state, now) {
        state.running.phase = Phase::Refreshing;
        if state.server.is_none() {
            state.running.due = now.uptime + jittered(state, POLL);
        }
        effects.push(Effect::Refresh);
    } else {
        let due = state.running.attest_at.map_or(state.running.due, |at| at.min(state.running.due));
        let due = match requests::send(state, now, effects) {
            Sent::One => return,
            Sent::Later(at) => due.min(at),
            Sent::Nothing => due,
        };
        effects.push(Effect::Sleep(due.saturating_sub(now.uptime)));
    }
}

/// Without a server, what is due is a look at the release.
fn wants_mirror(state: &State, now: Now) -> bool {
    state.server.is_none() && now.uptime >= state.running.due
}

/// Notes that nothing was heard for too long; whether stricter files have to be installed for it.
fn grow_stale(state: &mut State, now: Now, effects: &mut Vec<Effect>) -> bool {
    let silence = silence(&state.kept, state.running.heard, now);
    let Some(installed) = &state.kept.installed else { return false };
    if !is_stale(installed, silence) {
        return false;
    }
    let (held, tightens) =
        (installed.held.clone(), installed.can_tighten && installed.which == Which::Usual);
    if !state.kept.stale {
        state.kept.stale = true;
        let days = silence.as_secs() / 86_400;
        let reason = format!("nothing was heard of the release for {days} days");
        state.kept.note(now.wall, &held, Step::Stale, std::slice::from_ref(&reason));
        effects.push(Effect::Tell(Notice::Alarm(reason)));
        report(state);
        return tightens;
    }
    // A restart, or a failure to install them: not more often than other failures.
    tightens && now.uptime >= state.running.due
}

/// A duration of 80 to 120 %, so that a fleet does not come all at once.
pub(super) fn jittered(state: &mut State, duration: Duration) -> Duration {
    let factor = 0.8 + 0.4 * roll(state);
    duration.mul_f64(factor)
}

/// A number from 0 to 1 (splitmix64).
fn roll(state: &mut State) -> f64 {
    state.running.dice = state.running.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = state.running.dice;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    let part = u32::try_from(mixed >> 32).unwrap_or_default();
    f64::from(part) / f64::from(u32::MAX)
}
