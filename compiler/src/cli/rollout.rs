//! `rollout`: starts, watches and decides rollouts on a fleet server.

use std::time::{Duration, Instant};

use codex_fleet::rollout::{Act, Ask, Entry, Figures, Start, State, Status, StrategyName};
use codex_fleet::routes::ROLLOUTS;

use super::arguments::{
    OnServer, RolloutCommand, RolloutDecide, RolloutStart, RolloutStatus, RolloutWait, Strategy,
    Until,
};
use super::release::server;
use super::sign::{Ended, ended};
use super::{Outcome, Output};
use crate::release::server::Server;

/// The most bytes of an answer.
const MAX_ANSWER: u64 = 4_000_000;

/// How often in a row a server may not answer while it is waited for.
const MAX_MISSES: u32 = 5;

/// Runs one of the commands.
pub(super) fn rollout(command: &RolloutCommand, output: &mut Output) -> Outcome {
    let result = match command {
        RolloutCommand::Start(arguments) => start(arguments, output),
        RolloutCommand::Status(arguments) => status(arguments, output),
        RolloutCommand::Wait(arguments) => wait(arguments, output),
        RolloutCommand::Pause(arguments) => decide(arguments, Act::Pause, output),
        RolloutCommand::Resume(arguments) => decide(arguments, Act::Resume, output),
        RolloutCommand::Abort(arguments) => decide(arguments, Act::Abort, output),
        RolloutCommand::Promote(arguments) => decide(arguments, Act::Promote, output),
    };
    ended(result, output)
}

fn reach(on: &OnServer) -> Result<Server, Ended> {
    server(&on.server_address, &on.server)
}

fn place(cohort: &str) -> Result<String, Ended> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if cohort.is_empty() || !cohort.bytes().all(plain) {
        return Err(Ended::Usage(format!("`{cohort}` is no name of a cohort")));
    }
    Ok(format!("{ROLLOUTS}/{cohort}"))
}

fn read(bytes: &[u8]) -> Result<Status, Ended> {
    serde_json::from_slice(bytes)
        .map_err(|error| Ended::Unreadable(format!("the server's answer cannot be read: {error}")))
}

fn asked(on: &OnServer, cohort: &str) -> Result<Status, Ended> {
    let bytes = reach(on)?.ask(&place(cohort)?, MAX_ANSWER).map_err(Ended::Refused)?;
    read(&bytes)
}

fn told(on: &OnServer, path: &str, body: &impl serde::Serialize) -> Result<Status, Ended> {
    let body = serde_json::to_vec(body)
        .map_err(|error| Ended::Unreadable(format!("the request cannot be written: {error}")))?;
    read(&reach(on)?.tell(path, &body, MAX_ANSWER).map_err(Ended::Refused)?)
}

fn start(arguments: &RolloutStart, output: &mut Output) -> Result<Outcome, Ended> {
    let strategy = match arguments.strategy {
        Strategy::Canary => StrategyName::Canary,
        Strategy::Linear => StrategyName::Linear,
        Strategy::AllAtOnce => StrategyName::AllAtOnce,
    };
    let request = Start {
        cohort: arguments.cohort.clone(),
        generation: arguments.generation,
        strategy,
        volunteers: arguments.volunteers.clone(),
        bake_seconds: arguments.bake_minutes.map(|minutes| minutes.saturating_mul(60)),
        minimum_sample: arguments.minimum_sample,
        failures_of_10_000: arguments.failures_of_10_000,
        reason: arguments.reason.clone().unwrap_or_default(),
    };
    request.check().map_err(|problem| Ended::Usage(problem.to_string()))?;
    let status = told(&arguments.on, ROLLOUTS, &request)?;
    show(&arguments.on, &status, output);
    Ok(Outcome::Fine)
}

fn status(arguments: &RolloutStatus, output: &mut Output) -> Result<Outcome, Ended> {
    let status = asked(&arguments.on, &arguments.cohort)?;
    show(&arguments.on, &status, output);
    Ok(outcome(status.state))
}

fn decide(arguments: &RolloutDecide, act: Act, output: &mut Output) -> Result<Outcome, Ended> {
    let reason = arguments.reason.clone().unwrap_or_default();
    let ask = Ask { cohort: arguments.cohort.clone(), act, reason };
    ask.check().map_err(|problem| Ended::Usage(problem.to_string()))?;
    let status = told(&arguments.on, &place(&arguments.cohort)?, &ask)?;
    show(&arguments.on, &status, output);
    Ok(Outcome::Fine)
}

/// Whether a rollout is well: a pipeline stops where it is not.
fn outcome(state: State) -> Outcome {
    match state {
        State::Running | State::Baking | State::Promoted => Outcome::Fine,
        State::Inconclusive | State::Paused | State::Aborted | State::PromotedWithFailures => {
            Outcome::Findings
        }
    }
}

/// Waits until a rollout is where it is wanted, or can no longer come there by itself.
fn wait(arguments: &RolloutWait, output: &mut Output) -> Result<Outcome, Ended> {
    let server = reach(&arguments.on)?;
    let path = place(&arguments.cohort)?;
    let (began, patience) = (Instant::now(), Duration::from_secs(arguments.minutes * 60));
    let pause = Duration::from_secs(arguments.seconds.max(1));
    let mut misses = 0;
    loop {
        let bytes = match server.ask(&path, MAX_ANSWER) {
            Ok(bytes) => bytes,
            // A server that is started again is no reason to give a rollout up.
            Err(_) if misses < MAX_MISSES => {
                misses += 1;
                std::thread::sleep(pause);
                continue;
            }
            Err(problem) => return Err(Ended::Refused(problem)),
        };
        misses = 0;
        let status = read(&bytes)?;
        let there = match arguments.until {
            Until::Promoted => {
                matches!(status.state, State::Promoted | State::PromotedWithFailures)
            }
            Until::Everybody => status.stage == status.stages,
        };
        let stuck = status.state == State::Paused || status.state == State::Aborted;
        if there || stuck {
            show(&arguments.on, &status, output);
            let fine = there && status.state != State::PromotedWithFailures && !stuck;
            return Ok(if fine { Outcome::Fine } else { Outcome::Findings });
        }
        if began.elapsed() >= patience {
            show(&arguments.on, &status, output);
            output.talk.push_str("it did not come there in time; it goes on by itself\n");
            return Ok(Outcome::Findings);
        }
        std::thread::sleep(pause);
    }
}

fn show(on: &OnServer, status: &Status, output: &mut Output) {
    if on.json {
        output.data = serde_json::to_string_pretty(status).unwrap_or_default() + "\n";
        return;
    }
    output.data = text(status);
}

/// Characters that do something to a terminal do nothing here.
fn plain(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).collect()
}

fn text(status: &Status) -> String {
    let Figures { known, enforced, failed, underway, silent, .. } = status.figures;
    let from = status.from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
    let state = status.state.word().replace('_', " ");
    let mut out = format!(
        "{}: generation {from} -> {}, {state}, stage {} of {} ({})\n\
         {enforced} of {known} enforce it, {underway} are on their way, {failed} failed, {silent} are \
         silent\n{}\n",
        plain(&status.cohort),
        status.to,
        status.stage,
        status.stages,
        status.strategy.word(),
        plain(&status.next),
    );
    for reason in &status.reasons {
        out.push_str(&format!("  {} x {}\n", reason.count, plain(&reason.text)));
    }
    for Entry { at, by, state: _, text } in status.history.iter().rev().take(5).rev() {
        let at = at.strftime("%Y-%m-%d %H:%M");
        out.push_str(&format!("  {at}  {}: {}\n", plain(by), plain(text)));
    }
    out
}

#[cfg(test)]
mod tests {
    use codex_fleet::rollout::Reason;

    use super::*;

    #[test]
    fn a_status_is_told_in_a_few_lines_and_does_nothing_to_a_terminal() {
        let status = Status {
            cohort: "payments".to_owned(),
            from: Some(6),
            to: 7,
            digest: "sha256:00".to_owned(),
            strategy: StrategyName::Canary,
            state: State::PromotedWithFailures,
            stage: 4,
            stages: 4,
            share_of_10_000: 10_000,
            figures: Figures { known: 9, enforced: 8, failed: 1, ..Figures::default() },
            reasons: vec![Reason { text: "no \u{1b}[2Jspace".to_owned(), count: 1 }],
            next: "it is promoted with failures".to_owned(),
            started_by: "kim".to_owned(),
            started_at: "2026-11-26T09:00:00Z".parse().unwrap(),
            history: vec![Entry {
                at: "2026-11-26T09:00:00Z".parse().unwrap(),
                by: "kim".to_owned(),
                state: State::Running,
                text: "started".to_owned(),
            }],
        };
        assert_eq!(
            text(&status),
            "payments: generation 6 -> 7, promoted with failures, stage 4 of 4 (canary)\n\
             8 of 9 enforce it, 0 are on their way, 1 failed, 0 are silent\n\
             it is promoted with failures\n  1 x no [2Jspace\n  2026-11-26 09:00  kim: started\n"
        );
        assert_eq!(outcome(status.state).code(), 1);
        assert_eq!(outcome(State::Baking).code(), 0);
    }

    #[test]
    fn a_cohort_does_not_lead_to_another_path() {
        assert!(place("payments").is_ok());
        for wrong in ["", "../tokens", "a/b", "a?b", "a b"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
