//! The arguments of `rollout`.

use clap::{Args, Subcommand, ValueEnum};

use super::release::ServerArgs;

/// `rollout`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, or it goes well; 1 refused, paused, inconclusive, aborted, or \
                        promoted with failures; 2 usage, 4 the server's answer cannot be read."
)]
pub struct Rollout {
    /// What to do.
    #[command(subcommand)]
    pub command: RolloutCommand,
}

/// What `rollout` does.
#[derive(Debug, Subcommand)]
pub enum RolloutCommand {
    /// Starts a rollout of a cohort's newest generation.
    Start(RolloutStart),
    /// Tells how a cohort's last rollout stands.
    Status(RolloutStatus),
    /// Waits until a rollout is promoted, or stands still.
    Wait(RolloutWait),
    /// Nobody else gets it for now.
    Pause(RolloutDecide),
    /// Lets a paused rollout go on; the failures so far are accepted.
    Resume(RolloutDecide),
    /// Ends it: who has not got it does not get it.
    Abort(RolloutDecide),
    /// Everybody may have it now.
    Promote(RolloutDecide),
}

/// On which server, and how to print.
#[derive(Debug, Args)]
pub struct OnServer {
    /// The fleet server, `https://HOST`.
    #[arg(long = "at", value_name = "URL", help_heading = "Server")]
    pub server_address: String,
    /// How it is reached.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Print the status as JSON.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
}

/// How a rollout goes from nobody to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// 1, 5, 25 and 100 percent.
    Canary,
    /// Ten times a tenth.
    Linear,
    /// Everybody at once.
    AllAtOnce,
}

/// `rollout start`.
#[derive(Debug, Args)]
pub struct RolloutStart {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// The generation: the newest of the release.
    #[arg(long, value_name = "NUMBER")]
    pub generation: u64,
    /// How.
    #[arg(long, value_enum, default_value = "canary")]
    pub strategy: Strategy,
    /// The group whose machines go first.
    #[arg(long, value_name = "GROUP")]
    pub volunteers: Option<String>,
    /// For how many minutes each stage is looked at [default: the strategy's].
    #[arg(long, value_name = "MINUTES")]
    pub bake_minutes: Option<u64>,
    /// How many machines must enforce it before a stage is judged [default: the strategy's].
    #[arg(long, value_name = "NUMBER")]
    pub minimum_sample: Option<u64>,
    /// How many of 10,000 may fail [default: the strategy's].
    #[arg(long, value_name = "NUMBER")]
    pub failures_of_10_000: Option<u16>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The server.
    #[command(flatten)]
    pub on: OnServer,
}

/// `rollout status`.
#[derive(Debug, Args)]
pub struct RolloutStatus {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// The server.
    #[command(flatten)]
    pub on: OnServer,
}

/// Where a rollout is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// Everybody may have it, and enough enforce it.
    Promoted,
    /// Everybody may have it.
    Everybody,
}

/// `rollout wait`.
#[derive(Debug, Args)]
pub struct RolloutWait {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// Until when.
    #[arg(long, value_enum, default_value = "promoted")]
    pub until: Until,
    /// For how many minutes at most.
    #[arg(long, value_name = "MINUTES", default_value_t = 360, value_parser = clap::value_parser!(u64).range(1..=43_200))]
    pub minutes: u64,
    /// How often the server is asked, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// The server.
    #[command(flatten)]
    pub on: OnServer,
}

/// `rollout pause`, `resume`, `abort` and `promote`.
#[derive(Debug, Args)]
pub struct RolloutDecide {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The server.
    #[command(flatten)]
    pub on: OnServer,
}
