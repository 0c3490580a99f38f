//! The repository that everybody starts from, and how it gets to a disk.

use super::place::{PlaceError, write};
use super::*;
use crate::check::{Scope, Surroundings, check_tree};
use crate::files::{Files, RealFiles};
use crate::repository;
use codex_schema::types::policy::Date;

const TODAY: Date = Date { year: 2026, month: 11, day: 25 };

fn found(files: &dyn Files, top: &str) -> Vec<String> {
    let surroundings = Surroundings::default();
    let scope = Scope { today: TODAY, wanted: &|_| true, surroundings: &surroundings };
    let tree = check_tree(files, top, &scope);
    tree.report.diagnostics.iter().map(|one| format!("{} {}", one.code, one.message)).collect()
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn nothing_is_wrong_with_it_whatever_the_name() {
    for name in ["Example", "A \"quoted\" \\ name", "two\nlines", "@VERSIONS@", "日本"] {
        let top = tempfile::tempdir().unwrap();
        let place = top.path().join("new/policy");
        write(&place, &super::repository(&Subject::named(name.to_owned()))).unwrap();
        let place = place.display().to_string();
        assert_eq!(found(&RealFiles::new(None), &place), [""; 0], "{name}");
        let read = repository::read(&RealFiles::new(None), &place, TODAY);
        assert_eq!(read.manifest.organisation, name);
    }
}

/// Editors find the schema of every file by its first line.
#[test]
fn every_toml_file_names_its_schema() {
    let texts = super::repository(&Subject::named("E".to_owned()));
    for (path, text) in &texts {
        let file = std::path::Path::new(path);
        if file.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let schema = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).unwrap();
        let folder = file.parent().unwrap();
        let mut parts: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
        for part in schema.split('/') {
            if part == ".." {
                parts.pop().unwrap();
            } else {
                parts.push(part);
            }
        }
        assert!(texts.contains_key(&parts.join("/")), "{path}: {schema}");
    }
}

#[test]
fn nothing_is_replaced_and_nothing_is_left_behind() {
    let texts = super::repository(&Subject::named("E".to_owned()));
    let top = tempfile::tempdir().unwrap();
    write(top.path(), &texts).unwrap();
    assert!(matches!(write(top.path(), &texts), Err(PlaceError::IsRepository(_))));

    let top = tempfile::tempdir().unwrap();
    std::fs::create_dir(top.path().join("baseline")).unwrap();
    std::fs::write(top.path().join("baseline/config.toml"), "mine").unwrap();
    std::fs::write(top.path().join("exceptions"), "a file").unwrap();
    let error = write(top.path(), &texts).unwrap_err().to_string();
    assert!(error.contains("baseline/config.toml") && error.contains("exceptions`"), "{error}");
    assert_eq!(names(top.path()), ["baseline", "exceptions"]);
    assert_eq!(names(&top.path().join("baseline")), ["config.toml"]);
    assert_eq!(std::fs::read_to_string(top.path().join("baseline/config.toml")).unwrap(), "mine");
}

#[test]
fn what_is_there_stays_beside_it() {
    let texts = super::repository(&Subject::named("E".to_owned()));
    let top = tempfile::tempdir().unwrap();
    std::fs::create_dir(top.path().join(".git")).unwrap();
    std::fs::write(top.path().join("LICENSE"), "mine").unwrap();
    write(top.path(), &texts).unwrap();
    let expect = [
        ".git",
        ".schemas",
        "LICENSE",
        "README.md",
        "baseline",
        "exceptions",
        "policy.test.toml",
        "policy.toml",
    ];
    assert_eq!(names(top.path()), expect);
}

/// A folder that cannot be written to in the middle: what was made before is taken away again.
#[test]
fn a_failure_half_way_leaves_nothing() {
    let top = tempfile::tempdir().unwrap();
    let mut texts = super::repository(&Subject::named("E".to_owned()));
    texts.insert("z/\0".to_owned(), String::new());
    assert!(matches!(write(&top.path().join("p"), &texts), Err(PlaceError::Io(..))));
    assert_eq!(names(top.path()), [""; 0]);
}
