//! Gets a native Codex program of an exact version.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::CannotRun;

/// A native Codex program and the version it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodexBinary {
    version: String,
    path: PathBuf,
}

impl CodexBinary {
    /// Returns the version that was asked for, such as `0.169.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the path of the native program (not of the Node wrapper, which costs 40 ms a start).
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes a program that is already there: itself, or a folder into which npm installed the package.
///
/// That it has this version is the caller's word.
///
/// # Errors
///
/// [`CannotRun`] when the version is malformed or there is no program at the path.
pub fn program_at(version: &str, path: &Path) -> Result<CodexBinary, CannotRun> {
    check_version(version)?;
    // It is started from other folders than this one.
    match native_program(path).and_then(|program| program.canonicalize().ok()) {
        Some(path) => Ok(CodexBinary { version: version.to_owned(), path }),
        None => Err(CannotRun::NoProgram { path: path.to_owned() }),
    }
}

/// Returns the program of `version` that [`install_into`] put into a folder, if it did.
pub fn installed_in(cache: &Path, version: &str) -> Option<CodexBinary> {
    check_version(version).ok()?;
    let folder = cache.join(version);
    let path = folder.join("installed").exists().then(|| native_program(&folder))??;
    Some(CodexBinary { version: version.to_owned(), path })
}

/// Installs the program of `version` with npm into a folder of the caller's, unless it is there.
///
/// # Errors
///
/// As [`install`].
pub fn install_into(cache: &Path, version: &str) -> Result<CodexBinary, CannotRun> {
    check_version(version)?;
    let path = install_under(cache, version)?;
    Ok(CodexBinary { version: version.to_owned(), path })
}

/// Returns the native Codex program of `version`, installing it with npm when it is not there.
///
/// Looked for in this order:
/// 1. `CODEX_BIN_<version with underscores>` (`CODEX_BIN_0_169_0`): a program, or a folder into
///    which npm installed the package;
/// 2. `CODEX_ORACLE_ROOT`: a folder with one such folder per version, used for versions it has;
/// 3. `target/codex/<version>/` of this workspace, filled on first use.
///
/// Two processes may call this at once: a lock file makes the second wait for the first.
///
/// # Errors
///
/// [`CannotRun`] when the version is malformed, npm is missing or failed, or the package has no
/// program for this machine.
pub fn install(version: &str) -> Result<CodexBinary, CannotRun> {
    check_version(version)?;
    let found = |path| CodexBinary { version: version.to_owned(), path };
    let variable = format!("CODEX_BIN_{}", version.replace(['.', '-', '+'], "_"));
    if let Some(value) = std::env::var_os(&variable) {
        let path = PathBuf::from(value);
        return match native_program(&path) {
            Some(program) => Ok(found(program)),
            None => Err(CannotRun::Override { variable, path }),
        };
    }
    if let Some(root) = std::env::var_os("CODEX_ORACLE_ROOT")
        && let Some(program) = native_program(&Path::new(&root).join(version))
    {
        return Ok(found(program));
    }
    install_under(&workspace_cache(), version).map(found)
}

/// Versions become part of a path and of a package name, so only their own alphabet is let in.
fn check_version(version: &str) -> Result<(), CannotRun> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
    let starts_with_digit = version.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if starts_with_digit && version.bytes().all(allowed) {
        Ok(())
    } else {
        Err(CannotRun::BadVersion { version: version.to_owned() })
    }
}

fn workspace_cache() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder).join("target").join("codex")
}

fn install_under(cache: &Path, version: &str) -> Result<PathBuf, CannotRun> {
    let failed = |detail: String| CannotRun::Install { version: version.to_owned(), detail };
    let input_output = |error: io::Error| failed(error.to_string());
    fs::create_dir_all(cache).map_err(input_output)?;
    let lock = File::create(cache.join(format!("{version}.lock"))).map_err(input_output)?;
    lock.lock().map_err(input_output)?;

    let folder = cache.join(version);
    let finished = folder.join("installed");
    if finished.exists()
        && let Some(program) = native_program(&folder)
    {
        return Ok(program);
    }
    fs::create_dir_all(&folder).map_err(input_output)?;
    npm_install(&folder, version)?;
    let program = native_program(&folder).ok_or_else(|| {
        failed(format!("the package has no native program for {}", std::env::consts::ARCH))
    })?;
    // Written last: a killed npm leaves a folder without it, and the next call starts over.
    fs::write(&finished, version).map_err(input_output)?;
    Ok(program)
}

fn npm_install(folder: &Path, version: &str) -> Result<(), CannotRun> {
    let package = format!("@openai/codex@{version}");
    let output = Command::new("npm")
        .arg("install")
        .arg("--prefix")
        .arg(folder)
        .args(["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
        .arg(&package)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                CannotRun::MissingTool { tool: "npm", purpose: "install the real Codex" }
            }
            _ => CannotRun::Install { version: version.to_owned(), detail: error.to_string() },
        })?;
    if output.status.success() {
        return Ok(());
    }
    let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CannotRun::Install { version: version.to_owned(), detail })
}

/// Finds the native program in a folder that npm filled; a path to a program is returned as it is.
///
/// The place moved over time: up to 0.98 one package carries all platforms, later there is one
/// package per platform, and the last folder was called `codex` before it was called `bin`.
fn native_program(place: &Path) -> Option<PathBuf> {
    if place.is_file() {
        return Some(place.to_owned());
    }
    let (npm_name, triple) = platform()?;
    let scope = place.join("node_modules").join("@openai");
    let split = format!("codex-{npm_name}");
    let packages = [
        scope.join(&split),
        scope.join("codex/node_modules/@openai").join(&split),
        scope.join("codex"),
    ];
    packages
        .iter()
        .flat_map(|package| {
            let vendor = package.join("vendor").join(triple);
            ["bin", "codex"].map(|folder| vendor.join(folder).join(OsStr::new("codex")))
        })
        .find(|candidate| candidate.is_file())
}

fn platform() -> Option<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(("linux-x64", "x86_64-unknown-linux-musl")),
        ("linux", "aarch64") => Some(("linux-arm64", "aarch64-unknown-linux-musl")),
        ("macos", "x86_64") => Some(("darwin-x64", "x86_64-apple-darwin")),
        ("macos", "aarch64") => Some(("darwin-arm64", "aarch64-apple-darwin")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::check_version;

    #[test]
    fn only_version_numbers_become_paths() {
        for good in ["0.169.0", "0.170.0-alpha.3"] {
            assert!(check_version(good).is_ok(), "{good}");
        }
        for bad in ["", "latest", "../0.1", "0.1/..", "0.1 --x", "-0.1"] {
            assert!(check_version(bad).is_err(), "{bad}");
        }
    }
}
