//! Repositories with mistakes, told in texts.

use super::*;
use crate::files::MemoryFiles;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

fn told(files: &[(&str, &str)]) -> Vec<String> {
    let mut memory = MemoryFiles::default();
    for (path, text) in files {
        memory.put(format!("/p/{path}"), *text);
    }
    let repository = read(&memory, "/p", TODAY);
    repository
        .diagnostics
        .iter()
        .map(|one| {
            let place = repository.documents.place(one.primary.span);
            format!("{place} {} {}", one.code, one.message)
        })
        .collect()
}

const GOOD: (&str, &str) =
    ("policy.toml", "organisation.name = 'Example'\n[cohorts.all]\ndefault = true\n");

#[test]
fn a_small_repository_is_fine() {
    assert_eq!(told(&[GOOD, ("baseline/requirements.toml", "allow_appshots = false\n")]), [""; 0]);
}

#[test]
fn without_a_manifest_there_is_no_repository() {
    let told = told(&[("baseline/requirements.toml", "")]);
    assert_eq!(told, ["policy.toml:1:1 CX0711 there is no `policy.toml` in `/p`"]);
}

#[test]
fn names_types_and_fields_of_our_own_files() {
    let found = told(&[
        (
            "policy.toml",
            "[organisation]\nname = 5\ncontct = 'x'\n[cohorts.all]\ndefault = true\nos = ['bsd']\n\
             [codex]\nversions = ['latest']\n",
        ),
        ("exceptions/x.toml", "target = 'teams/pay'\nexpires = '2027-02-30'\nowner = 'a'\n"),
    ]);
    let expect = [
        "policy.toml:3:1 CX0101 unknown key `organisation.contct`",
        "policy.toml:2:8 CX0102 ",
        "policy.toml:6:7 CX0201 ",
        "policy.toml:8:13 CX0203 ",
        "exceptions/x.toml:1:1 CX0202 missing field `reason`",
        "exceptions/x.toml:2:11 CX0203 `expires`: `2027-02-30` is not a day like `2027-01-31`",
        "exceptions/x.toml:1:10 CX0702 there is no team `pay`",
    ];
    for text in expect {
        assert!(found.iter().any(|one| one.starts_with(text)), "{text}: {found:#?}");
    }
}

#[test]
fn cohorts_that_overlap_and_machines_without_one() {
    let folder = ("teams/pay/README.md", "");
    let found = told(&[
        (
            "policy.toml",
            "organisation.name = 'E'\n[cohorts.a]\nteam = 'pay'\nhosts = ['pay-*']\n\
             [cohorts.b]\nteam = 'pay'\nhosts = ['*-1']\n",
        ),
        folder,
    ]);
    assert_eq!(
        found,
        [
            "policy.toml:5:10 CX0704 cohorts `a` and `b` both select a machine of team `pay`, host \
             `pay-1`",
            "policy.toml:1:1 CX0705 no cohort selects every machine with system `linux`, team \
             `pay`, no environment that a cohort names, no group that a cohort names",
        ]
    );
}

#[test]
fn includes_that_miss_or_turn_back() {
    let found = told(&[
        (
            "policy.toml",
            "organisation.name = 'E'\n[cohorts.a]\nteam = 'pay'\ndefault = true\n\
             [teams.pay]\ninclude = ['teams/base', 'teams/bse']\n\
             [teams.base]\ninclude = ['teams/pay']\n",
        ),
        ("teams/pay/README.md", ""),
        ("teams/base/README.md", ""),
    ]);
    assert_eq!(
        found,
        [
            "policy.toml:8:12 CX0703 `teams/base` includes `teams/pay`, which includes it",
            "policy.toml:6:12 CX0703 `teams/pay` includes `teams/base`, which includes it",
            "policy.toml:6:26 CX0702 there is no folder `teams/bse`",
        ]
    );
}

#[test]
fn misspelt_files_and_unknown_folders() {
    let found = told(&[
        (
            "policy.toml",
            "organisation.name = 'E'\n[cohorts.a]\nteam = 'payments'\ndefault = true\n\
             [delegation]\n'teams/*' = ['featuers.*']\n",
        ),
        ("teams/payment/requirement.toml", ""),
        ("baseline/requirements.toml", "a = \n"),
    ]);
    assert_eq!(
        found,
        [
            "baseline/requirements.toml:1:5 CX0003 string values must be quoted, expected literal \
             string",
            "teams/payment/requirement.toml:1:1 CX0707 nothing reads \
             `teams/payment/requirement.toml`",
            "policy.toml:6:14 CX0101 `featuers.*` is no key of policy",
            "policy.toml:3:8 CX0702 there is no folder `teams/payments`",
        ]
    );
}
