//! The fleet server: a mirror of signed releases with a memory. It can delay, never forge.
pub mod reports;
pub mod rollout;
