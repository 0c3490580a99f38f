//! Which document a value came from, and through which channel.

use std::sync::Arc;

use serde::Serialize;

use crate::span::{Position, SourceId, Span};

/// A channel that carries requirements, in the order in which Codex folds them, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The system's `requirements.toml`.
    System,
    /// A fragment of the bundle from the cloud or from a configuration server.
    Cloud,
    /// `managed_config.toml`, read as requirements.
    LegacyFile,
    /// `config_toml_base64` in macOS managed preferences, read as requirements.
    LegacyMdm,
    /// `requirements_toml_base64` in macOS managed preferences.
    Mdm,
}

/// A layer of configuration, lowest first for 0.169.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigTier {
    /// The system's `config.toml`.
    System,
    /// A fragment of the bundle.
    Cloud,
    /// The user's `config.toml`.
    User,
    /// The profile file that `-p` selects.
    Profile,
    /// `.codex/config.toml` of a project.
    Project,
    /// `-c`, `--enable`, `-m` and the like.
    CommandLine,
    /// `managed_config.toml`.
    LegacyFile,
    /// `config_toml_base64` in macOS managed preferences.
    LegacyMdm,
}

impl ConfigTier {
    /// Whether a layer of this rank is for everybody on a machine, whoever works where.
    pub fn is_for_everybody(self) -> bool {
        match self {
            Self::System | Self::Cloud | Self::LegacyFile | Self::LegacyMdm => true,
            Self::User | Self::Profile | Self::Project | Self::CommandLine => false,
        }
    }
}

/// The identity of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, by the path the machine knows it under.
    File {
        /// Absolute path.
        path: String,
    },
    /// A fragment of a bundle.
    Fragment {
        /// Its identifier.
        id: String,
        /// Its name.
        name: String,
    },
    /// A value in macOS managed preferences.
    Preference {
        /// `requirements_toml_base64` or `config_toml_base64`.
        key: String,
        /// The plist or profile it was read from.
        path: String,
    },
    /// One argument of the command line, counted from 1.
    Argument {
        /// Its position after the program's name.
        index: usize,
    },
}

impl Source {
    /// As Codex names it in messages about requirements.
    pub fn as_codex_prints(&self) -> String {
        match self {
            Self::File { path } => path.clone(),
            Self::Fragment { id, name } => format!("enterprise-managed requirements {name} ({id})"),
            Self::Preference { key, .. } if key == "requirements_toml_base64" => {
                "MDM com.openai.codex:requirements_toml_base64".to_owned()
            }
            Self::Preference { .. } => "MDM managed_config.toml (legacy)".to_owned(),
            Self::Argument { .. } => "session-flags".to_owned(),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path } => formatter.write_str(path),
            Self::Fragment { id, name } => write!(formatter, "cloud fragment \"{name}\" [{id}]"),
            Self::Preference { key, path } => write!(formatter, "{path} › {key}"),
            Self::Argument { index } => write!(formatter, "argument {index}"),
        }
    }
}

/// A document: its identity and its text, kept to show lines of it.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it is.
    pub source: Source,
    /// Its text as it was parsed.
    pub text: Arc<str>,
}

/// All documents of one evaluation, by [`SourceId`].
#[derive(Clone, Debug, Default)]
pub struct Documents(Vec<Document>);

impl Documents {
    /// Adds a document.
    pub fn add(&mut self, source: Source, text: impl Into<Arc<str>>) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Document { source, text: text.into() });
        id
    }

    /// The document of an id; `None` for [`SourceId::BUILT_IN`].
    pub fn get(&self, id: SourceId) -> Option<&Document> {
        self.0.get(usize::try_from(id.0).ok()?)
    }

    /// Where a span begins, as line and column.
    pub fn position(&self, span: Span) -> Option<Position> {
        self.get(span.source).map(|document| Position::of(&document.text, span.start))
    }

    /// A span as people write it: `FILE:LINE:COLUMN`.
    pub fn place(&self, span: Span) -> String {
        match (self.get(span.source), self.position(span)) {
            (Some(document), Some(position)) => match document.source {
                Source::Argument { .. } => document.source.to_string(),
                _ => format!("{}:{position}", document.source),
            },
            _ => "built in".to_owned(),
        }
    }

    /// All documents.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.0.iter()
    }
}
