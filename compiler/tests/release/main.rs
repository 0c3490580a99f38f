//! Releases, through the program: two signers on two machines, a plan, an approval, and what is
//! refused in between. The last part is a machine that takes what was published.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

#[cfg(feature = "buckets")]
mod buckets;
mod desk;

use std::fs;
use std::path::Path;

use desk::{Desk, POLICY};

fn claims(desk: &Desk, team: &str) {
    let text = format!(
        r#"{{"organisation": "Example", "team": "{team}", "os": "linux", "host": "a.example"}}"#
    );
    desk.write("claims.json", &text);
}

const VERIFY: [&str; 6] = ["release", "verify", "release", "--root", "1.root.json", "--claims"];

#[test]
fn from_a_repository_to_a_machine_and_on_to_the_next_release() {
    let desk = Desk::new();
    desk.first_release();
    claims(&desk, "pay");
    let verify = [&VERIFY[..], &["claims.json"]].concat();
    let told = String::from_utf8(desk.run(&verify, 0).stdout).unwrap();
    assert!(told.starts_with("verified: cohort pay, generation 1"), "{told}");
    claims(&desk, "elsewhere");
    let told = String::from_utf8(desk.run(&verify, 0).stdout).unwrap();
    assert!(told.starts_with("verified: cohort all, generation 1"), "{told}");

    // The team loosens, within what the baseline allows.
    desk.write("policy/teams/pay/requirements.toml", "allow_appshots = false\n");
    desk.commit();
    let plan = desk.plan();
    let sign = ["sign", "policy", "--root", "1.root.json", "--out", "next", "--key", "pay.key"];
    let sign = [&sign[..], &["--release", "release"]].concat();
    desk.refused(&sign, 2, "--plan");
    let other = format!("sha256:{}", "0".repeat(64));
    let under = |hash| [&sign[..], &["--base", "git:HEAD~1", "--plan", hash]].concat();
    desk.refused(&under(&other), 1, "was approved");
    let told = String::from_utf8(desk.run(&under(&plan), 0).stdout).unwrap();
    assert!(told.contains("allowed_sandbox_modes") && !told.contains("all "), "{told}");

    let online = ["--key", "snap.key", "--key", "time.key"];
    let publish = [&["publish", "next", "--to", "release"], &online[..]].concat();
    desk.refused(&publish, 2, "--plan");
    let under = |hash| [&publish[..], &["--plan", hash]].concat();
    desk.refused(&under(&other), 1, "was asked for");
    desk.refused(&under(&plan), 1, "has no approval that counts: there is none");
    let approve = ["release", "approve", "next", "--reason", "release week", "--key"];
    desk.refused(&[&approve[..], &["pay.key"]].concat(), 1, "may not approve");
    desk.run(&[&approve[..], &["sec.key"]].concat(), 0);
    desk.run(&under(&plan), 0);
    desk.refused(&under(&plan), 1, "sign again");
    claims(&desk, "pay");
    let told = String::from_utf8(desk.run(&verify, 0).stdout).unwrap();
    assert!(told.starts_with("verified: cohort pay, generation 2"), "{told}");

    // What is on the disk of a web server does not count: what was signed does.
    tamper(&desk.path().join("release/targets/team-pay"));
    desk.refused(&verify, 1, "team-pay/pay.json");
}

/// Changes one byte in every file of a folder.
fn tamper(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().replace("Example", "Exemple");
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_policy_below_the_floor_is_not_published() {
    let desk = Desk::new();
    desk.write("policy/floor.toml", "allowed_sandbox_modes = ['read-only']\n");
    desk.commit();
    let words = ["sign", "policy", "--root", "1.root.json", "--out", "stage"];
    let keys = ["--key", "tgt1.key", "--key", "tgt2.key", "--key", "org.key", "--key", "pay.key"];
    desk.run(&[&words[..], &keys].concat(), 0);
    let online = ["--key", "snap.key", "--key", "time.key"];
    let publish = [&["publish", "stage", "--to", "release"], &online[..]].concat();
    desk.refused(&publish, 1, "cohort `all` is looser than the organisation's floor");
    assert!(!desk.path().join("release").exists());
}

#[test]
fn a_policy_with_errors_is_not_signed() {
    let desk = Desk::new();
    desk.write("policy/teams/pay/requirements.toml", "allowed_sandbox_mods = ['read-only']\n");
    let words = ["sign", "policy", "--root", "1.root.json", "--out", "stage", "--key", "pay.key"];
    let done = desk.run(&words, 1);
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(shown.contains("did you mean `allowed_sandbox_modes`?"), "{shown}");
    assert!(!desk.path().join("stage").exists());
}

const TARGETS: [&str; 4] = ["--key", "tgt1.key", "--key", "tgt2.key"];
const ONLINE: [&str; 4] = ["--key", "snap.key", "--key", "time.key"];

/// The words that sign the next release after `release`.
fn sign_next<'words>(plan: &'words str, out: &'words str) -> Vec<&'words str> {
    let words = ["sign", "policy", "--root", "1.root.json", "--release", "release", "--out", out];
    let plan = ["--base", "git:HEAD~1", "--plan", plan, "--key", "pay.key"];
    [&words[..], &plan[..], &TARGETS[..]].concat()
}

#[test]
fn what_was_called_off_once_stays_so() {
    let desk = Desk::new();
    desk.first_release();
    let minimum = |generation: u32| {
        let line = format!("release.minimum_generations.pay = {generation}\n[cohorts.all]");
        desk.write("policy/policy.toml", &POLICY.replace("[cohorts.all]", &line));
        desk.commit();
        desk.plan()
    };
    let plan = minimum(2);
    desk.refused(&sign_next(&plan, "next"), 1, "cohort `pay` would get generation 1, which is");
    let plan = minimum(1);
    desk.run(&sign_next(&plan, "next"), 0);
    desk.run(&[&["publish", "next", "--to", "release", "--plan", &plan][..], &ONLINE].concat(), 0);

    // The line goes, the order stays: the organisation's document says what it said.
    desk.write("policy/policy.toml", POLICY);
    desk.commit();
    desk.run(&sign_next(&desk.plan(), "after"), 0);
    let staged = desk.path().join("after/targets/organisation.json");
    assert!(!staged.exists(), "{}", fs::read_to_string(staged).unwrap());

    let line = "release.minimum_generations.pays = 1\n[cohorts.all]";
    desk.write("policy/policy.toml", &POLICY.replace("[cohorts.all]", line));
    let shown = desk.run(&["check", "policy"], 1).stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(shown.contains("did you mean `pay`?"), "{shown}");
}

#[test]
fn how_long_a_machine_may_pause_is_signed_and_not_said_is_not_at_all() {
    let desk = Desk::new();
    desk.first_release();
    let line = "release.longest_pause_hours = 24\n[cohorts.all]";
    desk.write("policy/policy.toml", &POLICY.replace("[cohorts.all]", line));
    desk.commit();
    desk.run(&sign_next(&desk.plan(), "next"), 0);
    let staged = fs::read(desk.path().join("next/targets/organisation.json")).unwrap();
    let said: codex_trust::organisation::Organisation = serde_json::from_slice(&staged).unwrap();
    assert_eq!(said.longest_pause_hours, Some(24));
    // A release of before is read, and says that nobody may.
    let mut older: serde_json::Value = serde_json::from_slice(&staged).unwrap();
    older.as_object_mut().unwrap().remove("longest_pause_hours").unwrap();
    let older: codex_trust::organisation::Organisation = serde_json::from_value(older).unwrap();
    assert_eq!(older.longest_pause_hours, None);
    assert!(!serde_json::to_string(&older).unwrap().contains("pause"), "older machines read it");
}

#[test]
fn machines_that_hear_nothing_get_a_stricter_policy_that_was_signed_along() {
    let desk = Desk::new();
    let line = "release.when_stale = \"environments/lost\"\n[cohorts.all]";
    desk.write("policy/policy.toml", &POLICY.replace("[cohorts.all]", line));
    let shown = String::from_utf8(desk.run(&["check", "policy"], 1).stdout).unwrap();
    assert!(shown.contains("there is no folder `environments/lost`"), "{shown}");

    // It may only tighten.
    let lost = "policy/environments/lost/requirements.toml";
    desk.write(lost, "allowed_sandbox_modes = ['danger-full-access', 'read-only']\n");
    let shown = String::from_utf8(desk.run(&["check", "policy"], 1).stdout).unwrap();
    assert!(shown.contains("danger-full-access"), "{shown}");

    desk.write(lost, "allowed_sandbox_modes = ['read-only']\n");
    desk.commit();
    let words = ["sign", "policy", "--root", "1.root.json", "--out", "stage", "--key", "org.key"];
    desk.run(&[&words[..], &["--key", "pay.key"], &TARGETS].concat(), 0);
    let text = fs::read(desk.path().join("stage/targets/organisation/all.json")).unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let now = bundle["files"]["requirements.toml"].as_str().unwrap();
    let stale = bundle["on_stale"]["tighten"]["requirements.toml"].as_str().unwrap();
    assert!(now.contains("workspace-write"), "{now}");
    assert!(!stale.contains("workspace-write") && stale.contains("read-only"), "{stale}");
    desk.run(&[&["publish", "stage", "--to", "release"][..], &ONLINE].concat(), 0);
}

#[test]
fn a_comment_is_no_reason_to_sign_anything() {
    let desk = Desk::new();
    desk.first_release();
    let text = "# Read-only, because.\n\nallowed_sandbox_modes = ['read-only']\n";
    desk.write("policy/teams/pay/requirements.toml", text);
    desk.write("policy/policy.toml", &format!("# Who gets what.\n{POLICY}"));
    desk.commit();
    let plan = desk.plan();
    let words =
        ["sign", "policy", "--root", "1.root.json", "--release", "release", "--out", "next"];
    desk.run(&[&words[..], &["--base", "git:HEAD~1", "--plan", &plan]].concat(), 0);
    let staged: Vec<_> = walk(&desk.path().join("next"));
    assert_eq!(staged, ["root.json", "stage.json"]);
}

fn walk(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
