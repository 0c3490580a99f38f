//! What every artifact says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use crate::compile::COMPILER_VERSION;
use crate::compile::history::{Commit, Touched};
use crate::digest::uuid_of_name;
use crate::repository::{Cohort, Manifest};

/// Where an artifact comes from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Stamp {
    /// The organisation.
    #[serde(skip)]
    pub organisation: String,
    /// Where people ask.
    #[serde(skip)]
    pub contact: Option<String>,
    /// The cohort.
    pub cohort: String,
    /// The policy's reverse-domain identifier; the same for every revision.
    pub policy: String,
    /// How many commits have changed the policy; 0 outside of version control.
    pub revision: u64,
    /// The commit that last changed it; `None` outside of version control, and while what it is
    /// made of is not committed.
    pub commit: Option<String>,
    /// When that was, in seconds since 1970; 0 where it is not known.
    #[serde(skip)]
    pub changed_at: u64,
    /// The digest of what it says.
    pub digest: String,
    /// The version of the compiler.
    pub compiler: &'static str,
    /// Versions of Codex that it was checked against.
    pub codex_versions: Vec<String>,
}

impl Stamp {
    /// The stamp of a cohort's policy. `paths` are the files it is made of.
    pub fn of(
        manifest: &Manifest,
        cohort: &Cohort,
        digest: &str,
        changes: &Changes,
        paths: &BTreeSet<String>,
    ) -> Self {
        let last = changes.last(paths);
        let name = manifest.identifier.clone();
        let identifier =
            name.unwrap_or_else(|| format!("{}.invalid", slug(&manifest.organisation)));
        Self {
            organisation: manifest.organisation.clone(),
            contact: manifest.contact.clone(),
            cohort: cohort.name.clone(),
            policy: format!("{identifier}.codex.{}", cohort.name),
            revision: changes.count(paths),
            commit: last.filter(|_| changes.committed(paths)).map(|commit| commit.id.clone()),
            changed_at: last.map_or(0, |commit| commit.time),
            digest: digest.to_owned(),
            compiler: COMPILER_VERSION,
            codex_versions: cohort.versions.iter().map(Version::to_string).collect(),
        }
    }

    /// The facts as lines `name: value`, for comments.
    pub fn lines(&self) -> Vec<String> {
        let commit = self.commit.as_deref().unwrap_or("not committed");
        vec![
            format!("Policy: {}", self.policy),
            format!("Revision: {}", self.revision),
            format!("Commit: {commit}"),
            format!("Digest: {}", self.digest),
            format!("Compiler: codex-config {}", self.compiler),
            format!("Codex: {}", self.codex_versions.join(", ")),
        ]
    }

    /// The facts in one line, for descriptions.
    pub fn sentence(&self) -> String {
        self.lines().join("; ")
    }

    /// The version of packages: it grows with every revision.
    pub fn package_version(&self) -> String {
        format!("1.{}", self.revision)
    }

    /// The day of the last change.
    pub fn day(&self) -> Date {
        Date::of_unix_seconds(self.changed_at)
    }

    /// The time of the last change as mail and Debian changelogs write it.
    pub fn rfc2822(&self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.changed_at;
        let date = self.day();
        let at = |number: u64| usize::try_from(number).unwrap_or(0);
        let weekday = DAYS.get(at(seconds / 86_400 % 7)).copied().unwrap_or_default();
        let month = usize::from(date.month).checked_sub(1).and_then(|month| MONTHS.get(month));
        format!(
            "{weekday}, {:02} {} {} {:02}:{:02}:{:02} +0000",
            date.day,
            month.copied().unwrap_or_default(),
            date.year,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60,
        )
    }

    /// The identifier that stands for a name for ever, in upper case as Apple writes them.
    pub fn uuid(&self, identifier: &str) -> String {
        uuid_of_name(identifier).to_uppercase()
    }

    /// A policy file with the facts among the comments at its top.
    pub fn onto(&self, text: &str) -> String {
        let (head, rest) = text.split_once("\n\n").unwrap_or(("", text));
        let facts: Vec<String> = self
            .lines()
            .iter()
            .map(|line| format!("# {}", crate::compile::toml_text::in_comment(line)))
            .collect();
        let head = if head.is_empty() { String::new() } else { format!("{head}\n") };
        format!("{head}{}\n\n{rest}", facts.join("\n"))
    }
}

/// A name in the letters that identifiers have.
fn slug(name: &str) -> String {
    let letters = name.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
    });
    let text: String = letters.collect();
    let text = text.trim_matches('-');
    if text.is_empty() { "organisation".to_owned() } else { text.to_owned() }
}

/// Which commits changed which files.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    commits: Vec<(Arc<Commit>, u64)>,
    /// By path, the places in the list of commits, newest first.
    by_path: BTreeMap<String, Vec<usize>>,
    /// Files that are not as the last commit has them.
    uncommitted: BTreeSet<String>,
    known: bool,
}

/// The last change.
#[derive(Clone, Copy, Debug)]
struct Last<'changes> {
    id: &'changes String,
    time: u64,
}

impl Changes {
    /// Files the commits of a history, newest first.
    pub fn of(touched: Vec<Touched>, uncommitted: BTreeSet<String>) -> Self {
        let mut changes = Self { uncommitted, known: !touched.is_empty(), ..Self::default() };
        for (at, Touched { commit, time, paths }) in touched.into_iter().enumerate() {
            changes.commits.push((commit, time));
            for path in paths {
                changes.by_path.entry(path).or_default().push(at);
            }
        }
        changes
    }

    fn places(&self, paths: &BTreeSet<String>) -> BTreeSet<usize> {
        paths.iter().filter_map(|path| self.by_path.get(path)).flatten().copied().collect()
    }

    fn count(&self, paths: &BTreeSet<String>) -> u64 {
        u64::try_from(self.places(paths).len()).unwrap_or(u64::MAX)
    }

    fn last(&self, paths: &BTreeSet<String>) -> Option<Last<'_>> {
        let newest = *self.places(paths).first()?;
        let (commit, time) = self.commits.get(newest)?;
        Some(Last { id: &commit.id, time: *time })
    }

    fn committed(&self, paths: &BTreeSet<String>) -> bool {
        self.known && self.uncommitted.is_disjoint(paths)
    }
}
