//! `cargo xtask mutants`: takes one guard after the other out of the trust code, in a copy of the
//! workspace, and wants its test to go red. A guard that nothing misses is not held by a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::{cargo, target_folder};
use crate::talk::{Problem, complain, say};

/// One guard, and how it is taken out.
struct Mutant {
    /// The guard.
    guard: &'static str,
    /// Its file.
    file: &'static str,
    /// What stands there, once.
    from: &'static str,
    /// What stands there instead.
    to: &'static str,
    /// The package and the file of the tests.
    tests: (&'static str, &'static str),
    /// The test that must go red.
    test: &'static str,
}

const GUARDS: &str = "schema/trust/src/guards.rs";
const OWN: (&str, &str) = ("codex-trust", "guards");
const ATTACKS: (&str, &str) = ("codex-agent-sync", "attacks");

const fn guard(guard: &'static str, from: &'static str, test: &'static str) -> Mutant {
    Mutant { guard, file: GUARDS, from, to: "None::<Refusal>", tests: OWN, test }
}

const MUTANTS: &[Mutant] = &[
    guard("form", "form(candidate)", "a_bundle_of_another_form"),
    guard("label", "label(candidate)", "cross_team_by_audience"),
    guard(
        "organisation",
        "organisation(candidate, endpoint)",
        "an_enrolment_elsewhere_is_no_enrolment_here",
    ),
    guard("audience", "audience(candidate, endpoint)", "cross_team_by_audience"),
    guard(
        "generation",
        "generation(candidate, endpoint)",
        "an_older_generation_under_newer_metadata",
    ),
    guard("void", "void(candidate)", "called_off_and_below_the_minimum"),
    guard("floor", "floor(candidate, &requirements)", "below_the_floor"),
    guard(
        "loosening",
        "loosening(candidate, endpoint, &requirements)",
        "loosening_without_approval",
    ),
    Mutant {
        guard: "approval: the pair of digests",
        file: GUARDS,
        from: "&& statement.from.contains(&installed.digest)",
        to: "",
        tests: OWN,
        test: "loosening_without_approval",
    },
    Mutant {
        guard: "approval: every approver counts once",
        file: "schema/trust/src/approval.rs",
        from: "let keys: BTreeSet<&PublicKey> = approvers.keys.iter().collect();",
        to: "let _unused: BTreeSet<u8>; let keys: Vec<&PublicKey> = approvers.keys.iter().collect();",
        tests: OWN,
        test: "an_approver_counts_once",
    },
    Mutant {
        guard: "equivocation of generations",
        file: GUARDS,
        from: "(number == bundle.generation && known != *digest)",
        to: "(number == 0 && known != *digest)",
        tests: OWN,
        test: "two_bundles_of_one_generation",
    },
    Mutant {
        guard: "Codex versions",
        file: GUARDS,
        from: "(!keys.is_empty()).then_some(Refusal::CodexVersion { version, keys })",
        to: "keys.get(usize::MAX).is_some().then_some(Refusal::CodexVersion { version, keys })",
        tests: OWN,
        test: "a_codex_that_would_ignore_a_key",
    },
    Mutant {
        guard: "a team's folder is the team's",
        file: "schema/trust/src/verify.rs",
        from: "path.starts_with(&format!(\"{role}/\")) && ",
        to: "",
        tests: OWN,
        test: "cross_team_by_path",
    },
    Mutant {
        guard: "the persisted generation floor",
        file: "schema/trust/src/verify.rs",
        from: "    session.shelf().write(FLOORS, &text)?;\n",
        to: "    drop(text);\n",
        tests: OWN,
        test: "an_older_generation_under_newer_metadata",
    },
    Mutant {
        guard: "equivocation of timestamps",
        file: "schema/trust/src/refresh.rs",
        from: "both.then_some(Alarm::Equivocation { role: \"timestamp\", version })",
        to: "(both && version == 0).then_some(Alarm::Equivocation { role: \"timestamp\", version })",
        tests: ATTACKS,
        test: "two_timestamps_of_one_version_are_an_alarm",
    },
    Mutant {
        guard: "a damaged floor",
        file: "schema/trust/src/refresh.rs",
        from: "            parsed::<sigstore_tuf::Timestamp>(\"timestamp.json\", bytes)?;\n",
        to: "",
        tests: ATTACKS,
        test: "a_damaged_floor_is_not_an_absent_one",
    },
    Mutant {
        guard: "signed time under the clock",
        file: "schema/trust/src/refresh.rs",
        from: "(signed_at, (seconds > CLOCK_TOLERANCE)",
        to: "(now, (seconds > CLOCK_TOLERANCE)",
        tests: ATTACKS,
        test: "a_clock_a_year_behind_is_an_alarm_and_does_not_revive_what_has_expired",
    },
];

/// Takes every guard out in turn.
pub(crate) fn run() -> Result<(), Problem> {
    let base = target_folder().join("mutants");
    let tree = base.join("tree");
    copy_workspace(&tree)?;
    let tree = tree.canonicalize()?;
    let place = Place { tree, build: base.join("build") };
    let mut alive = Vec::new();
    for mutant in MUTANTS {
        let caught = place.caught(mutant)?;
        say(&format!(
            "{} {:<40} {}",
            if caught { "red " } else { "----" },
            mutant.guard,
            mutant.test
        ));
        if !caught {
            alive.push(mutant.guard);
        }
    }
    if alive.is_empty() {
        say(&format!("\n{} guards, each held by its test", MUTANTS.len()));
        return Ok(());
    }
    Err(format!("nothing misses: {}", alive.join(", ")).into())
}

/// Copies what git knows of the workspace.
fn copy_workspace(to: &Path) -> Result<(), Problem> {
    let from = crate::workspace();
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(&from).output()?;
    if !listed.status.success() {
        return Err("git does not list the files".into());
    }
    for name in String::from_utf8(listed.stdout)?.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        // A file that says the same keeps its time, and what was built from it stays good.
        if source.is_file() && fs::read(&target).ok() != Some(fs::read(&source)?) {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

struct Place {
    tree: PathBuf,
    build: PathBuf,
}

impl Place {
    /// Whether the test goes red without the guard. It must be green with it, and what is left
    /// must compile: otherwise red means nothing.
    fn caught(&self, mutant: &Mutant) -> Result<bool, Problem> {
        let file = self.tree.join(mutant.file);
        let whole = fs::read_to_string(&file)?;
        if whole.matches(mutant.from).count() != 1 {
            return Err(format!("`{}` does not stand once in {}", mutant.from, mutant.file).into());
        }
        if !self.passes(mutant)? {
            return Err(format!("{} is red with every guard in place", mutant.test).into());
        }
        fs::write(&file, whole.replace(mutant.from, mutant.to))?;
        let outcome = self.compiles(mutant).and_then(|compiles| {
            if compiles {
                return Ok(!self.passes(mutant)?);
            }
            Err(format!("without `{}` nothing compiles", mutant.guard).into())
        });
        fs::write(&file, whole)?;
        outcome
    }

    fn compiles(&self, mutant: &Mutant) -> Result<bool, Problem> {
        Ok(self.cargo(mutant, &["--no-run"])?.success())
    }

    fn passes(&self, mutant: &Mutant) -> Result<bool, Problem> {
        Ok(self.cargo(mutant, &["--", "--exact", mutant.test])?.success())
    }

    fn cargo(&self, mutant: &Mutant, more: &[&str]) -> Result<std::process::ExitStatus, Problem> {
        let (package, tests) = mutant.tests;
        complain(&format!("{package} {tests} {} …", more.join(" ")));
        Ok(Command::new(cargo())
            .args(["test", "--quiet", "--locked", "--package", package, "--test", tests])
            .args(more)
            .env("CARGO_TARGET_DIR", &self.build)
            .current_dir(&self.tree)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()?)
    }
}
