//! The sandbox: from `sandbox_mode`, from a permission profile, or from the trust in a project.

use codex_schema::span::Span;
use codex_schema::value::Node;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use super::profiles::{BUILT_IN, defined, grants};
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
    /// The profile that one extends, where Codex shows it.
    pub extends: Option<String>,
    /// Warnings that belong to no clamp.
    pub notes: Vec<String>,
    /// As Codex prints it in its answer to `thread/start`.
    pub json: Json,
}

/// Resolves the sandbox of a session.
pub fn resolve(inputs: &Inputs<'_>) -> Clamped<Sandbox> {
    let choice = choose(inputs);
    let explicit = choice.explicit;
    let (choice, by_list) = by_profile_list(inputs, choice);
    let mut sandbox = build(inputs, &choice);
    sandbox.notes.extend(empty_profile(inputs, &choice));
    let clamped = by_modes(inputs, sandbox, explicit || by_list.is_some());
    if clamped.clamp.is_none() {
        return Clamped { clamp: by_list, ..clamped };
    }
    let mut clamped = clamped;
    clamped.value.notes.extend(by_list.and_then(|clamp| clamp.warning));
    clamped
}

/// Whether requirements let a profile be chosen.
pub fn allowed(inputs: &Inputs<'_>, name: &str) -> bool {
    let listed = inputs.requirement(&[PROFILES]).is_none_or(|profiles| {
        profiles.at(&[name]).and_then(|node| node.value.as_bool()).unwrap_or_default()
    });
    listed
        && super::profiles::resolvable(inputs, name)
        && refused_mode(inputs, grants(inputs, name).mode()).is_none()
}

/// A configuration that cannot run: never ask, and a sandbox that must be refused.
pub fn refused(inputs: &Inputs<'_>) -> Option<String> {
    if inputs.machine.version < Version::of(138) {
        return None;
    }
    let never = inputs.wanted("approval_policy")?.value.as_str() == Some("never");
    let never_allowed = inputs
        .requirement(&["allowed_approval_policies"])
        .is_none_or(|list| listed(list).any(|policy| policy == "never"));
    let (choice, _) = by_profile_list(inputs, choose(inputs));
    let danger = build(inputs, &choice).mode == "danger-full-access";
    (never && never_allowed && danger && refused_mode(inputs, "danger-full-access").is_some()).then(
        || {
            "`approval_policy = \"never\"` cannot be used because requirements do not allow \
         `sandbox_mode = \"danger-full-access\"`; Codex would fall back to read-only permissions \
         with approvals disabled. Choose an `approval_policy` based on what you need, such as \
         `on-request`, or choose an allowed sandbox mode."
                .to_owned()
        },
    )
}

/// What is wanted.
#[derive(Clone, Debug)]
struct Choice {
    profile: Option<String>,
    mode: Option<String>,
    span: Option<Span>,
    /// Whether anybody asked, rather than the built-in default or the project's trust.
    explicit: bool,
    /// Whether Codex names the profile it extends.
    shows_parent: bool,
}

/// What is wanted before any requirement: a request, a profile, a mode, or the default of the
/// project's trust. Of a profile and a mode the one set in the higher layer wins, in one layer
/// the profile does.
fn choose(inputs: &Inputs<'_>) -> Choice {
    let text = |node: &Node| node.value.as_str().map(str::to_owned);
    let of_mode = |node: &Node| Choice {
        profile: None,
        mode: text(node),
        span: Some(node.span),
        explicit: true,
        shows_parent: false,
    };
    if let Some(node) = inputs.request("sandbox_mode") {
        return of_mode(node);
    }
    let highest = |key: &str| {
        let layers = inputs.configuration.loaded().enumerate();
        layers.filter(|(_, layer)| layer.layer.root.get(key).is_some()).map(|(at, _)| at).last()
    };
    let merged = &inputs.configuration.merged;
    let profile = merged.get("default_permissions");
    if let Some(node) = profile.filter(|_| inputs.machine.version >= Version::of(118))
        && highest("default_permissions") >= highest("sandbox_mode")
    {
        let profile = text(node);
        let span = Some(node.span);
        return Choice { profile, mode: None, span, explicit: true, shows_parent: true };
    }
    if let Some(node) = inputs.wanted("sandbox_mode") {
        return of_mode(node);
    }
    let (profile, mode) = match inputs.gathered.trust {
        Some(_) => (":workspace", "workspace-write"),
        None => (":read-only", "read-only"),
    };
    // With options of the old kind the default is a mode, not a profile.
    let options = merged.get("sandbox_workspace_write").is_some() && mode == "workspace-write";
    Choice {
        profile: Some(profile.to_owned()).filter(|_| !options),
        mode: Some(mode.to_owned()),
        span: None,
        explicit: false,
        shows_parent: false,
    }
}

/// With a list of allowed profiles `sandbox_mode` counts for nothing, however strict it is.
fn by_profile_list(inputs: &Inputs<'_>, choice: Choice) -> (Choice, Option<Clamp>) {
    let profiles = inputs.requirement(&[PROFILES]);
    let Some(profiles) = profiles.filter(|_| inputs.machine.version >= Version::of(138)) else {
        return (choice, None);
    };
    let allowed =
        |name: &str| profiles.at(&[name]).and_then(|node| node.value.as_bool()).unwrap_or_default();
    let required =
        inputs.requirement(&["default_permissions"]).and_then(|node| node.value.as_str());
    let required = required.unwrap_or(":workspace");
    let wanted = inputs.configuration.merged.get("default_permissions");
    let name = wanted.and_then(|node| node.value.as_str());
    if let Some(name) = name.filter(|name| allowed(name)) {
        let profile = Some(name.to_owned());
        let span = wanted.map(|node| node.span);
        return (Choice { profile, mode: None, span, explicit: true, shows_parent: true }, None);
    }
    let warning = name.map(|name| {
        format!(
            "Configured value for `permission_profile` is disallowed by requirements; falling \
             back from `{name}` to required value `{required}`."
        )
    });
    let silent = inputs.wanted("sandbox_mode").map(|node| node.span);
    let clamped = warning.is_some() || silent.is_some();
    let span = wanted.map(|node| node.span).or(silent);
    let profile = Some(required.to_owned());
    let choice = Choice { profile, mode: None, span, explicit: true, shows_parent: false };
    let clamp = Clamp { by: PROFILES, span: Some(profiles.span), warning };
    (choice, clamped.then_some(clamp))
}

/// The requirement that rules a mode out, with Codex's words for what it allows.
fn refused_mode(inputs: &Inputs<'_>, mode: &str) -> Option<(&'static str, Span, String)> {
    let denied = inputs.requirement(&["permissions", "filesystem", "deny_read"]);
    let denied = denied.filter(|node| node.value.as_array().is_some_and(|list| !list.is_empty()));
    if let Some(node) = denied
        && mode == "danger-full-access"
        && inputs.machine.version >= Version::of(138)
    {
        let words =
            format!("[read-only, workspace-write] (set by {})", inputs.set_by("permissions"));
        return Some(("permissions.filesystem.deny_read", node.span, words));
    }
    let list = inputs.requirement(&[MODES])?;
    if listed(list).any(|allowed| allowed == mode) {
        return None;
    }
    let names: Vec<String> = listed(list).map(variant_name).collect();
    Some((MODES, list.span, format!("[{}] (set by {})", names.join(", "), inputs.set_by(MODES))))
}

/// A sandbox that is not allowed becomes read-only, whatever else the list allows.
fn by_modes(inputs: &Inputs<'_>, sandbox: Sandbox, explicit: bool) -> Clamped<Sandbox> {
    let Some((by, span, words)) = refused_mode(inputs, &sandbox.mode) else {
        return Clamped { value: sandbox, clamp: None };
    };
    let details = format!(
        "invalid value for `sandbox_mode`: `{}` is not in the allowed set {words}",
        variant_name(&sandbox.mode)
    );
    let version = inputs.machine.version;
    // Up to 0.118 the default of a trusted project gave way in silence.
    let said = explicit || version >= Version::of(138);
    let warning = said.then(|| read_only_text(&details, version));
    let choice = Choice {
        profile: None,
        mode: Some("read-only".to_owned()),
        span: sandbox.wanted,
        explicit,
        shows_parent: false,
    };
    let value = Sandbox { notes: sandbox.notes, ..build(inputs, &choice) };
    Clamped { value, clamp: Some(Clamp { by, span: Some(span), warning }) }
}

fn read_only_text(details: &str, version: Version) -> String {
    let (key, value) = if version < Version::of(138) {
        ("sandbox_mode", "ReadOnly { access: FullAccess, network_access: false }".to_owned())
    } else {
        let missing = if version < Version::of(157) { "" } else { ", missing_path_behavior: None" };
        let entry = format!(
            "FileSystemSandboxEntry {{ path: Special {{ value: Root }}, access: Read{missing} }}"
        );
        let value = format!(
            "Managed {{ file_system: Restricted {{ entries: [{entry}], glob_scan_max_depth: None \
             }}, network: Restricted }}"
        );
        ("permission_profile", value)
    };
    format!(
        "Configured value for `{key}` is disallowed by requirements; falling back to required \
         value {value}. Details: {details}"
    )
}

fn build(inputs: &Inputs<'_>, choice: &Choice) -> Sandbox {
    let profile = choice.profile.clone();
    let extends = profile.as_deref().filter(|_| choice.shows_parent).and_then(|name| {
        defined(inputs, name)?.at(&["extends"])?.value.as_str().map(str::to_owned)
    });
    // A profile chosen by name is what it says; the options of the old kind belong to modes.
    let (mode, json) = if let Some(mode) = &choice.mode {
        (mode.clone(), mode_json(inputs, mode))
    } else {
        let grants = grants(inputs, profile.as_deref().unwrap_or(":read-only"));
        match before_inheritance(inputs, choice, grants.network) {
            Some(json) => ("read-only".to_owned(), json),
            None => (grants.mode().to_owned(), grants.json()),
        }
    };
    Sandbox { mode, profile, wanted: choice.span, extends, notes: Vec::new(), json }
}

/// 0.118 knows no built-in profiles and no `extends`: a profile without entries of its own reads
/// nothing.
fn before_inheritance(inputs: &Inputs<'_>, choice: &Choice, network: bool) -> Option<Json> {
    let version = inputs.machine.version;
    let name = choice.profile.as_deref()?;
    let bare = defined(inputs, name)?.at(&["filesystem"]).is_none();
    (bare && version >= Version::of(118) && version < Version::of(138)).then(|| {
        json!({
            "type": "readOnly",
            "access": {
                "type": "restricted", "includePlatformDefaults": false, "readableRoots": [],
            },
            "networkAccess": network,
        })
    })
}

fn mode_json(inputs: &Inputs<'_>, mode: &str) -> Json {
    let options = config_table(inputs, "sandbox_workspace_write");
    let flag = |name: &str| {
        options
            .and_then(|table| table.get(name))
            .and_then(|node| node.value.as_bool())
            .unwrap_or(false)
    };
    let mut roots: Vec<String> = options
        .and_then(|table| table.get("writable_roots"))
        .map(|node| listed(node).map(str::to_owned).collect())
        .unwrap_or_default();
    // 0.118 prints two more fields and adds its own folder; 0.98 and 0.138 do not.
    let version = inputs.machine.version;
    let middle = version >= Version::of(118) && version < Version::of(138);
    let everything = json!({"type": "fullAccess"});
    match mode {
        "danger-full-access" => json!({"type": "dangerFullAccess"}),
        "workspace-write" => {
            if middle {
                roots.push(format!("{}/memories", inputs.machine.codex_home));
            }
            let mut json = json!({
                "type": "workspaceWrite",
                "writableRoots": roots,
                "networkAccess": flag("network_access"),
                "excludeTmpdirEnvVar": flag("exclude_tmpdir_env_var"),
                "excludeSlashTmp": flag("exclude_slash_tmp"),
            });
            if let Some(object) = json.as_object_mut().filter(|_| middle) {
                object.insert("readOnlyAccess".to_owned(), everything);
            }
            json
        }
        _ if version < Version::of(118) => json!({"type": "readOnly"}),
        _ if middle => json!({"type": "readOnly", "access": everything, "networkAccess": false}),
        _ => json!({"type": "readOnly", "networkAccess": false}),
    }
}

fn empty_profile(inputs: &Inputs<'_>, choice: &Choice) -> Option<String> {
    let name = choice.profile.as_deref().filter(|name| !BUILT_IN.contains(name))?;
    let own = defined(inputs, name);
    let empty = if inputs.machine.version < Version::of(138) {
        own.is_some_and(|own| own.at(&["filesystem"]).is_none())
    } else {
        own.is_some() && grants(inputs, name).access.is_empty()
    };
    empty.then(|| {
        format!(
            "Permissions profile `{name}` does not define any recognized filesystem entries for \
             this version of Codex. Filesystem access will remain restricted. Upgrade Codex if \
             this profile expects filesystem permissions."
        )
    })
}
