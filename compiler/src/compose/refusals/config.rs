//! Values of the configuration that Codex refuses outright, with or without requirements.

use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;

use super::lists::strings;
use super::{Merged, Refusal};
use crate::compose::Phase;

const BUILT_IN: &[&str] = &[":read-only", ":workspace", ":danger-full-access"];

/// The words for an endpoint that was retired.
pub const THREAD_STORE: &str = "`experimental_thread_store_endpoint` is no longer supported; \
                                remove it from config.toml";

/// Values that were retired, and combinations that cannot work.
pub(super) fn values(merged: &Merged<'_>) -> Vec<Refusal> {
    let found = [
        thread_store(merged),
        compaction(merged),
        untrusted(merged),
        first_profiles(merged),
        default_profile(merged),
    ];
    found.into_iter().flatten().map(|refusal| refusal.in_phase(Phase::Config)).collect()
}

fn text<'a>(merged: &Merged<'a>, key: &str) -> Option<(&'a Node, &'a str)> {
    let node = merged.config.get(key)?;
    Some((node, node.value.as_str()?))
}

/// Checked before everything else, measured pair by pair at 0.169.0.
fn thread_store(merged: &Merged<'_>) -> Option<Refusal> {
    let node = merged.config.get("experimental_thread_store_endpoint")?;
    merged.era().retires_thread_store().then(|| Refusal::start(THREAD_STORE, Some(node.span)))
}

/// A share of more than the whole, after its type was right; measured at 0.157.1 and 0.169.0.
pub fn percentage(config: &Table, version: Version) -> Option<String> {
    let Value::Integer(share) = config.get(SHARE)?.value else { return None };
    (version >= Version::patched(157, 1) && share > 100)
        .then(|| format!("{SHARE} must be between 0 and 100"))
}

const SHARE: &str = "model_post_turn_compact_threshold_percent";

fn compaction(merged: &Merged<'_>) -> Option<Refusal> {
    let text = percentage(merged.config, merged.setting.machine.version)?;
    Some(Refusal::start(text, merged.config.get(SHARE).map(|node| node.span)))
}

fn untrusted(merged: &Merged<'_>) -> Option<Refusal> {
    let (node, _) = text(merged, "approval_policy").filter(|(_, value)| *value == "untrusted")?;
    let words = "approval_policy = \"untrusted\" is no longer supported; remove this setting";
    merged.era().retires_old_approval().then(|| Refusal::start(words, Some(node.span)))
}

fn first_profiles(merged: &Merged<'_>) -> Option<Refusal> {
    let (node, name) = text(merged, "profile")?;
    let words = format!(
        "legacy `profile = \"{name}\"` config is no longer supported; use `--profile {name}` with \
         `{name}.config.toml` instead"
    );
    merged.era().retires_first_profiles().then(|| Refusal::start(words, Some(node.span)))
}

fn default_profile(merged: &Merged<'_>) -> Option<Refusal> {
    let (node, name) = text(merged, "default_permissions")?;
    let defined =
        merged.config.get("permissions").is_some() || merged.get(&["permissions"]).is_some();
    let words = "default_permissions requires a `[permissions]` table";
    let known = merged.era().version() >= Version::of(118);
    (known && !BUILT_IN.contains(&name) && !defined).then(|| Refusal::start(words, Some(node.span)))
}

/// `never` and a forbidden `danger-full-access`: the fallback would be a session that can do
/// nothing and never asks.
pub(super) fn unasked(merged: &Merged<'_>) -> Vec<Refusal> {
    let found = never_with_danger(merged).map(|refusal| refusal.in_phase(Phase::Config));
    found.into_iter().collect()
}

fn never_with_danger(merged: &Merged<'_>) -> Option<Refusal> {
    let (_, policy) = text(merged, "approval_policy")?;
    let (node, mode) = text(merged, "sandbox_mode")?;
    let allowed = merged.get(&["allowed_sandbox_modes"])?;
    let never = |allowed: &Node| strings(allowed).any(|one| one == "never");
    let may_never = merged.get(&["allowed_approval_policies"]).is_none_or(never);
    let refused = policy == "never"
        && mode == "danger-full-access"
        && may_never
        && !strings(allowed).any(|one| one == mode)
        && merged.era().refuses_never_with_danger();
    let words = "`approval_policy = \"never\"` cannot be used because requirements do not allow \
                 `sandbox_mode = \"danger-full-access\"`; Codex would fall back to read-only \
                 permissions with approvals disabled. Choose an `approval_policy` based on what you \
                 need, such as `on-request`, or choose an allowed sandbox mode.";
    refused.then(|| Refusal::start(words, Some(node.span)))
}
