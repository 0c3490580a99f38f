//! Compiles a checked policy repository: for every cohort one effective policy as the files Codex
//! reads, and the map from every value back to the line and the commit it came from.
//!
//! Reading order: this file (what comes out), `toml_text` (values as TOML), `provenance` (where
//! values came from), `history` (what version control knows), `output` (the folder that is
//! written).
//!
//! **Invariants.** Only a [`CheckedTree`] is compiled. The same repository gives the same bytes on
//! every machine: no clock, no host, no order of a file system is in them. What a policy says and
//! its digest do not depend on how it was written down.

pub mod history;
pub mod output;
mod provenance;
pub mod toml_text;

use std::collections::BTreeMap;

use codex_schema::lookup::{CONFIG, REQUIREMENTS};
use codex_schema::value::Value;
use codex_schema::version::Version;
use serde_json::json;

use crate::authoring::{EffectivePolicy, RulesVoice};
use crate::check::CheckedTree;
use crate::digest::sha256_hex;
use crate::repository::{Cohort, LayerName};
use history::History;

/// The program's version, written into what it makes.
pub const COMPILER_VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a repository compiles to.
#[derive(Debug)]
pub struct Compilation {
    /// The cohorts, by name.
    pub cohorts: BTreeMap<String, CompiledCohort>,
    /// What version control says of the repository.
    pub state: history::State,
}

/// The files of one cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledCohort {
    /// A digest of what the policy says: equal for equal policies, however they are written.
    pub digest: String,
    /// The files by their path below the cohort's folder.
    pub files: BTreeMap<String, String>,
    /// Versions of Codex that the policy was checked against.
    pub versions: Vec<Version>,
}

/// The file with requirements.
pub const REQUIREMENTS_FILE: &str = "requirements.toml";
/// The file with managed defaults.
pub const CONFIG_FILE: &str = "config.toml";
/// The file that says where values came from.
pub const PROVENANCE_FILE: &str = "provenance.json";

/// Compiles the cohorts that `wanted` names.
pub fn compile(
    tree: &CheckedTree,
    history: &dyn History,
    wanted: &dyn Fn(&str) -> bool,
) -> Compilation {
    let mut origins = provenance::Origins::new(tree, history);
    let cohorts = tree
        .repository
        .manifest
        .cohorts
        .values()
        .filter(|cohort| wanted(&cohort.name))
        .filter_map(|cohort| {
            let policy = tree.policies.get(&cohort.name)?;
            Some((cohort.name.clone(), cohort_files(tree, cohort, policy, &mut origins)))
        })
        .collect();
    Compilation { cohorts, state: history.state() }
}

fn cohort_files(
    tree: &CheckedTree,
    cohort: &Cohort,
    policy: &EffectivePolicy,
    origins: &mut provenance::Origins<'_>,
) -> CompiledCohort {
    let head = heading(tree, cohort);
    let mut files = BTreeMap::new();
    if !policy.requirements.is_empty() {
        let text = toml_text::document(&policy.requirements, &REQUIREMENTS);
        files.insert(REQUIREMENTS_FILE.to_owned(), format!("{head}{text}"));
    }
    if !policy.config.is_empty() {
        let text = toml_text::document(&policy.config, &CONFIG);
        files.insert(CONFIG_FILE.to_owned(), format!("{head}{text}"));
    }
    for voice in &policy.rules {
        let text = tree.report.documents.get(voice.source).map(|document| &*document.text);
        files.insert(format!("rules/{}", rules_name(voice)), text.unwrap_or_default().to_owned());
    }
    let digest = digest(policy, &files);
    files.insert(PROVENANCE_FILE.to_owned(), origins.of(cohort, policy, &digest));
    CompiledCohort { digest, files, versions: cohort.versions.clone() }
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
fn heading(tree: &CheckedTree, cohort: &Cohort) -> String {
    let organisation = one_line(&tree.repository.manifest.organisation);
    let contact = tree.repository.manifest.contact.as_deref().map(one_line);
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

/// Text that cannot end the comment it stands in.
fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A digest over values alone: the requirements, the defaults and the rules, as canonical JSON.
fn digest(policy: &EffectivePolicy, files: &BTreeMap<String, String>) -> String {
    let rules: BTreeMap<&String, &String> =
        files.iter().filter(|(path, _)| path.starts_with("rules/")).collect();
    let values = json!({
        "requirements": Value::Table(policy.requirements.clone()),
        "config": Value::Table(policy.config.clone()),
        "rules": rules,
    });
    format!("sha256:{}", sha256_hex(values.to_string().as_bytes()))
}

#[cfg(test)]
mod tests;
