//! `import`: a policy repository out of a machine.

use super::arguments::Import;
use super::explain::usage;
use super::init::put;
use super::world::look;
use super::{Outcome, Output};
use crate::files::RealFiles;
use crate::import::{Imported, import as import_machine};

/// Makes the repository.
pub(super) fn import(arguments: &Import, output: &mut Output) -> Outcome {
    let world = match look(&arguments.machine, &[]) {
        Ok(world) => world,
        Err(message) => return usage(output, &message),
    };
    let files = RealFiles::new(arguments.machine.root.clone());
    match import_machine(&world.evaluation, &files, arguments.name.clone()) {
        Ok(Imported { texts, notes }) => {
            let outcome = put(&arguments.into, &texts, output);
            if outcome == Outcome::Fine {
                for note in notes {
                    output.talk.push_str(&format!("note: {note}\n"));
                }
                let folder = arguments.into.display();
                output.talk.push_str(&format!("next: `codex-config check {folder}`\n"));
            }
            outcome
        }
        Err(error) => {
            output.talk.push_str(&format!("error: {error}\n"));
            Outcome::Findings
        }
    }
}
