//! What `lint` says of a policy, shown by the real Codex: a faulty policy lets something happen
//! that the mended one prevents, and only the faulty one is reported.

use std::num::NonZeroUsize;

use codex_compiler::check::{Input, Options, check};
use codex_compiler::lint::{Subject, lint};
use codex_compiler::machine::Os;
use codex_compiler::sources::rules_file::{Limits, read};
use codex_oracle::{
    Bundle, Oracle, TurnScript, WorldSpec, ask_worlds, install, require_or_announce,
};
use codex_schema::diagnostic::Code;
use codex_schema::reader::read_toml;
use codex_schema::source::{Channel, Documents, Source};
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde_json::Value as Json;

const REQUIREMENTS: &str = "/etc/codex/requirements.toml";
const DEFAULTS: &str = "/etc/codex/config.toml";
const RULES: &str = "/etc/codex/rules/a.rules";
const HOME: &str = "$CODEX_HOME/config.toml";

/// A user who wants more than the policy means to allow.
const EAGER: &str = "sandbox_mode = 'workspace-write'\napproval_policy = 'on-request'\n";

/// How Codex is asked.
#[derive(Clone, Copy)]
enum Ask {
    /// A session that runs this command.
    Turn(&'static str),
    /// The start of a session.
    Thread,
    /// The list of MCP servers.
    Mcp,
    /// The start of Codex with a configuration server, which hands out an empty policy.
    Served,
}

/// Where in the answer to look, and what stands there only with the fault.
type Sign = (&'static str, &'static str);

struct Case {
    code: Code,
    /// Requirements with the fault.
    faulty: &'static str,
    /// Requirements without it.
    mended: &'static str,
    /// Further files.
    files: &'static [(&'static str, &'static str)],
    ask: Ask,
    sign: Sign,
}

const fn case(
    code: Code,
    [faulty, mended]: [&'static str; 2],
    files: &'static [(&'static str, &'static str)],
    ask: Ask,
    sign: Sign,
) -> Case {
    Case { code, faulty, mended, files, ask, sign }
}

const RAN: Sign = ("/commands/0/exit", "0");

macro_rules! hook {
    ($pin:literal) => {
        concat!(
            "[features]\n",
            $pin,
            "\n[[hooks.PreToolUse]]\nhooks = [{ type = 'command', command = \
             \"sh -c 'echo no >&2; exit 2'\" }]\n"
        )
    };
}

const CASES: &[Case] = &[
    case(
        Code::HooksNotPinned,
        [hook!("memories = false"), hook!("hooks = true")],
        &[(HOME, "approval_policy = 'on-request'\n[features]\nhooks = false\n")],
        Ask::Turn("echo done"),
        RAN,
    ),
    case(
        Code::HookFailsOpen,
        [
            "[features]\nhooks = true\n[[hooks.PreToolUse]]\nhooks = [{ type = 'command', \
             command = '/nowhere/check' }]\n",
            "[features]\nhooks = true\n[hooks]\nmanaged_dir = '/bin'\n[[hooks.PreToolUse]]\n\
             hooks = \
             [{ type = 'command', command = \"/bin/sh -c 'echo no >&2; exit 2'\" }]\n",
        ],
        &[(HOME, EAGER)],
        Ask::Turn("echo done"),
        RAN,
    ),
    case(
        Code::NetworkNotEnabled,
        [
            "[experimental_network.domains]\n'ok.example' = 'allow'\n",
            "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
             'ok.example' = 'allow'\n",
        ],
        &[(
            HOME,
            "sandbox_mode = 'workspace-write'\napproval_policy = 'on-request'\n\
             sandbox_workspace_write = { network_access = true }\n",
        )],
        Ask::Turn("test -z \"$HTTP_PROXY\""),
        RAN,
    ),
    case(
        Code::NetworkWithFullAccess,
        [
            "[experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n",
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n[experimental_network]\n\
             enabled = true\nmanaged_allowed_domains_only = true\n",
        ],
        &[(HOME, "sandbox_mode = 'danger-full-access'\napproval_policy = 'on-request'\n")],
        Ask::Turn("test -z \"$HTTP_PROXY\""),
        RAN,
    ),
    case(
        Code::AllowListOpen,
        [
            "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
             'ok.example' = 'allow'\n",
            "[experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n\
             [experimental_network.domains]\n'ok.example' = 'allow'\n",
        ],
        &[(
            HOME,
            "approval_policy = 'on-request'\ndefault_permissions = 'p'\n[permissions.p]\n\
             extends = ':workspace'\n[permissions.p.network]\nenabled = true\n\
             [permissions.p.network.domains]\n'user.example' = 'allow'\n",
        )],
        Ask::Turn("curl -sS -m 6 -o /dev/null http://user.example/"),
        ("/commands/0/text", "local/private"),
    ),
    case(
        Code::AllowUnreachable,
        [
            "[experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n\
             [experimental_network.domains]\n'a.b.example' = 'allow'\n'**.example' = 'deny'\n",
            "[experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n\
             [experimental_network.domains]\n'a.b.example' = 'allow'\n'**.c.example' = 'deny'\n",
        ],
        &[(HOME, EAGER)],
        Ask::Turn("curl -sS -m 6 -o /dev/null http://a.b.example/"),
        ("/commands/0/text", "explicitly denied"),
    ),
    case(
        Code::WritableRoots,
        [
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n",
            "allowed_permission_profiles = { ':read-only' = true, ':workspace' = true }\n\
             default_permissions = ':workspace'\n",
        ],
        &[(
            HOME,
            "sandbox_mode = 'workspace-write'\napproval_policy = 'on-request'\n\
             sandbox_workspace_write = { writable_roots = ['/'] }\n",
        )],
        Ask::Turn("touch $CODEX_HOME/escaped"),
        RAN,
    ),
    case(
        Code::UserRulesLeaveSandbox,
        [
            "allowed_sandbox_modes = ['read-only']\n",
            "allowed_sandbox_modes = ['read-only']\n[permissions.filesystem]\n\
             deny_read = ['/etc/codex-secrets']\n",
        ],
        &[
            (HOME, EAGER),
            ("$CODEX_HOME/rules/a.rules", "prefix_rule(pattern=['touch'],decision='allow')\n"),
        ],
        Ask::Turn("touch $CODEX_HOME/escaped"),
        RAN,
    ),
    case(
        Code::McpArgumentsFree,
        [
            "[mcp_servers.a.identity]\ncommand = 'npx'\n",
            "[mcp_servers.a.identity]\ncommand = { executable = 'npx', args = [{ match = \
             'exact', value = 'good' }] }\n",
        ],
        &[(HOME, "[mcp_servers.a]\ncommand = 'npx'\nargs = ['evil']\n")],
        Ask::Mcp,
        ("/a/enabled", "true"),
    ),
    case(
        Code::UrlPrefixOpen,
        [
            "[mcp_servers.a.identity]\nurl = { match = 'prefix', value = 'https://b.example' }\n",
            "[mcp_servers.a.identity]\nurl = { match = 'prefix', value = 'https://b.example/' }\n",
        ],
        &[(HOME, "[mcp_servers.a]\nurl = 'https://b.example.evil.com/mcp'\n")],
        Ask::Mcp,
        ("/a/enabled", "true"),
    ),
    case(
        Code::ImplicitlyEmpty,
        [
            "mcp_servers = {}\n",
            "[mcp_servers.a.identity]\ncommand = { executable = 'a', args = [] }\n",
        ],
        &[(HOME, "[mcp_servers.a]\ncommand = 'a'\n")],
        Ask::Mcp,
        ("/a/enabled", "false"),
    ),
    case(
        Code::LoginWithoutProvider,
        [
            "allowed_login_methods = ['chatgpt']\n",
            "allowed_login_methods = ['chatgpt']\nmodel_provider = 'openai'\n",
        ],
        &[(
            HOME,
            "model_provider = 'own'\n[model_providers.own]\nname = 'own'\n\
                  base_url = 'http://127.0.0.1:9/v1'\n",
        )],
        Ask::Thread,
        ("/thread/modelProvider", "own"),
    ),
    case(
        Code::ProviderNotDefined,
        [
            "model_provider = 'gateway'\n",
            "model_provider = 'gateway'\n[model_providers.gateway]\nname = 'managed'\n\
             base_url = 'https://models.corp.example/v1'\n",
        ],
        &[(
            HOME,
            "[model_providers.gateway]\nname = 'user'\nbase_url = \
                  'http://127.0.0.1:9/v1'\n",
        )],
        Ask::Thread,
        // With a definition of its own the policy refuses the one of the user, or wins over it.
        ("/config/model_providers/gateway/name", "user"),
    ),
    case(
        Code::ProfileOfUser,
        [
            "allowed_permission_profiles = { m = true }\ndefault_permissions = 'm'\n\
             [permissions.m]\nextends = 'u'\n[permissions.filesystem]\ndeny_read = ['/zz']\n",
            "allowed_permission_profiles = { m = true }\ndefault_permissions = 'm'\n\
             [permissions.m]\nextends = ':read-only'\n[permissions.filesystem]\n\
             deny_read = ['/zz']\n",
        ],
        &[(
            HOME,
            "approval_policy = 'on-request'\n[permissions.u]\nextends = ':workspace'\n\
             [permissions.u.filesystem]\n'$CODEX_HOME' = 'write'\n",
        )],
        Ask::Turn("touch $CODEX_HOME/escaped"),
        RAN,
    ),
    case(
        Code::ProfilesDecide,
        [
            "allowed_permission_profiles = { ':read-only' = true, ':workspace' = true }\n\
             default_permissions = ':workspace'\n",
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n",
        ],
        &[(DEFAULTS, "sandbox_mode = 'read-only'\n")],
        Ask::Thread,
        ("/thread/sandbox/type", "workspaceWrite"),
    ),
    case(
        Code::NeverFirst,
        [
            "allowed_approval_policies = ['never', 'on-request']\n",
            "allowed_approval_policies = ['on-request', 'never']\n",
        ],
        &[(
            HOME,
            "approval_policy = { granular = { sandbox_approval = true, rules = true, \
                  mcp_elicitations = true } }\n",
        )],
        Ask::Thread,
        ("/thread/approvalPolicy", "never"),
    ),
    case(
        Code::LoginInConfig,
        ["", "allowed_login_methods = ['chatgpt']\nmodel_provider = 'openai'\n"],
        &[(DEFAULTS, "forced_login_method = 'chatgpt'\n"), (HOME, "forced_login_method = 'api'\n")],
        Ask::Thread,
        ("/config/forced_login_method", "api"),
    ),
    case(
        Code::DenyReadRoot,
        [
            "[permissions.filesystem]\ndeny_read = ['/']\n",
            "[permissions.filesystem]\ndeny_read = ['/zz']\n",
        ],
        &[(HOME, EAGER)],
        Ask::Turn("echo done"),
        ("/commands/0/text", "!done"),
    ),
    case(
        Code::DenyReadRoot,
        [
            "[permissions.filesystem]\ndeny_read = ['/**/.env']\n",
            "[permissions.filesystem]\ndeny_read = ['/srv/**/.env']\n",
        ],
        &[],
        Ask::Thread,
        ("error", "use a pattern with a non-root directory prefix"),
    ),
    case(
        Code::DenyReadNotExpanded,
        [
            "[permissions.filesystem]\ndeny_read = ['/work/{a,b}']\n",
            "[permissions.filesystem]\ndeny_read = ['/work/a', '/work/b']\n",
        ],
        &[],
        Ask::Thread,
        ("error", "unsupported configuration path"),
    ),
    case(
        Code::DenyReadLink,
        [
            "[permissions.filesystem]\ndeny_read = ['/dev/fd']\n",
            "[permissions.filesystem]\ndeny_read = ['/zz']\n",
        ],
        &[(HOME, EAGER)],
        Ask::Thread,
        ("error", "bwrap"),
    ),
    case(
        Code::DenyReadLink,
        [
            "[permissions.filesystem]\ndeny_read = ['/bin']\n",
            "[permissions.filesystem]\ndeny_read = ['/zz']\n",
        ],
        &[(HOME, EAGER)],
        Ask::Turn("echo done"),
        ("/commands/0/text", "!done"),
    ),
    case(
        Code::DenyReadNotExpanded,
        [
            "[permissions.filesystem]\ndeny_read = ['$HOME/secret']\n",
            "[permissions.filesystem]\ndeny_read = ['$CODEX_HOME/secret']\n",
        ],
        &[(HOME, EAGER), ("$CODEX_HOME/secret", "top\n")],
        Ask::Turn("cat $CODEX_HOME/secret"),
        ("/commands/0/text", "top"),
    ),
    case(
        Code::DenyReadRelative,
        [
            "[permissions.filesystem]\ndeny_read = ['secret']\n",
            "[permissions.filesystem]\ndeny_read = ['$CWD/secret']\n",
        ],
        &[(HOME, EAGER), ("$CWD/secret", "top\n")],
        Ask::Turn("cat secret"),
        ("/commands/0/text", "top"),
    ),
    case(
        Code::BypassNotCovered,
        [
            "allowed_sandbox_modes = ['read-only']\n[rules]\nprefix_rules = [{ pattern = [{ token \
             = 'ls' }], decision = 'forbidden' }]\n[permissions.filesystem]\ndeny_read = ['/zz']\n",
            "allowed_sandbox_modes = ['read-only']\n[rules]\nprefix_rules = [{ pattern = [{ token \
             = 'ls' }], decision = 'forbidden' }, { pattern = [{ any_of = ['bash', 'sh', 'zsh', \
             'dash'] }], decision = 'forbidden' }]\n[permissions.filesystem]\n\
             deny_read = ['/zz']\n",
        ],
        &[(HOME, EAGER)],
        Ask::Turn("bash -c 'for a in 1; do ls / > /dev/null; done'"),
        RAN,
    ),
    case(
        Code::GuardrailOnly,
        [
            "[rules]\nprefix_rules = [{ pattern = [{ token = 'touch' }], decision = \
             'forbidden' }]\n",
            "allowed_sandbox_modes = ['read-only']\n[rules]\nprefix_rules = [{ pattern = [{ token \
             = 'touch' }], decision = 'forbidden' }]\n",
        ],
        &[(HOME, "sandbox_mode = 'danger-full-access'\napproval_policy = 'on-request'\n")],
        Ask::Turn("env touch $CODEX_HOME/escaped"),
        RAN,
    ),
    case(
        Code::ExceptionCannotWork,
        [
            "[rules]\nprefix_rules = [{ pattern = [{ token = 'ls' }], decision = 'forbidden' }]\n",
            "[rules]\nprefix_rules = [{ pattern = [{ token = 'ls' }, { token = '-x' }], decision = \
             'forbidden' }]\n",
        ],
        &[(HOME, EAGER), (RULES, "prefix_rule(pattern=['ls', '/etc'], decision='allow')\n")],
        Ask::Turn("ls /etc"),
        ("/commands/0/status", "refused"),
    ),
    case(
        Code::PromptRefused,
        [
            "allowed_approval_policies = ['never']\n[rules]\nprefix_rules = [{ pattern = [{ token \
             = 'ls' }], decision = 'prompt' }]\n",
            "allowed_approval_policies = ['on-request']\n[rules]\nprefix_rules = [{ pattern = \
             [{ token = 'ls' }], decision = 'prompt' }]\n",
        ],
        &[],
        Ask::Turn("ls /"),
        ("/asks", "[]"),
    ),
    case(
        Code::ReviewWithoutReviewer,
        [
            "allowed_approval_policies = ['never']\n[experimental_network]\nenabled = true\n\
             review_domains = ['rev.example']\n",
            "allowed_approval_policies = ['on-request']\n[experimental_network]\nenabled = true\n\
             review_domains = ['rev.example']\n",
        ],
        &[],
        Ask::Turn("curl -sS -m 6 -o /dev/null http://rev.example/"),
        ("/asks", "[]"),
    ),
    case(
        Code::ReviewContradiction,
        [
            "allowed_approvals_reviewers = ['user']\n[auto_review]\nrequired_on_models = \
             ['gpt-5']\n",
            "allowed_approvals_reviewers = ['auto_review']\n[auto_review]\nrequired_on_models = \
             ['gpt-5']\n",
        ],
        &[(HOME, "model = 'gpt-5'\n")],
        Ask::Thread,
        ("error", "review"),
    ),
    case(
        Code::ConfigServerCutOff,
        [
            "[application.network]\nenabled = true\n[application.network.domains]\n\
             'a.example' = 'allow'\n",
            "[application.network]\nenabled = true\n[application.network.domains]\n\
             '127.0.0.1' = 'allow'\n",
        ],
        &[],
        Ask::Served,
        ("error", "denied by application network policy"),
    ),
];

#[test]
fn what_lint_says_is_what_codex_does() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let mut wrong = Vec::new();
    for (name, ask) in [("turn", 0), ("thread", 1), ("mcp", 2), ("served", 3)] {
        let kind = |case: &&Case| match case.ask {
            Ask::Turn(_) => 0,
            Ask::Thread => 1,
            Ask::Mcp => 2,
            Ask::Served => 3,
        } == ask;
        for case in CASES.iter().filter(kind) {
            let worlds = vec![world(case, case.faulty), world(case, case.mended)];
            let threads = NonZeroUsize::new(2).unwrap();
            let Some(answers) =
                require_or_announce(ask_worlds(&binary, threads, worlds, &oracles(case.ask)))
            else {
                return;
            };
            let [faulty, mended] = <[_; 2]>::try_from(answers).unwrap();
            let shown = [faulty, mended]
                .map(|answers| (shows(case.sign, &answers), format!("{answers:?}")));
            if (shown[0].0, shown[1].0) != (true, false) {
                wrong.push(format!(
                    "{name} {}: {} {}\n  faulty {}\n  mended {}",
                    case.code, shown[0].0, shown[1].0, shown[0].1, shown[1].1
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn only_the_faulty_policies_are_reported() {
    let mut wrong = Vec::new();
    for case in CASES {
        let faulty = codes(case, case.faulty);
        let mended = codes(case, case.mended);
        let expected = case.code != Code::LoginInConfig;
        if !faulty.contains(&case.code) || mended.contains(&case.code) && expected {
            wrong.push(format!("{}: {faulty:?}, {mended:?}", case.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn world(case: &Case, requirements: &str) -> WorldSpec {
    let world = WorldSpec::new().file(REQUIREMENTS, requirements);
    let world = case.files.iter().fold(world, |world, (path, text)| world.file(path, text));
    match case.ask {
        Ask::Served => world.bundle(Bundle {
            requirements: vec![("a".to_owned(), String::new())],
            ..Bundle::default()
        }),
        _ => world,
    }
}

fn oracles(ask: Ask) -> Vec<Oracle> {
    match ask {
        Ask::Turn(command) => vec![Oracle::Turn(TurnScript {
            cmds: vec![command.to_owned()],
            decision: None,
            tool: serde_json::Map::new(),
        })],
        Ask::Thread => vec![Oracle::thread(), Oracle::ConfigRead],
        Ask::Mcp => vec![Oracle::Mcp],
        Ask::Served => vec![Oracle::Startup],
    }
}

type Answer = Result<Json, codex_oracle::OracleError>;

/// Whether the sign stands in one of the answers. `!` before it means that it does not.
fn shows((pointer, text): Sign, answers: &[Answer]) -> bool {
    if pointer == "error" {
        return answers
            .iter()
            .any(|one| matches!(one, Err(error) if error.message().contains(text)));
    }
    let (wanted, text) = match text.strip_prefix('!') {
        Some(text) => (false, text),
        None => (true, text),
    };
    let found =
        answers.iter().filter_map(|one| one.as_ref().ok()?.pointer(pointer)).any(
            |value| match value {
                Json::String(found) => found.contains(text),
                other => serde_json::from_str::<Json>(text).is_ok_and(|wanted| wanted == *other),
            },
        );
    found == wanted
}

fn codes(case: &Case, requirements: &str) -> Vec<Code> {
    let mut documents = Documents::default();
    let text = |name: &str| {
        case.files.iter().find(|(path, _)| *path == name).map_or("", |(_, text)| *text)
    };
    let served = match case.ask {
        Ask::Served => "[config_server]\nbase_url = 'https://127.0.0.1/b'\n",
        _ => "",
    };
    let requirements = format!("{requirements}{served}");
    let requirements = requirements.replace("$CODEX_HOME", "/root/.codex").replace("$CWD", "/srv");
    let mut add =
        |path: &str, text: &str| documents.add(Source::File { path: path.to_owned() }, text);
    let source = add(REQUIREMENTS, &requirements);
    let root: Table = read_toml(&requirements, source).root;
    let config = read_toml(text(DEFAULTS), add(DEFAULTS, text(DEFAULTS))).root;
    // Rules that cannot be read have no codes: the case then fails.
    let Ok(file) = read(text(RULES), &Limits::default()) else { return Vec::new() };
    let rules = (add(RULES, text(RULES)), file);
    let found = lint(&Subject {
        requirements: &root,
        config: &config,
        rules: &[rules],
        documents: &documents,
        versions: &[Version::NEWEST],
        channels: &[Channel::System],
        systems: &[Os::Linux],
        anchor: Span::new(source, 0, 0),
    });
    found.iter().map(|one| one.code).collect()
}

/// No rule about policies speaks of a file that Codex refuses: its mistakes come first.
#[test]
fn the_faulty_policies_are_well_formed() {
    // That nobody defines a provider or a profile is said of the file too.
    let elsewhere = [Code::ProviderNotDefined, Code::ProfileOfUser];
    for case in CASES.iter().filter(|case| !elsewhere.contains(&case.code)) {
        for text in [case.faulty, case.mended] {
            let content = Ok(text.as_bytes().to_vec());
            let input = Input { name: "requirements.toml".to_owned(), content, kind: None };
            let report = check(vec![input], &Options::default());
            let bad = report
                .diagnostics
                .iter()
                .find(|one| one.code.rule().number < 400 && one.code != Code::SaysNothing);
            assert!(bad.is_none(), "{text}\n{bad:?}");
        }
    }
}
