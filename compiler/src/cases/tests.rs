//! Tests of tests: what passes, what fails and how it is told.

use codex_schema::types::policy::Date;

use super::{Selection, findings, run};
use crate::files::MemoryFiles;
use crate::render::cases::{ShowCoverage, Shown, human, json, junit, plain};
use crate::render::paint::Paint;
use crate::repository::{Repository, read};

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

const MANIFEST: &str = r#"
organisation = { name = "E" }
codex = { versions = ["0.157.1", "0.169.0"] }
endpoints = { os = ["linux", "macos"] }
[cohorts.everyone]
default = true
[cohorts.pay]
team = "pay"
os = ["macos"]
[cohorts.pay-linux]
team = "pay"
os = ["linux", "windows"]
codex_versions = ["0.169.0"]
"#;

const BASELINE: &str = r#"
allowed_approval_policies = ["on-request", "never"]
[experimental_network]
enabled = true
[experimental_network.domains]
"**.evil.example" = "deny"
"good.example" = "allow"
[features]
memories = false
"#;

fn repository(test: &str) -> Repository {
    let mut files = MemoryFiles::default();
    files.put("/p/policy.toml", MANIFEST);
    files.put("/p/baseline/requirements.toml", BASELINE);
    files.put(
        "/p/teams/pay/requirements.toml",
        "[experimental_network.domains]\n'pay.example' = 'deny'\n",
    );
    files.put("/p/policy.test.toml", test);
    read(&files, "/p", TODAY)
}

/// The problems of a test file, each with its place.
fn problems(test: &str) -> Vec<String> {
    let repository = repository(test);
    let one = |it: &codex_schema::diagnostic::Diagnostic| {
        let place = repository.documents.place(it.primary.span);
        let help = it.help.as_deref().unwrap_or_default();
        format!("{place} {} {} [{help}]", it.code, it.message)
    };
    repository.diagnostics.iter().map(one).collect()
}

fn case(rest: &str) -> String {
    format!("[[case]]\nname = 'n'\n{rest}\n")
}

const SELECTION: Selection<'_> = Selection { today: TODAY, filter: None };

#[test]
fn a_case_holds_for_every_cohort_and_version_that_it_selects() {
    for (test, asked, passes) in [
        ("when.domain = 'a.evil.example'\nexpect.decision = 'deny'", 5, true),
        ("when.domain = 'good.example:443'\nexpect.decision = 'allow'", 5, true),
        ("when.domain = 'good.example'\nexpect.decision = 'deny'", 5, false),
        ("scope.team = 'pay'\nwhen.domain = 'pay.example'\nexpect.decision = 'deny'", 3, true),
        ("when.domain = 'pay.example'\nexpect.decision = 'deny'", 5, false),
        ("scope.os = 'linux'\nwhen.domain = 'x.example'\nexpect.decision = 'prompt'", 3, true),
        (
            "scope = { team = '*', codex_versions = ['0.169.0'] }\nwhen.feature = 'memories'\n\
             expect.decision = 'deny'",
            2,
            true,
        ),
        ("when.mcp = 'any'\nexpect.decision = 'unmanaged'", 5, true),
        (
            "when = { setting = 'approval_policy', value = 'untrusted' }\n\
             expect = { decision = 'deny', value = 'on-request' }",
            5,
            true,
        ),
        (
            "when = { setting = 'approval_policy', session.approval_policy = 'never' }\n\
             expect.value = 'never'",
            5,
            true,
        ),
        ("when.requirement = 'features.memories'\nexpect.value = false", 5, true),
        ("when.requirement = 'features.memories'\nexpect.value = true", 5, false),
    ] {
        let repository = repository(&case(test));
        assert!(repository.diagnostics.is_empty(), "{test}: {:?}", repository.diagnostics);
        let run = run(&repository, &SELECTION);
        assert_eq!(run.cases[0].asked.len(), asked, "{test}");
        assert_eq!(run.cases[0].passed(), passes, "{test}: {:?}", run.cases[0].asked);
        assert_eq!(findings(&run, &repository).len(), usize::from(!passes), "{test}");
    }
}

#[test]
fn the_deciding_entry_is_named_by_text_key_or_line() {
    for (rule, meant) in [
        ("baseline/requirements.toml#**.evil.example", true),
        ("baseline/requirements.toml#domains", true),
        ("baseline/requirements.toml:6", true),
        ("baseline/requirements.toml", true),
        ("baseline/requirements.toml:7", false),
        ("baseline/requirements.toml#good.example", false),
        ("teams/pay/requirements.toml", false),
    ] {
        let test = format!(
            "when.domain = 'x.evil.example'\nexpect = {{ decision = 'deny', rule = '{rule}' }}"
        );
        let repository = repository(&case(&test));
        let run = run(&repository, &SELECTION);
        assert_eq!(run.cases[0].passed(), meant, "{rule}: {:?}", run.cases[0].asked[0].misses);
    }
}

#[test]
fn every_mistake_of_a_file_has_a_place() {
    let test = "[[case]]\nnam = 'x'\nwhen = { domain = 'https://a.example/x' }\n\
                expect = { decision = 'den' }\n\
                [[case]]\nname = 'y'\nscope = { team = 'pya' }\nwhen.domain = 'a.example'\n\
                expect = { decision = 'deny', rule = 'baselin/requirements.toml#x' }\n\
                [[case]]\nname = 'y'\nwhen = { domain = 'a.example', command = ['x'] }\n\
                expect.decision = 'deny'\n\
                [[case]]\nname = 'z'\nwhen = { setting = 'approval_polcy' }\nexpect.value = 1\n\
                [[case]]\nname = 'v'\nwhen = { domain = 'a.example', access = 'read' }\n\
                expect = { placement = 'sandboxed', value = 1 }\n\
                [[case]]\nname = 'w'\nscope.os = 'macos'\nscope.cohort = 'pay-linux'\n\
                when = { domain = 'a.example', session = { aproval_policy = 'never' } }\n\
                expect = {}\n\
                [[property]]\nassert = 'tighter_or_equl(team.*, baseline)'\n\
                [[property]]\nassert = 'equal(team.nobody, baseline)'\n\
                [[property]]\nassert = 'equal(baseline)'\n";
    let told = problems(test);
    let wanted = [
        "2:1 CX0101 unknown key `nam` [did you mean `name`?]",
        "1:1 CX0202 missing field `name`",
        "3:19 CX0811 `https://a.example/x` is an address, not a host [write `a.example`]",
        "4:23 CX0201 `expect.decision`: unknown variant `den`",
        "7:18 CX0504 no cohort has the team `pya` [did you mean `pay`?]",
        "9:38 CX0811 there is no file `baselin/requirements.toml` in the repository",
        "12:42 CX0811 `when` asks two things, `domain` and `command` [make two cases of it]",
        "16:20 CX0811 Codex knows no setting `approval_polcy` [did you mean `approval_policy`?]",
        "20:41 CX0811 `access` belongs to `path`, not to `domain`",
        "21:24 CX0811 this has no placement",
        "21:45 CX0811 the answer to this has no value",
        "26:44 CX0101 Codex knows no setting `aproval_policy` [did you mean `approval_policy`?]",
        "27:10 CX0811 `expect` expects nothing [give at least a `decision`]",
        "29:10 CX0812 there is no function `tighter_or_equl`: did you mean `tighter_or_equal`?",
        "31:10 CX0504 `team.nobody` is the policy of no cohort",
        "33:10 CX0812 `equal` takes two sets of policies, not 1",
    ];
    for one in wanted {
        let found = told.iter().any(|it| it.starts_with(&format!("policy.test.toml:{one}")));
        assert!(found, "{one}\n{told:#?}");
    }
    assert_eq!(told.len(), wanted.len(), "{told:#?}");
}

#[test]
fn a_scope_that_fits_nobody_is_an_error() {
    let test = "scope = { cohort = 'pay-linux', os = 'macos' }\nwhen.domain = 'a.example'\n\
                expect.decision = 'deny'";
    let told = problems(&case(test));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("CX0504 no cohort is all of this at once"), "{told:?}");
    let test = "scope.codex_versions = ['0.100.0']\nwhen.domain = 'a.example'\n\
                expect.decision = 'deny'";
    assert!(problems(&case(test))[0].contains("no selected cohort uses Codex 0.100.0"));
}

#[test]
fn secrets_cannot_be_asked_for() {
    let test = "when.requirement = 'otel.exporter'\nexpect.value = 1";
    assert!(problems(&case(test))[0].contains("`otel.exporter` is a secret"));
}

#[test]
fn properties_hold_over_the_whole_policy() {
    for (assertion, pairs, broken) in [
        ("tighter_or_equal(team.*, baseline)", 2, 0),
        ("tighter_or_equal(baseline, team.pay)", 2, 2),
        ("equal(cohort.everyone, baseline)", 1, 0),
        ("equal( team.pay ,cohort.pay )", 2, 0),
        ("equal(cohort.*, cohort.*)", 9, 4),
    ] {
        let repository = repository(&format!("[[property]]\nassert = '{assertion}'\n"));
        assert!(repository.diagnostics.is_empty(), "{:?}", repository.diagnostics);
        let run = run(&repository, &SELECTION);
        assert_eq!(run.properties[0].pairs, pairs, "{assertion}");
        assert_eq!(run.properties[0].broken.len(), broken, "{assertion}");
    }
}

#[test]
fn coverage_counts_what_answers_name() {
    let deny = case("when.domain = 'a.evil.example'\nexpect.decision = 'deny'");
    let all = repository("");
    let none = run(&all, &SELECTION).coverage;
    // Two values of a list, `enabled`, three hosts, one feature.
    assert_eq!((none.exercised(), none.total()), (0, 7));
    let one = repository(&deny);
    let one = run(&one, &SELECTION).coverage;
    assert_eq!((one.exercised(), one.percent()), (1, 14));
    let (span, entry) = one.entries().find(|(_, entry)| entry.exercised).unwrap();
    assert_eq!(
        (entry.key.as_str(), entry.text.as_str()),
        ("experimental_network.domains.\"**.evil.example\"", "deny")
    );
    assert_eq!(one.entries().count(), 7);
    assert!(span.start > 0);
    let list =
        case("when = { setting = 'approval_policy', value = 'never' }\nexpect.decision = 'allow'");
    assert_eq!(run(&repository(&list), &SELECTION).coverage.exercised(), 2);
}

#[test]
fn a_failure_shows_what_decides_in_every_form() {
    let test = case("when.domain = 'a.evil.example'\nexpect.decision = 'allow'");
    let repository = repository(&test);
    let run = run(&repository, &SELECTION);
    let shown = Shown {
        run: &run,
        documents: &repository.documents,
        folder: "p",
        coverage: ShowCoverage::Summary,
    };
    let paint = Paint { color: false, ascii: true, width: 100 };
    let text = human(shown, paint);
    for part in [
        "x n   policy.test.toml:2:8",
        "expected    decision allow",
        "actual      deny",
        "everyone, pay on Codex 0.157.1, 0.169.0; pay-linux on Codex 0.169.0",
        "decided by  baseline/requirements.toml:6:1 experimental_network.domains **.evil.example",
        "p   1 case, 0 properties   + 0   x 1",
        "Coverage: 1/7 policy entries exercised (14 %).",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for (form, part) in [
        (plain(shown), "policy.test.toml:4:19: pay on 0.157.1: expected decision allow, got deny"),
        (junit(shown, &[]), "tests=\"1\" failures=\"1\""),
        (json(shown, &serde_json::Value::Null), "\"failed\": 1"),
    ] {
        assert!(form.contains(part), "{part}\n{form}");
    }
}

#[test]
fn a_filter_chooses_by_name() {
    let test = "[[case]]\nname = 'One'\nwhen.domain = 'a.example'\nexpect.decision = 'prompt'\n\
                [[case]]\nname = 'two'\nwhen.domain = 'a.example'\nexpect.decision = 'prompt'\n";
    let repository = repository(test);
    let chosen = run(&repository, &Selection { today: TODAY, filter: Some("one") });
    assert_eq!(chosen.cases.len(), 1);
    assert_eq!(chosen.cases[0].case.name.value, "One");
}
