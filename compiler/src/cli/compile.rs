//! `compile`: a policy repository to the files that Codex reads.

use serde_json::json;

use super::arguments::Compile;
use super::check::shown;
use super::world::today;
use super::{Outcome, Output};
use crate::check::check_tree;
use crate::compile::history::Git;
use crate::compile::output::{Written, index, write};
use crate::compile::{Compilation, compile as compile_tree};
use crate::files::RealFiles;
use crate::suppress::suppress;

/// Compiles a repository into a folder. Nothing is written when anything is wrong.
pub(super) fn compile(arguments: &Compile, output: &mut Output) -> Outcome {
    let Compile { repository, out, today: day, print } = arguments;
    let top = repository.display().to_string();
    let day = day.unwrap_or_else(today);
    let mut tree = check_tree(&RealFiles::new(None), &top, day);
    tree.report = suppress(tree.report, day);
    let tree = match tree.checked() {
        Ok(tree) => tree,
        Err(tree) => {
            output.data = shown(&tree.report, print);
            output.talk.push_str("nothing was written: the policy has errors\n");
            return Outcome::Findings;
        }
    };
    let compilation = compile_tree(&tree, &Git::open(repository), &|_| true);
    let index = index(&compilation, &tree.repository.manifest.organisation);
    let written = match write(out, &compilation, &index) {
        Ok(written) => written,
        Err(error) => {
            output.talk.push_str(&format!("error: {error}\n"));
            return Outcome::Internal;
        }
    };
    if let Some(note) = &compilation.state.note {
        output.talk.push_str(&format!("note: {note}\n"));
    }
    output.data = if print.json {
        let cohorts: serde_json::Map<String, serde_json::Value> = compilation
            .cohorts
            .iter()
            .map(|(name, cohort)| (name.clone(), json!({"digest": cohort.digest})))
            .collect();
        let state = &compilation.state;
        format!("{}\n", json!({"schema": "compile-1", "state": state, "cohorts": cohorts}))
    } else {
        summary(&compilation, written, &out.display().to_string())
    };
    Outcome::Fine
}

/// One line a cohort.
fn summary(compilation: &Compilation, written: Written, out: &str) -> String {
    let width = compilation.cohorts.keys().map(String::len).max().unwrap_or(0).max(6);
    let mut text = format!("{:<width$}  {:<15}  FILES\n", "COHORT", "DIGEST");
    for (name, cohort) in &compilation.cohorts {
        let digest: String = cohort.digest.chars().skip("sha256:".len()).take(12).collect();
        let files: Vec<&str> = cohort.files.keys().map(String::as_str).collect();
        text.push_str(&format!("{name:<width$}  {digest:<15}  {}\n", files.join(" ")));
    }
    let count = compilation.cohorts.len();
    let cohorts = if count == 1 { "cohort" } else { "cohorts" };
    text.push_str(&match written {
        Written::New => format!("{count} {cohorts} written to {out}\n"),
        Written::Unchanged => format!("{count} {cohorts} unchanged in {out}\n"),
    });
    text
}
