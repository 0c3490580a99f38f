//! Which requirements Codex shows when it is asked what it starts with, and under which names:
//! `codex app-server --print-startup-config`, under `configRequirements.requirements`.

use crate::version::Version;

/// One field of Codex's answer.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name in the answer.
    pub name: &'static str,
    /// Dotted path in the key table.
    pub path: &'static str,
    /// First version whose answer has the field.
    pub since: Version,
}

const fn field(name: &'static str, path: &'static str, since: u32) -> Field {
    Field { name, path, since: Version::of(since) }
}

/// All fields in the order in which 0.169.0 prints them. What is not here is not shown by Codex.
pub const FIELDS: &[Field] = &[
    field("modelProvider", "model_provider", 156),
    field("modelProviders", "model_providers", 156),
    field("allowedLoginMethods", "allowed_login_methods", 147),
    field("cliAuthCredentialsStore", "cli_auth_credentials_store", 149),
    field("chatgptBaseUrl", "chatgpt_base_url", 149),
    field("additionalDeveloperInstructions", "additional_developer_instructions", 150),
    field("allowedApprovalPolicies", "allowed_approval_policies", 0),
    field("allowedApprovalsReviewers", "allowed_approvals_reviewers", 120),
    field("allowedSandboxModes", "allowed_sandbox_modes", 0),
    field("allowedWindowsSandboxImplementations", "windows.allowed_sandbox_implementations", 136),
    field("allowedPermissionProfiles", "allowed_permission_profiles", 138),
    field("defaultPermissions", "default_permissions", 138),
    field("allowedWebSearchModes", "allowed_web_search_modes", 99),
    field("allowManagedHooksOnly", "allow_managed_hooks_only", 131),
    field("allowBrowserAndComputerUse", "allow_browser_and_computer_use", 150),
    field("allowAppshots", "allow_appshots", 134),
    field("allowRemoteControl", "allow_remote_control", 140),
    field("computerUse", "computer_use", 133),
    field("browserUse", "browser_use", 146),
    field("inAppBrowser", "in_app_browser", 150),
    field("featureRequirements", "features", 110),
    field("hooks", "hooks", 124),
    field("enforceResidency", "enforce_residency", 93),
    field("network", "experimental_network", 99),
    field("application", "application", 154),
    field("autoReview", "auto_review", 148),
    field("models", "models", 143),
    field("sqliteHome", "sqlite_home", 146),
    field("logDir", "log_dir", 146),
    field("modelCatalogJson", "model_catalog_json", 146),
    field("checkForUpdateOnStartup", "check_for_update_on_startup", 146),
    field("allowLoginShell", "allow_login_shell", 146),
    field("feedback", "feedback", 146),
    field("otel", "otel", 166),
];

/// `default_app_access` as `defaultAppAccess`.
pub fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.extend(letters);
    }
    text
}

/// Beginnings of the paths of lists that count as unset where they are empty.
pub const UNSET_WHEN_EMPTY: &[&str] =
    &["auto_review.", "hooks.", "computer_use.windows.exes", "permissions.filesystem."];

/// Lists that are shown as nothing where they are empty.
pub const NOTHING_WHEN_EMPTY: &[&str] = &[
    "experimental_network.allowed_domains",
    "experimental_network.denied_domains",
    "experimental_network.allow_unix_sockets",
    "permissions.network.allowed_domains",
    "permissions.network.denied_domains",
    "permissions.network.allow_unix_sockets",
];
