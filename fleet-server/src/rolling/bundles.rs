//! Bundles of the release in force, and of those before it that are still served.

use codex_trust::bundle::{Bundle, path_of};
use codex_trust::write::target_name;

use crate::release::Assignment;
use crate::tree::Tree;

/// The newest bundle of a cohort, as the release lists it.
pub fn of_cohort<'tree>(tree: &'tree Tree, cohort: &str) -> Option<&'tree Assignment> {
    tree.assignments.iter().find(|one| one.label.cohort == cohort)
}

/// A bundle of a role by its digest, where it is still served.
pub fn bundle(tree: &Tree, role: &str, cohort: &str, digest: &str) -> Option<Bundle> {
    let digits = digest.strip_prefix("sha256:")?;
    let team = role.strip_prefix("team-");
    let name = format!("targets/{}", target_name(&path_of(team, cohort), digits));
    serde_json::from_slice(&tree.file(&name)?.plain).ok()
}

/// The bundle that stood before another one, where it is still served.
pub fn before(tree: &Tree, one: &Assignment) -> Option<Bundle> {
    bundle(tree, &one.role, &one.label.cohort, one.label.parent.as_deref()?)
}
