//! Signed releases: what is signed, by whom, and the only place that can call a bundle verified.
//!
//! Reading order: `provider` and `keys` (cryptography behind one door), `document` (the four kinds
//! of TUF metadata and their signatures), `audience`, `bundle`, `organisation` and `approval` (what
//! is signed), `transport` and `store` (the two traits that connect to the world), `refresh` (TUF
//! on top of `sigstore-tuf`), `guards` (what TUF cannot know), `verify` (all of it together), `write`
//! (the other side: what becomes a release).
//!
//! **Invariants.**
//! - No I/O, no clock, no randomness: bytes come through [`transport::Transport`] and
//!   [`store::MetadataStore`], the time is an argument.
//! - Nothing is parsed before its signature, or the hash that a signed document gives it, was
//!   checked; limits of length hold before that, by the transport.
//! - [`verify::Verified`] has no other maker than [`verify`], and holds exactly the bytes that were
//!   checked.
//! - What raises a floor is stored, and known to be on the disk, before anything that relies on it
//!   is returned. A store that failed once answers nothing any more.
//! - A refusal leaves everything as it was. Nothing here deletes what is installed.
//! - This crate reads no policy source and writes no file; it does not know the compiler.
pub mod approval;
pub mod audience;
pub mod bundle;
pub mod document;
pub mod guards;
pub mod keys;
pub mod organisation;
pub mod provider;
pub mod refresh;
pub mod store;
pub mod transport;
pub mod verify;
pub mod write;
