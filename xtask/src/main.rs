//! The project's own commands: `cargo xtask test`, `demo`, `oracle`, `mutants`, `bench`.
//!
//! Everything that continuous integration runs is here, so that a desktop can run the same.

#![forbid(unsafe_code)]

mod bench;
mod demo;
mod mutants;
mod oracle;
mod talk;
mod test;

use std::path::{Path, PathBuf};
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
    /// Shows what the programs do: on the examples, on this machine, and all of them together.
    Demo(demo::Arguments),
    /// Run everything that continuous integration runs.
    Test(test::Arguments),
    /// Compare the model with a real Codex on random machines.
    Oracle(oracle::Arguments),
    /// Take every guard of the trust code out in turn: its test must go red.
    Mutants,
    /// Measure against the goals.
    Bench(bench::Arguments),
    /// Run one program and print what it cost; used by `bench`.
    #[command(hide = true)]
    Measured {
        /// The program and its arguments.
        #[arg(last = true)]
        program: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Oracle(arguments) => oracle::run(&arguments),
        Task::Mutants => mutants::run(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Measured { program } => bench::measured(&program),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            talk::complain(&format!("error: {problem}"));
            ExitCode::FAILURE
        }
    }
}

/// The top folder of the workspace.
fn workspace() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
