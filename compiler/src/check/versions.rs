//! Values that some versions of Codex accept and others refuse, as data. Bisected over published
//! builds where a patch is named, sampled otherwise.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::table::feature_names;
use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;

use super::document::Subject;
use super::{FileKind, Findings};

/// A value and the versions that refuse the whole file because of it.
struct Refused {
    /// Dotted path; `*` stands for any key, list elements are gone into.
    path: &'static str,
    /// Which value.
    when: When,
    /// Who refuses.
    versions: Versions,
    /// What to write for them.
    help: &'static str,
}

/// Which values a row is about.
enum When {
    /// This text.
    Is(&'static str),
    /// A table with this key.
    Has(&'static str),
    /// Anything.
    Present,
}

const fn between(first: u32, last: Version) -> Versions {
    Versions { first: Some(Version::of(first)), last: Some(last) }
}

const UP_TO_DATE: &str = "update those hosts, or give them a file without it";

/// Facts from the version matrix.
const REFUSED: &[Refused] = &[
    Refused {
        path: "rules.prefix_rules.decision",
        when: When::Is("prompt-user"),
        versions: Versions::between(93, 168),
        help: "use `prompt` while such hosts exist",
    },
    Refused {
        path: "allowed_approvals_reviewers",
        when: When::Is("auto_review"),
        versions: Versions::between(120, 123),
        help: "write `guardian_subagent` for them: every version reads it",
    },
    Refused {
        path: "allowed_approval_policies",
        when: When::Has("granular"),
        versions: Versions::between(77, 114),
        help: UP_TO_DATE,
    },
    Refused {
        path: "allowed_web_search_modes",
        when: When::Is("indexed"),
        versions: Versions::between(99, 138),
        help: UP_TO_DATE,
    },
    Refused {
        path: "experimental_network.unix_sockets.*",
        when: When::Is("deny"),
        versions: Versions::between(118, 134),
        help: "leave the socket out: what is not allowed is denied",
    },
    Refused {
        path: "mcp_servers.*.identity.command",
        when: When::Has("executable"),
        versions: between(87, Version::patched(142, 5)),
        help: "write the command as a text for them",
    },
    Refused {
        path: "application.storage",
        when: When::Present,
        versions: Versions::between(154, 163),
        help: UP_TO_DATE,
    },
    Refused {
        path: "permissions.network",
        when: When::Present,
        versions: Versions::between(147, 166),
        help: "write `[experimental_network]`: every version reads it",
    },
];

/// Adds values that a version of interest refuses although the newest accepts them.
pub(super) fn add(subject: &Subject<'_>, at: Version, found: &mut Findings) {
    if subject.kind != FileKind::Requirements {
        return;
    }
    for row in REFUSED.iter().filter(|row| row.versions.contains(at)) {
        let path: Vec<&str> = row.path.split('.').collect();
        let mut places = Vec::new();
        gather(subject.root, &path, &mut places);
        for node in places.into_iter().filter_map(|node| row.when.place(node)) {
            let what = match row.when {
                When::Is(text) => format!("`{text}`"),
                When::Has(key) => format!("the form with `{key}`"),
                When::Present => format!("`{}`", row.path),
            };
            let message = format!("Codex {at} refuses {what} in `{}`", row.path);
            let outcome = if at < Version::of(157) {
                Outcome::RefusesSessions
            } else {
                Outcome::RefusesToStart
            };
            found.add(
                Diagnostic::new(Code::ValueRefused, message, node.span)
                    .help(row.help)
                    .effect(Effect::new(row.versions, outcome)),
            );
        }
    }
    features(subject, at, found);
}

impl When {
    fn place<'node>(&self, node: &'node Node) -> Option<&'node Node> {
        match self {
            Self::Is(text) => (node.value.as_str() == Some(text)).then_some(node),
            Self::Has(key) => node.at(&[key]).is_some().then_some(node),
            Self::Present => Some(node),
        }
    }
}

fn gather<'node>(table: &'node Table, path: &[&str], found: &mut Vec<&'node Node>) {
    let Some((first, rest)) = path.split_first() else { return };
    for entry in table.iter().filter(|entry| *first == "*" || &*entry.key.value == *first) {
        below(&entry.node, rest, found);
    }
}

fn below<'node>(node: &'node Node, rest: &[&str], found: &mut Vec<&'node Node>) {
    match &node.value {
        Value::Array(elements) => elements.iter().for_each(|one| below(one, rest, found)),
        Value::Table(table) if !rest.is_empty() => gather(table, rest, found),
        _ if rest.is_empty() => found.push(node),
        _ => {}
    }
}

/// Pins of features that the newest version knows and an older one of interest does not.
fn features(subject: &Subject<'_>, at: Version, found: &mut Findings) {
    let pins = subject.root.get("features").and_then(|node| node.value.as_table());
    for pin in pins.into_iter().flat_map(Table::iter) {
        let Some(row) = feature_names::find(&pin.key.value) else { continue };
        if !row.known_to(Version::NEWEST) || row.known_to(at) || at < Version::of(110) {
            continue;
        }
        let fatal = Versions::between(110, 123);
        let effect = if fatal.contains(at) {
            Effect::new(Versions::only(at), Outcome::RefusesSessions)
        } else {
            Effect::new(Versions::only(at), Outcome::IgnoresWithWarning)
        };
        let message = format!("Codex {at} does not know the feature `{}`", row.name);
        found.add(
            Diagnostic::new(Code::UnknownFeature, message, pin.key.span)
                .help(format!("update those hosts to Codex {} or newer", row.since))
                .effect(effect),
        );
    }
}
