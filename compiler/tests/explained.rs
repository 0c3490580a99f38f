//! `explain` and `get` on a machine: names that hold dots, as paths of projects do, are found however
//! they are asked for, keys that nobody sets are told, and so is what keeps Codex from a session.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what cannot be set up fails the test"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const CONFIG: &str = "[projects.\"/srv/git.example/app\"]\ntrust_level = \"trusted\"\n\
                      [mcp_servers.\"docs.internal\"]\ncommand = \"/opt/mcp/docs\"\n\
                      [mcp_servers.docs]\ncommand = \"/opt/mcp/docs\"\n\
                      [model_providers.'C:\\corp']\nname = \"Corp\"\n";
const POLICY: &str = "[mcp_servers.\"docs.internal\".identity]\ncommand = \"/opt/mcp/other\"\n\
                      [mcp_servers.docs.identity]\ncommand = \"/opt/mcp/docs\"\n";

fn program(place: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codex-config"));
    command.current_dir(place).args(words).output().unwrap()
}

fn machine() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for (path, text) in [("etc/codex/requirements.toml", POLICY), ("home/config.toml", CONFIG)] {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    place
}

const MACHINE: [&str; 6] = ["--root", ".", "--codex-home", "home", "--cwd", "/srv"];

fn get(place: &Path, key: &str) -> (Option<i32>, String) {
    let done = program(place, &[&["get", key], &MACHINE[..]].concat());
    (done.status.code(), String::from_utf8(done.stdout).unwrap().trim_end().to_owned())
}

fn explained(place: &Path, key: &str) -> Vec<(String, Value)> {
    let done = program(place, &[&["explain", key, "--json"], &MACHINE[..]].concat());
    let whole: Value = serde_json::from_slice(&done.stdout).unwrap();
    let settings = whole["settings"].as_array().unwrap().iter();
    settings
        .map(|one| (one["key"].as_str().unwrap().to_owned(), one["effective"].clone()))
        .collect()
}

#[test]
fn a_key_is_found_however_it_is_written() {
    let place = machine();
    let key = "projects.\"/srv/git.example/app\".trust_level";
    for asked in [
        key,
        "projects.'/srv/git.example/app'.trust_level",
        "projects./srv/git.example/app.trust_level",
    ] {
        assert_eq!(get(place.path(), asked), (Some(0), "trusted".to_owned()), "{asked}");
        assert_eq!(explained(place.path(), asked), [(key.to_owned(), json!("trusted"))]);
    }
    let (_, all) = get(place.path(), "projects");
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all, json!({"/srv/git.example/app": {"trust_level": "trusted"}}));
    let (_, name) = get(place.path(), "model_providers.'C:\\corp'.name");
    assert_eq!(name, "Corp");
}

#[test]
fn a_name_is_not_taken_for_the_beginning_of_another() {
    let place = machine();
    let internal = "mcp_servers.\"docs.internal\"";
    assert_eq!(
        explained(place.path(), internal),
        [
            (internal.to_owned(), json!({"enabled": false})),
            (format!("{internal}.command"), json!("/opt/mcp/docs")),
        ]
    );
    let docs = "mcp_servers.docs.command".to_owned();
    assert_eq!(explained(place.path(), &docs), [(docs, json!("/opt/mcp/docs"))]);
    // The server as a whole is told beside each of its settings.
    let below = explained(place.path(), "mcp_servers.docs.internal.command");
    assert_eq!(below.len(), 2, "{below:?}");
}

#[test]
fn keys_that_nobody_sets_are_told_all_the_same() {
    let place = machine();
    let keys = |asked: &str| -> Vec<String> {
        explained(place.path(), asked).into_iter().map(|(key, _)| key).collect()
    };
    let other = "projects.\"/srv/b.c\".trust_level";
    assert_eq!(explained(place.path(), other), [(other.to_owned(), Value::Null)]);
    assert_eq!(keys("features.hooks"), ["features.hooks"]);
    // A requirement is told with the key that it is about, or by itself.
    assert_eq!(keys("allowed_approval_policies"), ["approval_policy"]);
    assert_eq!(keys("allow_appshots"), ["allow_appshots"]);
    assert!(keys("experimental_network").contains(&"experimental_network.enabled".to_owned()));
    assert!(keys("sandbox_workspace_write").len() > 2);
    // A map without entries: there is nothing to tell, and that is said.
    let done = program(place.path(), &[&["explain", "profiles"], &MACHINE[..]].concat());
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "nobody sets anything in `profiles`\n");
    assert_eq!(get(place.path(), "projects.\"/srv/b.c\".trust_level"), (Some(1), String::new()));
}

#[test]
fn what_stops_codex_is_told_first() {
    let place = machine();
    let config = "[permissions.\"corp.dev\".network]\nenabled = true\n";
    fs::write(place.path().join("home/config.toml"), config).unwrap();
    let done = program(place.path(), &[&["explain", "--json"], &MACHINE[..]].concat());
    let whole: Value = serde_json::from_slice(&done.stdout).unwrap();
    // The words of Codex 0.169.0.
    let says = "failed to load configuration: config defines `[permissions]` profiles but does not \
                set `default_permissions`";
    assert_eq!(
        whole["policy"]["refusals"],
        json!([{"stage": "session", "says": says, "place": null}])
    );
    assert_eq!(done.status.code(), Some(4));
}

#[test]
fn cases_ask_about_names_with_dots() {
    let place = tempfile::tempdir().unwrap();
    let policy = place.path().join("policy");
    for (path, text) in [
        ("policy.toml", "organisation.name = \"Bank\"\n[cohorts.all]\ndefault = true\n"),
        ("baseline/requirements.toml", POLICY),
        (
            "names.test.toml",
            "[[case]]\nname = \"the one of the policy\"\n\
             when.requirement = 'mcp_servers.\"docs.internal\".identity'\n\
             expect.value = { command = \"/opt/mcp/other\" }\n\
             [[case]]\nname = \"another program\"\n\
             when.session.mcp_servers.\"docs.internal\".command = \"/opt/mine\"\n\
             when.mcp = \"docs.internal\"\n\
             expect.decision = \"deny\"\n\
             [[case]]\nname = \"its own program\"\n\
             when.session.mcp_servers.\"docs.internal\".command = \"/opt/mcp/other\"\n\
             when.mcp = \"docs.internal\"\n\
             expect.decision = \"allow\"\n\
             [[case]]\nname = \"what the session says\"\n\
             when.session.model_providers.\"my.corp\".name = \"Corp\"\n\
             when.setting = 'model_providers.\"my.corp\".name'\n\
             expect.value = \"Corp\"\n",
        ),
    ] {
        let path = policy.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let done = program(place.path(), &["test", "policy"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}
