//! The fleet server: a mirror of signed releases with a memory. It can delay, never forge.
pub mod exceptions;
pub mod pages;
pub mod reports;
pub mod rollout;
