//! What the harness itself promises: isolation, special files, and answers that agree.

use std::fs;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use codex_oracle::{
    Bundle, CodexBinary, Oracle, OracleError, SpecialFile, World, WorldSpec, ask, ask_many,
    install, isolated, isolated_pool, require_or_announce,
};
use serde_json::json;

const REQUIREMENTS: &str = "/etc/codex/requirements.toml";

fn binary() -> Option<CodexBinary> {
    require_or_announce(install("0.169.0"))
}

fn machine_view() -> (Vec<String>, Vec<String>) {
    let mut names: Vec<_> = fs::read_dir("/etc/codex")
        .map(|entries| entries.map(|entry| entry.unwrap().path().display().to_string()).collect())
        .unwrap_or_default();
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
            let mut alone = ask(&build(), question).unwrap();
            let mut answer = answer.unwrap();
            // A thread's home and a lone world's home differ by number only inside versions.
            for document in [&mut alone, &mut answer] {
                if let Some(layers) = document.get_mut("layers") {
                    assert!(layers.as_array().is_some_and(|layers| !layers.is_empty()));
                }
            }
            assert_eq!(alone, answer, "{question:?}");
        }
    });
    require_or_announce(checked);
}

/// The warnings of a start are complete when the first call returns: waiting adds none.
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
        let jobs = vec![demanding(); count];
        let times = isolated_pool(NonZeroUsize::new(threads).unwrap(), jobs, |isolation, spec| {
            let began = Instant::now();
            let world = World::build(isolation, &binary, &spec).unwrap();
            for answer in ask_many(&world, &questions) {
                answer.unwrap();
            }
            began.elapsed()
        });
        let Some(mut times) = require_or_announce(times) else { return };
        times.sort();
        let total = started.elapsed();
        let each = total / u32::try_from(count).unwrap();
        println!(
            "{threads} threads: {each:.0?} per world; fastest {:.0?}, median {:.0?}",
            times[0],
            times[count / 2]
        );
        assert!(each < Duration::from_secs(3), "{each:?} per world");
    }
}
