//! The network and the disk under `codex-trust`: fetches releases, and keeps what was verified.
//!
//! Reading order: `store` (a folder that holds what is trusted: locked, whole, on the disk),
//! `transport` (a web server or a folder that holds releases: limits, deadlines, no redirects),
//! `address` (names of a release in the path of an address).
//!
//! **Invariants.**
//! - Nothing here decides what is trusted: bytes go to `codex-trust` as they came, and what that
//!   crate hands over is kept as it is.
//! - A folder that others can write to, or that a link leads to, is no store.
//! - Whatever happens in a write (a kill, a full disk, a loss of power), afterwards the old bytes
//!   or the new ones are there, whole.
//! - Every fetch ends: by a limit of bytes, by a deadline over all of it, by silence.
//! - The environment is not looked at. Addresses, proxies and authorities are arguments.
pub mod address;
pub mod agent;
pub mod attest;
pub mod cli;
pub mod client;
pub mod config;
pub mod courier;
pub mod disk;
pub mod fetcher;
pub mod identity;
pub mod install;
pub mod layout;
pub mod shell;
pub mod status;
pub mod store;
pub mod transport;
pub mod watch;
