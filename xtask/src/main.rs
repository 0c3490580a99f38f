//! The project's own commands: `cargo xtask test`, `demo`, `oracle`, `bench`.
//!
//! Everything that continuous integration runs is here, so that a desktop can run the same.

#![forbid(unsafe_code)]

mod oracle;
mod talk;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks, measures and shows the policy compiler.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Compare the model with a real Codex on random machines.
    Oracle(oracle::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Oracle(arguments) => oracle::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            talk::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}
