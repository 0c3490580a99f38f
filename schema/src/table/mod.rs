//! The key table: one row per key of Codex's policy and configuration.

pub mod config;
pub mod feature_names;
pub mod policy;
pub mod requirements;

#[cfg(test)]
mod tests;
