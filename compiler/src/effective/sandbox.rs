//! The sandbox: from `sandbox_mode`, from a permission profile, or from the trust in a project.

use codex_schema::span::Span;
use codex_schema::value::Node;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use super::{Clamp, Clamped, Inputs, config_table, listed};
use crate::compose::refusals::lists::variant_name;

const MODES: &str = "allowed_sandbox_modes";
const PROFILES: &str = "allowed_permission_profiles";

/// What commands may touch.
#[derive(Clone, Debug, PartialEq)]
pub struct Sandbox {
    /// `read-only`, `workspace-write` or `danger-full-access`; for a profile, its shape.
    pub mode: String,
    /// The profile in force, when one is, with the profile it extends.
    pub profile: Option<String>,
    /// Where the wish stands that won before any clamp.
    pub wanted: Option<Span>,
    /// As Codex prints it in its answer to `thread/start`.
    pub json: Json,
}

/// Resolves the sandbox of a session.
pub fn resolve(inputs: &Inputs<'_>) -> Clamped<Sandbox> {
    if let Some(profiles) = inputs.requirement(&[PROFILES])
        && inputs.machine.version >= Version::of(138)
    {
        return by_profile_list(inputs, profiles);
    }
    let choice = choose(inputs);
    let mode = shape(inputs, &choice);
    let sandbox = build(inputs, &mode, choice.profile.clone(), choice.span);
    let Some(list) = inputs.requirement(&[MODES]) else {
        return by_deny_read(inputs, sandbox);
    };
    if listed(list).any(|allowed| allowed == mode) {
        return by_deny_read(inputs, sandbox);
    }
    let names: Vec<String> = listed(list).map(variant_name).collect();
    let details = format!(
        "invalid value for `sandbox_mode`: `{}` is not in the allowed set [{}] (set by {})",
        variant_name(&mode),
        names.join(", "),
        inputs.set_by(MODES)
    );
    let clamp = Clamp { by: MODES, span: Some(list.span), warning: Some(read_only_text(&details)) };
    let value = build(inputs, "read-only", None, choice.span);
    Clamped { value, clamp: Some(clamp) }
}

/// A configuration that cannot run: never ask, and a sandbox that must be refused.
pub fn refused(inputs: &Inputs<'_>) -> Option<String> {
    if inputs.machine.version < Version::of(138) {
        return None;
    }
    let never = inputs.wanted("approval_policy")?.value.as_str() == Some("never");
    let danger = inputs.wanted("sandbox_mode")?.value.as_str() == Some("danger-full-access");
    let never_allowed = inputs
        .requirement(&["allowed_approval_policies"])
        .is_none_or(|list| listed(list).any(|policy| policy == "never"));
    let list = inputs.requirement(&[MODES]);
    let disallowed = list.is_some_and(|list| !listed(list).any(|mode| mode == "danger-full-access"));
    let profiles = inputs.requirement(&[PROFILES]).is_some();
    (never && danger && never_allowed && disallowed && !profiles).then(|| {
        "`approval_policy = \"never\"` cannot be used because requirements do not allow \
         `sandbox_mode = \"danger-full-access\"`; Codex would fall back to read-only permissions \
         with approvals disabled. Choose an `approval_policy` based on what you need, such as \
         `on-request`, or choose an allowed sandbox mode."
            .to_owned()
    })
}

struct Choice {
    profile: Option<String>,
    mode: Option<String>,
    span: Option<Span>,
}

/// What is wanted before any requirement: a request, a profile, a mode, or the default of the
/// project's trust.
fn choose(inputs: &Inputs<'_>) -> Choice {
    let text = |node: &Node| node.value.as_str().map(str::to_owned);
    if let Some(node) = inputs.request("sandbox_mode") {
        return Choice { profile: None, mode: text(node), span: Some(node.span) };
    }
    let merged = &inputs.configuration.merged;
    if let Some(node) = merged.get("default_permissions")
        && inputs.machine.version >= Version::of(118)
    {
        return Choice { profile: text(node), mode: None, span: Some(node.span) };
    }
    if let Some(node) = merged.get("sandbox_mode") {
        return Choice { profile: None, mode: text(node), span: Some(node.span) };
    }
    let (profile, mode) = match inputs.gathered.trust {
        Some(_) => (":workspace", "workspace-write"),
        None => (":read-only", "read-only"),
    };
    Choice { profile: Some(profile.to_owned()), mode: Some(mode.to_owned()), span: None }
}

/// The mode a choice amounts to.
fn shape(inputs: &Inputs<'_>, choice: &Choice) -> String {
    if let Some(mode) = &choice.mode {
        return mode.clone();
    }
    let name = choice.profile.as_deref().unwrap_or(":read-only");
    profile_shape(inputs, name, 0)
}

/// Bound on `extends` chains, which are refused when they run in circles.
const LONGEST_CHAIN: usize = 64;

/// The shape of a profile: full write is danger, any write is workspace-write, else read-only.
fn profile_shape(inputs: &Inputs<'_>, name: &str, depth: usize) -> String {
    match name {
        ":danger-full-access" => return "danger-full-access".to_owned(),
        ":workspace" => return "workspace-write".to_owned(),
        ":read-only" => return "read-only".to_owned(),
        _ => {}
    }
    let own = inputs.requirement(&["permissions", name]);
    let profile = own.or_else(|| config_table(inputs, "permissions")?.get(name));
    let Some(profile) = profile.filter(|_| depth < LONGEST_CHAIN) else {
        return "read-only".to_owned();
    };
    let files = profile.at(&["filesystem"]).and_then(|node| node.value.as_table());
    let writes = |entry: &codex_schema::value::Entry| writes(&entry.node);
    let full = files.is_some_and(|files| {
        files.iter().any(|entry| {
            matches!(&*entry.key.value, "/" | ":root") && entry.node.value.as_str() == Some("write")
        })
    });
    let parent = profile.at(&["extends"]).and_then(|node| node.value.as_str());
    let inherited = parent.map(|parent| profile_shape(inputs, parent, depth + 1));
    if full {
        return "danger-full-access".to_owned();
    }
    if files.is_some_and(|files| files.iter().any(writes)) {
        return "workspace-write".to_owned();
    }
    inherited.unwrap_or_else(|| "read-only".to_owned())
}

fn writes(node: &Node) -> bool {
    match node.value.as_table() {
        Some(paths) => paths.iter().any(|entry| entry.node.value.as_str() == Some("write")),
        None => node.value.as_str() == Some("write"),
    }
}

/// With a list of allowed profiles `sandbox_mode` counts for nothing, however strict it is.
fn by_profile_list(inputs: &Inputs<'_>, profiles: &Node) -> Clamped<Sandbox> {
    let allowed = |name: &str| {
        profiles.at(&[name]).and_then(|node| node.value.as_bool()).unwrap_or_default()
    };
    let required = inputs.requirement(&["default_permissions"]).and_then(|node| node.value.as_str());
    let required = required.unwrap_or(":workspace");
    let wanted = inputs.configuration.merged.get("default_permissions");
    let name = wanted.and_then(|node| node.value.as_str());
    let span = wanted.map(|node| node.span);
    match name {
        Some(name) if allowed(name) => {
            let mode = profile_shape(inputs, name, 0);
            let value = build(inputs, &mode, Some(name.to_owned()), span);
            Clamped { value, clamp: None }
        }
        _ => {
            let warning = name.map(|name| {
                format!(
                    "Configured value for `permission_profile` is disallowed by requirements; \
                     falling back from `{name}` to required value `{required}`."
                )
            });
            let silent = inputs.wanted("sandbox_mode").map(|node| node.span);
            let mode = profile_shape(inputs, required, 0);
            let value = build(inputs, &mode, Some(required.to_owned()), span.or(silent));
            let clamped = warning.is_some() || silent.is_some();
            let clamp = Clamp { by: PROFILES, span: Some(profiles.span), warning };
            Clamped { value, clamp: clamped.then_some(clamp) }
        }
    }
}

/// Paths that nobody may read rule out a sandbox that is none.
fn by_deny_read(inputs: &Inputs<'_>, sandbox: Sandbox) -> Clamped<Sandbox> {
    let denied = inputs.requirement(&["permissions", "filesystem", "deny_read"]);
    let any = denied.and_then(|node| node.value.as_array()).is_some_and(|list| !list.is_empty());
    if sandbox.mode != "danger-full-access" || !any || inputs.machine.version < Version::of(138) {
        return Clamped { value: sandbox, clamp: None };
    }
    let details = format!(
        "invalid value for `sandbox_mode`: `DangerFullAccess` is not in the allowed set \
         [read-only, workspace-write] (set by {})",
        inputs.set_by("permissions")
    );
    let clamp = Clamp {
        by: "permissions.filesystem.deny_read",
        span: denied.map(|node| node.span),
        warning: Some(read_only_text(&details)),
    };
    Clamped { value: build(inputs, "read-only", None, sandbox.wanted), clamp: Some(clamp) }
}

fn read_only_text(details: &str) -> String {
    format!(
        "Configured value for `permission_profile` is disallowed by requirements; falling back to \
         required value Managed {{ file_system: Restricted {{ entries: [FileSystemSandboxEntry {{ \
         path: Special {{ value: Root }}, access: Read, missing_path_behavior: None }}], \
         glob_scan_max_depth: None }}, network: Restricted }}. Details: {details}"
    )
}

fn build(inputs: &Inputs<'_>, mode: &str, profile: Option<String>, wanted: Option<Span>) -> Sandbox {
    let options = config_table(inputs, "sandbox_workspace_write");
    let flag = |name: &str| {
        options.and_then(|table| table.get(name)).and_then(|node| node.value.as_bool()).unwrap_or(false)
    };
    let roots: Vec<&str> = options
        .and_then(|table| table.get("writable_roots"))
        .map(|node| listed(node).collect())
        .unwrap_or_default();
    let json = match mode {
        "danger-full-access" => json!({"type": "dangerFullAccess"}),
        "workspace-write" => json!({
            "type": "workspaceWrite",
            "writableRoots": roots,
            "networkAccess": flag("network_access"),
            "excludeTmpdirEnvVar": flag("exclude_tmpdir_env_var"),
            "excludeSlashTmp": flag("exclude_slash_tmp"),
        }),
        _ => json!({"type": "readOnly", "networkAccess": false}),
    };
    Sandbox { mode: mode.to_owned(), profile, wanted, json }
}
