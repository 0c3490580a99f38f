//! Policies with one fault for every rule. Some faults exclude each other, so there are two: one
//! that confines and one that does not.

use std::collections::BTreeSet;

use super::*;

/// A policy that confines sessions, with a fault of everything else.
const CONFINED: &str = r#"
allowed_approval_policies = ["never"]
allowed_approvals_reviewers = ["user"]
allowed_sandbox_modes = ["read-only", "workspace-write"]
allowed_login_methods = ["chatgpt"]
chatgpt_base_url = "https://chatgpt.com/backend-api"
allow_managed_hooks_only = true
log_dir = "logs"

[config_server]
base_url = "https://policy.corp.example/codex"

[application.network]
enabled = true
domains = { "other.example" = "allow" }

[permissions.filesystem]
deny_read = ["/", "/lib", "$HOME/x", "secrets", "/home/**/*.pem"]

[permissions.build]
extends = "mine"

[experimental_network]
enabled = true
review_domains = ["a.example"]

[experimental_network.domains]
"*.com" = "allow"
"api.paste.example" = "allow"
"*.paste.example" = "deny"

[auto_review]
required_on_models = ["gpt-5"]

[mcp_servers.a.identity]
command = "npx"

[mcp_servers.b.identity]
url = { match = "prefix", value = "https://b.example" }

[marketplaces.allowed_sources.a]
source = "git"

[windows]
require_mxc = true
allow_mxc = false

[[hooks.PreToolUse]]
hooks = [{ type = "command", command = "check" }]

[otel]
exporter = { otlp-http = { endpoint = "https://otel.example", protocol = "json" } }

[rules]
prefix_rules = [
  { pattern = [{ token = "rm" }], decision = "forbidden" },
  { pattern = [{ token = "rm" }, { token = "-r" }], decision = "forbidden" },
  { pattern = [{ token = "rm" }, { token = "x" }], decision = "prompt" },
]
"#;

/// A policy that does not confine.
const OPEN: &str = r#"
allowed_approval_policies = ["never", "on-request"]
model_provider = "gateway"
allowed_chatgpt_workspaces = ["a"]

[experimental_network]
enabled = true

[rules]
prefix_rules = [{ pattern = [{ token = "rm" }], decision = "forbidden" }]
"#;

#[test]
fn one_fault_for_every_rule_gives_every_code() {
    let confined = Policy {
        requirements: CONFINED,
        config: "forced_login_method = \"api\"\n",
        rules: "prefix_rule(pattern = [\"make\"], decision = \"allow\")\n",
        channels: &[Channel::Mdm],
        ..GOOD
    };
    let open = Policy { requirements: OPEN, channels: &[Channel::Cloud], ..GOOD };
    let profiles = "mcp_servers = {}\nallowed_permission_profiles = { \":read-only\" = true }\n\
                    default_permissions = \":read-only\"\n\
                    [experimental_network]\ndomains = { \"a.example\" = \"deny\" }\n";
    let held = Policy { requirements: profiles, config: "sandbox_mode = \"read-only\"\n", ..GOOD };
    let mut all = BTreeSet::new();
    for policy in [confined, open, held] {
        let codes = policy.codes();
        all.extend(codes);
    }
    all.insert(Code::StartupCost);
    let expected: BTreeSet<Code> = LINTS.iter().map(|lint| lint.code).collect();
    assert_eq!(all, expected);
    // Nothing is found twice but what is wrong twice: two hosts that Codex cannot reach.
    let mut once = confined.codes();
    let found = once.len();
    once.dedup();
    assert_eq!(once.len(), found, "{:?}", confined.codes());
    assert_eq!(
        open.codes(),
        [
            Code::GuardrailOnly,
            Code::BypassNotCovered,
            Code::NetworkWithFullAccess,
            Code::CloudNotAnchored,
            Code::AuthKeysInCloud,
            Code::ProviderNotDefined,
            Code::NeverFirst,
        ]
    );
    assert_eq!(
        held.codes(),
        [
            Code::ImplicitlyEmpty,
            Code::ProfilesDecide,
            Code::NetworkNotEnabled,
            Code::UserRulesLeaveSandbox,
        ]
    );
}
