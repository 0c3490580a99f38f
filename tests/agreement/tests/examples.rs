//! The example repositories, and the one that `init` writes: right in our eyes, accepted by every
//! Codex they name, and doing what their comments say.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]
#![expect(clippy::indexing_slicing, reason = "absent parts of a document are null")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use codex_agreement::differ::{Question, Verdict, judge};
use codex_agreement::policy::{Compiled, compiled};
use codex_agreement::predict::predict;
use codex_compiler::files::{MemoryFiles, RealFiles};
use codex_compiler::starter::{Subject, repository};
use codex_oracle::{Oracle, TurnScript, WorldSpec, ask_worlds, install, require_or_announce};
use codex_schema::diagnostic::Severity;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

const EXAMPLES: [&str; 4] = ["startup", "bank", "open-source-ci", "safe-defaults"];

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/policy");

/// The cohorts of a repository in which nothing is wrong.
fn sound(tree: (codex_compiler::check::Tree, Vec<Compiled>)) -> Vec<Compiled> {
    let (tree, cohorts) = tree;
    let found: Vec<String> = tree
        .report
        .diagnostics
        .iter()
        // What is only told does not fail `check` either, and is meant here.
        .filter(|one| one.severity != Severity::Info)
        .map(|one| {
            format!(
                "{} {} {}",
                tree.report.documents.place(one.primary.span),
                one.code,
                one.message
            )
        })
        .collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(!cohorts.is_empty());
    cohorts
}

fn example(name: &str) -> Vec<Compiled> {
    sound(compiled(&RealFiles::new(None), &format!("{FOLDER}/{name}"), TODAY))
}

fn started() -> Vec<Compiled> {
    let mut files = MemoryFiles::default();
    for (path, text) in repository(&Subject::named("Example \"1\"".to_owned())) {
        files.put(format!("/p/{path}"), text);
    }
    sound(compiled(&files, "/p", TODAY))
}

/// Every cohort of every repository, by the versions of Codex it is for.
fn by_version() -> BTreeMap<Version, Vec<(String, Compiled)>> {
    let mut found: BTreeMap<Version, Vec<(String, Compiled)>> = BTreeMap::new();
    let examples = EXAMPLES.iter().map(|name| (*name, example(name)));
    for (name, cohorts) in examples.chain([("init", started())]) {
        for cohort in cohorts {
            for version in &cohort.versions {
                let named = (format!("{name}/{}", cohort.cohort), cohort.clone());
                found.entry(*version).or_default().push(named);
            }
        }
    }
    found
}

#[test]
fn nothing_is_wrong_with_the_examples() {
    let versions: Vec<String> = by_version().keys().map(ToString::to_string).collect();
    assert_eq!(versions, ["0.138.0", "0.157.1", "0.169.0"]);
}

/// What is asked on a machine with nothing but the policy.
fn questions(version: Version) -> Vec<(Question, Oracle)> {
    let startup =
        if version >= Version::of(164) { Oracle::Startup } else { Oracle::RequirementsRead };
    vec![
        (Question::Startup, startup),
        (Question::Config, Oracle::ConfigRead),
        (Question::Thread, Oracle::thread()),
    ]
}

fn all_agree(version: &str) {
    let Some(binary) = require_or_announce(install(version)) else { return };
    let version: Version = version.parse().unwrap();
    let cohorts = by_version().remove(&version).unwrap();
    let questions = questions(version);
    let oracles: Vec<Oracle> = questions.iter().map(|(_, oracle)| oracle.clone()).collect();
    let worlds: Vec<WorldSpec> = cohorts.iter().map(|(_, cohort)| cohort.world()).collect();
    let threads = NonZeroUsize::new(2).unwrap();
    let answers = ask_worlds(&binary, threads, worlds.clone(), &oracles);
    let Some(answers) = require_or_announce(answers) else { return };
    for (((name, cohort), world), answers) in cohorts.iter().zip(&worlds).zip(answers) {
        for ((question, oracle), answer) in questions.iter().zip(answers) {
            let model = predict(world, oracle, version);
            assert!(answer.is_ok(), "{name}: {answer:?}");
            let document = answer.as_ref().unwrap();
            let verdict = judge(*question, &answer, &model, version);
            assert_eq!(verdict, Verdict::ValuesAgree, "{name} {}", question.name());
            let said = &document["requirements"];
            assert!(*question != Question::Startup || said.is_object(), "{name}: {document}");
            // No key is dropped with a warning, and no default is forbidden by a requirement.
            let warnings = document.get("warnings").and_then(Json::as_array);
            assert!(warnings.is_none_or(Vec::is_empty), "{name}: {warnings:?}");
        }
        assert!(cohort.files.contains_key("requirements.toml"), "{name}");
    }
}

#[test]
fn accepted_by_0_169_0() {
    all_agree("0.169.0");
}

#[test]
fn accepted_by_0_157_1() {
    all_agree("0.157.1");
}

#[test]
fn accepted_by_0_138_0() {
    all_agree("0.138.0");
}

/// Keys that keep a session from a model on this machine: login, provider, and where it is.
const AWAY: &[&str] = &[
    "allowed_login_methods",
    "allowed_chatgpt_workspaces",
    "cli_auth_credentials_store",
    "chatgpt_base_url",
    "model_provider",
    "enforce_residency",
    "guardian_extra_policy",
];

/// A cohort's machine on which a scripted model works for a person.
fn at_work(cohorts: &[Compiled], name: &str, own: &str) -> WorldSpec {
    let mut cohort = cohorts.iter().find(|cohort| cohort.cohort == name).unwrap().clone();
    let requirements = cohort.files.get_mut("requirements.toml").unwrap();
    let away = |line: &&str| AWAY.iter().any(|key| line.starts_with(&format!("{key} = ")));
    *requirements = requirements.lines().filter(|line| !away(line)).collect::<Vec<_>>().join("\n");
    cohort.world().file("$CODEX_HOME/config.toml", own)
}

fn turns(worlds: Vec<(WorldSpec, &[&str])>) -> Option<Vec<Json>> {
    let binary = require_or_announce(install("0.169.0"))?;
    let (worlds, scripts): (Vec<WorldSpec>, Vec<&[&str]>) = worlds.into_iter().unzip();
    let mut answers = Vec::new();
    for (world, commands) in worlds.into_iter().zip(scripts) {
        let cmds = commands.iter().map(|&command| command.to_owned()).collect();
        let turn = Oracle::Turn(TurnScript { cmds, decision: None, tool: Map::new() });
        let asked = ask_worlds(&binary, NonZeroUsize::MIN, vec![world], &[turn]);
        answers.push(require_or_announce(asked)?.remove(0).remove(0).unwrap());
    }
    Some(answers)
}

fn text(answer: &Json, at: usize) -> &str {
    answer["commands"][at]["text"].as_str().unwrap_or_default()
}

#[test]
fn the_policies_do_what_they_say() {
    let (safe, ci, start) = (example("safe-defaults"), example("open-source-ci"), started());
    let user = "approvals_reviewer = 'user'\nsandbox_mode = 'danger-full-access'\n";
    let commands: &[&str] = &[
        // Codex may put a question of its own to the model first, and so lose the first answer.
        "true",
        "touch inside && echo written",
        "touch /etc/codex/outside",
        "sudo true",
        "git push origin main",
        "curl -sS -m 6 http://a.pastebin.com/",
        "curl -sS -m 6 http://unfamiliar.example/",
    ];
    let worlds = vec![
        (at_work(&safe, "everyone", user), commands),
        (at_work(&start, "everyone", user), commands),
        (at_work(&ci, "review", ""), commands),
    ];
    let Some(answers) = turns(worlds) else { return };
    for answer in &answers[..2] {
        assert_eq!(answer["commands"][1]["status"], "ran", "{answer:#}");
        assert_eq!(text(answer, 1).trim(), "written", "{answer:#}");
        assert_ne!(answer["commands"][2]["exit"], 0, "{answer:#}");
        assert_eq!(answer["commands"][3]["status"], "refused", "{answer:#}");
        assert_eq!(answer["commands"][4]["status"], "refused", "{answer:#}");
        assert!(text(answer, 5).contains("explicitly denied by policy"), "{answer:#}");
        let asks = answer["asks"].to_string();
        assert!(asks.contains("git push") && asks.contains("unfamiliar.example"), "{answer:#}");
        assert!(!asks.contains("pastebin"), "{answer:#}");
    }
    let review = &answers[2];
    assert_ne!(review["commands"][1]["exit"], 0, "{review:#}");
    assert_eq!(review["asks"], Json::Array(Vec::new()), "{review:#}");
    for at in [5, 6] {
        assert!(text(review, at).contains("not on the allowlist"), "{review:#}");
    }
}

#[test]
fn benign_commands_are_allowed_and_releases_asked_about() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    for (name, cohort, command, expect) in [
        ("safe-defaults", "everyone", "git status --short", "allow"),
        ("safe-defaults", "everyone", "rg TODO src", "allow"),
        ("bank", "developers", "make deploy", "prompt"),
        ("bank", "payments", "git commit --no-verify -m x", "forbidden"),
    ] {
        let cohorts = example(name);
        let cohort = cohorts.iter().find(|one| one.cohort == cohort).unwrap();
        let below =
            |path: &String| path.starts_with("rules/").then(|| format!("/etc/codex/{path}"));
        let rules = cohort.files.keys().filter_map(below).collect();
        let cmd = command.split(' ').map(str::to_owned).collect();
        let question = Oracle::Execpolicy { cmd, rules, flags: Vec::new() };
        let asked = ask_worlds(&binary, NonZeroUsize::MIN, vec![cohort.world()], &[question]);
        let Some(mut answers) = require_or_announce(asked) else { return };
        let answer = answers.remove(0).remove(0).unwrap();
        assert_eq!(answer["decision"], expect, "{command}: {answer}");
    }
}

#[test]
fn the_list_of_the_bank_is_closed() {
    let bank = example("bank");
    let commands: &[&str] = &[
        "true",
        "curl -sS -m 6 http://npm.artifacts.bank.example/",
        "curl -sS -m 6 http://registry.k8s.io/",
        "curl -sS -m 6 http://unfamiliar.example/",
        "paymentctl transfer",
    ];
    let worlds = ["developers", "platform", "payments"].map(|name| {
        // A list of one's own does not open the bank's.
        let own = "[permissions.own]\nextends = ':workspace'\n[permissions.own.network]\nenabled = true\n\
                   [permissions.own.network.domains]\n'unfamiliar.example' = 'allow'\n";
        (at_work(&bank, name, own), commands)
    });
    let Some(answers) = turns(worlds.into()) else { return };
    let closed = "domain is not on the allowlist";
    // Nothing resolves on this machine, which is said of hosts that the list has let through.
    let open = "local/private network addresses";
    for (answer, second) in answers.iter().zip([closed, open, closed]) {
        assert!(text(answer, 1).contains(open), "{answer:#}");
        assert!(text(answer, 2).contains(second), "{answer:#}");
        assert!(text(answer, 3).contains(closed), "{answer:#}");
        assert_eq!(answer["asks"], Json::Array(Vec::new()), "{answer:#}");
    }
    assert!(text(&answers[2], 4).contains("It moves money"), "{:#}", answers[2]);
}
