//! Where the program of a version of Codex comes from: never the network without being told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use codex_oracle::{CodexBinary, install_into, installed_in, program_at};
use codex_schema::version::Version;

/// Where to look.
#[derive(Debug, Default)]
pub struct Places {
    /// Programs that the person names, by version.
    pub named: BTreeMap<Version, PathBuf>,
    /// The folder in which programs are kept.
    pub cache: Option<PathBuf>,
    /// The program that is installed on the machine, and its version.
    pub installed: Option<(Version, PathBuf)>,
    /// What to do when it is nowhere.
    pub missing: Missing,
}

/// What to do when a program is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Say so.
    #[default]
    Refuse,
    /// Install it with npm into the cache.
    Install,
}

/// Finds the program of a version.
///
/// # Errors
/// A sentence that says where it was looked for and what can be done.
pub fn find(version: Version, places: &Places) -> Result<CodexBinary, String> {
    let text = version.to_string();
    if let Some(path) = places.named.get(&version) {
        return program_at(&text, path).map_err(|error| error.to_string());
    }
    let kept = places.cache.as_deref().and_then(|cache| installed_in(cache, &text));
    if let Some(program) = kept {
        return Ok(program);
    }
    if let Some((_, path)) = places.installed.as_ref().filter(|(own, _)| *own == version)
        && let Some(program) = native(&text, path)
    {
        return Ok(program);
    }
    match (places.missing, &places.cache) {
        (Missing::Install, Some(cache)) => {
            install_into(cache, &text).map_err(|error| error.to_string())
        }
        (Missing::Install, None) => Err("there is no folder to install Codex into".to_owned()),
        (Missing::Refuse, _) => Err(format!(
            "Codex {version} is not on this machine: name it with --codex {version}=PATH, or let \
             npm fetch it with --install"
        )),
    }
}

/// The native program behind what is on PATH: npm puts a script there.
fn native(version: &str, path: &Path) -> Option<CodexBinary> {
    let real = path.canonicalize().ok()?;
    if real.extension().is_none() {
        return program_at(version, &real).ok();
    }
    let above = real.ancestors().find(|folder| folder.ends_with("node_modules"))?;
    program_at(version, above.parent()?).ok()
}
