//! `compile`: a policy repository to the files that Codex reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use codex_schema::diagnostic::Severity;
use serde_json::json;

use super::arguments::Compile;
use super::check::shown;
use super::explain::usage;
use super::world::{surroundings, today};
use super::{Outcome, Output};
use crate::check::{CheckedTree, Scope, check_repository};
use crate::compile::history::{Git, History, State};
use crate::compile::output::{Committed, Folder, WriteError};
use crate::compile::{Compiler, inputs};
use crate::files::RealFiles;
use crate::repository::{self, LayerName, Repository};
use crate::suppress::suppress;

/// Compiles a repository into a folder. Nothing is written when anything is wrong.
pub(super) fn compile(arguments: &Compile, output: &mut Output) -> Outcome {
    match run(arguments, output) {
        Ok(outcome) => outcome,
        Err(error) => {
            output.talk.push_str(&format!("error: {error}\n"));
            Outcome::Internal
        }
    }
}

fn run(arguments: &Compile, output: &mut Output) -> Result<Outcome, WriteError> {
    let Compile { repository: top, out, today: day, surroundings: others, print } = arguments;
    let others = match surroundings(others) {
        Ok(others) => others,
        Err(problem) => return Ok(usage(output, &problem)),
    };
    let today = day.unwrap_or_else(today);
    let history = Git::open(top);
    let state = history.state();
    let mut folder = Folder::open(out)?;
    let mut made_from: BTreeMap<String, String> = BTreeMap::new();
    let mut choose = |repository: &Repository, digests: &dyn Fn() -> repository::Digests| {
        let digests = digests();
        let mut wanted: BTreeSet<LayerName> = BTreeSet::new();
        for (name, cohort) in &repository.manifest.cohorts {
            let inputs = inputs(repository, cohort, today, &digests, &state);
            // What other channels do to a policy is not in its inputs: then all are looked at.
            if others.is_empty() && folder.holds(name, &inputs) {
                folder.keep(name);
            } else {
                wanted.extend(repository.manifest.chain(cohort));
                made_from.insert(name.clone(), inputs);
            }
        }
        Some(wanted)
    };
    let top = top.display().to_string();
    let repository = repository::read_some(&RealFiles::new(None), &top, today, &mut choose);
    let compiler = Compiler::new(&history);
    let failed: OnceLock<WriteError> = OnceLock::new();
    let wanted = |cohort: &repository::Cohort| made_from.contains_key(&cohort.name);
    let scope = Scope { today, wanted: &wanted, surroundings: &others };
    let mut tree = check_repository(repository, &scope, &|repository, cohort, policy| {
        let compiled = compiler.cohort(repository, cohort, policy);
        let inputs = made_from.get(&cohort.name).cloned().unwrap_or_default();
        if failed.get().is_none()
            && let Err(error) = folder.stage(&cohort.name, &compiled, inputs)
        {
            // Of several the first one is told.
            drop(failed.set(error));
        }
    });
    if let Some(error) = failed.into_inner() {
        return Err(error);
    }
    tree.report = suppress(tree.report, today);
    let tree = match tree.checked() {
        Ok(tree) => tree,
        Err(tree) => {
            output.data = shown(&tree.report, print);
            output.talk.push_str("nothing was written: the policy has errors\n");
            return Ok(Outcome::Findings);
        }
    };
    let committed = folder.commit(&tree, &state)?;
    output.talk.push_str(&notes(&tree, &state, &top));
    output.data = if print.json {
        let Committed { index, written, removed } = &committed;
        let whole =
            json!({"schema": "compile-1", "index": index, "written": written, "removed": removed});
        format!("{whole}\n")
    } else {
        summary(&committed, &out.display().to_string())
    };
    // The process ends here: taking megabytes of policy apart piece by piece is of no use.
    std::mem::forget((tree, compiler));
    Ok(Outcome::Fine)
}

/// What there is to know beside the outcome.
pub(super) fn notes(tree: &CheckedTree, state: &State, top: &str) -> String {
    let mut notes = String::new();
    if let Some(note) = &state.note {
        notes.push_str(&format!("note: {note}\n"));
    }
    let warnings = tree.report.count(Severity::Warning);
    if warnings > 0 {
        let word = if warnings == 1 { "warning" } else { "warnings" };
        notes.push_str(&format!("note: {warnings} {word}; see `codex-config check {top}`\n"));
    }
    notes
}

/// Cohorts that the summary names one by one.
const LISTED: usize = 40;

/// One line a cohort, the ones that changed.
fn summary(committed: &Committed, out: &str) -> String {
    let Committed { index, written, removed } = committed;
    let width = index.cohorts.keys().map(String::len).max().unwrap_or(0).max(6);
    let mut text = String::new();
    if !written.is_empty() {
        text.push_str(&format!("{:<width$}  {:<12}  FILES\n", "COHORT", "DIGEST"));
    }
    for name in written.iter().take(LISTED) {
        let Some(entry) = index.cohorts.get(name) else { continue };
        let digest: String = entry.digest.chars().skip("sha256:".len()).take(12).collect();
        let files: Vec<&str> = entry.files.keys().map(String::as_str).collect();
        text.push_str(&format!("{name:<width$}  {digest:<12}  {}\n", files.join(" ")));
    }
    if written.len() > LISTED {
        text.push_str(&format!("and {} more\n", written.len() - LISTED));
    }
    let unchanged = index.cohorts.len() - written.len();
    let mut parts = vec![format!("{} written", written.len()), format!("{unchanged} unchanged")];
    if !removed.is_empty() {
        parts.push(format!("{} removed", removed.len()));
    }
    text.push_str(&format!("{} in {out}\n", parts.join(", ")));
    text
}
