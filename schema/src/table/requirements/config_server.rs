//! The self-hosted bundle server.

use crate::checks;
use crate::key::{Channels, KEY, Key, SECTION, Section, Ty, Unknown};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "config_server.base_url",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "Base address of the self-hosted bundle server; Codex fetches \
              `/codex/config/bundle` below it.",
        example: r#""https://policy.example""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.authorization_url",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth authorization endpoint used when signing in to the bundle server.",
        example: r#""https://id.example/authorize""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.token_url",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth token endpoint used when signing in to the bundle server.",
        example: r#""https://id.example/token""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.device_authorization_url",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth device-code endpoint of the bundle server.",
        example: r#""https://id.example/device""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.client_id",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth client identifier of Codex at the bundle server.",
        example: r#""codex""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.resource",
        ty: Ty::of::<String>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth resource the token is asked for.",
        example: r#""https://policy.example""#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.scopes",
        ty: Ty::of::<Vec<String>>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "OAuth scopes asked for at the bundle server.",
        example: r#"["policy"]"#,
        ..KEY
    },
    Key {
        path: "config_server.oauth.redirect_port",
        ty: Ty::of::<u16>(),
        channels: Channels::LocalOrRefused,
        since: Version::of(164),
        doc: "Local port the OAuth redirect is received on; must not be zero.",
        example: "8123",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "config_server",
        expecting: "struct ConfigServerInput",
        unknown: Unknown::Refused,
        required: &["base_url"],
        check: checks::config_server,
        ..SECTION
    },
    Section {
        path: "config_server.oauth",
        expecting: "struct OAuthSessionConfig",
        unknown: Unknown::Refused,
        required: &["authorization_url", "token_url", "client_id"],
        defaulted: &["scopes"],
        ..SECTION
    },
];
