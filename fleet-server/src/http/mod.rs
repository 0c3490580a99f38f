//! HTTP/1.1: connections with deadlines for everything, the table of routes, and answers.
//!
//! Reading order: `route` (what there is), `answer`, `connection` (one connection), `listen` (all of
//! them), `openapi`.

mod action;
pub mod answer;
pub mod connection;
pub mod listen;
pub mod openapi;
pub mod route;
