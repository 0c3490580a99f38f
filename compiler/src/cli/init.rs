//! `init`: a policy repository to start from.

use super::arguments::Init;
use super::explain::usage;
use super::{Outcome, Output};
use crate::starter::place::{PlaceError, write};
use crate::starter::{Subject, Texts, repository};

/// Writes the repository.
pub(super) fn init(arguments: &Init, output: &mut Output) -> Outcome {
    let texts = repository(&Subject::named(arguments.name.clone()));
    let outcome = put(&arguments.folder, &texts, output);
    if outcome == Outcome::Fine {
        let folder = arguments.folder.display();
        output.talk.push_str(&format!(
            "next: read {folder}/baseline/requirements.toml, then `codex-config check {folder}`\n"
        ));
    }
    outcome
}

/// Puts a new repository in place and lists its files.
pub(super) fn put(top: &std::path::Path, texts: &Texts, output: &mut Output) -> Outcome {
    match write(top, texts) {
        Ok(()) => {
            for path in texts.keys() {
                output.data.push_str(&format!("{}\n", top.join(path).display()));
            }
            Outcome::Fine
        }
        Err(error @ PlaceError::Io(..)) => {
            output.talk.push_str(&format!("error: {error}\n"));
            Outcome::Internal
        }
        Err(error) => usage(output, &error.to_string()),
    }
}
