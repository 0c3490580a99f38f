//! Which Codex processes started before a policy: their threads keep the old one for life.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// The most processes that are looked at.
const MOST: usize = 100_000;

/// A process that is older than the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Older {
    /// Its number.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
}

/// Processes of these programs that started before a moment. Empty where a system has no `/proc`,
/// which is said by [`is_known`].
pub fn older_than(since: Timestamp, programs: &BTreeSet<PathBuf>) -> Vec<Older> {
    let Some(boot) = boot_time() else { return Vec::new() };
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.take(MOST).filter_map(Result::ok) {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(program) = fs::read_link(entry.path().join("exe")) else { continue };
        if !is_one_of(&program, programs) {
            continue;
        }
        let started = started(&entry.path(), boot);
        found.extend(started.filter(|at| *at < since).map(|started| Older { pid, started }));
    }
    found.sort_by_key(|one| one.pid);
    found
}

/// Whether processes can be seen here.
pub fn is_known() -> bool {
    boot_time().is_some()
}

/// A program that was replaced while it ran has a mark after its name.
fn is_one_of(program: &Path, programs: &BTreeSet<PathBuf>) -> bool {
    let text = program.to_string_lossy();
    let name = text.strip_suffix(" (deleted)").unwrap_or(&text);
    programs.contains(Path::new(name))
}

fn boot_time() -> Option<Timestamp> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Timestamp::from_second(line.trim().parse().ok()?).ok()
}

/// When a process started: field 22 of its `stat`, in ticks since the boot. The second field is a
/// name in parentheses, which may contain anything.
fn started(process: &Path, boot: Timestamp) -> Option<Timestamp> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let ticks: i64 = rest.split_whitespace().nth(19)?.parse().ok()?;
    let per_second = i64::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    boot.checked_add(SignedDuration::from_secs(ticks.checked_div(per_second)?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_older_than_what_came_after_it() {
        let own = std::env::current_exe().unwrap().canonicalize().unwrap();
        let programs = BTreeSet::from([own]);
        let later = Timestamp::now() + SignedDuration::from_hours(1);
        let found = older_than(later, &programs);
        let is_known = cfg!(target_os = "linux");
        let pid = std::process::id();
        assert_eq!(found.iter().any(|one| one.pid == pid), is_known, "{found:?}");
        if let Some(this) = found.iter().find(|one| one.pid == pid) {
            let age = Timestamp::now().duration_since(this.started);
            assert!((-5..600).contains(&age.as_secs()), "{age:?}");
        }
        assert_eq!(older_than(Timestamp::UNIX_EPOCH, &programs), []);
        assert_eq!(older_than(later, &BTreeSet::new()), []);
    }
}
