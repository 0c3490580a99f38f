//! Keys of `config.toml`, one file per family.

use crate::key::{Key, Section};

/// All families.
pub static FAMILIES: &[&[Key]] = &[];

/// All tables that differ from an ordinary struct table.
pub static SECTIONS: &[&[Section]] = &[];
