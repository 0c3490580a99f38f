//! For which machines a bundle is meant, and what a machine is by its enrolment.

use std::collections::BTreeSet;

use codex_schema::host::host_matches;
use serde::{Deserialize, Serialize};

/// What an endpoint's enrolment says of it. It comes from the endpoint's own certificate, never
/// from whoever offers a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The organisation.
    pub organisation: String,
    /// The team, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The environment, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The groups it is in.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// The operating system: `linux`, `macos` or `windows`.
    pub os: String,
    /// The host name.
    pub host: String,
}

/// A set of machines: all conditions must hold; one that is not there holds always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// The team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// The group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The operating systems.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<BTreeSet<String>>,
    /// Patterns of host names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<String>>,
    /// For the machines that no other cohort of the release selects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rest: bool,
}

impl Audience {
    /// Whether a machine fulfils all conditions. Whether another cohort selects it, which matters
    /// for [`Audience::rest`], is not seen here.
    pub fn admits(&self, claims: &Claims) -> bool {
        let same = |wanted: &Option<String>, own: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| own.as_ref() == Some(wanted))
        };
        same(&self.team, &claims.team)
            && same(&self.environment, &claims.environment)
            && self.group.as_ref().is_none_or(|group| claims.groups.contains(group))
            && self.os.as_ref().is_none_or(|systems| systems.contains(&claims.os))
            && self
                .hosts
                .as_ref()
                .is_none_or(|hosts| hosts.iter().any(|pattern| host_matches(pattern, &claims.host)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            organisation: "Example Bank".to_owned(),
            team: Some("payments".to_owned()),
            environment: Some("workstations".to_owned()),
            groups: BTreeSet::from(["laptops".to_owned()]),
            os: "linux".to_owned(),
            host: "pay-17.bank.example".to_owned(),
        }
    }

    #[test]
    fn every_condition_must_hold() {
        let text = |text: &str| Some(text.to_owned());
        let all = Audience {
            team: text("payments"),
            environment: text("workstations"),
            group: text("laptops"),
            os: Some(BTreeSet::from(["linux".to_owned()])),
            hosts: Some(vec!["pay-*.bank.example".to_owned()]),
            rest: false,
        };
        assert!(all.admits(&claims()));
        assert!(Audience::default().admits(&claims()));
        for other in [
            Audience { team: text("platform"), ..all.clone() },
            Audience { environment: text("ci"), ..all.clone() },
            Audience { group: text("servers"), ..all.clone() },
            Audience { os: Some(BTreeSet::from(["macos".to_owned()])), ..all.clone() },
            Audience { hosts: Some(Vec::new()), ..all.clone() },
        ] {
            assert!(!other.admits(&claims()), "{other:?}");
        }
        let nobody = Claims { team: None, ..claims() };
        assert!(!all.admits(&nobody), "a machine without a team is in no team");
    }
}
