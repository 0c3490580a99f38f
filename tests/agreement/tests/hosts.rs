//! What the model answers about hosts, held against sessions of the real Codex: random networks,
//! random profiles and sandboxes around them, and hosts in every form that people write.
//!
//! `HOSTS_POLICIES` sets how many policies are made, `HOSTS_SEED` where the random numbers start and
//! `HOSTS_CODEX` which version is asked; all are printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use codex_agreement::generate::random::Random;
use codex_agreement::predict::evaluation;
use codex_compiler::decide::answer;
use codex_compiler::decide::answer::{Answer, Verdict};
use codex_compiler::decide::question::Question;
use codex_oracle::{
    Oracle, TurnScript, World, WorldSpec, ask, install, isolated_pool, require_or_announce,
};
use serde_json::Value;

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

const LABELS: [&str; 5] = ["a", "b", "ab", "example", "xn--bcher-kva"];

fn random_host(random: &mut Random) -> String {
    if random.chance(12) {
        let address = ["127.0.0.1", "localhost", "10.1.2.3", "8.8.8.8", "127.1", "0x8.8.8.8"];
        return random.text(&address).to_owned();
    }
    (0..=random.below(3)).map(|_| random.text(&LABELS)).collect::<Vec<_>>().join(".")
}

/// A host in one of the forms that people write; the first is what is asked, the second what curl
/// gets.
fn random_form(random: &mut Random) -> (String, String) {
    let host = random_host(random);
    let asked = match random.below(10) {
        // With a dot at its end an address is a name.
        0 if host.starts_with(char::is_alphabetic) => format!("{}.", host.to_uppercase()),
        1 => format!("{host}:8080"),
        2 => format!("http://{host}/x?y=1"),
        3 => format!("https://{host}"),
        4 => format!("http://user:pw@{host}:81/"),
        5 => host.replace("xn--bcher-kva", "bücher"),
        6 => host.replace("xn--bcher-kva", "BÜCHER"),
        _ => host,
    };
    let url = if asked.contains("://") { asked.clone() } else { format!("http://{asked}/") };
    (asked, url)
}

fn random_pattern(random: &mut Random) -> String {
    let host = random_host(random).replace("127.1", "127.0.0.1").replace("0x8", "8");
    let prefix = random.text(&["", "", "*.", "**."]);
    match random.below(8) {
        0 => format!("{prefix}{}.", host.to_uppercase()),
        1 => format!("{prefix}{host}:80"),
        2 => format!("{prefix}{}", host.replacen('a', "?", 1)),
        3 => format!("{prefix}{}", host.replacen('b', "*", 1)),
        4 => format!("{prefix}{}", host.replace("xn--bcher-kva", "bücher")),
        _ => format!("{prefix}{host}"),
    }
}

fn domains(random: &mut Random, most: usize) -> String {
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for _ in 0..=random.below(most) {
        names.insert(random_pattern(random), random.text(&["allow", "allow", "deny"]));
    }
    // Codex refuses what stands for every host.
    names.retain(|name, _| name != "*" && name != "**.*" && name != "*:80" && name != "**.*:80");
    names.into_iter().map(|(name, rule)| format!("'{name}' = '{rule}'\n")).collect()
}

struct Case {
    requirements: String,
    config: String,
    /// What is asked and what curl gets.
    hosts: Vec<(String, String)>,
}

fn random_case(random: &mut Random) -> Case {
    let key = random.text(&["experimental_network", "experimental_network", "network_proxy"]);
    let mut requirements = match random.below(8) {
        0 => format!("[{key}]\n"),
        1 => format!("[{key}]\nenabled = false\n"),
        _ => format!("[{key}]\nenabled = true\n"),
    };
    if random.chance(30) {
        requirements += "managed_allowed_domains_only = true\n";
    }
    if random.chance(10) {
        requirements += "allow_local_binding = true\n";
    }
    if random.chance(40) {
        requirements += &format!("review_domains = ['{}']\n", random_pattern(random));
    }
    requirements += &format!("[{key}.domains]\n{}", domains(random, 8));
    let approval = random.text(&["on-request", "on-request", "never"]);
    let sandbox = match random.below(8) {
        0 => "sandbox_mode = 'read-only'\n".to_owned(),
        1 => "sandbox_mode = 'danger-full-access'\n".to_owned(),
        2 => "sandbox_mode = 'workspace-write'\n".to_owned(),
        3 => "sandbox_mode = 'workspace-write'\n[sandbox_workspace_write]\nnetwork_access = true\n"
            .to_owned(),
        _ => format!(
            "default_permissions = 'p'\n[permissions.q]\nextends = \
             ':workspace'\n[permissions.q.network]\nallow_local_binding = \
             {}\n[permissions.q.network.domains]\n{}[permissions.p]\nextends = \
             'q'\n[permissions.p.network]\nenabled = {}\n[permissions.p.network.domains]\n{}",
            random.chance(15),
            domains(random, 3),
            random.chance(50),
            domains(random, 3),
        ),
    };
    let config = format!("approval_policy = '{approval}'\n{sandbox}");
    let hosts = (0..20).map(|_| random_form(random)).collect();
    Case { requirements, config, hosts }
}

fn spec(case: &Case) -> WorldSpec {
    WorldSpec::new()
        .file("/etc/codex/requirements.toml", &case.requirements)
        .file("$CODEX_HOME/config.toml", &case.config)
}

/// The scripted model answers on the loopback: whoever reaches it has a network.
const LOOPBACK: &str = "curl -sS -m 6 --noproxy '*' -o /dev/null http://$(grep -o \
                        '127.0.0.1:[0-9]*' $CODEX_HOME/config.toml)/";

fn sessions(version: &str, cases: Vec<Case>) -> Option<Vec<(Case, Value)>> {
    let binary = require_or_announce(install(version))?;
    let played = isolated_pool(NonZeroUsize::new(2).unwrap(), cases, |isolation, case| {
        let world = World::build(isolation, &binary, &spec(&case)).unwrap();
        let curl = |(_, url): &(String, String)| {
            format!("curl -sS -m 6 -o /dev/null -w '%{{http_code}}' '{url}'")
        };
        let mut cmds: Vec<String> = case.hosts.iter().map(curl).collect();
        cmds.push(LOOPBACK.to_owned());
        let script = TurnScript { cmds, decision: None, tool: serde_json::Map::default() };
        let answer = ask(&world, &Oracle::Turn(script));
        (case, answer)
    });
    let played = require_or_announce(played)?;
    let answered = played.into_iter().map(|(case, answer)| match answer {
        Ok(answer) => (case, answer),
        Err(error) => unreachable!("{error}\n{}{}", case.requirements, case.config),
    });
    Some(answered.collect())
}

/// What a session shows of a host: the verdict, and Codex's words where it refused.
fn shown(answer: &Value, at: usize, host: &str, network: bool) -> (Verdict, String) {
    let told = answer["commands"].get(at).unwrap();
    let text = told["text"].as_str().unwrap();
    if told["status"] == "ran" {
        // Without a proxy no name is known here, so that the loopback tells.
        // Behind the proxy an answer of it, or a connection that ends without one.
        let proxied = text.len() == 3 && text != "000" || text.contains("SSL_connect");
        return match (proxied, network) {
            (true, _) => (Verdict::Allow, String::new()),
            (false, true) => (Verdict::Unmanaged, String::new()),
            (false, false) => (Verdict::Deny, String::new()),
        };
    }
    let asked = answer["asks"].as_array().unwrap();
    if asked.iter().any(|asked| asked["host"] == host) {
        return (Verdict::Prompt, String::new());
    }
    let words = text.split_once("Network access to").map_or(text, |(_, words)| words);
    let words = words.replace("\\\"", "\"");
    let words = words.trim_end_matches(['"', '}', ' ']).to_owned();
    (Verdict::Deny, format!("Network access to{words}"))
}

fn agrees(said: &Answer, shown: &(Verdict, String), version: &str) -> bool {
    let local = "local/private network addresses are blocked by the sandbox policy.";
    // Older versions resolve a name before anybody is asked, and no name resolves here.
    let denied = said.codex_says.as_deref().is_some_and(|says| says.contains("explicitly denied"));
    if version != "0.169.0" && shown.1.contains(local) && !denied {
        return true;
    }
    match (said.verdict, shown) {
        // Names that may be reached lead nowhere here, and what leads nowhere counts as local.
        (Verdict::Allow, (Verdict::Deny, words)) => words.contains(local),
        (Verdict::Deny, (Verdict::Deny, words)) => {
            words.is_empty() || said.codex_says.as_deref() == Some(words.as_str())
        }
        (verdict, (shown, _)) => verdict == *shown,
    }
}

#[test]
fn hosts_are_answered_as_in_a_session() {
    let version = std::env::var("HOSTS_CODEX").unwrap_or_else(|_| "0.169.0".to_owned());
    let (seed, policies) = (setting("HOSTS_SEED", 1), setting("HOSTS_POLICIES", 4));
    println!("HOSTS_CODEX={version} HOSTS_SEED={seed} HOSTS_POLICIES={policies}");
    let cases = (0..policies).map(|number| random_case(&mut Random::new(seed, number))).collect();
    let Some(played) = sessions(&version, cases) else { return };
    let (mut wrong, mut seen) = (Vec::new(), BTreeMap::new());
    for (case, played) in &played {
        let evaluation = evaluation(&spec(case), version.parse().unwrap());
        let network = played["commands"].get(case.hosts.len()).unwrap()["exit"] == 0;
        for (at, (asked, url)) in case.hosts.iter().enumerate() {
            let said = answer(&evaluation, &Question::Host(asked.clone()));
            *seen.entry(said.verdict.word()).or_insert(0) += 1;
            let shown = shown(played, at, &said.subject, network);
            if !agrees(&said, &shown, &version) {
                wrong.push(format!(
                    "{asked} ({url}): {shown:?} {}, not {:?} {:?} ({})\n{}{}",
                    played["commands"].get(at).unwrap(),
                    said.verdict,
                    said.codex_says,
                    said.because,
                    case.requirements,
                    case.config
                ));
            }
        }
    }
    println!("{seen:?}");
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n---\n"));
}
