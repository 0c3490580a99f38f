//! The program `codex-fleet-server`: see `codex_fleet_server::cli`.

use std::process::ExitCode;

/// Thousands of small allocations a second: the system's allocator keeps what was freed.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    codex_fleet_server::cli::main()
}
