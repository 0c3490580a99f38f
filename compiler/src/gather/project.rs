//! Project folders: where `.codex/config.toml` is looked for, and whether it is trusted.

use codex_schema::value::{Table, Value};

use crate::files::Files;

/// A `.codex` folder on the way from the project's root to the working folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFolder {
    /// The folder that holds `.codex`.
    pub folder: String,
    /// `FOLDER/.codex`.
    pub dot_codex: String,
    /// Whether configuration in it counts.
    pub trusted: bool,
}

/// The folders from the project's root down to the working folder that have a `.codex`.
///
/// `config` is the configuration merged from everything but projects: it names the markers of a
/// project's root and the folders that are trusted.
pub fn folders(
    files: &dyn Files,
    cwd: &str,
    codex_home: &str,
    config: &Table,
) -> Vec<ProjectFolder> {
    let root = root_of(files, cwd, config);
    let repository =
        ancestors(cwd).into_iter().find(|folder| files.exists(&format!("{folder}/.git")));
    let mut found = Vec::new();
    for folder in ancestors(cwd).into_iter().rev() {
        if !within(&folder, &root) {
            continue;
        }
        let dot_codex = join(&folder, ".codex");
        if !files.exists(&dot_codex) || dot_codex == codex_home {
            continue;
        }
        let candidates = [Some(folder.as_str()), Some(root.as_str()), repository.as_deref()];
        let level =
            candidates.into_iter().flatten().find_map(|path| trust_level(files, config, path));
        found.push(ProjectFolder {
            folder,
            dot_codex,
            trusted: level.as_deref() == Some("trusted"),
        });
    }
    found
}

/// The trust level that the configuration gives to the working folder itself or its repository.
pub fn trust_of(files: &dyn Files, cwd: &str, config: &Table) -> Option<String> {
    let repository =
        ancestors(cwd).into_iter().find(|folder| files.exists(&format!("{folder}/.git")));
    [Some(cwd.to_owned()), repository]
        .into_iter()
        .flatten()
        .find_map(|path| trust_level(files, config, &path))
}

fn trust_level(files: &dyn Files, config: &Table, path: &str) -> Option<String> {
    let projects = config.get("projects")?.value.as_table()?;
    let entry = projects.get(path).or_else(|| projects.get(&files.canonical(path)))?;
    entry.at(&["trust_level"])?.value.as_str().map(str::to_owned)
}

/// The nearest folder upwards with a marker of a project's root; the working folder when none has.
fn root_of(files: &dyn Files, cwd: &str, config: &Table) -> String {
    let markers: Vec<String> = match config.get("project_root_markers").map(|node| &node.value) {
        Some(Value::Array(elements)) => {
            elements.iter().filter_map(|node| node.value.as_str()).map(str::to_owned).collect()
        }
        _ => vec![".git".to_owned()],
    };
    let marked = |folder: &String| markers.iter().any(|marker| files.exists(&join(folder, marker)));
    ancestors(cwd).into_iter().find(marked).unwrap_or_else(|| cwd.to_owned())
}

/// The folder and its parents, nearest first.
fn ancestors(path: &str) -> Vec<String> {
    let mut found = vec![path.to_owned()];
    let mut rest = path;
    while let Some(at) = rest.rfind('/') {
        rest = rest.get(..at).unwrap_or_default();
        found.push(if rest.is_empty() { "/".to_owned() } else { rest.to_owned() });
        if rest.is_empty() {
            break;
        }
    }
    found.dedup();
    found
}

fn within(folder: &str, root: &str) -> bool {
    folder == root || root == "/" || folder.starts_with(&format!("{root}/"))
}

fn join(folder: &str, name: &str) -> String {
    if folder == "/" { format!("/{name}") } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use codex_schema::reader::read_toml;
    use codex_schema::span::SourceId;

    use super::*;
    use crate::files::MemoryFiles;

    fn config(text: &str) -> Table {
        read_toml(text, SourceId(0)).root
    }

    #[test]
    fn layers_run_from_the_root_to_the_working_folder() {
        let mut files = MemoryFiles::default();
        files.put("/w/.git/HEAD", "");
        files.put("/w/.codex/config.toml", "");
        files.put("/w/a/b/.codex/config.toml", "");
        files.put("/.codex/config.toml", "");
        let all = folders(
            &files,
            "/w/a/b",
            "/home/.codex",
            &config("projects.'/w'.trust_level='trusted'"),
        );
        let names: Vec<_> = all.iter().map(|one| (one.folder.as_str(), one.trusted)).collect();
        assert_eq!(names, [("/w", true), ("/w/a/b", true)]);
        let nearer = config(
            "projects.'/w'.trust_level='trusted'\nprojects.'/w/a/b'.trust_level='untrusted'",
        );
        assert!(!folders(&files, "/w/a/b", "/h", &nearer)[1].trusted);
    }

    #[test]
    fn without_a_marker_only_the_working_folder_counts() {
        let mut files = MemoryFiles::default();
        files.put("/w/.codex/config.toml", "");
        files.put("/w/a/.codex/config.toml", "");
        let all = folders(&files, "/w/a", "/h", &Table::default());
        assert_eq!(all.len(), 1);
        assert_eq!(ancestors("/w/a"), ["/w/a", "/w", "/"]);
    }
}
