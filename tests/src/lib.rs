//! Asks a real Codex what it makes of a set of policy files.
//!
//! Every claim of this project about Codex is checked against the program itself. This crate gets
//! that program, builds a machine around it that consists of a few files, puts a question and
//! returns the answer as JSON. It knows nothing of our own model: it must not share its mistakes.
//!
//! # Use
//!
//! ```no_run
//! use codex_oracle::{Oracle, World, WorldSpec, ask_many, install, isolated};
//!
//! let codex = install("0.169.0")?;
//! let spec = WorldSpec::new()
//!     .file("/etc/codex/requirements.toml", "allowed_approval_policies = ['on-request']\n")
//!     .file("$CODEX_HOME/config.toml", "approval_policy = 'never'\n");
//! let answers = isolated(|isolation| {
//!     let world = World::build(isolation, &codex, &spec)?;
//!     Ok::<_, codex_oracle::OracleError>(ask_many(&world, &[Oracle::Startup, Oracle::thread()]))
//! })??;
//! # drop(answers);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! - [`install`] gets a native program by version, from npm into `target/codex/VERSION/`.
//!   `CODEX_BIN_0_169_0` (a program or an npm folder) and `CODEX_ORACLE_ROOT` (a folder of npm
//!   folders by version) take its place.
//! - [`isolated`] and [`isolated_pool`] run a closure on threads with namespaces of their own;
//!   [`World`]s can be built only there. [`ask_worlds`] is the pool for the common case.
//! - [`ask`] puts one question ([`Oracle`]), [`ask_many`] several with as few starts as possible.
//! - [`VectorFile`] holds recorded questions and answers; [`Vector::compare`] judges a model's
//!   answer, [`Vector::replay`] Codex's own.
//! - In tests, wrap `install` and the isolated call in [`require_or_announce`]: a machine that
//!   cannot run Codex fails in CI and says so loudly on a desktop.
//!
//! A document comes back whatever Codex thinks of the policy: [`OracleError::Refused`] carries its
//! refusal, and [`OracleError::Harness`] alone means that the question was not answered.
//!
//! # What a world is
//!
//! `/etc/codex`, `$CODEX_HOME`, `$CWD` and `$HOME` are folders of a file system in memory.
//! `/etc/codex` is bind-mounted for the one Codex process and its children; the network has nothing
//! but loopback, with the config server and the scripted model on it; the environment is empty but
//! for eight variables. Answers name the folders as `$CWD`, `$CODEX_HOME` and `$HOME`. Three
//! things are arranged for speed and decide nothing: `CODEX_HOME` has been used before by an
//! app-server, `lsb_release` is a program that says nothing, and names resolve to an error at once.
//!
//! Measured for 0.169.0 on a busy machine with two cores: 0.10 s for one world's startup, config
//! and thread together on two threads, and 20 s for the 164 vectors (two threads; Codex's own
//! retries against a failing server are 12 s of one of them).
//!
//! Needs Linux, root, `ip` from iproute2, and npm unless the program is there.
//!
//! # Reading order
//!
//! `spec` (what a world is made of), `world` (building and starting), `oracle` (the questions),
//! `rpc` and `turn` (the long ones), `isolation`, `vectors`; `http`, `tls`, `config_server` serve.
//!
//! # Invariants
//!
//! - The machine's own `/etc/codex` is a mount point (made when missing): its contents are never
//!   read and never written.
//! - No packet leaves the machine. Only `install` uses a network, and only npm there.
//! - Nothing waits for a fixed time: every wait is for an event and has a deadline.
//! - This crate depends on none of the crates that it tests.

#![forbid(unsafe_code)]

mod config_server;
mod error;
mod http;
mod install;
mod isolation;

pub mod npm;
mod oracle;
mod rpc;
mod spec;
mod tls;
mod turn;
mod vectors;
mod world;

pub use error::{CannotRun, OracleError, require_or_announce};
pub use install::{CodexBinary, install, install_into, installed_in, program_at};
pub use isolation::{Isolation, isolated, isolated_pool};
pub use oracle::{Oracle, TurnScript, ask, ask_many, ask_worlds};
pub use spec::{Bundle, Cache, FileSpec, HttpAnswer, SpecialFile, WorldSpec};
pub use vectors::{ABSENT, Mismatch, Vector, VectorFile, compare};
pub use world::{Finished, World};
