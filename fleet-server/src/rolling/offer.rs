//! What the release offers a cohort, as the admission of a rollout wants to know it.

use std::collections::BTreeMap;

use codex_trust::approval::Approval as Signed;
use codex_trust::guards::loosened;

use super::bundles::{before, bundle, of_cohort};
use crate::release::Assignment;
use crate::rollout::{Approval, Offer, Point, Rollout};
use crate::tree::Tree;

/// What the release offers. What everybody has is what was promoted last; before the first rollout,
/// the bundle before the newest.
pub fn offer(tree: &Tree, cohort: &str, last: Option<&Rollout>) -> Offer {
    use codex_fleet::rollout::State;
    let Some(one) = of_cohort(tree, cohort) else {
        let approval = Approval::Missing("there is no bundle".to_owned());
        return Offer { newest: None, stable: None, loosens: Vec::new(), approval };
    };
    let newest = Point { generation: one.label.generation, digest: one.digest.clone() };
    let parent = one.label.parent.clone();
    let from_release = parent.map(|digest| {
        let generation = before(tree, one).map(|bundle| bundle.generation);
        let generation = generation.unwrap_or(one.label.generation.saturating_sub(1));
        Point { generation, digest }
    });
    let stable = match last.map(|last| (last.state, last)) {
        Some((State::Promoted | State::PromotedWithFailures, last)) => Some(last.to.clone()),
        Some((
            State::Running | State::Baking | State::Inconclusive | State::Paused | State::Aborted,
            last,
        )) => last.from.clone(),
        None => from_release,
    };
    let loosens = stable.as_ref().map_or_else(Vec::new, |stable| looser(tree, one, stable));
    let approval = match &stable {
        Some(stable) => approved(tree, one, stable),
        None => Approval::Missing("there is nothing to loosen".to_owned()),
    };
    Offer { newest: Some(newest), stable, loosens, approval }
}

/// What the newest allows that the stable one does not. Where that one is not served any more,
/// nothing can be said; endpoints compare for themselves.
fn looser(tree: &Tree, one: &Assignment, stable: &Point) -> Vec<String> {
    let find = |digest: &str| bundle(tree, &one.role, &one.label.cohort, digest);
    let (Some(old), Some(new)) = (find(&stable.digest), find(&one.digest)) else {
        return Vec::new();
    };
    compared(&old.files, &new.files)
}

/// What some files allow that others do not. What cannot be compared may allow anything.
fn compared(old: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Vec<String> {
    loosened(old, new).unwrap_or_else(|error| vec![format!("what cannot be compared ({error})")])
}

fn approved(tree: &Tree, one: &Assignment, stable: &Point) -> Approval {
    let missing = |why: String| Approval::Missing(why);
    let digits = one.digest.strip_prefix("sha256:").unwrap_or_default();
    let name = format!("{}{digits}.json", crate::store::releases::APPROVALS);
    let Some(file) = tree.file(&name) else {
        return missing("there is no approval of that".to_owned());
    };
    let Some(organisation) = &tree.organisation else {
        return missing("nobody is named who may approve that".to_owned());
    };
    let signed = Signed::read(&file.plain).and_then(|read| read.verified(&organisation.loosen));
    match signed {
        Err(error) => missing(error.to_string()),
        Ok(statement)
            if statement.cohort == one.label.cohort
                && statement.to == one.digest
                && statement.from.contains(&stable.digest) =>
        {
            Approval::Given
        }
        Ok(_) => missing("the approval is of another change".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(requirements: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("requirements.toml".to_owned(), requirements.to_owned())])
    }

    #[test]
    fn what_cannot_be_compared_is_never_taken_for_tighter() {
        let strict = files("allowed_sandbox_modes = [\"read-only\"]\n");
        let open = files("allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n");
        assert_eq!(compared(&strict, &open), ["allowed_sandbox_modes"]);
        assert_eq!(compared(&open, &strict), [""; 0]);
        for (old, new) in [(&files("= 1"), &strict), (&strict, &files("= 1"))] {
            let [told] = &compared(old, new)[..] else { panic!("one finding") };
            assert!(told.starts_with("what cannot be compared (requirements cannot be read: "));
        }
    }
}
