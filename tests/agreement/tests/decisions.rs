//! What the model decides about commands and hosts, held against sessions of the real Codex, for
//! random policies and for the same policies simplified.
//!
//! `DECISIONS_POLICIES` sets how many policies of each kind are made and `DECISIONS_SEED` where the
//! random numbers start; both are printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;

use codex_agreement::generate::random::Random;
use codex_compiler::compile::toml_text::document;
use codex_compiler::decide::commands::{CommandRules, Decision};
use codex_compiler::decide::domains::{DomainVerdict, NetworkPolicy};
use codex_compiler::simplify::{Reasons, simplify};
use codex_oracle::{
    Oracle, TurnScript, World, WorldSpec, ask, install, isolated_pool, require_or_announce,
};
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;
use serde_json::Value;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

fn table(text: &str) -> Table {
    let read = read_toml(text, SourceId(0));
    assert!(read.problems.is_empty(), "{text}\n{:?}", read.problems);
    read.root
}

/// A policy with shell commands to put to it.
struct Case {
    policy: String,
    commands: Vec<String>,
}

/// What Codex does with each command: what it answers the model, and what it asked for it.
fn sessions(cases: Vec<Case>) -> Option<Vec<(Case, Value)>> {
    let binary = require_or_announce(install("0.169.0"))?;
    let played = isolated_pool(NonZeroUsize::new(2).unwrap(), cases, |isolation, case| {
        let spec = WorldSpec::new().file("/etc/codex/requirements.toml", &case.policy).file(
            "$CODEX_HOME/config.toml",
            "sandbox_mode = 'workspace-write'\napproval_policy = 'on-request'\n",
        );
        let world = World::build(isolation, &binary, &spec).unwrap();
        let script = TurnScript {
            cmds: case.commands.clone(),
            decision: None,
            tool: serde_json::Map::default(),
        };
        let answer = ask(&world, &Oracle::Turn(script));
        (case, answer)
    });
    let played = require_or_announce(played)?;
    let answered = played.into_iter().map(|(case, answer)| match answer {
        Ok(answer) => (case, answer),
        Err(error) => panic!("{error}\n{}", case.policy),
    });
    Some(answered.collect())
}

/// The policy as it is and simplified, both with the same commands.
fn both_forms(policy: &str, commands: &[String]) -> [Case; 2] {
    let done = simplify(table(policy), Reasons::Keep);
    [policy.to_owned(), document("", &done.requirements, &REQUIREMENTS)]
        .map(|policy| Case { policy, commands: commands.to_vec() })
}

const PROGRAMS: [&str; 5] = ["true", "echo", "/bin/true", "/usr/bin/printf", "printf"];
const WORDS: [&str; 4] = ["a", "b", "c", "-x"];

fn random_rules(random: &mut Random) -> String {
    let mut text = "[rules]\nprefix_rules = [\n".to_owned();
    for number in 0..=random.below(12) {
        let mut words = Vec::new();
        for at in 0..=random.below(4) {
            let all: &[&'static str] = if at == 0 { &PROGRAMS } else { &WORDS };
            words.push(if random.chance(60) {
                format!("{{token = '{}'}}", random.text(all))
            } else {
                format!("{{any_of = ['{}', '{}']}}", random.text(all), random.text(all))
            });
        }
        let decision = random.text(&["prompt", "forbidden", "prompt", "forbidden", "prompt-user"]);
        let words = words.join(", ");
        text += &format!(
            "{{pattern = [{words}], decision = '{decision}', justification = 'reason {number}'}},\n"
        );
    }
    text + "]\n"
}

fn random_command(random: &mut Random) -> String {
    let mut words = vec![random.text(&PROGRAMS)];
    while random.chance(70) {
        words.push(random.text(&WORDS));
    }
    words.join(" ")
}

/// The decision and the reason, as a session shows them.
fn shown_of_command(answer: &Value, at: usize, command: &str) -> (Option<Decision>, String) {
    let told = answer["commands"].get(at).unwrap();
    if told["status"] == "ran" {
        return (None, String::new());
    }
    let text = told["text"].as_str().unwrap();
    if text.contains("approval request failed") {
        return (Some(Decision::PromptUser), String::new());
    }
    let reason = |text: &str| {
        let rest = text.rsplit_once(": ").map_or("", |(_, rest)| rest);
        rest.trim_end_matches(['"', ')', '}', ' ', '\\']).to_owned()
    };
    if text.contains("rejected by user") {
        let asked = answer["asks"].as_array().unwrap().iter().find(|asked| {
            let asked = asked["command"].as_str().unwrap();
            asked
                .trim_end_matches('\'')
                .strip_prefix("/bin/bash -c ")
                .unwrap()
                .trim_start_matches('\'')
                == command
        });
        return (Some(Decision::Prompt), reason(asked.unwrap()["reason"].as_str().unwrap()));
    }
    (Some(Decision::Forbidden), reason(text))
}

#[test]
fn commands_are_decided_as_in_a_session() {
    let (seed, policies) = (setting("DECISIONS_SEED", 1), setting("DECISIONS_POLICIES", 4));
    println!("DECISIONS_SEED={seed} DECISIONS_POLICIES={policies}");
    let cases = (0..policies).flat_map(|number| {
        let mut random = Random::new(seed, number);
        let policy = random_rules(&mut random);
        let mut commands: Vec<String> = (0..25).map(|_| random_command(&mut random)).collect();
        commands.sort();
        commands.dedup();
        both_forms(&policy, &commands)
    });
    let Some(played) = sessions(cases.collect()) else { return };
    let (mut wrong, mut seen) = (Vec::new(), std::collections::BTreeMap::new());
    for (case, answer) in &played {
        let requirements = table(&case.policy);
        let rules = CommandRules::of(&requirements);
        for (at, command) in case.commands.iter().enumerate() {
            let words: Vec<&str> = command.split(' ').collect();
            let decided = rules.decide(&words);
            let reason = match decided.decision() {
                Some(Decision::Prompt | Decision::Forbidden) => {
                    decided.shown().and_then(|rule| rule.justification).unwrap_or_default()
                }
                _ => "",
            };
            *seen.entry(decided.decision()).or_insert(0) += 1;
            let expected = (decided.decision(), reason.to_owned());
            let shown = shown_of_command(answer, at, command);
            if shown != expected {
                wrong.push(format!("{command}: {shown:?}, not {expected:?}\n{}", case.policy));
            }
        }
    }
    println!("{seen:?}");
    assert!(seen.len() == 4 || policies < 4, "{seen:?}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

const LABELS: [&str; 4] = ["a", "b", "ab", "example"];

fn random_host(random: &mut Random) -> String {
    if random.chance(10) {
        return random.text(&["127.0.0.1", "localhost", "10.1.2.3", "8.8.8.8"]).to_owned();
    }
    (0..=random.below(3)).map(|_| random.text(&LABELS)).collect::<Vec<_>>().join(".")
}

fn random_pattern(random: &mut Random) -> String {
    let host = random_host(random);
    let prefix = random.text(&["", "", "*.", "**."]);
    match random.below(8) {
        0 => format!("{prefix}{}.", host.to_uppercase()),
        1 => format!("{prefix}{host}:80"),
        2 => format!("{prefix}{}", host.replacen('a', "?", 1)),
        3 => format!("{prefix}{}", host.replacen('b', "*", 1)),
        _ => format!("{prefix}{host}"),
    }
}

fn random_network(random: &mut Random) -> String {
    let mut text = "[experimental_network]\nenabled = true\n".to_owned();
    if random.chance(40) {
        text += "managed_allowed_domains_only = true\n";
    }
    let list = |random: &mut Random, most: usize| -> Vec<String> {
        let mut all: Vec<String> =
            (0..=random.below(most)).map(|_| random_pattern(random)).collect();
        all.retain(|pattern| pattern != "*");
        all
    };
    let reviewed = list(random, 3);
    text += &format!("review_domains = {reviewed:?}\n");
    if random.chance(30) {
        let (allowed, denied) = (list(random, 8), list(random, 4));
        return text + &format!("allowed_domains = {allowed:?}\ndenied_domains = {denied:?}\n");
    }
    text += "[experimental_network.domains]\n";
    let names: std::collections::BTreeSet<String> = list(random, 12).into_iter().collect();
    for name in names {
        text += &format!("'{name}' = '{}'\n", random.text(&["allow", "allow", "deny"]));
    }
    text
}

/// What becomes of a connection, as far as a session without a network shows it: names that may be
/// reached are then refused because they lead nowhere.
fn shown_of_host(answer: &Value, at: usize, host: &str) -> &'static str {
    let told = answer["commands"].get(at).unwrap();
    let text = told["text"].as_str().unwrap();
    if told["status"] == "ran" {
        return "reached";
    }
    let asked = answer["asks"].as_array().unwrap();
    if asked.iter().any(|asked| asked["host"] == host) {
        return "asked";
    }
    [
        ("explicitly denied", "denied"),
        ("not on the allowlist", "refused"),
        ("local/private", "local"),
    ]
    .into_iter()
    .find(|(words, _)| text.contains(words))
    .map_or("something else", |(_, verdict)| verdict)
}

#[test]
fn hosts_are_decided_as_in_a_session() {
    let (seed, policies) = (setting("DECISIONS_SEED", 1), setting("DECISIONS_POLICIES", 4));
    println!("DECISIONS_SEED={seed} DECISIONS_POLICIES={policies}");
    let hosts_of = |number: u64| -> Vec<String> {
        let mut random = Random::new(seed ^ 0x55, number);
        let mut hosts: Vec<String> = (0..25).map(|_| random_host(&mut random)).collect();
        hosts.sort();
        hosts.dedup();
        hosts
    };
    let cases = (0..policies).flat_map(|number| {
        let policy = random_network(&mut Random::new(seed, number));
        let curl = |host: &String| format!("curl -sS -m 6 -o /dev/null 'http://{host}/'");
        both_forms(&policy, &hosts_of(number).iter().map(curl).collect::<Vec<_>>())
    });
    let Some(played) = sessions(cases.collect()) else { return };
    let (mut wrong, mut seen) = (Vec::new(), std::collections::BTreeMap::new());
    for ((case, answer), number) in played.iter().zip(0..) {
        let requirements = table(&case.policy);
        let network = NetworkPolicy::of(&requirements);
        for (at, host) in hosts_of(number / 2).iter().enumerate() {
            let verdict = network.decide(host).verdict;
            let address =
                host.starts_with(|first: char| first.is_ascii_digit()) || host == "localhost";
            let expected = match verdict {
                DomainVerdict::Unmanaged => panic!("the network is enabled"),
                DomainVerdict::Denied => "denied",
                DomainVerdict::Refused => "refused",
                DomainVerdict::Review | DomainVerdict::Ask => "asked",
                DomainVerdict::Allowed if address => "reached",
                DomainVerdict::Allowed | DomainVerdict::Local => "local",
            };
            *seen.entry(format!("{verdict:?}")).or_insert(0) += 1;
            let shown = shown_of_host(answer, at, host);
            if shown != expected {
                wrong.push(format!("{host}: {shown}, not {expected}\n{}", case.policy));
            }
        }
    }
    println!("{seen:?}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}
