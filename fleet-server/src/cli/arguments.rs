//! What a user types.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::store::tokens::Role;

/// Stores signed releases, tells endpoints of them and takes their status. It can delay, never
/// forge.
#[derive(Debug, Parser)]
#[command(
    name = "codex-fleet-server",
    version,
    after_help = "Exit codes: 0 done, 1 findings, 2 usage, 4 something cannot be read or written."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Where the configuration is.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The configuration.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "fleet.toml",
        env = "CODEX_FLEET_CONFIG",
        value_hint = ValueHint::FilePath
    )]
    pub(super) config: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a folder with everything that a server needs: configuration, keys, database.
    Init(Init),
    /// Runs the server until it is told to end.
    Run(ConfigArgs),
    /// Tokens that enrol machines.
    #[command(subcommand)]
    Token(Token),
    /// Tokens for the admin API.
    #[command(subcommand)]
    AdminToken(AdminToken),
    /// Tokens for machines without an agent, whose Codex fetches its policy by itself.
    #[command(subcommand)]
    ConfigToken(ConfigToken),
    /// Machines.
    #[command(subcommand)]
    Device(Device),
    /// Who is signed in to the dashboard.
    #[command(subcommand)]
    Session(Session),
    /// The log of everything that was done.
    #[command(subcommand)]
    Audit(Audit),
    /// Writes everything in the database into a new file. Keys are files of their own.
    Backup(BackupArgs),
    /// Reads a backup into a database in which there is nothing.
    Restore(BackupArgs),
    /// The configuration.
    #[command(subcommand)]
    Config(Config),
}

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The folder; it is made where it is not there.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) dir: PathBuf,
    /// The organisation, as policy.toml names it.
    #[arg(long, value_name = "NAME")]
    pub(super) organisation: String,
    /// The root that every release is held against.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) root: PathBuf,
    /// A name or an address under which the server is reached; several where there are.
    #[arg(long = "name", value_name = "HOST", required = true)]
    pub(super) names: Vec<String>,
    /// Where it listens.
    #[arg(long, value_name = "ADDRESS", default_value = "[::]:8443")]
    pub(super) listen: String,
    /// A PostgreSQL database, where several servers share one.
    #[arg(long, value_name = "URL")]
    pub(super) database: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Makes one and prints it: it is shown once.
    Create(CreateToken),
    /// Lists them, without their texts.
    List(ListArgs),
    /// Revokes one by its number.
    Revoke(ById),
}

#[derive(Debug, Args)]
pub(super) struct CreateToken {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// The team of the machines.
    #[arg(long, value_name = "NAME")]
    pub(super) team: Option<String>,
    /// The environment of the machines.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// A group of the machines; several where there are.
    #[arg(long = "group", value_name = "NAME")]
    pub(super) groups: Vec<String>,
    /// A pattern of host names, such as `pay-*.bank.example`: no other machine is enrolled, and none
    /// can take another name later. Several where there are.
    #[arg(long = "host-pattern", value_name = "PATTERN")]
    pub(super) hosts: Vec<String>,
    /// For how long it is good: 30m, 12h, 7d.
    #[arg(long = "for", value_name = "TIME", default_value = "1d", value_parser = seconds)]
    pub(super) seconds: u32,
    /// How many machines it may enrol.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    pub(super) uses: u32,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ById {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// Its number, from the list.
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    /// Sees everything.
    Viewer,
    /// Sees and publishes.
    Operator,
    /// Does everything.
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminToken {
    /// Makes one and prints it: it is shown once.
    Create {
        #[command(flatten)]
        config: ConfigArgs,
        /// What its holder may do.
        #[arg(long)]
        role: RoleName,
        /// Whose it is, for the audit log.
        #[arg(long, value_name = "NAME", default_value = "console")]
        name: String,
        /// For how long it is good: 30m, 12h, 90d; for good where nothing is said.
        #[arg(long = "for", value_name = "TIME", value_parser = seconds)]
        seconds: Option<u32>,
    },
    /// Revokes one by its number; `token list` shows it.
    Revoke(ById),
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigToken {
    /// Makes one and prints the end of the `base_url` that it is part of: it is shown once.
    Create {
        #[command(flatten)]
        config: ConfigArgs,
        /// The cohort.
        #[arg(long, value_name = "NAME", required_unless_present = "device")]
        cohort: Option<String>,
        /// In its place a machine: the policy is that of the cohort it is in when it asks, and ends
        /// when the machine is revoked.
        #[arg(long, value_name = "ID", conflicts_with = "cohort")]
        device: Option<String>,
        /// Gives out the cohort's policy even where it has rule files, which Codex takes from no
        /// server.
        #[arg(long)]
        without_rules: bool,
    },
    /// Revokes one by its number; `token list` shows it.
    Revoke(ById),
}

#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Lists machines.
    List(ListArgs),
    /// Revokes one by its number.
    Revoke(ById),
}

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// Lists sessions.
    List(ConfigArgs),
    /// Ends one by its number, on all servers.
    End(ById),
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Holds the whole log against its hashes.
    Verify(ConfigArgs),
    /// Prints it, an entry a line, in JSON.
    List(ConfigArgs),
}

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    #[command(flatten)]
    pub(super) config: ConfigArgs,
    /// The file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Holds the file, the keys that it names and the database against what can be.
    Check(ConfigArgs),
}

/// Seconds of a text such as `12h`.
pub(super) fn seconds(text: &str) -> Result<u32, String> {
    let wrong = || format!("`{text}` is no time: write for example 30m, 12h or 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let factor: u32 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let count: u32 =
        text.strip_suffix(unit).and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    count.checked_mul(factor).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("30m"), Ok(1_800));
        assert_eq!(seconds("7d"), Ok(604_800));
        for wrong in ["", "d", "7", "-1d", "1w", "0s", "99999999d", "1.5h"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
