use super::*;
use crate::check::{Input, Options, check};

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

fn of(name: &str, text: &str) -> Report {
    let input = Input { name: name.to_owned(), content: Ok(text.into()), kind: None };
    suppress(check(vec![input], &Options::default()), TODAY)
}

fn codes(report: &Report) -> Vec<String> {
    report.diagnostics.iter().map(|found| found.code.to_string()).collect()
}

const FINDING: &str = "allowed_approval_policies = [\"on-request\", \"on-request\"]";
const COMMENT: &str = "# codex-config: allow(CX0104) until=2026-12-31 reason=\"moves, NET-41\"";

#[test]
fn findings_are_allowed_on_the_line_and_right_below() {
    for text in [
        format!("{FINDING} {COMMENT}\n"),
        format!("{COMMENT}\n{FINDING}\n"),
        format!("{COMMENT}\n# another\n{FINDING}\n"),
        format!("# codex-config: allow(CX0104) reason=\"a # b\" until=2026-11-25\n{FINDING}\n"),
    ] {
        let report = of("requirements.toml", &text);
        assert_eq!(codes(&report), Vec::<String>::new(), "{text}");
        let [allowed] = report.allowed.as_slice() else { panic!("{text}") };
        assert_eq!(allowed.diagnostic.code, Code::DuplicateEntry);
        assert!(!allowed.reason.is_empty());
        assert_eq!((report.files[0].errors, report.files[0].warnings), (0, 0));
    }
}

#[test]
fn comments_that_allow_nothing_are_findings() {
    let malformed = [
        "allow(CX0104) until=2026-12-31",
        "allow(CX0104) reason=\"x\"",
        "allow(CX0104) until=2026-12-31 reason=\" \"",
        "allow(CX0104) until=2026-02-30 reason=\"x\"",
        "allow(CX0104) until=2027-11-27 reason=\"x\"",
        "allow(CX9999) until=2026-12-31 reason=\"x\"",
        "allow() until=2026-12-31 reason=\"x\"",
        "allow(CX0104) until=2026-12-31 reason=\"x",
        "allow(CX0104) until=2026-12-31 until=2026-12-31 reason=\"x\"",
        "deny(CX0104) until=2026-12-31 reason=\"x\"",
        "allow(CX0104) until=2026-12-31 reason=\"x\" and=more",
        "allow(CX0003) until=2026-12-31 reason=\"x\"",
        "allow(CX0102) until=2026-12-31 reason=\"x\"",
        "allow(CX0207) until=2026-12-31 reason=\"x\"",
        "allow(CX0603) until=2026-12-31 reason=\"x\"",
        "allow(CX0505) until=2026-12-31 reason=\"x\"",
        "allow(CX0701) until=2026-12-31 reason=\"x\"",
    ];
    for words in malformed {
        let report = of("requirements.toml", &format!("# codex-config: {words}\n{FINDING}\n"));
        assert_eq!(codes(&report), ["CX0601", "CX0104"], "{words}");
        assert_eq!((report.files[0].errors, report.files[0].warnings), (1, 1), "{words}");
    }
    let expired = COMMENT.replace("2026-12-31", "2026-11-24");
    assert_eq!(
        codes(&of("requirements.toml", &format!("{expired}\n{FINDING}\n"))),
        ["CX0602", "CX0104"]
    );
    for text in [
        format!("{COMMENT}\n\n{FINDING}\n"),
        format!("{FINDING}\n{COMMENT}\n"),
        format!("{FINDING} # x\nallow_appshots = true {COMMENT}\n"),
    ] {
        let mut found = codes(&of("requirements.toml", &text));
        found.sort();
        assert_eq!(found, ["CX0104", "CX0603"], "{text}");
    }
    let last = COMMENT.replace("2026-12-31", "2027-11-26");
    assert_eq!(codes(&of("requirements.toml", &format!("{last}\n{FINDING}\n"))), [""; 0]);
}

#[test]
fn what_stops_codex_cannot_be_allowed() {
    let text = "approval_policy = \"untrusted\" # codex-config: allow(CX0303) until=2026-12-31 \
                reason=\"x\"\n";
    let report = of("config.toml", text);
    assert_eq!(codes(&report), ["CX0303", "CX0601"]);
    assert!(report.allowed.is_empty());
}

#[test]
fn texts_are_no_comments() {
    let text = format!("x = \"\"\"\n{COMMENT}\n\"\"\"\n");
    assert_eq!(codes(&of("requirements.toml", &text)), ["CX0101"]);
    let rules = format!("x = '''\n{COMMENT}\n'''\ny = \"# codex-config: allow\"\n");
    assert!(comment::find(&rules, Language::Starlark).is_empty());
    let rules = format!("x = 'it\\'s' {COMMENT}\n{COMMENT}\nprefix_rule(pattern=['a'])\n");
    let found = comment::find(&rules, Language::Starlark);
    let places: Vec<_> = found.iter().map(|one| (one.line, one.below)).collect();
    assert_eq!(places, [(1, None), (2, Some(3))]);
}
