//! Texts that must satisfy a condition, and lists with elements of their own.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A path that must be absolute or begin with `~/` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct AbsolutePath(
    #[schemars(with = "String", regex(pattern = r"^([/~]|[A-Za-z]:)"))] PathBuf,
);

impl<'de> Deserialize<'de> for AbsolutePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(deserializer)?;
        if path.has_root() || path == Path::new("~") || path.starts_with("~/") {
            return Ok(Self(path));
        }
        Err(D::Error::custom(format_args!("path is not absolute: {}", path.display())))
    }
}

/// A reasoning effort: any text but an empty one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ReasoningEffort(#[schemars(length(min = 1))] String);

impl<'de> Deserialize<'de> for ReasoningEffort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let effort = String::deserialize(deserializer)?;
        if effort.is_empty() {
            return Err(D::Error::custom("reasoning_effort must not be empty"));
        }
        Ok(Self(effort))
    }
}

/// Sandbox modes for hosts by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct RemoteSandboxConfigToml {
    /// Names with `*` and `?`.
    pub hostname_patterns: Vec<String>,
    /// What is allowed there.
    pub allowed_sandbox_modes: Vec<super::choice::SandboxMode>,
}

/// Access to a Windows program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct ComputerUseWindowsExeRequirementToml {
    /// Who signed it.
    pub publisher_name: String,
    /// Its product.
    pub product_name: String,
    /// Its file, for one program of a product.
    pub binary_name: Option<String>,
    /// Whether it may be used.
    pub access: super::choice::AllowDeny,
}

/// A header that the browser extension adds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestHeaderToml {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How results of an app tool are counted. Unknown formats are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppToolResultSourceRequirementToml {
    /// The format of the result.
    pub format: String,
    /// The kind of source reported with each result.
    #[serde(rename = "type")]
    pub source_type: String,
}
