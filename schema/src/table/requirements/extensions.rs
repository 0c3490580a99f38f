//! MCP servers, plugins, marketplaces and apps.

use std::path::PathBuf;

use crate::key::{Effect, KEY, Key, SECTION, Section, Tighter, Ty, Unknown, Unset};
use crate::types::choice::{AppToolApproval, MarketplaceSource};
use crate::types::mcp::McpIdentity;
use crate::types::text::AppToolResultSourceRequirementToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "mcp_servers.*.identity",
        ty: Ty::of::<McpIdentity>(),
        unset: Unset::Listed(1),
        effect: Effect::Allows("mcp_servers"),
        since: Version::of(87),
        doc: "Program or address the named MCP server must have.",
        example: r#"{ command = "docs-mcp" }"#,
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.identity",
        ty: Ty::of::<McpIdentity>(),
        unset: Unset::Listed(3),
        effect: Effect::Allows("plugins"),
        since: Version::of(128),
        doc: "Program or address the named MCP server of the plugin must have.",
        example: r#"{ url = "https://mcp.example/" }"#,
        ..KEY
    },
    Key {
        path: "marketplaces.restrict_to_allowed_sources",
        ty: Ty::of::<bool>(),
        tighter: Tighter::True,
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Whether only listed marketplace sources may be added.",
        example: "true",
        ..KEY
    },
    Key {
        path: "marketplaces.allowed_sources.*.source",
        ty: Ty::of::<MarketplaceSource>(),
        unset: Unset::Listed(2),
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Kind of marketplace source.",
        example: r#""git""#,
        ..KEY
    },
    Key {
        path: "marketplaces.allowed_sources.*.url",
        ty: Ty::of::<String>(),
        unset: Unset::Listed(2),
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Address of the marketplace repository.",
        example: r#""https://git.example/m""#,
        ..KEY
    },
    Key {
        path: "marketplaces.allowed_sources.*.ref",
        ty: Ty::of::<String>(),
        unset: Unset::Listed(2),
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Branch or tag of the marketplace repository.",
        example: r#""main""#,
        ..KEY
    },
    Key {
        path: "marketplaces.allowed_sources.*.host_pattern",
        ty: Ty::of::<String>(),
        unset: Unset::Listed(2),
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Hosts marketplaces may come from.",
        example: r#""git.example""#,
        ..KEY
    },
    Key {
        path: "marketplaces.allowed_sources.*.path",
        ty: Ty::of::<PathBuf>(),
        unset: Unset::Listed(2),
        effect: Effect::Allows("marketplaces"),
        since: Version::of(143),
        doc: "Local folder of the marketplace.",
        example: r#""/srv/m""#,
        ..KEY
    },
    Key {
        path: "apps.*.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Allows("apps"),
        since: Version::of(115),
        doc: "Whether the app may be used.",
        example: "false",
        ..KEY
    },
    Key {
        path: "apps.*.tools.*.approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        tighter: Tighter::Order(&["prompt", "writes", "auto", "approve"]),
        effect: Effect::Allows("apps"),
        since: Version::of(131),
        doc: "How calls of this app tool are approved.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "apps.*.tools.*.analytics_result_source",
        ty: Ty::of::<AppToolResultSourceRequirementToml>(),
        effect: Effect::Allows("apps"),
        since: Version::patched(153, 4),
        doc: "How results of this app tool are counted.",
        example: r#"{ format = "detailed_message_search_v1", type = "slack" }"#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "mcp_servers", ..SECTION },
    Section {
        path: "mcp_servers.*",
        expecting: "struct RawMcpServerRequirement",
        required: &["identity"],
        ..SECTION
    },
    Section { path: "plugins", ..SECTION },
    Section { path: "plugins.*", expecting: "struct PluginMcpRequirements", ..SECTION },
    Section { path: "plugins.*.mcp_servers", ..SECTION },
    Section {
        path: "plugins.*.mcp_servers.*",
        expecting: "struct RawMcpServerRequirement",
        required: &["identity"],
        ..SECTION
    },
    Section {
        path: "marketplaces",
        expecting: "struct MarketplaceRequirementsToml",
        defaulted: &["allowed_sources"],
        unknown: Unknown::Refused,
        ..SECTION
    },
    Section { path: "marketplaces.allowed_sources", ..SECTION },
    Section {
        path: "marketplaces.allowed_sources.*",
        expecting: "struct MarketplaceAllowedSourceToml",
        unknown: Unknown::Refused,
        ..SECTION
    },
    Section { path: "apps", expecting: "struct AppsRequirementsToml", buffered: true, ..SECTION },
    Section {
        path: "apps.*",
        expecting: "struct AppRequirementToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "apps.*.tools",
        expecting: "struct AppToolsRequirementsToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
    Section {
        path: "apps.*.tools.*",
        expecting: "struct AppToolRequirementToml",
        unknown: Unknown::Silent,
        ..SECTION
    },
];
