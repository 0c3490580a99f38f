//! The tables of `config.toml` as Codex prints them back: which fields a table shows, and what
//! stands where nobody set one. The facts are in `shapes.txt`, measured with `config/read` of
//! 0.118.0, 0.138.0, 0.157.1 and 0.169.0.
//!
//! A line is a field: its depth in spaces, its name (`*` any name, `[]` each element of a list,
//! `**` all other names as they stand), `@A-B` where only versions from 0.A up to but not 0.B have
//! it, and what is shown where it is not set: a JSON value, `~` for nothing at all, `+` for the
//! table with its own defaults; `null` where nothing is written.

use std::sync::LazyLock;

use codex_schema::version::Version;
use serde_json::{Map, Value as Json};

/// One field.
#[derive(Debug, Default)]
struct Field {
    name: &'static str,
    since: u32,
    until: Option<u32>,
    absent: Absent,
    fields: Vec<Field>,
}

/// What is shown where a field is not set.
#[derive(Debug, Default)]
enum Absent {
    #[default]
    Null,
    Omitted,
    Filled,
    Value(Json),
}

static ROOT: LazyLock<Field> = LazyLock::new(|| parse(include_str!("shapes.txt")));

/// A configuration as this version prints it.
pub(super) fn shaped(config: &Map<String, Json>, version: Version) -> Map<String, Json> {
    fill(&ROOT, config, version)
}

/// One value below a dotted path as this version prints it.
pub(super) fn shaped_at(path: &[&str], value: &Json, version: Version) -> Json {
    let found = path.iter().try_fold(&*ROOT, |field, name| field.child(name, version));
    found.map_or_else(|| value.clone(), |field| shape(field, value, version))
}

/// The names a version has at the top of `config.toml`.
pub(super) fn top_level(name: &str, version: Version) -> bool {
    ROOT.child(name, version).is_some()
}

impl Field {
    fn lives(&self, version: Version) -> bool {
        Version::of(self.since) <= version
            && self.until.is_none_or(|until| version < Version::of(until))
    }

    fn child(&self, name: &str, version: Version) -> Option<&Self> {
        let live = || self.fields.iter().filter(|field| field.lives(version));
        live().find(|field| field.name == name).or_else(|| live().find(|field| field.name == "*"))
    }
}

fn shape(field: &Field, value: &Json, version: Version) -> Json {
    if field.fields.is_empty() {
        return value.clone();
    }
    match value {
        Json::Object(object) => Json::Object(fill(field, object, version)),
        Json::Array(elements) => {
            let element = field.fields.iter().find(|field| field.name == "[]");
            let one = |value: &Json| {
                element.map_or_else(|| value.clone(), |field| shape(field, value, version))
            };
            elements.iter().map(one).collect()
        }
        other => other.clone(),
    }
}

fn fill(field: &Field, object: &Map<String, Json>, version: Version) -> Map<String, Json> {
    let mut shown = Map::new();
    for child in field.fields.iter().filter(|child| child.lives(version)) {
        if matches!(child.name, "*" | "**" | "[]") {
            continue;
        }
        let value = match (object.get(child.name), &child.absent) {
            (Some(value), _) => shape(child, value, version),
            (None, Absent::Omitted) => continue,
            (None, Absent::Null) => Json::Null,
            (None, Absent::Filled) => Json::Object(fill(child, &Map::new(), version)),
            (None, Absent::Value(value)) => value.clone(),
        };
        shown.insert(child.name.to_owned(), value);
    }
    let any = field.fields.iter().find(|child| matches!(child.name, "*" | "**"));
    for (name, value) in object {
        match any {
            Some(child) if !shown.contains_key(name) => {
                shown.insert(name.clone(), shape(child, value, version));
            }
            _ => {}
        }
    }
    shown
}

fn parse(text: &'static str) -> Field {
    let lines: Vec<(usize, Field)> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| (line.len() - line.trim_start().len(), field(line.trim())))
        .collect();
    let mut lines = lines.into_iter().peekable();
    Field { fields: children(&mut lines, 0), ..Field::default() }
}

fn children(
    lines: &mut std::iter::Peekable<std::vec::IntoIter<(usize, Field)>>,
    depth: usize,
) -> Vec<Field> {
    let mut found = Vec::new();
    while let Some((_, mut field)) = lines.next_if(|(own, _)| *own == depth) {
        field.fields = children(lines, depth + 1);
        found.push(field);
    }
    found
}

fn field(line: &'static str) -> Field {
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut field = Field { name, ..Field::default() };
    let mut rest = rest.trim();
    if let Some(range) = rest.strip_prefix('@') {
        let (range, after) = range.split_once(' ').unwrap_or((range, ""));
        let (since, until) = range.split_once('-').unwrap_or((range, ""));
        (field.since, field.until) = (since.parse().unwrap_or(0), until.parse().ok());
        rest = after.trim();
    }
    field.absent = match rest {
        "" => Absent::Null,
        "~" => Absent::Omitted,
        "+" => Absent::Filled,
        value => serde_json::from_str(value).map_or(Absent::Null, Absent::Value),
    };
    field
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_line_is_read() {
        fn count(field: &Field) -> usize {
            field.fields.iter().map(|child| 1 + count(child)).sum()
        }
        assert_eq!(count(&ROOT), include_str!("shapes.txt").lines().count());
    }

    #[test]
    fn tables_show_their_defaults() {
        let config =
            json!({"history": {"max_bytes": 3}, "mcp_servers": {"a": {"url": "u"}}, "zzz": 1});
        let shown = shaped(config.as_object().unwrap(), Version::NEWEST);
        assert_eq!(shown["history"], json!({"persistence": "save-all", "max_bytes": 3}));
        let server = json!({"url": "u", "enabled": true, "environment_id": "local", "tool_timeout_sec": null});
        assert_eq!(shown["mcp_servers"]["a"], server);
        assert_eq!(shown.get("zzz"), None);
        assert_eq!(shown.len(), 107);
        assert_eq!(shaped(&Map::new(), Version::of(118)).len(), 86);
        assert_eq!(shaped(&Map::new(), Version::of(138)).len(), 95);
        assert_eq!(shaped(&Map::new(), Version::patched(157, 1)).len(), 104);
    }
}
