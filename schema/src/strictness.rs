//! Which of two policies is stricter, key by key. Facts about single keys are rows of the key
//! table ([`Tighter`], [`Unset`]); this is the fold over them.
//!
//! What is compared are requirements under their keys' own names. Rules that span keys (a deny
//! that makes an allow pointless) are not seen here: a verdict holds key by key.

use std::collections::BTreeSet;

use crate::key::{Key, Tighter, Unset};
use crate::lookup::{Spot, Tree};
use crate::span::Span;
use crate::value::{Node, Table, Value};

/// What becomes of strictness from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// The same is allowed.
    Equal,
    /// Less is allowed.
    Tighter,
    /// More is allowed.
    Looser,
    /// Something else is allowed.
    Incomparable,
}

impl Change {
    /// Both changes together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Equal, one) | (one, Self::Equal) => one,
            (one, other) if one == other => one,
            _ => Self::Incomparable,
        }
    }

    /// Whether nothing that was forbidden is allowed now.
    pub fn is_tighter_or_equal(self) -> bool {
        matches!(self, Self::Equal | Self::Tighter)
    }
}

/// What one policy says of a key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'policy> {
    /// The value, where there is one.
    pub value: Option<&'policy Value>,
    /// Whether the list of what is allowed, in which the key is an entry, is there at all.
    /// Of no account for other keys.
    pub listed: bool,
}

/// Compares two values of a key: what changes from the first to the second.
pub fn compare(key: &Key, from: Said<'_>, to: Said<'_>) -> Change {
    if from.value.is_some() && from.value == to.value {
        return Change::Equal;
    }
    match key.tighter {
        Tighter::Fixed => fixed(key, from, to),
        Tighter::Subset => sets(allowed(key, from).as_ref(), allowed(key, to).as_ref()),
        Tighter::Superset => denials(from, to),
        Tighter::True | Tighter::False | Tighter::Lower | Tighter::Order(_) => ranks(key, from, to),
    }
}

fn fixed(key: &Key, from: Said<'_>, to: Said<'_>) -> Change {
    let free = |said: Said<'_>| match key.unset {
        Unset::Listed(_) => said.value.is_none() && !said.listed,
        _ => said.value.is_none(),
    };
    match (free(from), free(to)) {
        (true, true) => Change::Equal,
        (true, false) => Change::Tighter,
        (false, true) => Change::Looser,
        // An entry that is not in a list of what is allowed is refused.
        (false, false) => match (from.value, to.value) {
            (None, None) => Change::Equal,
            (None, Some(_)) => Change::Looser,
            (Some(_), None) => Change::Tighter,
            (Some(_), Some(_)) => Change::Incomparable,
        },
    }
}

/// A set of allowed values; `None` is everything.
fn allowed(key: &Key, said: Said<'_>) -> Option<BTreeSet<Identity>> {
    match (said.value, key.unset) {
        (Some(value), _) => Some(elements(value)),
        (None, Unset::Strictest) => Some(BTreeSet::new()),
        (None, _) => None,
    }
}

fn sets(from: Option<&BTreeSet<Identity>>, to: Option<&BTreeSet<Identity>>) -> Change {
    match (from, to) {
        (None, None) => Change::Equal,
        (None, Some(_)) => Change::Tighter,
        (Some(_), None) => Change::Looser,
        (Some(from), Some(to)) => match (to.is_subset(from), from.is_subset(to)) {
            (true, true) => Change::Equal,
            (true, false) => Change::Tighter,
            (false, true) => Change::Looser,
            (false, false) => Change::Incomparable,
        },
    }
}

fn denials(from: Said<'_>, to: Said<'_>) -> Change {
    let denied = |said: Said<'_>| said.value.map(elements).unwrap_or_default();
    // What is denied is the other side of what is allowed.
    sets(Some(&denied(to)), Some(&denied(from)))
}

fn ranks(key: &Key, from: Said<'_>, to: Said<'_>) -> Change {
    match (rank(key, from), rank(key, to)) {
        (Some(from), Some(to)) => match to.cmp(&from) {
            std::cmp::Ordering::Less => Change::Tighter,
            std::cmp::Ordering::Equal => Change::Equal,
            std::cmp::Ordering::Greater => Change::Looser,
        },
        _ => Change::Incomparable,
    }
}

/// The place of a value between strict and loose, strictest first; `None` for a value that is not
/// in the key's order.
pub fn rank(key: &Key, said: Said<'_>) -> Option<i64> {
    const BETWEEN: i64 = 1;
    let Some(value) = said.value else {
        return Some(match key.unset {
            Unset::Loosest => i64::MAX,
            Unset::Strictest => 0,
            Unset::Between => BETWEEN,
            Unset::Listed(_) if said.listed => 0,
            Unset::Listed(_) => i64::MAX,
        });
    };
    match (key.tighter, value) {
        (Tighter::True, Value::Boolean(flag)) => Some(if *flag { 0 } else { 2 }),
        (Tighter::False, Value::Boolean(flag)) => Some(if *flag { 2 } else { 0 }),
        (Tighter::Lower, Value::Integer(number)) => Some(*number),
        (Tighter::Order(order), Value::String(word)) => {
            let at = order.iter().position(|known| known == word)?;
            i64::try_from(at).ok().map(|at| at * 2)
        }
        _ => None,
    }
}

/// An element of a list as a text that is the same for the same value, wherever its keys stand.
pub type Identity = String;

/// The elements of a list; a value that is no list counts as its only element.
pub fn elements(value: &Value) -> BTreeSet<Identity> {
    match value.as_array() {
        Some(list) => list.iter().map(|element| identity(&element.value)).collect(),
        None => BTreeSet::from([identity(value)]),
    }
}

/// The text that stands for a value in comparisons of lists.
pub fn identity(value: &Value) -> Identity {
    match value {
        Value::String(text) => text.to_string(),
        other => serde_json::to_string(other).unwrap_or_default(),
    }
}

/// A key on which two policies differ.
#[derive(Clone, Debug)]
pub struct KeyChange {
    /// The key's concrete path.
    pub path: Vec<String>,
    /// Its row.
    pub key: &'static Key,
    /// What changes.
    pub change: Change,
    /// Where the first policy says it.
    pub from: Option<Span>,
    /// Where the second one does.
    pub to: Option<Span>,
}

/// All keys on which two policies differ, in the order of their paths. Keys on which only the
/// order of a list differs are not among them.
pub fn changes(from: &Table, to: &Table, tree: &'static Tree) -> Vec<KeyChange> {
    let mut walk = Walk { path: Vec::new(), maps: Vec::new(), found: Vec::new() };
    walk.tables(Some(from), Some(to), tree.root());
    walk.found
}

struct Walk {
    path: Vec<String>,
    /// For every part of the path: whether the table there exists in either policy.
    maps: Vec<(bool, bool)>,
    found: Vec<KeyChange>,
}

impl Walk {
    fn tables(&mut self, from: Option<&Table>, to: Option<&Table>, spot: &'static Spot) {
        let names: BTreeSet<&str> = [from, to]
            .into_iter()
            .flatten()
            .flat_map(|table| table.iter().map(|entry| &*entry.key.value))
            .collect();
        for name in names {
            let Some(child) = spot.child(name) else { continue };
            self.path.push(name.to_owned());
            self.nodes(
                from.and_then(|table| table.get(name)),
                to.and_then(|table| table.get(name)),
                child,
            );
            self.path.pop();
        }
    }

    fn nodes(&mut self, from: Option<&Node>, to: Option<&Node>, spot: &'static Spot) {
        let Some(key) = spot.key else {
            let from = from.and_then(|node| node.value.as_table());
            let to = to.and_then(|node| node.value.as_table());
            self.maps.push((from.is_some(), to.is_some()));
            self.tables(from, to, spot);
            self.maps.pop();
            return;
        };
        let (mut listed_from, mut listed_to) = (false, false);
        if let Unset::Listed(parts) = key.unset {
            (listed_from, listed_to) =
                self.maps.get(parts.saturating_sub(1)).copied().unwrap_or_default();
        }
        let change = compare(
            key,
            Said { value: from.map(|node| &node.value), listed: listed_from },
            Said { value: to.map(|node| &node.value), listed: listed_to },
        );
        if change != Change::Equal {
            self.found.push(KeyChange {
                path: self.path.clone(),
                key,
                change,
                from: from.map(|node| node.span),
                to: to.map(|node| node.span),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::REQUIREMENTS;
    use crate::reader::read_toml;
    use crate::span::SourceId;

    fn table(text: &str) -> Table {
        let document = read_toml(text, SourceId(0));
        assert!(document.problems.is_empty(), "{text}");
        document.root
    }

    /// What changes from one text to the other, as `path: change` lines.
    fn told(from: &str, to: &str) -> String {
        changes(&table(from), &table(to), &REQUIREMENTS)
            .iter()
            .map(|one| format!("{} {:?}\n", one.path.join("."), one.change).to_lowercase())
            .collect()
    }

    #[test]
    fn every_direction_is_known_both_ways() {
        for (loose, strict, path) in [
            (
                "allowed_sandbox_modes = ['read-only', 'workspace-write']",
                "allowed_sandbox_modes = ['read-only']",
                "allowed_sandbox_modes",
            ),
            ("", "allowed_sandbox_modes = ['read-only']", "allowed_sandbox_modes"),
            ("", "allowed_web_search_modes = []", "allowed_web_search_modes"),
            (
                "permissions.filesystem.deny_read = ['/a']",
                "permissions.filesystem.deny_read = ['/b', '/a']",
                "permissions.filesystem.deny_read",
            ),
            ("", "permissions.filesystem.deny_read = ['/b']", "permissions.filesystem.deny_read"),
            ("", "allow_login_shell = true", "allow_login_shell"),
            ("allow_login_shell = true", "allow_login_shell = false", "allow_login_shell"),
            (
                "experimental_network.allow_local_binding = true",
                "",
                "experimental_network.allow_local_binding",
            ),
            (
                "experimental_network.domains.'a.b' = 'allow'",
                "",
                "experimental_network.domains.a.b",
            ),
            ("", "experimental_network.domains.'a.b' = 'deny'", "experimental_network.domains.a.b"),
            (
                "experimental_network.allowed_domains = ['a']",
                "",
                "experimental_network.allowed_domains",
            ),
            (
                "allowed_permission_profiles = {a = true, b = true}",
                "allowed_permission_profiles = {a = true}",
                "allowed_permission_profiles.b",
            ),
            ("", "allowed_permission_profiles = {a = true}", "allowed_permission_profiles.a"),
            (
                "mcp_servers = {a = {identity = {command = 'a'}}, b = {identity = {command = 'b'}}}",
                "mcp_servers = {a = {identity = {command = 'a'}}}",
                "mcp_servers.b.identity",
            ),
            ("", "features.memories = false", "features.memories"),
            ("", "model_provider = 'x'", "model_provider"),
        ] {
            assert_eq!(told(loose, strict), format!("{path} tighter\n"), "{loose} -> {strict}");
            assert_eq!(told(strict, loose), format!("{path} looser\n"), "{strict} -> {loose}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_said_to_be_so() {
        assert_eq!(told("features.a = true", "features.a = false"), "features.a incomparable\n");
        assert_eq!(
            told("allowed_web_search_modes = ['live']", "allowed_web_search_modes = ['cached']"),
            "allowed_web_search_modes incomparable\n"
        );
        assert_eq!(
            told("allowed_sandbox_modes = ['a', 'b']", "allowed_sandbox_modes = ['b', 'a']"),
            ""
        );
    }

    #[test]
    fn changes_add_up() {
        use Change::{Equal, Incomparable, Looser, Tighter};
        assert_eq!(Equal.and(Tighter), Tighter);
        assert_eq!(Looser.and(Equal), Looser);
        assert_eq!(Looser.and(Tighter), Incomparable);
    }
}
