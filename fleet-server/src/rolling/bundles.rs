//! Bundles of the release in force, and of those before it that are still served.

use std::collections::BTreeMap;

use codex_trust::bundle::{Bundle, path_of};
use codex_trust::write::target_name;
use jiff::Timestamp;

use crate::release::Assignment;
use crate::tree::Tree;

/// The newest bundle of a cohort, as the release lists it.
pub fn of_cohort<'tree>(tree: &'tree Tree, cohort: &str) -> Option<&'tree Assignment> {
    tree.assignments.iter().find(|one| one.label.cohort == cohort)
}

/// The file that a bundle of a role is in.
fn file_of(role: &str, cohort: &str, digest: &str) -> Option<String> {
    let digits = digest.strip_prefix("sha256:")?;
    let team = role.strip_prefix("team-");
    Some(format!("targets/{}", target_name(&path_of(team, cohort), digits)))
}

/// A bundle of a role by its digest, where it is still served.
pub fn bundle(tree: &Tree, role: &str, cohort: &str, digest: &str) -> Option<Bundle> {
    serde_json::from_slice(&tree.file(&file_of(role, cohort, digest)?)?.plain).ok()
}

/// When a bundle was published; `published` is when every file was.
pub fn published(published: &BTreeMap<String, Timestamp>, one: &Assignment) -> Option<Timestamp> {
    published.get(&file_of(&one.role, &one.label.cohort, &one.digest)?).copied()
}

/// The bundle that stood before another one, where it is still served.
pub fn before(tree: &Tree, one: &Assignment) -> Option<Bundle> {
    bundle(tree, &one.role, &one.label.cohort, one.label.parent.as_deref()?)
}
