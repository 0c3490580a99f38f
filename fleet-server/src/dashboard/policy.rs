//! What is in force and why, from a bundle's provenance; what changes from one bundle to the next.

use std::collections::BTreeMap;

use codex_schema::lookup::{REQUIREMENTS, parts};
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::strictness::{Change as Which, changes};
use codex_schema::value::{Table, Value};
use codex_trust::bundle::{Bundle, REQUIREMENTS as REQUIREMENTS_FILE};
use serde::Deserialize;

use crate::exceptions::as_toml;
use crate::pages::endpoint::Setting;
use crate::pages::parts::Source;
use crate::pages::releases::{Change, Direction};

/// The provenance of a bundle, as far as pages need it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Provenance {
    sources: Vec<String>,
    commits: Vec<Commit>,
    requirements: BTreeMap<String, Place>,
    config: BTreeMap<String, Place>,
    voices: Vec<Voice>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    id: String,
    author: String,
    subject: String,
}

#[derive(Debug, Deserialize)]
struct Place {
    at: At,
}

/// Source, line, column, commit; no commit is -1.
type At = (usize, u32, u32, i64);

#[derive(Debug, Deserialize)]
struct Voice {
    key: String,
    outcome: String,
    #[serde(rename = "voice")]
    who: String,
    at: At,
}

fn provenance(bundle: &Bundle) -> Provenance {
    let raw = bundle.provenance.as_ref().map(|raw| raw.get());
    raw.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default()
}

impl Provenance {
    fn source(&self, (source, line, _, commit): At, link: Option<&str>) -> Option<Source> {
        let path = self.sources.get(source)?;
        let commit = usize::try_from(commit).ok().and_then(|at| self.commits.get(at));
        let short = |id: &str| id.chars().take(7).collect::<String>();
        Some(Source {
            place: format!("{path}:{line}"),
            link: link.zip(commit).map(|(link, commit)| {
                link.replace("{commit}", &commit.id)
                    .replace("{path}", path)
                    .replace("{line}", &line.to_string())
            }),
            whose: commit.map(|commit| {
                format!("{}, {} {}", commit.author, short(&commit.id), commit.subject)
            }),
        })
    }

    /// Where a key of the requirements comes from: its own place, or the nearest below or above it.
    fn of_key(&self, key: &str, link: Option<&str>) -> Option<Source> {
        let near = |known: &&String| {
            known.starts_with(&format!("{key}.")) || key.starts_with(&format!("{known}."))
        };
        let own = self.requirements.get(key);
        let place = own.or_else(|| {
            let name = self.requirements.keys().find(near)?;
            self.requirements.get(name)
        });
        self.source(place?.at, link)
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
    let documents = [
        (read(bundle.requirements()), &provenance.requirements, ""),
        (read(config), &provenance.config, "default: "),
    ];
    for (table, places, kind) in documents {
        let mut found = Vec::new();
        leaves(&table, &mut Vec::new(), &mut found);
        for (path, value) in found {
            let key = path.join(".");
            let place = places.get(&key).or_else(|| {
                let near = places.keys().find(|known| {
                    parts(known).eq(path.iter().map(|part| part.trim_matches('"')))
                        || key.starts_with(&format!("{known}."))
                });
                places.get(near?)
            });
            let others = provenance.voices.iter().filter(|voice| voice.key == key);
            let others = others.filter_map(|voice| {
                let place = provenance.source(voice.at, None)?.place;
                Some(format!("{} {} ({})", voice.who, voice.outcome, place))
            });
            settings.push(Setting {
                value,
                source: place.and_then(|place| provenance.source(place.at, link)),
                others: others.take(5).collect(),
                key: format!("{kind}{key}"),
            });
        }
    }
    settings
}

fn leaves(table: &Table, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for entry in table {
        let name = entry.key.value.to_string();
        let plain =
            name.bytes().all(|one| one.is_ascii_alphanumeric() || matches!(one, b'_' | b'-'));
        path.push(if plain && !name.is_empty() { name } else { format!("\"{name}\"") });
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
            let key = one.path.join(".");
            Some(Change {
                direction,
                before: at(&from, &one.path),
                after: at(&to, &one.path),
                meaning: Some(one.key.doc.to_owned()),
                source: provenance.of_key(&key, link),
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
