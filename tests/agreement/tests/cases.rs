//! Policy tests on the real Codex: the examples' own cases, and cases that an older version fails.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be read fails the test")]
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::num::NonZeroUsize;

use codex_compiler::against::{Against, Real, against};
use codex_compiler::cases::{Selection, run};
use codex_compiler::files::{Files, MemoryFiles, RealFiles};
use codex_compiler::repository::{Repository, read};
use codex_compiler::starter::{Subject, repository as started};
use codex_oracle::{install, require_or_announce};
use codex_schema::types::policy::Date;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };
const SELECTION: Selection<'_> = Selection { today: TODAY, filter: None };
const EXAMPLES: [&str; 4] = ["startup", "bank", "open-source-ci", "safe-defaults"];

fn sound(files: &dyn Files, top: &str) -> Repository {
    let repository = read(files, top, TODAY);
    assert!(repository.diagnostics.is_empty(), "{:#?}", repository.diagnostics);
    repository
}

/// The examples, and what `init` writes.
fn repositories() -> Vec<(&'static str, Repository)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/policy");
    let one =
        |name: &'static str| (name, sound(&RealFiles::new(None), &format!("{folder}/{name}")));
    let mut all: Vec<_> = EXAMPLES.into_iter().map(one).collect();
    let mut files = MemoryFiles::default();
    for (path, text) in started(&Subject::named("Example".to_owned())) {
        files.put(format!("/p/{path}"), text);
    }
    all.push(("init", sound(&files, "/p")));
    all
}

#[test]
fn the_examples_pass_their_tests_and_ask_about_nearly_everything() {
    for (name, repository) in repositories() {
        let run = run(&repository, &SELECTION);
        let failed: Vec<_> = run.cases.iter().filter(|case| !case.passed()).collect();
        assert_eq!(run.failed(), 0, "{name}: {failed:#?}");
        let percent = run.coverage.percent();
        assert!(name == "init" || percent >= 90, "{name}: {percent} %");
    }
}

fn asked<'all>(repository: &'all Repository, version: &str) -> Option<Against<'all>> {
    let program = require_or_announce(install(version))?;
    let threads = NonZeroUsize::new(2).unwrap();
    let version = version.parse().unwrap();
    require_or_announce(against(repository, &SELECTION, version, &program, threads))
}

#[test]
fn the_real_codex_answers_the_examples_as_the_model_does() {
    for (name, repository) in repositories() {
        let Some(run) = asked(&repository, "0.169.0") else { return };
        let failed: Vec<_> = run.failed().collect();
        assert!(failed.is_empty(), "{name}: {failed:#?}");
        let different: Vec<_> = run.disagreements().collect();
        assert!(different.is_empty(), "{name}: {different:#?}");
        // Most cases can be asked.
        assert!(run.passed() > 2 * run.not_asked().count(), "{name}: {}", run.passed());
    }
}

const POLICY: &str = "\
[permissions.filesystem]
deny_read = ['~/.ssh']
[experimental_network]
enabled = true
[experimental_network.domains]
'**.evil.example' = 'deny'
[rules]
prefix_rules = [
  { pattern = [{ token = 'sudo' }], decision = 'forbidden', justification = 'no' },
]
";

const CASES: &str = "\
[[case]]
name = 'host'
when.domain = 'a.evil.example'
expect.decision = 'deny'
[[case]]
name = 'path'
when.path = '~/.ssh/id'
expect.decision = 'deny'
[[case]]
name = 'command'
when.command = ['sudo', 'ls']
expect.decision = 'deny'
[[case]]
name = 'wrong'
when.command = ['ls']
expect.decision = 'deny'
[[case]]
name = 'by path'
when.command = ['/bin/ls']
expect.decision = 'allow'
";

/// What each case comes to: `+` as expected, `x` otherwise, `-` not asked.
fn outcome(version: &str) -> Option<String> {
    let mut files = MemoryFiles::default();
    files.put("/p/policy.toml", "organisation.name = 'E'\n[cohorts.everyone]\ndefault = true\n");
    files.put("/p/baseline/requirements.toml", POLICY);
    files.put("/p/policy.test.toml", CASES);
    let repository = sound(&files, "/p");
    let run = asked(&repository, version)?;
    let one = |row: &codex_compiler::against::Row<'_>| match &row.codex {
        Real::Shown { expected: true, .. } => "+",
        Real::Shown { expected: false, .. } => "x",
        Real::NotAsked(_) => "-",
        Real::Broken(why) => panic!("{why}"),
    };
    Some(run.rows.iter().map(one).collect())
}

#[test]
fn a_case_that_an_older_version_fails_is_shown_as_such() {
    // 0.98.0 knows neither hosts nor denied paths, 0.118.0 no denied paths.
    for (version, expected) in [("0.169.0", "+++x-"), ("0.118.0", "+x+x-"), ("0.98.0", "xx+x-")] {
        let Some(outcome) = outcome(version) else { return };
        assert_eq!(outcome, expected, "{version}");
    }
}
