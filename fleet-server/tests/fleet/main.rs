//! A server as those see it who talk to it: publishers, machines, administrators, Codex, and people
//! who mean no good.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod codex;
mod crash;
mod endpoints;
mod hostile;
mod publish;
mod store;
mod support;
