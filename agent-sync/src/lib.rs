//! The endpoint agent: fetches releases, installs what `codex-trust` verified, repairs it, and has
//! Codex prove it. The program is `codex-agent`.
//!
//! Reading order, from what is remembered to what is typed:
//! - `store` (a folder that holds what is trusted: locked, whole, on the disk), `disk` (files below a
//!   root that others may have arranged), `layout` (where things are);
//! - `transport` and `address` (where releases come from: limits, deadlines, no redirects), `client`
//!   (what is said to a server), `channel` and `follow` (hints), `courier` (how the installing half gets at either), `fetcher` (the
//!   fetching half), `identity` and `config`;
//! - `install` (all files of a bundle or none), `attest` (what Codex says of them), `weak` (what
//!   weakens them all the same), `watch`, `desk` (what people at the machine ask for);
//! - `agent` (the core: events go in, effects come out), `shell` (carries them out), `status`, `cli`.
//!
//! **Invariants.**
//! - Nothing here decides what is trusted: bytes go to `codex-trust` as they came, and what that
//!   crate hands over is kept and installed as it is. The core decides when, never whether.
//! - Only a [`codex_trust::verify::Verified`] bundle becomes a generation, and only a generation is
//!   installed.
//! - A folder that others can write to, or that a link leads to, is no store and no place for
//!   policy.
//! - Whatever happens in a write (a kill, a full disk, a loss of power), afterwards the old bytes
//!   or the new ones are there, whole; of a bundle's files all are old or all are new once the agent
//!   has started again.
//! - Every fetch and every question to a program ends: by a limit of bytes, by a deadline over all
//!   of it, by silence.
//! - The installing half reaches no network code: it knows [`courier::Mailbox`] alone.
//! - Of the environment nothing but the proxies is looked at, in one place (`cli::run`), and settings
//!   come before it. Addresses and authorities are settings.
pub mod address;
pub mod agent;
pub mod attest;
pub mod channel;
pub mod cli;
pub mod client;
pub mod config;
pub mod courier;
pub mod desk;
pub mod disk;
pub mod fetcher;
pub mod follow;
pub mod identity;
pub mod install;
pub mod layout;
pub mod proxy;
pub mod shell;
pub mod status;
pub mod store;
pub mod transport;
pub mod watch;
pub mod weak;
