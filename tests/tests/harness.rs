//! What the harness itself promises: isolation, special files, and answers that agree.

use std::fs;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use codex_oracle::{
    Bundle, CodexBinary, Oracle, OracleError, SpecialFile, World, WorldSpec, ask, ask_many,
    ask_worlds, install, isolated, require_or_announce,
};
use serde_json::json;

const REQUIREMENTS: &str = "/etc/codex/requirements.toml";

fn binary() -> Option<CodexBinary> {
    require_or_announce(install("0.169.0"))
}

fn machine_view() -> (Vec<String>, Vec<String>) {
    let mut names: Vec<String> = fs::read_dir("/etc/codex")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .collect();
    names.sort();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let ours = |line: &&str| line.contains("codex-oracle") || line.contains("/etc/codex");
    (names, mounts.lines().filter(ours).map(str::to_owned).collect())
}

fn demanding() -> WorldSpec {
    WorldSpec::new()
        .file(REQUIREMENTS, "allowed_approval_policies=['on-request']\nzzz=1\n")
        .file("$CODEX_HOME/config.toml", "approval_policy='never'\n[features]\nfast_mode=true\n")
}

#[test]
fn the_machine_sees_nothing_of_a_world() {
    let Some(binary) = binary() else { return };
    let before = machine_view();
    let during = isolated(|isolation| {
        let world = World::build(isolation, &binary, &demanding()).unwrap();
        ask(&world, &Oracle::Startup).unwrap();
        // Another thread of this process still lives on the machine.
        let files = world.place(REQUIREMENTS).unwrap();
        assert!(files.exists());
        files
    });
    let Some(files) = require_or_announce(during) else { return };
    assert!(!files.exists());
    assert_eq!(machine_view(), before);
}

#[test]
fn one_server_says_what_single_commands_say() {
    let Some(binary) = binary() else { return };
    let questions =
        [Oracle::ConfigRead, Oracle::thread(), Oracle::RequirementsRead, Oracle::Features];
    let checked = isolated(|isolation| {
        let build = || World::build(isolation, &binary, &demanding()).unwrap();
        let together = ask_many(&build(), &questions);
        for (question, answer) in questions.iter().zip(together) {
            let alone = ask(&build(), question);
            assert_eq!(alone, answer, "{question:?}");
        }
    });
    require_or_announce(checked);
}

/// Builds whose protocol differs are asked with `ORACLE_VERSIONS=0.98.0,0.118.0,...`.
#[test]
fn every_asked_version_answers() {
    let versions = std::env::var("ORACLE_VERSIONS").unwrap_or_else(|_| "0.169.0".to_owned());
    for version in versions.split(',') {
        let Some(binary) = require_or_announce(install(version)) else { return };
        let spec = WorldSpec::new()
            .file(REQUIREMENTS, "allowed_sandbox_modes=['read-only']\n")
            .file("$CODEX_HOME/config.toml", "model='m'\n");
        let questions =
            [Oracle::ConfigRead, Oracle::thread(), Oracle::RequirementsRead, Oracle::Features];
        let answers = isolated(|isolation| {
            ask_many(&World::build(isolation, &binary, &spec).unwrap(), &questions)
        });
        let Some(answers) = require_or_announce(answers) else { return };
        let [config, thread, requirements, features] =
            [0, 1, 2, 3].map(|index| answers[index].as_ref().unwrap());
        assert_eq!(config["config"]["model"], "m", "{version}");
        assert_eq!(thread["thread"]["sandbox"]["type"], "readOnly", "{version}");
        let modes = &requirements["requirements"]["allowedSandboxModes"];
        assert_eq!(modes, &json!(["read-only"]), "{version}");
        assert!(features["shell_tool"].is_boolean(), "{version}");
    }
}

/// The warnings of a start are complete when the first call returns: nothing waits for them.
#[test]
fn warnings_are_complete_without_waiting() {
    let Some(binary) = binary() else { return };
    let checked = isolated(|isolation| {
        let world = World::build(isolation, &binary, &demanding()).unwrap();
        let answers = ask_many(&world, &[Oracle::ConfigRead, Oracle::thread()]);
        let [first, later] =
            [0, 1].map(|index| answers[index].as_ref().unwrap()["warnings"].clone());
        assert_eq!(first, later);
        // The last one is about the user's `never`, the other about `zzz`.
        assert_eq!(first.as_array().unwrap().len(), 2, "{first}");
    });
    require_or_announce(checked);
}

#[test]
fn strange_files_are_refused_by_codex_itself() {
    let Some(binary) = binary() else { return };
    let refused = |special| WorldSpec::new().special(REQUIREMENTS, special).user(65_534);
    let worlds = [
        refused(SpecialFile::Directory {}),
        refused(SpecialFile::Unreadable("allowed_approval_policies=['never']".to_owned())),
        refused(SpecialFile::Symlink("requirements.toml".to_owned())),
        refused(SpecialFile::Base64("/w==".to_owned())),
    ];
    let checked = isolated(|isolation| {
        for spec in &worlds {
            let world = World::build(isolation, &binary, spec).unwrap();
            let answer = ask(&world, &Oracle::Startup);
            let Err(OracleError::Refused { message }) = answer else {
                panic!("{spec:?} gave {answer:?}")
            };
            assert!(message.contains("requirements.toml"), "{message}");
        }
    });
    require_or_announce(checked);
}

#[test]
fn a_bundle_is_fetched_and_applied() {
    let Some(binary) = binary() else { return };
    let requirements = vec![("r".to_owned(), "allowed_approval_policies=['never']".to_owned())];
    let spec = WorldSpec::new().bundle(Bundle { requirements, ..Bundle::default() });
    let checked = isolated(|isolation| {
        let world = World::build(isolation, &binary, &spec).unwrap();
        let answer = ask(&world, &Oracle::Startup).unwrap();
        assert_eq!(answer["requirements"]["allowedApprovalPolicies"], json!(["never"]));
        assert_eq!(answer["server_requests"], json!(["/b/codex/config/bundle"]));
    });
    require_or_announce(checked);
}

/// Prints the cost of a world; the bound is loose because test machines are shared.
#[test]
fn a_world_costs_a_fraction_of_a_second() {
    let Some(binary) = binary() else { return };
    let questions = [Oracle::Startup, Oracle::ConfigRead, Oracle::thread()];
    let count = 24;
    for threads in [1, 2] {
        let started = Instant::now();
        let threads = NonZeroUsize::new(threads).unwrap();
        let answers = ask_worlds(&binary, threads, vec![demanding(); count], &questions);
        let Some(answers) = require_or_announce(answers) else { return };
        assert!(answers.iter().flatten().all(Result::is_ok));
        let total = started.elapsed();
        let each = total / u32::try_from(count).unwrap();
        println!("{threads} threads: {each:.0?} per world");
        assert!(each < Duration::from_secs(3), "{each:?} per world");
    }
}
