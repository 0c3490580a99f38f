//! A server as those see it who talk to it: publishers, machines, administrators, Codex, and people
//! who mean no good.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a story is told in one piece, and what was not tested is said loudly"
)]

mod browser;
mod codex;
mod contract;
mod crash;
mod endpoints;
mod hostile;
mod issuer;
mod large;
mod oidc;
mod operations;
mod program;
mod publish;
mod rollouts;
mod store;
mod support;
