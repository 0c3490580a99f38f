//! `shell_environment_policy` has an old form (two lists) and a new one (a map). Codex turns what
//! the lower layers say into the form the higher layer uses.

use codex_schema::span::Sourced;
use codex_schema::value::{Node, Table, Value};

const POLICY: &str = "shell_environment_policy";

/// Prepares both sides of a fold. Codex drops the form the higher layer does not use: measured
/// with lists below and a map above, the lists vanish and the map alone remains.
pub(super) fn environment_policy(below: &mut Table, above: &mut Table) {
    let Some(Node { value: Value::Table(high), .. }) = above.get_mut(POLICY) else { return };
    lower_case_filters(high);
    let Some(Node { value: Value::Table(low), .. }) = below.get_mut(POLICY) else { return };
    let lists =
        |table: &Table| table.get("exclude").is_some() || table.get("include_only").is_some();
    if high.get("filters").is_some() && lists(low) {
        low.remove("exclude");
        low.remove("include_only");
    } else if lists(high) && low.get("filters").is_some() {
        low.remove("filters");
    }
}

fn lower_case_filters(policy: &mut Table) {
    let Some(Node { value: Value::Table(filters), .. }) = policy.get_mut("filters") else { return };
    let mut lowered = Table::default();
    for entry in std::mem::take(filters) {
        let key = Sourced { value: entry.key.value.to_lowercase().into(), span: entry.key.span };
        lowered.insert(key, entry.node);
    }
    *filters = lowered;
}
