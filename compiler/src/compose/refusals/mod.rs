//! Why Codex refuses a policy, in its words and in its order.

pub mod config;
mod files;
mod filesystem;
pub mod layers;
pub mod lists;
mod mcp;
mod network;
mod permissions;
mod providers;
mod review;
mod rules;

use codex_schema::value::{Node, Table};

use crate::era::Era;

use super::{Composition, Phase, Refusal, Setting};

/// What a check looks at.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it borrows the files of a machine")]
pub struct Merged<'a> {
    composition: &'a Composition,
    setting: &'a Setting<'a>,
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

    fn era(&self) -> Era {
        Era::of(self.setting.machine.version)
    }

    /// `SOURCE` as it stands in `(set by SOURCE)`.
    fn set_by(&self, key: &str) -> String {
        self.composition.origin_text(key, self.setting.documents)
    }
}

/// One check over the merged requirements.
type Check = fn(&Merged<'_>) -> Vec<Refusal>;

/// All checks in the order in which Codex makes them.
const CHECKS: &[Check] = &[
    review::model_slugs,
    mcp::expressions,
    lists::approval_policies,
    lists::approvals_reviewers,
    lists::sandbox_modes,
    lists::windows_implementations,
    rules::prefix_rules,
];

/// Checks of what a session is made of, in Codex's order; they come after [`CHECKS`].
const DERIVED: &[Check] = &[
    providers::definitions,
    permissions::profiles,
    config::values,
    providers::known,
    files::model_catalog,
    config::unasked,
    network::global_patterns,
    lists::login_methods,
    network::session_patterns,
];

/// Everything wrong with the content of the merged requirements.
pub fn of_merged(composition: &Composition, setting: &Setting<'_>) -> Vec<Refusal> {
    let merged = Merged { composition, setting, config: setting.config };
    let derived = DERIVED.iter().flat_map(|check| check(&merged)).map(|refusal| {
        if refusal.phase == Phase::Content { refusal.in_phase(Phase::Derived) } else { refusal }
    });
    CHECKS.iter().flat_map(|check| check(&merged)).chain(derived).collect()
}

/// The network policy in two places.
pub fn surfaces(composition: &Composition, setting: &Setting<'_>) -> Vec<Refusal> {
    // Before 0.169 `permissions.network` was a profile of that name.
    if !crate::effective::profiles::reserved("network", setting.machine.version) {
        return Vec::new();
    }
    network::surfaces(&Merged { composition, setting, config: setting.config })
}
