//! Foreign programs that tests hold ours against, installed with npm by a lock file.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::CannotRun;

/// Installs what `package.json` and `package-lock.json` of `from` name into `into/node_modules`,
/// unless that was done before. No script of a package is run.
///
/// Two processes may call this at once: a lock file makes the second wait for the first.
///
/// # Errors
///
/// [`CannotRun`] when npm is missing or failed, or a file cannot be written.
pub fn install_locked(from: &Path, into: &Path) -> Result<(), CannotRun> {
    let failed = |detail: String| CannotRun::Package { folder: from.to_owned(), detail };
    let system = |error: io::Error| failed(error.to_string());
    fs::create_dir_all(into).map_err(system)?;
    let lock = File::create(into.join("lock")).map_err(system)?;
    lock.lock().map_err(system)?;
    let wanted = fs::read(from.join("package-lock.json")).map_err(system)?;
    // Written last: a killed npm leaves a folder without it, and the next call starts over.
    let finished = into.join("installed");
    if fs::read(&finished).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    for name in ["package.json", "package-lock.json"] {
        fs::copy(from.join(name), into.join(name)).map_err(system)?;
    }
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(into)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                CannotRun::MissingTool { tool: "npm", purpose: "install a foreign program" }
            }
            _ => system(error),
        })?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    fs::write(&finished, wanted).map_err(system)
}
