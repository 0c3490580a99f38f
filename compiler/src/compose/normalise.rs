//! One requirement layer, brought into the form in which layers are folded.

use codex_schema::host::host_matches;
use codex_schema::key::{Channels, Merge, Text};
use codex_schema::lookup::{REQUIREMENTS, Spot};
use codex_schema::source::Channel;
use codex_schema::span::Sourced;
use codex_schema::value::{Node, Table, Value};

use super::paths;
use crate::effective::profiles::reserved;
use crate::era::Era;
use crate::layers::RequirementLayer;
use crate::machine::Machine;

/// The layer's table under its keys' own names, with everything taken out that Codex does not
/// read from this channel, for this host; and the paths of tables it writes as lists.
pub fn normalise(layer: &RequirementLayer, machine: &Machine) -> (Table, Vec<Vec<String>>) {
    let mut root = match layer.channel {
        Channel::LegacyFile | Channel::LegacyMdm => {
            legacy(&layer.layer.root, Era::of(machine.version))
        }
        Channel::System | Channel::Cloud | Channel::Mdm => layer.layer.root.clone(),
    };
    let mut naming = Naming { machine, path: Vec::new(), listed: Vec::new() };
    naming.table(&mut root, REQUIREMENTS.root());
    name_list_fields(&mut root);
    dates_are_texts(&mut root);
    drop_unknown(&mut root, REQUIREMENTS.root(), machine);
    if layer.channel == Channel::Cloud {
        root.retain(|entry| {
            let spot = REQUIREMENTS.root().child(&entry.key.value);
            !spot.and_then(|spot| spot.key).is_some_and(|key| key.channels == Channels::Local)
        });
    }
    rename(&mut root);
    for_this_host(&mut root, &machine.hostname);
    without_repetitions(&mut root, REQUIREMENTS.root());
    resolve_paths(&mut root, REQUIREMENTS.root(), &layer.layer.base, machine);
    resolve_certificates(&mut root, &layer.layer.base, machine);
    (root, naming.listed)
}

/// A document as people wrote it, under its keys' own names; nothing is resolved or taken out.
pub fn authored(root: &Table) -> Table {
    let mut root = root.clone();
    name_list_fields(&mut root);
    rename(&mut root);
    root
}

/// Codex reads a date where it expects a text. A table without dates stays shared.
fn dates_are_texts(table: &mut Table) {
    if table.iter().any(|entry| has_date(&entry.node)) {
        table.for_each_entry_mut(|_, node| date_is_text(node));
    }
}

fn has_date(node: &Node) -> bool {
    match &node.value {
        Value::Datetime(_) => true,
        Value::Array(elements) => elements.iter().any(has_date),
        Value::Table(table) => table.iter().any(|entry| has_date(&entry.node)),
        _ => false,
    }
}

fn date_is_text(node: &mut Node) {
    match &mut node.value {
        Value::Datetime(text) => node.value = Value::String(std::mem::take(text)),
        Value::Array(elements) => elements.iter_mut().for_each(date_is_text),
        Value::Table(table) => dates_are_texts(table),
        _ => {}
    }
}

/// Lists that are united across layers have no repetitions even in one layer.
fn without_repetitions(table: &mut Table, spot: &Spot) {
    let united = |row: &codex_schema::key::Key| row.merge == Merge::Union;
    if !concerns(table, spot, &united) {
        return;
    }
    table.for_each_entry_mut(|name, node| {
        let Some(child) = spot.child(name) else { return };
        match (child.key.map(|key| key.merge), &mut node.value) {
            (Some(Merge::Union), Value::Array(elements)) => {
                let mut seen = std::collections::BTreeSet::new();
                elements.retain(|one| {
                    one.value.as_str().is_none_or(|text| seen.insert(text.to_owned()))
                });
            }
            (None, Value::Table(below)) => without_repetitions(below, child),
            _ => {}
        }
    });
}

/// Keys and certificates inside exporters, which are one value otherwise.
fn resolve_certificates(root: &mut Table, base: &str, machine: &Machine) {
    let Some(otel) = table_at(root, "otel") else { return };
    for exporter in ["exporter", "trace_exporter", "metrics_exporter"] {
        let Some(exporter) = table_at(otel, exporter) else { continue };
        exporter.for_each_entry_mut(|_, kind| {
            let Value::Table(kind) = &mut kind.value else { return };
            let Some(tls) = table_at(kind, "tls") else { return };
            tls.for_each_entry_mut(|_, path| {
                if let Value::String(path) = &mut path.value {
                    *path = paths::absolute(path, base, &machine.home).into();
                }
            });
        });
    }
}

fn table_at<'table>(table: &'table mut Table, name: &str) -> Option<&'table mut Table> {
    if let Value::Table(below) = &mut table.get_mut(name)?.value { Some(below) } else { None }
}

/// Elements of these lists may be written as lists of their fields.
fn name_list_fields(root: &mut Table) {
    if let Some(list) = root.get_mut("remote_sandbox_config") {
        name_element_fields(list, &["hostname_patterns", "allowed_sandbox_modes"]);
    }
    let listed = |node: &Node| {
        let elements = node.value.as_array().unwrap_or_default();
        elements.iter().any(|one| {
            let pattern = one.at(&["pattern"]).and_then(|pattern| pattern.value.as_array());
            one.value.as_array().is_some()
                || pattern.unwrap_or_default().iter().any(|token| token.value.as_array().is_some())
        })
    };
    if !root.get("rules").and_then(|rules| rules.at(&["prefix_rules"])).is_some_and(listed) {
        return;
    }
    let Some(rules) = table_at(root, "rules").and_then(|rules| rules.get_mut("prefix_rules"))
    else {
        return;
    };
    name_element_fields(rules, &["canonical_matching", "pattern", "decision", "justification"]);
    let Value::Array(rules) = &mut rules.value else { return };
    for rule in rules {
        if let Value::Table(rule) = &mut rule.value
            && let Some(pattern) = rule.get_mut("pattern")
        {
            name_element_fields(pattern, &["token", "any_of"]);
        }
    }
}

fn name_element_fields(list: &mut Node, fields: &[&str]) {
    let Value::Array(elements) = &mut list.value else { return };
    for element in elements {
        if let Value::Array(values) = &mut element.value {
            let mut table = Table::default();
            for (name, value) in fields.iter().zip(std::mem::take(values)) {
                table.insert(Sourced { value: (*name).into(), span: value.span }, value);
            }
            element.value = Value::Table(table);
        }
    }
}

/// Keys of the legacy managed configuration that are requirements as well.
pub(crate) const LEGACY_KEYS: [&str; 3] = ["approval_policy", "sandbox_mode", "approvals_reviewer"];

/// The keys of the legacy managed configuration that are also requirements.
pub(crate) fn legacy(config: &Table, era: Era) -> Table {
    let mut root = Table::default();
    let mut set = |key: &str, entry: &codex_schema::value::Entry, values: Vec<Node>| {
        let node = Node { value: Value::Array(values), span: entry.node.span };
        root.insert(Sourced { value: key.into(), span: entry.key.span }, node);
    };
    let word = |node: &Node, text: &str| Node::string(text, node.span);
    if let Some(entry) = config.entry("approval_policy") {
        set("allowed_approval_policies", entry, vec![entry.node.clone()]);
    }
    if let Some(entry) = config.entry("sandbox_mode") {
        let mut values = vec![word(&entry.node, "read-only")];
        if entry.node.value.as_str() != Some("read-only") {
            values.push(entry.node.clone());
        }
        set("allowed_sandbox_modes", entry, values);
    }
    if let Some(entry) = config.entry("approvals_reviewer").filter(|_| era.legacy_reviewer_counts())
    {
        let mut values = vec![entry.node.clone()];
        if matches!(entry.node.value.as_str(), Some("auto_review" | "guardian_subagent")) {
            values.push(word(&entry.node, "user"));
        }
        set("allowed_approvals_reviewers", entry, values);
    }
    root
}

/// Turns tables written as lists of their fields into tables with names.
struct Naming<'a> {
    machine: &'a Machine,
    path: Vec<String>,
    listed: Vec<Vec<String>>,
}

impl Naming<'_> {
    fn table(&mut self, table: &mut Table, spot: &Spot) {
        if !has_list_form(table, spot) {
            return;
        }
        table.for_each_entry_mut(|key, node| {
            let compound = matches!(node.value, Value::Array(_) | Value::Table(_));
            if let Some(child) = spot.child(key).filter(|child| compound && child.key.is_none()) {
                self.path.push(child.alias_of().unwrap_or(key).to_owned());
                self.node(node, child);
                self.path.pop();
            }
        });
    }

    fn node(&mut self, node: &mut Node, spot: &Spot) {
        if let Value::Array(elements) = &mut node.value
            && codex_schema::inspect::takes_lists(spot)
        {
            let version = self.machine.version;
            let fields = spot.fields().filter(|(_, field)| field.known_to(version));
            let mut table = Table::default();
            for ((name, _), element) in fields.zip(std::mem::take(elements)) {
                table.insert(Sourced { value: name.into(), span: element.span }, element);
            }
            node.value = Value::Table(table);
            self.listed.push(self.path.clone());
        }
        if let Value::Table(table) = &mut node.value {
            self.table(table, spot);
        }
    }
}

/// Whether a table on the way to keys is written as a list.
fn has_list_form(table: &Table, spot: &Spot) -> bool {
    table.iter().any(|entry| {
        let Some(child) = spot.child(&entry.key.value).filter(|child| child.key.is_none()) else {
            return false;
        };
        match &entry.node.value {
            Value::Array(_) => codex_schema::inspect::takes_lists(child),
            Value::Table(below) => has_list_form(below, child),
            _ => false,
        }
    })
}

/// Takes out what this Codex version ignores.
fn drop_unknown(table: &mut Table, spot: &Spot, machine: &Machine) {
    // What is reserved now was the name of a profile.
    let profile = |name: &str| {
        name == "network" && !reserved(name, machine.version) && spot.child("filesystem").is_some()
    };
    table.retain(|entry| {
        profile(&entry.key.value)
            || spot.child(&entry.key.value).is_some_and(|child| child.known_to(machine.version))
    });
    // Values are whole: only tables on the way to them can hold unknown names.
    let on_the_way = |entry: &&codex_schema::value::Entry| {
        let child = spot.child(&entry.key.value);
        child.is_some_and(|child| child.key.is_none()) && entry.node.value.as_table().is_some()
    };
    let names: Vec<String> =
        table.iter().filter(on_the_way).map(|entry| entry.key.value.to_string()).collect();
    for name in names {
        let Some(child) = spot.child(&name) else { continue };
        if let Some(Node { value: Value::Table(below), .. }) = table.get_mut(&name) {
            drop_unknown(below, child, machine);
        }
    }
}

/// Puts keys under their own names.
pub(crate) fn rename(root: &mut Table) {
    let renames: Vec<(String, &'static str)> = root
        .iter()
        .filter_map(|entry| {
            let own = REQUIREMENTS.root().child(&entry.key.value)?.alias_of()?;
            Some((entry.key.value.to_string(), own))
        })
        .collect();
    for (written, own) in renames {
        if let Some(mut entry) = root.remove(&written) {
            entry.key.value = own.into();
            root.insert(entry.key, entry.node);
        }
    }
}

/// The first entry of `remote_sandbox_config` whose patterns match the host replaces the layer's
/// own list of sandbox modes.
fn for_this_host(root: &mut Table, hostname: &str) {
    let Some(entry) = root.remove("remote_sandbox_config") else { return };
    let Value::Array(entries) = entry.node.value else { return };
    let matches = |node: &&Node| {
        let patterns = node.at(&["hostname_patterns"]).and_then(|list| list.value.as_array());
        patterns
            .unwrap_or_default()
            .iter()
            .filter_map(|pattern| pattern.value.as_str())
            .any(|pattern| host_matches(pattern, hostname))
    };
    if let Some(modes) =
        entries.iter().find(matches).and_then(|one| one.at(&["allowed_sandbox_modes"]))
    {
        let key = Sourced { value: "allowed_sandbox_modes".into(), span: modes.span };
        root.insert(key, modes.clone());
    }
}

/// Whether a table has a value whose row fits: only then is it worth a copy of its own.
fn concerns(table: &Table, spot: &Spot, fits: &dyn Fn(&codex_schema::key::Key) -> bool) -> bool {
    table.iter().any(|entry| match (spot.child(&entry.key.value), &entry.node.value) {
        (Some(child), value) => match (child.key, value) {
            (Some(row), _) => fits(row),
            (None, Value::Table(below)) => concerns(below, child, fits),
            (None, _) => false,
        },
        (None, _) => false,
    })
}

fn resolve_paths(table: &mut Table, spot: &Spot, base: &str, machine: &Machine) {
    if !concerns(table, spot, &|row| row.text != Text::Plain) {
        return;
    }
    let names: Vec<String> = table.iter().map(|entry| entry.key.value.to_string()).collect();
    for name in names {
        let (Some(child), Some(node)) = (spot.child(&name), table.get_mut(&name)) else { continue };
        match (child.key.map(|key| key.text), &mut node.value) {
            (Some(Text::Path), Value::String(path)) => {
                *path = paths::absolute(path, base, &machine.home).into();
            }
            (Some(Text::Paths), Value::Array(elements)) => {
                for element in elements {
                    if let Value::String(path) = &mut element.value {
                        *path = paths::absolute(path, base, &machine.home).into();
                    }
                }
            }
            (None, Value::Table(below)) => resolve_paths(below, child, base, machine),
            _ => {}
        }
    }
}
