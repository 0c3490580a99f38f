//! Servers that offer tools.

use std::num::NonZeroUsize;

use crate::key::{KEY, Key, SECTION, Secret, Section, Ty, Unknown};
use crate::types::choice::AppToolApproval;
use crate::types::setting::{McpAuth, McpCredentialsStore, StartupReadiness, TokenEndpointAuth};
use crate::types::setting_value::Seconds;
use crate::types::tool::{McpServerEnvVar, ToolSurface};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "mcp_servers.*.command",
        ty: Ty::of::<String>(),
        doc: "Program that runs the server.",
        example: r#""npx""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.args",
        ty: Ty::of::<Vec<String>>(),
        doc: "Arguments of the program.",
        example: r#"["-y", "server"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.env.*",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Environment variable set for the program.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.env_vars",
        ty: Ty::of::<Vec<McpServerEnvVar>>(),
        doc: "Environment variables passed on to the program.",
        example: r#"["PATH"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.cwd",
        ty: Ty::of::<String>(),
        doc: "Folder the program starts in.",
        example: r#""/srv""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.http_headers.*",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Header of every request.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.env_http_headers.*",
        ty: Ty::of::<String>(),
        doc: "Header of every request, read from an environment variable.",
        example: r#""TOKEN""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.url",
        ty: Ty::of::<String>(),
        doc: "Address of the server.",
        example: r#""https://mcp.example""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.bearer_token",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        doc: "Not supported; a value is refused.",
        example: r#""token""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.bearer_token_env_var",
        ty: Ty::of::<String>(),
        doc: "Environment variable with the bearer token.",
        example: r#""TOKEN""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.http_headers_helper",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Program that prints headers for requests.",
        example: r#""get-headers""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.environment_id",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Environment the server runs in.",
        example: r#""local""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.auth",
        ty: Ty::of::<McpAuth>(),
        since: Version::patched(157, 1),
        doc: "How Codex signs in at the server.",
        example: r#""oauth""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.startup_timeout_sec",
        ty: Ty::of::<Seconds>(),
        doc: "Seconds the server may take to start.",
        example: "10.0",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.startup_timeout_ms",
        ty: Ty::of::<u64>(),
        doc: "Milliseconds the server may take to start.",
        example: "10000",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.tool_timeout_sec",
        ty: Ty::of::<Seconds>(),
        doc: "Seconds a call may take.",
        example: "60.0",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.enabled",
        ty: Ty::of::<bool>(),
        doc: "Whether the server is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.required",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether a session needs the server to start.",
        example: "false",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.startup_readiness",
        ty: Ty::of::<StartupReadiness>(),
        since: Version::of(169),
        doc: "When the server counts as started.",
        example: r#""catalog""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.supports_parallel_tool_calls",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether calls may run side by side.",
        example: "false",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.tool_input_schema_max_bytes",
        ty: Ty::of::<NonZeroUsize>(),
        since: Version::of(169),
        doc: "Most bytes of a tool's input schema.",
        example: "65536",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.omit_tools_from",
        ty: Ty::of::<Vec<ToolSurface>>(),
        since: Version::patched(157, 1),
        doc: "Where the server's tools are left out.",
        example: r#"["code_mode"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(138),
        doc: "How calls are approved whose tool says nothing.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.enabled_tools",
        ty: Ty::of::<Vec<String>>(),
        doc: "The only tools used.",
        example: r#"["read"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.disabled_tools",
        ty: Ty::of::<Vec<String>>(),
        doc: "Tools not used.",
        example: r#"["write"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.scopes",
        ty: Ty::of::<Vec<String>>(),
        doc: "Scopes asked for when signing in.",
        example: r#"["read"]"#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.client_id",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Client identifier for signing in.",
        example: r#""codex""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.client_secret",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        since: Version::of(169),
        doc: "Client secret for signing in.",
        example: r#""secret""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.token_endpoint_auth_method",
        ty: Ty::of::<TokenEndpointAuth>(),
        since: Version::of(169),
        doc: "How the client secret is sent.",
        example: r#""client_secret_basic""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.callback_url",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Address the sign-in returns to.",
        example: r#""http://localhost:1455/callback""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.callback_port",
        ty: Ty::of::<u16>(),
        since: Version::patched(157, 1),
        doc: "Local port that receives the answer of the sign-in.",
        example: "1455",
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth.authorization_server_issuer",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Issuer that signs users in at the server.",
        example: r#""https://id.example""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.oauth_resource",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Resource the token is asked for.",
        example: r#""https://mcp.example""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.name",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Name shown for the server; ignored.",
        example: r#""Files""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.tools.*.approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(118),
        doc: "How calls of this tool are approved.",
        example: r#""approve""#,
        ..KEY
    },
    Key {
        path: "mcp_servers.*.tools.*.output_token_limit",
        ty: Ty::of::<NonZeroUsize>(),
        since: Version::patched(157, 1),
        doc: "Most tokens of this tool's output.",
        example: "5000",
        ..KEY
    },
    Key {
        path: "mcp_enterprise_managed_auth.idp.issuer",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Issuer of the identity provider that signs users in at MCP servers.",
        example: r#""https://id.example""#,
        ..KEY
    },
    Key {
        path: "mcp_enterprise_managed_auth.idp.client_id",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Client identifier at the identity provider.",
        example: r#""codex""#,
        ..KEY
    },
    Key {
        path: "mcp_enterprise_managed_auth.idp.client_secret",
        ty: Ty::of::<String>(),
        secret: Secret::Yes,
        since: Version::patched(157, 1),
        doc: "Client secret at the identity provider.",
        example: r#""secret""#,
        ..KEY
    },
    Key {
        path: "mcp_enterprise_managed_auth.idp.token_endpoint_auth_method",
        ty: Ty::of::<TokenEndpointAuth>(),
        since: Version::of(169),
        doc: "How the client secret is sent to the identity provider.",
        example: r#""client_secret_basic""#,
        ..KEY
    },
    Key {
        path: "mcp_oauth_credentials_store",
        ty: Ty::of::<McpCredentialsStore>(),
        doc: "Where credentials for MCP servers are kept.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "mcp_oauth_callback_port",
        ty: Ty::of::<u16>(),
        doc: "Local port that receives the answer of an MCP sign-in.",
        example: "1455",
        ..KEY
    },
    Key {
        path: "mcp_oauth_callback_url",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Address an MCP sign-in returns to.",
        example: r#""http://localhost:1455/callback""#,
        ..KEY
    },
    Key {
        path: "mcp_optional_startup_grace_ms",
        ty: Ty::of::<u64>(),
        since: Version::patched(157, 1),
        doc: "Milliseconds a session waits for optional MCP servers to start.",
        example: "500",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "mcp_servers", ..SECTION },
    Section { path: "mcp_servers.*", expecting: "struct RawMcpServerConfig", ..SECTION },
    Section { path: "mcp_servers.*.env", ..SECTION },
    Section { path: "mcp_servers.*.http_headers", ..SECTION },
    Section { path: "mcp_servers.*.env_http_headers", ..SECTION },
    Section {
        path: "mcp_servers.*.oauth",
        expecting: "struct McpServerOAuthConfig",
        since: Version::of(138),
        ..SECTION
    },
    Section { path: "mcp_servers.*.tools", since: Version::of(118), ..SECTION },
    Section {
        path: "mcp_servers.*.tools.*",
        expecting: "struct McpServerToolConfig",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "mcp_enterprise_managed_auth",
        expecting: "struct McpEnterpriseManagedAuthConfig",
        unknown: Unknown::Refused,
        required: &["idp"],
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "mcp_enterprise_managed_auth.idp",
        expecting: "struct McpServerIdpOAuthConfig",
        unknown: Unknown::Refused,
        required: &["issuer", "client_id", "client_secret", "token_endpoint_auth_method"],
        since: Version::patched(157, 1),
        ..SECTION
    },
];
