//! Plugins, marketplaces and apps.

use std::num::NonZeroUsize;

use crate::key::{KEY, Key, SECTION, Section, Ty, Unknown};
use crate::types::approval::ApprovalsReviewer;
use crate::types::choice::AppToolApproval;
use crate::types::setting::MarketplaceKind;
use crate::types::tool::ToolSurface;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "plugins.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the plugin is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.remote_plugin_id",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Identifier of the plugin at its service.",
        example: r#""p1""#,
        ..KEY
    },
    Key {
        path: "plugins.*.release_id",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Release of the plugin that is installed.",
        example: r#""r1""#,
        ..KEY
    },
    Key {
        path: "plugins.*.auto_provision",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the plugin is installed by itself.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether this server of the plugin is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(138),
        doc: "How calls are approved whose tool says nothing.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.enabled_tools",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(138),
        doc: "The only tools used.",
        example: r#"["read"]"#,
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.disabled_tools",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(138),
        doc: "Tools not used.",
        example: r#"["write"]"#,
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.tools.*.approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(138),
        doc: "How calls of this tool are approved.",
        example: r#""approve""#,
        ..KEY
    },
    Key {
        path: "plugins.*.mcp_servers.*.tools.*.output_token_limit",
        ty: Ty::of::<NonZeroUsize>(),
        since: Version::patched(157, 1),
        doc: "Most tokens of this tool's output.",
        example: "5000",
        ..KEY
    },
    Key {
        path: "marketplaces.*.last_updated",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "When the marketplace was last read.",
        example: r#""2026-01-01T00:00:00Z""#,
        ..KEY
    },
    Key {
        path: "marketplaces.*.last_revision",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Revision that was last read.",
        example: r#""abc""#,
        ..KEY
    },
    Key {
        path: "marketplaces.*.source_type",
        ty: Ty::of::<MarketplaceKind>(),
        since: Version::of(138),
        doc: "Kind of the marketplace's source.",
        example: r#""git""#,
        ..KEY
    },
    Key {
        path: "marketplaces.*.source",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Where the marketplace is read from.",
        example: r#""https://git.example/market""#,
        ..KEY
    },
    Key {
        path: "marketplaces.*.ref",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Branch, tag or commit that is read.",
        example: r#""main""#,
        ..KEY
    },
    Key {
        path: "marketplaces.*.sparse_paths",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(138),
        doc: "The only folders that are read.",
        example: r#"["plugins"]"#,
        ..KEY
    },
    Key {
        path: "apps._default.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether apps are used that no entry names.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps._default.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::patched(157, 1),
        doc: "Who answers approval requests of apps that no entry names.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "apps._default.destructive_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether tools of apps may destroy something unless the app says otherwise.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps._default.open_world_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether tools of apps may reach other systems unless the app says otherwise.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps._default.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::patched(157, 1),
        doc: "How calls of apps are approved unless the app says otherwise.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "apps.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the app is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps.*.omit_tools_from",
        ty: Ty::of::<Vec<ToolSurface>>(),
        since: Version::patched(157, 1),
        doc: "Where the app's tools are left out.",
        example: r#"["code_mode"]"#,
        ..KEY
    },
    Key {
        path: "apps.*.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::of(138),
        doc: "Who answers approval requests of the app.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "apps.*.destructive_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether tools that may destroy something are used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps.*.open_world_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether tools that reach other systems are used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(118),
        doc: "How calls are approved whose tool says nothing.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "apps.*.default_tools_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether tools are used that no entry names.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps.*.tools.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether this tool is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "apps.*.tools.*.approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(118),
        doc: "How calls of this tool are approved.",
        example: r#""approve""#,
        ..KEY
    },
    Key {
        path: "apps.*.links.*.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::patched(157, 1),
        doc: "Who answers approval requests of this link of the app.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "apps.*.links.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::patched(157, 1),
        doc: "How calls over this link are approved.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the app is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.omit_tools_from",
        ty: Ty::of::<Vec<ToolSurface>>(),
        since: Version::of(169),
        doc: "Where the app's tools are left out.",
        example: r#"["code_mode"]"#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::of(169),
        doc: "Who answers approval requests of the app.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.destructive_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether tools that may destroy something are used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.open_world_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether tools that reach other systems are used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(169),
        doc: "How calls are approved whose tool says nothing.",
        example: r#""prompt""#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.default_tools_enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether tools are used that no entry names.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.tools.*.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether this tool is used.",
        example: "true",
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.tools.*.approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(169),
        doc: "How calls of this tool are approved.",
        example: r#""approve""#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.links.*.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::of(169),
        doc: "Who answers approval requests of this link of the app.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "plugins.*.apps.*.links.*.default_tools_approval_mode",
        ty: Ty::of::<AppToolApproval>(),
        since: Version::of(169),
        doc: "How calls over this link are approved.",
        example: r#""prompt""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "plugins",
        expecting: "struct PluginsConfigToml",
        unknown: Unknown::Silent,
        buffered: true,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "plugins.*",
        expecting: "struct PluginConfig",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "plugins.*.mcp_servers",
        unknown: Unknown::Silent,
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "plugins.*.mcp_servers.*",
        expecting: "struct PluginMcpServerConfig",
        unknown: Unknown::Silent,
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "plugins.*.mcp_servers.*.tools",
        unknown: Unknown::Silent,
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "plugins.*.mcp_servers.*.tools.*",
        expecting: "struct McpServerToolConfig",
        unknown: Unknown::Silent,
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
    Section { path: "marketplaces", since: Version::of(138), ..SECTION },
    Section {
        path: "marketplaces.*",
        expecting: "struct MarketplaceConfig",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "apps",
        expecting: "struct AppsConfigToml",
        unknown: Unknown::Silent,
        buffered: true,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "apps._default",
        expecting: "struct AppsDefaultConfig",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "apps.*",
        expecting: "struct AppConfig",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "apps.*.tools",
        expecting: "struct AppToolsConfig",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "apps.*.tools.*",
        expecting: "struct AppToolConfig",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "apps.*.links",
        expecting: "struct AppLinksConfig",
        unknown: Unknown::Silent,
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "apps.*.links.*",
        expecting: "struct AppLinkConfig",
        unknown: Unknown::Silent,
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps.*",
        expecting: "struct AppConfig",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps.*.tools",
        expecting: "struct AppToolsConfig",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps.*.tools.*",
        expecting: "struct AppToolConfig",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps.*.links",
        expecting: "struct AppLinksConfig",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
    Section {
        path: "plugins.*.apps.*.links.*",
        expecting: "struct AppLinkConfig",
        unknown: Unknown::Silent,
        since: Version::of(169),
        ..SECTION
    },
];
