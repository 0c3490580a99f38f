//! Which files a folder has for the formatter. Links are not followed, and the search is bounded.

use std::path::{Path, PathBuf};

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest level below the folder.
    pub depth: usize,
    /// Most names looked at.
    pub names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 32, names: 100_000 }
    }
}

/// A search that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are more than {0} files below it; name the policy's own folder")]
pub struct TooMany(usize);

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The policy files, sorted.
    pub files: Vec<PathBuf>,
    /// Folders that could not be read, with the system's words.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// The policy files below a folder. Of hidden folders only `.codex` is entered: other tools keep
/// files of the same names there.
///
/// # Errors
/// When there is more below it than the limits allow.
pub fn find(folder: &Path, limits: Limits) -> Result<Found, TooMany> {
    let mut found = Found::default();
    let mut seen = 0;
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((place, depth)) = open.pop() {
        let entries = match std::fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) => {
                found.unreadable.push((place, error.to_string()));
                continue;
            }
        };
        for entry in entries.filter_map(Result::ok) {
            seen += 1;
            if seen > limits.names {
                return Err(TooMany(limits.names));
            }
            let path = entry.path();
            // Not `metadata`, which follows links.
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            let hidden = name.starts_with('.') && name != ".codex";
            if kind.is_dir() && !hidden && depth < limits.depth {
                open.push((path, depth + 1));
            } else if kind.is_file() && is_policy(&path) {
                found.files.push(path);
            }
        }
    }
    found.files.sort();
    found.unreadable.sort();
    Ok(found)
}

/// Whether a file is one of those a policy is written in, by its name and its folder's.
fn is_policy(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let Some(stem) = name.as_deref().and_then(|name| name.strip_suffix(".toml")) else {
        return false;
    };
    let above = path.parent().and_then(Path::file_name);
    let known = ["requirements", "config", "managed_config", "policy", "trust"];
    let suffixes = [".config", ".test", "codex-requirements"];
    known.contains(&stem)
        || suffixes.iter().any(|suffix| stem.ends_with(suffix))
        || above.is_some_and(|above| above == "exceptions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_policy_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let kept = [
            "baseline/requirements.toml",
            "exceptions/any.toml",
            "policy.toml",
            "teams/pay/.codex/config.toml",
            "work.config.toml",
            "x/net.test.toml",
            "x.codex-requirements.toml",
        ];
        let others = [".cargo/config.toml", ".git/config.toml", "Cargo.toml", "a/config.json"];
        for name in kept.iter().chain(&others) {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let found = find(folder.path(), Limits::default()).unwrap();
        let names: Vec<String> = found
            .files
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string())
            .collect();
        assert_eq!(names, kept);
        assert_eq!(find(folder.path(), Limits { depth: 32, names: 3 }), Err(TooMany(3)));
    }
}
