//! Files with one mistake each, and the diagnostic it gives.

/// A file with one mistake.
pub(super) struct Mistake {
    pub file: &'static str,
    pub text: &'static str,
    pub code: &'static str,
    /// Line and column of the primary place.
    pub at: &'static str,
    /// Part of the message.
    pub says: &'static str,
}

const fn requirement(
    code: &'static str,
    at: &'static str,
    text: &'static str,
    says: &'static str,
) -> Mistake {
    Mistake { file: "requirements.toml", text, code, at, says }
}

const fn of(
    file: &'static str,
    code: &'static str,
    at: &'static str,
    text: &'static str,
    says: &'static str,
) -> Mistake {
    Mistake { file, text, code, at, says }
}

/// Mistakes of every kind.
pub(super) const MISTAKES: &[Mistake] = &[
    // Syntax.
    requirement("CX0003", "1:37", "allowed_sandbox_modes = [\"read-only\"\n", "unclosed array"),
    requirement(
        "CX0003",
        "2:20",
        "allow_appshots = true\nenforce_residency= us\n",
        "must be quoted",
    ),
    requirement("CX0103", "2:1", "allow_appshots = true\nallow_appshots = false\n", "given twice"),
    requirement(
        "CX0103",
        "3:2",
        "[features]\nhooks = true\n[features]\nmemories = false\n",
        "given twice",
    ),
    // Names.
    requirement(
        "CX0101",
        "1:1",
        "allowed_sandbox_mode = [\"read-only\"]\n",
        "`allowed_sandbox_mode`",
    ),
    requirement(
        "CX0101",
        "2:1",
        "[hooks]\nPreTooluse = []\n[features]\nhooks = true\n",
        "`hooks.PreTooluse`",
    ),
    requirement(
        "CX0101",
        "3:1",
        "[otel]\nenvironment = \"prod\"\nlog_user_promt = false\n",
        "`otel.log_user_promt`",
    ),
    requirement("CX0108", "1:1", "sandbox_mode = \"read-only\"\n", "key of `config.toml`"),
    requirement(
        "CX0108",
        "1:1",
        "mcp_oauth_credentials_store = \"keyring\"\n",
        "key of `config.toml`",
    ),
    requirement("CX0108", "1:1", "forced_login_method = \"api\"\n", "key of `config.toml`"),
    requirement("CX0109", "1:1", "allowed_permissions = [\":read-only\"]\n", "no longer a key"),
    requirement(
        "CX0103",
        "3:2",
        "[features]\nhooks = true\n[feature_requirements]\nhooks = true\n",
        "two names",
    ),
    requirement("CX0107", "1:2", "[feature_requirements]\nhooks = true\n", "former name"),
    requirement("CX0302", "1:2", "[network_proxy]\nenabled = true\n", "second name"),
    // Types and values.
    requirement("CX0102", "1:18", "allow_appshots = \"yes\"\n", "must be `true` or `false`"),
    requirement("CX0102", "1:25", "allowed_sandbox_modes = \"read-only\"\n", "must be a list"),
    requirement(
        "CX0201",
        "1:39",
        "allowed_sandbox_modes = [\"read-only\", \"workspace-writ\"]\n",
        "`workspace-writ`",
    ),
    requirement(
        "CX0201",
        "3:17",
        "[experimental_network]\nenabled = true\ndomains = { a = \"alow\" }\n",
        "`alow`",
    ),
    requirement(
        "CX0202",
        "2:17",
        "[rules]\nprefix_rules = [{ decision = \"prompt\" }]\n",
        "lacks the field `pattern`",
    ),
    // Meaning.
    requirement(
        "CX0207",
        "1:25",
        "allowed_sandbox_modes = [\"workspace-write\"]\n",
        "lacks `read-only`",
    ),
    requirement(
        "CX0208",
        "2:61",
        "[rules]\nprefix_rules = [{ pattern = [{ token = \"git\" }], decision = \"allow\" }]\n",
        "may not have",
    ),
    requirement("CX0203", "2:16", "[rules]\nprefix_rules = []\n", "cannot be empty"),
    requirement("CX0211", "1:29", "allowed_approval_policies = []\n", "is empty"),
    requirement("CX0211", "1:25", "allowed_login_methods = []\n", "no way to sign in"),
    requirement(
        "CX0209",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"*\" = \"allow\"\n",
        "`*` alone",
    ),
    requirement(
        "CX0209",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"https://a.b/c\" = \"deny\"\n",
        "is a URL",
    ),
    requirement(
        "CX0209",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"10.0.0.0/8\" = \"deny\"\n",
        "address ranges",
    ),
    requirement(
        "CX0423",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"a.b:443\" = \"allow\"\n",
        "port",
    ),
    requirement(
        "CX0431",
        "2:1",
        "[experimental_network]\ndomains = { \"a.b\" = \"allow\" }\n",
        "restricts nothing",
    ),
    requirement(
        "CX0430",
        "1:3",
        "[[hooks.PreToolUse]]\nhooks = [{ type = \"command\", command = \"/opt/x\" }]\n",
        "switched off",
    ),
    requirement(
        "CX0204",
        "4:11",
        "[experimental_network]\nenabled = true\nallowed_domains = [\"a.b\"]\ndomains = { \
         \"c.d\" = \"deny\" }\n",
        "cannot be combined",
    ),
    requirement(
        "CX0205",
        "2:39",
        "[mcp_servers.x.identity]\nurl = { match = \"regex\", expression = \"(\" }\n",
        "invalid regex",
    ),
    requirement(
        "CX0205",
        "4:11",
        "[features]\nhooks = true\n[[hooks.PreToolUse]]\nmatcher = \"(\"\nhooks = [{ \
         type = \"command\", command = \"/x\" }]\n",
        "matcher",
    ),
    requirement(
        "CX0206",
        "1:23",
        "default_permissions = \":workspace\"\n",
        "requires allowed_permission_profiles",
    ),
    requirement("CX0210", "2:1", "[features]\nmemries = false\n", "no feature `memries`"),
    requirement(
        "CX0104",
        "1:39",
        "allowed_sandbox_modes = [\"read-only\", \"read-only\"]\n",
        "listed twice",
    ),
    requirement(
        "CX0107",
        "1:3",
        "[[remote_sandbox_config]]\nhostname_patterns = [\"a\"]\n\
         allowed_sandbox_modes = [\"read-only\"]\n",
        "host name",
    ),
    requirement("CX0005", "1:1", "# nothing yet\n", "comments only"),
    // What restricts nothing by itself, and what cannot work.
    requirement("CX0401", "1:1", "mcp_servers = {}\n", "every MCP server"),
    requirement(
        "CX0411",
        "4:3",
        "[rules]\nprefix_rules = [\n  { pattern = [{ token = \"rm\" }], decision = \"forbidden\" },\n  \
         { pattern = [{ token = \"rm\" }, { token = \"x\" }], decision = \"forbidden\" },\n]\n",
        "changes nothing",
    ),
    requirement(
        "CX0413",
        "4:3",
        "[rules]\nprefix_rules = [\n  { pattern = [{ token = \"rm\" }], decision = \"forbidden\" },\n  \
         { pattern = [{ token = \"rm\" }, { token = \"x\" }], decision = \"prompt\" },\n]\n",
        "no exception",
    ),
    requirement(
        "CX0421",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"a.b.c\" = \"allow\"\n\"*.c\" = \"deny\"\n",
        "stays denied",
    ),
    requirement(
        "CX0422",
        "4:1",
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"*.com\" = \"allow\"\n",
        "anybody",
    ),
    requirement("CX0435", "2:11", "[mcp_servers.x.identity]\ncommand = \"npx\"\n", "any arguments"),
    requirement(
        "CX0442",
        "1:15",
        "[marketplaces.allowed_sources.a]\nsource = \"local\"\npath = \"/srv/p\"\n",
        "restricts nothing",
    ),
    requirement(
        "CX0443",
        "2:35",
        "[mcp_servers.x.identity]\nurl = { match = \"prefix\", value = \"https://b.example\" }\n",
        "also covers",
    ),
    requirement(
        "CX0447",
        "1:30",
        "allowed_approval_policies = [\"never\", \"on-request\"]\n",
        "first of the list",
    ),
    requirement("CX0450", "2:14", "[permissions.filesystem]\ndeny_read = [\"/\"]\n", "whole disk"),
    requirement(
        "CX0452",
        "3:23",
        "allowed_approvals_reviewers = [\"user\"]\n[auto_review]\n\
         required_on_models = [\"gpt-5\"]\n",
        "not allowed",
    ),
    requirement(
        "CX0454",
        "2:1",
        "[windows]\nrequire_mxc = true\nallow_mxc = false\n",
        "no sandbox",
    ),
    requirement(
        "CX0460",
        "2:14",
        "[permissions.filesystem]\ndeny_read = [\"$HOME/x\"]\n",
        "does not expand",
    ),
    requirement("CX0461", "2:14", "[permissions.filesystem]\ndeny_read = [\"x\"]\n", "below"),
    requirement(
        "CX0462",
        "2:14",
        "[permissions.filesystem]\ndeny_read = [\"/home/**/.env\"]\n",
        "many files",
    ),
    of(
        "default.rules",
        "CX0413",
        "2:1",
        "prefix_rule(pattern = [\"a\"], decision = \"forbidden\")\n\
         prefix_rule(pattern = [\"a\", \"b\"], decision = \"allow\")\n",
        "no exception",
    ),
    // Other files.
    of("default.rules", "CX0007", "1:1", "prefix_rule(pattern = [], decision = \"prompt\")\n", ""),
    of(
        "default.rules",
        "CX0007",
        "2:1",
        "prefix_rule(pattern = [\"a\"], decision = \"prompt\")\nprefix_rul(pattern = [\"a\"])\n",
        "",
    ),
    of(
        "bundle.json",
        "CX0004",
        "1:51",
        "{\"requirements_toml\":{\"enterprise_managed\":[{\"id\":5}]}}",
        "cannot be read",
    ),
    of(
        "bundle.json",
        "CX0101",
        "1:1",
        "{\"requirements_toml\":{\"enterprise_managed\":[\
         {\"id\":\"a\",\"name\":\"n\",\"contents\":\"allow_appshot = true\"}]}}",
        "`allow_appshot`",
    ),
    of(
        "bundle.json",
        "CX0402",
        "1:1",
        "{\"requirements_toml\":{\"enterprise_managed\":[\
         {\"id\":\"a\",\"name\":\"n\",\"contents\":\"allow_appshots = true\"},\
         {\"id\":\"b\",\"name\":\"m\",\"contents\":\"allow_appshots = false\"}]}}",
        "never applies",
    ),
    of("managed_config.toml", "CX0107", "1:1", "sandbox_mode = \"read-only\"\n", "older form"),
    // Configuration.
    of("config.toml", "CX0303", "1:19", "approval_policy = \"untrusted\"\n", "`untrusted`"),
    of("config.toml", "CX0303", "1:1", "profile = \"w\"\n", "`profile`"),
    of("config.toml", "CX0109", "1:11", "[profiles.w]\nmodel = \"m\"\n", "`profiles`"),
    of(
        "config.toml",
        "CX0204",
        "3:1",
        "[mcp_servers.a]\ncommand = \"x\"\nurl = \"https://a.b/\"\n",
        "both",
    ),
    of("config.toml", "CX0202", "1:14", "[mcp_servers.a]\nenabled = true\n", "neither"),
    of(
        "config.toml",
        "CX0103",
        "3:2",
        "[tui]\ntheme = \"a\"\n[tui]\ntheme = \"b\"\n",
        "given twice",
    ),
    of("/srv/p/.codex/config.toml", "CX0305", "1:1", "notify = [\"a\"]\n", "may not set `notify`"),
    of("/srv/p/.codex/config.toml", "CX0305", "1:1", "profile = \"w\"\n", "may not set `profile`"),
    of("what.toml", "CX0006", "1:1", "zzz = 1\n", "not clear"),
];
