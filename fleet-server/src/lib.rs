//! The fleet server: a mirror of signed releases with a memory. It can delay, never forge.
pub mod authority;
pub mod config;
pub mod store;
pub mod tls;
pub mod world;
