//! Where telemetry goes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// How tool results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ToolResultLogConfig {
    /// Most bytes of a result.
    pub max_bytes: usize,
}

impl Default for ToolResultLogConfig {
    fn default() -> Self {
        Self { max_bytes: 2048 }
    }
}

/// An exporter. The name stands in error texts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OtelExporterKind {
    /// Nothing is sent.
    None,
    /// To the maker of Codex.
    Statsig,
    /// To an OTLP server over HTTP.
    OtlpHttp {
        /// Its address.
        endpoint: String,
        /// Headers of every request.
        #[serde(default, serialize_with = "redacted")]
        headers: BTreeMap<String, String>,
        /// The form of the messages.
        protocol: OtlpProtocol,
        /// Keys and certificates.
        #[serde(default)]
        tls: Option<OtelTlsConfig>,
    },
    /// To an OTLP server over gRPC.
    OtlpGrpc {
        /// Its address.
        endpoint: String,
        /// Headers of every request.
        #[serde(default, serialize_with = "redacted")]
        headers: BTreeMap<String, String>,
        /// Keys and certificates.
        #[serde(default)]
        tls: Option<OtelTlsConfig>,
    },
}

/// The form of OTLP messages over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OtlpProtocol {
    /// Protocol buffers.
    Binary,
    /// JSON.
    Json,
}

/// Keys and certificates for an OTLP server. Relative paths start at the layer's own folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct OtelTlsConfig {
    /// Certificate of the authority to trust.
    pub ca_certificate: Option<PathBuf>,
    /// Certificate of the client.
    pub client_certificate: Option<PathBuf>,
    /// Key of the client.
    pub client_private_key: Option<PathBuf>,
}

/// Codex prints header names but never their values.
fn redacted<S: Serializer>(
    headers: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, "[redacted]")))
}
