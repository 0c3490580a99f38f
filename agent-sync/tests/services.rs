//! The files that services are started from.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests fail by panicking")]

use std::path::PathBuf;
use std::process::Command;

/// The most exposure that each service may have, as `systemd-analyze security` counts it. What tries
/// things has nothing but namespaces and a loopback of its own; those alone are worth 2.4.
const MOST: [(&str, f64); 3] = [("install", 2.0), ("fetch", 2.0), ("probe@", 2.4)];

fn services(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("services").join(folder)
}

#[test]
fn services_are_shut_in_tightly() {
    let is_there = Command::new("systemd-analyze").arg("--version").output().is_ok();
    assert!(
        is_there || std::env::var_os("CI").is_none(),
        "`systemd-analyze` is needed for this test"
    );
    if !is_there {
        eprintln!("NOT RUN: `systemd-analyze` is absent");
        return;
    }
    for (role, most) in MOST {
        let unit = services("systemd").join(format!("codex-agent-{role}.service"));
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager"]).arg(&unit);
        let output = command.env("SYSTEMD_COLORS", "0").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.contains("Overall exposure level")).unwrap();
        let level = line.split(':').nth(1).unwrap().split_whitespace().next().unwrap();
        let level: f64 = level.parse().unwrap();
        eprintln!("codex-agent-{role}: {level}");
        assert!(level <= most, "{line}");
    }
}

#[test]
fn services_start_the_halves_and_nothing_else() {
    for role in ["install", "fetch"] {
        let unit = services("systemd").join(format!("codex-agent-{role}.service"));
        let unit = std::fs::read_to_string(unit).unwrap();
        assert!(unit.contains(&format!("ExecStart=/usr/bin/codex-agent run --role {role}\n")));
        let plist = services("launchd").join(format!("example.codex-agent.{role}.plist"));
        let plist = plist::Value::from_file(plist).unwrap();
        let arguments = plist.as_dictionary().unwrap()["ProgramArguments"].as_array().unwrap();
        let arguments: Vec<&str> = arguments.iter().filter_map(plist::Value::as_string).collect();
        assert_eq!(arguments, ["/usr/local/bin/codex-agent", "run", "--role", role]);
    }
    let socket = std::fs::read_to_string(services("systemd").join("codex-agent-probe.socket"));
    let socket = socket.unwrap();
    let place = codex_agent_sync::layout::Layout::new("/".into()).probes();
    assert!(socket.contains(&format!("\nListenStream={}\nSocketMode=0600\n", place.display())));
    let unit = services("systemd").join("codex-agent-probe@.service");
    let unit = std::fs::read_to_string(unit).unwrap();
    assert!(unit.contains("\nExecStart=/usr/bin/codex-agent run --role probe\n"));
}
