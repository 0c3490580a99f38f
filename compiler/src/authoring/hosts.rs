//! Sandbox modes of single hosts. An entry of `remote_sandbox_config` replaces the list of allowed
//! modes on the hosts it names, so the two have to be kept together: a layer that narrows the
//! list narrows the entries, and an entry may not allow what the list above does not.

use codex_schema::strictness::{elements, identity};
use codex_schema::value::{Node, Table, Value};

use super::Outcome;
use super::fold::Place;

const MODES: &str = "allowed_sandbox_modes";
const HOSTS: &str = "remote_sandbox_config";

/// What stood before a layer was folded. Not the whole policy: a copy that is kept makes every
/// change of the original a copy too.
pub(super) struct Above {
    modes: Option<Node>,
    has_hosts: bool,
}

impl Above {
    pub(super) fn of(policy: &Table) -> Self {
        Self { modes: policy.get(MODES).cloned(), has_hosts: policy.get(HOSTS).is_some() }
    }
}

/// Holds the entries to the list, after a layer was folded.
pub(super) fn keep_together(
    above: &Above,
    layer: &Table,
    policy: &mut Table,
    place: &mut Place<'_>,
) {
    let Some(modes) = policy.get(MODES).cloned() else { return };
    let said_by_layer = layer.get(HOSTS).is_some() && !above.has_hosts;
    let narrowed = layer.get(MODES).is_some() && above.modes.as_ref() != Some(&modes);
    if !said_by_layer && !narrowed {
        return;
    }
    let Some(Node { value: Value::Array(entries), span }) = policy.get_mut(HOSTS) else { return };
    let (span, allowed) = (*span, elements(&modes.value));
    let beyond: Vec<String> = entries
        .iter()
        .filter_map(|entry| entry.at(&[MODES]))
        .flat_map(|list| elements(&list.value))
        .filter(|mode| !allowed.contains(mode))
        .collect();
    if beyond.is_empty() {
        return;
    }
    if said_by_layer && let Some(permit) = place.permit(&[HOSTS]) {
        place.event_at(&[HOSTS], Outcome::Loosens(permit), span, Some(modes.span), beyond);
        return;
    }
    for entry in entries {
        narrow(entry, &modes);
    }
    let outcome = if said_by_layer { Outcome::Refused } else { Outcome::Tightens };
    place.event_at(&[HOSTS], outcome, span, Some(modes.span), beyond);
}

/// Takes out of an entry what the list does not allow; an entry of which nothing remains gets the
/// list itself.
fn narrow(entry: &mut Node, modes: &Node) {
    let Value::Table(table) = &mut entry.value else { return };
    let Some(list) = table.get_mut(MODES) else { return };
    let allowed = elements(&modes.value);
    if let Value::Array(own) = &mut list.value {
        own.retain(|mode| allowed.contains(&identity(&mode.value)));
        if own.is_empty() {
            list.value = modes.value.clone();
        }
    }
}
