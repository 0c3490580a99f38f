//! Where the values of an installed policy came from: the map that the compiler wrote for a cohort
//! and the agent put beside the policy, read on the machine, without a network.
//!
//! A map speaks for a file only while that is, byte for byte, the file it was written with.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::compile::history::Commit;
use crate::compile::provenance::{FORM, push_name};
use crate::compile::{CONFIG_FILE, REQUIREMENTS_FILE};
use crate::digest::sha256_hex;
use crate::files::Content;

/// Longest map that is read, in bytes.
const MOST_BYTES: usize = 16_000_000;

/// A place in the policy repository, and the commit that last changed the line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Origin {
    /// The file, below the top of the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The commit; none where the policy was compiled outside of version control.
    pub commit: Option<Commit>,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, line, column, commit } = self;
        write!(formatter, "{file}:{line}:{column}")?;
        let Some(Commit { id, author, date, subject }) = commit else { return Ok(()) };
        let short = id.get(..10).unwrap_or(id);
        write!(formatter, "  {short}  {author}, {date}: {subject}")
    }
}

/// The map of one machine.
#[derive(Clone, Debug)]
pub struct Origins {
    map: Map,
    /// The files that it speaks for.
    confirmed: BTreeSet<&'static str>,
}

/// As the compiler writes it; what is for other readers is not looked at.
#[derive(Clone, Debug, Deserialize)]
struct Map {
    form: String,
    cohort: String,
    sources: Vec<String>,
    commits: Vec<Commit>,
    files: BTreeMap<String, String>,
    requirements: BTreeMap<String, Entry>,
    config: BTreeMap<String, Entry>,
}

/// Source, line, column, commit.
type Numbers = (usize, u32, u32, i64);

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    at: Numbers,
    #[serde(default)]
    elements: Vec<Numbers>,
}

impl Origins {
    /// Reads what lies beside the policy; `None` where there is nothing. `texts` are the files of the
    /// system's folder: it speaks for those that it was written with.
    ///
    /// # Errors
    /// What is wrong with one that is there, in a sentence.
    pub fn read(content: &Content, texts: &[(&'static str, &str)]) -> Result<Option<Self>, String> {
        let bytes = match content {
            Content::Absent => return Ok(None),
            Content::Unreadable(reason) => return Err(reason.to_string()),
            Content::Bytes(bytes) => bytes,
        };
        if bytes.len() > MOST_BYTES {
            return Err(format!("it has more than {MOST_BYTES} bytes"));
        }
        let map: Map = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if map.form != FORM {
            return Err(format!(
                "it is of the form `{}`, and this program reads `{FORM}`",
                map.form
            ));
        }
        let is_same = |(file, text): &&(&'static str, &str)| {
            let known = map.files.get(*file).and_then(|digest| digest.strip_prefix("sha256:"));
            known == Some(&sha256_hex(text.as_bytes()))
        };
        let confirmed = texts.iter().filter(is_same).map(|(file, _)| *file).collect();
        Ok(Some(Self { map, confirmed }))
    }

    /// The cohort that the machine is in.
    pub fn cohort(&self) -> &str {
        &self.map.cohort
    }

    /// Where a value of a file came from, or the elements of a list in their order, each line once. Empty where the map does not know, or where the file is not the one that it was
    /// written with.
    pub fn of(&self, file: &str, path: &[&str]) -> Vec<Origin> {
        if !self.speaks_for(file) {
            return Vec::new();
        }
        let entries = match file {
            REQUIREMENTS_FILE => &self.map.requirements,
            CONFIG_FILE => &self.map.config,
            _ => return Vec::new(),
        };
        let mut name = String::new();
        path.iter().for_each(|part| push_name(&mut name, part));
        let below = format!("{name}.");
        let within = entries.range(below.clone()..);
        let within = within.take_while(|(key, _)| key.starts_with(&below)).map(|(_, entry)| entry);
        let mut found: Vec<Origin> = Vec::new();
        for entry in entries.get(&name).into_iter().chain(within) {
            let places = if entry.elements.is_empty() {
                std::slice::from_ref(&entry.at)
            } else {
                &entry.elements
            };
            for origin in places.iter().filter_map(|numbers| self.origin(*numbers)) {
                // Several elements on one line are one place to a reader.
                if !found.iter().any(|one| one.file == origin.file && one.line == origin.line) {
                    found.push(origin);
                }
            }
        }
        found
    }

    /// Whether the map was written with the very file that is there.
    pub fn speaks_for(&self, file: &str) -> bool {
        self.confirmed.contains(file)
    }

    fn origin(&self, (source, line, column, commit): Numbers) -> Option<Origin> {
        let file = self.map.sources.get(source)?.clone();
        let commit = usize::try_from(commit).ok().and_then(|at| self.map.commits.get(at)).cloned();
        Some(Origin { file, line, column, commit })
    }
}
