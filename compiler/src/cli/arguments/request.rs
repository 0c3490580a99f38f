//! The arguments of `request`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::rollout::time;
use super::{MachineArgs, PrintArgs};

/// `request`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  codex-config request domain:files.partner.example --for 14d \
                        --reason \"the migration reads from there\"\n  codex-config request \
                        'command:kubectl get pods' --for 7d --reason \"on call\"\n  codex-config \
                        request 'allowed_approval_policies=[\"on-request\"]' --for 1d --reason demo\n\n\
                        Exit codes: 0 the server has it or the agent will hand it on, 1 refused, or \
                        allowed already, 2 usage, 4 there is no agent that takes it.")]
pub struct Request {
    /// What should be allowed: `domain:HOST`, `command:WORDS`, or `KEY=VALUE`, as TOML.
    #[arg(value_name = "WHAT", required_unless_present = "status")]
    pub what: Option<String>,
    /// For how long: a number of days, such as 14d.
    #[arg(long = "for", value_name = "DAYS", value_parser = days, required_unless_present = "status")]
    pub days: Option<u16>,
    /// Why: those who decide read it, and it stays in the exception.
    #[arg(long, value_name = "TEXT", required_unless_present = "status")]
    pub reason: Option<String>,
    /// How long to wait for the agent's answer.
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "10s")]
    pub wait: Duration,
    /// Tell what became of a request of yours, by the name that was printed.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["what", "days", "reason"])]
    pub status: Option<String>,
    /// The machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// The form.
    #[command(flatten)]
    pub print: PrintArgs,
}

impl Request {
    /// Where the agent's folders are.
    pub fn root(&self) -> PathBuf {
        self.machine.root.clone().unwrap_or_else(|| PathBuf::from("/"))
    }
}

fn days(text: &str) -> Result<u16, String> {
    let number = text.strip_suffix('d').unwrap_or(text);
    number.parse().map_err(|_| format!("`{text}` is no number of days like 14d"))
}
