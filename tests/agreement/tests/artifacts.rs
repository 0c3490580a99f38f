//! What `emit` makes, given to the real Codex: its files, and its bundle from a configuration
//! server, are the same policy. What cannot be run here (macOS, Windows) is read back by our own
//! readers and by other programs in `compiler/tests/artifacts.rs`.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use clap::Parser;
use codex_compiler::cli::{Cli, Outcome, Output, run};
use codex_oracle::{Bundle, Oracle, WorldSpec, ask_worlds, install, require_or_announce};
use serde_json::Value as Json;

const EXAMPLES: [&str; 4] = ["startup", "bank", "open-source-ci", "safe-defaults"];

/// One cohort's machine with files, and one with the bundle alone.
struct Pair {
    name: String,
    files: WorldSpec,
    bundle: WorldSpec,
}

fn pairs(around: &Path) -> Vec<Pair> {
    let mut found = Vec::new();
    for example in EXAMPLES {
        let out = around.join(example);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/policy");
        let (repository, place) =
            (folder.join(example).display().to_string(), out.display().to_string());
        let cli = Cli::try_parse_from([
            "codex-config",
            "emit",
            &repository,
            "--out",
            &place,
            "--target",
            "system",
            "--target",
            "bundle",
        ]);
        let mut output = Output::default();
        assert_eq!(
            run(&cli.unwrap(), &mut output),
            Outcome::Fine,
            "{}{}",
            output.data,
            output.talk
        );
        for cohort in fs::read_dir(&out).unwrap() {
            let cohort = cohort.unwrap();
            if !cohort.path().is_dir() {
                continue;
            }
            let mut files = WorldSpec::new();
            for entry in fs::read_dir(cohort.path().join("system")).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                // Rules are read at the start of a session and have no place in a bundle.
                if path.is_file() && path.extension().is_some_and(|it| it == "toml") {
                    let text = fs::read_to_string(&path).unwrap();
                    files = files.file(&format!("/etc/codex/{name}"), &text);
                }
            }
            let text = fs::read_to_string(cohort.path().join("cloud/bundle.json")).unwrap();
            let raw: Json = serde_json::from_str(&text).unwrap();
            let bundle = Bundle { raw: Some(raw), ..Bundle::default() };
            let name = format!("{example}/{}", cohort.file_name().to_string_lossy());
            found.push(Pair { name, files, bundle: WorldSpec::new().bundle(bundle) });
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    found
}

/// Requirements that Codex never takes from a bundle; a rule of the compiler tells of them.
const LOCAL_ONLY: [&str; 4] = [
    "allowedLoginMethods",
    "allowedChatgptWorkspaces",
    "cliAuthCredentialsStore",
    "chatgptBaseUrl",
];

fn shared(answer: &Json) -> Json {
    let mut requirements = answer["requirements"].clone();
    if let Some(object) = requirements.as_object_mut() {
        object.retain(|key, value| !LOCAL_ONLY.contains(&key.as_str()) && !value.is_null());
        // How the bundle was found is no part of it.
        object.remove("configServer");
    }
    requirements
}

#[test]
fn files_and_bundle_are_one_policy_to_codex() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let around = tempfile::tempdir().unwrap();
    let pairs = pairs(around.path());
    assert!(pairs.len() >= 9, "{}", pairs.len());
    let worlds = pairs.iter().flat_map(|pair| [pair.files.clone(), pair.bundle.clone()]).collect();
    let threads = NonZeroUsize::new(2).unwrap();
    let answers = ask_worlds(&binary, threads, worlds, &[Oracle::Startup]);
    let Some(answers) = require_or_announce(answers) else { return };
    for (pair, answers) in pairs.iter().zip(answers.chunks(2)) {
        let answers: Vec<&Json> =
            answers.iter().map(|one| one[0].as_ref().unwrap_or_else(|_| &Json::Null)).collect();
        let [by_files, by_bundle] = answers[..] else { unreachable!() };
        assert!(by_files["requirements"].is_object(), "{}: {by_files}", pair.name);
        assert_eq!(shared(by_files), shared(by_bundle), "{}", pair.name);
    }
}
