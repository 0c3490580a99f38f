//! One cold process: how long it took and how much memory it touched.
//!
//! The measuring process starts nothing but the measured one, because the system accounts peak
//! memory for all finished children together. So `cargo xtask bench` starts itself for every
//! single measurement, inside the private namespaces where Codex needs them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::talk::{Problem, say};

/// What a process cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Wall time in milliseconds, from before the start until after the end.
    pub(super) wall_ms: f64,
    /// Peak memory in KiB.
    pub(super) peak_kib: u64,
    /// The exit code.
    pub(super) code: i32,
}

/// Runs a program, and prints what it cost as `MILLISECONDS KIB CODE`.
pub(crate) fn measured(program: &[String]) -> Result<(), Problem> {
    let (name, arguments) = program.split_first().ok_or("nothing to measure")?;
    let mut command = Command::new(name);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let status = command.status()?;
    let wall_ms = started.elapsed().as_secs_f64() * 1000.0;
    say(&format!("{wall_ms} {} {}", peak_kib()?, status.code().unwrap_or(-1)));
    Ok(())
}

#[cfg(target_os = "linux")]
fn peak_kib() -> Result<u64, Problem> {
    use nix::sys::resource::{UsageWho, getrusage};
    Ok(u64::try_from(getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())?)
}

#[cfg(not(target_os = "linux"))]
fn peak_kib() -> Result<u64, Problem> {
    Err("peak memory is measured on Linux only".into())
}

/// A scratch machine in a folder: `etc`, `home`, `cwd`, `tools`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'place>(pub(super) &'place Path);

impl Place<'_> {
    /// Runs a program as that machine's user would, and returns what it cost. With `private`, the
    /// machine's `etc/codex` is mounted over the real one, for this process alone.
    pub(super) fn run(self, private: bool, program: &[String]) -> Result<Cost, Problem> {
        let me = std::env::current_exe()?;
        let mut command = if private {
            let mut command = Command::new("unshare");
            let script = "mount --bind \"$1\" /etc/codex && ip link set lo up && cd \"$2\" && \
                          shift 2 && exec \"$@\"";
            command.args(["-m", "-n", "sh", "-c", script, "sh"]);
            command.args([self.0.join("etc/codex"), self.0.join("cwd")]).arg(me);
            command
        } else {
            Command::new(me)
        };
        // Codex asks `lsb_release` for its user agent, on Debian a script with thirty children.
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            self.0.join("tools").display()
        );
        let output = command
            .args(["measured", "--"])
            .args(program)
            .current_dir(self.0.join("cwd"))
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.0.join("home"))
            .env("CODEX_HOME", self.0.join("home"))
            .env("TERM", "xterm")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split_whitespace();
        let (Some(wall), Some(peak), Some(code)) = (words.next(), words.next(), words.next())
        else {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("`{}` was not measured: {said}", program.join(" ")).into());
        };
        Ok(Cost { wall_ms: wall.parse()?, peak_kib: peak.parse()?, code: code.parse()? })
    }
}
