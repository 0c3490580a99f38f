//! What Codex enforces and does not show is tried, with the real Codex: what is enforced counts, what
//! is only a file is told, what cannot be tried is named.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "../../schema/trust/tests/support/mod.rs"]
mod trust;

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use codex_agent_sync::status::{Codex, Status};
use codex_oracle::{install, require_or_announce};
use fleet::{Fleet, Machine, Network, finished, is_private};
use trust::STRICT;

const RULES: &str = r#"
[rules]
prefix_rules = [
  { pattern = [{ token = "paymentctl" }], decision = "forbidden", justification = "It moves money." },
  { pattern = [{ token = "kubectl" }, { any_of = ["delete", "drain"] }], decision = "prompt" },
]
"#;

const SERVERS: &str = r#"
[mcp_servers.docs.identity]
command = "docs-server"
"#;

const READS: &str = r#"
[permissions.filesystem]
deny_read = ["~/.ssh", "~/work/**/.env", "SECRET"]
"#;

/// A file of the system that everybody can read.
fn secret(machine: &Machine) -> String {
    let path = machine.path("secret");
    fs::write(&path, "a secret\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path.to_string_lossy().into_owned()
}

/// Runs the agent on a policy, with a Codex that finds other requirements; what it says of it.
fn tried(version: &str, policy: &str, found: &dyn Fn(&str) -> String) -> Option<(Status, Codex)> {
    tried_with(version, Network::Loopback, policy, found, &|_, _| {})
}

/// `beside` is given the machine and what Codex finds as `/etc/codex`, before the agent looks.
fn tried_with(
    version: &str,
    network: Network,
    policy: &str,
    found: &dyn Fn(&str) -> String,
    beside: &dyn Fn(&Machine, &Path),
) -> Option<(Status, Codex)> {
    let codex = require_or_announce(install(version))?;
    if !is_private() {
        return None;
    }
    let (fleet, machine) = (Fleet::new(), Machine::new());
    let policy = policy.replace("SECRET", &secret(&machine));
    fleet.publish(&policy);
    machine.enrol(&fleet, &[codex.path()]);
    // It is fetched with a network, and installed; what Codex of this machine says is not asked.
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), policy);
    let other = machine.path("etc/other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("requirements.toml"), found(&policy)).unwrap();
    beside(&machine, &other);
    let (_, _, said) = finished(machine.private_with(&other, network, &["once"]));
    let status = machine.status().unwrap();
    eprintln!("{version}: {said}\n{:#?}", status.codex);
    let codex = status.codex.first().unwrap().clone();
    Some((status, codex))
}

#[test]
fn rules_servers_and_files_are_tried_with_every_version_that_has_them() {
    for version in ["0.169.0", "0.157.1", "0.138.0"] {
        let policy = format!("{STRICT}{RULES}{SERVERS}{READS}");
        let Some((status, codex)) = tried(version, &policy, &str::to_owned) else { return };
        assert!(status.enforced, "{version}: {codex:#?}");
        let nothing: [String; 0] = [];
        assert_eq!(codex.differences, nothing);
        assert_eq!(codex.not_asked, nothing);
        assert_eq!(codex.not_shown, nothing);
        let proved = [
            "rules (3 tried)",
            "mcp_servers (2 tried)",
            "permissions.filesystem.deny_read (3 tried)",
        ];
        assert_eq!(codex.proved, proved, "{version}");
        assert!(status.human(status.at).contains("tried: rules (3 tried), mcp_servers"));
    }
}

#[test]
fn rules_that_codex_does_not_have_are_found_by_trying() {
    let policy = format!("{STRICT}{RULES}");
    let Some((status, codex)) = tried("0.169.0", &policy, &|_| STRICT.to_owned()) else { return };
    assert!(!status.enforced);
    assert_eq!(codex.differences.len(), 3, "{codex:#?}");
    let told = "`paymentctl` is forbidden by the policy, and Codex lets it run";
    assert!(codex.differences[0].ends_with(told), "{codex:#?}");
    assert!(codex.differences[1].contains("`kubectl delete` is not run without asking"));
    // It has the rule, and a looser decision: that is told as what it is.
    let looser = |policy: &str| policy.replace("\"forbidden\"", "\"prompt\"");
    let (status, codex) = tried("0.169.0", &policy, &looser).unwrap();
    assert!(!status.enforced);
    let told = "`paymentctl` is forbidden by the policy, and Codex only asks";
    assert!(codex.differences.len() == 1 && codex.differences[0].ends_with(told), "{codex:#?}");
    // Stricter than the policy is no difference: another layer may say so.
    let stricter = |policy: &str| policy.replace("\"prompt\"", "\"forbidden\"");
    let (status, codex) = tried("0.169.0", &policy, &stricter).unwrap();
    assert!(status.enforced, "{codex:#?}");
}

#[test]
fn servers_that_codex_would_start_are_found_by_trying() {
    let policy = format!("{STRICT}{SERVERS}");
    let Some((status, codex)) = tried("0.169.0", &policy, &|_| STRICT.to_owned()) else { return };
    assert!(!status.enforced);
    let told = |what: &str| codex.differences.iter().filter(|one| one.contains(what)).count();
    assert_eq!(told("MCP server `codex-agent-probe` although it is not on the list"), 1);
    assert_eq!(told("MCP server `docs` although it is another program"), 1, "{codex:#?}");
    // The list is there, and lets another program through under the name.
    let other = |policy: &str| policy.replace("docs-server", "codex-agent-probe");
    let (status, codex) = tried("0.169.0", &policy, &other).unwrap();
    assert!(!status.enforced && codex.differences.len() == 1, "{codex:#?}");
    assert!(codex.differences[0].contains("`docs`"), "{codex:#?}");
}

#[test]
fn files_that_codex_would_read_are_found_by_trying() {
    let policy = format!("{STRICT}{READS}");
    let Some((status, codex)) = tried("0.169.0", &policy, &|_| STRICT.to_owned()) else { return };
    assert!(!status.enforced);
    let told = "can be read in Codex's sandbox";
    assert_eq!(codex.differences.iter().filter(|one| one.ends_with(told)).count(), 3);
    let but_one = |policy: &str| policy.replace("\"~/.ssh\", ", "");
    let (status, codex) = tried("0.169.0", &policy, &but_one).unwrap();
    assert!(!status.enforced && codex.differences.len() == 1, "{codex:#?}");
    assert!(codex.differences[0].contains("`~/.ssh` can be read"), "{codex:#?}");
}

#[test]
fn what_cannot_be_tried_is_named_with_its_reason_and_counts_as_nothing() {
    // Without a loopback there is no session with a model; what leads to a program or into
    // somebody's home is not tried anywhere.
    let policy = format!(
        "{STRICT}{RULES}{SERVERS}\n[permissions.filesystem]\n\
         deny_read = [\"/home/ana/.ssh\", \"/srv/*.key\", \"/etc/shadow\"]\n"
    );
    let tried = tried_with("0.169.0", Network::Nothing, &policy, &str::to_owned, &|_, _| {});
    let Some((status, codex)) = tried else { return };
    assert!(status.enforced, "nothing differs: {codex:#?}");
    assert_eq!(codex.proved, ["mcp_servers (2 tried)"]);
    assert_eq!(codex.not_shown, ["permissions", "rules"]);
    let named = |what: &str| codex.not_asked.iter().any(|one| one.contains(what));
    assert!(codex.not_asked.iter().any(|one| one.starts_with("rules: ")), "{codex:#?}");
    assert!(named("`/home/ana/.ssh`: it is somebody's own"), "{codex:#?}");
    assert!(named("`/srv/*.key`: nothing of ours can lie where it matches"), "{codex:#?}");
    assert!(named("`/etc/shadow`: not everybody can read /etc/shadow"), "{codex:#?}");
}

/// Stands for the service manager: whoever connects has a service of their own, with a loopback.
fn listen(machine: &Machine, policy: &Path) {
    let socket = machine.path("run/codex-agent/probe.socket");
    fs::create_dir_all(socket.parent().unwrap()).unwrap();
    let listener = UnixListener::bind(socket).unwrap();
    let policy = policy.to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, script) = (
                stream.unwrap(),
                "mount --make-rprivate / && \
                ip link set lo up && mount --bind \"$1\" /etc/codex && shift && exec \"$@\"",
            );
            let mut command = Command::new("unshare");
            command.args(["--mount", "--net", "sh", "-c", script, "sh"]).arg(&policy);
            command.args([env!("CARGO_BIN_EXE_codex-agent"), "run", "--role", "probe"]);
            command.stdin(OwnedFd::from(stream.try_clone().unwrap()));
            command.stdout(OwnedFd::from(stream));
            command.spawn().unwrap().wait().unwrap();
        }
    });
}

#[test]
fn what_the_installing_half_may_not_try_is_tried_by_the_service_that_may() {
    let policy = format!("{STRICT}{RULES}{SERVERS}{READS}");
    let with = |found: &dyn Fn(&str) -> String, beside: &dyn Fn(&Machine, &Path)| {
        tried_with("0.169.0", Network::Nothing, &policy, found, beside)
    };
    let Some((status, codex)) = with(&str::to_owned, &listen) else { return };
    assert!(status.enforced && codex.not_asked.is_empty(), "{codex:#?}");
    let proved =
        ["rules (3 tried)", "mcp_servers (2 tried)", "permissions.filesystem.deny_read (3 tried)"];
    assert_eq!(codex.proved, proved);
    // What differs is told from there as from here.
    let (status, codex) = with(&|_| STRICT.to_owned(), &listen).unwrap();
    assert!(!status.enforced);
    let told = "`paymentctl` is forbidden by the policy, and Codex lets it run";
    assert!(codex.differences.iter().any(|one| one.ends_with(told)), "{codex:#?}");
    assert_eq!(codex.differences.len(), 8, "{codex:#?}");
    // A service that nobody answers for proves nothing.
    let (status, codex) = with(&str::to_owned, &|machine, _| {
        let socket = machine.path("run/codex-agent/probe.socket");
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        drop(UnixListener::bind(socket).unwrap());
    })
    .unwrap();
    assert!(status.enforced && codex.proved.is_empty(), "{codex:#?}");
    assert_eq!(codex.not_asked.len(), 3, "{codex:#?}");
    let reason = "the service that tries it does not answer: ";
    assert!(codex.not_asked.iter().all(|one| one.contains(reason)), "{codex:#?}");
}

/// Puts everything on a machine that weakens a policy, and things that look alike and do not.
fn weaken(machine: &Machine) {
    let put = |path: &str, text: &str| {
        let path = machine.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let home = "home/ana/.codex";
    put(
        &format!("{home}/rules/default.rules"),
        "prefix_rule(pattern=[\"git\"], decision=\"allow\")\n",
    );
    put(&format!("{home}/rules/careful.rules"), "prefix_rule([\"a\"], decision=\"prompt\")\n");
    let cache = r#"{"signed_payload": {"expires_at": "2036-01-01T00:00:00Z"}, "signature": ""}"#;
    put(&format!("{home}/cloud-config-bundle-cache.json"), cache);
    std::os::unix::fs::chown(
        machine.path(home).join("cloud-config-bundle-cache.json"),
        Some(1000),
        None,
    )
    .unwrap();
    let plist = "<plist><dict><key>requirements_toml_base64</key><string/></dict></plist>";
    put("Users/ben/Library/Preferences/com.openai.codex.plist", plist);
    put("Library/Preferences/com.openai.codex.plist", "<plist><dict/></plist>");
    put("usr/bin/codex", "#!/bin/sh\necho codex-cli 0.79.0\n");
    let program = fs::Permissions::from_mode(0o755);
    fs::set_permissions(machine.path("usr/bin/codex"), program).unwrap();
}

#[test]
fn what_weakens_an_enforced_policy_is_shown_and_reported_until_it_is_gone() {
    let Some(codex) = require_or_announce(install("0.169.0")) else { return };
    if !is_private() {
        return;
    }
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(STRICT);
    machine.enrol(&fleet, &[codex.path()]);
    let once = || {
        let command = machine.private_with(&machine.path("etc/codex"), Network::Shared, &["once"]);
        let (_, _, said) = finished(command);
        (machine.status().unwrap(), said)
    };
    let (status, said) = once();
    assert!(status.enforced && status.weak.is_empty(), "{said}");
    let reasons = || {
        let told = fleet.told.lock().unwrap();
        told.transitions.values().flat_map(|one| one.reasons.clone()).collect::<Vec<String>>()
    };
    let reported = |what: &str| reasons().iter().filter(|one| one.contains(what)).count();
    assert_eq!(reported("weak"), 0);

    weaken(&machine);
    let (status, said) = once();
    assert!(status.enforced, "{said}");
    let found = [
        "default.rules: 1 rules that allow",
        "cloud policy that user 1000 can rewrite",
        "ben/Library/Preferences/com.openai.codex.plist",
        "2 programs are Codex here: 0.",
    ];
    assert_eq!(status.weak.len(), found.len(), "{:#?}", status.weak);
    let (_, shown, _) = machine.run(&["status"]);
    let (code, doctor, _) = machine.run(&["doctor"]);
    assert_eq!(code, 1);
    for what in found {
        assert!(status.weak.iter().any(|one| one.contains(what)), "{what}: {:#?}", status.weak);
        assert!(shown.contains(what) && doctor.contains(what), "{shown}\n{doctor}");
        assert_eq!(reported(what), 1, "{:#?}", reasons());
    }
    // As long as nothing changes, nothing is said again; when all is gone, that is said.
    once();
    assert_eq!(reported("default.rules"), 1);
    for gone in ["home", "Users", "usr"] {
        fs::remove_dir_all(machine.path(gone)).unwrap();
    }
    let (status, _) = once();
    assert_eq!(status.weak, [] as [String; 0]);
    assert_eq!(reported("nothing on this machine weakens the policy any more"), 1);
    let (_, doctor, _) = machine.run(&["doctor"]);
    assert!(doctor.contains("✓ weak"), "{doctor}");
}
