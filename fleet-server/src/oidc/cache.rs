//! For how long what the issuer said is good. Pure: the clock is an argument.

use std::sync::Arc;

use jiff::Timestamp;

use super::discovery::Discovery;
use super::keys::Keys;

/// For how many seconds keys are taken without asking again.
pub(super) const FRESH_SECONDS: i64 = 3_600;

/// For how many seconds keys are good when the issuer does not answer: a night and a morning.
pub const KEPT_SECONDS: i64 = 86_400;

/// After how many seconds an issuer that did not answer is asked again.
pub const RETRY_SECONDS: i64 = 30;

/// After how many seconds a key that nobody knows may make us ask again.
pub const UNKNOWN_SECONDS: i64 = 60;

/// What the issuer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) discovery: Discovery,
    pub(super) keys: Keys,
}

/// What is remembered of the issuer.
#[derive(Clone, Debug, Default)]
pub(super) struct Cache {
    known: Option<(Arc<Known>, Timestamp)>,
    failed: Option<(String, Timestamp)>,
    unknown_key: Option<Timestamp>,
}

/// What is to be done before somebody can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Use(Arc<Known>),
    /// Ask the issuer. When that fails, or somebody does so already, this is still good.
    Ask(Option<Arc<Known>>),
    /// Nothing can be done: it was asked a moment ago.
    Fail(String),
}

/// Seconds from one time to another; none where clocks went back.
fn since(then: Timestamp, now: Timestamp) -> i64 {
    now.as_second().saturating_sub(then.as_second()).max(0)
}

impl Cache {
    /// What is to be done.
    pub(super) fn step(&self, now: Timestamp) -> Step {
        let known = self.known.as_ref().map(|(known, at)| (known, since(*at, now)));
        if let Some((known, age)) = known
            && age < FRESH_SECONDS
        {
            return Step::Use(Arc::clone(known));
        }
        let kept = known.filter(|(_, age)| *age < KEPT_SECONDS).map(|(known, _)| Arc::clone(known));
        let failed = self.failed.as_ref().filter(|(_, at)| since(*at, now) < RETRY_SECONDS);
        match (failed, kept) {
            (Some(_), Some(kept)) => Step::Use(kept),
            (Some((problem, _)), None) => Step::Fail(problem.clone()),
            (None, kept) => Step::Ask(kept),
        }
    }

    /// Whether a key that is not known may make us ask now; if so, it is noted that it did.
    pub(super) fn may_ask_for_a_key(&mut self, now: Timestamp) -> bool {
        let may = self.unknown_key.is_none_or(|at| since(at, now) >= UNKNOWN_SECONDS);
        if may {
            self.unknown_key = Some(now);
        }
        may
    }

    /// Notes what the issuer said.
    pub(super) fn learn(&mut self, known: Arc<Known>, now: Timestamp) {
        self.known = Some((known, now));
        self.failed = None;
    }

    /// Notes that it said nothing that can be used. What was known stays.
    pub(super) fn fail(&mut self, problem: String, now: Timestamp) {
        self.failed = Some((problem, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn known() -> Arc<Known> {
        let document = br#"{"issuer":"https://a","authorization_endpoint":"https://a/a",
            "token_endpoint":"https://a/t","jwks_uri":"https://a/k"}"#;
        let discovery = super::super::discovery::read(document, "https://a").unwrap();
        Arc::new(Known { discovery, keys: Keys::default() })
    }

    #[test]
    fn an_issuer_that_is_down_is_asked_now_and_then_and_its_keys_end_some_day() {
        let mut cache = Cache::default();
        assert_eq!(cache.step(at(0)), Step::Ask(None));
        cache.fail("it is down".to_owned(), at(0));
        assert_eq!(cache.step(at(RETRY_SECONDS - 1)), Step::Fail("it is down".to_owned()));
        assert_eq!(cache.step(at(RETRY_SECONDS)), Step::Ask(None));
        cache.learn(known(), at(100));
        assert_eq!(cache.step(at(100 + FRESH_SECONDS - 1)), Step::Use(known()));
        assert_eq!(cache.step(at(0)), Step::Use(known()), "a clock that went back");
        let stale = 100 + FRESH_SECONDS;
        assert_eq!(cache.step(at(stale)), Step::Ask(Some(known())));
        cache.fail("it is down".to_owned(), at(stale));
        assert_eq!(cache.step(at(stale + 1)), Step::Use(known()), "the keys are kept");
        assert_eq!(cache.step(at(stale + RETRY_SECONDS)), Step::Ask(Some(known())));
        let end = 100 + KEPT_SECONDS;
        cache.fail("it is down".to_owned(), at(end - 1));
        assert_eq!(cache.step(at(end - 1)), Step::Use(known()));
        assert_eq!(cache.step(at(end)), Step::Fail("it is down".to_owned()), "not for good");
        assert_eq!(cache.step(at(end + RETRY_SECONDS)), Step::Ask(None));
    }

    #[test]
    fn keys_that_nobody_knows_make_us_ask_once_a_minute() {
        let mut cache = Cache::default();
        assert!(cache.may_ask_for_a_key(at(0)));
        assert!(!cache.may_ask_for_a_key(at(UNKNOWN_SECONDS - 1)));
        assert!(cache.may_ask_for_a_key(at(UNKNOWN_SECONDS)));
        assert!(!cache.may_ask_for_a_key(at(UNKNOWN_SECONDS + 1)));
    }
}
