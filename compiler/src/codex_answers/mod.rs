//! Codex's own answers to questions about a machine, predicted in Codex's own shapes.
//!
//! Each function answers one question that the real program can be asked; an `Err` holds the text
//! with which it refuses. The recorded vectors of each version hold these predictions to what the
//! program really said.

pub mod config_read;
mod exact;
mod features;
mod login;
mod refusals;
mod roles;
mod sessions;
mod shapes;
mod tools;
mod warnings;

pub use config_read::config_read;
pub(crate) use features::effective as features_in_force;
pub use features::features;
pub use login::{Credentials, login_status};
pub(crate) use refusals::is_matcher;
pub use refusals::{requirements_refusal, startup_refusal};
pub use sessions::{thread, trust_written};
pub use tools::{mcp, write};
pub use warnings::warnings;
