//! The managed network.

use crate::checks;
use crate::key::{Effect, KEY, Key, Order, SECTION, Secret, Section, Tighter, Ty, Unset};
use crate::types::choice::AllowDeny;
use crate::types::network::NetworkHeaderInjectionToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "experimental_network.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Whether commands reach the network only through the managed proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.http_port",
        ty: Ty::of::<u16>(),
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Local port of the HTTP proxy.",
        example: "8080",
        ..KEY
    },
    Key {
        path: "experimental_network.socks_port",
        ty: Ty::of::<u16>(),
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Local port of the SOCKS proxy.",
        example: "1080",
        ..KEY
    },
    Key {
        path: "experimental_network.allow_upstream_proxy",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Whether the managed proxy may use an upstream proxy.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.dangerously_allow_non_loopback_proxy",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Whether the managed proxy may listen beyond the local machine.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.dangerously_allow_all_unix_sockets",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Whether commands may use every Unix socket.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.domains.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        unset: Unset::Between,
        effect: Effect::Adds,
        since: Version::of(118),
        doc: "Whether hosts matching this pattern are reachable.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "experimental_network.allowed_domains",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Subset,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Hosts that are reachable, in the older list form.",
        example: r#"["a.example"]"#,
        ..KEY
    },
    Key {
        path: "experimental_network.review_domains",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(165),
        doc: "Hosts that need a review before they are reachable.",
        example: r#"["c.example"]"#,
        ..KEY
    },
    Key {
        path: "experimental_network.managed_allowed_domains_only",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        effect: Effect::Adds,
        since: Version::of(113),
        doc: "Whether only hosts allowed by policy are reachable.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.denied_domains",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Superset,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Hosts that are not reachable, in the older list form.",
        example: r#"["b.example"]"#,
        ..KEY
    },
    Key {
        path: "experimental_network.unix_sockets.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        unset: Unset::Between,
        effect: Effect::Adds,
        since: Version::of(118),
        doc: "Whether this Unix socket may be used.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "experimental_network.allow_unix_sockets",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Subset,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Unix sockets that may be used, in the older list form.",
        example: r#"["/run/x.sock"]"#,
        ..KEY
    },
    Key {
        path: "experimental_network.allow_local_binding",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        unset: Unset::Strictest,
        effect: Effect::Adds,
        since: Version::of(99),
        doc: "Whether commands may reach and bind local addresses.",
        example: "true",
        ..KEY
    },
    Key {
        path: "experimental_network.header_injections",
        ty: Ty::of::<Vec<NetworkHeaderInjectionToml>>(),
        effect: Effect::Adds,
        secret: Secret::Yes,
        since: Version::of(153),
        doc: "Headers the managed proxy adds to matching requests.",
        example: r#"[{ host = "a.b", methods = ["GET"], path_prefixes = ["/"], headers = {} }]"#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "experimental_network",
        expecting: "struct RawNetworkRequirementsToml",
        was: &["network_proxy"],
        was_since: Version::of(166),
        field: "network_proxy",
        check: checks::one_spelling,
        ..SECTION
    },
    Section {
        path: "experimental_network.domains",
        expecting: "struct NetworkDomainPermissionsToml",
        buffered: true,
        ..SECTION
    },
    Section {
        path: "experimental_network.unix_sockets",
        expecting: "struct NetworkUnixSocketPermissionsToml",
        buffered: true,
        ..SECTION
    },
];
