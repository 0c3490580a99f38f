//! Values of test files: what is asked of a policy, and what it should answer.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tables of one kind, as `[[case]]` writes them; each is held against a key table of its own.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Tables(Vec<BTreeMap<String, serde_json::Value>>);

/// What a policy should decide, mildest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It happens, and nothing in the policy has a say in it.
    Unmanaged,
    /// It happens, within what the sandbox allows.
    Allow,
    /// Whoever reviews approvals is asked.
    Prompt,
    /// A person is asked.
    PromptUser,
    /// It does not happen.
    Deny,
}

/// Where a command should run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Within the sandbox.
    Sandboxed,
    /// Outside of it.
    OutsideSandbox,
}

/// How a path is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It is read.
    Read,
    /// It is written.
    Write,
}
