//! Paths as people and policies spell them, made absolute.

use super::disk::parts;
use crate::compose::paths::absolute;
use crate::machine::{Machine, Os};

/// The longest path and the longest name that a file can have on Linux, in bytes.
const LONGEST_PATH: usize = 4095;
const LONGEST_NAME: usize = 255;

/// Why a text is no path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPath {
    /// It is empty.
    Empty,
    /// It has a NUL.
    Nul,
    /// It, or a name in it, is too long.
    TooLong,
}

impl NoPath {
    /// Why, as a sentence without a full stop.
    pub(super) fn because(self) -> &'static str {
        match self {
            Self::Empty => "an empty path names nothing",
            Self::Nul => "no path can have a NUL in it",
            Self::TooLong => {
                "a path has at most 4095 bytes, and a name in it 255: no file can have this one"
            }
        }
    }

    /// What a program is told.
    pub(super) fn says(self) -> Option<&'static str> {
        match self {
            Self::Empty => Some("No such file or directory"),
            // Programs cannot even ask for it.
            Self::Nul => None,
            Self::TooLong => Some("File name too long"),
        }
    }
}

/// The absolute form of a path that a person asks about: `~` and relative paths are understood,
/// `..` stays for links to be followed first.
///
/// # Errors
/// Why it is no path.
pub(super) fn of_question(path: &str, machine: &Machine) -> Result<String, NoPath> {
    if path.is_empty() {
        return Err(NoPath::Empty);
    }
    if path.contains('\0') {
        return Err(NoPath::Nul);
    }
    let windows = machine.os == Os::Windows;
    let path = if windows { path.replace('\\', "/") } else { path.to_owned() };
    let home = slashed(&machine.home, machine.os);
    let cwd = slashed(&machine.cwd, machine.os);
    let whole = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
        _ if path.starts_with('/') => path,
        _ if windows && has_drive(&path) => format!("/{path}"),
        _ => format!("{cwd}/{path}"),
    };
    let long = whole.len() > LONGEST_PATH || parts(&whole).any(|name| name.len() > LONGEST_NAME);
    if long {
        return Err(NoPath::TooLong);
    }
    Ok(if windows { whole.to_lowercase() } else { whole })
}

/// The absolute form of an entry of a policy, which composition has made absolute for Unix.
///
/// Windows is read from texts of the program, not measured: letters count without case, and both
/// slashes are one.
pub(super) fn of_entry(path: &str, machine: &Machine) -> String {
    if machine.os != Os::Windows {
        return absolute(path, "/", &machine.home);
    }
    let path = path.replace('\\', "/");
    // What was relative for Unix may have a drive of its own.
    let drive = path.rmatch_indices(':').map(|(at, _)| at).find(|at| {
        let letter = at.checked_sub(1).and_then(|at| path.as_bytes().get(at));
        let before = at.checked_sub(2).and_then(|at| path.as_bytes().get(at));
        letter.is_some_and(u8::is_ascii_alphabetic) && before.is_none_or(|byte| *byte == b'/')
    });
    let own = drive.and_then(|at| path.get(at.saturating_sub(1)..)).unwrap_or(&path);
    absolute(&format!("/{}", own.trim_start_matches('/')), "/", "").to_lowercase()
}

/// A path as it is shown to a reader.
pub(super) fn shown(path: &str, os: Os) -> String {
    match os {
        Os::Linux | Os::Macos => path.to_owned(),
        Os::Windows => path.strip_prefix('/').unwrap_or(path).to_owned(),
    }
}

fn slashed(path: &str, os: Os) -> String {
    match os {
        Os::Linux | Os::Macos => path.to_owned(),
        Os::Windows => format!("/{}", path.replace('\\', "/")),
    }
}

fn has_drive(path: &str) -> bool {
    let mut bytes = path.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic()) && bytes.next() == Some(b':')
}
