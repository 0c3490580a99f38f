//! Where the values of an installed policy came from: the map that the compiler wrote for a cohort
//! and the agent put beside the policy, read on the machine, without a network.
//!
//! A map speaks for a file only while that is, byte for byte, the file it was written with.

use std::collections::BTreeSet;

pub use codex_schema::provenance::Origin;
use codex_schema::provenance::{Document, Provenance};

use crate::compile::{CONFIG_FILE, REQUIREMENTS_FILE};
use crate::digest::sha256_hex;
use crate::files::Content;

/// The map of one machine.
#[derive(Clone, Debug)]
pub struct Origins {
    map: Provenance,
    /// The files that it speaks for.
    confirmed: BTreeSet<&'static str>,
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
        let map = Provenance::read(bytes)?;
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

    /// Where a value of a file came from, or the elements of a list in their order, each line once.
    /// Empty where the map does not know, or where the file is not the one that it was written with.
    pub fn of(&self, file: &str, path: &[&str]) -> Vec<Origin> {
        let document = match file {
            REQUIREMENTS_FILE => Document::Requirements,
            CONFIG_FILE => Document::Config,
            _ => return Vec::new(),
        };
        if !self.speaks_for(file) {
            return Vec::new();
        }
        let mut found: Vec<Origin> = Vec::new();
        for origin in self.map.of(document, path) {
            // Several elements on one line are one place to a reader.
            if !found.iter().any(|one| one.file == origin.file && one.line == origin.line) {
                found.push(origin);
            }
        }
        found
    }

    /// Whether the map was written with the very file that is there.
    pub fn speaks_for(&self, file: &str) -> bool {
        self.confirmed.contains(file)
    }
}
