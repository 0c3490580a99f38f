//! A machine, imported and compiled again, means the same to Codex.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]

use std::num::NonZeroUsize;

use codex_agreement::generate::generate;
use codex_agreement::policy::{Compiled, compiled};
use codex_agreement::predict::{evaluation, files, fold_text};
use codex_compiler::compose::startup_json::Secrets;
use codex_compiler::evaluate::{Evaluation, evaluate};
use codex_compiler::files::{Files, MemoryFiles, RealFiles};
use codex_compiler::gather::Extra;
use codex_compiler::gather::bundle::BundleAnswer;
use codex_compiler::import::{ImportError, Imported, import};
use codex_compiler::machine::{Machine, Os};
use codex_compiler::repository;
use codex_oracle::{Oracle, OracleError, WorldSpec, ask_worlds, install, require_or_announce};
use codex_schema::diagnostic::Severity;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// The files that an imported repository compiles to.
fn recompiled(imported: &Imported) -> Compiled {
    let mut files = MemoryFiles::default();
    for (path, text) in &imported.texts {
        // Random machines name their folders; where they are is known to the harness alone.
        files.put(format!("/p/{path}"), fold_text(text));
    }
    // Checking takes the repository's own findings into its report, so they are looked at before.
    let found = repository::read(&files, "/p", TODAY).diagnostics;
    assert!(found.iter().all(|one| one.severity < Severity::Error), "{found:#?}");
    let (_, mut cohorts) = compiled(&files, "/p", TODAY);
    assert_eq!(cohorts.len(), 1);
    cohorts.remove(0)
}

/// Answers of the newest Codex about machines; `None` where it cannot run.
fn asked(worlds: Vec<WorldSpec>) -> Option<Vec<Result<Json, OracleError>>> {
    let binary = require_or_announce(install("0.169.0"))?;
    let threads = NonZeroUsize::new(2).unwrap();
    let answers = require_or_announce(ask_worlds(&binary, threads, worlds, &[Oracle::Startup]))?;
    Some(answers.into_iter().map(|mut answers| answers.remove(0)).collect())
}

/// An example machine as the program's arguments describe it.
fn example(name: &str, os: Os, bundle: Option<&str>, preferences: Option<&str>) -> Evaluation {
    let folder = format!("{EXAMPLES}/{name}");
    let machine = Machine {
        os,
        hostname: "host".to_owned(),
        home: "/home/kim".to_owned(),
        codex_home: format!("{folder}/codex-home"),
        cwd: "/nowhere".to_owned(),
        version: Version::NEWEST,
    };
    let given = |file: Option<&str>| {
        file.map(|file| (file.to_owned(), std::fs::read(format!("{folder}/{file}")).unwrap()))
    };
    let extra = Extra {
        bundle: given(bundle).map(|(name, bytes)| (name, BundleAnswer::Body(bytes))),
        preferences: given(preferences),
        arguments: Vec::new(),
    };
    evaluate(machine, &machine_files(name), &extra)
}

fn machine_files(name: &str) -> RealFiles {
    RealFiles::new(Some(format!("{EXAMPLES}/{name}/machine").into()))
}

#[test]
fn the_example_machines_mean_the_same() {
    let linux = example("linux-server", Os::Linux, None, None);
    let mac = example("mac-laptop", Os::Macos, Some("bundle.json"), Some("codex.mobileconfig"));
    let mut worlds = Vec::new();
    for (name, evaluation) in [("linux-server", &linux), ("mac-laptop", &mac)] {
        let imported = import(evaluation, &machine_files(name), "E".to_owned()).unwrap();
        let mut world = recompiled(&imported).world();
        let own = std::fs::read_to_string(format!("{EXAMPLES}/{name}/codex-home/config.toml"));
        world = world.file("$CODEX_HOME/config.toml", &own.unwrap());
        worlds.push(world);
    }
    // The first machine can be built as it is; the other one's channels exist on a Mac only, and
    // there our own composition answers.
    let mut original = WorldSpec::new();
    for (path, place) in [
        ("machine/etc/codex/requirements.toml", "/etc/codex/requirements.toml"),
        ("machine/etc/codex/managed_config.toml", "/etc/codex/managed_config.toml"),
        ("codex-home/config.toml", "$CODEX_HOME/config.toml"),
    ] {
        let text = std::fs::read_to_string(format!("{EXAMPLES}/linux-server/{path}")).unwrap();
        original = original.file(place, &text);
    }
    worlds.push(original);
    let Some(answers) = asked(worlds) else { return };
    let answers: Vec<&Json> =
        answers.iter().map(|answer| &answer.as_ref().unwrap()["requirements"]).collect();
    assert!(answers[0].is_object());
    assert_eq!(answers[0], answers[2]);
    let expect = mac.startup_answer(Secrets::AsCodexPrints).unwrap();
    assert_eq!(answers[1], &expect["requirements"]);
}

/// The same person on another machine.
fn moved(world: &WorldSpec, mut new: WorldSpec) -> WorldSpec {
    let own = world.files.iter().filter(|(path, _)| !path.starts_with("/etc/codex/"));
    new.files.extend(own.map(|(path, file)| (path.clone(), file.clone())));
    new.hostname.clone_from(&world.hostname);
    new.args.clone_from(&world.args);
    new
}

/// A machine whose policy is nothing but the address of a server that has none. Codex lists all
/// keys as free, or none: the ways to sign in are the one list that it fills in itself.
fn requires_nothing(requirements: &Json) -> bool {
    let free = |(key, value): (&String, &Json)| {
        value.is_null() || key == "allowedLoginMethods" && *value == json!(["api", "chatgpt"])
    };
    requirements.as_object().is_none_or(|keys| keys.iter().all(free))
}

#[test]
fn random_machines_mean_the_same() {
    const SEED: u64 = 11;
    const CASES: u64 = 240;
    let mut triples = Vec::new();
    let mut refused = 0;
    for number in 0..CASES {
        let world = generate(SEED, number, Version::NEWEST).world;
        let evaluation = evaluation(&world, Version::NEWEST);
        match import(&evaluation, &files(&world) as &dyn Files, "E".to_owned()) {
            Ok(imported) => {
                // Over what a person has set only managed_config.toml stands; it is told.
                let told = "overrode what people set for";
                let sign_in = "`forced_login_method`";
                let weaker = |note: &String| note.contains(told) && note.contains(sign_in);
                if !imported.notes.iter().any(weaker) {
                    let compiled = recompiled(&imported);
                    let shorter = moved(&world, compiled.world());
                    let new = moved(&world, compiled.world_with_all());
                    triples.push((number, [world, new, shorter]));
                }
            }
            Err(ImportError::Nothing) => {}
            Err(ImportError::Refused { .. } | ImportError::Unreadable(_)) => refused += 1,
        }
    }
    assert!(triples.len() > 120 && refused > 20, "{} imported, {refused} refused", triples.len());
    let worlds = triples.iter().flat_map(|(_, worlds)| worlds.clone()).collect();
    let Some(answers) = asked(worlds) else { return };
    let mut compared = 0;
    let mut wrong = Vec::new();
    for ((number, [_, new, _]), answers) in triples.iter().zip(answers.chunks(3)) {
        // What a person's own mistakes make Codex say is not about policy.
        let Ok(before) = &answers[0] else { continue };
        compared += 1;
        let after = answers[1].as_ref().map(|after| &after["requirements"]);
        let before_it = &before["requirements"];
        let same = |after: &Json| {
            after == before_it || requires_nothing(after) && requires_nothing(before_it)
        };
        // What the compiler leaves out makes no difference; that is proved elsewhere, and here that
        // Codex takes the rest.
        if !after.is_ok_and(same) || answers[2].is_err() {
            let text = |path: &str| new.files.get(path);
            wrong.push(format!(
                "case {number}\n  before {}\n  after  {:?}\n  shorter {:?}\n{:?}\n{:?}",
                before["requirements"],
                answers[1],
                answers[2],
                text("/etc/codex/requirements.toml"),
                text("/etc/codex/config.toml")
            ));
        }
    }
    assert!(compared > 100, "{compared}");
    assert!(wrong.is_empty(), "{} of {compared}\n{}", wrong.len(), wrong.join("\n"));
}
