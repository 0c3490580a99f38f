//! Tests on the table itself: a row that is not whole does not get in.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde_json::Value as Json;

use crate::inspect::inspect;
use crate::key::{Key, Merge, Tighter};
use crate::lookup::{CASE, CONFIG, EXCEPTION, MANIFEST, PROPERTY, REQUIREMENTS, TEST, TRUST, Tree};
use crate::path::parts;
use crate::reader::{read_toml, read_toml_value};
use crate::span::SourceId;
use crate::value::Value;
use crate::version::Version;
use crate::{json_schema, reference};

fn all() -> [(&'static str, &'static Tree, &'static jsonschema::Validator); 8] {
    [
        ("requirements", &REQUIREMENTS, &REQUIREMENTS_SCHEMA),
        ("config", &CONFIG, &CONFIG_SCHEMA),
        ("policy", &MANIFEST, &POLICY_SCHEMA),
        ("exception", &EXCEPTION, &EXCEPTION_SCHEMA),
        ("trust", &TRUST, &TRUST_SCHEMA),
        ("test", &TEST, &TEST_SCHEMA),
        ("case", &CASE, &CASE_SCHEMA),
        ("property", &PROPERTY, &PROPERTY_SCHEMA),
    ]
}

/// The row's example as a whole document, with stand-ins for wildcards.
fn document(key: &Key) -> String {
    let parts: Vec<&str> =
        key.path.split('.').map(|part| if part == "*" { "name" } else { part }).collect();
    format!("{} = {}\n", parts.join("."), key.example)
}

#[test]
fn every_row_is_whole() {
    let mut wrong = String::new();
    for (table, tree, _) in all() {
        let mut paths = BTreeSet::new();
        let all: BTreeSet<&str> = tree.keys().iter().map(|key| key.path).collect();
        for key in tree.keys() {
            let mut complain = |what: &str| {
                let _ = writeln!(wrong, "{table} {}: {what}", key.path);
            };
            if !paths.insert(key.path) {
                complain("twice");
            }
            let first = key.doc.chars().next();
            if !key.doc.ends_with('.')
                || !first.is_some_and(|letter| letter.is_uppercase() || letter == '`')
            {
                complain("its doc is not a sentence");
            }
            if key.until.is_some_and(|until| until <= key.since) {
                complain("ends before it begins");
            }
            if key.was.iter().any(|was| all.contains(was)) {
                complain("a former name is also a key");
            }
            match read_toml_value(key.example, SourceId(0)) {
                None => complain("its example is not a TOML value"),
                Some(node) => {
                    if let Err(problem) = key.ty.canonical(&node) {
                        complain(&format!("its example is refused: {problem}"));
                    }
                    let list = matches!(node.value, Value::Array(_));
                    if matches!(key.merge, Merge::Append | Merge::Union) && !list {
                        complain("adds up and is no list");
                    }
                    if matches!(key.tighter, Tighter::Subset | Tighter::Superset) && !list {
                        complain("is compared as a set and is no list");
                    }
                }
            }
            if !key.default.is_empty() && read_toml_value(key.default, SourceId(0)).is_none() {
                complain("its default is not a TOML value");
            }
            if tree.find(&parts(key.path).collect::<Vec<_>>()).is_none() {
                complain("is not found under its own path");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Sections with required fields need them all: the example of one row alone is then incomplete.
fn incomplete(problem: &str) -> bool {
    problem.contains("missing field")
}

#[test]
fn every_example_passes_both_judges() {
    for (table, tree, validator) in all() {
        for key in tree.keys() {
            let text = document(key);
            let read = read_toml(&text, SourceId(0));
            assert!(read.problems.is_empty(), "{text}: {:?}", read.problems);
            let refused: Vec<_> = inspect(&read.root, tree, Version::NEWEST)
                .refused
                .into_iter()
                .filter(|problem| !incomplete(&problem.message))
                .collect();
            assert!(refused.is_empty(), "{table} {text}: {refused:?}");
            let json = serde_json::to_value(Value::Table(read.root)).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&json)
                .map(|error| error.to_string())
                .filter(|error| !error.contains("is a required property"))
                .collect();
            assert!(errors.is_empty(), "{table} {text}: {errors:?}");
        }
    }
}

/// Values of every kind, to be put where they do not belong.
const VALUES: &[&str] = &[
    "5",
    "-1",
    "70000",
    "1.5",
    "true",
    "'text'",
    "''",
    "[]",
    "['a']",
    "[1]",
    "[true]",
    "{}",
    "{a=1}",
    "{a='b'}",
    "2024-01-02",
    "['read-only']",
    "{name={}}",
    "'allow'",
    "['x', 'x']",
];

/// Where Codex accepts more than a schema can say, or less. Each with its reason.
const KNOWN_DIFFERENCES: &[(&str, &str, &str)] =
    &[("*", "2024-01-02", "serde reads dates as texts; JSON has none, so the schema sees a table")];

fn known_difference(path: &str, value: &str) -> bool {
    KNOWN_DIFFERENCES.iter().any(|(known, at, _)| (*known == "*" || *known == path) && *at == value)
}

/// Two independent judges must agree about right and wrong values of every row: the table's own
/// types and the `jsonschema` crate on the generated schema.
#[test]
fn types_and_schema_agree() {
    let mut wrong = String::new();
    for (table, tree, schema) in all() {
        for key in tree.keys() {
            for value in VALUES.iter().filter(|value| !known_difference(key.path, value)) {
                let text = document(&Key { example: value, ..**key });
                let read = read_toml(&text, SourceId(0));
                let node = read_toml_value(value, SourceId(0)).unwrap();
                // A field that is missing inside the value is told apart by other tests.
                let refused = key.ty.check(&node).err();
                if refused.as_ref().is_some_and(|problem| incomplete(&problem.message)) {
                    continue;
                }
                let json = serde_json::to_value(Value::Table(read.root)).unwrap();
                let errors: Vec<String> = schema
                    .iter_errors(&json)
                    .map(|error| error.to_string())
                    .filter(|error| !error.contains("is a required property"))
                    .collect();
                // serde reads a struct from the list of its fields; the schema wants a table.
                let positional = value.starts_with('[')
                    && errors.iter().all(|error| error.contains("type \"object\""));
                if refused.is_none() != errors.is_empty() && !(refused.is_none() && positional) {
                    let _ =
                        writeln!(wrong, "{table} {} = {value}: {refused:?}, {errors:?}", key.path);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{wrong}", wrong.lines().count());
}

static REQUIREMENTS_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::requirements()).unwrap());
static POLICY_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::policy()).unwrap());
static EXCEPTION_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::exception()).unwrap());
static TRUST_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::trust()).unwrap());
static TEST_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::test()).unwrap());
static CASE_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| element_of("case"));
static PROPERTY_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| element_of("property"));
static CONFIG_SCHEMA: std::sync::LazyLock<jsonschema::Validator> =
    std::sync::LazyLock::new(|| jsonschema::validator_for(&json_schema::config()).unwrap());

/// What the schema of tests says of one element of a list.
fn element_of(list: &str) -> jsonschema::Validator {
    let whole = json_schema::test();
    let mut element = whole.pointer(&format!("/properties/{list}/items")).unwrap().clone();
    element["$defs"] = whole["$defs"].clone();
    jsonschema::validator_for(&element).unwrap()
}

/// Generated files are committed; `UPDATE=1 cargo test` makes them anew.
#[test]
fn generated_files_are_current() {
    let pretty = |json: &Json| serde_json::to_string_pretty(json).unwrap() + "\n";
    for (path, text) in [
        ("../docs/schema/requirements.json", pretty(&json_schema::requirements())),
        ("../docs/schema/config.json", pretty(&json_schema::config())),
        ("../docs/schema/policy.json", pretty(&json_schema::policy())),
        ("../docs/schema/exception.json", pretty(&json_schema::exception())),
        ("../docs/schema/trust.json", pretty(&json_schema::trust())),
        ("../docs/schema/test.json", pretty(&json_schema::test())),
        ("../docs/reference.md", reference::page()),
    ] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == text,
            "{path} is out of date: run UPDATE=1 cargo test -p codex-schema"
        );
    }
}
