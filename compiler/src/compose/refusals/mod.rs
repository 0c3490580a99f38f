//! Why Codex refuses a policy, in its words and in its order.

pub mod layers;
pub mod lists;
mod mcp;
mod network;
mod permissions;
mod review;
mod rules;

use codex_schema::source::Documents;
use codex_schema::value::{Node, Table};

use super::{Composition, Refusal};

/// What a check looks at.
#[derive(Clone, Copy, Debug)]
pub struct Merged<'a> {
    composition: &'a Composition,
    documents: &'a Documents,
    /// The merged configuration: some requirements are checked against it.
    config: &'a Table,
}

impl<'a> Merged<'a> {
    fn root(&self) -> &'a Table {
        &self.composition.merged
    }

    fn get(&self, path: &[&str]) -> Option<&'a Node> {
        let (first, rest) = path.split_first()?;
        self.root().get(first)?.at(rest)
    }

    /// `SOURCE` as it stands in `(set by SOURCE)`.
    fn set_by(&self, key: &str) -> String {
        self.composition.origin_text(key, self.documents)
    }
}

/// One check over the merged requirements.
type Check = fn(&Merged<'_>) -> Vec<Refusal>;

/// All checks in the order in which Codex makes them.
const CHECKS: &[Check] = &[
    network::surfaces,
    network::spellings,
    review::model_slugs,
    mcp::expressions,
    lists::approval_policies,
    lists::approvals_reviewers,
    lists::sandbox_modes,
    lists::windows_implementations,
    rules::prefix_rules,
    permissions::profiles,
    network::global_patterns,
    lists::login_methods,
    network::session_patterns,
];

/// Everything wrong with the merged requirements.
pub fn of_merged(
    composition: &Composition,
    config: &Table,
    documents: &Documents,
) -> Vec<Refusal> {
    // A value of the wrong type is reported once, by its layer; checks of content come after.
    if !composition.refusals.is_empty() {
        return Vec::new();
    }
    let merged = Merged { composition, documents, config };
    CHECKS.iter().flat_map(|check| check(&merged)).collect()
}
