//! The types of leaf values. `Deserialize` accepts what Codex accepts and refuses with Codex's
//! words; `Serialize` prints as Codex prints.

pub mod approval;
