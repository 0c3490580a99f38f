//! `cargo xtask oracle`: random machines, asked of Codex and of the model.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use codex_agreement::differ::{self, Options, Question};
use codex_schema::version::Version;

use crate::talk::{Problem, complain, say};

/// What to compare.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many random machines.
    #[arg(long, default_value_t = 200)]
    pub(crate) cases: u64,
    /// Where the randomness starts; the same seed makes the same machines.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The version of Codex.
    #[arg(long, default_value_t = Version::NEWEST)]
    pub(crate) codex: Version,
    /// Ask only these questions.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Only>,
    /// Run only these cases of the seed; a single one shows its machine.
    #[arg(long, value_delimiter = ',')]
    pub(crate) case: Vec<u64>,
    /// How many kinds of disagreement to show on a machine made small.
    #[arg(long, default_value_t = 12)]
    pub(crate) shrink: usize,
}

/// A question, as the command line names it.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Only {
    /// The composed requirements.
    Startup,
    /// The merged configuration.
    Config,
    /// The session.
    Thread,
}

impl From<Only> for Question {
    fn from(only: Only) -> Self {
        match only {
            Only::Startup => Self::Startup,
            Only::Config => Self::Config,
            Only::Thread => Self::Thread,
        }
    }
}

/// Runs the comparison and shows what it found; an unexplained difference is a failure.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Problem> {
    let version = arguments.codex;
    let binary = codex_oracle::install(&version.to_string())?;
    let questions = match arguments.only.as_slice() {
        [] => Question::ALL.to_vec(),
        only => only.iter().copied().map(Question::from).collect(),
    };
    let cases = match arguments.case.as_slice() {
        [] => (0..arguments.cases).collect(),
        chosen => chosen.to_vec(),
    };
    let count = cases.len();
    let options =
        Options { cases, seed: arguments.seed, version, questions, shrunk: arguments.shrink };
    if let [case] = arguments.case.as_slice() {
        let world = codex_agreement::generate::generate(arguments.seed, *case, version).world;
        say(&differ::describe(&world));
    }
    let started = Instant::now();
    let done = AtomicU64::new(0);
    let report = differ::run(&binary, &options, |_| {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done.is_multiple_of(100) {
            complain(&format!("{done} of {count} machines, {} s", started.elapsed().as_secs()));
        }
    })?;
    say(&report.text());
    say(&format!(
        "codex {version}, seed {}, {count} machines in {:.1} s",
        arguments.seed,
        started.elapsed().as_secs_f64()
    ));
    if report.agrees() { Ok(()) } else { Err("the model and Codex do not agree".into()) }
}
