//! One way through a browser: from this server to the issuer and back. Pure.
//!
//! A cookie holds a secret that no other browser has. State, nonce and PKCE verifier are made of it,
//! so nothing is kept here while somebody types a password, and what comes back into another browser
//! fits nothing.

use jiff::Timestamp;
use ring::hmac;

use super::{base64url, from_base64url};
use crate::pages::own::OwnPage;

/// For how many seconds somebody may be on the way.
pub const LASTS_SECONDS: i64 = 600;

/// Why somebody is not on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Astray {
    /// The browser did not begin here, or has no cookies.
    #[error("this sign-in was not begun in this browser, or its cookies are off: begin again here")]
    Stranger,
    /// It took too long.
    #[error("this sign-in took longer than ten minutes: begin again")]
    Late,
}

/// A login on its way.
#[derive(Clone, PartialEq, Eq)]
pub struct Attempt {
    secret: [u8; 32],
    began: i64,
    page: OwnPage,
}

impl std::fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Attempt").field("page", &self.page).finish_non_exhaustive()
    }
}

impl Attempt {
    /// A login that begins, with a secret from the dice.
    pub fn begin(secret: [u8; 32], now: Timestamp, page: OwnPage) -> Self {
        Self { secret, began: now.as_second(), page }
    }

    /// What goes into the cookie.
    pub fn cookie(&self) -> String {
        let page = base64url(self.page.as_str().as_bytes());
        format!("{}.{}.{page}", base64url(&self.secret), self.began)
    }

    /// The login that a cookie is of, if the answer's state fits it.
    ///
    /// # Errors
    /// When it is none, of another login, or too old.
    pub fn back(cookie: Option<&str>, state: &str, now: Timestamp) -> Result<Self, Astray> {
        let attempt = cookie.and_then(Self::read).ok_or(Astray::Stranger)?;
        let shown = from_base64url(state).ok_or(Astray::Stranger)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &attempt.secret);
        // In constant time, as the name says.
        hmac::verify(&key, attempt.text("state").as_bytes(), &shown)
            .map_err(|_| Astray::Stranger)?;
        let age = now.as_second().saturating_sub(attempt.began);
        if (-LASTS_SECONDS..=LASTS_SECONDS).contains(&age) {
            Ok(attempt)
        } else {
            Err(Astray::Late)
        }
    }

    fn read(cookie: &str) -> Option<Self> {
        let mut parts = cookie.splitn(3, '.');
        let secret = from_base64url(parts.next()?)?.try_into().ok()?;
        let began = parts.next()?.parse().ok()?;
        let page = String::from_utf8(from_base64url(parts.next()?)?).ok()?;
        Some(Self { secret, began, page: OwnPage::of(&page)? })
    }

    fn text(&self, what: &str) -> String {
        format!("{what}\n{}\n{}", self.began, self.page.as_str())
    }

    fn made(&self, what: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        base64url(hmac::sign(&key, self.text(what).as_bytes()).as_ref())
    }

    /// What comes back with the answer.
    pub fn state(&self) -> String {
        self.made("state")
    }

    /// What comes back in the ID token.
    pub fn nonce(&self) -> String {
        self.made("nonce")
    }

    /// What the issuer is shown with the code: RFC 7636.
    pub fn verifier(&self) -> String {
        self.made("verifier")
    }

    /// What the issuer is told of it before.
    pub fn challenge(&self) -> String {
        base64url(&codex_trust::provider::sha256(self.verifier().as_bytes()))
    }

    /// What is kept of it when it was used: it signs somebody in once.
    pub fn mark(&self) -> String {
        self.made("mark")
    }

    /// The page to go to.
    pub fn page(&self) -> &OwnPage {
        &self.page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn attempt() -> Attempt {
        Attempt::begin([7; 32], at(0), OwnPage::of("/ui/rollouts/payments").unwrap())
    }

    #[test]
    fn a_login_comes_back_into_its_own_browser_in_time() {
        let (one, other) = (attempt(), Attempt::begin([8; 32], at(0), OwnPage::default()));
        let back =
            |cookie: Option<&str>, state: &str, second| Attempt::back(cookie, state, at(second));
        assert_eq!(back(Some(&one.cookie()), &one.state(), 599), Ok(one.clone()));
        assert_eq!(back(Some(&one.cookie()), &one.state(), 601), Err(Astray::Late));
        assert_eq!(back(None, &one.state(), 1), Err(Astray::Stranger));
        assert_eq!(back(Some(&one.cookie()), &other.state(), 1), Err(Astray::Stranger));
        assert_eq!(back(Some(&other.cookie()), &one.state(), 1), Err(Astray::Stranger));
        assert_eq!(back(Some(&one.cookie()), "", 1), Err(Astray::Stranger));
        assert_eq!(back(Some(&one.cookie()), &one.nonce(), 1), Err(Astray::Stranger));
        let later = one.cookie().replace("1800000000", "1800000500");
        assert_eq!(
            back(Some(&later), &one.state(), 1_000),
            Err(Astray::Stranger),
            "the time is part"
        );
        let elsewhere = one.cookie().rsplit_once('.').unwrap().0.to_owned();
        let elsewhere = format!("{elsewhere}.{}", base64url(b"//evil.example"));
        assert_eq!(back(Some(&elsewhere), &one.state(), 1), Err(Astray::Stranger));
        for broken in ["", ".", "a.b.c", "..", &"A".repeat(10_000)] {
            assert_eq!(back(Some(broken), &one.state(), 1), Err(Astray::Stranger), "{broken}");
        }
    }

    #[test]
    fn what_is_shown_says_nothing_of_what_is_not() {
        let one = attempt();
        let all = [one.state(), one.nonce(), one.verifier(), one.challenge(), one.mark()];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), 5);
        assert_eq!(one.verifier().len(), 43, "RFC 7636 wants 43 to 128");
        assert!(!format!("{one:?}").contains(&one.cookie()), "the secret is not shown");
    }

    #[test]
    fn a_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let digest = codex_trust::provider::sha256(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(base64url(&digest), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
