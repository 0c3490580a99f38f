//! `check` says what each Codex version does with a mistake. Here the versions are asked.

use std::num::NonZeroUsize;

use codex_compiler::check::{Input, Options, Report, check};
use codex_oracle::{Oracle, OracleError, WorldSpec, ask_worlds, install, require_or_announce};
use codex_schema::diagnostic::{Diagnostic, Effect, Outcome};
use codex_schema::version::Version;
use serde_json::Value as Json;

/// Requirements with one mistake each.
const MISTAKES: &[&str] = &[
    "allowed_sandbox_mode = ['read-only']\n",
    "sandbox_mode = 'read-only'\n",
    "allowed_permissions = [':read-only']\n",
    "[hooks]\nPreTooluse = []\n[features]\nhooks = true\n",
    "allowed_sandbox_modes = ['read-only'\n",
    "allowed_approval_policies = ['never']\nallowed_approval_policies = ['never']\n",
    "allowed_sandbox_modes = 'read-only'\n",
    "allowed_sandbox_modes = ['read-only', 'workspace-writ']\n",
    "allowed_sandbox_modes = ['workspace-write']\n",
    "allowed_sandbox_modes = ['read-only', 'read-only']\n",
    "allowed_approval_policies = []\n",
    "allowed_login_methods = []\n",
    "[rules]\nprefix_rules = []\n",
    "[rules]\nprefix_rules = [{ pattern = [{ token = 'git' }], decision = 'allow' }]\n",
    "[rules]\nprefix_rules = [{ pattern = [{ token = 'git' }], decision = 'prompt-user' }]\n",
    "[rules]\nprefix_rules = [{ decision = 'prompt' }]\n",
    "[experimental_network]\nenabled = true\n[experimental_network.domains]\n'*' = 'allow'\n",
    "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
     'http://a.b' = 'allow'\n",
    "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
     '10.0.0.0/8' = 'deny'\n",
    "[experimental_network]\nenabled = true\n[experimental_network.domains]\n'**' = 'deny'\n",
    "[experimental_network]\nenabled = true\n[experimental_network.domains]\n'a.b:443' = 'allow'\n",
    "[experimental_network]\nenabled = true\nallowed_domains = ['a.b']\n",
    "[experimental_network]\nenabled = true\nallowed_domains = ['a']\ndomains = { b = 'deny' }\n",
    "[experimental_network]\nenabled = true\nunix_sockets = { '/run/x' = 'deny' }\n",
    "[network_proxy]\nenabled = true\n",
    "[mcp_servers.x.identity]\nurl = { match = 'regex', expression = '(' }\n",
    "[mcp_servers.x.identity]\ncommand = { executable = 'a', args = [] }\n",
    "[features]\nhooks = true\n[[hooks.PreToolUse]]\nmatcher = '('\nhooks = [{ type = 'command', \
     command = '/x' }]\n",
    "default_permissions = ':workspace'\n",
    "[features]\nmemries = false\n",
    "[features]\ncodex_hooks = true\n",
    "[features]\nasync_compaction = true\n",
    "[feature_requirements]\nmemories = false\n",
    "[features]\nmemories = true\n[feature_requirements]\nmemories = true\n",
    "allowed_web_search_modes = ['indexed']\n",
    "[permissions.filesystem]\ndeny_read = ['/zz']\n",
    "[permissions.filesystem]\ndeny_read = ['/']\n",
    "[permissions.filesystem]\ndeny_read = ['/**/.env']\n",
    "[permissions.filesystem]\ndeny_read = ['/srv/{a,b}']\n",
    "[[hooks.PreToolUse]]\nhooks = [{ type = 'command', command = '/x' }]\n",
    "[experimental_network]\ndomains = { 'a.b' = 'deny' }\n",
    "\n# nothing\n",
];

const VERSIONS: [(&str, Version); 5] = [
    ("0.169.0", Version::of(169)),
    ("0.157.1", Version::patched(157, 1)),
    ("0.138.0", Version::of(138)),
    ("0.118.0", Version::of(118)),
    ("0.98.0", Version::of(98)),
];

/// Configurations with one mistake each: the file and its text.
const CONFIGURED: &[(&str, &str)] = &[
    (HOME, "modle = 'a'\n"),
    (HOME, "approval_policy = 'untrusted'\n"),
    (HOME, "profile = 'w'\n[profiles.w]\nmodel_verbosity = 'low'\n"),
    (HOME, "[profiles.w]\nmodel_verbosity = 'low'\n"),
    (HOME, "notify = 'say done'\n"),
    (HOME, "[mcp_servers.a]\ncommand = 'x'\nurl = 'http://127.0.0.1/'\n"),
    (HOME, "[mcp_servers.a]\nenabled = false\n"),
    (HOME, "[tui]\ntheme = 'a'\n[tui]\ntheme = 'b'\n"),
    (PROJECT, "notify = ['a']\n"),
    (PROJECT, "profile = 'w'\n[profiles.w]\nmodel_verbosity = 'low'\n"),
    (PROJECT, "[otel]\nenvironment = 'a'\n"),
    (PROJECT, "approval_policy = 'untrusted'\n"),
    (PROJECT, "modle = 'a'\n"),
    (LEGACY, "approval_policy = 'untrusted'\n"),
    (LEGACY, "[mcp_servers.a]\ncommand = 'x'\nurl = 'http://127.0.0.1/'\n"),
    (LEGACY, "modle = 'a'\n"),
];

const HOME: &str = "$CODEX_HOME/config.toml";
const PROJECT: &str = "$CWD/.codex/config.toml";
const LEGACY: &str = "/etc/codex/managed_config.toml";

/// The place of a person's own configuration.
const OWN: &str = "/home/a/.codex";

/// The threads that ask. Before 0.118.0 a session waits for the network without working.
fn threads(version: Version) -> NonZeroUsize {
    let count = if version < Version::of(118) { 8 } else { 2 };
    NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN)
}

/// A world, and the report of `check` on the file with the mistake.
struct Case {
    world: WorldSpec,
    report: Report,
    text: &'static str,
}

fn cases(version: Version) -> Vec<Case> {
    let requirements = MISTAKES.iter().map(|text| Case {
        world: WorldSpec::new().file("/etc/codex/requirements.toml", text),
        report: report("requirements.toml", text, version),
        text,
    });
    let configured = CONFIGURED.iter().map(|(path, text)| {
        let trust = "[projects.'$CWD']\ntrust_level = 'trusted'\n";
        let world = WorldSpec::new().file(HOME, trust).file(path, text);
        // As a person's own file is found, and a project's.
        let name = path.replace("$CODEX_HOME", OWN).replace("$CWD", "/srv/project");
        Case { world, report: report(&name, text, version), text }
    });
    requirements.chain(configured).collect()
}

#[test]
fn what_check_says_about_versions_is_what_they_do() {
    let mut wrong = Vec::new();
    let mut claims = 0;
    for (name, version) in VERSIONS {
        let Some(binary) = require_or_announce(install(name)) else { return };
        let cases = cases(version);
        let worlds = cases.iter().map(|case| case.world.clone()).collect();
        let oracles = [Oracle::RequirementsRead, thread()];
        let asked = ask_worlds(&binary, threads(version), worlds, &oracles);
        let Some(answers) = require_or_announce(asked) else { return };
        for (case, answers) in cases.iter().zip(answers) {
            let [requirements, thread] = answers.try_into().unwrap();
            let (count, problems) = judge(version, case, &requirements, &thread);
            claims += count;
            wrong.extend(problems);
        }
    }
    println!("{claims} claims");
    assert!(claims > 230, "{claims}");
    assert!(
        wrong.is_empty(),
        "{} of {claims} claims are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A session with a model of its own: without one, 0.98.0 waits 5 s for a list of models.
fn thread() -> Oracle {
    let model = ("model".to_owned(), Json::from("gpt-5"));
    Oracle::Thread { thread_params: [model].into_iter().collect() }
}

/// How many claims there are about this version, and the wrong ones.
fn judge(
    version: Version,
    case: &Case,
    requirements: &Answer,
    thread: &Answer,
) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    let refuses = |effect: &Effect| {
        matches!(effect.outcome, Outcome::RefusesToStart | Outcome::RefusesSessions)
    };
    let all = || {
        let each = |found| effects_at(found, version).map(move |effect| (found, effect));
        case.report.diagnostics.iter().flat_map(each)
    };
    let foretold = all().any(|(_, effect)| refuses(effect));
    // A refusal hides what else is made of the file.
    for (diagnostic, effect) in all().filter(|(_, effect)| !foretold || refuses(effect)) {
        count += 1;
        if let Err(why) = holds(diagnostic, effect, version, thread, requirements) {
            wrong.push(format!(
                "{version} {:?}\n  {} {}: {}\n  but {why}",
                case.text,
                diagnostic.code,
                diagnostic.message,
                effect.sentence()
            ));
        }
    }
    if thread.is_err() && !foretold {
        wrong.push(format!("{version} {:?}: refused, unforetold: {thread:?}", case.text));
    }
    (count, wrong)
}

fn effects_at(found: &Diagnostic, version: Version) -> impl Iterator<Item = &Effect> {
    found.effects.iter().filter(move |effect| effect.versions.contains(version))
}

fn report(name: &str, text: &str, version: Version) -> Report {
    let input = Input { name: name.to_owned(), content: Ok(text.as_bytes().to_vec()), kind: None };
    check(vec![input], &Options { versions: vec![version], ..Options::default() })
}

type Answer = Result<Json, OracleError>;

fn holds(
    diagnostic: &Diagnostic,
    effect: &Effect,
    version: Version,
    thread: &Answer,
    requirements: &Answer,
) -> Result<(), String> {
    let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let here = |says: &str| says.replace(OWN, "$CODEX_HOME").replace("/srv/project", "$CWD");
    let says = effect.says.as_deref().map(|says| folded(&here(says)));
    let warnings = thread.as_ref().ok().and_then(|answer| answer.get("warnings"));
    let warnings = folded(&warnings.map(Json::to_string).unwrap_or_default());
    let name = diagnostic.message.split('`').nth(1).unwrap_or_default();
    match effect.outcome {
        Outcome::RefusesToStart | Outcome::RefusesSessions => {
            let Err(error) = thread else { return Err("a session starts".to_owned()) };
            let message = folded(error.message());
            if says.as_ref().is_some_and(|says| !message.contains(says.as_str())) {
                return Err(format!("it says {message}\n  and not {}", says.unwrap_or_default()));
            }
            // Where the server itself ends, no question is answered.
            let answers = requirements.is_ok();
            let ends = effect.outcome == Outcome::RefusesToStart;
            if ends && answers && version >= Version::of(157) {
                return Err("it starts".to_owned());
            }
            Ok(())
        }
        Outcome::IgnoresSilently if thread.is_ok() && !warnings.contains(name) => Ok(()),
        Outcome::IgnoresWithWarning | Outcome::Substitutes if thread.is_ok() => {
            let expected = says.unwrap_or_else(|| name.to_owned());
            // JSON escapes nothing in these texts but quotes and line ends.
            let quiet = effect.outcome == Outcome::Substitutes;
            if quiet || warnings.contains(&expected) {
                return Ok(());
            }
            Err(format!("it warns {warnings}\n  and not {expected}"))
        }
        Outcome::Accepts | Outcome::EnforcesNothing if thread.is_ok() => Ok(()),
        Outcome::NoPolicy => match requirements {
            Ok(answer) if answer.get("requirements").is_some_and(Json::is_null) => Ok(()),
            other => Err(format!("the answer is {other:?}")),
        },
        _ => Err(format!("the answer is {thread:?}")),
    }
}
