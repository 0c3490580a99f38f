//! Access to files.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a command may do with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileAccess {
    /// Read it.
    Read,
    /// Read and write it.
    Write,
    /// Nothing.
    #[serde(alias = "none")]
    Deny,
}

/// Access to a path, or to paths below it. The name stands in error texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum FilesystemPermissionToml {
    /// To all of it.
    Access(FileAccess),
    /// To each path below it.
    Scoped(BTreeMap<String, FileAccess>),
}
