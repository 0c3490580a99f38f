//! What the model decides about paths, held against sessions of the real Codex: random policies on
//! real folders with files, links and missing things, and every path of them read and written by
//! a command in one session.
//!
//! `PATHS_POLICIES` sets how many policies are made, `PATHS_SEED` where the random numbers start
//! and `PATHS_CODEX` which version is asked; all are printed.

#![expect(clippy::print_stdout, reason = "what was asked must be seen")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use codex_agreement::generate::random::Random;
use codex_compiler::decide::answer::{Answer, Verdict};
use codex_compiler::decide::answer_on;
use codex_compiler::decide::paths::disk::{Disk, Stands};
use codex_compiler::decide::question::{Access, Question};
use codex_compiler::evaluate::{Evaluation, evaluate};
use codex_compiler::files::{MemoryFiles, RealFiles};
use codex_compiler::gather::Extra;
use codex_compiler::machine::{Machine, Os};
use codex_oracle::{
    Oracle, SpecialFile, TurnScript, World, WorldSpec, ask, install, isolated_pool,
    require_or_announce,
};
use serde_json::Value;

const REQUIREMENTS: &str = "/etc/codex/requirements.toml";
const CONFIG: &str = "$CODEX_HOME/config.toml";

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// A policy, and whether the working folder has links in it.
#[derive(Clone, Debug)]
struct Policy {
    requirements: String,
    config: String,
    links: bool,
}

const FILES: [&str; 16] = [
    "$CWD/f",
    "$CWD/s.pem",
    "$CWD/a/f",
    "$CWD/a/b/f",
    "$CWD/a/b/c/f",
    "$CWD/a/b/c/s.pem",
    "$CWD/a/b/d/f",
    "$CWD/.git/config",
    "$CWD/.git/hooks/h",
    "$CWD/.agents/x",
    "$CWD/sub/.git/config",
    "$CWD/sub/.codex/x",
    "$CODEX_HOME/o/f",
    "$CODEX_HOME/o/p/f",
    "$CODEX_HOME/o/p/s.pem",
    "$CODEX_HOME/q/f",
];

/// Paths that are not there.
const MISSING: [&str; 9] = [
    "$CWD/zz",
    "$CWD/new",
    "$CWD/a/zz",
    "$CWD/a/zz.pem",
    "$CWD/a/b/c/zz",
    "$CWD/.aws",
    "$CWD/sub/.agents",
    "$CODEX_HOME/o/zz",
    "$CODEX_HOME/o/.codex",
];

const PATHS: [&str; 14] = [
    "$CWD",
    "$CWD/a",
    "$CWD/a/b",
    "$CWD/a/b/c",
    "$CWD/a/b/d",
    "$CWD/a/./b/../b/d/",
    "$CWD/a/b/f",
    "$CWD/a/f",
    "$CWD/.git",
    "$CWD/.git/hooks",
    "$CWD/sub",
    "$CODEX_HOME/o",
    "$CODEX_HOME/o/p",
    "$CODEX_HOME/o/p/f",
];

const LINKED: [&str; 4] = ["$CWD/in", "$CWD/in/f", "$CWD/out", "$CODEX_HOME/q/back"];

const PATTERNS: [&str; 12] = [
    "$CWD/a/*",
    "$CWD/a/**",
    "$CWD/a/b/**",
    "$CWD/**/f",
    "$CWD/*/f",
    "$CWD/a/?/[c-d]/f",
    "$CWD/a/[!c]*",
    "$CWD/**/*.pem",
    "$CWD/**/.git/**",
    "$CODEX_HOME/o/**",
    "$CODEX_HOME/*/f",
    "$CWD/**/c/**/s*",
];

fn random_path(random: &mut Random, links: bool) -> &'static str {
    if links && random.chance(12) { random.text(&LINKED) } else { random.text(&PATHS) }
}

fn random_policy(random: &mut Random, program: &str) -> Policy {
    let links = random.chance(30);
    let mut denied = Vec::new();
    if random.chance(5) {
        denied.push("$CWD/new");
    }
    while random.chance(45) {
        denied.push(if random.chance(40) {
            random.text(&PATTERNS)
        } else {
            random_path(random, links)
        });
    }
    let requirements = if denied.is_empty() {
        String::new()
    } else {
        format!("[permissions.filesystem]\ndeny_read = {denied:?}\n")
    };
    let config = match random.below(10) {
        0 => "sandbox_mode = 'read-only'\n".to_owned(),
        1..3 => {
            let mut roots = Vec::new();
            while random.chance(40) {
                roots.push(random_path(random, false));
            }
            format!(
                "sandbox_mode = 'workspace-write'\n[sandbox_workspace_write]\nwritable_roots = \
                 {roots:?}\nexclude_slash_tmp = {}\n",
                random.chance(80)
            )
        }
        _ => random_profile(random, links, program),
    };
    Policy { requirements, config: format!("approval_policy = 'on-request'\n{config}"), links }
}

fn random_profile(random: &mut Random, links: bool, program: &str) -> String {
    let mut text = "default_permissions = 'p'\n".to_owned();
    let based = random.chance(25);
    if based {
        text += "[permissions.q]\nextends = ':workspace'\n[permissions.q.filesystem]\n':slash_tmp' \
                 = 'read'\n";
        text += &random_entries(random, links);
        text += "[permissions.p]\nextends = 'q'\n";
    }
    if random.chance(15) {
        text += "[permissions.p.workspace_roots]\n\"$CODEX_HOME/q\" = true\n";
    }
    text += "[permissions.p.filesystem]\n";
    if random.chance(10) {
        text += "glob_scan_max_depth = 2\n";
    }
    if !based && !links && random.chance(15) {
        text += &format!("':minimal' = 'read'\n'{program}' = 'read'\n");
    } else {
        text += "':root' = 'read'\n";
    }
    text += &random_entries(random, links);
    if random.chance(30) {
        text += "[permissions.p.filesystem.':workspace_roots']\n";
        for sub in [".", "a", "a/b", "sub", "**/f", "a/b/c/**"] {
            if random.chance(35) {
                let right = if sub == "**/f" { "deny" } else { random_right(random) };
                text += &format!("'{sub}' = '{right}'\n");
            }
        }
    }
    text
}

fn random_right(random: &mut Random) -> &'static str {
    random.text(&["read", "write", "write", "deny"])
}

fn random_entries(random: &mut Random, links: bool) -> String {
    let mut entries = BTreeMap::new();
    while random.chance(70) {
        if random.chance(15) {
            entries.insert(random.text(&PATTERNS), "deny");
        } else {
            let path = random_path(random, links);
            // Rights to write through a link are said to be uncertain.
            let right = if LINKED.contains(&path) {
                random.text(&["read", "deny"])
            } else {
                random_right(random)
            };
            entries.insert(path, right);
        }
    }
    entries.into_iter().map(|(path, right)| format!("\"{path}\" = '{right}'\n")).collect()
}

fn spec(policy: &Policy) -> WorldSpec {
    let mut spec = WorldSpec::new().file(CONFIG, &policy.config);
    if !policy.requirements.is_empty() {
        spec = spec.file(REQUIREMENTS, &policy.requirements);
    }
    for file in FILES {
        spec = spec.file(file, "content\n");
    }
    if policy.links {
        for (link, target) in
            [("$CWD/in", "a"), ("$CWD/out", "$CODEX_HOME/o"), ("$CODEX_HOME/q/back", "$CWD/a")]
        {
            spec = spec.special(link, SpecialFile::Symlink(target.to_owned()));
        }
    }
    spec
}

fn evaluation(world: &World<'_>, policy: &Policy, version: &str) -> Evaluation {
    let cwd = world.expand("$CWD");
    let codex_home = world.expand("$CODEX_HOME");
    let home = format!("{}/user", cwd.strip_suffix("/cwd").unwrap());
    let mut files = MemoryFiles::default();
    files.put(format!("{codex_home}/config.toml"), world.expand(&policy.config));
    if !policy.requirements.is_empty() {
        files.put(REQUIREMENTS, world.expand(&policy.requirements));
    }
    let machine = Machine {
        os: Os::Linux,
        hostname: "localhost".to_owned(),
        home,
        codex_home,
        cwd,
        version: version.parse().unwrap(),
    };
    evaluate(machine, &files, &Extra::default())
}

/// A path, how it is touched, and what the model says of it.
struct Probe {
    path: String,
    access: Access,
    answer: Answer,
    /// Whether the file itself was changed, which a sandbox may only pretend.
    changed: bool,
}

fn probes(world: &World<'_>, policy: &Policy, version: &str) -> Vec<Probe> {
    let evaluation = evaluation(world, policy, version);
    let disk = RealFiles::new(None);
    let mut paths: Vec<&str> = FILES.iter().chain(&MISSING).copied().collect();
    paths.extend(["$CWD/a", "$CWD/a/b", "$CWD/./a//b/../f"]);
    if policy.links {
        paths.extend(["$CWD/in/f", "$CWD/in/zz", "$CWD/out/p/f", "$CWD/in/../f"]);
        paths.push("$CODEX_HOME/q/back/b/f");
    }
    let both = paths.into_iter().flat_map(|path| [(path, Access::Read), (path, Access::Write)]);
    let wanted = both.filter_map(|(path, access)| {
        let path = world.expand(path);
        let stands = disk.stands(
            &std::fs::canonicalize(&path)
                .map_or_else(|_| path.clone(), |path| path.to_string_lossy().into_owned()),
        );
        // What is not there cannot be read, and folders are written by making something in them.
        let tells = match access {
            Access::Read => stands != Stands::Nothing,
            Access::Write => stands != Stands::Folder,
        };
        tells.then(|| {
            let question = Question::Path { path: path.clone(), access };
            let answer = answer_on(&evaluation, &question, &disk);
            Probe { path, access, answer, changed: false }
        })
    });
    wanted.collect()
}

/// A script that tries every probe and tells what became of it, a line each.
fn script(probes: &[Probe]) -> String {
    let one = |probe: &Probe| {
        let path = &probe.path;
        match probe.access {
            Access::Read => format!(
                "out=$(if [ -d '{path}' ]; then ls '{path}'; else cat '{path}'; fi 2>&1); echo \
                 \"=$?=$out\" | tr '\\n' ' '; echo"
            ),
            Access::Write => format!(
                "[ -e '{path}' ] && was=1 || was=0; out=$({{ echo w >> '{path}'; }} 2>&1); echo \
                 \"=$?=$out\" | tr '\\n' ' '; echo; [ $was = 0 ] && [ -f '{path}' ] && unlink \
                 '{path}' 2>/dev/null"
            ),
        }
    };
    probes.iter().map(one).collect::<Vec<_>>().join("\n") + "\ntrue"
}

struct Played {
    policy: Policy,
    probes: Vec<Probe>,
    answer: Result<Value, String>,
}

fn sessions(version: &str, seed: u64, policies: u64) -> Option<Vec<Played>> {
    let binary = require_or_announce(install(version))?;
    let program = binary.path().ancestors().nth(6).unwrap().to_string_lossy().into_owned();
    let jobs: Vec<Policy> =
        (0..policies).map(|case| random_policy(&mut Random::new(seed, case), &program)).collect();
    let played = isolated_pool(NonZeroUsize::new(2).unwrap(), jobs, |isolation, policy| {
        let world = World::build(isolation, &binary, &spec(&policy)).unwrap();
        let probes = probes(&world, &policy, version);
        let turn = TurnScript {
            cmds: vec![script(&probes)],
            decision: None,
            tool: serde_json::Map::default(),
        };
        let answer = ask(&world, &Oracle::Turn(turn)).map_err(|error| error.to_string());
        let named = |probe: Probe| Probe {
            changed: std::fs::read(&probe.path).is_ok_and(|bytes| bytes.ends_with(b"w\n")),
            path: world.normalise(&probe.path),
            ..probe
        };
        Played { policy, probes: probes.into_iter().map(named).collect(), answer }
    });
    require_or_announce(played)
}

/// What became of each probe; `Err` with Codex's words where nothing ran.
fn outcomes(played: &Played) -> Result<Vec<(bool, String)>, String> {
    let answer = played.answer.as_ref().map_err(Clone::clone)?;
    let told = answer["commands"].get(0).ok_or("no command")?;
    let text = told["text"].as_str().unwrap_or_default();
    let lines: Vec<(bool, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix('=')?.split_once('='))
        .map(|(code, words)| {
            let words = words.trim();
            (code == "0", words.rsplit(": ").next().unwrap_or_default().to_owned())
        })
        .collect();
    if lines.len() == played.probes.len() { Ok(lines) } else { Err(told.to_string()) }
}

fn disagreements(
    played: &Played,
    version: &str,
    seen: &mut BTreeMap<String, usize>,
) -> Vec<String> {
    let mut count = |what: &str| *seen.entry(what.to_owned()).or_default() += 1;
    let outcomes = match outcomes(played) {
        Err(words) => {
            // The model must say that nothing runs, of every path, and why in Codex's words.
            let wrong = played.probes.iter().find(|probe| {
                probe.answer.verdict != Verdict::Deny || !nothing_runs(&probe.answer)
            });
            count("policies that run nothing");
            return wrong
                .map(|probe| format!("{}: nothing runs: {words}", probe.path))
                .into_iter()
                .collect();
        }
        Ok(outcomes) => outcomes,
    };
    let mut wrong = Vec::new();
    for (probe, (mut done, mut words)) in played.probes.iter().zip(outcomes) {
        let answer = &probe.answer;
        let allowed = answer.verdict <= Verdict::Allow;
        // The sandbox of 0.138 hides files behind empty ones without rights, which root may open:
        // what counts is whether the content shows.
        if version == "0.138.0" {
            done &= probe.access == Access::Write || words.contains("content");
            words = answer.codex_says.clone().unwrap_or_default();
            if probe.access == Access::Read && !FILES.contains(&&*probe.path) {
                continue;
            }
        }
        count(&format!("{:?} {}", probe.access, answer.verdict.word()));
        let says = answer.codex_says.as_deref().unwrap_or_default();
        // Without the whole disk the sandbox has folders of its own that commands may fill.
        let pretended = played.policy.config.contains(":minimal")
            && probe.access == Access::Write
            && !probe.changed;
        if pretended && !allowed {
            continue;
        }
        if allowed != done || !done && answer.codex_says.is_some() && says != words {
            wrong.push(format!(
                "{:?} {}: {done} {words:?}, not {allowed} {says:?} ({})",
                probe.access, probe.path, answer.because
            ));
        }
    }
    wrong
}

fn nothing_runs(answer: &Answer) -> bool {
    ["no session starts", "no command runs", "nothing starts", "refuses to start"]
        .iter()
        .any(|words| answer.because.contains(words))
}

fn agree(version: &str, seed: u64, policies: u64) {
    println!("PATHS_CODEX={version} PATHS_SEED={seed} PATHS_POLICIES={policies}");
    let Some(played) = sessions(version, seed, policies) else { return };
    let (mut seen, mut wrong) = (BTreeMap::new(), Vec::new());
    for played in &played {
        let disagreements = disagreements(played, version, &mut seen);
        if !disagreements.is_empty() {
            let Policy { requirements, config, links } = &played.policy;
            wrong.push(format!(
                "{}\nlinks: {links}\n{requirements}{config}",
                disagreements.iter().take(6).cloned().collect::<Vec<_>>().join("\n")
            ));
        }
    }
    println!("{seen:?}");
    assert!(wrong.is_empty(), "{} policies wrong\n{}", wrong.len(), wrong.join("\n---\n"));
}

#[test]
fn paths_are_decided_as_in_a_session() {
    let version = std::env::var("PATHS_CODEX").unwrap_or_else(|_| "0.169.0".to_owned());
    agree(&version, setting("PATHS_SEED", 1), setting("PATHS_POLICIES", 10));
}
