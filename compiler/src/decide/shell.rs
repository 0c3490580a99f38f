//! Shell commands as Codex looks at them: which commands are shells with a script, which plain
//! commands a script is made of, and which commands Codex itself takes for dangerous or harmless.
//!
//! Codex reads scripts with the grammar `tree-sitter-bash`, and so does this module, in the version
//! that stands in the binary. Facts: Codex's public source, every one of them measured against
//! 0.138.0, 0.157.1 and 0.169.0 (`tests/agreement/tests/commands.rs`).
//!
//! **Invariants.** Text of any kind ends in an answer: scripts that are too long are not read
//! ([`Budget`]), the tree is walked without recursion, and nested shells are followed nine deep, as
//! in Codex.

pub(crate) mod danger;
pub(crate) mod harmless;
mod opaque;
mod tree;

pub(crate) use crate::era::ShellReading;
pub(crate) use tree::{Budget, Script, read};

/// The script of a command that is a shell with a script: exactly three words, the second `-c` or
/// `-lc`. Other spellings are opaque to Codex.
pub(crate) fn script_of(command: &[String]) -> Option<&str> {
    let [shell, flag, script] = command else { return None };
    let takes_script = matches!(flag.as_str(), "-c" | "-lc") && is_shell(shell);
    takes_script.then_some(script)
}

/// Whether a program is taken for one of the shells: by its name, whatever its folder and whatever
/// follows a dot in the name.
pub(crate) fn is_shell(program: &str) -> bool {
    let whole = |name: &str| matches!(name, "bash" | "sh" | "zsh");
    let Some(mut name) = file_name(program) else { return false };
    loop {
        if whole(name) {
            return true;
        }
        match name.rsplit_once('.') {
            Some((stem, _)) if !stem.is_empty() => name = stem,
            _ => return false,
        }
    }
}

/// The last part of a path as Rust's library finds it: `.` and trailing slashes do not count.
fn file_name(path: &str) -> Option<&str> {
    let last = path.split('/').rfind(|part| !part.is_empty() && *part != ".")?;
    (last != "..").then_some(last)
}

#[cfg(test)]
mod tests;
