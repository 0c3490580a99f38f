//! Documents as layers: what each one says, before anything is merged.

use codex_schema::reader::SyntaxProblem;
use codex_schema::source::{Channel, ConfigTier};
use codex_schema::span::SourceId;
use codex_schema::value::Table;

/// A document that speaks in a merge.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Which document.
    pub source: SourceId,
    /// The folder its relative paths start at.
    pub base: String,
    /// What it says; the readable part when it has problems.
    pub root: Table,
    /// Why it is not TOML, empty when it is.
    pub syntax: Vec<SyntaxProblem>,
}

/// A layer of requirements.
#[derive(Clone, Debug)]
pub struct RequirementLayer {
    /// The channel it came through.
    pub channel: Channel,
    /// The document.
    pub layer: Layer,
}

/// A layer of configuration.
#[derive(Clone, Debug)]
pub struct ConfigLayer {
    /// Its rank.
    pub tier: ConfigTier,
    /// The document.
    pub layer: Layer,
    /// The selected profile for a profile layer; the `.codex` folder for a project layer.
    pub detail: Option<String>,
    /// Why Codex does not load it; `None` when it does.
    pub not_loaded: Option<NotLoaded>,
}

/// Why a layer that is there does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotLoaded {
    /// The folder is not trusted.
    Untrusted,
}

/// A document that is there and could not be turned into a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What it is, by the name the machine knows it under.
    pub name: String,
    /// What it would have been.
    pub role: Role,
    /// Why it cannot be used, lower case, no full stop.
    pub reason: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The text Codex itself would stop with, when it would.
    pub codex_says: Option<String>,
}

/// What a document is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A layer of requirements.
    Requirements(Channel),
    /// A layer of configuration.
    Config(ConfigTier),
    /// A bundle of both.
    Bundle,
    /// Managed preferences of macOS.
    ManagedPreferences,
    /// Command rules.
    Rules,
}
