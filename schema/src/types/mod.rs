//! The types of leaf values. `Deserialize` accepts what Codex accepts and refuses with Codex's
//! words; `Serialize` prints as Codex prints.
//!
//! serde puts a struct's Rust name into its texts ("expected struct X with 2 elements") and nothing
//! but the name itself can change it there: a type whose name Codex can print bears Codex's name.

pub mod approval;
pub mod case;
pub mod choice;
pub mod hook;
pub mod hook_setting;
pub mod interface;
pub mod mcp;
pub mod network;
pub mod permission;
pub mod policy;
pub mod provider;
pub mod rule;
pub mod setting;
pub mod setting_value;
pub mod telemetry;
pub mod text;
pub mod tool;
