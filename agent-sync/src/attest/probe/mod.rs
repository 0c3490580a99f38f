//! What Codex enforces and does not show is asked by trying it: commands that rules name, servers
//! that no list names, files that nobody may read.
//!
//! Reading order: this file (what is asked, and what came of it), `rules`, `servers`, `reads`, and
//! `elsewhere` (a process that may do what trying takes, where this one may not).
//!
//! **Invariants.** A question does no harm where the policy is not enforced: no command that it
//! tries leads to a program, no file of anybody's is opened. What cannot be asked is named with its
//! reason, and counts as nothing.

pub mod elsewhere;
pub mod reads;
pub mod rules;
pub mod servers;

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde::{Deserialize, Serialize};

use super::ask::Asker;
use super::find::Program;

/// The files of a policy that have a say in what is asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Installed<'policy> {
    /// The requirements.
    pub requirements: &'policy str,
    /// Configuration beside them, file by file.
    pub configuration: &'policy [&'policy str],
}

/// A key of the policy that Codex does not show and that can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    /// Prefix rules.
    #[serde(rename = "rules")]
    Rules,
    /// The list of MCP servers.
    #[serde(rename = "mcp_servers")]
    Servers,
    /// Files that nobody may read.
    #[serde(rename = "permissions.filesystem.deny_read")]
    Reads,
}

impl Key {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Rules, Self::Servers, Self::Reads];

    /// As policies write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Servers => "mcp_servers",
            Self::Reads => "permissions.filesystem.deny_read",
        }
    }

    /// Whether a policy has it.
    fn is_in(self, policy: &Table) -> bool {
        policy.at(&self.as_str().split('.').collect::<Vec<_>>()).is_some()
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What came of one kind of question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// The key of the policy that was asked about.
    pub key: Key,
    /// How many questions Codex answered as the policy says.
    pub proved: usize,
    /// What it does otherwise.
    pub differences: Vec<String>,
    /// What could not be asked, with the reason.
    pub not_asked: Vec<String>,
}

impl Probed {
    /// Nothing has been asked yet.
    fn new(key: Key) -> Self {
        Self { key, proved: 0, differences: Vec::new(), not_asked: Vec::new() }
    }

    /// Nothing was asked.
    fn nothing(key: Key, reason: &str) -> Self {
        Self { not_asked: vec![reason.to_owned()], ..Self::new(key) }
    }

    /// Whether all that the key says was proved.
    pub fn is_whole(&self) -> bool {
        self.proved > 0 && self.differences.is_empty() && self.not_asked.is_empty()
    }
}

/// Tries everything that a policy has and Codex does not show, here or where the asker has it tried.
/// The kinds are asked beside each other: most of each is waiting for Codex to start.
pub fn probe(
    program: &Program,
    version: Version,
    installed: Installed<'_>,
    asker: &Asker,
) -> Vec<Probed> {
    let policy = read_toml(installed.requirements, SourceId(0));
    if !policy.problems.is_empty() {
        // Told where what Codex shows is compared.
        return Vec::new();
    }
    let policy = &policy.root;
    if let Some(socket) = asker.elsewhere(program) {
        return elsewhere::tried(socket, program, version, installed, policy);
    }
    std::thread::scope(|scope| {
        let kinds = [
            scope.spawn(|| rules::probe(program, policy, installed, asker)),
            scope.spawn(|| servers::probe(program, policy, asker)),
            scope.spawn(|| reads::probe(program, version, policy, asker)),
        ];
        // A question that panics answers nothing, and its key stays among those of which nothing
        // is known.
        kinds.into_iter().filter_map(|kind| kind.join().ok().flatten()).collect()
    })
}

/// Text that somebody else wrote, for a sentence.
fn quoted(text: &str) -> String {
    let text: String = text.chars().filter(|letter| !letter.is_control()).take(160).collect();
    format!("`{}`", text.trim())
}

/// A sentence that somebody else wrote.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(400).collect()
}
