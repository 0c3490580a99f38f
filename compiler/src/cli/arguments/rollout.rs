//! The arguments of `rollout`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use codex_fleet::rollout::StrategyName;

use super::PrintArgs;
use super::release::ServerArgs;

/// `rollout`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, or promoted; 1 refused, paused, aborted or inconclusive; \
                        2 usage; 4 the server cannot be asked, or the time is over."
)]
pub struct Rollout {
    /// What to do.
    #[command(subcommand)]
    pub command: RolloutCommand,
}

/// What `rollout` does.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Begins to bring a cohort's newest generation to its machines, stage by stage.
    Start(Start),
    /// Shows how rollouts stand: of all cohorts, or of one with everything that happened.
    Status(Status),
    /// Waits until a rollout has ended, or cannot go on by itself.
    Wait(Wait),
    /// Lets nobody else have it for now.
    Pause(Act),
    /// Goes on with a paused one; the failures so far are accepted.
    Resume(Act),
    /// Ends it: who has not got it does not get it.
    Abort(Act),
    /// Lets everybody have it now.
    Promote(Act),
}

/// The server.
#[derive(Debug, Args)]
pub struct At {
    /// The fleet server's address, `https://HOST`.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Server")]
    pub server: PathBuf,
    /// How it is reached.
    #[command(flatten)]
    pub reach: ServerArgs,
}

/// How a rollout goes from nobody to everybody.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Strategy {
    /// 1, 5, 25 and 100 percent, each looked at for a while.
    Canary,
    /// Ten times a tenth.
    Linear,
    /// Everybody, at once: for what cannot wait.
    AllAtOnce,
}

impl From<Strategy> for StrategyName {
    fn from(strategy: Strategy) -> Self {
        match strategy {
            Strategy::Canary => Self::Canary,
            Strategy::Linear => Self::Linear,
            Strategy::AllAtOnce => Self::AllAtOnce,
        }
    }
}

/// `rollout start`.
#[derive(Debug, Args)]
pub struct Start {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// The generation that everybody shall have in the end, as `release show` prints it.
    #[arg(long, value_name = "N")]
    pub generation: u64,
    /// How.
    #[arg(long, value_enum, default_value = "canary")]
    pub strategy: Strategy,
    /// The group of machines that go first.
    #[arg(long, value_name = "GROUP")]
    pub volunteers: Option<String>,
    /// How long each stage is looked at, instead of the strategy's own time: 30s, 15m, 4h, 2d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub bake: Option<Duration>,
    /// How many machines must enforce it before a stage is judged.
    #[arg(long, value_name = "N")]
    pub minimum_sample: Option<u64>,
    /// How many percent of machines may fail, such as 0.5.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub failures: Option<u16>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// The server.
    #[command(flatten)]
    pub at: At,
}

/// `rollout status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: Option<String>,
    /// The server.
    #[command(flatten)]
    pub at: At,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `rollout wait`.
#[derive(Debug, Args)]
pub struct Wait {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// How long at most: 30s, 15m, 4h, 2d.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1d")]
    pub timeout: Duration,
    /// The server.
    #[command(flatten)]
    pub at: At,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

/// `rollout pause` and the like.
#[derive(Debug, Args)]
pub struct Act {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// The server.
    #[command(flatten)]
    pub at: At,
}

/// A time like 30s, 15m, 4h or 2d.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time like 30s, 15m, 4h or 2d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1_u64,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| wrong())?;
    count.checked_mul(seconds).map(Duration::from_secs).ok_or_else(wrong)
}

/// A percentage as so many of 10,000.
fn percent(text: &str) -> Result<u16, String> {
    let wrong = || format!("`{text}` is no percentage from 0 to 50 with at most two decimals");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) {
        return Err(wrong());
    }
    let number: u16 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
    if number <= 5_000 { Ok(number) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_percentages_are_read_or_refused() {
        assert_eq!(time("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(time("2d"), Ok(Duration::from_hours(48)));
        for text in ["", "m", "15", "-1h", "1.5h", "99999999999999999999d", "1mm", "ü"] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(percent("0.5"), Ok(50));
        assert_eq!(percent("12"), Ok(1_200));
        assert_eq!(percent("50.00"), Ok(5_000));
        for text in ["", ".5", "0.005", "51", "-1", "a", "999999"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }
}
