//! Asks a real Codex what it makes of a set of policy files.

#![forbid(unsafe_code)]

mod config_server;
mod error;
mod http;
mod install;
mod isolation;
mod oracle;
mod rpc;
mod spec;
mod tls;
mod turn;
mod vectors;
mod world;

pub use error::{CannotRun, OracleError, require_or_announce};
pub use install::{CodexBinary, install};
pub use isolation::{Isolation, isolated, isolated_pool};
pub use oracle::{Oracle, TurnScript, ask, ask_many};
pub use spec::{Bundle, Cache, FileSpec, HttpAnswer, SpecialFile, WorldSpec};
pub use vectors::{ABSENT, Mismatch, Vector, VectorFile, compare};
pub use world::{Finished, World};
