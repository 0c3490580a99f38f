//! Where models are served.

use std::num::NonZeroU64;
use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Secret, Section, Text, Ty};
use crate::types::choice::{RemoteCompaction, WireApi};
use crate::types::provider::{AwsAuthRefreshConfig, CredentialExportConfig, GatewayOauth};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "model_providers.*.name",
        ty: Ty::of::<String>(),
        doc: "Name shown for the provider.",
        example: r#""Our models""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.base_url",
        ty: Ty::of::<String>(),
        doc: "Address of the provider.",
        example: r#""https://llm.example/v1""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.model_catalog_url",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Address the provider's model catalogue is read from.",
        example: r#""https://llm.example/models""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.env_key",
        ty: Ty::of::<String>(),
        doc: "Environment variable holding the API key.",
        example: r#""LLM_KEY""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.env_key_instructions",
        ty: Ty::of::<String>(),
        doc: "Hint shown when the API key variable is missing.",
        example: r#""Ask the helpdesk.""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.experimental_bearer_token",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Bearer token sent to the provider.",
        example: r#""token""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.auth.command",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Program that prints a bearer token for the provider.",
        example: r#""get-token""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.auth.args",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(118),
        doc: "Arguments of the token program.",
        example: r#"["--quiet"]"#,
        ..KEY
    },
    Key {
        path: "model_providers.*.auth.timeout_ms",
        ty: Ty::of::<NonZeroU64>(),
        since: Version::of(118),
        doc: "Longest run time of the token program in milliseconds.",
        example: "5000",
        ..KEY
    },
    Key {
        path: "model_providers.*.auth.refresh_interval_ms",
        ty: Ty::of::<u64>(),
        since: Version::of(118),
        doc: "Milliseconds after which the token is fetched again; zero means never.",
        example: "300000",
        ..KEY
    },
    Key {
        path: "model_providers.*.auth.cwd",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "Working folder of the token program.",
        example: r#""/srv""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.gateway_oauth",
        ty: Ty::of::<GatewayOauth>(),
        since: Version::patched(157, 1),
        doc: "Sign-in of the user at a gateway in front of the provider.",
        example: r#"{ credential_export = { command = "c" } }"#,
        ..KEY
    },
    Key {
        path: "model_providers.*.aws.profile",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "AWS profile used to sign requests.",
        example: r#""work""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.aws.region",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "AWS region of the endpoint.",
        example: r#""eu-west-1""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.aws.credential_export",
        ty: Ty::of::<CredentialExportConfig>(),
        since: Version::patched(157, 1),
        doc: "Program that prints AWS credentials.",
        example: r#"{ command = "c" }"#,
        ..KEY
    },
    Key {
        path: "model_providers.*.aws.auth_refresh",
        ty: Ty::of::<AwsAuthRefreshConfig>(),
        since: Version::patched(157, 1),
        doc: "Program that renews the AWS sign-in.",
        example: r#"{ command = "aws" }"#,
        ..KEY
    },
    Key {
        path: "model_providers.*.project_id",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Google Cloud project of the provider.",
        example: r#""p1""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.location",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Google Cloud location of the provider.",
        example: r#""europe-west1""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.credential_file",
        ty: Ty::of::<PathBuf>(),
        since: Version::of(169),
        doc: "File holding the Google Cloud credentials; it is not resolved.",
        example: r#""/etc/gcp.json""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.wire_api",
        ty: Ty::of::<WireApi>(),
        doc: "Protocol the provider speaks.",
        example: r#""responses""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.capabilities.cyber_access_programs",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the provider takes part in the cyber access programmes.",
        example: "true",
        ..KEY
    },
    Key {
        path: "model_providers.*.capabilities.external_web_access",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the provider offers external web access.",
        example: "true",
        ..KEY
    },
    Key {
        path: "model_providers.*.capabilities.remote_compaction",
        ty: Ty::of::<RemoteCompaction>(),
        since: Version::of(169),
        doc: "Kind of remote compaction the provider offers.",
        example: r#""v2""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.query_params.*",
        ty: Ty::of::<String>(),
        doc: "Query parameter added to every request.",
        example: r#""v1""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.http_headers.*",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Header added to every request.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.env_http_headers.*",
        ty: Ty::of::<String>(),
        doc: "Header added to every request, read from an environment variable.",
        example: r#""ENV""#,
        ..KEY
    },
    Key {
        path: "model_providers.*.request_max_retries",
        ty: Ty::of::<u64>(),
        doc: "Most retries of a failed request.",
        example: "4",
        ..KEY
    },
    Key {
        path: "model_providers.*.stream_max_retries",
        ty: Ty::of::<u64>(),
        doc: "Most reconnects of a broken stream.",
        example: "4",
        ..KEY
    },
    Key {
        path: "model_providers.*.stream_idle_timeout_ms",
        ty: Ty::of::<u64>(),
        doc: "Milliseconds without data after which a stream counts as broken.",
        example: "300000",
        ..KEY
    },
    Key {
        path: "model_providers.*.websocket_connect_timeout_ms",
        ty: Ty::of::<u64>(),
        since: Version::of(118),
        doc: "Milliseconds a WebSocket connection may take.",
        example: "15000",
        ..KEY
    },
    Key {
        path: "model_providers.*.requires_openai_auth",
        ty: Ty::of::<bool>(),
        doc: "Whether the provider uses the OpenAI or ChatGPT sign-in.",
        example: "true",
        ..KEY
    },
    Key {
        path: "model_providers.*.supports_websockets",
        ty: Ty::of::<bool>(),
        doc: "Whether the provider offers the WebSocket transport.",
        example: "true",
        ..KEY
    },
    Key {
        path: "model_providers.*.supports_standalone_web_search",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the provider offers the separate web-search endpoint.",
        example: "true",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "model_providers", ..SECTION },
    Section { path: "model_providers.*", expecting: "struct ModelProviderInfo", ..SECTION },
    Section {
        path: "model_providers.*.auth",
        expecting: "struct ModelProviderAuthInfo",
        required: &["command"],
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "model_providers.*.aws",
        expecting: "struct ModelProviderAwsAuthInfo",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "model_providers.*.capabilities",
        expecting: "struct ModelProviderCapabilities",
        since: Version::of(169),
        ..SECTION
    },
    Section { path: "model_providers.*.query_params", ..SECTION },
    Section { path: "model_providers.*.http_headers", ..SECTION },
    Section { path: "model_providers.*.env_http_headers", ..SECTION },
];
