//! Keys of `requirements.toml`, one file per family.

mod approvals;

use crate::key::{Key, Section};

/// All families, in the order in which Codex's own struct has the keys.
pub static FAMILIES: &[&[Key]] = &[approvals::KEYS];

/// All tables that differ from an ordinary struct table.
pub static SECTIONS: &[&[Section]] = &[];
