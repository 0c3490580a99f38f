//! How Codex signs in at model providers.

use std::num::NonZeroU64;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// A program that prints credentials.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct CredentialExportConfig {
    /// The program.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Longest run time in milliseconds.
    #[serde(default = "half_a_minute")]
    pub timeout_ms: NonZeroU64,
}

/// The program that renews the AWS sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct AwsAuthRefreshConfig {
    /// The program; a later check demands `aws`.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Longest run time in milliseconds.
    #[serde(default = "five_minutes")]
    pub timeout_ms: NonZeroU64,
}

fn half_a_minute() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(30_000 - 1)
}

fn five_minutes() -> NonZeroU64 {
    NonZeroU64::MIN.saturating_add(300_000 - 1)
}

/// Sign-in of the user at a gateway: a program or OAuth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum GatewayOauth {
    /// A program that prints a credential.
    Program {
        /// The program.
        credential_export: CredentialExportConfig,
        /// How the credential is sent.
        #[schemars(default)]
        delivery: serde_json::Value,
    },
    /// An OAuth sign-in.
    Oauth {
        /// Authorization endpoint.
        authorization_url: String,
        /// Token endpoint.
        token_url: String,
        /// Client identifier.
        client_id: String,
        /// Resource the token is for.
        resource: Option<String>,
        /// Scopes asked for.
        #[schemars(default)]
        scopes: Vec<String>,
        /// Local port of the redirect.
        redirect_port: Option<u16>,
        /// How the credential is sent.
        #[schemars(default)]
        delivery: serde_json::Value,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    credential_export: CredentialExportConfig,
    delivery: Option<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Oauth {
    authorization_url: String,
    token_url: String,
    client_id: String,
    resource: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    redirect_port: Option<u16>,
    delivery: Option<serde_json::Value>,
}

impl<'de> Deserialize<'de> for GatewayOauth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Ok(Program { credential_export, delivery }) = Program::deserialize(&value) {
            let delivery = delivery.unwrap_or_else(bearer_header);
            return Ok(Self::Program { credential_export, delivery });
        }
        let read = Oauth::deserialize(&value).map_err(|_| {
            D::Error::custom(
                "choose one gateway credential source: credential_export or OAuth settings \
                 (authorization_url, token_url, and client_id)",
            )
        })?;
        let Oauth {
            authorization_url,
            token_url,
            client_id,
            resource,
            scopes,
            redirect_port,
            delivery,
        } = read;
        Ok(Self::Oauth {
            authorization_url,
            token_url,
            client_id,
            resource,
            scopes,
            redirect_port,
            delivery: delivery.unwrap_or_else(bearer_header),
        })
    }
}

/// How Codex sends a credential unless it is told otherwise.
fn bearer_header() -> serde_json::Value {
    serde_json::json!({ "kind": "header", "name": "Authorization", "scheme": "Bearer" })
}
