//! Output: data on standard output, progress on standard error.

use std::io::Write as _;

/// Why a task failed, for people.
pub(crate) type Problem = Box<dyn std::error::Error>;

/// Writes a line to standard output; a closed pipe is not our problem.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// Writes a line to standard error.
pub(crate) fn complain(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}
