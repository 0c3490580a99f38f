//! What changes from one policy to another: tighter, looser, equal or incomparable, for every key
//! and for every decision, proved over everything that can be asked.
//!
//! Reading order: `commands` and `domains` (decisions as functions, compared over their whole
//! space), `policy` (one policy against another), `source` and `diff` (two repositories, cohort by
//! cohort), `fleet` (the machines there are), `planned` (all of it as a plan), `hash` and `brake`
//! (the plan's name, and what needs it).
//!
//! **Invariants.** A verdict is proved or withheld, never guessed; every example was put to the
//! decision itself. What rules and hosts decide is told by decisions alone, what other keys say by
//! the key table. The same two repositories give the same plan on every machine and every day.

pub mod brake;
pub mod commands;
pub mod diff;
pub mod domains;
pub mod fleet;
pub mod hash;
pub mod planned;
pub mod policy;
pub mod source;

#[cfg(test)]
mod tests;
