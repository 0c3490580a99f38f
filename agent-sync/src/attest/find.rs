//! Which programs on this machine are Codex.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::layout::Layout;

/// The most programs that are asked.
const MOST: usize = 32;

/// The most homes, and versions of Node in one, that are looked into.
const MOST_FOLDERS: usize = 64;

/// A program, as long as it is the same file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Program {
    /// The native program, no link and no wrapper.
    pub path: PathBuf,
    /// The number of its owner.
    pub owner: u32,
    /// What changes when it is replaced or written to: device, inode, size, time of change.
    identity: (u64, u64, u64, i64, i64),
}

impl Program {
    /// The program that a path leads to, if it can be started.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let about = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let identity = (about.dev(), about.ino(), about.size(), about.mtime(), about.mtime_nsec());
        (about.mode() & 0o111 != 0).then_some(Self { path, owner: about.uid(), identity })
    }
}

/// Finds every Codex: where settings say, and where installers put it. `named` are absolute paths
/// of programs or of folders that npm filled.
pub fn programs(layout: &Layout, named: &[PathBuf]) -> Vec<Program> {
    let usual = usual(layout);
    let found = named.iter().cloned().chain(usual).flat_map(|place| native(place.as_path()));
    let found: BTreeSet<Program> = found.filter_map(|path| Program::at(&path)).collect();
    found.into_iter().take(MOST).collect()
}

/// Places where installers put `codex`, or the folder of its package.
fn usual(layout: &Layout) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = [
        "/usr/local/bin/codex",
        "/usr/bin/codex",
        "/opt/codex/bin/codex",
        "/opt/homebrew/bin/codex",
        "/home/linuxbrew/.linuxbrew/bin/codex",
        "/snap/bin/codex",
        "/usr/lib/node_modules/@openai/codex",
        "/usr/local/lib/node_modules/@openai/codex",
        "/opt/homebrew/lib/node_modules/@openai/codex",
    ]
    .into_iter()
    .map(|place| layout.below(place))
    .collect();
    for home in homes(layout) {
        for place in [
            ".local/bin/codex",
            "bin/codex",
            ".cargo/bin/codex",
            ".npm-global/lib/node_modules/@openai/codex",
            ".local/lib/node_modules/@openai/codex",
            ".volta/tools/image/packages/@openai/codex/lib/node_modules/@openai/codex",
        ] {
            places.push(home.join(place));
        }
        for node in below(&home.join(".nvm/versions/node")) {
            places.push(node.join("lib/node_modules/@openai/codex"));
        }
    }
    places
}

/// The folders in which people live.
pub(crate) fn homes(layout: &Layout) -> Vec<PathBuf> {
    let others = ["/home", "/Users"].into_iter().flat_map(|folder| below(&layout.below(folder)));
    std::iter::once(layout.below("/root")).chain(others).collect()
}

/// What lies in a folder, sorted, and not too much of it.
pub(crate) fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<PathBuf> =
        entries.take(MOST_FOLDERS).filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

/// The native programs behind a path: itself, or those that npm put around its wrapper.
fn native(place: &Path) -> Vec<PathBuf> {
    let Ok(real) = place.canonicalize() else { return Vec::new() };
    if real.is_file() && real.extension().is_none_or(|end| end != "js") {
        return vec![real];
    }
    // `…/@openai/codex/bin/codex.js`, `…/@openai/codex`, or a folder with `node_modules` in it.
    let wrapper = real.is_file().then(|| real.ancestors().nth(2)).flatten();
    let package = wrapper.map_or_else(|| real.clone(), Path::to_owned);
    let scope = package.parent().map(Path::to_owned).unwrap_or_default();
    let scopes = [package.join("node_modules/@openai"), package.join("vendor/.."), scope];
    let mut found = Vec::new();
    for folder in scopes.iter().flat_map(|scope| below(scope)).chain([package.clone()]) {
        let is_codex = |path: &Path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("codex"))
        };
        if !is_codex(&folder) {
            continue;
        }
        for triple in below(&folder.join("vendor")) {
            found.extend(["bin/codex", "codex/codex"].map(|program| triple.join(program)));
        }
    }
    found.retain(|path| path.is_file());
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn program(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, path.display().to_string()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn native_programs_are_found_behind_wrappers_links_and_homes_each_once() {
        let folder = tempfile::TempDir::new().unwrap();
        let root = folder.path();
        let triple = "vendor/x86_64-unknown-linux-musl/bin/codex";
        let modules = root.join("usr/lib/node_modules");
        let inside =
            modules.join("@openai/codex/node_modules/@openai/codex-linux-x64").join(triple);
        program(&inside);
        program(&modules.join("@openai/codex/bin/codex.js"));
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        symlink(modules.join("@openai/codex/bin/codex.js"), root.join("usr/bin/codex")).unwrap();
        let node = root.join("home/ana/.nvm/versions/node/v22.1.0/lib/node_modules/@openai");
        program(&node.join("codex-linux-x64").join(triple));
        fs::create_dir_all(node.join("codex")).unwrap();
        program(&root.join("home/ben/.local/bin/codex"));
        let named = root.join("opt/own");
        program(&named.join("node_modules/@openai/codex-linux-x64").join(triple));
        fs::write(root.join("home/ben/codex"), "no program").unwrap();
        let found = programs(&Layout::new(root.to_owned()), &[named]);
        let paths: BTreeSet<String> = found
            .iter()
            .map(|one| one.path.strip_prefix(root.canonicalize().unwrap()).unwrap())
            .map(|path| path.to_string_lossy().split('/').take(3).collect::<Vec<_>>().join("/"))
            .collect();
        let expected =
            ["home/ana/.nvm", "home/ben/.local", "opt/own/node_modules", "usr/lib/node_modules"];
        assert_eq!(paths, expected.map(str::to_owned).into(), "{found:#?}");
        assert_eq!(found.len(), 4);
    }
}
