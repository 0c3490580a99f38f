//! `rollout`: from the first machines to all of them, by a fleet server.

use std::time::{Duration, Instant};

use codex_fleet::rollout::{Act, Ask, List, Start, State, Status};
use codex_fleet::routes::ROLLOUTS;
use codex_schema::types::policy::Name;

use super::arguments::rollout::{At, RolloutCommand, Wait};
use super::release::client;
use super::sign::{Ended, ended};
use super::{Outcome, Output};
use crate::fleet::{Client, Refused};
use crate::release::table;

/// How often a rollout is looked at while it is waited for.
const EVERY: Duration = Duration::from_secs(2);

/// Runs one of the commands.
pub(super) fn rollout(command: &RolloutCommand, output: &mut Output) -> Outcome {
    let result = match command {
        RolloutCommand::Start(arguments) => {
            let start = Start {
                cohort: arguments.cohort.clone(),
                generation: arguments.generation,
                strategy: arguments.strategy.into(),
                volunteers: arguments.volunteers.clone(),
                bake_seconds: arguments.bake.map(|time| time.as_secs()),
                minimum_sample: arguments.minimum_sample,
                failures_of_10_000: arguments.failures,
                reason: arguments.reason.clone(),
            };
            begin(&arguments.at, &start, output)
        }
        RolloutCommand::Status(arguments) => {
            show(&arguments.at, arguments.cohort.as_deref(), arguments.print.json, output)
        }
        RolloutCommand::Wait(arguments) => wait(arguments, output),
        RolloutCommand::Pause(one) => act(&one.at, &one.cohort, Act::Pause, &one.reason, output),
        RolloutCommand::Resume(one) => act(&one.at, &one.cohort, Act::Resume, &one.reason, output),
        RolloutCommand::Abort(one) => act(&one.at, &one.cohort, Act::Abort, &one.reason, output),
        RolloutCommand::Promote(one) => {
            act(&one.at, &one.cohort, Act::Promote, &one.reason, output)
        }
    };
    ended(result, output)
}

fn opened(at: &At) -> Result<Client, Ended> {
    client(&at.server, &at.reach)
}

/// A refusal by the server is one; silence is something else.
fn refused(error: Refused) -> Ended {
    match error {
        Refused::Server { status: 400..=499, words } => Ended::Refused(words),
        Refused::Server { .. } | Refused::Silent(_) | Refused::TooLong(_) => {
            Ended::Unreadable(error.to_string())
        }
    }
}

fn begin(at: &At, start: &Start, output: &mut Output) -> Result<Outcome, Ended> {
    start.check().map_err(|error| Ended::Usage(error.to_string()))?;
    let status: Status = opened(at)?.tell(ROLLOUTS, start).map_err(refused)?;
    output.data = text(&status);
    Ok(Outcome::Fine)
}

fn act(
    at: &At,
    cohort: &str,
    act: Act,
    reason: &str,
    output: &mut Output,
) -> Result<Outcome, Ended> {
    let ask = Ask { cohort: cohort.to_owned(), act, reason: reason.to_owned() };
    ask.check().map_err(|error| Ended::Usage(error.to_string()))?;
    let status: Status = opened(at)?.tell(&path_of(cohort)?, &ask).map_err(refused)?;
    output.data = text(&status);
    Ok(Outcome::Fine)
}

/// Where a cohort's rollout is: a name that is none would lead elsewhere.
fn path_of(cohort: &str) -> Result<String, Ended> {
    let wrong = || Ended::Usage(format!("`{cohort}` is no name of a cohort"));
    let name = Name::parse(cohort).ok_or_else(wrong)?;
    Ok(format!("{ROLLOUTS}/{}", name.as_str()))
}

fn of_cohort(client: &Client, cohort: &str) -> Result<Status, Ended> {
    client.document(&path_of(cohort)?).map_err(refused)
}

fn show(at: &At, cohort: Option<&str>, json: bool, output: &mut Output) -> Result<Outcome, Ended> {
    let client = opened(at)?;
    if let Some(cohort) = cohort {
        let status = of_cohort(&client, cohort)?;
        output.data = if json { pretty(&status) } else { text(&status) };
    } else {
        let all: List = client.document(ROLLOUTS).map_err(refused)?;
        output.data = if json { pretty(&all) } else { list(&all.rollouts) };
    }
    Ok(Outcome::Fine)
}

fn pretty(document: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

fn wait(arguments: &Wait, output: &mut Output) -> Result<Outcome, Ended> {
    let client = opened(&arguments.at)?;
    let begun = Instant::now();
    loop {
        let status = of_cohort(&client, &arguments.cohort)?;
        let outcome = match status.state {
            State::Promoted | State::PromotedWithFailures => Some(Outcome::Fine),
            // Neither goes on by itself: a pipeline that waited would wait for a person.
            State::Paused | State::Aborted | State::Inconclusive => Some(Outcome::Findings),
            State::Running | State::Baking => None,
        };
        if let Some(outcome) = outcome {
            output.data = if arguments.print.json { pretty(&status) } else { text(&status) };
            return Ok(outcome);
        }
        if begun.elapsed() >= arguments.timeout {
            output.data = text(&status);
            return Err(Ended::Unreadable("the time is over, and the rollout is not".to_owned()));
        }
        std::thread::sleep(EVERY);
    }
}

fn list(all: &[Status]) -> String {
    if all.is_empty() {
        return "there are no rollouts\n".to_owned();
    }
    let head = ["COHORT", "GENERATION", "STATE", "STAGE", "SHARE", "ENFORCED", "FAILED", "SILENT"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    lines.extend(all.iter().map(|one| {
        vec![
            one.cohort.clone(),
            one.to.to_string(),
            one.state.word().to_owned(),
            format!("{}/{}", one.stage, one.stages),
            share(one.share_of_10_000),
            one.figures.enforced.to_string(),
            one.figures.failed.to_string(),
            one.figures.silent.to_string(),
        ]
    }));
    table(&lines)
}

fn share(of_10_000: u16) -> String {
    let (whole, part) = (of_10_000 / 100, of_10_000 % 100);
    if part == 0 { format!("{whole} %") } else { format!("{whole}.{part:02} %") }
}

fn text(status: &Status) -> String {
    let Status { cohort, from, to, digest, strategy, state, stage, stages, .. } = status;
    let from = from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
    let figures = &status.figures;
    let mut text = format!(
        "{cohort}: generation {from} to {to}, {}\n  {digest}\n  {}, stage {stage} of {stages} ({}): {} \
         may have it, {} enforce it, {} failed, {} underway, {} silent\n  {}\n",
        strategy.word(),
        state.word().replace('_', " "),
        share(status.share_of_10_000),
        figures.known,
        figures.enforced,
        figures.failed,
        figures.underway,
        figures.silent,
        printable(&status.next),
    );
    for reason in &status.reasons {
        text.push_str(&format!("  failed: {} × {}\n", reason.count, printable(&reason.text)));
    }
    for entry in &status.history {
        let (by, words) = (printable(&entry.by), printable(&entry.text));
        text.push_str(&format!("  {}  {}  {by}: {words}\n", entry.at, entry.state.word()));
    }
    text
}

/// Reasons come from machines, which may be anybody's.
fn printable(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}
