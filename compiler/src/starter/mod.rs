//! The beginning of a policy repository, as texts.
//!
//! Reading order: this file (which files there are), `files/` (their texts), `place` (how they get
//! to a disk: all or none).

pub mod place;

use std::collections::BTreeMap;

use codex_schema::json_schema;
use codex_schema::version::Version;

use crate::machine::Os;

/// What a new repository is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The organisation's name.
    pub organisation: String,
    /// Versions of Codex in use, one at least.
    pub versions: Vec<Version>,
    /// Operating systems of the machines, one at least.
    pub systems: Vec<Os>,
}

impl Subject {
    /// An organisation of which nothing else is known: the newest Codex, on any system.
    pub fn named(organisation: String) -> Self {
        let systems = vec![Os::Linux, Os::Macos, Os::Windows];
        Self { organisation, versions: vec![Version::NEWEST], systems }
    }
}

/// Texts by their path below the top of the repository.
pub type Texts = BTreeMap<String, String>;

/// A repository with a safe posture to start from.
pub fn repository(subject: &Subject) -> Texts {
    let mut texts = frame(subject);
    for (path, text) in [
        ("baseline/requirements.toml", include_str!("files/baseline/requirements.toml")),
        ("baseline/config.toml", include_str!("files/baseline/config.toml")),
        ("policy.test.toml", include_str!("files/policy.test.toml")),
    ] {
        texts.insert(path.to_owned(), text.to_owned());
    }
    texts
}

/// A repository without policy: the manifest, words for people, and schemas for their editors.
pub fn frame(subject: &Subject) -> Texts {
    let Subject { organisation, versions, systems } = subject;
    let title: String = organisation.chars().filter(|letter| !letter.is_control()).collect();
    let list = |words: Vec<String>| words.join(", ");
    let versions = versions.iter().map(|version| quoted(&version.to_string())).collect();
    let systems = systems.iter().map(|system| quoted(system_name(*system))).collect();
    let manifest = include_str!("files/policy.toml")
        .replace("@VERSIONS@", &list(versions))
        .replace("@SYSTEMS@", &list(systems))
        .replace("@ORGANISATION@", &quoted(organisation));
    let readme = include_str!("files/README.md").replace("@TITLE@", title.trim());
    let exceptions = include_str!("files/exceptions/README.md").to_owned();
    let mut texts = Texts::from([
        (crate::repository::MANIFEST_FILE.to_owned(), manifest),
        ("README.md".to_owned(), readme),
        ("exceptions/README.md".to_owned(), exceptions),
    ]);
    for (name, schema) in [
        ("policy", json_schema::policy()),
        ("exception", json_schema::exception()),
        ("requirements", json_schema::requirements()),
        ("config", json_schema::config()),
        ("test", json_schema::test()),
    ] {
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        texts.insert(format!(".schemas/{name}.json"), text + "\n");
    }
    texts
}

fn system_name(system: Os) -> &'static str {
    match system {
        Os::Linux => "linux",
        Os::Macos => "macos",
        Os::Windows => "windows",
    }
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests;
