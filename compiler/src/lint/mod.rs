//! What a policy means as a whole: controls that are inert alone, keys that stop every session,
//! rules and hosts that change nothing, and what a policy costs.
//!
//! Reading order: this file (what goes in and comes out), `view` (the policy as the rules look at
//! it), then any rule: one file each. A rule is a function from one effective policy to findings;
//! [`LINTS`] lists them all.
//!
//! **Invariants.** No file, clock or network. What a key may be is not asked here (`check` does):
//! a value of another type is passed over. Claims about Codex are tested against the programs in
//! `tests/agreement/tests/lint_claims.rs`.

mod allow_list_open;
mod allow_unreachable;
mod auth_keys_in_cloud;
mod bypass_not_covered;
mod cloud_not_anchored;
mod config_server_cut_off;
mod dead_rule;
mod deny_read_broad;
mod deny_read_keeps_sandbox;
mod deny_read_link;
mod deny_read_not_expanded;
mod deny_read_relative;
mod deny_read_root;
mod exception_cannot_work;
mod guardrail_only;
mod hook_fails_open;
mod hooks_not_pinned;
mod implicitly_empty;
mod login_in_config;
mod login_without_provider;
mod mcp_arguments_free;
mod mxc_contradiction;
mod network_not_enabled;
mod network_with_full_access;
mod never_first;
mod no_base_folder;
mod other_hooks_silenced;
mod other_system;
mod profile_of_user;
mod profiles_decide;
mod prompt_refused;
mod provider_not_defined;
mod review_contradiction;
mod review_without_reviewer;
mod rule_cover;
mod service_host_missing;
mod source_incomplete;
mod sources_not_restricted;
mod startup_cost;
mod url_prefix_open;
mod user_rules_leave_sandbox;
mod vendor_metrics;
mod view;
mod wildcard_too_broad;
mod writable_roots;

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::source::{Channel, Documents};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::Table;
use codex_schema::version::Version;

use crate::machine::Os;
use crate::sources::rules_file::RulesFile;
use view::View;

/// One effective policy under examination: what one cohort gets.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Merged requirements under canonical names; spans point into `documents`.
    pub requirements: &'a Table,
    /// Managed defaults (`config.toml` of the policy), merged.
    pub config: &'a Table,
    /// The `.rules` files, read, each with its document.
    pub rules: &'a [(SourceId, RulesFile)],
    /// Every text that a span points into.
    pub documents: &'a Documents,
    /// Codex versions deployed to the cohort, ascending, not empty.
    pub versions: &'a [Version],
    /// Channels that carry it.
    pub channels: &'a [Channel],
    /// Operating systems of the cohort.
    pub systems: &'a [Os],
    /// Where to report things that are missing altogether: the start of the baseline document.
    pub anchor: Span,
}

/// A rule about policies.
#[derive(Debug, Clone, Copy)]
pub struct Lint {
    /// What it reports.
    pub code: Code,
    /// Finds it.
    check: fn(&View<'_>) -> Vec<Diagnostic>,
}

/// Whether a rule makes sense of a file alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The policy is complete: what is missing is missing.
    Policy,
    /// Other files may complete it: only what the file itself gets wrong counts.
    File,
}

macro_rules! lints {
    ($($code:ident => $module:ident),+ $(,)?) => {
        /// Every rule, by code.
        pub static LINTS: &[Lint] =
            &[$(Lint { code: Code::$code, check: $module::check }),+];
    };
}

lints! {
    OtherSystem => other_system,
    ImplicitlyEmpty => implicitly_empty,
    ProfilesDecide => profiles_decide,
    NoBaseFolder => no_base_folder,
    DenyReadKeepsSandbox => deny_read_keeps_sandbox,
    GuardrailOnly => guardrail_only,
    OtherHooksSilenced => other_hooks_silenced,
    DeadRule => dead_rule,
    BypassNotCovered => bypass_not_covered,
    ExceptionCannotWork => exception_cannot_work,
    PromptRefused => prompt_refused,
    AllowUnreachable => allow_unreachable,
    WildcardTooBroad => wildcard_too_broad,
    ServiceHostMissing => service_host_missing,
    HooksNotPinned => hooks_not_pinned,
    NetworkNotEnabled => network_not_enabled,
    NetworkWithFullAccess => network_with_full_access,
    AllowListOpen => allow_list_open,
    WritableRoots => writable_roots,
    McpArgumentsFree => mcp_arguments_free,
    CloudNotAnchored => cloud_not_anchored,
    AuthKeysInCloud => auth_keys_in_cloud,
    UserRulesLeaveSandbox => user_rules_leave_sandbox,
    LoginWithoutProvider => login_without_provider,
    ProviderNotDefined => provider_not_defined,
    HookFailsOpen => hook_fails_open,
    SourcesNotRestricted => sources_not_restricted,
    UrlPrefixOpen => url_prefix_open,
    ProfileOfUser => profile_of_user,
    LoginInConfig => login_in_config,
    SourceIncomplete => source_incomplete,
    NeverFirst => never_first,
    DenyReadRoot => deny_read_root,
    DenyReadLink => deny_read_link,
    ReviewContradiction => review_contradiction,
    ConfigServerCutOff => config_server_cut_off,
    MxcContradiction => mxc_contradiction,
    ReviewWithoutReviewer => review_without_reviewer,
    DenyReadNotExpanded => deny_read_not_expanded,
    DenyReadRelative => deny_read_relative,
    DenyReadBroad => deny_read_broad,
    StartupCost => startup_cost,
    VendorMetrics => vendor_metrics,
}

/// What a file gets wrong by itself, or what restricts nothing without a key that belongs right
/// beside it. Everything else asks for keys that another file may have.
const OF_FILES: &[Code] = &[
    Code::ImplicitlyEmpty,
    Code::DeadRule,
    Code::ExceptionCannotWork,
    Code::AllowUnreachable,
    Code::WildcardTooBroad,
    Code::HooksNotPinned,
    Code::NetworkNotEnabled,
    Code::McpArgumentsFree,
    Code::SourcesNotRestricted,
    Code::UrlPrefixOpen,
    Code::SourceIncomplete,
    Code::NeverFirst,
    Code::DenyReadRoot,
    Code::ReviewContradiction,
    Code::MxcContradiction,
    Code::DenyReadNotExpanded,
    Code::DenyReadRelative,
    Code::DenyReadBroad,
    Code::StartupCost,
];

/// Everything that is wrong with a policy, in the order of its documents.
pub fn lint(subject: &Subject<'_>) -> Vec<Diagnostic> {
    lint_extent(subject, Extent::Policy)
}

/// As [`lint`], for a policy or for one file of it.
pub fn lint_extent(subject: &Subject<'_>, extent: Extent) -> Vec<Diagnostic> {
    let asked = |lint: &&Lint| extent == Extent::Policy || OF_FILES.contains(&lint.code);
    let view = View::of(subject);
    let mut found: Vec<Diagnostic> =
        LINTS.iter().filter(asked).flat_map(|lint| (lint.check)(&view)).collect();
    found.sort_by_key(|one| (one.primary.span.source, one.primary.span.start, one.code));
    found
}

#[cfg(test)]
mod tests;
