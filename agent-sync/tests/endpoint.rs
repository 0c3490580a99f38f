//! The program `codex-agent` as people and services run it: from an enrolment to a policy that the
//! real Codex enforces, and back when somebody changes it.
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
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use codex_oracle::{install, require_or_announce};
use fleet::{Fleet, Machine, Service, finished, is_private, wait_for};
use trust::{BELOW_FLOOR, LOOSE, STRICT};

const LONG: Duration = Duration::from_mins(1);

#[test]
fn a_policy_is_fetched_by_one_half_installed_by_the_other_and_enforced_by_codex() {
    let Some(codex) = require_or_announce(install("0.169.0")) else { return };
    if !is_private() {
        return;
    }
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(LOOSE);
    machine.enrol(&fleet, &[codex.path()]);
    let fetch = Service::start(machine.command(&["run", "--role", "fetch"]));
    // The installing half has no network at all here.
    let install = Service::start(machine.private(&["run", "--role", "install"]));
    let enforced = |generation: u64| {
        machine.status().is_some_and(|status| {
            let held = status.in_force.map(|policy| policy.bundle.generation);
            status.enforced && held == Some(generation)
        })
    };
    wait_for("the first policy is enforced", LONG, || enforced(1));
    assert_eq!(machine.text("etc/codex/requirements.toml"), LOOSE);
    assert!(machine.text("etc/codex/provenance.json").contains("a test"));
    let status = machine.status().unwrap();
    assert_eq!(status.codex.len(), 1, "{status:?}");
    assert_eq!(status.codex[0].version.as_deref(), Some("0.169.0"));
    let reported = || fleet.words();
    wait_for("it is reported", LONG, || reported().contains(&"enforced"));
    assert_eq!(reported(), ["offered", "fetched", "verified", "installed", "enforced"]);

    for (half, service) in [("fetch", &fetch), ("install", &install)] {
        let about = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
        let resident = about.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        eprintln!("{half}: {resident}");
    }

    // A push arrives.
    fleet.publish(STRICT);
    let took = wait_for("the next policy is enforced", LONG, || enforced(2));
    eprintln!("publish to enforced, two halves: {took:?}");
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    let asked = |path: &str| {
        fleet.told.lock().unwrap().requests.iter().filter(|one| one.starts_with(path)).count()
    };
    assert_eq!((asked("/v1/push"), asked("/v1/wait")), (1, 0), "one socket, and no polls");

    // Somebody tampers.
    let path = machine.path("etc/codex/requirements.toml");
    let is_right = || fs::read_to_string(&path).is_ok_and(|text| text == STRICT);
    fs::write(&path, "# nothing is required\n").unwrap();
    let took = wait_for("it is repaired", Duration::from_secs(5), is_right);
    eprintln!("changed to repaired: {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    fs::remove_file(&path).unwrap();
    let took = wait_for("it is there again", Duration::from_secs(5), is_right);
    assert!(took < Duration::from_secs(1), "{took:?}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    let mode =
        || fs::metadata(&path).is_ok_and(|about| about.permissions().mode() & 0o777 == 0o644);
    wait_for("its mode is right again", Duration::from_secs(1), mode);
    wait_for("it is reported", LONG, || reported().contains(&"drifted"));
    // Codex was asked in the middle of all that; it is asked again.
    wait_for("it is enforced after all", LONG, || enforced(2));
    let (code, out, _) = machine.run(&["status"]);
    assert!(code == 0 && out.contains("✓ enforced"), "{out}");
}

#[test]
fn once_does_all_that_is_due_and_what_is_wrong_is_said_with_its_reason() {
    let Some(codex) = require_or_announce(install("0.138.0")) else { return };
    let (fleet, machine) = (Fleet::new(), Machine::new());
    machine.enrol(&fleet, &[codex.path()]);
    // 0.138.0 does not know this key, and would ignore it in silence.
    fleet.publish(&format!("{LOOSE}check_for_update_on_startup = false\n"));
    let (code, _, said) = machine.run(&["once"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("codex 0.138.0 does not know check_for_update_on_startup"), "{said}");
    assert!(!machine.path("etc/codex/requirements.toml").exists());
    // One that it understands is installed. It is asked, and shows that it has no such policy:
    // without a namespace it looks at the machine's own folder.
    fleet.publish(LOOSE);
    let (_, _, said) = machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), LOOSE, "{said}");
    assert_eq!(fleet.words().last(), Some(&"refused"), "{said}");
}

#[test]
fn a_codex_that_cannot_be_asked_proves_nothing() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    let old = machine.path("opt/codex");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    fs::write(&old, "#!/bin/sh\necho codex-cli 0.79.0\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    machine.enrol(&fleet, &[&old]);
    fleet.publish(LOOSE);
    let (_, _, said) = machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), LOOSE, "{said}");
    assert_eq!(fleet.words().last(), Some(&"installed"), "{said}");
    let (code, out, _) = machine.run(&["status"]);
    assert!(code == 1 && out.contains("not proved") && out.contains("too old"), "{out}");
    let (code, out, _) = machine.run(&["doctor"]);
    assert!(code == 1 && out.contains("upgrade it to 0.80.0"), "{out}");
}

#[test]
fn a_codex_that_reads_another_policy_is_never_called_enforcing() {
    let Some(codex) = require_or_announce(install("0.169.0")) else { return };
    let (fleet, machine) = (Fleet::new(), Machine::new());
    machine.enrol(&fleet, &[codex.path()]);
    fleet.publish(STRICT);
    // No namespace: Codex looks at the machine's own folder, where there is no policy.
    let (code, _, said) = machine.run(&["once"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`allowed_sandbox_modes` is"), "{said}");
    assert!(said.contains("Codex shows nothing"), "{said}");
    assert_eq!(fleet.words().last(), Some(&"refused"));
}

#[test]
fn holds_pauses_and_guards_leave_what_is_in_force() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(STRICT);
    machine.enrol(&fleet, &[]);
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    // Looser, and nobody approved it; below the floor.
    for looser in [LOOSE, BELOW_FLOOR] {
        fleet.publish(looser);
        let (code, _, said) = machine.run(&["once"]);
        assert!(code == 1 && said.contains("is refused"), "{said}");
    }
    fleet.told.lock().unwrap().hold = Some(1);
    let stricter = format!("{STRICT}allow_appshots = false\n");
    fleet.publish(&stricter);
    let (_, _, said) = machine.run(&["once"]);
    assert!(said.contains("the server asks for nothing above 1"), "{said}");
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    fleet.told.lock().unwrap().hold = None;
    // The organisation of this test lets a machine pause for 48 hours.
    let (code, _, said) = machine.run(&["pause", "--reason", "an exam", "--for", "3d"]);
    assert!(code == 3 && said.contains("allows pauses of 48 h at most"), "{said}");
    assert_eq!(machine.run(&["pause", "--reason", "an exam", "--for", "2h"]).0, 0);
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    let (_, out, _) = machine.run(&["status"]);
    assert!(out.contains("an exam") && out.contains("waiting"), "{out}");
    machine.run(&["pause", "--reason", "over", "--for", "0"]);
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), stricter);
}

#[test]
fn a_pause_that_the_organisation_does_not_allow_is_refused_and_without_effect() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    let says_nothing = codex_trust::organisation::Organisation {
        longest_pause_hours: None,
        ..trust::organisation()
    };
    let publish = |requirements: &str| {
        drop(trust::publish_now(&fleet.mirror, &says_nothing, fleet::bundles(requirements)));
    };
    machine.enrol(&fleet, &[]);
    let (code, _, said) = machine.run(&["pause", "--reason", "an exam", "--for", "2h"]);
    assert!(code == 4 && said.contains("has not run here yet"), "{said}");
    publish(LOOSE);
    machine.run(&["once"]);
    let (code, _, said) = machine.run(&["pause", "--reason", "an exam", "--for", "2h"]);
    assert!(code == 3 && said.contains("allows no pause") && !said.contains("installed"), "{said}");
    assert!(!machine.path("etc/codex-agent/pause.json").exists());
    // Written by hand it changes nothing, and is shown for what it is.
    let by_hand = r#"{"reason": "an exam", "until": "2100-01-01T00:00:00Z"}"#;
    fs::write(machine.path("etc/codex-agent/pause.json"), by_hand).unwrap();
    publish(STRICT);
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    let (_, out, _) = machine.run(&["status"]);
    assert!(out.contains("without effect: the organisation allows no pause"), "{out}");
    assert_eq!(machine.run(&["pause", "--reason", "over", "--for", "0"]).0, 0, "it can always end");
}

#[test]
fn what_others_put_in_the_way_is_kept_and_links_are_not_followed() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(STRICT);
    machine.enrol(&fleet, &[]);
    let (path, target) = (machine.path("etc/codex/requirements.toml"), machine.path("shadow"));
    fs::write(&target, "a secret of root's\n").unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    fs::create_dir(machine.path("etc/codex/rules")).unwrap();
    fs::write(machine.path("etc/codex/rules/policy.rules"), "# an administrator's own\n").unwrap();
    fs::write(machine.path("etc/codex/managed_config.toml"), "model = 'x'\n").unwrap();
    let (_, _, said) = machine.run(&["once"]);
    assert_eq!(machine.text("shadow"), "a secret of root's\n", "the link was not followed");
    assert!(!path.is_symlink() && machine.text("etc/codex/requirements.toml") == STRICT);
    assert!(said.contains("was a link") && said.contains("a copy is `foreign."), "{said}");
    let copies = fs::read_dir(machine.path("var/lib/codex-agent/installed")).unwrap();
    let copies: Vec<_> = copies.map(|one| one.unwrap().path()).collect();
    let copy = copies.iter().find(|one| one.to_string_lossy().contains("foreign.")).unwrap();
    assert_eq!(fs::read_to_string(copy).unwrap(), "# an administrator's own\n");
    // What is beside the policy is said and left.
    let (code, out, _) = machine.run(&["verify"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("? /etc/codex/managed_config.toml"), "{out}");

    // The folder itself is replaced by a link: nothing is written through it, and the server hears.
    fs::rename(machine.path("etc/codex"), machine.path("etc/elsewhere")).unwrap();
    fs::create_dir(machine.path("trap")).unwrap();
    std::os::unix::fs::symlink(machine.path("trap"), machine.path("etc/codex")).unwrap();
    let (_, _, said) = machine.run(&["once"]);
    assert!(said.contains("it is a link, or no folder"), "{said}");
    assert_eq!(fs::read_dir(machine.path("trap")).unwrap().count(), 0);
    let told = fleet.told.lock().unwrap();
    let drifted = told.transitions.values().rfind(|one| one.state.word() == "drifted").unwrap();
    assert!(drifted.reasons[0].contains("cannot be repaired"), "{drifted:?}");
    drop(told);

    // A folder that others write to is no place for policy.
    let other = Machine::new();
    other.enrol(&fleet, &[]);
    let writable = fs::Permissions::from_mode(0o777);
    fs::set_permissions(other.path("etc/codex"), writable).unwrap();
    let (code, _, said) = other.run(&["once"]);
    assert_ne!(code, 0);
    assert!(said.contains("others than its owner can write to it"), "{said}");
    assert!(!other.path("etc/codex/requirements.toml").exists());
}

#[test]
fn after_too_long_a_silence_the_presigned_stricter_files_are_installed_until_the_next_word() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    let mut bundles = fleet::bundles(LOOSE);
    let mut stricter = bundles[0].bundle.files.clone();
    stricter.insert("requirements.toml".to_owned(), STRICT.to_owned());
    bundles[0].bundle.on_stale = codex_trust::bundle::OnStale::Tighten(stricter);
    fleet.publish_bundles(bundles);
    machine.enrol(&fleet, &[]);
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), LOOSE);
    // A month passes without a word.
    fleet.told.lock().unwrap().is_down = true;
    let memory = machine.path("var/lib/codex-agent/installed/agent");
    let mut kept: serde_json::Value = serde_json::from_slice(&fs::read(&memory).unwrap()).unwrap();
    kept["heard"] = "2026-01-01T00:00:00Z".into();
    fs::write(&memory, kept.to_string()).unwrap();
    let (code, _, said) = machine.run(&["once"]);
    assert!(code == 1 && said.contains("nothing was heard of the release"), "{said}");
    assert_eq!(machine.text("etc/codex/requirements.toml"), STRICT);
    let (_, out, _) = machine.run(&["status"]);
    assert!(out.contains("stricter files") && out.contains("too long ago"), "{out}");
    // The first word brings the policy back, without an approval for what it loosens.
    fleet.told.lock().unwrap().is_down = false;
    machine.run(&["once"]);
    assert_eq!(machine.text("etc/codex/requirements.toml"), LOOSE);
    let words = fleet.words();
    assert!(words.contains(&"stale") && !words.contains(&"refused"), "{words:?}");
}

#[test]
fn a_certificate_is_renewed_in_time_and_moves_nobody_to_another_team() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(STRICT);
    machine.enrol(&fleet, &[]);
    let pair = machine.path("var/lib/codex-agent/identity/identity.pem");
    let mode = fs::metadata(&pair).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "the key is the machine's secret");
    let first = fs::read(&pair).unwrap();
    machine.run(&["once"]);
    assert_eq!(fs::read(&pair).unwrap(), first, "not due yet");
    let age = || {
        let issued = machine.path("var/lib/codex-agent/identity/issued");
        fs::write(issued, "2026-01-01T00:00:00Z").unwrap();
    };
    // A stolen certificate authority cannot take the machine to a looser team.
    fleet.told.lock().unwrap().renews_for = Some("platform");
    age();
    machine.run(&["once"]);
    assert_eq!(fs::read(&pair).unwrap(), first);
    fleet.told.lock().unwrap().renews_for = None;
    machine.run(&["once"]);
    assert_ne!(fs::read(&pair).unwrap(), first);
    let renewals = |fleet: &Fleet| {
        let told = fleet.told.lock().unwrap();
        told.requests.iter().filter(|path| *path == "/v1/renew").count()
    };
    let before = renewals(&fleet);
    machine.run(&["once"]);
    assert_eq!((before > 0, renewals(&fleet)), (true, before));
}

#[test]
fn uninstall_takes_the_policy_and_leaves_what_is_not_its_own() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fleet.publish(STRICT);
    machine.enrol(&fleet, &[]);
    machine.run(&["once"]);
    fs::write(machine.path("etc/codex/own.toml"), "").unwrap();
    assert_eq!(machine.run(&["uninstall"]).0, 2, "it asks first");
    assert_eq!(machine.run(&["uninstall", "--yes"]).0, 0);
    assert!(!machine.path("etc/codex/requirements.toml").exists());
    assert!(machine.path("etc/codex/own.toml").exists());
    assert!(!machine.path("var/lib/codex-agent").exists());
}

#[test]
fn the_proxy_of_the_environment_is_used_where_settings_name_none() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap();
    let (sender, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                    head.push(byte[0]);
                }
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"));
                String::from_utf8(head).unwrap()
            };
            let line = head().lines().next().unwrap().to_owned();
            sender.send(line).unwrap();
            drop(head());
            drop(stream.write_all(b"{}"));
        }
    });
    let machine = Machine::new();
    fs::create_dir_all(machine.path("etc/codex-agent")).unwrap();
    fs::create_dir_all(machine.path("var/lib/codex-agent")).unwrap();
    let doctor = |settings: &str, variables: &[(&str, &str)]| {
        let text = format!("organisation = 'B'\nrelease = 'http://release.invalid'\n{settings}");
        fs::write(machine.path("etc/codex-agent/agent.toml"), text).unwrap();
        let mut command = machine.command(&["doctor"]);
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(name).env_remove(name.to_uppercase());
        }
        command.envs(variables.iter().copied());
        finished(command).1
    };
    let own = format!("http://ana:hunter2@{proxy}");
    let out = doctor("", &[("HTTP_PROXY", &own)]);
    assert!(out.contains(&format!("✓ proxy    http://{proxy} of the environment")), "{out}");
    assert!(out.contains("✓ network  the release can be reached"), "{out}");
    assert!(!out.contains("hunter2"), "{out}");
    assert_eq!(asked.recv().unwrap(), "CONNECT release.invalid:80 HTTP/1.1");
    let out = doctor(&format!("proxy = '{own}'"), &[("HTTP_PROXY", "http://192.0.2.1:1")]);
    assert!(out.contains("of agent.toml") && out.contains("✓ network"), "{out}");
    assert!(!out.contains("hunter2"), "{out}");
    for (settings, variables) in [
        ("proxy = 'none'", vec![("HTTP_PROXY", own.as_str())]),
        ("", vec![("HTTP_PROXY", own.as_str()), ("NO_PROXY", "other.example,invalid")]),
        ("", vec![]),
    ] {
        let out = doctor(settings, &variables);
        assert!(!out.contains("proxy ") && out.contains("✗ network"), "{out}");
    }
    assert_eq!(asked.try_iter().count(), 1, "the second one, and none without");
    let out = doctor("", &[("HTTP_PROXY", "http://ana:hunter2@:x:y")]);
    assert!(out.contains("✗ network") && !out.contains("hunter2"), "{out}");
}

#[test]
fn mistakes_at_the_enrolment_are_told_and_leave_nothing() {
    let (fleet, machine) = (Fleet::new(), Machine::new());
    fs::write(machine.path("token"), "no token").unwrap();
    fs::write(machine.path("root.json"), "{}").unwrap();
    let enrol = |machine: &Machine, address: &str| {
        let mut command = machine.command(&["enroll", "--organisation", "Example Bank"]);
        command.args(["--server", address]).arg("--token-file").arg(machine.path("token"));
        command.arg("--trust-root").arg(machine.path("root.json"));
        finished(command)
    };
    let (code, _, said) = enrol(&machine, &fleet.address);
    assert!(code == 2 && said.contains("holds no enrolment token"), "{said}");
    fs::write(machine.path("token"), "ccenrol_wrong").unwrap();
    let (code, _, said) = enrol(&machine, &fleet.address);
    assert!(code == 2 && said.contains("is no root of trust"), "{said}");
    fs::write(machine.path("root.json"), trust::root(1, 0)).unwrap();
    let (code, _, said) = enrol(&machine, &fleet.address);
    assert!(code == 4 && said.contains("404"), "{said}");
    let (code, _, said) = enrol(&machine, "http://fleet.bank.example");
    assert!(code == 2 && said.contains("https://"), "{said}");
    assert!(!machine.path("etc/codex-agent/agent.toml").exists());
    let (code, _, said) = machine.run(&["once"]);
    assert!(code == 2 && said.contains("agent.toml"), "{said}");
    assert_eq!(machine.run(&["status"]).0, 4);
}
