//! What is in force and why, from a bundle's provenance; what changes from one bundle to the next.

use std::collections::BTreeMap;

use codex_schema::lookup::REQUIREMENTS;
use codex_schema::path::dotted;
use codex_schema::provenance::{Document, Origin, Provenance};
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::strictness::{Change as Which, changes};
use codex_schema::value::{Table, Value};
use codex_trust::bundle::{Bundle, REQUIREMENTS as REQUIREMENTS_FILE};

use crate::exceptions::as_toml;
use crate::pages::endpoint::Setting;
use crate::pages::parts::Source;
use crate::pages::releases::{Change, Direction};

/// The provenance of a bundle; none where it has none that this program reads.
fn provenance(bundle: &Bundle) -> Option<Provenance> {
    let raw = bundle.provenance.as_ref()?.get();
    Provenance::read(raw.as_bytes())
        .inspect_err(|error| tracing::warn!(%error, "pages do not tell where values come from"))
        .ok()
}

fn source(origin: &Origin, link: Option<&str>) -> Source {
    let Origin { file, line, commit, .. } = origin;
    let short = |id: &str| id.chars().take(7).collect::<String>();
    Source {
        place: format!("{file}:{line}"),
        link: link.zip(commit.as_ref()).map(|(link, commit)| {
            link.replace("{commit}", &commit.id)
                .replace("{path}", file)
                .replace("{line}", &line.to_string())
        }),
        whose: commit
            .as_ref()
            .map(|commit| format!("{}, {} {}", commit.author, short(&commit.id), commit.subject)),
    }
}

fn read(text: &str) -> Table {
    read_toml(text, SourceId(0)).root
}

fn shown(value: &Value) -> String {
    let text = as_toml(value).to_string();
    if text.chars().count() <= 400 {
        return text;
    }
    text.chars().take(400).chain(['…']).collect()
}

/// The values of a bundle with their lines.
pub(super) fn settings(bundle: &Bundle, link: Option<&str>) -> Vec<Setting> {
    let provenance = provenance(bundle);
    let config = bundle.files.get("config.toml").map_or("", String::as_str);
    let mut settings = Vec::new();
    for (text, document, kind) in [
        (bundle.requirements(), Document::Requirements, ""),
        (config, Document::Config, "default: "),
    ] {
        let table = read(text);
        let mut found = Vec::new();
        leaves(&table, &mut Vec::new(), &mut found);
        for (path, value) in found {
            let known = provenance.as_ref();
            let origin = known.and_then(|known| known.near(document, &path));
            let others = known.into_iter().flat_map(|known| known.voices(document, &path));
            let others = others.map(|(voices, at)| {
                format!("{} {} ({})", voices.voice, voices.outcome, source(&at, None).place)
            });
            settings.push(Setting {
                value,
                source: origin.map(|origin| source(&origin, link)),
                others: others.take(5).collect(),
                key: format!("{kind}{}", dotted(&path)),
            });
        }
    }
    settings
}

fn leaves<'table>(
    table: &'table Table,
    path: &mut Vec<&'table str>,
    found: &mut Vec<(Vec<&'table str>, String)>,
) {
    for entry in table {
        path.push(&entry.key.value);
        match &entry.node.value {
            Value::Table(below) if !below.is_empty() => leaves(below, path, found),
            other => found.push((path.clone(), shown(other))),
        }
        path.pop();
    }
}

/// What changes from a bundle to the next; without one before, everything is new.
pub(super) fn difference(old: Option<&Bundle>, new: &Bundle, link: Option<&str>) -> Vec<Change> {
    let provenance = provenance(new);
    let text = |bundle: Option<&Bundle>| bundle.map_or("", Bundle::requirements).to_owned();
    let (from, to) = (read(&text(old)), read(&text(Some(new))));
    let at = |table: &Table, path: &[String]| table.at(path).map(|node| shown(&node.value));
    let mut found: Vec<Change> = changes(&from, &to, &REQUIREMENTS)
        .into_iter()
        .filter_map(|one| {
            let direction = match one.change {
                Which::Equal => return None,
                Which::Looser => Direction::Looser,
                Which::Tighter => Direction::Tighter,
                Which::Incomparable => Direction::Incomparable,
            };
            let key = dotted(&one.path);
            Some(Change {
                direction,
                before: at(&from, &one.path),
                after: at(&to, &one.path),
                meaning: Some(one.key.doc.to_owned()),
                source: provenance
                    .as_ref()
                    .and_then(|known| known.near(Document::Requirements, &one.path))
                    .map(|origin| source(&origin, link)),
                key,
            })
        })
        .collect();
    found.extend(files(old, new));
    found
}

/// Files beside the requirements: defaults are no controls, and rule files are not compared here.
fn files(old: Option<&Bundle>, new: &Bundle) -> Vec<Change> {
    let empty = BTreeMap::new();
    let before = old.map_or(&empty, |old| &old.files);
    let mut names: Vec<&String> = before.keys().chain(new.files.keys()).collect();
    names.sort();
    names.dedup();
    let other = names.into_iter().filter(|name| *name != REQUIREMENTS_FILE);
    other
        .filter(|name| before.get(*name) != new.files.get(*name))
        .map(|name| {
            let lines = |text: &String| format!("{} lines", text.lines().count());
            let rules = name.starts_with("rules/");
            let meaning = if rules {
                "A rule file with another text: whether it decides the same is shown by `codex-config diff`."
            } else {
                "Managed defaults: no controls."
            };
            Change {
                direction: if rules { Direction::Incomparable } else { Direction::Neutral },
                key: name.clone(),
                before: before.get(name).map(lines),
                after: new.files.get(name).map(lines),
                meaning: Some(meaning.to_owned()),
                source: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use codex_compiler::check::{Scope, Surroundings, check_repository};
    use codex_compiler::compile::history::NoHistory;
    use codex_compiler::compile::{Compiler, PROVENANCE_FILE};
    use codex_compiler::files::MemoryFiles;
    use codex_schema::types::policy::Date;
    use codex_trust::audience::Audience;
    use codex_trust::bundle::{FORM, OnStale};
    use serde_json::value::RawValue;

    use super::*;

    /// What the compiler writes for a team that allows a host that the baseline denies.
    fn bundle(team: &str) -> Bundle {
        let today = Date { year: 2026, month: 11, day: 27 };
        let mut files = MemoryFiles::default();
        files.put(
            "/p/policy.toml",
            "organisation.name = 'Bank'\n[cohorts.pay]\nteam = 'pay'\ndefault = true\n".to_owned(),
        );
        let baseline = "allowed_approval_policies = ['on-request', 'never']\n\
                        [experimental_network]\nenabled = true\n\
                        domains = { 'repo.bank.example' = 'deny', 'b.example' = 'allow' }\n";
        files.put("/p/baseline/requirements.toml", baseline.to_owned());
        files.put("/p/teams/pay/requirements.toml", team.to_owned());
        let repository = codex_compiler::repository::read(&files, "/p", today);
        let compiler = Compiler::new(&NoHistory);
        let made = Mutex::new(None);
        let nothing_else = Surroundings::default();
        let scope = Scope { today, wanted: &|_| true, surroundings: &nothing_else };
        check_repository(repository, &scope, &|repository, cohort, policy| {
            let compiled = compiler.cohort(repository, cohort, policy);
            made.lock().expect("no thread died").replace(compiled);
        });
        let compiled = made.into_inner().expect("no thread died").expect("a cohort");
        let mut files = compiled.files;
        let provenance = files.remove(PROVENANCE_FILE).expect("always there");
        Bundle {
            form: FORM.to_owned(),
            organisation: "Bank".to_owned(),
            cohort: "pay".to_owned(),
            policy: "example.bank.codex.pay".to_owned(),
            generation: 1,
            parent: None,
            audience: Audience::default(),
            codex_versions: vec!["0.169.0".to_owned()],
            fresh_for_seconds: 60,
            on_stale: OnStale::Keep,
            revision: 1,
            commit: None,
            digest: compiled.digest,
            files,
            places: Vec::new(),
            provenance: Some(RawValue::from_string(provenance).expect("JSON")),
        }
    }

    fn setting<'all>(all: &'all [Setting], key: &str) -> &'all Setting {
        all.iter().find(|one| one.key == key).unwrap_or_else(|| panic!("{key}: {all:?}"))
    }

    #[test]
    fn a_page_tells_where_values_come_from_and_what_else_was_said() {
        let team = "allowed_approval_policies = ['on-request']\n\
                    [experimental_network.domains]\n'repo.bank.example' = 'allow'\n\
                    'b.example' = 'deny'\n";
        let told = settings(&bundle(team), None);
        let place = |key: &str| setting(&told, key).source.as_ref().map(|it| it.place.clone());
        let host = "experimental_network.domains.\"repo.bank.example\"";
        assert_eq!(place(host).as_deref(), Some("baseline/requirements.toml:4"));
        assert_eq!(
            setting(&told, host).others,
            ["teams/pay refused (teams/pay/requirements.toml:3)"]
        );
        let other = "experimental_network.domains.\"b.example\"";
        assert_eq!(place(other).as_deref(), Some("teams/pay/requirements.toml:4"));
        let policies = "allowed_approval_policies";
        assert_eq!(setting(&told, policies).value, "[\"on-request\"]");
        assert_eq!(setting(&told, policies).others.len(), 1);
        assert!(place(policies).is_some());
    }

    #[test]
    fn a_change_is_told_with_its_line_and_what_is_gone_has_none() {
        let (old, new) =
            (bundle("allow_appshots = false\n"), bundle("allow_remote_control = false\n"));
        let told = difference(Some(&old), &new, None);
        let line = |key: &str| {
            let one = told.iter().find(|one| one.key == key).unwrap_or_else(|| panic!("{told:?}"));
            one.source.as_ref().map(|source| source.place.clone())
        };
        let added = line("allow_remote_control");
        assert_eq!(added.as_deref(), Some("teams/pay/requirements.toml:1"));
        assert_eq!(line("allow_appshots"), None);
    }

    #[test]
    fn a_map_of_another_form_leaves_the_values_without_lines() {
        let mut other = bundle("allow_appshots = false\n");
        let raw =
            other.provenance.as_ref().map(|raw| raw.get().replace("provenance 2", "provenance 1"));
        other.provenance = raw.and_then(|raw| RawValue::from_string(raw).ok());
        let told = settings(&other, None);
        assert_eq!(setting(&told, "allow_appshots").value, "false");
        assert!(told.iter().all(|one| one.source.is_none() && one.others.is_empty()));
    }
}
