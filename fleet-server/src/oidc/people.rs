//! What groups may do, and which policy they get.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::claims::Said;
use crate::store::tokens::Role;

/// Somebody, as a session remembers them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Whose word it is.
    pub issuer: String,
    /// Who, as the issuer knows them for good.
    pub subject: String,
    /// A name for people: an address or a name, as the issuer has it.
    pub name: Option<String>,
    /// The groups among those that may do something here.
    pub groups: BTreeSet<String>,
}

impl Person {
    pub(super) fn of(said: Said, issuer: &str, roles: &BTreeMap<String, Role>) -> Self {
        let Said { subject, name, groups } = said;
        let groups = groups.into_iter().filter(|group| roles.contains_key(group)).collect();
        Self { issuer: issuer.to_owned(), subject, name, groups }
    }

    /// What pages call them.
    pub fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.subject)
    }

    /// How the log names them. The name may change, and be anybody's choice; the subject is who it is.
    pub fn actor(&self) -> String {
        match &self.name {
            Some(name) => format!("person {name} ({})", self.subject),
            None => format!("person {}", self.subject),
        }
    }
}

/// The most that any of the groups may do.
pub(super) fn role<'group>(
    groups: impl IntoIterator<Item = &'group String>,
    roles: &BTreeMap<String, Role>,
) -> Option<Role> {
    groups.into_iter().filter_map(|group| roles.get(group)).max().copied()
}

/// Why somebody gets no cohort's policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCohort {
    /// None of their groups has one.
    #[error("none of the token's groups has a cohort in `oidc.cohorts`")]
    None,
    /// Their groups have several: which one counts is nobody's guess.
    #[error("the token's groups have several cohorts in `oidc.cohorts`: {}", .0.join(", "))]
    Several(Vec<String>),
}

/// The one cohort of all groups.
pub(super) fn cohort<'all>(
    groups: &[String],
    cohorts: &'all BTreeMap<String, String>,
) -> Result<&'all str, NoCohort> {
    let found: BTreeSet<&String> = groups.iter().filter_map(|group| cohorts.get(group)).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (None, _) => Err(NoCohort::None),
        (Some(one), None) => Ok(one),
        (Some(one), Some(two)) => {
            Err(NoCohort::Several([one, two].into_iter().chain(found).cloned().collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_highest_role_wins_and_no_group_is_no_role() {
        let roles = BTreeMap::from([
            ("lookers".to_owned(), Role::Viewer),
            ("chiefs".to_owned(), Role::Admin),
            ("doers".to_owned(), Role::Operator),
        ]);
        assert_eq!(role(&texts(&["lookers", "chiefs", "doers"]), &roles), Some(Role::Admin));
        assert_eq!(role(&texts(&["x", "lookers"]), &roles), Some(Role::Viewer));
        assert_eq!(role(&texts(&["x", "Chiefs"]), &roles), None);
        assert_eq!(role(&[], &roles), None);
    }

    #[test]
    fn there_is_one_cohort_or_none() {
        let cohorts = [("a", "one"), ("b", "one"), ("c", "two")];
        let cohorts = cohorts.map(|(group, cohort)| (group.to_owned(), cohort.to_owned())).into();
        assert_eq!(cohort(&texts(&["a", "b", "x"]), &cohorts), Ok("one"));
        assert_eq!(cohort(&texts(&["x"]), &cohorts), Err(NoCohort::None));
        let several = cohort(&texts(&["c", "a"]), &cohorts).unwrap_err();
        assert_eq!(several.to_string().split(": ").last(), Some("one, two"));
    }
}
