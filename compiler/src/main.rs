//! The program `codex-config`: see `codex_compiler::cli`.

use std::process::ExitCode;

/// Policy is many small values: the system's allocator costs a quarter of compiling a large one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    codex_compiler::cli::main()
}
