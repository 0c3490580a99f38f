//! The forms for other programs: snapshots, and what their readers rely on.

use std::collections::BTreeSet;

use codex_schema::types::policy::Date;
use serde_json::Value;

use super::*;
use crate::check::{Input, Options, check};
use crate::suppress::suppress;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

fn report(files: &[(&str, &str)]) -> Report {
    let inputs = files.iter().map(|(name, text)| Input {
        name: (*name).to_owned(),
        content: Ok(text.as_bytes().to_vec()),
        kind: None,
    });
    suppress(check(inputs.collect(), &Options::default()), TODAY)
}

const SAMPLE: &[(&str, &str)] = &[
    (
        "baseline/requirements.toml",
        "allowed_sandbox_mode = [\"read-only\"]\n\
         # codex-config: allow(CX0104) until=2026-12-31 reason=\"moves <soon> | NET-41\"\n\
         allowed_approval_policies = [\"on-request\", \"on-request\"]\n\
         [model_providers.p]\nname = 5\nexperimental_bearer_token = \"sk-very-secret\"\n",
    ),
    ("a, b:%::error ::x\n.rules", "prefix_rule(pattern = [], decision = \"prompt\")\n"),
    ("good.requirements.toml", "allow_appshots = true\n"),
    (
        "bundle.json",
        "{\"requirements_toml\":{\"enterprise_managed\":[{\"id\":\"f\",\"name\":\"n\",\
         \"contents\":\"\\n\\nallow_appshot = true\"}]}}",
    ),
];

fn located(report: &Report) -> Located<'_> {
    Located { report, folder: "" }
}

/// Compares with a committed file; run with `UPDATE=1` to write it.
fn snapshot(name: &str, text: &str) {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/diagnostics/snapshots");
    let path = folder.join(name);
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(committed, text, "{name} is out of date: UPDATE=1 cargo test");
}

fn log(report: &Report) -> Value {
    serde_json::from_str(&sarif(located(report))).unwrap()
}

#[test]
fn forms_are_stable() {
    let report = report(SAMPLE);
    snapshot("human.txt", &human(&report, Style::default()));
    snapshot("plain.txt", &plain(&report));
    snapshot("github.txt", &github(located(&report)));
    snapshot("junit.xml", &junit(located(&report)));
    snapshot("markdown.md", &markdown(located(&report)));
    let mut json = to_value(&report);
    snapshot("check.json", &format!("{:#}\n", json.take()));
    // The rules grow with every new code; what is said of findings does not.
    let mut log = log(&report);
    let results = log.pointer_mut("/runs/0/results").unwrap().take();
    let text = format!("{results:#}\n");
    // Where a rule stands in the list of rules changes with new codes, too.
    let lines = text.lines().filter(|line| !line.contains("\"ruleIndex\""));
    snapshot("sarif-results.json", &lines.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn no_form_shows_a_secret() {
    let report = report(SAMPLE);
    for text in [
        human(&report, Style::default()),
        plain(&report),
        json(&report),
        sarif(located(&report)),
        github(located(&report)),
        junit(located(&report)),
        markdown(located(&report)),
    ] {
        assert!(!text.contains("very-secret"), "{text}");
        assert!(text.contains("CX0101"), "{text}");
    }
}

/// What the SARIF 2.1.0 schema and code scanning services ask of the parts that are written.
#[test]
fn sarif_has_the_required_structure() {
    let report = report(SAMPLE);
    let log = log(&report);
    assert_eq!(log["version"], "2.1.0");
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "codex-config");
    assert_eq!(runs[0]["columnKind"], "unicodeCodePoints");
    let rules = driver["rules"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    for rule in rules {
        assert!(ids.insert(rule["id"].as_str().unwrap()), "{rule}");
        for text in ["shortDescription", "fullDescription", "help"] {
            assert!(!rule[text]["text"].as_str().unwrap().is_empty(), "{rule}");
        }
        assert!(
            ["note", "warning", "error"]
                .contains(&rule["defaultConfiguration"]["level"].as_str().unwrap())
        );
    }
    let results = runs[0]["results"].as_array().unwrap();
    assert_eq!(results.len(), report.diagnostics.len() + report.allowed.len());
    let mut fingerprints = BTreeSet::new();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["note", "warning", "error"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let prints = result["partialFingerprints"].as_object().unwrap();
        assert!(prints.values().all(Value::is_string));
        assert!(fingerprints.insert(prints["codexConfigFinding/v1"].to_string()), "{result}");
        let locations = result["locations"].as_array().unwrap();
        assert_eq!(locations.len(), 1, "{result}");
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        for location in locations.iter().chain(related) {
            let physical = &location["physicalLocation"];
            let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte);
            assert!(!uri.is_empty() && uri.bytes().all(plain), "{uri}");
            let Some(region) = physical.get("region") else { continue };
            let number = |name: &str| region[name].as_u64().unwrap();
            assert!(number("startLine") >= 1 && number("startColumn") >= 1);
            let (start, end) = (
                (number("startLine"), number("startColumn")),
                (number("endLine"), number("endColumn")),
            );
            assert!(start <= end, "{region}");
        }
        for suppression in result["suppressions"].as_array().into_iter().flatten() {
            assert_eq!(suppression["kind"], "inSource");
            assert_eq!(suppression["status"], "accepted");
            assert!(suppression["justification"].as_str().unwrap().contains("until 2026-12-31"));
        }
    }
    let suppressed = results.iter().filter(|result| result.get("suppressions").is_some());
    assert_eq!(suppressed.count(), 1);
    assert!(results.iter().any(|result| result.get("fixes").is_some()));
}

fn prints(text: &str) -> BTreeSet<String> {
    let log = log(&report(&[("requirements.toml", text)]));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let print =
        |result: &Value| result["partialFingerprints"]["primaryLocationLineHash"].to_string();
    results.iter().map(print).collect()
}

#[test]
fn fingerprints_survive_lines_above_and_tell_equal_lines_apart() {
    let text = "modle = 1\n[features]\nappz = true\n";
    assert_eq!(prints(text), prints(&format!("# new\n\n{}", text.replace("modle", "  modle"))));
    assert_ne!(prints(text), prints(&text.replace("appz", "appy")));
    let twice = "allowed_approval_policies = [\"never\", \"never\", \"never\"]\n";
    let count = report(&[("requirements.toml", twice)]).diagnostics.len();
    assert!(count > 1);
    assert_eq!(prints(twice).len(), count);
}

#[test]
fn nothing_breaks_out_of_a_workflow_command() {
    let text = github(located(&report(SAMPLE)));
    let lines: Vec<&str> = text.lines().collect();
    let (summary, commands) = lines.split_last().unwrap();
    assert!(!summary.starts_with("::"));
    for line in commands {
        let rest = line.strip_prefix("::").unwrap();
        let (head, _) = rest.split_once("::").unwrap();
        let (level, properties) = head.split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap();
            let known = ["file", "line", "endLine", "col", "endColumn", "title"];
            assert!(known.contains(&name), "{line}");
            assert!(!value.contains([':', '\r', '\n']), "{line}");
        }
    }
    assert!(text.contains("file=a%2C b%3A%25%3A%3Aerror %3A%3Ax%0A.rules"), "{text}");
}

#[test]
fn junit_is_xml_with_a_case_for_each_file() {
    let text = junit(located(&report(SAMPLE)));
    let mut reader = quick_xml::Reader::from_str(&text);
    let (mut cases, mut failures) = (0, 0);
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Start(tag) | quick_xml::events::Event::Empty(tag) => {
                assert!(tag.attributes().all(|one| one.is_ok()), "{tag:?}");
                cases += usize::from(tag.name().as_ref() == "testcase");
                failures += usize::from(tag.name().as_ref() == "failure");
            }
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!((cases, failures), (4, 3), "{text}");
}

#[test]
fn markdown_reads_nothing_an_author_wrote() {
    let hostile = "\"x|<script>`@all`[a](http://b)\" = 1\n";
    let text = markdown(located(&report(&[("a|b`<i>/requirements.toml", hostile)])));
    let row = text.lines().find(|line| line.contains("CX0101")).unwrap();
    assert_eq!(row.matches('|').count(), 4, "{row}");
    for part in ["<script>", "<i>", "@all", "](", "`"] {
        assert!(!row.contains(part), "{part} in {row}");
    }
}

#[test]
fn names_start_where_the_reader_stands() {
    let report = report(&[("baseline/requirements.toml", "modle = 1\n")]);
    let text = github(Located { report: &report, folder: "./policy/" });
    assert!(text.contains("file=policy/baseline/requirements.toml,"), "{text}");
}
