//! Keys of `requirements.toml`, one file per family.

mod application;
mod approvals;
mod browser;
mod client;
mod config_server;
mod desktop;
mod extensions;
mod features;
mod hooks;
mod model_providers;
mod network;
mod permissions;
mod review;
mod rules;
mod sandbox;
mod shared_network;
mod sign_in;
mod telemetry;

use crate::key::{Key, Section};

/// All families. Inside one table, rows stand in the order of Codex's own struct.
pub static FAMILIES: &[&[Key]] = &[
    config_server::KEYS,
    sign_in::KEYS,
    client::KEYS,
    model_providers::KEYS,
    telemetry::KEYS,
    approvals::KEYS,
    sandbox::KEYS,
    desktop::KEYS,
    browser::KEYS,
    features::KEYS,
    hooks::KEYS,
    extensions::KEYS,
    rules::KEYS,
    network::KEYS,
    application::KEYS,
    permissions::KEYS,
    shared_network::KEYS,
    review::KEYS,
];

/// All tables on the way to keys.
pub static SECTIONS: &[&[Section]] = &[
    config_server::SECTIONS,
    client::SECTIONS,
    model_providers::SECTIONS,
    telemetry::SECTIONS,
    sandbox::SECTIONS,
    desktop::SECTIONS,
    browser::SECTIONS,
    features::SECTIONS,
    hooks::SECTIONS,
    extensions::SECTIONS,
    rules::SECTIONS,
    network::SECTIONS,
    application::SECTIONS,
    permissions::SECTIONS,
    shared_network::SECTIONS,
    review::SECTIONS,
];
