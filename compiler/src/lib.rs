//! Merges Codex policy from every channel and explains what is in force.
pub mod check;
pub mod cli;
pub mod codex_answers;
pub mod compose;
pub mod configure;
pub mod digest;
pub mod effective;
pub mod era;
pub mod evaluate;
pub mod explain;
pub mod files;
pub mod gather;
pub mod layers;
pub mod machine;
pub mod render;
pub mod sources;
