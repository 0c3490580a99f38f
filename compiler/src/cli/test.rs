//! `test`: the policy's own tests.

use codex_schema::diagnostic::Severity;

use super::arguments::{Test, TestForm};
use super::explain::usage;
use super::world::{paint, today};
use super::{Outcome, Output};
use crate::cases::{Selection, findings, run};
use crate::check::Report;
use crate::files::RealFiles;
use crate::render::cases::{ShowCoverage, Shown, human, json, junit, plain};
use crate::render::diagnostics::{Located, github, markdown, plain as plain_report};
use crate::repository;

/// Runs the tests of a repository.
pub(super) fn test(arguments: &Test, output: &mut Output) -> Outcome {
    let top = arguments.repository.display().to_string();
    let today = arguments.today.unwrap_or_else(today);
    let repository = repository::read(&RealFiles::new(None), &top, today);
    let mut problems = Report {
        documents: repository.documents.clone(),
        diagnostics: repository.diagnostics.clone(),
        ..Report::default()
    };
    problems.diagnostics.retain(|one| one.severity == Severity::Error);
    if repository.manifest.source.is_none() {
        output.talk.push_str(&plain_report(&problems));
        return Outcome::Partial;
    }
    let selection = Selection { today, filter: arguments.filter.as_deref() };
    let run = run(&repository, &selection);
    if run.cases.is_empty() && run.properties.is_empty() && problems.diagnostics.is_empty() {
        return match &arguments.filter {
            Some(filter) => usage(output, &format!("no case or property is named like `{filter}`")),
            None => usage(output, &format!("there is no test in `{top}`: write a policy.test.toml")),
        };
    }
    let shown = Shown {
        run: &run,
        documents: &repository.documents,
        folder: &top,
        coverage: if arguments.coverage { ShowCoverage::Entries } else { ShowCoverage::Summary },
    };
    let usual = match (arguments.print.json, arguments.print.plain) {
        (true, _) => TestForm::Json,
        (_, true) => TestForm::Plain,
        _ => TestForm::Human,
    };
    let report = || Report {
        documents: repository.documents.clone(),
        diagnostics: findings(&run, &repository),
        ..Report::default()
    };
    output.data = match arguments.format.unwrap_or(usual) {
        TestForm::Human => human(shown, paint(&arguments.print)),
        TestForm::Plain => plain(shown),
        TestForm::Json => json(shown),
        TestForm::Junit => junit(shown),
        TestForm::Markdown => markdown(Located { report: &report(), folder: &top }),
        TestForm::Github => github(Located { report: &report(), folder: &top }),
    };
    if !problems.diagnostics.is_empty() {
        output.talk.push_str(&plain_report(&problems));
        return Outcome::Partial;
    }
    if run.failed() > 0 { Outcome::Findings } else { Outcome::Fine }
}
