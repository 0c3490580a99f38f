//! A smaller policy that decides the same. Every start of Codex pays for each rule and, more than
//! linearly, for each domain: what can never make a difference is better not shipped.
//!
//! What is removed is proved to be without effect by comparing patterns, not by trying examples:
//!
//! - prefix rules that only match commands which other rules decide at least as strictly, and
//!   alternatives of `any_of` of which that is true;
//! - domains that other entries cover with the same or a stricter answer (a denial beats a review,
//!   a review beats an allowance, at any breadth);
//! - repeated elements of lists that are sets to Codex.
//!
//! What is kept although it looks redundant:
//!
//! - entries that Codex refuses: removing one would repair the policy behind its author's back;
//! - the last entry that allows anything: a list without elements is to Codex no list;
//! - an address or `localhost` listed as allowed: only the literal entry opens a local address;
//! - paths in `deny_read` below other paths: Codex resolves links when a session starts, so an entry
//!   may deny a place outside the directory in which it seems to lie;
//! - rules with `canonical_matching`, whose exact meaning is not settled.
//!
//! **Invariants.** The result decides every command and every host as the given policy does; a
//! second simplification removes nothing; the order of what stays is the given order.

mod commands;
mod domains;
mod lists;
#[cfg(test)]
pub(crate) mod tests;

use codex_schema::span::Span;
use codex_schema::value::Table;

/// Whether the reasons that Codex shows matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasons {
    /// Codex must show the same reason for every command as before: a rule goes only if its reason
    /// was never shown, or stands in a later rule with the same words.
    Keep,
    /// Only decisions count: another rule's reason may be shown.
    MayChange,
}

/// A policy and what was taken out of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Simplified {
    /// What remains.
    pub requirements: Table,
    /// What was removed, by key and then by place.
    pub removed: Vec<Removed>,
}

/// Something that was removed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Removed {
    /// The key it stood under.
    pub path: String,
    /// Where it was written.
    pub span: Span,
    /// Why it makes no difference.
    pub reason: Reason,
}

/// Why something makes no difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The same stands elsewhere.
    Duplicate {
        /// The place of what stays.
        of: Span,
    },
    /// Others decide everything that it could decide, at least as strictly.
    Shadowed {
        /// The places of the others; more than one where only together they cover everything.
        by: Vec<Span>,
    },
}

/// Takes out of composed requirements (canonical key names, as `compose` gives them) what makes no
/// difference. Near-linear in the size of the policy.
pub fn simplify(mut requirements: Table, reasons: Reasons) -> Simplified {
    let mut removed = Vec::new();
    commands::simplify(&mut requirements, reasons, &mut removed);
    domains::simplify(&mut requirements, &mut removed);
    lists::simplify(&mut requirements, &mut removed);
    removed.sort();
    Simplified { requirements, removed }
}

/// The value at a path, to be changed.
fn value_mut<'table>(
    root: &'table mut Table,
    path: &[&str],
) -> Option<&'table mut codex_schema::value::Value> {
    let (first, rest) = path.split_first()?;
    let value = &mut root.get_mut(first)?.value;
    if rest.is_empty() {
        return Some(value);
    }
    let codex_schema::value::Value::Table(below) = value else { return None };
    value_mut(below, rest)
}

/// Removes the elements of a list at the given positions, which are in ascending order.
fn remove_elements(root: &mut Table, path: &[&str], positions: &[usize]) {
    if positions.is_empty() {
        return;
    }
    let Some(codex_schema::value::Value::Array(elements)) = value_mut(root, path) else { return };
    let mut at = 0;
    elements.retain(|_| {
        at += 1;
        positions.binary_search(&(at - 1)).is_err()
    });
}
