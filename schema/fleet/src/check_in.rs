//! What an endpoint tells the server and hears from it, every quarter of an hour and after
//! everything that happens: one request for status, holds and freshness.
//!
//! The answer is signed over the endpoint's own nonce, so that neither a frozen mirror nor a
//! frozen clock passes for "nothing is new".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use crate::identity::is_name;

/// The most bytes of a check-in.
pub const MAX_BYTES: usize = 65_536;

/// The most transitions of one check-in; older ones come with the next.
pub const MAX_TRANSITIONS: usize = 64;

/// The most characters of a reason.
pub const MAX_REASON: usize = 500;

/// The most reasons of a transition.
pub const MAX_REASONS: usize = 16;

/// What an endpoint tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckIn {
    /// 32 random bytes, base64.
    pub nonce: String,
    /// The agent's version.
    pub agent: String,
    /// The versions of Codex that were found, ascending.
    pub codex: Vec<String>,
    /// What is in force; none before the first installation.
    pub installed: Option<Held>,
    /// What has happened since the last check-in that was answered, oldest first.
    pub transitions: Vec<Transition>,
}

/// A bundle on an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Held {
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The bundle's digest, `sha256:…`.
    pub digest: String,
}

/// Something that happened to a bundle on an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// When, by the endpoint's clock.
    pub at: Timestamp,
    /// Grows by one with every transition of this enrolment, so that one that is sent twice counts
    /// once.
    pub number: u64,
    /// Which bundle.
    pub about: Held,
    /// What.
    pub state: State,
    /// Why, where there is something to say, for people.
    #[serde(default)]
    pub reasons: Vec<String>,
}

/// How far a bundle has come on an endpoint. "Enforced" is proved by Codex itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The endpoint has heard of it.
    Offered,
    /// Its bytes are there.
    Fetched,
    /// Signatures, audience, generation, floor and approvals are right.
    Verified,
    /// Its files are in their places.
    Installed,
    /// Every Codex on the machine says that it enforces it.
    Enforced,
    /// A guard or an attestation refuses it; the reasons say which.
    Refused,
    /// Nothing was heard of the release for longer than the bundle allows.
    Stale,
    /// Somebody changed an installed file; it was repaired.
    Drifted,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Offered,
        Self::Fetched,
        Self::Verified,
        Self::Installed,
        Self::Enforced,
        Self::Refused,
        Self::Stale,
        Self::Drifted,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Fetched => "fetched",
            Self::Verified => "verified",
            Self::Installed => "installed",
            Self::Enforced => "enforced",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Drifted => "drifted",
        }
    }
}

/// What is wrong with a check-in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckIn {
    /// The nonce has another form.
    #[error("`nonce` must be 32 bytes in base64")]
    Nonce,
    /// Too many transitions.
    #[error("a check-in has {MAX_TRANSITIONS} transitions at most; send the others with the next")]
    Transitions,
    /// Numbers that do not grow.
    #[error("`transitions` must be numbered in growing order")]
    Order,
    /// A text is too long, empty, or has control characters.
    #[error("`{0}` is empty, too long, or has control characters")]
    Text(&'static str),
    /// Too many of something.
    #[error("`{0}` has too many entries")]
    Many(&'static str),
}

impl CheckIn {
    /// Holds it against every limit: everything in it ends up in a database, a log and a page.
    ///
    /// # Errors
    /// The first limit that is broken.
    pub fn check(&self) -> Result<(), BadCheckIn> {
        if STANDARD.decode(&self.nonce).map(|bytes| bytes.len()) != Ok(32) {
            return Err(BadCheckIn::Nonce);
        }
        if self.codex.len() > 32 {
            return Err(BadCheckIn::Many("codex"));
        }
        if self.transitions.len() > MAX_TRANSITIONS {
            return Err(BadCheckIn::Transitions);
        }
        let growing = self.transitions.is_sorted_by(|one, next| one.number < next.number);
        if !growing {
            return Err(BadCheckIn::Order);
        }
        let text = |name, value: &str, most| {
            if is_name(value, most) { Ok(()) } else { Err(BadCheckIn::Text(name)) }
        };
        text("agent", &self.agent, 64)?;
        self.codex.iter().try_for_each(|version| text("codex", version, 64))?;
        let held = self.transitions.iter().map(|one| &one.about).chain(&self.installed);
        for held in held {
            text("cohort", &held.cohort, 128)?;
            text("digest", &held.digest, 80)?;
        }
        for one in &self.transitions {
            if one.reasons.len() > MAX_REASONS {
                return Err(BadCheckIn::Many("reasons"));
            }
            one.reasons.iter().try_for_each(|reason| text("reasons", reason, MAX_REASON))?;
        }
        Ok(())
    }
}

/// What an endpoint hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What the signature is over.
    pub signed: Freshness,
    /// Ed25519 over [`Freshness::message`], base64.
    pub signature: String,
    /// The last number of a transition that is durable on the server: it need not be sent again.
    pub kept: u64,
    /// The server asks to install nothing above this generation for now, because a rollout has not
    /// come to this endpoint. It can delay, for as long as the organisation's document allows.
    pub hold: Option<u64>,
    /// In how many seconds to come again, before the endpoint's own dice.
    pub again: u64,
    /// What to compare hints with.
    pub revision: u64,
}

/// What the server vouches for at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// The endpoint's nonce.
    pub nonce: String,
    /// The server's clock.
    pub time: Timestamp,
    /// The digest of the newest `timestamp.json`, `sha256:…`; none before the first release.
    pub timestamp: Option<String>,
}

/// Why an answer proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFresh {
    /// It answers another question.
    #[error("the answer repeats another nonce: it is old, or meant for somebody else")]
    Nonce,
    /// It is not signed by the server that enrolled this endpoint.
    #[error("the answer is not signed by the key of this endpoint's enrolment")]
    Signature,
}

impl Freshness {
    /// The bytes that are signed: every part with its length in front, so that no two answers have
    /// the same.
    pub fn message(&self) -> Vec<u8> {
        let time = self.time.as_microsecond().to_string();
        let timestamp = self.timestamp.as_deref().unwrap_or("");
        let mut message = b"codex-config freshness 1\n".to_vec();
        for part in [self.nonce.as_str(), &time, timestamp] {
            message.extend_from_slice(format!("{}:{part}\n", part.len()).as_bytes());
        }
        message
    }

    /// Signs it.
    pub fn sign(&self, key: &Ed25519KeyPair) -> String {
        STANDARD.encode(key.sign(&self.message()))
    }
}

impl Answer {
    /// The proof of freshness, when it answers this nonce and is signed by this key.
    ///
    /// # Errors
    /// When it proves nothing.
    pub fn freshness(&self, nonce: &str, key: &str) -> Result<&Freshness, NotFresh> {
        if self.signed.nonce != nonce {
            return Err(NotFresh::Nonce);
        }
        let (Ok(key), Ok(signature)) = (STANDARD.decode(key), STANDARD.decode(&self.signature))
        else {
            return Err(NotFresh::Signature);
        };
        UnparsedPublicKey::new(&ED25519, key)
            .verify(&self.signed.message(), &signature)
            .map_err(|_| NotFresh::Signature)?;
        Ok(&self.signed)
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::KeyPair as _;

    use super::*;

    fn nonce(byte: u8) -> String {
        STANDARD.encode([byte; 32])
    }

    fn answer(key: &Ed25519KeyPair) -> Answer {
        let time = Timestamp::UNIX_EPOCH;
        let signed = Freshness { nonce: nonce(1), time, timestamp: Some("sha256:00".to_owned()) };
        let signature = signed.sign(key);
        Answer { signed, signature, kept: 0, hold: None, again: 900, revision: 1 }
    }

    #[test]
    fn an_answer_proves_freshness_for_its_own_nonce_and_key_alone() {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let other = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).expect("a seed");
        let public = |key: &Ed25519KeyPair| STANDARD.encode(key.public_key().as_ref());
        let answer = answer(&key);
        assert!(answer.freshness(&nonce(1), &public(&key)).is_ok());
        assert_eq!(answer.freshness(&nonce(2), &public(&key)), Err(NotFresh::Nonce));
        assert_eq!(answer.freshness(&nonce(1), &public(&other)), Err(NotFresh::Signature));
        let mut later = answer.clone();
        later.signed.time = Timestamp::MAX;
        assert_eq!(later.freshness(&nonce(1), &public(&key)), Err(NotFresh::Signature));
        let mut newer = answer;
        newer.signed.timestamp = None;
        assert_eq!(newer.freshness(&nonce(1), &public(&key)), Err(NotFresh::Signature));
    }

    #[test]
    fn every_limit_of_a_check_in_holds() {
        let held =
            Held { cohort: "payments".to_owned(), generation: 1, digest: "sha256:00".to_owned() };
        let one = Transition {
            at: Timestamp::UNIX_EPOCH,
            number: 1,
            about: held.clone(),
            state: State::Refused,
            reasons: vec!["a reason".to_owned()],
        };
        let good = CheckIn {
            nonce: nonce(1),
            agent: "0.1.0".to_owned(),
            codex: vec!["0.169.0".to_owned()],
            installed: Some(held),
            transitions: vec![one.clone()],
        };
        assert_eq!(good.check(), Ok(()));
        let with = |change: &dyn Fn(&mut CheckIn)| {
            let mut bad = good.clone();
            change(&mut bad);
            bad.check().expect_err("breaks a limit")
        };
        assert_eq!(with(&|one| one.nonce.clear()), BadCheckIn::Nonce);
        assert_eq!(with(&|one| one.agent = "a\nb".to_owned()), BadCheckIn::Text("agent"));
        assert_eq!(with(&|bad| bad.transitions.push(one.clone())), BadCheckIn::Order);
        assert_eq!(with(&|bad| bad.transitions = vec![one.clone(); 65]), BadCheckIn::Transitions);
        assert_eq!(with(&|one| one.codex = vec!["1".to_owned(); 33]), BadCheckIn::Many("codex"));
        let reason = |text: &str, count: usize| {
            let reasons = vec![text.to_owned(); count];
            with(&|bad| {
                bad.transitions = vec![Transition { reasons: reasons.clone(), ..one.clone() }];
            })
        };
        assert_eq!(reason("x", 17), BadCheckIn::Many("reasons"));
        assert_eq!(reason(&"x".repeat(501), 1), BadCheckIn::Text("reasons"));
        assert_eq!(reason("<b>\u{7}", 1), BadCheckIn::Text("reasons"));
    }

    #[test]
    fn words_are_those_of_the_wire() {
        for state in State::ALL {
            let json = serde_json::to_string(&state).expect("a word");
            assert_eq!(json, format!("\"{}\"", state.word()));
        }
    }
}
