//! Files that nobody may read: Codex's sandbox is started around a shell that tries to open some.
//!
//! The files are ours, in the scratch home, wherever a pattern can match there. Others are only
//! asked about where they are of the system and everybody can read them; nothing is read of them,
//! and no file in anybody's home is opened.

use std::path::Path;
use std::process::Command;

use codex_schema::value::Table;
use codex_schema::version::Version;

use super::{Key, Probed, quoted};
use crate::attest::ask::{Asker, finished};
use crate::attest::compare::FOLDER;
use crate::attest::find::Program;

const KEY: Key = Key::Reads;

/// The most paths that are asked about.
const MOST: usize = 32;

/// Opens what it is given, reads nothing, and says of each whether it could. The words before and
/// after tell that the sandbox started and the shell came to its end.
const SCRIPT: &str = "echo begin; for one; do if (: < \"$one\") 2>/dev/null; then echo open; \
                      else echo shut; fi; done; echo end";

/// Folders below which somebody lives.
const HOMES: [&str; 3] = ["/home/", "/root/", "/Users/"];

/// A path that the policy denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of ours below the scratch home.
    Own(String),
    /// A path of the system.
    System(String),
}

/// Asks, where the policy denies reading.
pub(super) fn probe(
    program: &Program,
    version: Version,
    policy: &Table,
    asker: &Asker,
) -> Option<Probed> {
    let denied = policy.at(&["permissions", "filesystem", "deny_read"])?.value.as_array()?;
    if denied.is_empty() {
        return None;
    }
    let mut probed = Probed::new(KEY);
    let mut asked: Vec<(String, Place)> = Vec::new();
    for pattern in denied.iter().filter_map(|node| node.value.as_str()) {
        match place(pattern) {
            Err(reason) => probed.not_asked.push(format!("{}: {reason}", quoted(pattern))),
            Ok(_) if asked.len() == MOST => {
                probed.not_asked.push(format!("{}: more than {MOST} paths", quoted(pattern)));
            }
            Ok(place) => asked.push((pattern.to_owned(), place)),
        }
    }
    if !asked.is_empty()
        && let Err(reason) = ask(program, version, &asked, asker, &mut probed)
    {
        probed.not_asked.push(reason);
    }
    Some(probed)
}

/// A path that a pattern matches and that can be asked about.
///
/// # Errors
/// Why there is none.
pub fn place(pattern: &str) -> Result<Place, &'static str> {
    if let Some(below) = pattern.strip_prefix("~/") {
        return Ok(Place::Own(sample(below)?));
    }
    if let Some(below) = pattern.strip_prefix("/**/") {
        return Ok(Place::Own(sample(below)?));
    }
    if pattern.contains(['*', '?', '[']) {
        return Err("nothing of ours can lie where it matches");
    }
    let path = if pattern.starts_with('/') {
        pattern.to_owned()
    } else if pattern.starts_with('~') {
        return Err("it is somebody's home");
    } else {
        format!("{FOLDER}{pattern}")
    };
    let is_below = |home: &str| path.starts_with(home) || path == home.trim_end_matches('/');
    if HOMES.into_iter().any(is_below) || path.split('/').any(|part| part == "..") {
        return Err("it is somebody's own");
    }
    Ok(Place::System(path))
}

/// A path that a relative pattern matches.
fn sample(pattern: &str) -> Result<String, &'static str> {
    let mut parts = Vec::new();
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." || part.contains(['[', ']', '{', '\\', '\0']) {
            return Err("no name is made up for such a pattern");
        }
        parts.push(match part {
            "**" => "probe".to_owned(),
            part => part.replace('*', "probe").replace('?', "p"),
        });
    }
    if parts.is_empty() {
        return Err("it is somebody's home");
    }
    if !pattern.contains(['*', '?']) {
        // A folder by its name, with something in it.
        parts.push("probe".to_owned());
    }
    Ok(parts.join("/"))
}

fn ask(
    program: &Program,
    version: Version,
    asked: &[(String, Place)],
    asker: &Asker,
    probed: &mut Probed,
) -> Result<(), String> {
    let own = asked.iter().filter_map(|(_, place)| match place {
        Place::Own(name) => Some((name.as_str(), "nothing\n")),
        Place::System(_) => None,
    });
    let home = asker.home(program, &own.collect::<Vec<_>>())?;
    let path = |place: &Place| match place {
        Place::Own(name) => home.path.join(name).to_string_lossy().into_owned(),
        Place::System(path) => path.clone(),
    };
    let paths: Vec<String> = asked.iter().map(|(_, place)| path(place)).collect();
    // Whether they can be opened where no Codex is in the way.
    let mut control = home.command(Path::new("/bin/sh"));
    let free = opened(control.arg("-c"), &paths)?;
    let free = free.ok_or("the shell does not run")?;
    let mut shown = None;
    let mut said = String::new();
    for words in sandboxes(version) {
        let mut command = home.command(&program.path);
        command.arg("sandbox").args(words).args(["--", "/bin/sh", "-c"]);
        (shown, said) = opened_or_said(&mut command, &paths)?;
        if shown.is_some() {
            break;
        }
    }
    let Some(shown) = shown else {
        return Err(format!("its sandbox does not start here: {}", quoted(&said)));
    };
    for (((pattern, place), free), shown) in asked.iter().zip(free).zip(shown) {
        match (free, shown, place) {
            (true, false, _) => probed.proved += 1,
            (true, true, _) => {
                let text = format!("{} can be read in Codex's sandbox", quoted(pattern));
                probed.differences.push(text);
            }
            (false, _, Place::System(path)) => {
                let text = format!("{}: not everybody can read {path}", quoted(pattern));
                probed.not_asked.push(text);
            }
            (false, _, Place::Own(_)) => {
                probed.not_asked.push(format!("{}: it cannot be put there", quoted(pattern)));
            }
        }
    }
    Ok(())
}

/// What stands between `sandbox` and the command: builds before 0.138.0 want the system's name.
fn sandboxes(version: Version) -> Vec<&'static [&'static str]> {
    let named: &[&str] = if cfg!(target_os = "macos") { &["macos"] } else { &["linux"] };
    if version < Version::of(138) { vec![named, &[]] } else { vec![&[]] }
}

fn opened(command: &mut Command, paths: &[String]) -> Result<Option<Vec<bool>>, String> {
    opened_or_said(command, paths).map(|(opened, _)| opened)
}

/// Which of the paths were opened, or what was said where the script did not run to its end.
fn opened_or_said(
    command: &mut Command,
    paths: &[String],
) -> Result<(Option<Vec<bool>>, String), String> {
    command.args([SCRIPT, "sh"]).args(paths);
    let said = finished(std::mem::replace(command, Command::new("/nonexistent")))?;
    let mut lines = said.stdout.lines().map(str::trim).skip_while(|line| *line != "begin");
    let answers: Vec<&str> = lines.by_ref().skip(1).take(paths.len()).collect();
    let is_whole = answers.len() == paths.len()
        && answers.iter().all(|answer| ["open", "shut"].contains(answer))
        && lines.next() == Some("end");
    let opened = is_whole.then(|| answers.iter().map(|answer| *answer == "open").collect());
    let warns = |line: &&str| !line.starts_with("WARNING") && !line.trim().is_empty();
    let words = said.stderr.lines().rev().find(warns).unwrap_or_default();
    Ok((opened, words.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_ours_stand_for_patterns_and_nobody_elses_are_opened() {
        let own = |path: &str| Ok(Place::Own(path.to_owned()));
        assert_eq!(place("~/.ssh"), own(".ssh/probe"));
        assert_eq!(place("~/work/**/.env"), own("work/probe/.env"));
        assert_eq!(place("~/*.p?m"), own("probe.ppm"));
        assert_eq!(place("/**/.env"), own(".env/probe"));
        assert_eq!(place("~/keys/**"), own("keys/probe"));
        assert_eq!(place("/srv/key"), Ok(Place::System("/srv/key".to_owned())));
        assert_eq!(place("key"), Ok(Place::System("/etc/codex/key".to_owned())));
        for pattern in [
            "/home/ana/.ssh",
            "/root",
            "~",
            "~/",
            "~ana/x",
            "~/../x",
            "/srv/../home/ana/x",
            "/srv/*.key",
            "*.pem",
            "~/[ab]",
        ] {
            assert!(place(pattern).is_err(), "{pattern}: {:?}", place(pattern));
        }
    }
}
