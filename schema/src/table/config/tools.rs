//! Tools the model may use.

use crate::key::{KEY, Key, Order, SECTION, Section, Tighter, Ty};
use crate::types::choice::{AllowDeny, WebSearchMode};
use crate::types::setting::SearchProvider;
use crate::types::tool::{
    ComputerUseWindowsExeConfigToml, ToolSuggestDisabledTool, ToolSuggestDiscoverable,
    WebSearchToolConfigInput,
};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "web_search",
        ty: Ty::of::<WebSearchMode>(),
        doc: "How the web search tool works.",
        example: r#""cached""#,
        ..KEY
    },
    Key {
        path: "tools.client_search_provider",
        ty: Ty::of::<SearchProvider>(),
        since: Version::of(169),
        doc: "Who searches the web for the client.",
        example: r#""standalone""#,
        ..KEY
    },
    Key {
        path: "tools.web_search",
        ty: Ty::of::<WebSearchToolConfigInput>(),
        doc: "Settings of the web search tool.",
        example: r#"{ context_size = "low" }"#,
        ..KEY
    },
    Key {
        path: "tools.experimental_request_user_input.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model may ask the user questions.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tools.update_plan.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the model has the planning tool.",
        example: "true",
        ..KEY
    },
    Key {
        path: "tool_suggest.discoverables",
        ty: Ty::of::<Vec<ToolSuggestDiscoverable>>(),
        since: Version::of(118),
        doc: "Tools the model may suggest to install.",
        example: r#"[{ type = "plugin", id = "p" }]"#,
        ..KEY
    },
    Key {
        path: "tool_suggest.disabled_tools",
        ty: Ty::of::<Vec<ToolSuggestDisabledTool>>(),
        since: Version::of(138),
        doc: "Tools the model may not suggest.",
        example: r#"[{ type = "plugin", id = "p" }]"#,
        ..KEY
    },
    Key {
        path: "browser_use.allow_history_access",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::patched(157, 1),
        doc: "Whether the browser agent may read the browsing history.",
        example: "false",
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Access to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.downloads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Downloads from sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.uploads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Uploads to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.default_origin_policy.full_cdp_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Full debugging access to sites no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Access to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.downloads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Downloads from this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.uploads",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Uploads to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "browser_use.origins.*.full_cdp_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Full debugging access to this site.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "computer_use.default_app_access",
        ty: Ty::of::<AllowDeny>(),
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Access to programs no other entry names.",
        example: r#""deny""#,
        ..KEY
    },
    Key {
        path: "computer_use.macos.bundle_ids.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Access to this program on macOS.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "computer_use.windows.aumids.*",
        ty: Ty::of::<AllowDeny>(),
        order: Order::Free,
        tighter: Tighter::Order(&["deny", "allow"]),
        since: Version::patched(157, 1),
        doc: "Access to this packaged program on Windows.",
        example: r#""allow""#,
        ..KEY
    },
    Key {
        path: "computer_use.windows.exes",
        ty: Ty::of::<Vec<ComputerUseWindowsExeConfigToml>>(),
        since: Version::patched(157, 1),
        doc: "Access to signed programs on Windows.",
        example: r#"[{ publisher_name = "P", product_name = "Q", access = "deny" }]"#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "tools", expecting: "struct ToolsToml", ..SECTION },
    Section {
        path: "tools.experimental_request_user_input",
        expecting: "struct ExperimentalRequestUserInput",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "tools.update_plan",
        expecting: "struct UpdatePlanToolConfig",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "tool_suggest",
        expecting: "struct ToolSuggestConfig",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "browser_use",
        expecting: "struct BrowserUseConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "browser_use.default_origin_policy",
        expecting: "struct BrowserUseOriginPolicyConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section { path: "browser_use.origins", since: Version::patched(157, 1), ..SECTION },
    Section {
        path: "browser_use.origins.*",
        expecting: "struct BrowserUseOriginPolicyConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "computer_use",
        expecting: "struct ComputerUseConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "computer_use.macos",
        expecting: "struct ComputerUseMacosConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section { path: "computer_use.macos.bundle_ids", since: Version::patched(157, 1), ..SECTION },
    Section {
        path: "computer_use.windows",
        expecting: "struct ComputerUseWindowsConfigToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section { path: "computer_use.windows.aumids", since: Version::patched(157, 1), ..SECTION },
];
