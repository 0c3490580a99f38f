//! Puts a new repository on a disk: all of its files or none, and never over anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Texts;
use crate::repository::MANIFEST_FILE;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A repository is there.
    #[error("`{0}` is a policy repository already")]
    IsRepository(PathBuf),
    /// Files are there that would be replaced.
    #[error("{} in the way: {}; nothing was written", verb(.0), names(.0))]
    InTheWay(Vec<PathBuf>),
    /// The system refused.
    #[error("cannot write `{0}`: {1}; nothing was written")]
    Io(PathBuf, #[source] io::Error),
}

fn verb(paths: &[PathBuf]) -> &'static str {
    if paths.len() == 1 { "a file is" } else { "files are" }
}

fn names(paths: &[PathBuf]) -> String {
    let names: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
    names.join(", ")
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |error| PlaceError::Io(path, error)
}

/// Whether a new repository can be put there.
///
/// # Errors
/// When there is a repository already, or one of the files.
pub fn is_free(top: &Path, texts: &Texts) -> Result<(), PlaceError> {
    if is_there(&top.join(MANIFEST_FILE)) {
        return Err(PlaceError::IsRepository(top.to_owned()));
    }
    let mut in_the_way: Vec<PathBuf> =
        texts.keys().map(|path| top.join(path)).filter(|path| is_there(path)).collect();
    // A file in the place of a folder is in the way as well.
    in_the_way.extend(
        folders(top, texts)
            .into_iter()
            .filter(|path| fs::symlink_metadata(path).is_ok() && !path.is_dir()),
    );
    in_the_way.sort();
    in_the_way.dedup();
    if in_the_way.is_empty() { Ok(()) } else { Err(PlaceError::InTheWay(in_the_way)) }
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The folders that files go to, the outer ones first.
fn folders(top: &Path, texts: &Texts) -> Vec<PathBuf> {
    let mut folders = vec![top.to_owned()];
    for path in texts.keys() {
        let parents: Vec<&Path> = Path::new(path).ancestors().skip(1).collect();
        folders.extend(parents.into_iter().rev().map(|parent| top.join(parent)));
    }
    folders.sort();
    folders.dedup();
    folders
}

/// Writes a new repository. Files are made aside and moved into place; the manifest comes last, so
/// that what is interrupted is no repository.
///
/// # Errors
/// When something is in the way, or the system refuses; then nothing is left behind.
pub fn write(top: &Path, texts: &Texts) -> Result<(), PlaceError> {
    is_free(top, texts)?;
    let mut undo = Undo::default();
    for folder in folders(top, texts) {
        make_folder(&folder, &mut undo)?;
    }
    let aside = top.join(format!(".codex-config-{}", std::process::id()));
    make_folder(&aside, &mut undo)?;
    let (manifest, others): (Vec<&String>, Vec<&String>) =
        texts.keys().partition(|path| *path == MANIFEST_FILE);
    let mut staged = Vec::new();
    for (number, path) in others.into_iter().chain(manifest).enumerate() {
        let file = aside.join(number.to_string());
        undo.files.push(file.clone());
        let text = texts.get(path).map(String::as_str).unwrap_or_default();
        fs::write(&file, text).map_err(refused(&file))?;
        staged.push((file, top.join(path)));
    }
    for (file, place) in staged {
        move_to_free(&file, &place).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => PlaceError::InTheWay(vec![place.clone()]),
            _ => PlaceError::Io(place.clone(), error),
        })?;
        undo.files.push(place);
    }
    undo.keep();
    // Only links to what is in place now are left aside.
    drop(fs::remove_dir_all(&aside));
    Ok(())
}

/// Makes one folder; one that is there is fine.
fn make_folder(folder: &Path, undo: &mut Undo) -> Result<(), PlaceError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parents: Vec<PathBuf> = folder.ancestors().map(Path::to_owned).collect();
    for parent in parents.into_iter().rev().filter(|parent| !parent.as_os_str().is_empty()) {
        match fs::create_dir(&parent) {
            Ok(()) => undo.folders.push(parent),
            Err(_) if parent.is_dir() => {}
            Err(error) => return Err(PlaceError::Io(parent, error)),
        }
    }
    Ok(())
}

/// Moves a file to a name that nothing bears. A link is refused where a name is taken, which a
/// rename is not; file systems without links are looked at first.
fn move_to_free(file: &Path, place: &Path) -> io::Result<()> {
    match fs::hard_link(file, place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            if is_there(place) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(file, place)
        }
        linked => linked,
    }
}

/// What was made so far; dropped, it takes that away again.
#[derive(Debug, Default)]
struct Undo {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Undo {
    fn keep(mut self) {
        self.files.clear();
        self.folders.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for file in self.files.iter().rev() {
            drop(fs::remove_file(file));
        }
        // Only empty ones go, so that nothing of anybody else's does.
        for folder in self.folders.iter().rev() {
            drop(fs::remove_dir(folder));
        }
    }
}
