//! Names that look like requirement keys and are none: keys of `config.toml`, keys that Codex
//! once had, and near relatives. Facts measured against 0.169.0 (all are ignored there).

use codex_schema::diagnostic::Code;
use codex_schema::key::Effect;
use codex_schema::lookup::{CONFIG, REQUIREMENTS};

use super::FileKind;

/// A name that is written in the wrong place, or no longer.
#[derive(Clone, Debug)]
pub(super) struct Lookalike {
    /// What is wrong with it.
    pub code: Code,
    /// The key that does what was wanted.
    pub instead: Option<&'static str>,
    /// What to say about it.
    pub help: String,
}

/// Retired and misleading names by dotted path, the successor, and what is to be said.
const RETIRED: &[(&str, Option<&str>, &str)] = &[
    (
        "allowed_permissions",
        Some("allowed_permission_profiles"),
        "use `[allowed_permission_profiles]` and `default_permissions`: the old list is ignored \
         even beside them",
    ),
    (
        "auto_review.experimental_policy_template",
        Some("guardian_policy_config"),
        "remove it; the reviewer's policy is `guardian_policy_config`",
    ),
    (
        "windows.sandbox_private_desktop",
        None,
        "remove it: the sandbox always uses a private desktop",
    ),
    ("guardian_developer_instructions", Some("guardian_policy_config"), ""),
    ("allow_guardian_fail_open", None, "remove it: no version reads it any more"),
    ("mcp_server_matchers", Some("mcp_servers"), "use `[mcp_servers.NAME.identity]`"),
];

/// Names of the configuration for which the table has no direct counterpart.
const CONFIGURED: &[(&str, Option<&str>, &str)] = &[
    ("forced_login_method", Some("allowed_login_methods"), ""),
    ("forced_chatgpt_workspace_id", Some("allowed_chatgpt_workspaces"), ""),
    (
        "mcp_oauth_credentials_store",
        None,
        "it is a key of `config.toml` and no requirement fixes it; `cli_auth_credentials_store` \
         governs Codex's own sign-in only",
    ),
    ("network", Some("experimental_network"), ""),
    ("sandbox_workspace_write", Some("allowed_permission_profiles"), ""),
    ("approval_policy", Some("allowed_approval_policies"), ""),
    ("sandbox_mode", Some("allowed_sandbox_modes"), ""),
    ("approvals_reviewer", Some("allowed_approvals_reviewers"), ""),
    ("web_search", Some("allowed_web_search_modes"), ""),
];

/// What an unknown name in a file really is, if it is something known.
pub(super) fn find(path: &[String], kind: FileKind) -> Option<Lookalike> {
    match kind {
        FileKind::Requirements => in_requirements(path),
        FileKind::Config | FileKind::ManagedConfig => in_config(path),
        FileKind::Bundle | FileKind::Preferences | FileKind::Rules => None,
    }
}

fn in_requirements(path: &[String]) -> Option<Lookalike> {
    let dotted = path.join(".");
    if let Some((_, instead, help)) = RETIRED.iter().find(|(name, _, _)| *name == dotted) {
        return Some(lookalike(Code::RetiredKey, *instead, help));
    }
    if let Some((_, instead, help)) = CONFIGURED.iter().find(|(name, _, _)| *name == dotted) {
        return Some(lookalike(Code::OtherFile, *instead, help));
    }
    let [name] = path else { return None };
    CONFIG.root().child(name)?;
    let governs = |effect: Effect| match effect {
        Effect::Constrains(key) | Effect::Fixes(key) | Effect::Pins(key) | Effect::Allows(key) => {
            key == name
        }
        Effect::None | Effect::Adds | Effect::Hints => false,
    };
    let row = REQUIREMENTS.keys().iter().find(|key| governs(key.effect));
    let help = "it is a key of `config.toml`; no requirement governs it";
    Some(lookalike(Code::OtherFile, row.map(|row| row.path), if row.is_some() { "" } else { help }))
}

fn in_config(path: &[String]) -> Option<Lookalike> {
    let [name] = path else { return None };
    let spot = REQUIREMENTS.root().child(name)?;
    let instead = match spot.key.map(|key| key.effect) {
        Some(Effect::Constrains(key) | Effect::Fixes(key) | Effect::Pins(key)) => Some(key),
        _ => None,
    };
    let help = match instead {
        Some(key) => format!(
            "`{name}` belongs into `requirements.toml`; in configuration the key is `{key}`"
        ),
        None => format!("`{name}` belongs into `requirements.toml`"),
    };
    Some(Lookalike { code: Code::OtherFile, instead, help })
}

fn lookalike(code: Code, instead: Option<&'static str>, help: &str) -> Lookalike {
    let help = match (instead, help) {
        (Some(key), "") => format!("write `{key}`"),
        (_, help) => help.to_owned(),
    };
    Lookalike { code, instead, help }
}
