//! Codex versions.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A released Codex version such as `0.169.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number: Codex's real release counter.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
}

/// Why a text is not a version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a Codex version; write it as `0.169.0`")]
pub struct NotAVersion(String);

impl Version {
    /// The newest version this program was measured against.
    pub const NEWEST: Self = Self::of(169);

    /// Version `0.MINOR.0`.
    pub const fn of(minor: u32) -> Self {
        Self { major: 0, minor, patch: 0 }
    }

    /// Version `0.MINOR.PATCH`.
    pub const fn patched(minor: u32, patch: u32) -> Self {
        Self { major: 0, minor, patch }
    }
}

impl std::str::FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let wrong = || NotAVersion(text.to_owned());
        let mut numbers = text.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
        let mut next = || numbers.next().and_then(Result::ok);
        let (major, minor, patch) = (next(), next(), next());
        let more = numbers.next().is_some();
        match (major, minor, patch) {
            (Some(major), Some(minor), Some(patch)) if !more => Ok(Self { major, minor, patch }),
            _ => Err(wrong()),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_parse_print_and_order() {
        assert_eq!("0.153.1".parse(), Ok(Version::patched(153, 1)));
        assert_eq!("v0.98.0".parse::<Version>().map(|v| v.to_string()), Ok("0.98.0".to_owned()));
        assert!(Version::of(98) < Version::of(169));
        for bad in ["", "0.1", "0.1.2.3", "latest", "0.-1.0"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }
}
