//! Publish, install, enforce: with the newest Codex and older ones, every kind of rule proved by what
//! Codex does, in a session of somebody who wants it otherwise.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "../../schema/trust/tests/support/mod.rs"]
mod trust;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use codex_oracle::{
    CodexBinary, Isolation, Oracle, TurnScript, World, WorldSpec, ask, install, isolated,
    require_or_announce,
};
use fleet::{Fleet, Machine, Network, finished, is_private};
use serde_json::{Map, Value as Json};

/// What every one of these versions has.
const POLICY: &str = r#"allowed_sandbox_modes = ["read-only"]
allowed_approval_policies = ["on-request"]

[features]
memories = false

[mcp_servers.docs.identity]
command = "docs-server"

[permissions.filesystem]
deny_read = ["SECRET"]

[experimental_network]
enabled = true
managed_allowed_domains_only = true

[experimental_network.domains]
"127.0.0.1" = "allow"
"**.evil.example" = "deny"

[rules]
prefix_rules = [
  { pattern = [{ token = "paymentctl" }], decision = "forbidden", justification = "It moves money." },
MORE]
"#;

const MORE: &str = "  { pattern = [{ token = \"kubectl\" }], decision = \"forbidden\", \
                    justification = \"Not from a laptop.\" },\n";

/// What somebody would like.
const WISHES: &str = r#"sandbox_mode = "workspace-write"
approval_policy = "never"

[features]
memories = true

[mcp_servers.docs]
command = "docs-server"

[mcp_servers.other]
command = "other-server"
"#;

/// Since when logins can be pinned.
const LOGINS: &str = "0.147.0";

/// A machine with a Codex, and who publishes for it.
struct Stage {
    fleet: Fleet,
    machine: Machine,
    codex: CodexBinary,
    policy: String,
}

impl Stage {
    fn new(codex: CodexBinary) -> Self {
        let (fleet, machine) = (Fleet::new(), Machine::new());
        machine.enrol(&fleet, &[codex.path()]);
        let secret = machine.path("secret");
        fs::write(&secret, "a secret of the bank\n").unwrap();
        let policy = POLICY.replace("SECRET", &secret.to_string_lossy());
        Self { fleet, machine, codex, policy }
    }

    /// Publishes the next generation, and has the agent bring it to enforcement.
    fn publish(&self, generation: u64, policy: &str) {
        // A floor that lets the host through that the policy allows.
        let network = "[experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n\
                       domains = { '127.0.0.1' = 'allow' }\n";
        let usual = trust::organisation();
        let organisation = codex_trust::organisation::Organisation {
            floor: usual.floor.map(|floor| format!("{floor}{network}")),
            ..usual
        };
        drop(trust::publish_now(&self.fleet.mirror, &organisation, fleet::bundles(policy)));
        let place = self.machine.path("etc/codex");
        let once = self.machine.private_with(&place, Network::Shared, &["once"]);
        let (_, _, said) = finished(once);
        assert_eq!(self.machine.text("etc/codex/requirements.toml"), policy, "{said}");
        let status = self.machine.status().unwrap();
        let held = status.in_force.map(|policy| policy.bundle.generation);
        assert!(status.enforced && held == Some(generation), "{said}\n{:#?}", status.codex);
        assert_eq!(self.fleet.words().last(), Some(&"enforced"), "{said}");
        let proved: Vec<String> = status.codex.into_iter().flat_map(|one| one.proved).collect();
        eprintln!("{}: generation {generation} is enforced; {proved:?}", self.codex.version());
    }

    fn world<'world>(&'world self, isolation: &'world Isolation) -> World<'world> {
        let spec = WorldSpec::new().file("$CODEX_HOME/config.toml", WISHES);
        let mut world = World::build(isolation, &self.codex, &spec).unwrap();
        world.govern(&self.machine.path("etc/codex"));
        world
    }

    fn asks(&self, isolation: &Isolation, question: &Oracle) -> Json {
        ask(&self.world(isolation), question).unwrap()
    }

    /// What Codex tells a model about commands.
    fn turn(&self, isolation: &Isolation, commands: &[&str]) -> Vec<String> {
        let cmds = commands.iter().map(|one| (*one).to_owned()).collect();
        let script = TurnScript { cmds, decision: None, tool: Map::new() };
        let told = self.asks(isolation, &Oracle::Turn(script));
        let told = told["commands"].as_array().unwrap().clone();
        told.iter().map(|one| one["text"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Every kind of rule, by what Codex does.
fn behaves(stage: &Stage, isolation: &Isolation) {
    let version = stage.codex.version();
    let thread = stage.asks(isolation, &Oracle::thread());
    let thread = &thread["thread"];
    assert_eq!(thread["approvalPolicy"], "on-request", "{version}: {thread}");
    assert_eq!(thread["sandbox"]["type"], "readOnly", "{version}: {thread}");
    let features = stage.asks(isolation, &Oracle::Features);
    assert_eq!(features["memories"], false, "{version}: {features}");
    let servers = stage.asks(isolation, &Oracle::Mcp);
    let enabled = |name: &str| servers[name]["enabled"].clone();
    assert_eq!((enabled("docs"), enabled("other")), (true.into(), false.into()), "{servers}");
    let cat = format!("cat {}", stage.machine.path("secret").display());
    let curl = |host: &str| format!("curl -sS -m 6 http://{host}/");
    let port = listen();
    let here = curl(&format!("127.0.0.1:{port}"));
    let [denied, unlisted] = ["x.evil.example", "elsewhere.example"].map(curl);
    let tries = ["paymentctl transfer 1", &cat, &denied, &unlisted, &here, "echo harmless"];
    let told = stage.turn(isolation, &tries);
    let is_told = |at: usize, words: &str| {
        assert!(told[at].contains(words), "{version}: `{}`: {}", tries[at], told[at]);
    };
    is_told(0, "It moves money.");
    // In 0.138.0 root reads an empty file in its place.
    let shut = told[1].contains("Permission denied") || told[1].is_empty();
    assert!(shut && !told[1].contains("a secret"), "{version}: {}", told[1]);
    is_told(2, "explicitly denied");
    // Older ones look at the address first, and nothing has one here.
    is_told(3, "Network access to \\\"elsewhere.example\\\" was blocked");
    if version == "0.169.0" {
        is_told(3, "not on the allowlist");
    }
    // 0.138.0 does not ask its proxy for the loopback, and there is no other way out.
    is_told(4, if version == "0.138.0" { "Couldn't connect" } else { "you have reached it" });
    is_told(5, "harmless");
}

/// A host of this thread's own network, for one visitor; its port.
fn listen() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        assert!(stream.read(&mut asked).unwrap() > 0);
        let text = "you have reached it\n";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
        stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
    });
    port
}

fn whole_loop(version: &str) {
    let Some(codex) = require_or_announce(install(version)) else { return };
    if !is_private() {
        return;
    }
    let stage = Stage::new(codex);
    let first = stage.policy.replace("MORE", "");
    let pins = version.parse::<codex_schema::version::Version>().unwrap()
        >= LOGINS.parse::<codex_schema::version::Version>().unwrap();
    let kubectl = ["kubectl delete namespace prod"];
    let key = Oracle::LoginStatus { auth: "api".to_owned() };
    let asked = |work: &(dyn Fn(&Isolation) + Sync)| {
        require_or_announce(isolated(|isolation| work(isolation))).is_some()
    };
    stage.publish(1, &first);
    let is_asked = asked(&|isolation| {
        behaves(&stage, isolation);
        assert!(!stage.turn(isolation, &kubectl)[0].contains("Not from a laptop."));
        assert_eq!(stage.asks(isolation, &key)["rc"], 0, "any login counts");
    });
    if !is_asked {
        return;
    }
    // The next generation holds in new sessions, and so does what it keeps.
    let second = stage.policy.replace("MORE", MORE);
    stage.publish(2, &second);
    asked(&|isolation| {
        assert!(stage.turn(isolation, &kubectl)[0].contains("Not from a laptop."), "{version}");
        behaves(&stage, isolation);
    });
    if pins {
        stage.publish(3, &format!("allowed_login_methods = [\"chatgpt\"]\n{second}"));
        asked(&|isolation| {
            let told = stage.asks(isolation, &key);
            assert_ne!(told["rc"], 0, "{version}: {told}");
        });
    }
}

#[test]
fn the_newest_codex_does_what_is_published() {
    whole_loop("0.169.0");
}

#[test]
fn a_codex_that_is_twelve_versions_older_does_what_is_published() {
    whole_loop("0.157.1");
}

#[test]
fn a_codex_that_does_not_print_what_it_starts_with_does_what_is_published() {
    whole_loop("0.138.0");
}
