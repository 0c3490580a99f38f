//! What people at this machine ask to be allowed: carried to the server one at a time, when nothing
//! that concerns the policy is to be done. It loosens nothing, and nobody can hold up anybody
//! else's by asking often.

use std::time::Duration;

use codex_fleet::request::{Request, Said};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::judge::signed;
use super::kept::clean;
use super::step::jittered;
use super::{Effect, FIRST_BACKOFF, Now, POLL, Phase, State};

/// The most requests of one user that wait.
pub const MOST_OF_ONE: usize = 5;

/// The most requests that wait.
pub const MOST: usize = 40;

/// The most requests of one user within an hour.
pub const PER_HOUR: usize = 20;

/// How long a request waits for a server before it is given up.
pub const LONGEST_WAIT: Duration = Duration::from_hours(7 * 24);

/// A request at this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asking {
    /// The name under which it came, and under which it is answered.
    pub name: String,
    /// The number of the user who asks.
    pub user: u32,
    /// When it came, by this machine's clock.
    pub at: Timestamp,
    /// What is asked.
    pub request: Request,
}

/// What became of a request that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filing {
    /// The server keeps it under this number.
    Kept(u64),
    /// The server does not take it, whatever happens.
    Refused(String),
    /// It could not be sent: perhaps next time.
    Failed(String),
}

/// Takes a request in, or says why not. Either way it is answered, once.
pub(super) fn asked(state: &mut State, now: Now, asking: Asking, effects: &mut Vec<Effect>) {
    if state.kept.requests.iter().any(|one| one.name == asking.name) {
        // It came before a restart, and was not put away.
        return effects.push(reply(&asking, Said::Waits { why: None }));
    }
    if let Some(why) = refusal(state, now, &asking) {
        return effects.push(reply(&asking, Said::Refused { why }));
    }
    state.running.asked.push((asking.user, now.uptime));
    effects.push(reply(&asking, Said::Waits { why: None }));
    state.kept.requests.push(asking);
}

fn refusal(state: &mut State, now: Now, asking: &Asking) -> Option<String> {
    if state.server.is_none() {
        let text = "this machine has no fleet server to ask: ask those who keep the policy";
        return Some(text.to_owned());
    }
    let hour = Duration::from_hours(1);
    state.running.asked.retain(|(_, at)| now.uptime.saturating_sub(*at) < hour);
    let lately = state.running.asked.iter().filter(|(user, _)| *user == asking.user).count();
    if lately >= PER_HOUR {
        return Some(format!("you have asked {PER_HOUR} times within an hour: ask later"));
    }
    let own = state.kept.requests.iter().filter(|one| one.user == asking.user).count();
    if own >= MOST_OF_ONE || state.kept.requests.len() >= MOST {
        return Some("too many requests of this machine wait for the server: ask later".to_owned());
    }
    None
}

/// What became of the one that was sent.
pub(super) fn filed(state: &mut State, now: Now, filing: Filing, effects: &mut Vec<Effect>) {
    let Phase::Filing(name) = &state.running.phase else { return };
    let place = state.kept.requests.iter().position(|one| one.name == *name);
    state.running.phase = Phase::Idle;
    let Some(place) = place else { return };
    let said = match filing {
        Filing::Kept(number) => Said::Filed { number },
        Filing::Refused(why) => Said::Refused { why: clean(&why) },
        Filing::Failed(why) => {
            let failures = state.running.unsent.saturating_add(1);
            state.running.unsent = failures;
            let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
            let wait = FIRST_BACKOFF.saturating_mul(doubled).min(POLL);
            state.running.send_at = now.uptime + jittered(state, wait);
            // Another one may have better luck: it may be this one that the network cannot carry.
            let asking = state.kept.requests.remove(place);
            effects.push(reply(&asking, Said::Waits { why: Some(clean(&why)) }));
            return state.kept.requests.push(asking);
        }
    };
    state.running.unsent = 0;
    let asking = state.kept.requests.remove(place);
    effects.push(reply(&asking, said));
}

/// Sends the next one, if it is time; what has waited for too long is given up.
pub(super) fn send(state: &mut State, now: Now, effects: &mut Vec<Effect>) -> Sent {
    let longest = signed(LONGEST_WAIT);
    let (over, wait): (Vec<Asking>, Vec<Asking>) = std::mem::take(&mut state.kept.requests)
        .into_iter()
        .partition(|one| now.wall.duration_since(one.at) > longest);
    state.kept.requests = wait;
    for asking in over {
        let why = "no server could be reached for a week: ask again".to_owned();
        effects.push(reply(&asking, Said::Refused { why }));
    }
    let Some(first) = state.kept.requests.first() else { return Sent::Nothing };
    if now.uptime < state.running.send_at {
        return Sent::Later(state.running.send_at);
    }
    state.running.phase = Phase::Filing(first.name.clone());
    effects.push(Effect::File(Box::new(first.request.clone())));
    Sent::One
}

/// What [`send`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nothing waits.
    Nothing,
    /// It is not time yet.
    Later(Duration),
    /// One is under way.
    One,
}

fn reply(asking: &Asking, said: Said) -> Effect {
    Effect::Reply { name: asking.name.clone(), user: asking.user, said }
}

#[cfg(test)]
mod tests {
    use codex_fleet::request::Wanted;

    use super::*;
    use crate::agent::{Event, Kept, step};

    fn asking(name: &str, user: u32) -> Asking {
        let wants = Wanted::Domain { host: "files.example".to_owned() };
        let reason = "a migration".to_owned();
        let request = Request { wants, days: 14, reason, user: None };
        Asking { name: name.to_owned(), user, at: at(0).wall, request }
    }

    fn at(seconds: u64) -> Now {
        let wall = Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
        Now { wall, uptime: Duration::from_secs(seconds) }
    }

    /// An agent that is not busy with anything else.
    fn idle() -> State {
        let mut state = State::new(Kept::default(), Some("key".to_owned()), 1);
        state.running.due = Duration::from_secs(10_000_000);
        state
    }

    fn replies(effects: &[Effect]) -> Vec<(&str, &Said)> {
        let mut found = Vec::new();
        for effect in effects {
            if let Effect::Reply { name, said, user: _ } = effect {
                found.push((name.as_str(), said));
            }
        }
        found
    }

    fn sends(effects: &[Effect]) -> bool {
        effects.iter().any(|effect| matches!(effect, Effect::File(_)))
    }

    #[test]
    fn a_request_is_kept_sent_and_answered() {
        let mut state = idle();
        let effects = step(&mut state, at(1), Event::Asked(vec![asking("a", 7)]));
        assert_eq!(replies(&effects), [("a", &Said::Waits { why: None })]);
        assert!(sends(&effects) && state.kept.requests.len() == 1);
        let effects = step(&mut state, at(2), Event::Filed(Filing::Kept(31)));
        assert_eq!(replies(&effects), [("a", &Said::Filed { number: 31 })]);
        assert!(state.kept.requests.is_empty());
        // An answer to nothing changes nothing.
        assert_eq!(replies(&step(&mut state, at(3), Event::Filed(Filing::Kept(32)))), []);
    }

    #[test]
    fn what_cannot_be_sent_waits_longer_every_time_and_is_given_up_after_a_week() {
        let mut state = idle();
        step(&mut state, at(1), Event::Asked(vec![asking("a", 7)]));
        let effects =
            step(&mut state, at(2), Event::Filed(Filing::Failed("no\u{1b}[2J way".into())));
        let why = Some("no [2J way".to_owned());
        assert_eq!(replies(&effects), [("a", &Said::Waits { why })]);
        assert!(!sends(&effects), "it waits first");
        assert!(!sends(&step(&mut state, at(3), Event::Timer)));
        assert!(sends(&step(&mut state, at(10), Event::Timer)));
        let first = state.running.send_at;
        step(&mut state, at(11), Event::Filed(Filing::Failed("no".into())));
        assert!(
            state.running.send_at.saturating_sub(at(11).uptime)
                > first.saturating_sub(at(2).uptime)
        );
        let week = LONGEST_WAIT.as_secs() + 10;
        let effects = step(&mut state, at(week), Event::Timer);
        let [("a", Said::Refused { why })] = replies(&effects)[..] else { panic!("{effects:?}") };
        assert!(why.contains("ask again"), "{why}");
    }

    #[test]
    fn nobody_crowds_out_others() {
        let mut state = idle();
        let refused = |effects: &[Effect]| {
            replies(effects).iter().filter(|(_, said)| matches!(said, Said::Refused { .. })).count()
        };
        let many: Vec<Asking> = (0..100).map(|one| asking(&format!("a{one}"), 7)).collect();
        assert_eq!(refused(&step(&mut state, at(1), Event::Asked(many))), 100 - MOST_OF_ONE);
        let other = step(&mut state, at(1), Event::Asked(vec![asking("b", 8)]));
        assert_eq!(replies(&other), [("b", &Said::Waits { why: None })]);
        // Sent ones make room, but an hour has an end.
        for second in 2..60 {
            step(&mut state, at(second), Event::Filed(Filing::Kept(second)));
            step(&mut state, at(second), Event::Asked(vec![asking(&format!("c{second}"), 7)]));
        }
        let effects = step(&mut state, at(60), Event::Asked(vec![asking("d", 7)]));
        let [("d", Said::Refused { why })] = replies(&effects)[..] else { panic!("{effects:?}") };
        assert!(why.contains("within an hour"), "{why}");
        let effects = step(&mut state, at(4_000), Event::Asked(vec![asking("e", 7)]));
        assert_eq!(replies(&effects), [("e", &Said::Waits { why: None })]);
    }

    #[test]
    fn without_a_server_nobody_waits() {
        let mut state = State::new(Kept::default(), None, 1);
        let effects = step(&mut state, at(1), Event::Asked(vec![asking("a", 7)]));
        let [("a", Said::Refused { why })] = replies(&effects)[..] else { panic!("{effects:?}") };
        assert!(why.contains("no fleet server"), "{why}");
    }
}
