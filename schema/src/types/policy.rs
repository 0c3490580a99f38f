//! Values of our own files: the policy repository's manifest and its exceptions.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::version::Version;

/// Reads a text and holds it against a rule.
fn text_that<'de, D: Deserializer<'de>>(
    deserializer: D,
    holds: impl Fn(&str) -> bool,
    asks: &str,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if holds(&text) {
        return Ok(text);
    }
    Err(serde::de::Error::custom(format!("`{text}` is not {asks}")))
}

macro_rules! texts {
    ($($(#[$doc:meta])+ $name:ident, $pattern:literal, $asks:literal, $holds:expr;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
        pub struct $name(#[schemars(regex(pattern = $pattern))] String);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text_that(deserializer, $holds, $asks).map(Self)
            }
        }

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    )+};
}

texts! {
    /// The name of a team, an environment, a cohort or a group: it is also a folder's name.
    Name, "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        "a name of letters, digits, `-` and `_` that begins with a letter or digit", is_name;
    /// A sentence for people.
    Sentence, "\\S", "a text", |text: &str| !text.trim().is_empty();
    /// A reverse-domain identifier, such as `example.bank`.
    Identifier, "^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+$",
        "an identifier like `example.bank`", is_identifier;
    /// A version of Codex, such as `0.169.0`.
    CodexVersion, "^[0-9]{1,6}\\.[0-9]{1,6}\\.[0-9]{1,6}$",
        "a Codex version like `0.169.0`", is_version;
    /// A host name pattern with `*` and `?`.
    HostPattern, "^[^\\s]+$", "a host pattern without blanks",
        |text: &str| !text.is_empty() && !text.chars().any(char::is_whitespace);
    /// A key or a pattern of keys, such as `features.*`.
    KeyPattern, "^[^\\s.]+(\\.[^\\s.]+)*$", "a key pattern like `features.*`", is_key_pattern;
    /// A folder of the repository that holds policy, such as `teams/payments`.
    LayerName, "^(baseline|(environments|teams)/[A-Za-z0-9][A-Za-z0-9_-]{0,63})$",
        "`baseline`, `environments/NAME` or `teams/NAME`", is_layer;
    /// What an exception or a delegation is for.
    TargetName, "^(environments|teams|cohorts)/(\\*|[A-Za-z0-9][A-Za-z0-9_-]{0,63})$",
        "`environments/NAME`, `teams/NAME` or `cohorts/NAME`", is_target;
    /// The name of a team, an environment, a group or a cohort, or `*` for every one.
    NameOrAny, "^(\\*|[A-Za-z0-9][A-Za-z0-9_-]{0,63})$", "a name, or `*` for every one",
        |text: &str| text == "*" || is_name(text);
    /// An Ed25519 public key.
    PublicKeyText, "^ed25519:[0-9a-f]{64}$", "`ed25519:` and 64 hexadecimal digits in lower case",
        |text: &str| has_digits(text, "ed25519:");
    /// The digest of a bundle, as `release show --json` prints it.
    BundleDigest, "^sha256:[0-9a-f]{64}$", "`sha256:` and 64 hexadecimal digits in lower case",
        |text: &str| has_digits(text, "sha256:");
    /// A day, such as `2027-01-31`: the last on which something counts.
    Day, "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "a day like `2027-01-31`",
        |text: &str| Date::parse(text).is_some();
}

impl Name {
    /// Reads a name; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        is_name(text).then(|| Self(text.to_owned()))
    }
}

fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= 64
        && letters.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
}

/// Whether a text is a prefix and 32 bytes in hexadecimal digits.
fn has_digits(text: &str, prefix: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix(prefix).is_some_and(|digits| digits.len() == 64 && digits.bytes().all(digit))
}

fn is_identifier(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && part.chars().all(|one| one.is_ascii_alphanumeric() || one == '-')
    };
    text.contains('.') && text.split('.').all(part)
}

fn is_version(text: &str) -> bool {
    let digits = |part: &str| {
        (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split('.').count() == 3 && text.split('.').all(digits) && text.parse::<Version>().is_ok()
}

fn is_key_pattern(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && !part.chars().any(char::is_whitespace))
}

fn is_layer(text: &str) -> bool {
    text == "baseline"
        || text
            .split_once('/')
            .is_some_and(|(kind, name)| matches!(kind, "environments" | "teams") && is_name(name))
}

fn is_target(text: &str) -> bool {
    text.split_once('/').is_some_and(|(kind, name)| {
        matches!(kind, "environments" | "teams" | "cohorts") && (name == "*" || is_name(name))
    })
}

/// A calendar day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

impl Date {
    /// Reads `YYYY-MM-DD`; `None` where there is no such day.
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !well_formed {
            return None;
        }
        let mut parts = text.split('-');
        let year: u16 = parts.next()?.parse().ok()?;
        let month: u8 = parts.next()?.parse().ok()?;
        let day: u8 = parts.next()?.parse().ok()?;
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        (1..=days).contains(&day).then_some(Self { year, month, day })
    }

    /// How many days another day is ahead; negative when it is over.
    pub fn days_until(self, other: Self) -> i64 {
        other.days() - self.days()
    }

    /// Days since some fixed day.
    fn days(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        // Years that begin in March, so that the leap day is the last one.
        let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        365 * year + leap_days + (153 * month + 2) / 5 + i64::from(self.day)
    }

    /// Seconds from 1970-01-01T00:00:00Z to the beginning of the day; 0 for days before.
    pub fn unix_seconds(self) -> u64 {
        let days = Self::of_unix_seconds(0).days_until(self);
        u64::try_from(days).unwrap_or(0).saturating_mul(86_400)
    }

    /// The day that a number of seconds after 1970-01-01T00:00:00Z falls on, in UTC.
    pub fn of_unix_seconds(seconds: u64) -> Self {
        // Days to civil date: eras of 400 years, years that begin in March.
        let days = seconds / 86_400 + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        Self {
            year: u16::try_from(year).unwrap_or(u16::MAX),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// For how many days something signed counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct LifeDays(#[schemars(range(min = 1, max = 3650))] u32);

impl LifeDays {
    /// The number of days.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for LifeDays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = u32::deserialize(deserializer)?;
        if (1..=3650).contains(&days) {
            return Ok(Self(days));
        }
        Err(serde::de::Error::custom(format!("`{days}` is not a number of days from 1 to 3650")))
    }
}

/// An operating system.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum System {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

/// A way by which compiled policy reaches a machine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Files in the system's folder, `/etc/codex`.
    System,
    /// A fragment of the bundle from the cloud or from a configuration server.
    Cloud,
    /// macOS managed preferences.
    Mdm,
}

/// Any table; what is in it is held against a key table of its own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct AnyTable(std::collections::BTreeMap<String, serde_json::Value>);

/// What an exception lifts.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// The key.
    pub key: String,
    /// The element of its list; without it the whole key is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_and_counted() {
        for (text, there) in [
            ("2027-01-31", true),
            ("2028-02-29", true),
            ("2027-02-29", false),
            ("1900-02-29", false),
            ("2027-13-01", false),
            ("2027-1-31", false),
            ("+027-01-31", false),
        ] {
            assert_eq!(Date::parse(text).is_some(), there, "{text}");
        }
        for (seconds, day) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_795_564_800, "2026-11-25")]
        {
            assert_eq!(Date::of_unix_seconds(seconds).to_string(), day);
        }
        // Both ways of counting agree on every day of two centuries.
        let first = Date::of_unix_seconds(0);
        for days in 0..73_000 {
            let day = Date::of_unix_seconds(days * 86_400);
            assert_eq!(first.days_until(day), i64::try_from(days).unwrap(), "{day}");
            assert_eq!(day.unix_seconds(), days * 86_400, "{day}");
        }
    }

    #[test]
    fn days_are_counted() {
        let day = |text: &str| Date::parse(text).unwrap();
        for (from, to, apart) in [
            ("2026-11-25", "2026-11-26", 1),
            ("2026-12-31", "2027-01-01", 1),
            ("2028-02-28", "2028-03-01", 2),
            ("2027-02-28", "2027-03-01", 1),
            ("2026-11-25", "2027-11-25", 365),
            ("2000-01-01", "2400-01-01", 146_097),
        ] {
            assert_eq!(day(from).days_until(day(to)), apart, "{from} {to}");
        }
    }
}
