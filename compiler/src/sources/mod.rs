//! Formats in which policy arrives that are not TOML files.

pub mod mdm;
pub mod rules_file;
