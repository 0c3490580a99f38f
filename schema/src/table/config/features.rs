//! Features that can be switched on and off.

use crate::key::{KEY, Key, Order, SECTION, Section, Ty};
use crate::types::tool::FeatureToml;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "features.apps_mcp_path_override",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(138),
        doc: "Whether, and how, the feature `apps_mcp_path_override` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.async_compaction",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(169),
        doc: "Whether, and how, the feature `async_compaction` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.code_mode",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(138),
        doc: "Whether, and how, the feature `code_mode` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.code_mode_host",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `code_mode_host` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.context_management",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `context_management` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.current_time_reminder",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `current_time_reminder` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.guardianv2",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `guardianv2` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.guardianv3",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(169),
        doc: "Whether, and how, the feature `guardianv3` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.multi_agent_v2",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(138),
        doc: "Whether, and how, the feature `multi_agent_v2` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.network_proxy",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(138),
        doc: "Whether, and how, the feature `network_proxy` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.non_prefixed_mcp_tool_names",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `non_prefixed_mcp_tool_names` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.rollout_budget",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `rollout_budget` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.runtime_agent_instances",
        ty: Ty::of::<FeatureToml>(),
        since: Version::of(169),
        doc: "Whether, and how, the feature `runtime_agent_instances` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.sleep_tool",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `sleep_tool` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.token_budget",
        ty: Ty::of::<FeatureToml>(),
        since: Version::patched(157, 1),
        doc: "Whether, and how, the feature `token_budget` works.",
        example: "true",
        ..KEY
    },
    Key {
        path: "features.*",
        ty: Ty::of::<bool>(),
        order: Order::Free,
        doc: "Whether the named feature is on.",
        example: "true",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[Section {
    path: "features",
    expecting: "struct FeaturesToml",
    buffered: true,
    direct: WITH_SETTINGS,
    ..SECTION
}];

/// Features with settings of their own.
const WITH_SETTINGS: &[&str] = &[
    "apps_mcp_path_override",
    "async_compaction",
    "code_mode",
    "code_mode_host",
    "context_management",
    "current_time_reminder",
    "guardianv2",
    "guardianv3",
    "multi_agent_v2",
    "network_proxy",
    "non_prefixed_mcp_tool_names",
    "rollout_budget",
    "runtime_agent_instances",
    "sleep_tool",
    "token_budget",
];
