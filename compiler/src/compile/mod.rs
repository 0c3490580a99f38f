//! Compiles a checked policy repository: for every cohort one effective policy as the files Codex
//! reads, and the map from every value back to the line and the commit it came from.
//!
//! Reading order: this file (what comes out), `toml_text` (values as TOML), `provenance` (where
//! values came from), `history` (what version control knows), `output` (the folder that is
//! written).
//!
//! What can never make a difference is left out (`crate::simplify`): every start of Codex pays for
//! it. The provenance says what was left out and why.
//!
//! **Invariants.** Only a repository without errors is written ([`crate::check::CheckedTree`]).
//! The same repository gives the same bytes on every machine: no clock, no host, no order of a file
//! system is in them. What a policy says and its digest do not depend on how it was written down.

pub mod history;
mod naming;
pub mod output;
pub(crate) mod provenance;
pub mod toml_text;

use std::borrow::Cow;
use std::collections::BTreeMap;

use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::types::policy::Date;
use codex_schema::value::Table;
use codex_schema::version::Version;

use crate::authoring::{EffectivePolicy, RulesVoice, exceptions_of};
use crate::digest::{Sha256, sha256_hex};
use crate::repository::{Cohort, Digests, LayerName, Repository};
use crate::simplify::{Reasons, simplify};
use history::{History, State};

/// The program's version, written into what it makes.
pub const COMPILER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a policy's digest is of: its values in their canonical TOML form, file by file.
const DIGEST_FORM: &[u8] = b"codex-config policy 1";

/// The files of one cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledCohort {
    /// A digest of what the policy says: equal for equal policies, however they are written.
    pub digest: String,
    /// The files by their path below the cohort's folder.
    pub files: BTreeMap<String, String>,
    /// The SHA-256 of every file, in hexadecimal: hashing is a good part of compiling.
    pub hashes: BTreeMap<String, String>,
    /// Versions of Codex that the policy was checked against.
    pub versions: Vec<Version>,
}

/// The file with requirements.
pub const REQUIREMENTS_FILE: &str = "requirements.toml";
/// The file with managed defaults.
pub const CONFIG_FILE: &str = "config.toml";
/// The file that says where values came from.
pub const PROVENANCE_FILE: &str = "provenance.json";

/// Compiles the cohorts of one repository, in any order and on any number of threads.
#[expect(missing_debug_implementations, reason = "a door to version control prints nothing useful")]
pub struct Compiler<'history> {
    origins: provenance::Origins<'history>,
}

impl<'history> Compiler<'history> {
    /// A compiler that asks `history` where lines came from.
    pub fn new(history: &'history dyn History) -> Self {
        Self { origins: provenance::Origins::new(history) }
    }

    /// Compiles the policy of one cohort.
    pub fn cohort(
        &self,
        repository: &Repository,
        cohort: &Cohort,
        policy: &EffectivePolicy,
    ) -> CompiledCohort {
        let simplified = simplify(policy.requirements.clone(), Reasons::Keep);
        let (digest, mut files) = texts(repository, cohort, policy, &simplified.requirements);
        let hash = |(name, text): (&String, &String)| (name.clone(), sha256_hex(text.as_bytes()));
        let mut hashes: BTreeMap<String, String> = files.iter().map(hash).collect();
        let length = files.values().map(String::len).sum();
        let subject = provenance::Subject { policy, simplified: &simplified, digest: &digest };
        let provenance = self.origins.of(repository, cohort, &subject, &hashes, length);
        hashes.insert(PROVENANCE_FILE.to_owned(), sha256_hex(provenance.as_bytes()));
        files.insert(PROVENANCE_FILE.to_owned(), provenance);
        CompiledCohort { digest, files, hashes, versions: cohort.versions.clone() }
    }
}

/// A digest of what a policy says: equal for equal policies, however they are written.
pub fn digest(repository: &Repository, cohort: &Cohort, policy: &EffectivePolicy) -> String {
    let simplified = simplify(policy.requirements.clone(), Reasons::Keep);
    texts(repository, cohort, policy, &simplified.requirements).0
}

/// The files of a policy and the digest of what they say.
fn texts(
    repository: &Repository,
    cohort: &Cohort,
    policy: &EffectivePolicy,
    requirements: &Table,
) -> (String, BTreeMap<String, String>) {
    let head = heading(repository, cohort);
    let mut files = BTreeMap::new();
    let mut hash = Sha256::default();
    hash.add(DIGEST_FORM);
    for (name, table, tree) in
        [(REQUIREMENTS_FILE, requirements, &REQUIREMENTS), (CONFIG_FILE, &policy.config, &CONFIG)]
    {
        if table.is_empty() {
            continue;
        }
        let text = toml_text::document(&head, table, tree);
        hash.add(name.as_bytes());
        hash.add(text.as_bytes().get(head.len()..).unwrap_or_default());
        files.insert(name.to_owned(), text);
    }
    for voice in &policy.rules {
        let text = repository.documents.get(voice.source).map(|document| &*document.text);
        let name = format!("rules/{}", rules_name(voice));
        hash.add(name.as_bytes());
        hash.add(text.unwrap_or_default().as_bytes());
        files.insert(name, text.unwrap_or_default().to_owned());
    }
    let digest = format!("sha256:{}", hash.finish());
    if let Cow::Owned(named) = naming::named(requirements, &naming::name(&cohort.name, &digest)) {
        let text = toml_text::document(&head, &named, &REQUIREMENTS);
        files.insert(REQUIREMENTS_FILE.to_owned(), text);
    }
    (digest, files)
}

/// A digest of everything that a cohort's files are made from: while it stays the same, so do
/// they.
pub fn inputs(
    repository: &Repository,
    cohort: &Cohort,
    today: Date,
    digests: &Digests,
    state: &State,
) -> String {
    let below = |folder: &str| -> Vec<String> {
        let known = digests.range(folder.to_owned()..).map(|(path, _)| path);
        known.take_while(|path| path.starts_with(folder)).cloned().collect()
    };
    let names = input_paths(repository, cohort, today, below);
    let mut hash = Sha256::default();
    hash.add(COMPILER_VERSION.as_bytes());
    for name in names {
        hash.add(name.as_bytes());
        hash.add(digests.get(&name).map_or(b"", |digest| digest.as_bytes()));
        // Lines get their commit when they are committed: that changes what is known of them.
        let committed = state.head.is_some() && !state.changed.contains(&name);
        hash.add(if committed { b"committed" } else { b"not committed" });
    }
    hash.finish()
}

/// The paths of all files that a cohort's policy is made from; `below` lists those of a folder.
pub fn input_paths(
    repository: &Repository,
    cohort: &Cohort,
    today: Date,
    below: impl Fn(&str) -> Vec<String>,
) -> Vec<String> {
    let chain = repository.manifest.chain(cohort);
    let folders = chain.iter().flat_map(|layer| below(&format!("{layer}/")));
    let exceptions =
        exceptions_of(repository, cohort, today).map(|it| format!("exceptions/{}.toml", it.name));
    let manifest = crate::repository::MANIFEST_FILE.to_owned();
    std::iter::once(manifest).chain(folders).chain(exceptions).collect()
}

/// Files of several folders live in one: their names say where they are from.
fn rules_name(voice: &RulesVoice) -> String {
    let folder = match &voice.layer {
        LayerName::Baseline => "baseline".to_owned(),
        LayerName::Environment(name) => format!("environment-{name}"),
        LayerName::Team(name) => format!("team-{name}"),
    };
    format!("{folder}-{}", voice.name)
}

/// The comment at the top of every file.
fn heading(repository: &Repository, cohort: &Cohort) -> String {
    let organisation = toml_text::in_comment(&repository.manifest.organisation);
    let contact = repository.manifest.contact.as_deref().map(toml_text::in_comment);
    let versions: Vec<String> = cohort.versions.iter().map(ToString::to_string).collect();
    let questions = contact.map(|contact| format!("# Questions: {contact}\n")).unwrap_or_default();
    format!(
        "# Policy of {organisation} for cohort {}, compiled by codex-config {COMPILER_VERSION}.\n\
         # Do not edit: change the policy repository instead.\n\
         # Checked for Codex {}.\n{questions}\n",
        cohort.name,
        versions.join(", ")
    )
}

#[cfg(test)]
mod tests;
