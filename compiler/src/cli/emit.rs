//! `emit`: a policy repository to what carries it to machines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use codex_schema::types::policy::System;

use super::arguments::Emit;
use super::check::shown;
use super::compile::notes;
use super::explain::usage;
use super::world::today;
use super::{Outcome, Output};
use crate::authoring::EffectivePolicy;
use crate::check::{Scope, Surroundings, check_repository};
use crate::compile::history::{Git, History};
use crate::compile::output::WriteError;
use crate::compile::{Compiler, PROVENANCE_FILE, input_paths};
use crate::emit::manifest::{Emitted, Manifest};
use crate::emit::output::Folder;
use crate::emit::sign::Signer;
use crate::emit::stamp::{Changes, Stamp};
use crate::emit::{Artifact, EmitError, Subject, TARGETS, Target, emit as make, target};
use crate::files::RealFiles;
use crate::repository::{self, Cohort, Repository};
use crate::suppress::suppress;

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Write(#[from] WriteError),
    #[error("cohort `{0}`: {1}")]
    Emit(String, EmitError),
}

/// Makes artifacts. Nothing is written when anything is wrong.
pub(super) fn emit(arguments: &Emit, output: &mut Output) -> Outcome {
    match run(arguments, output) {
        Ok(outcome) => outcome,
        Err(error) => {
            output.talk.push_str(&format!("error: {error}\n"));
            Outcome::Internal
        }
    }
}

fn run(arguments: &Emit, output: &mut Output) -> Result<Outcome, Failed> {
    let Emit { repository: top, out, cohort: wanted, target: names, all, today: day, .. } =
        arguments;
    let (chosen, signer) = match (targets(names), signer(arguments)) {
        (Ok(chosen), Ok(signer)) => (chosen, signer),
        (Err(problem), _) | (_, Err(problem)) => return Ok(usage(output, &problem)),
    };
    let today = day.unwrap_or_else(today);
    let history = Git::open(top);
    let state = history.state();
    let changes = Changes::of(history.touched(), state.changed.clone());
    let name = top.display().to_string();
    let repository = repository::read(&RealFiles::new(None), &name, today);
    if let Some(unknown) =
        wanted.iter().find(|name| !repository.manifest.cohorts.contains_key(*name))
    {
        return Ok(usage(output, &format!("there is no cohort `{unknown}` in {name}")));
    }
    let known: BTreeSet<String> =
        repository.documents.iter().map(|document| document.source.to_string()).collect();
    let folder = Folder::open(out)?;
    let compiler = Compiler::new(&history);
    let failed: OnceLock<Failed> = OnceLock::new();
    let is_wanted = |cohort: &Cohort| wanted.is_empty() || wanted.contains(&cohort.name);
    let surroundings = Surroundings::default();
    let scope = Scope { today, wanted: &is_wanted, surroundings: &surroundings };
    let one = |repository: &Repository, cohort: &Cohort, policy: &EffectivePolicy| {
        if failed.get().is_some() {
            return;
        }
        let compiled = compiler.cohort(repository, cohort, policy);
        let below = |folder: &str| -> Vec<String> {
            let known = known.range(folder.to_owned()..);
            known.take_while(|path| path.starts_with(folder)).cloned().collect()
        };
        let paths = input_paths(repository, cohort, today, below).into_iter().collect();
        let stamp = Stamp::of(&repository.manifest, cohort, &compiled.digest, &changes, &paths);
        let targets: Vec<&Target> = chosen
            .iter()
            .copied()
            .filter(|target| *all || !names.is_empty() || fits(target, cohort, repository))
            .collect();
        let staged = stage(&folder, stamp, &compiled.files, &targets, signer.as_ref());
        if let Err(error) = staged {
            // Of several the first one is told.
            drop(failed.set(error));
        }
    };
    let mut tree = check_repository(repository, &scope, &one);
    if let Some(failed) = failed.into_inner() {
        return Err(failed);
    }
    tree.report = suppress(tree.report, today);
    let tree = match tree.checked() {
        Ok(tree) => tree,
        Err(tree) => {
            output.data = shown(&tree.report, &arguments.print);
            output.talk.push_str("nothing was written: the policy has errors\n");
            return Ok(Outcome::Findings);
        }
    };
    let manifest = folder.commit(&tree.repository.manifest.organisation)?;
    output.talk.push_str(&notes(&tree, &state, &name));
    left_out(&manifest, output);
    output.data = if arguments.print.json {
        serde_json::to_string_pretty(&manifest).unwrap_or_default() + "\n"
    } else {
        summary(&manifest, out)
    };
    Ok(Outcome::Fine)
}

/// Makes the artifacts of one cohort and writes them aside.
fn stage(
    folder: &Folder,
    stamp: Stamp,
    compiled: &BTreeMap<String, String>,
    targets: &[&Target],
    signer: Option<&Signer>,
) -> Result<(), Failed> {
    let files: BTreeMap<String, String> = compiled
        .iter()
        .map(|(path, text)| {
            let plain = path == PROVENANCE_FILE || path.starts_with("rules/");
            (path.clone(), if plain { text.clone() } else { stamp.onto(text) })
        })
        .collect();
    let subject = Subject { stamp: &stamp, files: &files, signer };
    let artifacts: Vec<Artifact> =
        make(&subject, targets).map_err(|error| Failed::Emit(stamp.cohort.clone(), error))?;
    let mut left_out: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for target in targets {
        let without = files.keys().filter(|path| *path != PROVENANCE_FILE);
        let without: Vec<String> =
            without.filter(|path| !target.carries.takes(path)).cloned().collect();
        if !without.is_empty() {
            left_out.insert(target.name, without);
        }
    }
    let emitted = Emitted::of(stamp, &artifacts, left_out);
    Ok(folder.stage(&artifacts, emitted)?)
}

/// Whether a target is one of the ways in which policy reaches a cohort.
fn fits(target: &Target, cohort: &Cohort, repository: &Repository) -> bool {
    let systems: &[System] = cohort.systems.as_deref().unwrap_or(&repository.manifest.systems);
    cohort.deliveries.contains(&target.delivery)
        && target.systems.iter().any(|system| systems.contains(system))
}

fn targets(names: &[String]) -> Result<Vec<&'static Target>, String> {
    if names.is_empty() {
        return Ok(TARGETS.iter().collect());
    }
    let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    if let Some(unknown) = wanted.iter().find(|name| target(name).is_none()) {
        return Err(format!("there is no target `{unknown}`; there are {}", known.join(", ")));
    }
    Ok(TARGETS.iter().filter(|target| wanted.contains(target.name)).collect())
}

fn signer(arguments: &Emit) -> Result<Option<Signer>, String> {
    let (Some(key), Some(certificate)) = (&arguments.sign_key, &arguments.sign_certificate) else {
        return Ok(None);
    };
    let read = |path: &Path| {
        std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    let signer = Signer::read(&read(key)?, &read(certificate)?);
    signer.map(Some).map_err(|error| error.to_string())
}

/// Says which files do not travel.
fn left_out(manifest: &Manifest, output: &mut Output) {
    let mut told: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for emitted in manifest.cohorts.values() {
        for (target, files) in &emitted.left_out {
            for file in files {
                let kind = if file.starts_with("rules/") { "rules/*.rules" } else { file };
                told.entry(kind).or_default().insert(target);
            }
        }
    }
    for (file, targets) in told {
        let targets: Vec<&str> = targets.into_iter().collect();
        output.talk.push_str(&format!(
            "note: {file} has no place in {}: deliver it by `system` as well (see `left_out` in the \
             manifest)\n",
            targets.join(", ")
        ));
    }
}

fn summary(manifest: &Manifest, out: &Path) -> String {
    let width = manifest.cohorts.keys().map(String::len).max().unwrap_or(0).max(6);
    let mut text =
        format!("{:<width$}  {:>8}  {:<12}  ARTIFACTS\n", "COHORT", "REVISION", "COMMIT");
    for (name, emitted) in manifest.cohorts.iter().take(40) {
        let commit: String =
            emitted.stamp.commit.as_deref().unwrap_or("uncommitted").chars().take(12).collect();
        let revision = emitted.stamp.revision;
        let count = emitted.artifacts.len();
        text.push_str(&format!("{name:<width$}  {revision:>8}  {commit:<12}  {count}\n"));
    }
    if manifest.cohorts.len() > 40 {
        text.push_str(&format!("and {} more\n", manifest.cohorts.len() - 40));
    }
    let all: usize = manifest.cohorts.values().map(|emitted| emitted.artifacts.len()).sum();
    text.push_str(&format!("{all} artifacts in {}\n", out.display()));
    text
}
