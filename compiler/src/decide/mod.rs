//! What a policy decides: the answers that Codex gives, computed from composed requirements.
//!
//! Each module makes a view of one part of the requirements once, in time linear in its size, and
//! then answers questions from it. Answers name the entries they come from by span, so that a
//! caller can show the file, the line and the author.
//!
//! **Invariants.** Nothing here knows which channel said what, prints, or decides what would be
//! better. Entries that Codex refuses decide nothing; refusing them is `compose`'s work.

pub mod commands;
pub mod domains;

/// A map whose order is never looked at.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;

/// A set whose order is never looked at.
pub(crate) type Set<T> = std::collections::HashSet<T, foldhash::fast::RandomState>;
