//! Entries of lists that are given twice, hook matchers, feature pins, and keys that need another.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::lookup::closest;
use codex_schema::table::feature_names::{self, FEATURE_NAMES};
use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;

use super::document::Subject;
use super::{FileKind, Findings};
use crate::codex_answers::is_matcher;

/// Adds findings about entries.
pub(super) fn add(subject: &Subject<'_>, found: &mut Findings) {
    repeated(subject.root, found);
    if subject.kind == FileKind::Requirements {
        matchers(subject.root, found);
        features(subject.root, found);
        old_lists(subject.root, found);
    }
}

fn repeated(table: &Table, found: &mut Findings) {
    for entry in table {
        match &entry.node.value {
            Value::Table(below) => repeated(below, found),
            Value::Array(elements) => in_list(&entry.key.value, elements, found),
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_) => {}
        }
    }
}

fn in_list(key: &str, elements: &[Node], found: &mut Findings) {
    // The order and number of words matter in commands and patterns of commands.
    let ordered = ["pattern", "args", "command", "match", "not_match", "notify"];
    let mut seen = std::collections::BTreeMap::new();
    for element in elements {
        match &element.value {
            Value::Table(below) => repeated(below, found),
            Value::String(text) if !ordered.contains(&key) => {
                let Some(first) = seen.insert(text.as_str(), element.span) else { continue };
                let message = format!("`{text}` is listed twice in `{key}`");
                found.add(
                    Diagnostic::new(Code::DuplicateEntry, message, element.span)
                        .beside(first, "first listed here")
                        .help("remove one of the two")
                        .effect(Effect::new(Versions::ALL, Outcome::Accepts)),
                );
            }
            _ => {}
        }
    }
}

/// Versions that compile the matchers of managed hooks: not at 0.138.0, at 0.157.1.
const HOOKS_COMPILED: Versions = Versions { first: Some(Version::patched(157, 1)), last: None };

/// Matchers of hooks are compiled when a session starts.
fn matchers(root: &Table, found: &mut Findings) {
    let Some(hooks) = root.get("hooks").and_then(|node| node.value.as_table()) else { return };
    let groups = hooks.iter().filter_map(|event| event.node.value.as_array()).flatten();
    for matcher in groups.filter_map(|group| group.at(&["matcher"])) {
        let Some(text) = matcher.value.as_str() else { continue };
        if is_matcher(text) {
            continue;
        }
        let message = format!("the matcher `{text}` is not a regular expression");
        found.add(
            Diagnostic::new(Code::BadExpression, message, matcher.span)
                .help("write a tool's name, names joined by `|`, or `*` for every tool")
                .effect(Effect::new(HOOKS_COMPILED, Outcome::RefusesSessions)),
        );
    }
}

/// What versions do with a pin of a feature they do not know.
const UNKNOWN_PIN: [Effect; 2] = [
    Effect::new(Versions::between(110, 123), Outcome::RefusesSessions),
    Effect::new(Versions::since(124), Outcome::IgnoresWithWarning),
];

fn features(root: &Table, found: &mut Findings) {
    let tables = ["features", "feature_requirements"].into_iter();
    let pins = tables.filter_map(|name| root.get(name)?.value.as_table()).flat_map(Table::iter);
    for pin in pins {
        let name = &*pin.key.value;
        let span = pin.key.span;
        match feature_names::find(name) {
            Some(row) if row.now.is_some() => {
                let now = row.now.unwrap_or_default();
                let message = format!("`{name}` is a former name of the feature `{now}`");
                let mut diagnostic = Diagnostic::new(Code::Deprecated, message, span)
                    .help(format!("write `{now}`"))
                    .effect(Effect::new(Versions::only(Version::NEWEST), Outcome::Substitutes));
                diagnostic.suggestion = Some(now.to_owned());
                found.add(diagnostic);
            }
            Some(row) if row.known_to(Version::NEWEST) => {}
            row => found.add(unknown_pin(name, row.is_some(), span)),
        }
    }
}

fn unknown_pin(name: &str, was_known: bool, span: codex_schema::span::Span) -> Diagnostic {
    let known = FEATURE_NAMES.iter().filter(|row| row.known_to(Version::NEWEST));
    let meant = closest(name, known.map(|row| row.name)).filter(|_| !was_known);
    let message = if was_known {
        format!("the feature `{name}` no longer exists")
    } else {
        format!("there is no feature `{name}`")
    };
    let mut diagnostic = Diagnostic::new(Code::UnknownFeature, message, span)
        .label("so nothing is pinned")
        .effects(UNKNOWN_PIN);
    diagnostic.help = Some(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "remove it, or see `codex features list` for the names".to_owned(),
    });
    diagnostic.suggestion = meant.map(str::to_owned);
    diagnostic
}

/// The list forms that maps have taken the place of.
fn old_lists(root: &Table, found: &mut Findings) {
    let networks = [
        root.get("experimental_network"),
        root.get("network_proxy"),
        root.get("permissions").and_then(|node| node.at(&["network"])),
    ];
    for table in networks.into_iter().flatten().filter_map(|node| node.value.as_table()) {
        for (list, map, value) in [
            ("allowed_domains", "domains", "allow"),
            ("denied_domains", "domains", "deny"),
            ("allow_unix_sockets", "unix_sockets", "allow"),
        ] {
            // Beside the map form the list is refused, which is said already.
            let Some(entry) = table.entry(list).filter(|_| table.get(map).is_none()) else {
                continue;
            };
            let message = format!("`{list}` is the older form of `{map}`");
            found.add(
                Diagnostic::new(Code::Deprecated, message, entry.key.span)
                    .help(format!(
                        "write `{map} = {{ \"NAME\" = \"{value}\" }}` (Codex 0.118 and newer): \
                         maps of several channels are united, lists replace each other"
                    ))
                    .effect(Effect::new(Versions::ALL, Outcome::Accepts)),
            );
        }
    }
    if let Some(entry) = root.entry("remote_sandbox_config") {
        let message = "`remote_sandbox_config` chooses by host name inside the policy";
        found.add(
            Diagnostic::new(Code::Deprecated, message, entry.key.span)
                .help("send each group of hosts a policy of its own")
                .effect(Effect::new(Versions::since(123), Outcome::Accepts)),
        );
    }
}
