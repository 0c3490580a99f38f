//! What changes from one policy to another.
pub mod commands;
pub mod diff;
pub mod domains;
pub mod policy;
pub mod source;
