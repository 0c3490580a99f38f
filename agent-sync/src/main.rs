//! The program `codex-agent`.
fn main() {}
