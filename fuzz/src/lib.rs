//! Fuzz targets for everything that reads what others wrote.
//!
//! With the engine: `cargo +nightly fuzz run machine --features engine`. Without it, the test
//! `smoke` feeds mutated seeds to the same targets for a few seconds each (`FUZZ_SECONDS`), with
//! a seed of its own (`FUZZ_SEED`) that it prints.
//!
//! A target panics when a promise is broken; whatever else it does with its input is fine.

pub mod mutate;
pub mod seeds;
pub mod targets;
