//! Keys and the ceremony: who may sign what, where private keys are, and how the people who hold
//! them make the next root together.
//!
//! Reading order: `trust_file` (`trust.toml`), `ceremony` (roots, and who still has to sign),
//! `key_file` (a private key at rest), `command` (a private key that somebody else keeps),
//! `signer` (either of them, as an argument names it).
//!
//! **Invariants.** No clock, no randomness, no environment, no terminal: days, random bytes and
//! passphrases are arguments. No private key, seed or passphrase is in any text that leaves here,
//! and none has a `Debug` form. A private key is never written unless encrypted.

pub mod ceremony;
pub mod command;
pub mod key_file;
pub mod signer;
pub mod trust_file;
