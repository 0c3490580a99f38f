//! Named permission profiles.

use crate::key::{KEY, Key, SECTION, Section, Tighter, Ty, Unknown};
use crate::types::choice::{AllowDeny, NetworkMode};
use crate::types::network::Mitm;
use crate::types::permission::FilesystemPermissionToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "default_permissions",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Permission profile that sessions start with.",
        example: r#"":workspace""#,
        ..KEY
    },
    Key {
        path: "permissions.*.description",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "What the profile is for.",
        example: r#""Builds only.""#,
        ..KEY
    },
    Key {
        path: "permissions.*.extends",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Profile this one starts from.",
        example: r#"":workspace""#,
        ..KEY
    },
    Key {
        path: "permissions.*.workspace_roots.*",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether this folder counts as part of the workspace.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.filesystem.glob_scan_max_depth",
        ty: Ty::of::<usize>(),
        since: Version::of(138),
        doc: "How deep folders are searched for what a pattern matches.",
        example: "4",
        ..KEY
    },
    Key {
        path: "permissions.*.filesystem.*",
        ty: Ty::of::<FilesystemPermissionToml>(),
        since: Version::of(118),
        doc: "Access to a path, or to paths below it.",
        example: r#""read""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether commands of this profile may use the network.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.proxy_url",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Address the HTTP proxy listens on.",
        example: r#""http://127.0.0.1:3128""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enable_socks5",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the SOCKS proxy runs.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.socks_url",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Address the SOCKS proxy listens on.",
        example: r#""http://127.0.0.1:8081""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enable_socks5_udp",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the SOCKS proxy passes UDP.",
        example: "false",
        ..KEY
    },
    Key {
        path: "permissions.*.network.allow_upstream_proxy",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the proxy may use another proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.dangerously_allow_non_loopback_proxy",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::of(118),
        doc: "Whether the proxy may listen on other than loopback addresses.",
        example: "false",
        ..KEY
    },
    Key {
        path: "permissions.*.network.dangerously_allow_all_unix_sockets",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::of(118),
        doc: "Whether every Unix socket may be used.",
        example: "false",
        ..KEY
    },
    Key {
        path: "permissions.*.network.mode",
        ty: Ty::of::<NetworkMode>(),
        since: Version::of(118),
        doc: "Which request methods may be used.",
        example: r#""limited""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.domains.*",
        ty: Ty::of::<AllowDeny>(),
        since: Version::of(118),
        doc: "Whether hosts of this pattern may be reached.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.unix_sockets.*",
        ty: Ty::of::<AllowDeny>(),
        since: Version::of(118),
        doc: "Whether this Unix socket may be used.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.allow_local_binding",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether commands may listen on local ports.",
        example: "false",
        ..KEY
    },
    Key {
        path: "permissions.*.network.mitm",
        ty: Ty::of::<Mitm>(),
        since: Version::of(138),
        doc: "Interception of requests by the proxy.",
        example: "{ version = 2 }",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "permissions",
        expecting: "struct PermissionsToml",
        unknown: Unknown::Silent,
        buffered: true,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "permissions.*",
        expecting: "struct PermissionProfileToml",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "permissions.*.workspace_roots",
        expecting: "struct WorkspaceRootsToml",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "permissions.*.filesystem",
        expecting: "struct FilesystemPermissionsToml",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "permissions.*.network",
        expecting: "struct NetworkToml",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "permissions.*.network.domains",
        expecting: "struct NetworkDomainPermissionsToml",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "permissions.*.network.unix_sockets",
        expecting: "struct NetworkUnixSocketPermissionsToml",
        since: Version::of(118),
        ..SECTION
    },
];
