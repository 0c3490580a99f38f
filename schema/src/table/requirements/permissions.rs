//! Access to files, and permission profiles.

use crate::checks;
use crate::key::{Effect, KEY, Key, Merge, SECTION, Section, Text, Tighter, Ty, Unknown, Unset};
use crate::types::choice::{AllowDeny, NetworkMode};
use crate::types::network::Mitm;
use crate::types::permission::FilesystemPermissionToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "permissions.filesystem.deny_read",
        ty: Ty::of::<Vec<String>>(),
        merge: Merge::Union,
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        text: Text::Paths,
        since: Version::of(122),
        doc: "Paths and globs no command may read.",
        example: r#"["/etc/ssh/**"]"#,
        ..KEY
    },
    Key {
        path: "permissions.*.description",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Text shown for the profile.",
        example: r#""Build hosts""#,
        ..KEY
    },
    Key {
        path: "permissions.*.extends",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Profile this one is based on.",
        example: r#"":workspace""#,
        ..KEY
    },
    Key {
        path: "permissions.*.workspace_roots.*",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether this folder is a workspace root of the profile.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.filesystem.glob_scan_max_depth",
        ty: Ty::of::<usize>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "How deep folders are searched for glob matches.",
        example: "4",
        ..KEY
    },
    Key {
        path: "permissions.*.filesystem.*",
        ty: Ty::of::<FilesystemPermissionToml>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Access to this path, or to sub-paths of a special path.",
        example: r#""read""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enabled",
        ty: Ty::of::<bool>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the profile uses the network proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.proxy_url",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Address the HTTP proxy of the profile listens on.",
        example: r#""http://127.0.0.1:3128""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enable_socks5",
        ty: Ty::of::<bool>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the profile offers a SOCKS proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.socks_url",
        ty: Ty::of::<String>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Address the SOCKS proxy of the profile listens on.",
        example: r#""socks5h://127.0.0.1:8081""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.enable_socks5_udp",
        ty: Ty::of::<bool>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the SOCKS proxy carries UDP.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.allow_upstream_proxy",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the proxy of the profile may use an upstream proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.dangerously_allow_non_loopback_proxy",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the proxy of the profile may listen beyond the local machine.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.dangerously_allow_all_unix_sockets",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the profile may use every Unix socket.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.mode",
        ty: Ty::of::<NetworkMode>(),
        tighter: Tighter::Order(&["limited", "full"]),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Which request methods the profile may use.",
        example: r#""limited""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.domains.*",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        unset: Unset::Between,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether hosts matching this pattern are reachable in the profile.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.unix_sockets.*",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        unset: Unset::Between,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the profile may use this Unix socket.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "permissions.*.network.allow_local_binding",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Whether the profile may reach and bind local addresses.",
        example: "true",
        ..KEY
    },
    Key {
        path: "permissions.*.network.mitm",
        ty: Ty::of::<Mitm>(),
        effect: Effect::Adds,
        since: Version::of(133),
        doc: "Interception of requests by the proxy of the profile.",
        example: "{ version = 2 }",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "permissions",
        expecting: "struct PermissionsRequirementsToml",
        buffered: true,
        direct: &["filesystem", "network"],
        ..SECTION
    },
    Section {
        path: "permissions.filesystem",
        expecting: "struct RawFilesystemRequirementsToml",
        hidden: checks::PROFILE_FIELDS,
        check: checks::no_profile,
        ..SECTION
    },
    Section {
        path: "permissions.*",
        expecting: "struct PermissionProfileToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.workspace_roots",
        expecting: "struct WorkspaceRootsToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.filesystem",
        expecting: "struct FilesystemPermissionsToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.network",
        expecting: "struct NetworkToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.network.domains",
        expecting: "struct NetworkDomainPermissionsToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.network.unix_sockets",
        expecting: "struct NetworkUnixSocketPermissionsToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "permissions.*.network.mitm",
        expecting: "struct NetworkMitmTomlUnchecked",
        unknown: Unknown::Refused,
        ..SECTION
    },
];
