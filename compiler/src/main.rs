//! The program `codex-config`: see `codex_compiler::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_compiler::cli::main()
}
