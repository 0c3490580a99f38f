//! The program's commands.

mod arguments;
mod brief;
mod check;
mod compile;
mod diff;
mod emit;
mod explain;
mod fmt;
mod import;
mod init;
mod keys;
mod plan;
mod release;
mod request;
mod rollout;
mod schema;
mod shell;
mod sign;
mod test;
mod verify_profile;
mod why;
mod world;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

pub use arguments::{Cli, Command};

/// What a command leaves behind: its exit code follows one table for all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0: done, nothing found.
    Fine,
    /// 1: findings, or Codex refuses.
    Findings,
    /// 2: the command line is wrong.
    Usage,
    /// 3: the value is locked by policy.
    Locked,
    /// 4: policy could not be read; what could be shown was.
    Partial,
    /// 70: a fault of this program or of its surroundings.
    Internal,
}

impl Outcome {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Locked => 3,
            Self::Partial => 4,
            Self::Internal => 70,
        }
    }
}

/// Where commands write: data to one side, talk to the other.
#[derive(Debug, Default)]
pub struct Output {
    /// For standard output.
    pub data: String,
    /// For standard error.
    pub talk: String,
}

/// Runs the program on the arguments of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output with 0, mistakes to standard error with 2.
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            return if error.print().is_ok() {
                code.into()
            } else {
                Outcome::Internal.code().into()
            };
        }
    };
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    let wrote = write(&output);
    if wrote.is_err() { Outcome::Internal.code().into() } else { outcome.code().into() }
}

/// A reader that went away (`| head`) is no fault.
fn write(output: &Output) -> std::io::Result<()> {
    let ignore_closed = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    };
    ignore_closed(std::io::stderr().lock().write_all(output.talk.as_bytes()))?;
    let mut out = std::io::stdout().lock();
    ignore_closed(out.write_all(output.data.as_bytes()).and_then(|()| out.flush()))
}

/// Runs one command.
pub fn run(cli: &Cli, output: &mut Output) -> Outcome {
    match &cli.command {
        Command::Explain(arguments) => explain::explain(arguments, output),
        Command::Get(arguments) => explain::get(arguments, output),
        Command::Requirements(arguments) => explain::requirements(arguments, output),
        Command::WhyBlocked(arguments) => why::why_blocked(arguments, output),
        Command::Request(arguments) => request::request(arguments, output),
        Command::Check(arguments) => check::check(arguments, output),
        Command::Fmt(arguments) => fmt::fmt(arguments, output),
        Command::Compile(arguments) => compile::compile(arguments, output),
        Command::Emit(arguments) => emit::emit(arguments, output),
        Command::VerifyProfile(arguments) => verify_profile::verify(arguments, output),
        Command::Diff(arguments) => diff::diff(arguments, output),
        Command::Plan(arguments) => plan::plan(arguments, output),
        Command::Sign(arguments) => sign::sign(arguments, output),
        Command::Publish(arguments) => sign::publish(arguments, output),
        Command::Release(arguments) => release::release(&arguments.command, output),
        Command::Rollout(arguments) => rollout::rollout(&arguments.command, output),
        Command::Brief(arguments) => brief::brief(arguments, output),
        Command::Test(arguments) => test::test(arguments, output),
        Command::Keys(arguments) => keys::keys(arguments, output),
        Command::Init(arguments) => init::init(arguments, output),
        Command::Import(arguments) => import::import(arguments, output),
        Command::Schema(arguments) => schema::schema(arguments, output),
        Command::Completions(arguments) => shell::completions(arguments, output),
        Command::ShellInit(arguments) => shell::init(arguments, output),
    }
}
