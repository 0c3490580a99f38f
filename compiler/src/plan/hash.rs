//! The name of a plan: a hash of everything it would change.

use crate::digest::sha256_hex;

/// The hash of a plan, as `sha256:` and 64 digits. The same base and the same change have the same
/// one on every machine and on every day, however the files are laid out and whatever the inventory
/// says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct PlanHash(String);

/// Why a text is not a plan's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan's hash is written `sha256:` and 64 digits of 0-9 and a-f, as `plan` prints it")]
pub struct NotAHash;

/// What is about to be done is not what was approved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this plan is {found}, and {expected} was approved: look at it again with `codex-config plan`"
)]
pub struct OtherPlan {
    expected: PlanHash,
    found: PlanHash,
}

const FORM: &str = "sha256:";

impl PlanHash {
    /// The hash of a plan's canonical content.
    pub(super) fn of(content: &[u8]) -> Self {
        Self(format!("{FORM}{}", sha256_hex(content)))
    }

    /// Holds what was approved against the plan at hand.
    ///
    /// # Errors
    /// When they are not the same.
    pub fn verify(&self, found: &Self) -> Result<(), OtherPlan> {
        if self == found {
            return Ok(());
        }
        Err(OtherPlan { expected: self.clone(), found: found.clone() })
    }

    /// The first digits, for headings.
    pub fn short(&self) -> &str {
        self.0.get(FORM.len()..FORM.len() + 12).unwrap_or_default()
    }
}

impl std::str::FromStr for PlanHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits = text.trim().strip_prefix(FORM).unwrap_or(text.trim()).to_ascii_lowercase();
        let whole = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if whole { Ok(Self(format!("{FORM}{digits}"))) } else { Err(NotAHash) }
    }
}

impl std::fmt::Display for PlanHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_plan_is_the_plan() {
        let (one, other) = (PlanHash::of(b"one"), PlanHash::of(b"other"));
        assert_eq!(one.to_string().parse(), Ok(one.clone()));
        assert_eq!(one.to_string().to_uppercase().replace("SHA", "sha").parse(), Ok(one.clone()));
        assert!(one.verify(&one).is_ok());
        let words = one.verify(&other).unwrap_err().to_string();
        assert!(words.contains(other.short()) && words.contains(one.short()), "{words}");
        for bad in ["", "sha256:", "sha256:12", &"g".repeat(64), one.short()] {
            assert_eq!(bad.parse::<PlanHash>(), Err(NotAHash), "{bad}");
        }
    }
}
