//! Stories of one agent, told in events.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::check_in::{Answer, Freshness, Held, State as Step};
use codex_fleet::push::Hint;
use jiff::SignedDuration;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

const DAY: u64 = 86_400;

fn held(generation: u64) -> Held {
    Held { cohort: "payments".to_owned(), generation, digest: format!("sha256:{generation:02}") }
}

fn offer(generation: u64) -> Offer {
    Offer { held: held(generation), minimum: 0, longest_pause: Duration::from_hours(24) }
}

fn in_force(generation: u64) -> InForce {
    let fresh_for_seconds = 30 * DAY;
    InForce { held: held(generation), which: Which::Usual, fresh_for_seconds, can_tighten: true }
}

/// An agent with two clocks and a server's key in a test's hand.
struct Story {
    state: State,
    now: Now,
    key: Ed25519KeyPair,
    told: Vec<Notice>,
    hold: Option<u64>,
    kept: u64,
    timestamp: &'static str,
}

impl Story {
    fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = STANDARD.encode(key.public_key().as_ref());
        let wall = "2026-11-26T00:00:00Z".parse().unwrap();
        let state = State::new(Kept::default(), Some(public), 1);
        let now = Now { wall, uptime: Duration::from_secs(100) };
        let (told, hold) = (Vec::new(), None);
        Self { state, now, key, told, hold, kept: 0, timestamp: "sha256:t1" }
    }

    /// One that has a generation in force and was fresh a moment ago.
    fn with(generation: u64) -> Self {
        let mut story = Self::new();
        let kept = Kept { timestamp: Some("sha256:t1".to_owned()), ..Kept::default() };
        story.state.kept = kept;
        story.happens(Event::Started(Some(in_force(generation))));
        story.happens(attested(&[]));
        story.answers();
        story.told.clear();
        story
    }

    fn happens(&mut self, event: Event) -> Effect {
        let mut effects = step(&mut self.state, self.now, event);
        effects.retain(|effect| match effect {
            Effect::Tell(notice) => {
                self.told.push(notice.clone());
                false
            }
            _ => true,
        });
        assert!(effects.len() <= 1, "one thing at a time: {effects:?}");
        // While something is going on, the next thing has to wait.
        effects.pop().unwrap_or(Effect::Sleep(Duration::MAX))
    }

    fn passes(&mut self, seconds: u64) {
        self.now.uptime += Duration::from_secs(seconds);
        self.now.wall += SignedDuration::from_secs(seconds.try_into().unwrap());
    }

    fn answer(&self, nonce: &str) -> Answer {
        let signed = Freshness {
            nonce: nonce.to_owned(),
            time: self.now.wall,
            timestamp: Some(self.timestamp.to_owned()),
        };
        let signature = signed.sign(&self.key);
        Answer { signed, signature, kept: self.kept, hold: self.hold, again: 900, revision: 1 }
    }

    fn answers(&mut self) -> Effect {
        let answer = Ok(self.answer("n"));
        self.happens(Event::Answered { nonce: "n".to_owned(), answer })
    }

    fn fails(&mut self) -> Effect {
        let answer = Err("no route".to_owned());
        self.happens(Event::Answered { nonce: "n".to_owned(), answer })
    }

    /// Sleeps until something is due and wakes up.
    fn wakes(&mut self) -> Effect {
        let wait = self.state.due().saturating_sub(self.now.uptime);
        self.passes(wait.as_secs() + 1);
        self.happens(Event::Timer)
    }

    /// A release with this generation is found on a wake-up.
    fn is_offered(&mut self, offer: Offer) -> Effect {
        let timestamp: &'static str =
            Box::leak(format!("sha256:t{}", offer.held.generation).into());
        self.timestamp = timestamp;
        assert!(matches!(self.wakes(), Effect::CheckIn(_)));
        assert_eq!(self.answers(), Effect::Refresh);
        assert_eq!(self.happens(Event::Refreshed(Ok(timestamp.to_owned()))), Effect::Assign);
        self.happens(Event::Assigned(Ok(offer)))
    }

    fn steps(&self) -> Vec<&'static str> {
        self.state.kept.queue.iter().map(|one| one.state.word()).collect()
    }

    fn alarms(&self) -> usize {
        self.told.iter().filter(|one| matches!(one, Notice::Alarm(_))).count()
    }
}

fn attested(differences: &[&str]) -> Event {
    let differences = differences.iter().map(|one| (*one).to_owned()).collect();
    let codex = vec!["0.169.0".to_owned()];
    Event::Attested(Attestation { codex, answered: 1, differences, notes: vec![] })
}

#[test]
fn a_new_machine_goes_from_nothing_to_enforced_and_says_so() {
    let mut story = Story::new();
    // Whatever the server asks to wait for: a machine without policy installs.
    story.hold = Some(0);
    assert!(matches!(story.happens(Event::Started(None)), Effect::CheckIn(_)));
    assert_eq!(story.answers(), Effect::Refresh);
    assert_eq!(story.happens(Event::Refreshed(Ok("sha256:t1".to_owned()))), Effect::Assign);
    assert_eq!(story.happens(Event::Assigned(Ok(offer(3)))), Effect::Verify);
    assert_eq!(story.happens(Event::Verified(Ok(held(3)))), Effect::Install(Which::Usual));
    assert_eq!(story.happens(Event::Installed(Ok(in_force(3)))), Effect::Attest);
    let Effect::CheckIn(report) = story.happens(attested(&[])) else { panic!("it reports") };
    assert_eq!(story.steps(), ["offered", "fetched", "verified", "installed", "enforced"]);
    assert_eq!(report.installed, Some(held(3)));
    story.kept = 5;
    assert!(matches!(story.answers(), Effect::Sleep(_)));
    assert!(story.state.kept.queue.is_empty(), "what the server keeps is not sent again");
}

#[test]
fn while_nothing_is_new_a_check_in_is_all_that_happens() {
    let mut story = Story::with(3);
    let begun = story.now.uptime;
    let mut requests = 0;
    while story.now.uptime < begun + Duration::from_secs(7 * DAY) {
        assert!(matches!(story.wakes(), Effect::CheckIn(_)));
        let Effect::Sleep(wait) = story.answers() else { panic!("nothing to refresh") };
        assert!((720..=1080).contains(&wait.as_secs()), "{wait:?}");
        requests += 1;
    }
    assert!((600..=700).contains(&requests), "100 a day at most: {requests} in a week");
    assert!(!story.state.kept.stale);
}

#[test]
fn a_hold_delays_until_it_ends_and_never_for_more_than_fourteen_days() {
    let mut story = Story::with(3);
    story.hold = Some(3);
    assert!(matches!(story.is_offered(offer(4)), Effect::CheckIn(_)), "`offered` is reported");
    let look = |story: &mut Story| {
        assert_eq!(story.answers(), Effect::Refresh);
        assert_eq!(story.happens(Event::Refreshed(Ok("sha256:t4".to_owned()))), Effect::Assign);
        story.happens(Event::Assigned(Ok(offer(4))))
    };
    // Until the hold ends nothing is fetched or verified.
    assert!(matches!(story.answers(), Effect::Sleep(_)));
    let mut ended = story;
    ended.hold = None;
    assert!(matches!(ended.wakes(), Effect::CheckIn(_)));
    assert_eq!(look(&mut ended), Effect::Verify);

    let mut forever = Story::with(3);
    forever.hold = Some(3);
    forever.is_offered(offer(4));
    forever.passes(13 * DAY);
    assert!(matches!(forever.answers(), Effect::Sleep(_)));
    forever.passes(DAY);
    assert!(matches!(forever.wakes(), Effect::CheckIn(_)));
    assert_eq!(look(&mut forever), Effect::Verify, "a server cannot freeze a machine");
}

#[test]
fn what_the_organisation_demands_is_not_held() {
    let mut story = Story::with(3);
    story.hold = Some(3);
    assert_eq!(story.is_offered(Offer { minimum: 4, ..offer(4) }), Effect::Verify);
}

#[test]
fn a_pause_here_is_a_hold_with_a_reason() {
    let mut story = Story::with(3);
    let until = story.now.wall + SignedDuration::from_hours(2);
    story.state.kept.pause = Some(kept::Pause { reason: "exam".to_owned(), until });
    story.is_offered(offer(4));
    assert!(story.told.iter().any(|one| one.to_string().contains("exam")), "{:?}", story.told);
}

#[test]
fn a_pause_lasts_as_long_as_the_organisation_allows_and_not_at_all_where_it_says_nothing() {
    // Whoever writes the file by hand says what they like.
    let pauses = |story: &mut Story| {
        let until = Timestamp::MAX;
        story.state.kept.pause = Some(kept::Pause { reason: "exam".to_owned(), until });
    };
    let mut story = Story::with(3);
    pauses(&mut story);
    let forbidden = Offer { longest_pause: Duration::ZERO, ..offer(4) };
    assert_eq!(story.is_offered(forbidden), Effect::Verify);

    let mut story = Story::with(3);
    pauses(&mut story);
    story.is_offered(offer(4));
    story.answers();
    story.passes(23 * 3_600);
    assert!(matches!(story.happens(Event::Timer), Effect::CheckIn(_)));
    assert!(matches!(story.answers(), Effect::Sleep(_)), "it waits still");
    story.passes(2 * 3_600);
    assert!(matches!(story.happens(Event::Timer), Effect::CheckIn(_)));
    assert_eq!(story.answers(), Effect::Refresh, "24 hours after it was seen first it does not");
}

#[test]
fn a_refusal_is_reported_once_and_the_old_policy_stays() {
    let mut story = Story::with(3);
    assert_eq!(story.is_offered(offer(4)), Effect::Verify);
    let refusal = || Event::Verified(Err(Unready::Refused(vec!["it loosens".to_owned()])));
    assert!(matches!(story.happens(refusal()), Effect::CheckIn(_)));
    assert_eq!(story.steps().last(), Some(&"refused"));
    let before = story.steps().len();
    // It is not looked at again and again; the next look finds the same.
    assert!(matches!(story.answers(), Effect::Sleep(_)));
    story.passes(3_600);
    assert!(matches!(story.happens(Event::Timer), Effect::CheckIn(_)));
    assert_eq!(story.answers(), Effect::Refresh);
    story.happens(Event::Refreshed(Ok("sha256:t4".to_owned())));
    story.happens(Event::Assigned(Ok(offer(4))));
    assert!(matches!(story.happens(refusal()), Effect::Sleep(_)));
    assert_eq!(story.steps().len(), before);
    assert_eq!(story.state.kept.installed, Some(in_force(3)));
}

#[test]
fn a_policy_that_codex_does_not_enforce_is_never_called_enforced() {
    let mut story = Story::new();
    story.happens(Event::Started(Some(in_force(3))));
    let Effect::CheckIn(report) = story.happens(attested(&["features.x is true"])) else {
        panic!("it reports");
    };
    let last = report.transitions.last().unwrap();
    assert_eq!(
        (last.state, &*last.reasons),
        (Step::Refused, &["features.x is true".to_owned()][..])
    );
    assert_eq!(story.state.kept.enforced, None);
    // A new Codex puts it right.
    story.answers();
    story.happens(Event::Refreshed(Err("x".to_owned())));
    assert_eq!(story.happens(Event::CodexChanged), Effect::Attest);
    story.happens(attested(&[]));
    assert_eq!(story.steps().last(), Some(&"enforced"));
}

#[test]
fn failures_are_tried_again_ever_more_seldom() {
    let mut story = Story::with(3);
    let mut waits = Vec::new();
    story.wakes();
    for _ in 0..12 {
        assert_eq!(story.fails(), Effect::Refresh, "the release may lie elsewhere");
        let Effect::Sleep(wait) = story.happens(Event::Refreshed(Err("no route".to_owned())))
        else {
            panic!("it waits")
        };
        waits.push(wait.as_secs());
        assert!(matches!(story.wakes(), Effect::CheckIn(_)));
    }
    assert!(waits[0] <= 12 && waits.is_sorted_by(|one, next| *one < next * 2), "{waits:?}");
    assert!(waits.iter().all(|wait| (4..=1080).contains(wait)), "{waits:?}");
    story.answers();
    assert_eq!(story.state.failures(), 0);
}

#[test]
fn transitions_wait_for_a_server_through_restarts() {
    let mut story = Story::with(3);
    story.happens(Event::Drifted(vec!["it was removed".to_owned()]));
    story.happens(attested(&[]));
    let json = serde_json::to_string(&story.state.kept).unwrap();
    story.state = State::new(serde_json::from_str(&json).unwrap(), story.state.server.clone(), 2);
    story.happens(Event::Started(Some(in_force(3))));
    let Effect::CheckIn(report) = story.happens(attested(&[])) else { panic!("it reports") };
    assert!(report.transitions.iter().any(|one| one.state == Step::Drifted));
    assert_eq!(report.transitions.last().map(|one| one.number), Some(story.state.kept.number));
}

/// Found by the simulation, seed 943.
#[test]
fn a_restart_between_a_refresh_and_what_it_brought_does_not_lose_that() {
    let mut story = Story::with(3);
    story.timestamp = "sha256:t4";
    story.wakes();
    assert_eq!(story.answers(), Effect::Refresh);
    assert_eq!(story.happens(Event::Refreshed(Ok("sha256:t4".to_owned()))), Effect::Assign);
    story.state = State::new(story.state.kept.clone(), story.state.server.clone(), 2);
    story.happens(Event::Started(Some(in_force(3))));
    assert!(matches!(story.happens(attested(&[])), Effect::CheckIn(_)));
    assert_eq!(story.answers(), Effect::Refresh);
}

#[test]
fn a_storm_of_changes_is_one_report() {
    let mut story = Story::with(3);
    let mut asked = 0;
    for _ in 0..50 {
        if story.happens(Event::Drifted(vec!["it was emptied".to_owned()])) == Effect::Attest {
            asked += 1;
            story.happens(attested(&[]));
            story.answers();
        }
        story.passes(1);
    }
    assert!((2..=11).contains(&asked), "asked {asked} times");
    assert_eq!(story.steps().iter().filter(|step| **step == "drifted").count(), 1);
    story.passes(60);
    story.happens(Event::Drifted(vec!["it was emptied".to_owned()]));
    assert_eq!(story.steps().iter().filter(|step| **step == "drifted").count(), 2);
}

#[test]
fn after_a_month_of_silence_the_stricter_files_come_and_go_again_with_the_first_word() {
    let mut story = Story::with(3);
    for _ in 0..29 {
        story.passes(DAY);
        story.happens(Event::Timer);
        story.fails();
        story.happens(Event::Refreshed(Err("no route".to_owned())));
    }
    assert!(!story.state.kept.stale);
    story.passes(2 * DAY);
    assert_eq!(story.happens(Event::Timer), Effect::Install(Which::Stricter));
    assert!(story.state.kept.stale && story.steps().contains(&"stale"));
    let stricter = InForce { which: Which::Stricter, ..in_force(3) };
    story.happens(Event::Installed(Ok(stricter)));
    assert!(matches!(story.happens(attested(&[])), Effect::CheckIn(_)));
    assert_eq!(story.answers(), Effect::Refresh);
    assert!(!story.state.kept.stale, "the server vouches that nothing is newer");
    story.happens(Event::Refreshed(Ok("sha256:t1".to_owned())));
    assert_eq!(story.happens(Event::Assigned(Ok(offer(3)))), Effect::Install(Which::Usual));
}

#[test]
fn a_clock_that_somebody_set_makes_no_policy_stale() {
    let mut story = Story::with(3);
    story.now.wall += SignedDuration::from_hours(24 * 400);
    assert!(matches!(story.wakes(), Effect::CheckIn(_)));
    assert!(!story.state.kept.stale);
    // The server's clock tells.
    story.now.wall -= SignedDuration::from_hours(24 * 400);
    let answer = Ok(story.answer("n"));
    story.now.wall += SignedDuration::from_hours(24 * 400);
    story.happens(Event::Answered { nonce: "n".to_owned(), answer });
    assert_eq!(story.alarms(), 1, "{:?}", story.told);
}

#[test]
fn a_forged_or_repeated_answer_is_an_alarm_and_changes_nothing() {
    let mut story = Story::with(3);
    story.wakes();
    let mut forged = story.answer("n");
    forged.hold = Some(99);
    forged.signed.timestamp = None;
    let event = Event::Answered { nonce: "n".to_owned(), answer: Ok(forged) };
    assert_eq!(story.happens(event), Effect::Refresh);
    assert_eq!((story.alarms(), story.state.kept.hold), (1, None));
    story.happens(Event::Refreshed(Err("no route".to_owned())));
    story.wakes();
    let repeated = Ok(story.answer("an older nonce"));
    story.happens(Event::Answered { nonce: "n".to_owned(), answer: repeated });
    assert_eq!(story.alarms(), 2);
}

#[test]
fn a_server_that_stands_still_and_a_mirror_that_is_held_back_are_alarms() {
    let mut story = Story::with(3);
    let old = story.now.wall;
    story.passes(DAY);
    story.wakes();
    story.answers();
    story.wakes();
    let today = story.now.wall;
    story.now.wall = old;
    let answer = Ok(story.answer("n"));
    story.now.wall = today;
    story.happens(Event::Answered { nonce: "n".to_owned(), answer });
    assert!(story.alarms() >= 1, "{:?}", story.told);

    let mut story = Story::with(3);
    story.timestamp = "sha256:t9";
    for round in 0..3 {
        assert!(matches!(story.wakes(), Effect::CheckIn(_)));
        assert_eq!(story.answers(), Effect::Refresh);
        story.happens(Event::Refreshed(Ok("sha256:t1".to_owned())));
        story.happens(Event::Assigned(Ok(offer(3))));
        assert_eq!(story.alarms(), round, "a race between two requests is none");
    }
}

#[test]
fn hints_bring_a_check_in_and_a_flood_of_them_does_not_bring_more() {
    let mut story = Story::with(3);
    let hint = |revision| Hint { timestamp: 2, revision, spread: 0, reconnect: 0, heartbeat: 60 };
    let mut followed = 0;
    for revision in 0..1_000 {
        if let Effect::CheckIn(_) = story.happens(Event::Hint(hint(revision))) {
            followed += 1;
            story.answers();
        }
    }
    assert_eq!(followed, HINTS_PER_HOUR);
    story.passes(3_601);
    assert!(matches!(story.happens(Event::Hint(hint(5_000))), Effect::CheckIn(_)));
}

#[test]
fn reasons_fit_what_the_server_takes() {
    let mut story = Story::with(3);
    let long = vec!["x\u{7}".repeat(600); 40];
    story.happens(Event::Drifted(long));
    let mut report = story.state.kept.check_in(&["0.169.0".to_owned()]);
    report.nonce = STANDARD.encode([0; 32]);
    assert_eq!(report.check(), Ok(()));
}

#[test]
fn whatever_comes_when_it_is_not_awaited_changes_nothing() {
    let mut story = Story::with(3);
    let before = story.state.kept.clone();
    for event in [
        Event::Refreshed(Ok("sha256:evil".to_owned())),
        Event::Assigned(Ok(offer(9))),
        Event::Verified(Ok(held(9))),
        Event::Installed(Ok(in_force(9))),
        Event::Answered { nonce: "n".to_owned(), answer: Ok(story.answer("n")) },
    ] {
        assert!(matches!(story.happens(event), Effect::Sleep(_)));
        assert_eq!(story.state.kept, before);
    }
}

#[test]
fn what_weakens_the_policy_is_reported_once_and_not_in_storms() {
    let mut story = Story::with(3);
    let weak = |what: &[&str]| Event::Weak(what.iter().map(|one| (*one).to_owned()).collect());
    let reported = |story: &Story| {
        let said = |one: &codex_fleet::check_in::Transition| one.reasons.clone();
        story.state.kept.queue.iter().flat_map(said).collect::<Vec<String>>()
    };
    story.happens(weak(&[]));
    assert_eq!(reported(&story), [] as [String; 0], "nothing was ever weak");
    story.happens(weak(&["a second Codex"]));
    story.happens(weak(&["a second Codex"]));
    assert_eq!(reported(&story), ["the policy is weakened here: a second Codex"]);
    // It changes all the time: that waits.
    story.happens(weak(&[]));
    story.happens(weak(&["rules"]));
    assert_eq!(reported(&story).len(), 1);
    story.passes(3_601);
    story.happens(weak(&[]));
    let last = reported(&story).pop().unwrap();
    assert_eq!(last, "nothing on this machine weakens the policy any more");
    // Of a policy that is not enforced more important things are said.
    story.passes(3_601);
    story.state.kept.enforced = None;
    story.happens(weak(&["rules"]));
    assert_eq!(reported(&story).len(), 2);
    assert_eq!(story.told.len(), 2, "{:?}", story.told);
}
