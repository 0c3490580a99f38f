//! What version control knows of a repository's lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

pub use codex_schema::provenance::Commit;
use serde::Serialize;

/// What is known of the repository as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct State {
    /// The commit that is checked out; `None` outside of version control.
    pub head: Option<String>,
    /// Whether files differ from it.
    pub dirty: bool,
    /// Which files do, by their path below the top.
    #[serde(skip)]
    pub changed: BTreeSet<String>,
    /// Whether the history is cut short: lines older than the cut seem to come from it.
    pub shallow: bool,
    /// Why there is no history, or less than there could be; for people.
    pub note: Option<String>,
}

/// A commit and the files it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// The commit.
    pub commit: Arc<Commit>,
    /// When, in seconds since 1970.
    pub time: u64,
    /// Files that it changed, by their path below the repository's top.
    pub paths: Vec<String>,
}

/// Where lines came from. Cohorts are compiled on several threads.
pub trait History: Sync {
    /// The state of the repository.
    fn state(&self) -> State;
    /// The commit of every line of a file, by its path below the repository's top; `None` for
    /// lines that are not committed. Empty when nothing is known.
    fn lines(&self, path: &str) -> Vec<Option<Arc<Commit>>>;
    /// The commits that changed something, newest first. Empty when nothing is known.
    fn touched(&self) -> Vec<Touched>;
}

/// No version control.
#[derive(Clone, Copy, Debug)]
pub struct NoHistory;

impl History for NoHistory {
    fn state(&self) -> State {
        State { note: Some("not under version control".to_owned()), ..State::default() }
    }

    fn lines(&self, _path: &str) -> Vec<Option<Arc<Commit>>> {
        Vec::new()
    }

    fn touched(&self) -> Vec<Touched> {
        Vec::new()
    }
}

/// A git repository, asked through the `git` program.
#[derive(Clone, Debug)]
pub struct Git {
    top: PathBuf,
    state: State,
    /// The files that git knows, by their path below the top; asked when lines are.
    known: OnceLock<BTreeSet<String>>,
}

impl Git {
    /// Opens the repository that a folder belongs to. Outside of one, or without `git`, the state
    /// says why nothing is known.
    pub fn open(top: &Path) -> Self {
        let (state, known) = (State::default(), OnceLock::new());
        let mut git = Self { top: top.to_owned(), state, known };
        git.state = git.look();
        git
    }

    fn look(&self) -> State {
        let unknown = |note: String| State { note: Some(note), ..State::default() };
        // Asking the program costs more than compiling a small policy: not where there is no
        // repository to ask about.
        let top = self.top.canonicalize().unwrap_or_else(|_| self.top.clone());
        if !top.ancestors().any(|folder| is_repository(&folder.join(".git"))) {
            return unknown("not under version control: lines have no commits".to_owned());
        }
        let asked = ["rev-parse", "--is-shallow-repository", "--show-prefix", "HEAD"];
        let facts = match self.run(&asked) {
            Ok(facts) => facts,
            Err(Failure::NoProgram) => {
                return unknown("git is not installed: lines have no commits".to_owned());
            }
            Err(Failure::Refused(words)) if words.contains("not a git repository") => {
                return unknown("not under version control: lines have no commits".to_owned());
            }
            Err(Failure::Refused(words)) => {
                let first = words.lines().next().unwrap_or_default();
                return unknown(format!("git knows no history here: {first}"));
            }
        };
        let mut lines = facts.lines();
        let shallow = lines.next() == Some("true");
        let prefix = lines.next().unwrap_or_default();
        let head = lines.next().map(str::to_owned);
        let status =
            ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all", "--", "."];
        let status = self.run(&status).unwrap_or_default();
        // Two letters and a blank come before each name, which counts from git's own top.
        let name = |entry: &str| Some(entry.get(3..)?.strip_prefix(prefix)?.to_owned());
        let changed: BTreeSet<String> = status.split('\0').filter_map(name).collect();
        let dirty = !changed.is_empty();
        let note = match (shallow, dirty) {
            (true, _) => Some(
                "the clone is shallow: older lines seem to come from its oldest commit; fetch \
                 with `git fetch --unshallow`"
                    .to_owned(),
            ),
            (false, true) => Some("there are uncommitted changes".to_owned()),
            (false, false) => None,
        };
        State { head, dirty, changed, shallow, note }
    }

    fn files(&self) -> &BTreeSet<String> {
        self.known.get_or_init(|| {
            let names = self.run(&["ls-files", "-z", "--", "."]).unwrap_or_default();
            names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        })
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.top)
            .args(arguments)
            // Nothing of the user's settings may change what is read.
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()
            .map_err(|_| Failure::NoProgram)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::Refused(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

/// Whether git may take this for a repository: a file that points to one, or a folder with a HEAD
/// (a link in old ones). Git passes over anything else.
fn is_repository(place: &Path) -> bool {
    place.is_file() || place.join("HEAD").symlink_metadata().is_ok()
}

enum Failure {
    NoProgram,
    Refused(String),
}

impl History for Git {
    fn state(&self) -> State {
        self.state.clone()
    }

    fn lines(&self, path: &str) -> Vec<Option<Arc<Commit>>> {
        // Asking for each of hundreds of files that git does not know would cost more than compiling.
        if self.state.head.is_none() || !self.files().contains(path) {
            return Vec::new();
        }
        match self.run(&["blame", "--porcelain", "--", path]) {
            Ok(text) => read_blame(&text),
            // A file that was never committed has no lines to blame.
            Err(_) => Vec::new(),
        }
    }

    fn touched(&self) -> Vec<Touched> {
        if self.state.head.is_none() {
            return Vec::new();
        }
        let format = "--format=%x01%H%n%an%n%ct%n%s";
        let log = ["log", format, "--name-only", "--no-renames", "--relative", "-z", "--", "."];
        read_log(&self.run(&log).unwrap_or_default())
    }
}

/// Reads `git log` of commits that each begin with a byte 1: four lines of facts, then names that
/// each end with a zero.
fn read_log(text: &str) -> Vec<Touched> {
    let of_one = |part: &str| {
        let mut lines = part.splitn(4, '\n');
        let (id, author, time) = (lines.next()?, lines.next()?, lines.next()?.parse().ok()?);
        let rest = lines.next()?;
        let (subject, names) = rest.split_once('\0').unwrap_or((rest, ""));
        let names = names.split('\0').map(|name| name.trim_start_matches('\n'));
        let date = codex_schema::types::policy::Date::of_unix_seconds(time).to_string();
        let commit = Arc::new(Commit {
            id: id.to_owned(),
            author: author.to_owned(),
            date,
            subject: subject.to_owned(),
        });
        let paths = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Some(Touched { commit, time, paths })
    };
    text.split('\u{1}').skip(1).filter_map(of_one).collect()
}

/// Reads `git blame --porcelain`: a heading a line, its facts at the first mention of a commit.
fn read_blame(text: &str) -> Vec<Option<Arc<Commit>>> {
    const NOT_COMMITTED: &str = "0000000000000000000000000000000000000000";
    let mut known: BTreeMap<String, Arc<Commit>> = BTreeMap::new();
    let mut lines = Vec::new();
    let mut current = Commit {
        id: String::new(),
        author: String::new(),
        date: String::new(),
        subject: String::new(),
    };
    let mut heading = true;
    for line in text.lines() {
        if line.starts_with('\t') {
            heading = true;
            if current.id == NOT_COMMITTED {
                lines.push(None);
                continue;
            }
            let commit =
                known.entry(current.id.clone()).or_insert_with(|| Arc::new(current.clone()));
            lines.push(Some(Arc::clone(commit)));
            continue;
        }
        if heading {
            heading = false;
            line.split(' ').next().unwrap_or_default().clone_into(&mut current.id);
            continue;
        }
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        match name {
            "author" => value.clone_into(&mut current.author),
            "author-time" => {
                let seconds = value.parse().unwrap_or(0);
                current.date =
                    codex_schema::types::policy::Date::of_unix_seconds(seconds).to_string();
            }
            "summary" => value.clone_into(&mut current.subject),
            _ => {}
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blame_gives_every_line_its_commit() {
        let one = "a".repeat(40);
        let none = "0".repeat(40);
        let text = format!(
            "{one} 1 1 1\nauthor Kim\nauthor-mail <k@x>\nauthor-time 1795564800\nsummary Tighten\n\
             filename f\n\tfirst\n{none} 2 2 1\nauthor Not Committed Yet\nauthor-time 0\n\
             summary x\n\tsecond\n{one} 2 3\n\tthird\n"
        );
        let lines = read_blame(&text);
        let words: Vec<String> = lines
            .iter()
            .map(|line| {
                line.as_ref().map_or("-".to_owned(), |c| format!("{} {}", c.author, c.date))
            })
            .collect();
        assert_eq!(words, ["Kim 2026-11-25", "-", "Kim 2026-11-25"]);
    }

    fn git(folder: &Path, words: &[&str]) {
        let identity = ["-c", "user.name=Kim", "-c", "user.email=kim@bank.example"];
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(identity)
            .args(words)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_DATE", "2026-11-20T12:00:00Z")
            .output()
            .unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    #[test]
    fn lines_of_a_real_repository_have_their_commits() {
        let place = tempfile::tempdir().unwrap();
        let outside = Git::open(place.path());
        assert!(outside.state().note.unwrap().starts_with("not under version control"));

        // A folder that is only called so is no repository, to git or to us.
        std::fs::create_dir(place.path().join(".git")).unwrap();
        assert!(!is_repository(&place.path().join(".git")));
        assert!(Git::open(place.path()).run(&["rev-parse", "HEAD"]).is_err());

        // The policy lies in a folder of a larger repository.
        let (top, policy) = (place.path().join("all"), place.path().join("all/policy"));
        std::fs::create_dir_all(&policy).unwrap();
        git(&top, &["init", "-q"]);
        assert!(is_repository(&top.join(".git")));
        assert!(Git::open(&policy).state().note.unwrap().starts_with("git knows no history"));
        std::fs::write(policy.join("a.toml"), "one = 1\ntwo = 2\n").unwrap();
        git(&top, &["add", "-A"]);
        git(&top, &["commit", "-q", "-m", "Begin", "-m", "because"]);
        let clean = Git::open(&policy);
        assert_eq!((clean.state().dirty, clean.state().note), (false, None));

        std::fs::write(policy.join("a.toml"), "one = 1\ntwo = 3\n").unwrap();
        std::fs::write(policy.join("b.toml"), "").unwrap();
        std::fs::write(top.join("elsewhere"), "").unwrap();
        let dirty = Git::open(&policy);
        let changed: Vec<String> = dirty.state().changed.into_iter().collect();
        assert_eq!(changed, ["a.toml", "b.toml"]);
        let lines = dirty.lines("a.toml");
        let first = lines[0].clone().unwrap();
        let told = (&*first.author, &*first.date, &*first.subject);
        assert_eq!(told, ("Kim", "2026-11-20", "Begin"));
        assert_eq!(lines[1], None);
        assert!(dirty.lines("b.toml").is_empty());

        git(&top, &["commit", "-q", "-a", "-m", "Go on"]);
        let source = format!("file://{}", top.display());
        git(place.path(), &["clone", "-q", "--depth", "1", &source, "short"]);
        let short = Git::open(&place.path().join("short/policy")).state();
        assert!(short.shallow && short.note.unwrap().contains("--unshallow"));
    }
}
