//! The key table: one row per key of Codex's policy and configuration.

pub mod requirements;
pub mod config;
pub mod feature_names;
