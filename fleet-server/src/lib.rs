//! The fleet server: a mirror of signed releases with a memory. It can delay, never forge.
//!
//! Reading order: `config` (the one file), `store` (what is remembered), `release` and `tree` (what
//! is verified, and what is served of it), `authority` and `tls` (who a machine is), `fleet` (what
//! all requests share), `oidc` (who a person is), `http` (connections and the table of routes), `api` (what the routes do),
//! `rollout`, `reports` and `exceptions` (pure: what is planned, told and made of requests), `rolling`
//! (rollouts in a server), `pages` and `dashboard` (what people see), `metrics` and `telemetry` (what
//! operators see), `server` (all of it together),
//! `setup` (what `init` makes), `cli` (the program).
//!
//! **Invariants.**
//! - Nothing here makes a policy valid. What machines install is decided by `codex-trust` on the
//!   machine, from a root that this server does not hold the keys of.
//! - The server believes no publisher and no database: a release comes into force, and into memory,
//!   only after it was verified from the pinned root on.
//! - No version of a timestamp ever has two contents: versions are compared and written in one
//!   transaction, and these go one after another over all servers on a database.
//! - What was acknowledged is on the disk: every change is committed before its answer is sent.
//! - Requests are authenticated before their bodies are read, enrolment apart, whose token is in the
//!   body. Everything that comes from outside has a limit of bytes and of time.
//! - Codex never gets an empty answer where there should be a policy: doubt is an error.
//! - When the database is gone, the last release is served from memory and every write is refused.
//! - The clock, the dice and files are looked at in `world` alone.

pub mod api;
pub mod authority;
pub mod cli;
pub mod config;
pub mod dashboard;
pub mod error;
pub mod exceptions;
pub mod fleet;
pub mod http;
pub mod issue;
pub mod metrics;
pub mod oidc;
mod outbound;
pub mod pages;
pub mod release;
pub mod reports;
pub mod rolling;
pub mod rollout;
pub mod server;
pub mod setup;
pub mod store;
pub mod telemetry;
pub mod testing;
pub mod tls;
pub mod tree;
pub mod world;
