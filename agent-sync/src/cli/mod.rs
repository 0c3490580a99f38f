//! The program `codex-agent`: arguments, and what becomes of them.

mod doctor;
mod enrol;
mod run;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::install::Installer;
use crate::layout::{Layout, SETTINGS};
use crate::shell::now;
use crate::status::Status;

/// Keeps the policy of this machine's Codex as its organisation signs it, and has Codex prove it.
#[derive(Debug, Parser)]
#[command(name = "codex-agent", version, propagate_version = true)]
struct Arguments {
    /// A folder that stands for the machine: /etc and /var/lib are below it
    #[arg(long, global = true, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, have it certified, and write the settings
    Enroll(EnrolArguments),
    /// Keep the policy for ever, as a service does
    Run {
        /// One half of it alone; both in one process without this
        #[arg(long)]
        role: Option<Role>,
    },
    /// Do all that is due now, and end
    Once,
    /// What is in force, since when, from which commit, how fresh
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Whether all files are as they were installed
    Verify,
    /// Look at everything that has to work, and say what to do
    Doctor,
    /// Install nothing new for a while, where the organisation allows it
    Pause {
        /// Why
        #[arg(long)]
        reason: String,
        /// For how long, such as 2h or 3d, 7d at most; 0 ends a pause
        #[arg(long = "for", value_name = "TIME")]
        time: String,
    },
    /// Take the policy away again, and everything that the agent kept
    Uninstall {
        /// That the policy of this machine goes with it
        #[arg(long)]
        yes: bool,
    },
}

/// A half of the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Role {
    /// The network, without privileges
    Fetch,
    /// The policy, without the network
    Install,
    /// What Codex does not show, tried as a question on standard input asks
    Probe,
}

#[derive(Debug, Args)]
struct EnrolArguments {
    /// The organisation's name, as its policy says it
    #[arg(long)]
    organisation: String,
    /// The fleet server's address
    #[arg(long, value_name = "URL")]
    server: String,
    /// A file with the one-time token
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The root of trust; get it another way than from the server
    #[arg(long = "trust-root", value_name = "FILE")]
    trust_root: PathBuf,
    /// Authorities for the server's certificate, PEM
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// A proxy's address, or `none`; else HTTPS_PROXY and NO_PROXY of the environment count
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// A program that is Codex, or a folder that npm filled, beside the usual places
    #[arg(long, value_name = "PATH")]
    codex: Vec<PathBuf>,
    /// The host name; the machine's own otherwise
    #[arg(long)]
    host: Option<String>,
    /// The user that the fetching half runs as
    #[arg(long, value_name = "NAME")]
    fetch_user: Option<String>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All is well.
    Well,
    /// Something is wrong with the machine or the policy.
    Findings,
}

/// Why a command could not be done.
#[derive(Debug)]
enum Failure {
    /// The arguments or settings are wrong.
    Usage(String),
    /// Another process has what is needed, or the policy forbids it.
    Locked(String),
    /// Something cannot be read or reached.
    Unreadable(String),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and versions are no mistakes; what cannot be printed cannot be told either.
            let _printed = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match act(arguments) {
        Ok(End::Well) => ExitCode::SUCCESS,
        Ok(End::Findings) => ExitCode::from(1),
        Err(failure) => {
            let (code, text) = match failure {
                Failure::Usage(text) => (2, text),
                Failure::Locked(text) => (3, text),
                Failure::Unreadable(text) => (4, text),
            };
            say(&format!("codex-agent: {text}"));
            ExitCode::from(code)
        }
    }
}

fn act(arguments: Arguments) -> Result<End, Failure> {
    let layout = Layout::new(arguments.root);
    match arguments.command {
        Command::Enroll(arguments) => enrol::enrol(&layout, &arguments),
        Command::Run { role } => run::run(&layout, role),
        Command::Once => run::once(&layout),
        Command::Status { json } => status(&layout, json),
        Command::Verify => verify(&layout),
        Command::Doctor => Ok(doctor::doctor(&layout)),
        Command::Pause { reason, time } => pause(&layout, &reason, &time),
        Command::Uninstall { yes } => uninstall(&layout, yes),
    }
}

fn status(layout: &Layout, json: bool) -> Result<End, Failure> {
    let status = Status::read(layout).ok_or_else(|| {
        Failure::Unreadable("there is no status: the agent has not run here yet".to_owned())
    })?;
    let text = if json {
        serde_json::to_string_pretty(&status).unwrap_or_default() + "\n"
    } else {
        status.human(now().wall)
    };
    print(&text);
    let is_well = status.in_force.is_some() && status.enforced && !status.stale;
    Ok(if is_well { End::Well } else { End::Findings })
}

fn verify(layout: &Layout) -> Result<End, Failure> {
    if !layout.installed().exists() {
        say("nothing is installed: the agent has not run here yet");
        return Ok(End::Findings);
    }
    let installer = Installer::looking(layout).map_err(unreadable)?;
    let Some((current, generation)) = installer.current().map_err(unreadable)? else {
        say("nothing is installed");
        return Ok(End::Findings);
    };
    let drift = installer.drift().map_err(unreadable)?;
    for path in generation.planned(current.which).into_keys() {
        let wrong = drift.iter().find(|one| one.path == path);
        print(&match wrong {
            None => format!("✓ {path}\n"),
            Some(drift) => format!("✗ {path}: {}\n", drift.what),
        });
    }
    for one in installer.beside().map_err(unreadable)? {
        print(&format!("? {}: {}\n", one.path, one.what));
    }
    Ok(if drift.is_empty() { End::Well } else { End::Findings })
}

fn pause(layout: &Layout, reason: &str, time: &str) -> Result<End, Failure> {
    let duration = duration(time).map_err(Failure::Usage)?;
    let reason = reason.trim();
    if !codex_fleet::identity::is_name(reason, 200) {
        let text = "`--reason` has 1 to 200 characters, none of them a control character";
        return Err(Failure::Usage(text.to_owned()));
    }
    may_pause(layout, duration)?;
    let until = now().wall.checked_add(duration).map_err(unreadable)?;
    let pause = crate::agent::kept::Pause { reason: reason.to_owned(), until };
    let text = serde_json::to_vec(&pause).map_err(unreadable)?;
    crate::identity::put(layout, SETTINGS, "pause.json", &text).map_err(unreadable)?;
    say(&format!("nothing new is installed until {until}; what is in force stays"));
    Ok(End::Well)
}

/// Whether the organisation lets a pause be so long: by what was last signed, and nothing else.
fn may_pause(layout: &Layout, duration: jiff::SignedDuration) -> Result<(), Failure> {
    if duration.is_zero() {
        return Ok(());
    }
    let status = Status::read(layout).ok_or_else(|| {
        let text = "the agent has not run here yet: what the organisation allows is not known";
        Failure::Unreadable(text.to_owned())
    })?;
    let longest = status.longest_pause_seconds;
    if longest == 0 {
        let text = "the organisation allows no pause on its machines: its policy would say so in \
                    `release.longest_pause_hours`";
        return Err(Failure::Locked(text.to_owned()));
    }
    if u64::try_from(duration.as_secs()).unwrap_or(u64::MAX) > longest {
        let text = format!("the organisation allows pauses of {} h at most", longest / 3_600);
        return Err(Failure::Locked(text));
    }
    Ok(())
}

/// A time such as `90m`, `2h` or `3d`.
fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    let wrong = || format!("`{text}` is no time: write `90m`, `2h` or `3d`, and 7d at most");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        '0' if text == "0" => return Ok(jiff::SignedDuration::ZERO),
        _ => return Err(wrong()),
    };
    let number: i64 = text.trim_end_matches(unit).parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(seconds).ok_or_else(wrong)?;
    if (0..=7 * 86_400).contains(&seconds) {
        Ok(jiff::SignedDuration::from_secs(seconds))
    } else {
        Err(wrong())
    }
}

fn uninstall(layout: &Layout, yes: bool) -> Result<End, Failure> {
    if !yes {
        let text = "this takes the policy away: Codex on this machine is free then. Stop the \
                    service, and say `--yes`";
        return Err(Failure::Usage(text.to_owned()));
    }
    let installer = run::installer(layout)?;
    for path in installer.remove_all().map_err(unreadable)? {
        say(&format!("removed {path}"));
    }
    for one in installer.beside().map_err(unreadable)? {
        say(&format!("left {}: {}", one.path, one.what));
    }
    drop(installer);
    for path in [layout.below(crate::layout::STATE), layout.below(SETTINGS)] {
        match std::fs::remove_dir_all(&path) {
            Ok(()) => say(&format!("removed {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(format!("{}: {error}", path.display()))),
        }
    }
    Ok(End::Well)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands errors over")]
fn unreadable(error: impl ToString) -> Failure {
    let text = error.to_string();
    if text.contains("another process") { Failure::Locked(text) } else { Failure::Unreadable(text) }
}

/// Data.
fn print(text: &str) {
    // Whoever closed the pipe wants no more.
    drop(std::io::stdout().lock().write_all(text.as_bytes()));
}

/// Talk.
fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn times_are_short_and_have_a_unit() {
        assert_eq!(duration("2h"), Ok(jiff::SignedDuration::from_hours(2)));
        for wrong in ["", "h", "2", "8d", "-1h", "9999999999999999d", "2 h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
