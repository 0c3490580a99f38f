//! What can go wrong: no oracle at all, or an oracle that said no.

use std::io::Write;
use std::path::PathBuf;

/// The reason why no real Codex can be asked on this machine.
///
/// This is about the machine and never about a policy: a test that receives it has tested nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRun {
    /// The operating system has no namespaces that this harness knows how to use.
    #[error("the oracle needs Linux namespaces; this machine runs `{system}`")]
    Platform {
        /// The operating system, as Rust names it.
        system: &'static str,
    },
    /// Private mounts and networks need root.
    #[error("the oracle needs root to make private mount and network namespaces")]
    NotRoot,
    /// A program that the harness starts is not installed.
    #[error("the oracle needs the program `{tool}` to {purpose}, and it is not on PATH")]
    MissingTool {
        /// The program's name.
        tool: &'static str,
        /// What it is needed for.
        purpose: &'static str,
    },
    /// The version text is not one that may become part of a path or of a package name.
    #[error("`{version}` is not a Codex version number")]
    BadVersion {
        /// The text that was given.
        version: String,
    },
    /// The package could not be installed, or does not hold a native program for this machine.
    #[error("codex {version} could not be installed: {detail}")]
    Install {
        /// The version that was asked for.
        version: String,
        /// What the package manager or the file system said.
        detail: String,
    },
    /// A foreign program could not be installed.
    #[error("what `{}` names could not be installed: {detail}", folder.display())]
    Package {
        /// The folder with its lock file.
        folder: PathBuf,
        /// What the package manager or the file system said.
        detail: String,
    },
    /// An environment variable names a program that is not there.
    #[error("`{variable}` names `{}`, which holds no codex program", path.display())]
    Override {
        /// The environment variable.
        variable: String,
        /// Its value.
        path: PathBuf,
    },
    /// A path that was given leads to no program.
    #[error("there is no codex program at `{}`", path.display())]
    NoProgram {
        /// The path.
        path: PathBuf,
    },
    /// The kernel refused one step of the isolation (common inside unprivileged containers).
    #[error("the oracle could not {step}: {detail}")]
    Isolation {
        /// The step that failed.
        step: &'static str,
        /// What the system said.
        detail: String,
    },
}

/// Hands on the value, or says loudly that the oracle did not run.
///
/// With `CI=true` in the environment a missing oracle is a failed test: a green run must mean that
/// the real Codex was asked. On a desktop one line goes to standard error and the caller skips.
///
/// # Panics
///
/// With `CI=true`, when `attempt` is an error.
pub fn require_or_announce<T>(attempt: Result<T, CannotRun>) -> Option<T> {
    let reason = match attempt {
        Ok(value) => return Some(value),
        Err(reason) => reason,
    };
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(!in_ci, "CI must run everything, but {reason}");
    // Written past the macros: the test runner swallows what they print in a test that passes.
    let line = format!("\n!!!! DID NOT RUN: {reason}: nothing here was asked !!!!\n\n");
    drop(std::io::stderr().write_all(line.as_bytes()));
    None
}

/// Why an oracle gave no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// Codex itself refused: this is an answer, and its text is part of what vectors compare.
    #[error("{message}")]
    Refused {
        /// What Codex said, with the scratch paths replaced by their names.
        message: String,
    },
    /// The harness failed (time ran out, a pipe broke): this is never an answer.
    #[error("oracle harness: {message}")]
    Harness {
        /// What failed.
        message: String,
    },
}

impl OracleError {
    /// Returns the text without saying who spoke.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused { message } | Self::Harness { message } => message,
        }
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into() }
    }

    pub(crate) fn harness(step: &str, detail: impl std::fmt::Display) -> Self {
        Self::Harness { message: format!("{step}: {detail}") }
    }
}
