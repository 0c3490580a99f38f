//! Holds our model of Codex against the real one.
//!
//! [`predict`] answers from the model the questions that `codex-oracle` puts to the binary, in the
//! same documents, so that recorded vectors and random machines can be compared.

#![forbid(unsafe_code)]

pub mod differ;
pub mod generate;
pub mod policy;
pub mod predict;
pub mod predict_commands;
pub mod predict_session;
