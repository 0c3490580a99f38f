//! What the fleet server and the agents say to each other.
//!
//! Reading order: `identity` (who a machine is, in its certificate), `enrolment` (how it gets one),
//! `check_in` (what it tells and hears every quarter of an hour), `push` (the hint that something
//! is new), `routes` (where all of that is); `rollout` and `request` are what people ask for.
//!
//! **Invariants.**
//! - Nothing that the server says makes a policy valid. It can ask an endpoint to wait
//!   ([`check_in::Answer::hold`]) and to look soon ([`push::Hint`]); what is installed is decided by
//!   `codex-trust` alone.
//! - Every document has a limit of bytes, and every text in it one of characters: both sides refuse
//!   what is longer.
//! - No I/O, no clock, no randomness: times and nonces are arguments.
pub mod check_in;
pub mod enrolment;
pub mod identity;
pub mod push;
pub mod request;
pub mod rollout;
pub mod routes;
