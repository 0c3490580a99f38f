//! The policy's own name in what Codex reports: `{policy}` in the texts of keys that allow it.
//!
//! The name is the cohort and the digest of the policy before it was named, so that equal policies
//! keep their name, and a name is found again in `release show`.

use std::borrow::Cow;

use codex_schema::key::Placeholder;
use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::value::{Node, Table, Value};

/// What stands for the name.
const PLACEHOLDER: &str = "{policy}";
/// How many digits of the digest are in a name.
const DIGITS: usize = 12;

/// The name of a cohort's policy.
pub(super) fn name(cohort: &str, digest: &str) -> String {
    let digits = digest.trim_start_matches("sha256:");
    format!("{cohort}@{}", digits.get(..DIGITS).unwrap_or(digits))
}

/// Requirements with the name where they ask for it.
pub(super) fn named<'table>(requirements: &'table Table, name: &str) -> Cow<'table, Table> {
    if !asks(requirements, REQUIREMENTS.root()) {
        return Cow::Borrowed(requirements);
    }
    let mut filled = requirements.clone();
    fill(&mut filled, REQUIREMENTS.root(), name);
    Cow::Owned(filled)
}

fn takes_name(spot: &Spot) -> bool {
    spot.key.is_some_and(|key| match key.placeholder {
        Placeholder::None => false,
        Placeholder::Policy => true,
    })
}

fn asks(table: &Table, spot: &Spot) -> bool {
    table.iter().any(|entry| {
        let Some(child) = spot.child(&entry.key.value) else { return false };
        match &entry.node.value {
            Value::Table(below) if child.key.is_none() => asks(below, child),
            Value::String(text) => takes_name(child) && text.contains(PLACEHOLDER),
            _ => false,
        }
    })
}

fn fill(table: &mut Table, spot: &Spot, name: &str) {
    table.for_each_entry_mut(|key, Node { value, .. }| {
        let Some(child) = spot.child(key) else { return };
        match value {
            Value::Table(below) if child.key.is_none() => fill(below, child, name),
            Value::String(text) if takes_name(child) => {
                *text = text.replace(PLACEHOLDER, name).into();
            }
            _ => {}
        }
    });
}

#[cfg(test)]
mod tests {
    use codex_schema::reader::read_toml;
    use codex_schema::span::SourceId;

    use super::*;
    use crate::compile::toml_text::document;

    #[test]
    fn a_name_stands_where_keys_allow_it_and_nowhere_else() {
        let text = "model_provider = '{policy}'\n[otel]\nenvironment = 'prod {policy}'\n\
                    [otel.span_attributes]\n'codex.policy' = '{policy}'\nother = 'x'\n";
        let table = read_toml(text, SourceId(0)).root;
        let filled = named(&table, &name("pay", "sha256:0123456789abcdef"));
        let text = document("", &filled, &REQUIREMENTS);
        assert!(text.contains("environment = \"prod pay@0123456789ab\""), "{text}");
        assert!(text.contains("\"codex.policy\" = \"pay@0123456789ab\""), "{text}");
        assert!(text.contains("model_provider = \"{policy}\""), "{text}");
    }

    #[test]
    fn what_asks_for_nothing_is_not_copied() {
        let table = read_toml("[otel]\nenvironment = 'prod'\n", SourceId(0)).root;
        assert!(matches!(named(&table, "x"), Cow::Borrowed(_)));
    }
}
