//! What the managed proxy does to requests.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Headers added to matching requests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct NetworkHeaderInjectionToml {
    /// The host.
    pub host: String,
    /// The methods.
    pub methods: Vec<String>,
    /// How the path begins.
    pub path_prefixes: Vec<String>,
    /// The headers.
    pub headers: BTreeMap<String, String>,
}

/// Interception of requests by a permission profile's proxy.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "NetworkMitmTomlUnchecked")]
pub struct Mitm {
    /// The grammar: 2, or none for the first.
    pub version: Option<u8>,
    /// What is intercepted, by name.
    pub hooks: Option<BTreeMap<String, NetworkMitmHookToml>>,
    /// What is done, by name.
    pub actions: Option<BTreeMap<String, NetworkMitmActionToml>>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkMitmTomlUnchecked {
    version: Option<u8>,
    hooks: Option<BTreeMap<String, NetworkMitmHookToml>>,
    actions: Option<BTreeMap<String, NetworkMitmActionToml>>,
}

impl TryFrom<NetworkMitmTomlUnchecked> for Mitm {
    type Error = String;

    fn try_from(read: NetworkMitmTomlUnchecked) -> Result<Self, String> {
        let NetworkMitmTomlUnchecked { version, hooks, actions } = read;
        if let Some(other) = version.filter(|version| *version != 2) {
            return Err(format!("unsupported network.mitm.version {other}"));
        }
        let idle = actions
            .iter()
            .flatten()
            .find(|(_, action)| **action == NetworkMitmActionToml::default());
        if let Some((name, _)) = idle {
            return Err(format!("network.mitm.actions.{name} must define at least one operation"));
        }
        Ok(Self { version, hooks, actions })
    }
}

/// What is intercepted.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkMitmHookToml {
    /// The schemes.
    #[serde(default)]
    pub schemes: Vec<String>,
    /// The ports.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// The host.
    pub host: String,
    /// The methods.
    pub methods: Vec<String>,
    /// How the path begins.
    pub path_prefixes: Vec<String>,
    /// Query parameters that must be there.
    #[serde(default)]
    pub query: BTreeMap<String, Vec<String>>,
    /// Headers that must be there.
    #[serde(default)]
    pub headers: BTreeMap<String, Vec<String>>,
    /// What the body must be.
    pub body: Option<serde_json::Value>,
    /// Names of actions.
    pub action: Vec<String>,
}

/// What is done to an intercepted request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkMitmActionToml {
    /// A placeholder in the body is replaced by a secret.
    pub body_secret_substitution: Option<serde_json::Value>,
    /// The request is signed for AWS.
    pub aws_sigv4: Option<serde_json::Value>,
    /// Headers taken away.
    pub strip_request_headers: Vec<String>,
    /// Headers added.
    pub inject_request_headers: Vec<NetworkMitmInjectedHeaderToml>,
}

/// A header added to an intercepted request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkMitmInjectedHeaderToml {
    /// The text replaced in the header.
    pub placeholder: Option<String>,
    /// The name.
    pub name: String,
    /// The environment variable with the secret.
    pub secret_env_var: Option<String>,
    /// The file with the secret.
    pub secret_file: Option<String>,
    /// What stands before the secret.
    pub prefix: Option<String>,
}
