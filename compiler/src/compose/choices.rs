//! Values that an older version read differently: the key table describes the newest.

use codex_schema::de::TypeProblem;
use codex_schema::inspect::{Inspection, unexpected};
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::value::{Node, Table, Value};
use codex_schema::version::Version;

use crate::era::{Choices, Era};

/// Puts what the table says about values into the terms of an older version.
pub(super) fn of_era(inspection: &mut Inspection, root: &Table, era: Era) {
    if REQUIREMENTS.find(&["hooks"]).is_some_and(|spot| spot.known_to(era.version())) {
        hook_kinds(inspection, root, era);
    }
    // The type had another name; measured at 0.98.0.
    if era.version() < Version::of(118) {
        for problem in &mut inspection.refused {
            problem.message = problem.message.replace("RawMcpServerIdentity", "McpServerIdentity");
        }
    }
    // A key that the version does not know at all is ignored with any value.
    let known = |choices: &&Choices| {
        REQUIREMENTS.find(choices.path).is_none_or(|spot| spot.known_to(era.version()))
    };
    for choices in era.choices().filter(known) {
        inspection.refused.retain(|problem| {
            let same = problem
                .keys
                .iter()
                .zip(choices.path)
                .all(|(key, part)| key == part || *part == "*");
            !(same && problem.message.starts_with("unknown variant"))
        });
        for node in at(root, choices.path) {
            check(node, choices, &mut inspection.refused);
        }
    }
}

/// Hooks that ask an MCP server came after 0.138; measured there and at 0.157.1.
fn hook_kinds(inspection: &mut Inspection, root: &Table, era: Era) {
    if era.version() >= Version::of(157) {
        return;
    }
    let Some(hooks) = root.get("hooks") else { return };
    let events = hooks.value.as_table().into_iter().flat_map(Table::iter);
    let heard = |event: &str| {
        REQUIREMENTS.find(&["hooks", event]).is_some_and(|spot| spot.known_to(era.version()))
    };
    let kinds = events
        .filter(|event| heard(&event.key.value))
        .filter_map(|event| event.node.value.as_array())
        .flatten()
        .filter_map(|group| group.at(&["hooks"])?.value.as_array())
        .flatten()
        .filter_map(|handler| handler.at(&["type"]));
    let wrong = kinds.filter(|kind| kind.value.as_str() == Some("mcp_tool"));
    inspection.refused.extend(wrong.take(1).map(|_| TypeProblem {
        message:
            "unknown variant `mcp_tool`, expected one of `command`, `prompt`, `agent`".to_owned(),
        keys: vec!["hooks".to_owned()],
        span: Some(hooks.span),
    }));
}

/// The values at a path; `*` stands for every key.
fn at<'table>(root: &'table Table, path: &[&str]) -> Vec<&'table Node> {
    let Some((first, rest)) = path.split_first() else { return Vec::new() };
    let here = root.iter().filter(|entry| *first == "*" || *first == &*entry.key.value);
    here.flat_map(|entry| match (rest, entry.node.value.as_table()) {
        ([], _) => vec![&entry.node],
        (rest, Some(below)) => at(below, rest),
        (_, None) => Vec::new(),
    })
    .collect()
}

/// Puts what the table says about values of the configuration into the terms of an older version.
pub(crate) fn of_config(inspection: &mut Inspection, root: &Table, era: Era) {
    for choices in era.config_choices() {
        inspection.refused.retain(|problem| {
            let same = problem
                .keys
                .iter()
                .zip(choices.path)
                .all(|(key, part)| key == part || *part == "*");
            !(same && problem.message.starts_with("unknown variant"))
        });
        for node in at(root, choices.path) {
            check(node, choices, &mut inspection.refused);
        }
    }
    notifications(inspection, root, era);
    web_search_switch(inspection, root, era);
    if era.version() >= Version::of(124) {
        hook_kinds(inspection, root, era);
    }
    for problem in &mut inspection.refused {
        let key = problem.keys.starts_with(&["tui".to_owned(), "keymap".to_owned()]);
        if key && era.version() < Version::of(157) && problem.message.starts_with("invalid type") {
            "data did not match any variant of untagged enum KeybindingsSpec"
                .clone_into(&mut problem.message);
        }
    }
    // Codex reads the keys in the order in which they stand.
    inspection.refused.sort_by_key(|problem| problem.span.map(|span| span.start));
}

/// A way of notifying that came after 0.157.1; measured there, at 0.138.0, 0.118.0 and 0.98.0.
fn notifications(inspection: &mut Inspection, root: &Table, era: Era) {
    const LATER: &str = "osc777";
    const EARLIER: &str = "one of `auto`, `osc9`, `bel`";
    if era.version() >= Version::of(158) {
        return;
    }
    for problem in &mut inspection.refused {
        problem.message =
            problem.message.replace("one of `auto`, `osc9`, `osc777`, `bel`", EARLIER);
    }
    let method = root.get("tui").and_then(|tui| tui.at(&["notification_method"]));
    let later = method.filter(|node| node.value.as_str() == Some(LATER));
    inspection.refused.extend(later.map(|node| TypeProblem {
        message: format!("unknown variant `{LATER}`, expected {EARLIER}"),
        keys: vec!["tui".to_owned()],
        span: Some(node.span),
    }));
}

/// Web search was a switch without settings; measured at 0.98.0.
fn web_search_switch(inspection: &mut Inspection, root: &Table, era: Era) {
    if era.version() >= Version::of(118) {
        return;
    }
    let switch = root.get("tools").and_then(|tools| tools.at(&["web_search"]));
    let Some(switch) = switch.filter(|node| !matches!(node.value, Value::Boolean(_))) else {
        return;
    };
    let keys = vec!["tools".to_owned(), "web_search".to_owned()];
    inspection.refused.retain(|problem| !problem.keys.starts_with(&keys));
    let message = format!("invalid type: {}, expected a boolean", unexpected(&switch.value));
    inspection.refused.push(TypeProblem { message, keys, span: Some(switch.span) });
}

fn check(node: &Node, choices: &Choices, found: &mut Vec<TypeProblem>) {
    let mut refuse = |name: &str, node: &Node| {
        let listed: Vec<String> = choices.values.iter().map(|value| format!("`{value}`")).collect();
        let expected = match listed.as_slice() {
            [one, other] => format!("{one} or {other}"),
            _ => format!("one of {}", listed.join(", ")),
        };
        found.push(TypeProblem {
            message: format!("unknown variant `{name}`, expected {expected}"),
            keys: choices.path.iter().map(|part| (*part).to_owned()).collect(),
            span: Some(node.span),
        });
    };
    match &node.value {
        Value::String(name) if !choices.values.contains(&name.as_str()) => refuse(name, node),
        Value::Array(elements) => {
            for element in elements {
                match &element.value {
                    Value::Table(variant) => {
                        let name = variant.iter().next().map(|entry| &*entry.key.value);
                        let name = name.filter(|name| {
                            !choices.values.contains(name)
                                && choices.path == ["allowed_approval_policies"]
                        });
                        if let Some(name) = name {
                            refuse(name, element);
                        }
                    }
                    Value::String(name) if !choices.values.contains(&name.as_str()) => {
                        refuse(name, element);
                    }
                    _ => {}
                }
            }
        }
        Value::Table(map) => {
            // Read through a buffer: the place is the whole table.
            let wrong = map.iter().filter_map(|entry| entry.node.value.as_str());
            if let Some(name) = wrong.into_iter().find(|name| !choices.values.contains(name)) {
                refuse(name, node);
            }
        }
        _ => {}
    }
}
