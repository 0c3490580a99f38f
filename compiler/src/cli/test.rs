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
use crate::repository::{self, Repository};

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
            None => {
                usage(output, &format!("there is no test in `{top}`: write a policy.test.toml"))
            }
        };
    }
    let shown = Shown {
        run: &run,
        documents: &repository.documents,
        folder: &top,
        coverage: if arguments.coverage { ShowCoverage::Entries } else { ShowCoverage::Summary },
    };
    let real = match real::ask(arguments, &repository, &selection) {
        Ok(real) => real,
        Err(problem) => return usage(output, &problem),
    };
    output.data = drawn(arguments, shown, &real, &repository);
    if !problems.diagnostics.is_empty() {
        output.talk.push_str(&plain_report(&problems));
        return Outcome::Partial;
    }
    if run.failed() > 0 || real.failed() { Outcome::Findings } else { Outcome::Fine }
}

/// The run in the form that was asked for.
fn drawn(
    arguments: &Test,
    shown: Shown<'_>,
    real: &real::Answers<'_>,
    repository: &Repository,
) -> String {
    let usual = match (arguments.print.json, arguments.print.plain) {
        (true, _) => TestForm::Json,
        (_, true) => TestForm::Plain,
        _ => TestForm::Human,
    };
    let report = Report {
        documents: repository.documents.clone(),
        diagnostics: [findings(shown.run, repository), real.findings()].concat(),
        ..Report::default()
    };
    let located = Located { report: &report, folder: shown.folder };
    match arguments.format.unwrap_or(usual) {
        TestForm::Human => {
            let paint = paint(&arguments.print);
            human(shown, paint) + &real.human(shown, paint)
        }
        TestForm::Plain => plain(shown) + &real.plain(shown),
        TestForm::Json => json(shown, &real.json()),
        TestForm::Junit => junit(shown, &real.findings()),
        TestForm::Markdown => markdown(located),
        TestForm::Github => github(located),
    }
}

/// The real Codex, in a program that was built to ask it.
#[cfg(feature = "against")]
mod real {
    use std::num::NonZeroUsize;

    use codex_schema::diagnostic::Diagnostic;

    use crate::against::programs::{Missing, Places, find};
    use crate::against::{Against, against};
    use crate::cases::Selection;
    use crate::cli::arguments::{AgainstArgs, Test};
    use crate::cli::world::{cache_folder, installed_codex};
    use crate::render::cases::{Shown, real_human, real_json, real_plain};
    use crate::render::paint::Paint;
    use crate::repository::Repository;

    /// What came of every version.
    pub(super) struct Answers<'repository>(Vec<Against<'repository>>);

    /// Asks all versions that are named.
    pub(super) fn ask<'repository>(
        arguments: &Test,
        repository: &'repository Repository,
        selection: &Selection<'_>,
    ) -> Result<Answers<'repository>, String> {
        let AgainstArgs { against: versions, codex, install } = &arguments.against;
        let Some(versions) = versions else { return Ok(Answers(Vec::new())) };
        let unnamed =
            versions.0.iter().any(|version| codex.iter().all(|(named, _)| named != version));
        let places = Places {
            named: codex.iter().cloned().collect(),
            cache: cache_folder().map(|folder| folder.join("codex")),
            installed: unnamed.then(installed_codex).flatten(),
            missing: if *install { Missing::Install } else { Missing::Refuse },
        };
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let programs = versions
            .0
            .iter()
            .map(|version| find(*version, &places).map(|program| (*version, program)))
            .collect::<Result<Vec<_>, String>>()?;
        let one = |(version, program)| {
            against(repository, selection, version, &program, threads)
                .map_err(|error| format!("the real Codex cannot be asked here: {error}"))
        };
        programs.into_iter().map(one).collect::<Result<Vec<_>, String>>().map(Answers)
    }

    impl Answers<'_> {
        pub(super) fn failed(&self) -> bool {
            let bad = |run: &Against<'_>| {
                run.failed().next().is_some() || run.disagreements().next().is_some()
            };
            self.0.iter().any(bad)
        }

        pub(super) fn findings(&self) -> Vec<Diagnostic> {
            self.0.iter().flat_map(Against::findings).collect()
        }

        pub(super) fn human(&self, shown: Shown<'_>, paint: Paint) -> String {
            real_human(&self.0, shown, paint)
        }

        pub(super) fn plain(&self, shown: Shown<'_>) -> String {
            real_plain(&self.0, shown)
        }

        pub(super) fn json(&self) -> serde_json::Value {
            real_json(&self.0)
        }
    }
}

/// A program that was built without the real Codex.
#[cfg(not(feature = "against"))]
mod real {
    use std::marker::PhantomData;

    use codex_schema::diagnostic::Diagnostic;

    use crate::cases::Selection;
    use crate::cli::arguments::Test;
    use crate::render::cases::Shown;
    use crate::render::paint::Paint;
    use crate::repository::Repository;

    /// Nothing.
    pub(super) struct Answers<'repository>(PhantomData<&'repository ()>);

    pub(super) fn ask<'repository>(
        arguments: &Test,
        _: &'repository Repository,
        _: &Selection<'_>,
    ) -> Result<Answers<'repository>, String> {
        match arguments.against.against {
            None => Ok(Answers(PhantomData)),
            Some(_) => Err("this program was built without `--against`".to_owned()),
        }
    }

    // What it never is, `ask` never returns.
    #[expect(clippy::unused_self, reason = "in the place of answers")]
    impl Answers<'_> {
        pub(super) fn failed(&self) -> bool {
            false
        }

        pub(super) fn findings(&self) -> Vec<Diagnostic> {
            Vec::new()
        }

        pub(super) fn human(&self, _: Shown<'_>, _: Paint) -> String {
            String::new()
        }

        pub(super) fn plain(&self, _: Shown<'_>) -> String {
            String::new()
        }

        pub(super) fn json(&self) -> serde_json::Value {
            serde_json::Value::Null
        }
    }
}
