//! The program `codex-agent`: see `codex_agent_sync::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    codex_agent_sync::cli::main()
}
