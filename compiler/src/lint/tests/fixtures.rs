//! One faulty and one nearly faulty policy for every rule, as changes of the good one.

use super::*;

/// A change: what stands in the good policy, and what takes its place. An empty text stands for
/// the beginning.
type Change = (&'static str, &'static str);

struct Fixture {
    code: Code,
    /// The fault: exactly this code is found, once.
    fault: &'static [Change],
    /// What looks like it: nothing is found.
    near: &'static [Change],
    /// The rest of the policy, where it matters.
    with: Policy<'static>,
}

const fn fixture(
    code: Code,
    fault: &'static [Change],
    near: &'static [Change],
    with: Policy<'static>,
) -> Fixture {
    Fixture { code, fault, near, with }
}

const LINUX: Policy<'static> = Policy { systems: &[Os::Linux], ..GOOD };
const ALLOWS: Policy<'static> =
    Policy { rules: "prefix_rule(pattern = [\"make\"], decision = \"allow\")\n", ..GOOD };
const CLOUD: Policy<'static> = Policy { channels: &[Channel::System, Channel::Cloud], ..GOOD };
const MODES: Policy<'static> = Policy { config: "sandbox_mode = \"read-only\"\n", ..GOOD };
const FORCED: Policy<'static> = Policy { config: "forced_login_method = \"api\"\n", ..GOOD };
const FLEET: Policy<'static> = Policy { channels: &[Channel::Mdm], systems: &[Os::Macos], ..GOOD };

const PROFILES: &str = "allowed_permission_profiles = { \":read-only\" = true, \":workspace\" = \
                        true, \"build\" = true }\ndefault_permissions = \":workspace\"\n";
const BUILD: Change = ("[permissions.build]\nextends = \":workspace\"\n", "");
const DENIED: Change = ("deny_read = [\"~/.ssh\", \"/srv/secrets/**/*.pem\"]", "deny_read = []");
const PATHS: &str = "deny_read = [";
const RULES: &str = "prefix_rules = [\n";
const SERVERS: &str = "[mcp_servers.docs.identity]\nurl = { match = \"prefix\", value = \
                       \"https://docs.corp.example/\" }\n\n[mcp_servers.files.identity]\n\
                        command = { \
                       executable = \"files-mcp\", args = [] }\n";
const READ_ONLY: &str = "allowed_sandbox_modes = [\"read-only\"]\n";
const MODES_OF: &str = "allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n";

/// By code.
static FIXTURES: &[Fixture] = &[
    fixture(
        Code::OtherSystem,
        &[("[rules]\n", "[windows]\nallowed_sandbox_implementations = [\"elevated\"]\n[rules]\n")],
        &[("[rules]\n", "[computer_use.macos.bundle_ids]\n\"a.b\" = \"allow\"\n[rules]\n")],
        GOOD,
    ),
    fixture(
        Code::ImplicitlyEmpty,
        &[(SERVERS, ""), ("", "mcp_servers = {}\n")],
        &[(SERVERS, "")],
        GOOD,
    ),
    fixture(Code::ProfilesDecide, &[], &[(PROFILES, READ_ONLY), BUILD], MODES),
    fixture(
        Code::NoBaseFolder,
        &[("", "log_dir = \"logs\"\n")],
        &[("", "log_dir = \"~/logs\"\n")],
        FLEET,
    ),
    fixture(
        Code::DenyReadKeepsSandbox,
        &[],
        &[DENIED, ("[auto_review]\n", "[auto_review]\nignore_rules = [\"gpt-5\"]\n")],
        ALLOWS,
    ),
    fixture(
        Code::GuardrailOnly,
        &[
            (PROFILES, ""),
            BUILD,
            DENIED,
            ("enabled = true\nmanaged", "enabled = false\nmanaged"),
            (
                "review_domains = [\"unknown.example\"]\n\n[experimental_network.domains]\n\
                 \"mirror.corp.example\" = \"allow\"\n\"**.python.org\" = \"allow\"\n\
                  \"**.paste.example\" = \"deny\"\n",
                "",
            ),
            ("managed_allowed_domains_only = true\n", ""),
        ],
        &[],
        GOOD,
    ),
    fixture(
        Code::OtherHooksSilenced,
        &[("", "allow_managed_hooks_only = true\n")],
        &[("", "allow_managed_hooks_only = false\n")],
        GOOD,
    ),
    fixture(
        Code::DeadRule,
        &[(
            RULES,
            "prefix_rules = [\n\
             { pattern = [{ token = \"sudo\" }, { token = \"ls\" }], decision = \"forbidden\" },\n",
        )],
        &[(
            RULES,
            "prefix_rules = [\n\
             { pattern = [{ any_of = [\"sudo\", \"doas\"] }, { token = \"ls\" }], decision = \
              \"forbidden\" },\n",
        )],
        GOOD,
    ),
    fixture(
        Code::BypassNotCovered,
        &[("\"zsh\", ", "")],
        &[("{ token = \"sudo\" }", "{ token = \"dash\" }"), ("\"zsh\", \"dash\"", "\"zsh\"")],
        GOOD,
    ),
    fixture(
        Code::ExceptionCannotWork,
        &[(
            RULES,
            "prefix_rules = [\n\
             { pattern = [{ token = \"sudo\" }, { token = \"ls\" }], decision = \"prompt\" },\n",
        )],
        &[
            (
                RULES,
                "prefix_rules = [\n\
                 { pattern = [{ token = \"git\" }], decision = \"prompt-user\" },\n",
            ),
            ("{ token = \"git\" }, { token = \"push\" }", "{ token = \"hg\" }"),
        ],
        GOOD,
    ),
    fixture(
        Code::PromptRefused,
        &[
            ("[\"on-request\", \"never\"]", "[\"never\"]"),
            ("review_domains = [\"unknown.example\"]\n", ""),
        ],
        &[("[\"on-request\", \"never\"]", "[\"on-request\"]")],
        GOOD,
    ),
    fixture(
        Code::AllowUnreachable,
        &[("\"**.python.org\"", "\"API.paste.example.\"")],
        &[("\"**.paste.example\"", "\"*.python.org\"")],
        GOOD,
    ),
    fixture(
        Code::WildcardTooBroad,
        &[("\"**.python.org\"", "\"*.co.uk\"")],
        &[("\"**.python.org\"", "\"*.internal\""), ("\"**.paste.example\"", "\"*.com\"")],
        GOOD,
    ),
    fixture(
        Code::ServiceHostMissing,
        &[("\"models.corp.example\" = \"allow\"\n", "")],
        &[("\"models.corp.example\" = \"allow\"", "\"Models.Corp.example.\" = \"allow\"")],
        GOOD,
    ),
    fixture(
        Code::HooksNotPinned,
        &[("hooks = true", "memories = false")],
        &[("hooks = true", "codex_hooks = true")],
        GOOD,
    ),
    fixture(
        Code::NetworkNotEnabled,
        &[("enabled = true\nmanaged", "managed")],
        &[("managed_allowed_domains_only = true", "managed_allowed_domains_only = false")],
        GOOD,
    ),
    fixture(
        Code::NetworkWithFullAccess,
        &[(PROFILES, ""), BUILD, DENIED, ("decision = \"forbidden\"", "decision = \"prompt\"")],
        &[(PROFILES, ""), BUILD],
        GOOD,
    ),
    fixture(
        Code::AllowListOpen,
        &[("managed_allowed_domains_only = true\n", "")],
        &[
            ("managed_allowed_domains_only = true\n", ""),
            ("\"allow\"\n\"**.python.org\" = \"allow\"", "\"deny\""),
        ],
        GOOD,
    ),
    fixture(
        Code::WritableRoots,
        &[(PROFILES, MODES_OF), BUILD],
        &[(PROFILES, "allowed_sandbox_modes = [\"read-only\"]\n"), BUILD],
        GOOD,
    ),
    fixture(
        Code::McpArgumentsFree,
        &[("{ executable = \"files-mcp\", args = [] }", "\"files-mcp\"")],
        &[("args = []", "args = [{ match = \"exact\", value = \"-r\" }]")],
        GOOD,
    ),
    fixture(
        Code::CloudNotAnchored,
        &[
            ("[config_server]\nbase_url = \"https://policy.corp.example/codex\"\n", ""),
            ("chatgpt_base_url = \"https://chatgpt.com/backend-api\"\n", ""),
        ],
        &[("[config_server]\nbase_url = \"https://policy.corp.example/codex\"\n", "")],
        CLOUD,
    ),
    fixture(
        Code::AuthKeysInCloud,
        &[
            ("[config_server]\nbase_url = \"https://policy.corp.example/codex\"\n", ""),
            ("allowed_chatgpt_workspaces = [\"acct-1\"]\n", ""),
            ("chatgpt_base_url = \"https://chatgpt.com/backend-api\"\n", ""),
        ],
        &[],
        Policy { channels: &[Channel::Cloud], ..GOOD },
    ),
    fixture(
        Code::UserRulesLeaveSandbox,
        &[DENIED],
        &[DENIED, ("[auto_review]\n", "[auto_review]\nignore_rules = [\"gpt-5\"]\n")],
        GOOD,
    ),
    fixture(
        Code::LoginWithoutProvider,
        &[("model_provider = \"gateway\"\n", "")],
        &[
            ("model_provider = \"gateway\"\n", ""),
            (
                "allowed_login_methods = [\"chatgpt\"]\n\
                 allowed_chatgpt_workspaces = [\"acct-1\"]\n",
                "",
            ),
        ],
        GOOD,
    ),
    fixture(
        Code::ProviderNotDefined,
        &[("model_provider = \"gateway\"", "model_provider = \"other\"")],
        &[("model_provider = \"gateway\"", "model_provider = \"openai\"")],
        GOOD,
    ),
    fixture(
        Code::HookFailsOpen,
        &[(
            "command = \"/opt/codex/hooks/check --strict\"",
            "command = \"/opt/codex/hooks-check\"",
        )],
        &[("command = \"/opt/codex/hooks/check --strict\"", "command = \"/opt/codex/hooks/a/b\"")],
        GOOD,
    ),
    fixture(
        Code::SourcesNotRestricted,
        &[("restrict_to_allowed_sources = true\n", "")],
        &[
            (
                "\n[marketplaces.allowed_sources.corp]\nsource = \"git\"\n\
                 url = \"https://git.corp.example/plugins\"\n",
                "",
            ),
            ("restrict_to_allowed_sources = true", "restrict_to_allowed_sources = false"),
        ],
        GOOD,
    ),
    fixture(
        Code::UrlPrefixOpen,
        &[("value = \"https://docs.corp.example/\"", "value = \"https://docs.corp.example\"")],
        &[("value = \"https://docs.corp.example/\"", "value = \"https://docs.corp.example/v1\"")],
        GOOD,
    ),
    fixture(
        Code::ProfileOfUser,
        &[("extends = \":workspace\"", "extends = \"base\"")],
        &[(
            "extends = \":workspace\"",
            "extends = \"base\"\n[permissions.base]\nextends = \":read-only\"",
        )],
        GOOD,
    ),
    fixture(Code::LoginInConfig, &[], &[], FORCED),
    fixture(
        Code::SourceIncomplete,
        &[("url = \"https://git.corp.example/plugins\"", "ref = \"main\"")],
        &[(
            "source = \"git\"\nurl = \"https://git.corp.example/plugins\"",
            "source = \"local\"\npath = \"/srv/plugins\"",
        )],
        GOOD,
    ),
    fixture(
        Code::NeverFirst,
        &[("[\"on-request\", \"never\"]", "[\"never\", \"on-request\"]")],
        &[("[\"on-request\", \"never\"]", "[\"on-request\"]")],
        GOOD,
    ),
    fixture(
        Code::DenyReadRoot,
        &[(PATHS, "deny_read = [\"/\", ")],
        &[(PATHS, "deny_read = [\"/x/\", ")],
        GOOD,
    ),
    fixture(
        Code::DenyReadLink,
        &[(PATHS, "deny_read = [\"/lib64\", ")],
        &[(PATHS, "deny_read = [\"/lib64x\", ")],
        LINUX,
    ),
    fixture(
        Code::ReviewContradiction,
        &[
            ("[\"user\", \"auto_review\"]", "[\"user\"]"),
            ("review_domains = [\"unknown.example\"]\n", ""),
        ],
        &[("[\"user\", \"auto_review\"]", "[\"user\", \"guardian_subagent\"]")],
        GOOD,
    ),
    fixture(
        Code::ConfigServerCutOff,
        &[("\"policy.corp.example\" = \"allow\"\n", "")],
        &[("https://policy.corp.example/codex", "https://policy.corp.example:8443/codex")],
        GOOD,
    ),
    fixture(
        Code::MxcContradiction,
        &[("[rules]\n", "[windows]\nrequire_mxc = true\nallow_mxc = false\n[rules]\n")],
        &[("[rules]\n", "[windows]\nrequire_mxc = true\nallow_mxc = true\n[rules]\n")],
        Policy { systems: &[Os::Linux, Os::Windows], ..GOOD },
    ),
    fixture(
        Code::ReviewWithoutReviewer,
        &[
            ("[\"on-request\", \"never\"]", "[\"never\"]"),
            ("decision = \"prompt\"", "decision = \"forbidden\""),
        ],
        &[("review_domains = [\"unknown.example\"]", "review_domains = []")],
        Policy { rules: "", ..GOOD },
    ),
    fixture(
        Code::DenyReadNotExpanded,
        &[(PATHS, "deny_read = [\"$HOME/.aws\", ")],
        &[(PATHS, "deny_read = [\"/srv/$cash/~x\", ")],
        GOOD,
    ),
    fixture(
        Code::DenyReadRelative,
        &[(PATHS, "deny_read = [\"**/.env\", ")],
        &[(PATHS, "deny_read = [\"/work/*/.env\", ")],
        GOOD,
    ),
    fixture(
        Code::DenyReadBroad,
        &[(PATHS, "deny_read = [\"/home/**/.env\", ")],
        &[(PATHS, "deny_read = [\"/home/*/.env\", ")],
        GOOD,
    ),
    fixture(
        Code::VendorMetrics,
        &[("metrics_exporter = \"none\"\n", "")],
        &[
            ("metrics_exporter = \"none\"\n", ""),
            (
                "exporter = { otlp-http = { endpoint = \"https://otel.corp.example\", protocol = \
                 \"json\" } }",
                "exporter = \"none\"",
            ),
        ],
        GOOD,
    ),
];

fn changed(changes: &[Change]) -> String {
    changes.iter().fold(GOOD.requirements.to_owned(), |text, (from, to)| {
        if from.is_empty() {
            return format!("{to}{text}");
        }
        assert!(text.contains(from), "the good policy has no `{from}`");
        text.replace(from, to)
    })
}

fn found(changes: &[Change], with: Policy<'_>) -> Vec<Code> {
    Policy { requirements: &changed(changes), ..with }.codes()
}

#[test]
fn a_fault_gives_exactly_its_code() {
    let mut wrong = Vec::new();
    for Fixture { code, fault, with, .. } in FIXTURES {
        let mut codes = found(fault, *with);
        // A policy that only the cloud carries is never anchored on the machine.
        if with.channels == [Channel::Cloud] {
            codes.retain(|found| *found != Code::CloudNotAnchored);
        }
        if codes != [*code] {
            wrong.push(format!("{code}: {codes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_looks_like_a_fault_and_is_none_gives_nothing() {
    let mut wrong = Vec::new();
    for Fixture { code, near, with, .. } in FIXTURES {
        let with = if near.is_empty() { GOOD } else { *with };
        let codes = found(near, with);
        if !codes.is_empty() {
            wrong.push(format!("{code}: {codes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_fixture() {
    let with = |lint: &&Lint| FIXTURES.iter().any(|fixture| fixture.code == lint.code);
    let without: Vec<Code> = LINTS.iter().filter(|lint| !with(lint)).map(|l| l.code).collect();
    // The cost of a policy needs a large one: `gate`.
    assert_eq!(without, [Code::StartupCost]);
}
