//! Keys of `config.toml`, one file per family.
//!
//! `since` is the first of the sampled versions 0.98.0, 0.118.0, 0.138.0, 0.157.1 and 0.169.0 that
//! knows a key, found by wrong-typed values; a key known to 0.98.0 has no lower bound.

mod agents;
mod approvals;
mod client;
mod extensions;
mod features;
mod hooks;
mod instructions;
mod keymap;
mod mcp;
mod model;
mod model_providers;
mod notice;
mod permissions;
mod profiles;
mod realtime;
mod sandbox;
mod sign_in;
mod telemetry;
mod tools;
mod tui;

use crate::key::{Key, SECTION, Section};

/// All families. Inside one table, rows stand in the order of Codex's own struct.
pub static FAMILIES: &[&[Key]] = &[
    model::KEYS,
    instructions::KEYS,
    approvals::KEYS,
    sandbox::KEYS,
    permissions::KEYS,
    sign_in::KEYS,
    mcp::KEYS,
    model_providers::KEYS,
    client::KEYS,
    realtime::KEYS,
    tools::KEYS,
    agents::KEYS,
    hooks::KEYS,
    extensions::KEYS,
    features::KEYS,
    telemetry::KEYS,
    notice::KEYS,
    profiles::KEYS,
    tui::KEYS,
    keymap::KEYS,
];

/// The document itself.
static DOCUMENT: &[Section] = &[Section { path: "", expecting: "struct ConfigToml", ..SECTION }];

/// All tables on the way to keys.
pub static SECTIONS: &[&[Section]] = &[
    DOCUMENT,
    model::SECTIONS,
    approvals::SECTIONS,
    sandbox::SECTIONS,
    permissions::SECTIONS,
    mcp::SECTIONS,
    model_providers::SECTIONS,
    client::SECTIONS,
    realtime::SECTIONS,
    tools::SECTIONS,
    agents::SECTIONS,
    hooks::SECTIONS,
    extensions::SECTIONS,
    features::SECTIONS,
    telemetry::SECTIONS,
    notice::SECTIONS,
    profiles::SECTIONS,
    tui::SECTIONS,
    keymap::SECTIONS,
];
