//! `shell_environment_policy` has an old form (two lists) and a new one (a map). Codex turns what
//! the lower layers say into the form the higher layer uses.

use codex_schema::span::Sourced;
use codex_schema::value::{Node, Table, Value};

use crate::compose::fold::fold_plain;

/// Features whose switch a layer may write as a plain flag: Codex knows it as `enabled`.
/// Measured at 0.169.0; other features with settings keep the two forms apart.
pub(crate) const SWITCHES: &[&str] =
    &["code_mode", "multi_agent_v2", "network_proxy", "runtime_agent_instances", "sleep_tool"];

/// Writes a flag as a table where it meets one.
pub(super) fn switches(below: &mut Table, above: &mut Table) {
    let (Some(low), Some(high)) = (below.get_mut("features"), above.get_mut("features")) else {
        return;
    };
    let (Value::Table(low), Value::Table(high)) = (&mut low.value, &mut high.value) else {
        return;
    };
    for name in SWITCHES {
        let (Some(low), Some(high)) = (low.get_mut(name), high.get_mut(name)) else { continue };
        match (&low.value, &high.value) {
            (Value::Boolean(_), Value::Table(_)) => enable(low),
            (Value::Table(_), Value::Boolean(_)) => enable(high),
            _ => {}
        }
    }
}

fn enable(node: &mut Node) {
    let mut table = Table::default();
    table.insert(Sourced { value: "enabled".into(), span: node.span }, node.clone());
    node.value = Value::Table(table);
}

/// What plugins say about apps counts below what `apps` says itself; of two plugins the first by
/// name wins.
pub(super) fn plugin_apps(merged: &mut Table) {
    let Some(plugins) = merged.get("plugins").and_then(|node| node.value.as_table()) else {
        return;
    };
    let mut found: Option<Node> = None;
    for plugin in plugins.sorted().into_iter().rev() {
        let Some(apps) = plugin.node.at(&["apps"]) else { continue };
        let Value::Table(own) = &apps.value else { continue };
        match found.as_mut().map(|node| &mut node.value) {
            Some(Value::Table(all)) => fold_plain(all, own.clone()),
            _ => found = Some(apps.clone()),
        }
    }
    let Some(mut apps) = found else { return };
    if let (Value::Table(all), Some(Value::Table(own))) =
        (&mut apps.value, merged.get("apps").map(|node| &node.value))
    {
        fold_plain(all, own.clone());
    }
    merged.insert(Sourced { value: "apps".into(), span: apps.span }, apps);
}

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
        let key = Sourced { value: entry.key.value.to_lowercase(), span: entry.key.span };
        lowered.insert(key, entry.node);
    }
    *filters = lowered;
}
