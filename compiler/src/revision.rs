//! A policy repository as it was at a revision, read out of version control without checking it
//! out.
//!
//! **Invariants.** Nothing is written, no hook, filter or link of the repository is followed, and
//! nothing is fetched: a clone that lacks the revision's files says so.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::files::{MemoryFiles, SIZE_LIMIT, Unreadable};

/// Most files of a revision, and most bytes of all of them together.
const FILE_LIMIT: usize = 60_000;
const TOTAL_LIMIT: u64 = 512 * 1024 * 1024;

/// Why a revision could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    /// The program is not there.
    #[error("git is not installed: a revision cannot be read")]
    NoProgram,
    /// There is no such revision, or no repository.
    #[error("git knows no revision `{revision}` here: {words}")]
    Unknown {
        /// The revision as it was asked for.
        revision: String,
        /// The first line of what git says.
        words: String,
    },
    /// Git stopped in the middle.
    #[error("git cannot read the files of `{0}`: {1}")]
    Broken(String, String),
    /// More than a policy repository can have.
    #[error("`{0}` has more files, or larger ones, than a policy repository can have")]
    TooLarge(String),
}

/// A repository in memory.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The commit.
    pub commit: String,
    /// The folder's files at that commit, by their path below [`TOP`].
    pub files: MemoryFiles,
}

/// The folder that the files are below.
pub const TOP: &str = "/revision";

/// Reads the files that a folder of a repository had at a revision.
///
/// # Errors
/// When git is missing, does not know the revision, or what is there is too large.
pub fn read(folder: &Path, revision: &str) -> Result<Revision, RevisionError> {
    let commit = resolve(folder, revision)?;
    let list = output(folder, &["ls-tree", "-r", "-z", "-l", &commit], revision)?;
    let mut files = MemoryFiles::default();
    // Several paths may have the same content.
    let mut blobs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut total = 0;
    for entry in list.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        // A name that is no text is none of a policy repository's.
        let Some(Entry { mode, id, size, path }) =
            std::str::from_utf8(entry).ok().and_then(Entry::parse)
        else {
            continue;
        };
        if !is_policy(path) {
            continue;
        }
        let full = format!("{TOP}/{path}");
        match (mode, size) {
            ("100644" | "100755", size) if size > SIZE_LIMIT => {
                files.put_unreadable(full, Unreadable::TooLarge(size));
            }
            ("100644" | "100755", size) => {
                total += size;
                blobs.entry(id.to_owned()).or_default().push(full);
            }
            ("120000", _) => {
                let words = "it is a link, which is not followed in a revision".to_owned();
                files.put_unreadable(full, Unreadable::Refused(words));
            }
            _ => files.put_unreadable(full, Unreadable::NotAFile),
        }
        if total > TOTAL_LIMIT || blobs.len() > FILE_LIMIT {
            return Err(RevisionError::TooLarge(revision.to_owned()));
        }
    }
    contents(folder, revision, &blobs, &mut files)?;
    Ok(Revision { commit, files })
}

/// The commits that are checked out in a folder and are not part of an older one; nothing where git
/// does not know.
pub fn commits_since(folder: &Path, older: &str) -> Option<BTreeSet<String>> {
    let range = format!("{older}..HEAD");
    let limit = format!("--max-count={FILE_LIMIT}");
    let asked = git(folder).args(["rev-list", &limit, "--end-of-options", &range]).output().ok()?;
    let text = String::from_utf8_lossy(&asked.stdout);
    asked.status.success().then(|| text.lines().map(str::to_owned).collect())
}

/// The commit that a revision names.
fn resolve(folder: &Path, revision: &str) -> Result<String, RevisionError> {
    let name = format!("{revision}^{{commit}}");
    let asked = git(folder)
        .args(["rev-parse", "--verify", "--end-of-options", &name])
        .output()
        .map_err(|_| RevisionError::NoProgram)?;
    let text = String::from_utf8_lossy(&asked.stdout);
    let commit = text.lines().last().unwrap_or_default();
    let is_id = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if asked.status.success() && is_id {
        return Ok(commit.to_owned());
    }
    let words = String::from_utf8_lossy(&asked.stderr);
    let words = words.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    Err(RevisionError::Unknown { revision: revision.to_owned(), words: words.to_owned() })
}

/// A line of `git ls-tree -l -z`.
struct Entry<'line> {
    mode: &'line str,
    id: &'line str,
    size: u64,
    path: &'line str,
}

impl<'line> Entry<'line> {
    fn parse(line: &'line str) -> Option<Self> {
        let (facts, path) = line.split_once('\t')?;
        let mut facts = facts.split_ascii_whitespace();
        let (mode, _kind, id) = (facts.next()?, facts.next()?, facts.next()?);
        let size = facts.next()?.parse().unwrap_or(0);
        let strange = |part: &str| matches!(part, "" | "." | "..");
        let is_plain = !path.split('/').any(strange) && !path.contains(char::is_control);
        is_plain.then_some(Self { mode, id, size, path })
    }
}

/// Whether a path can be a file of policy.
fn is_policy(path: &str) -> bool {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    match first {
        crate::repository::MANIFEST_FILE => rest.is_empty(),
        "baseline" | "environments" | "teams" | "exceptions" => !rest.is_empty(),
        _ => false,
    }
}

/// Reads blobs through one `git cat-file --batch`.
fn contents(
    folder: &Path,
    revision: &str,
    blobs: &BTreeMap<String, Vec<String>>,
    files: &mut MemoryFiles,
) -> Result<(), RevisionError> {
    let broken = |words: String| RevisionError::Broken(revision.to_owned(), words);
    let mut child = git(folder)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|_| RevisionError::NoProgram)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
        return Err(broken("it has no input".to_owned()));
    };
    let read = std::thread::scope(|threads| {
        // Written from a thread of its own: git answers before it has read everything.
        threads.spawn(move || {
            for id in blobs.keys() {
                // When git went away, its answers say so.
                if writeln!(stdin, "{id}").is_err() {
                    break;
                }
            }
        });
        let mut answers = BufReader::new(stdout);
        blobs.iter().try_for_each(|(id, paths)| {
            let bytes = answer(&mut answers, id).map_err(|error| broken(error.to_string()))?;
            paths.iter().for_each(|path| files.put(path.clone(), bytes.clone()));
            Ok(())
        })
    });
    if read.is_err() {
        // It may still be writing what nobody reads.
        drop(child.kill());
    }
    drop(child.wait());
    read
}

/// One answer: `ID blob SIZE`, the bytes, a line break.
fn answer(answers: &mut impl BufRead, id: &str) -> std::io::Result<Vec<u8>> {
    let wrong = |words: String| std::io::Error::other(words);
    let mut head = String::new();
    answers.by_ref().take(1024).read_line(&mut head)?;
    let mut facts = head.split_ascii_whitespace();
    let (Some(own), Some("blob"), Some(size)) = (facts.next(), facts.next(), facts.next()) else {
        return Err(wrong(format!("object {id} is not there")));
    };
    let size: u64 = size.parse().map_err(|_| wrong(format!("object {id} has no size")))?;
    if own != id || size > SIZE_LIMIT {
        return Err(wrong(format!("object {id} is not what the tree says")));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    answers.read_exact(&mut bytes)?;
    let mut end = [0];
    answers.read_exact(&mut end)?;
    Ok(bytes)
}

fn output(folder: &Path, arguments: &[&str], revision: &str) -> Result<Vec<u8>, RevisionError> {
    let asked = git(folder).args(arguments).output().map_err(|_| RevisionError::NoProgram)?;
    if asked.status.success() {
        return Ok(asked.stdout);
    }
    let words = String::from_utf8_lossy(&asked.stderr);
    let words = words.lines().next().unwrap_or_default().to_owned();
    Err(RevisionError::Broken(revision.to_owned(), words))
}

/// Git, with nothing of the user's settings or of the repository's that runs programs or fetches.
fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["-c", "core.fsmonitor=false", "--no-replace-objects"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

#[cfg(test)]
mod tests;
