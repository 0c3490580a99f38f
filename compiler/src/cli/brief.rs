//! `brief`: what the agent may do, for the agent.

use codex_schema::lookup::closest;

use super::arguments::Brief;
use super::explain::usage;
use super::world::{look, today};
use super::{Outcome, Output};
use crate::brief::{Brief as Made, brief as make};
use crate::evaluate::policy::of_cohort;
use crate::files::RealFiles;
use crate::repository;

/// Prints the brief of a machine or of a cohort.
pub(super) fn brief(arguments: &Brief, output: &mut Output) -> Outcome {
    let made = match (&arguments.policy, &arguments.cohort) {
        (Some(top), Some(cohort)) => of_repository(arguments, &top.display().to_string(), cohort),
        _ => look(&arguments.machine, &arguments.arguments).map(|world| make(&world.evaluation)),
    };
    let made = match made {
        Ok(made) => made,
        Err(message) => return usage(output, &message),
    };
    output.data = if arguments.json {
        let text = serde_json::to_string_pretty(&made);
        text.map_or_else(|error| error.to_string(), |text| text + "\n")
    } else {
        made.text()
    };
    if made.refusal.is_some() { Outcome::Findings } else { Outcome::Fine }
}

fn of_repository(arguments: &Brief, top: &str, name: &str) -> Result<Made, String> {
    let today = arguments.today.unwrap_or_else(today);
    let repository = repository::read(&RealFiles::new(None), top, today);
    let cohorts = &repository.manifest.cohorts;
    if repository.manifest.source.is_none() {
        return Err(format!("there is no policy repository in `{top}`"));
    }
    let Some(cohort) = cohorts.get(name) else {
        let names: Vec<&str> = cohorts.keys().map(String::as_str).collect();
        let help = match closest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        return Err(format!("there is no cohort `{name}`: {help}"));
    };
    let version = arguments.machine.codex_version;
    Ok(make(&of_cohort(&repository, cohort, today, version, &arguments.arguments)))
}
