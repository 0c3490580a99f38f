//! What the model answers about commands, held against sessions of the real Codex: random policies
//! of every kind that has a say, random scripts, and the whole verdict: ran or refused or asked,
//! in which words, and within the sandbox or not.
//!
//! `COMMANDS_PROBES` sets how many scripts are put to 0.169.0, and `COMMANDS_SEED` where the random
//! numbers start; both are printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the numbers of a run are told")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use codex_agreement::generate::random::Random;
use codex_agreement::predict::evaluation;
use codex_compiler::decide::answer::{Answer, Placement, Verdict};
use codex_compiler::decide::question::Question;
use codex_oracle::{
    FileSpec, Oracle, TurnScript, World, WorldSpec, ask, install, isolated_pool,
    require_or_announce,
};
use codex_schema::version::Version;
use serde_json::{Value, json};

/// Scripts of one session.
const BATCH: u64 = 25;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// A machine with scripts to put to it.
struct Case {
    world: WorldSpec,
    scripts: Vec<String>,
    /// How the model's tool asks for them: the shell's path and flag, and further arguments.
    shell: [&'static str; 2],
    tool: serde_json::Map<String, Value>,
}

const PROGRAMS: [&str; 12] = [
    "true",
    "echo",
    "ls",
    "printf",
    "git",
    "rm",
    "/bin/echo",
    "/usr/bin/printf",
    "./ls",
    "id",
    "uname",
    "find",
];
const WORDS: [&str; 12] =
    ["a", "b", "-x", "-f", "-rf", "--", "status", "push", "--force", "-delete", "1", "."];
const SHELLS: [&str; 6] = ["bash", "sh", "/bin/bash", "env", "timeout", "/usr/bin/sh"];
const WRAPPERS: [&str; 12] = [
    "env ",
    "env A=1 ",
    "timeout 5 ",
    "nice ",
    "command ",
    "exec ",
    "FOO=1 ",
    "time ",
    "! ",
    "env -i ",
    "sudo ",
    "nohup ",
];

/// A word of a script, spelt in one of many ways.
fn spelt(random: &mut Random, word: &str) -> String {
    match random.below(24) {
        0 => format!("'{word}'"),
        1 => format!("\"{word}\""),
        2 => format!("\\{word}"),
        3 => format!("{word}*"),
        4 => format!("$X{word}"),
        5 => format!("'{word}'\"\""),
        6 => format!("{word}'c'"),
        7 => format!("\"$(true)\"{word}"),
        8 => format!("\"{word}\\\"\""),
        9 => format!("{word}{{,1}}"),
        _ => word.to_owned(),
    }
}

fn command(random: &mut Random) -> String {
    let mut text = String::new();
    if random.chance(12) {
        text += random.text(&WRAPPERS);
    }
    let program = random.text(&PROGRAMS);
    text += &if random.chance(30) { spelt(random, program) } else { program.to_owned() };
    // `find` and `rm` see nothing but the empty folder they run in.
    if program.ends_with("find") {
        text += " . -maxdepth 0";
    }
    while random.chance(65) {
        let word = random.text(&WORDS);
        text.push_str(random.text(&[" ", " ", " ", "\t", "  "]));
        text += &if random.chance(30) { spelt(random, word) } else { word.to_owned() };
    }
    let nested = text.replace('\'', "");
    match random.below(40) {
        0 => text + " > out",
        1 => text + " 2>&1",
        2 => text + " < /dev/null",
        3 => text + " # why",
        4 => format!("({text})"),
        5 => format!("if true; then {text}; fi"),
        6 => format!("echo $({text})"),
        7 => text + " <<E\nx\nE",
        8 => text + " &",
        9 => format!("bash -c '{nested}'"),
        10 => format!("sh -lc '{nested}'"),
        11 => format!("trap '{nested}' EXIT"),
        12 => format!("{{ {text}; }}"),
        13 => format!("for i in 1 2; do {text}; done"),
        14 => text + " <<< x",
        15 => format!("zsh -c '{nested}'"),
        16 => format!("eval {text}"),
        _ => text,
    }
}

fn script(random: &mut Random) -> String {
    let mut text = command(random);
    while random.chance(25) {
        let joint = random.text(&[" && ", " || ", "; ", " | ", "\n", ";", "|", " |& ", "&&"]);
        text = text + joint + &command(random);
    }
    match random.below(50) {
        0 => text + " &&",
        1 => text + " \"",
        2 => text + ";",
        3 => text + "\n",
        4 => String::new(),
        5 => format!("  {text}"),
        6 => text + " ;;",
        _ => text,
    }
}

/// The first words of a command, to match some of those above.
fn pattern(random: &mut Random, place: impl Fn(&[&str]) -> String) -> String {
    let mut places = Vec::new();
    let length = if random.chance(50) { 1 } else { 2 + random.below(2) };
    for at in 0..length {
        let first: &[&'static str] = if random.chance(20) { &SHELLS } else { &PROGRAMS };
        let list: &[&'static str] = if at == 0 { first } else { &WORDS };
        let words = if random.chance(75) {
            vec![random.text(list)]
        } else {
            vec![random.text(list), random.text(list)]
        };
        places.push(place(&words));
    }
    places.join(", ")
}

fn requirement_rules(random: &mut Random, version: Version) -> String {
    let mut text = "[rules]\nprefix_rules = [\n".to_owned();
    let decisions: &[&'static str] = if version < Version::of(158) {
        &["prompt", "forbidden"]
    } else {
        &["prompt", "forbidden", "prompt-user"]
    };
    for number in 0..=random.below(8) {
        let words = pattern(random, |words| match words {
            [word] => format!("{{token = '{word}'}}"),
            several => format!("{{any_of = {several:?}}}"),
        });
        let decision = random.text(decisions);
        let reason = match random.below(3) {
            0 => String::new(),
            _ => format!(", justification = 'reason {number}'"),
        };
        text += &format!("{{pattern = [{words}], decision = '{decision}'{reason}}},\n");
    }
    text + "]\n"
}

fn rules_file(random: &mut Random) -> String {
    let mut text = String::new();
    for number in 0..=random.below(6) {
        let words = pattern(random, |words| match words {
            [word] => format!("'{word}'"),
            several => format!("{several:?}"),
        });
        let decision = random.text(&["allow", "allow", "allow", "prompt", "forbidden"]);
        let reason = match random.below(2) {
            0 => String::new(),
            _ => format!(", justification = 'file {number}'"),
        };
        text += &format!("prefix_rule([{words}], decision = '{decision}'{reason})\n");
    }
    if random.chance(20) {
        let (name, paths) = *random
            .pick(&[
                ("echo", "'/bin/echo'"),
                ("printf", "'/opt/printf'"),
                ("ls", "'$CWD/ls'"),
                ("bash", "'/opt/bash'"),
                ("ls", ""),
            ])
            .unwrap();
        text += &format!("host_executable(name = '{name}', paths = [{paths}])\n");
    }
    if random.chance(5) {
        text += "prefix_rule(\n";
    }
    text
}

fn requirements(random: &mut Random, version: Version) -> (String, bool) {
    let mut text = String::new();
    // Configuration cannot say `untrusted` any more; requirements still can.
    let untrusted = version >= Version::of(157) && random.chance(15);
    if untrusted {
        text += "allowed_approval_policies = ['untrusted']\n";
    }
    if random.chance(15) {
        text += "auto_review = {ignore_rules = ['gpt-5']}\n";
    }
    if random.chance(70) {
        text += &requirement_rules(random, version);
    }
    if random.chance(15) {
        text += "[permissions.filesystem]\ndeny_read = ['/root/nothing']\n";
    }
    (text, untrusted)
}

fn config(random: &mut Random, version: Version, untrusted: bool) -> String {
    let policies: &[&'static str] = if version < Version::of(157) {
        &["'on-request'", "'never'", "'on-failure'", "'untrusted'"]
    } else {
        &["'on-request'", "'never'", "'on-failure'"]
    };
    let policy = if random.chance(30) {
        let mut flag = || random.chance(50);
        format!(
            "{{granular = {{sandbox_approval = {}, rules = {}, mcp_elicitations = true}}}}",
            flag(),
            flag()
        )
    } else {
        random.text(policies).to_owned()
    };
    let sandbox = random.text(&["workspace-write", "read-only", "danger-full-access"]);
    let policy = if untrusted { String::new() } else { format!("approval_policy = {policy}\n") };
    // Every shell first runs a script that says whether it may write elsewhere.
    format!(
        "{policy}sandbox_mode = '{sandbox}'\n[shell_environment_policy]\n\
         set = {{BASH_ENV = '$CODEX_HOME/probe.sh', PROBE = '$CODEX_HOME/written'}}\n\
         [projects.'$CWD']\ntrust_level = 'trusted'\n"
    )
}

const PROBE: &str = "if touch \"$PROBE\" 2>/dev/null; then echo @outside; else echo @inside; fi\n";

fn case(seed: u64, number: u64, version: Version) -> Case {
    let mut random = Random::new(seed, number);
    let random = &mut random;
    let (requirements, untrusted) = requirements(random, version);
    let mut world = WorldSpec::new()
        .file("/etc/codex/requirements.toml", &requirements)
        .file("$CODEX_HOME/config.toml", &config(random, version, untrusted))
        .file("$CODEX_HOME/probe.sh", PROBE);
    for (folder, percent) in [("/etc/codex", 40), ("$CODEX_HOME", 60), ("$CWD/.codex", 30)] {
        for name in ["a", "b"] {
            if random.chance(percent) {
                let path = format!("{folder}/rules/{name}.rules");
                world = world.file(&path, &rules_file(random));
            }
        }
    }
    let (shell, tool) = match random.below(10) {
        0 | 1 => (["/bin/bash", "-lc"], json!({"login": true})),
        2 => (["/usr/bin/sh", "-c"], json!({"shell": "/usr/bin/sh"})),
        _ => (["/bin/bash", "-c"], json!({})),
    };
    let scripts = (0..BATCH).map(|_| script(random)).collect();
    Case { world, scripts, shell, tool: tool.as_object().unwrap().clone() }
}

/// What the model of a session says of a command: its verdict in the words of the oracle.
fn predicted(answer: &Answer, shown: &str, version: Version, shell: &str) -> Told {
    match answer.verdict {
        Verdict::Unmanaged => panic!("no command is unmanaged"),
        Verdict::Allow => Told::Ran(match answer.placement.unwrap() {
            // Only this shell tells where it runs.
            _ if shell != "/bin/bash" => "somewhere",
            Placement::Sandboxed => "@inside",
            Placement::OutsideSandbox => "@outside",
        }),
        Verdict::Prompt => Told::Asked(shown.to_owned(), answer.codex_says.clone()),
        Verdict::PromptUser => Told::Refused(rejected("approval request failed", shown, version)),
        Verdict::Deny => {
            let says = answer.codex_says.as_deref().unwrap();
            Told::Refused(rejected(says, shown, version))
        }
    }
}

fn rejected(says: &str, shown: &str, version: Version) -> String {
    let message = format!("Rejected({says:?})");
    let of = if version < Version::of(157) { format!(" for `{shown}`") } else { String::new() };
    format!("exec_command failed{of}: CreateProcess {{ message: {message:?} }}")
}

/// What a session asks about a command that the sandbox stopped.
const RETRY: &str = "command failed; retry without sandbox?";

/// What became of a command.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
enum Told {
    Ran(&'static str),
    Asked(String, Option<String>),
    Refused(String),
}

impl Told {
    fn kind(&self) -> String {
        match self {
            Self::Ran(place) => format!("ran {place}"),
            Self::Asked(_, reason) => format!("asked, reason: {}", reason.is_some()),
            Self::Refused(text) => {
                let kinds = [
                    "requires",
                    "policy forbids",
                    "rm -f",
                    "blocked by policy",
                    "set to Never",
                    "Granular.rules",
                    "Granular.sandbox",
                    "request failed",
                ];
                let kind = kinds.iter().find(|kind| text.contains(**kind));
                format!("refused: {}", kind.unwrap_or(&"reason of a rule"))
            }
        }
    }
}

/// The same as a session shows it; questions come in the order of the commands.
fn told(answer: &Value, at: usize, shell: &str, asks: &mut impl Iterator<Item = Value>) -> Told {
    let told = &answer["commands"][at];
    let text = told["text"].as_str().unwrap_or_default();
    if told["status"] == "ran" {
        return Told::Ran(match shell {
            "/bin/bash" if text.contains("@outside") => "@outside",
            "/bin/bash" => "@inside",
            _ => "somewhere",
        });
    }
    if text.contains("rejected by user") {
        let asked = asks.next().unwrap();
        let reason = asked["reason"].as_str().map(str::to_owned);
        return Told::Asked(asked["command"].as_str().unwrap().to_owned(), reason);
    }
    Told::Refused(text.to_owned())
}

/// The world as it is when it is played: the harness chooses the model.
fn with_model(world: &WorldSpec) -> WorldSpec {
    let path = "$CODEX_HOME/config.toml";
    let Some(FileSpec::Text(config)) = world.files.get(path) else { panic!("no configuration") };
    world.clone().file(path, &format!("model = 'gpt-5'\n{config}"))
}

fn random(release: &str, seed: u64, probes: u64) {
    let version: Version = release.parse().unwrap();
    println!("COMMANDS_SEED={seed} COMMANDS_PROBES={probes} against {release}");
    hold(release, (0..probes.div_ceil(BATCH)).map(|number| case(seed, number, version)).collect());
}

/// Plays sessions and compares every verdict.
fn hold(release: &str, cases: Vec<Case>) {
    let version: Version = release.parse().unwrap();
    let Some(binary) = require_or_announce(install(release)) else { return };
    let played = isolated_pool(NonZeroUsize::new(2).unwrap(), cases, |isolation, case| {
        let world = World::build(isolation, &binary, &case.world).unwrap();
        let script =
            TurnScript { cmds: case.scripts.clone(), decision: None, tool: case.tool.clone() };
        let answer = ask(&world, &Oracle::Turn(script));
        (case, answer)
    });
    let Some(played) = require_or_announce(played) else { return };
    let (mut wrong, mut kinds) = (Vec::new(), BTreeMap::<String, usize>::new());
    for (case, session) in &played {
        let evaluation = evaluation(&with_model(&case.world), version);
        let session = match session {
            Ok(session) => session,
            // No session starts: the model says so whatever is asked.
            Err(error) => {
                let question = Question::Script("ls".to_owned());
                let answer = codex_compiler::decide::answer(&evaluation, &question);
                let told = answer
                    .notes
                    .iter()
                    .find_map(|note| note.strip_prefix("no session starts here: "));
                let agrees = told.is_some_and(|told| error.to_string().contains(told));
                assert!(agrees, "{error}, not {told:?}\n{:?}", case.world);
                *kinds.entry("does not start".to_owned()).or_default() += case.scripts.len();
                continue;
            }
        };
        let mut asks = session["asks"].as_array().unwrap().clone().into_iter();
        for (at, script) in case.scripts.iter().enumerate() {
            let argv = [case.shell[0], case.shell[1], script].map(str::to_owned).to_vec();
            let shown = shlex(&argv);
            let answer = codex_compiler::decide::answer(&evaluation, &Question::Command(argv));
            let expected = predicted(&answer, &shown, version, case.shell[0]);
            let real = told(session, at, case.shell[0], &mut asks);
            *kinds.entry(real.kind()).or_default() += 1;
            let real = match real {
                // It ran, the sandbox stopped it, and the session offers what the model says.
                Told::Asked(line, Some(reason)) if reason == RETRY && line == shown => {
                    assert!(answer.notes.iter().any(|note| note.contains(RETRY)), "{script}");
                    Told::Ran("@inside")
                }
                other => other,
            };
            if real != expected {
                wrong.push(format!(
                    "{script:?}\n  Codex: {real:?}\n  model: {expected:?}\n  parts: {:?}\n{:#?}",
                    answer.parts.iter().map(|part| (&part.words, &part.opaque)).collect::<Vec<_>>(),
                    case.world.files,
                ));
            }
        }
    }
    println!("{kinds:#?}");
    let shown: Vec<&str> = wrong.iter().take(5).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{release}: {} wrong\n{}", wrong.len(), shown.join("\n"));
}

/// One line of a command, as Codex quotes it: through the refusal that names it.
fn shlex(command: &[String]) -> String {
    codex_compiler::decide::command_line(command)
}

#[test]
fn commands_are_answered_as_in_a_session() {
    random("0.169.0", setting("COMMANDS_SEED", 1), setting("COMMANDS_PROBES", 200));
}

#[test]
fn commands_are_answered_as_by_older_versions() {
    let probes = setting("COMMANDS_PROBES", 200).div_ceil(4);
    for release in ["0.157.1", "0.138.0"] {
        random(release, setting("COMMANDS_SEED", 1), probes);
    }
}

/// Spellings of two commands that a rule forbids, and of a removal that Codex itself asks about:
/// all of them by 0.169.0, and by older versions as many as of random ones.
#[test]
fn curious_spellings_are_answered_as_in_a_session() {
    let rules = "[rules]\nprefix_rules = [{pattern = [{token = 'git'}], decision = 'forbidden'}, \
                 {pattern = [{token = 'ls'}], decision = 'forbidden'}]\n";
    let probe = "sandbox_mode = 'read-only'\n[shell_environment_policy]\n\
                 set = {BASH_ENV = '$CODEX_HOME/probe.sh', PROBE = '$CODEX_HOME/written'}\n";
    let few = if setting("COMMANDS_PROBES", 200) < 1_000 { 5 } else { 1 };
    for (release, step) in [("0.169.0", 1), ("0.157.1", few), ("0.138.0", few)] {
        let case = |policy: &str, scripts: &[&str]| Case {
            world: WorldSpec::new()
                .file("/etc/codex/requirements.toml", rules)
                .file("$CODEX_HOME/config.toml", &format!("approval_policy = '{policy}'\n{probe}"))
                .file("$CODEX_HOME/probe.sh", PROBE),
            scripts: scripts.iter().step_by(step).map(|script| (*script).to_owned()).collect(),
            shell: ["/bin/bash", "-c"],
            tool: serde_json::Map::default(),
        };
        hold(release, vec![case("on-request", FORBIDDEN), case("never", REMOVALS)]);
    }
}

const FORBIDDEN: &[&str] = &[
    "git push\r",
    "git\u{a0}push",
    "git push\u{2028}ls",
    "\u{feff}git push",
    "git\\\npush",
    "git \\\n push",
    "git push\n\n\n",
    "\n\ngit push",
    ";git push",
    "git push;;ls",
    "git push; ;ls",
    "git push &&\nls",
    "git push &&& ls",
    "git push | \n ls",
    "git push ||",
    "git push # a",
    "#a\ngit push",
    "git push\n# a",
    "git push 'a\nb'",
    "git push \"a\nb\"",
    "git push ''",
    "git push \"\"",
    "git push a''",
    "git push ''''",
    "git push \"a\"b'c'd",
    "git push 12",
    "12 git push",
    "git push 1.5",
    "git push -1",
    "git push a=b",
    "git push a+=b",
    "git push --a=b",
    "git push A[1]=b",
    "git push a:b",
    "git push a@b",
    "git push %a",
    "git push a,b",
    "git push +a",
    "git push ..",
    "git push !",
    "git push !a",
    "git push a!",
    "git push -",
    "git push --",
    "git push \u{e9}",
    "git p\u{fc}sh",
    "time git push",
    "coproc git push",
    "git push a\\ b",
    "git push 'a b'",
    "git push \"a\\n\"",
    "git push \"a\\$\"",
    "git push \"a$\"",
    "git push \"$\"",
    "git push $",
    "git push a$",
    "git push \"`\"",
    "git push '`'",
    "git push `",
    "git push ^a",
    "git push a^",
    "git push [a",
    "git push ]",
    "git push {",
    "git push }",
    "git push {}",
    "git push (",
    "git push )",
    "git push <a",
    "git push >a",
    "git push 2>a",
    "git push &>a",
    "git push >&2",
    "git push a>b",
    "git push a&",
    "git push a&b",
    "git push a;b",
    "git push a|b",
    "git push a||b",
    "git push a&&b",
    "[ -f a ] && git push",
    "[[ a ]] && git push",
    "test a && git push",
    "! git push",
    "export A=1; git push",
    "A=1; git push",
    "A=1 git push",
    "declare a && git push",
    "cd a && git push",
    "function git { ls; }; git push",
    "in git push",
    "git push in",
    "git push if",
    "if git push",
    "then",
    "do git push",
    "git push; done",
    "git push; fi",
    "select git push",
    "git\tpush",
    "git  push",
    " git push ",
    "\tgit push",
    "git push\u{b}",
    "git\u{c}push",
    "~/git push",
    "~git push",
    "./git push",
    "git/ push",
    "/git push",
    "//git push",
    "a/../git push",
    "\"git\" push",
    "'git' push",
    "g'i't push",
    "git'' push",
    "git\"\" push",
    "$'git' push",
    "$\"git\" push",
    "git $'push'",
    "git $\"push\"",
    "GIT push",
    "git Push",
    "git push<<<a",
    "git push <<a\na",
    "git push <<-a\na\n",
    "git push <<'a'\na",
    "0 git",
    "git 0",
    "1>a git push",
    "git push 1>a",
    "a=1",
    "a=(1 2)",
    "a=1 b=2 git push",
    "let a=1; git push",
    "eval git push",
    "((a)); git push",
    "$((1)) git push",
    "@(a) git push",
    "git push @(a)",
    "git push ?(a)",
    "git push +(a)",
    "git push *",
    "git push ?",
    "git push a?b",
    "git push a.b",
    ": git push",
    ". git push",
    "source git push",
    "git push --\"a\"",
    "git push -'a'",
    "git push -g\"*\"",
    "git push -g'*'",
    "-git push",
    "git -- push",
    "\u{200b}git push",
];

const REMOVALS: &[&str] = &[
    "bash -c 'rm -f x'",
    "/bin/bash -c 'rm -f x'",
    "/usr/bin/bash -c 'rm -f x'",
    "/usr/local/bin/bash -c 'rm -f x'",
    "/opt/homebrew/bin/bash -c 'rm -f x'",
    "./bash -c 'rm -f x'",
    "/tmp/bash -c 'rm -f x'",
    "zsh -c 'rm -f x'",
    "/bin/zsh -c 'rm -f x'",
    "/usr/bin/zsh -c 'rm -f x'",
    "/usr/local/bin/zsh -c 'rm -f x'",
    "/opt/homebrew/bin/zsh -c 'rm -f x'",
    "sh -c 'rm -f x'",
    "/bin/sh -c 'rm -f x'",
    "/usr/bin/sh -c 'rm -f x'",
    "/usr/local/bin/sh -c 'rm -f x'",
    "dash -c 'rm -f x'",
    "/bin/dash -c 'rm -f x'",
    "ksh -c 'rm -f x'",
    "BASH -c 'rm -f x'",
    "bash -lc 'rm -f x'",
    "bash -ec 'rm -f x'",
    "bash -c 'rm -f x' a",
    "bash --norc -c 'rm -f x'",
    "bash -l -c 'rm -f x'",
    "env env env env env env env env rm -f x",
    "env env env env env env env env env rm -f x",
    "sudo sudo sudo sudo sudo sudo sudo sudo sudo true",
    "env env env env env env env env env true",
    "env -u A rm -f x",
    "env -- rm -f x",
    "env A=1 -- rm -f x",
    "env =1 rm -f x",
    "env -a=1 rm -f x",
    "trap -- 'rm -f x' EXIT",
    "trap -p 'rm -f x'",
    "trap - EXIT",
    "sudo -n rm -f x",
    "rm --force x",
    "rm --forc x",
    "rm --fo x",
    "rm -- x -f",
    "rm -v -- -f",
    "rm -xf",
    "rm --f",
    "rm -",
    "rm '-f' x",
    "rm \"-f\" x",
    "'rm' -f x",
    "\"r\"m -f x",
    "\\rm -f x",
    "rm -{f,r} x",
    "rm $X -f",
    "rm `id` -f",
    "rm -f",
    "rm * -f",
    "rm x -f*",
    "FOO=1 rm -f x",
    "rm -f x > y",
    "$(rm -f x)",
    "(rm -f x)",
    "{ rm -f x; }",
    "! rm -f x",
    "rm -f x &",
    "rm -f x; )",
    "foo() { rm -f x; }",
    "rm -f x # c",
    "case a in a) rm -f x;; esac",
    "[[ -f x ]] && rm -f x",
    "cat <(rm -f x)",
    "cat <<E\n$(rm -f x)\nE",
    "cat <<'E'\n$(rm -f x)\nE",
    "rm -f ~/x",
    "rm ~ -f",
    "rm [a] -f",
    "rm # -f",
    "/bin/rm/ -f x",
    "/bin/rm/. -f",
    "../rm -f x",
    "/a/../rm -f",
    " rm -f x",
    "rm\\\n -f x",
    "rm -\\f x",
    "rm 1 -f",
    "1>x rm -f x",
    "time rm -f x",
    "exec rm -f",
    "command rm -f",
    "rm -f|cat",
    "nohup rm -f x",
    "coproc rm -f x",
    "function f { rm -f x; }",
    "select a in b; do rm -f x; done",
    "until true; do rm -f x; done",
    "((rm -f))",
    "echo ${A:-$(rm -f x)}",
    "a=$(rm -f x)",
    "export A=$(rm -f x)",
    "declare rm -f",
    "rm -f\r",
    "rm\t-f",
    "rm -f x\u{b}",
    "bash.exe -c 'rm -f x'",
    "/tmp/bash.evil -c 'rm -f x'",
    "bash.a.b -c 'rm -f x'",
    "/tmp/bash/ -c 'rm -f x'",
    "/tmp/bash/. -c 'rm -f x'",
    "a/sh.txt -c 'rm -f x'",
    ".bash -c 'rm -f x'",
    "bash. -c 'rm -f x'",
    "bash-5 -c 'rm -f x'",
    "sh. -c 'rm -f x'",
    "ba.sh -c 'rm -f x'",
    "./.sh -c 'rm -f x'",
    "/sh -c 'rm -f x'",
    "..bash -c 'rm -f x'",
    "sh/.. -c 'rm -f x'",
    "x.bash -c 'rm -f x'",
    "Sh.sh -c 'rm -f x'",
    "zsh.x -c 'rm -f x'",
    "rm x{ -f",
    "rm -f{",
    "rm x} -f",
    "rm -f}",
    "rm x* -f",
    "rm -f*",
    "rm x? -f",
    "rm -f?",
    "rm x[ -f",
    "rm -f[",
    "rm x] -f",
    "rm -f]",
    "rm x\\ -f",
    "rm -f\\",
    "rm x~ -f",
    "rm -f~",
    "rm x^ -f",
    "rm -f^",
    "rm x# -f",
    "rm -f#",
    "rm -f$",
    "rm x! -f",
    "rm -f!",
    "rm x% -f",
    "rm -f%",
    "rm x@ -f",
    "rm -f@",
    "rm x= -f",
    "rm -f=",
    "rm x+ -f",
    "rm -f+",
    "rm x, -f",
    "rm -f,",
    "rm x: -f",
    "rm -f:",
    "rm x. -f",
    "rm -f.",
    "rm x- -f",
    "rm -f-",
    "rm x_ -f",
    "rm -f_",
    "rm x/ -f",
    "rm -f/",
    "rm =x -f",
    "rm =f",
    "rm x=f -f",
    "rm '-f*' x",
    "rm \"-f*\"",
    "rm -v\"f*\"",
    "rm -v'f'",
    "rm -v\"f\"*",
    "rm $'-f' x",
    "rm -$X\"f\"",
    "rm -v1f",
    "=rm -f x",
    "r=m -f x",
    "rm {f} -f",
    "rm -f{}",
    "rm a-{b,c}-f",
    "\"rm\"\"\" -f",
    "'' -f",
    "rm '' -f",
    "rm -- '' -f",
    "sudo '' rm -f",
    "sudo",
    "env",
    "trap",
    "trap --",
    "env A=1",
    "rm -e\u{e9}f",
    "rm \u{e9} -f",
    "rm @(f) -f",
    "rm +f",
    "rm !x -f",
    "rm %1 -f",
    "rm -%f",
    "rm a,b -f",
    "rm <<<x -f",
    "rm 2>&1 -f",
    "rm -f>y",
    "rm -f<y",
];
