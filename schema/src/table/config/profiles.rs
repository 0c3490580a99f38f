//! Former named profiles: read, type-checked and shown, but never applied.

use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Section, Text, Ty};
use crate::types::approval::{ApprovalPolicy, ApprovalsReviewer};
use crate::types::choice::WebSearchMode;
use crate::types::interface::SessionPickerView;
use crate::types::setting::{
    Personality, ReasoningSummary, SandboxSetting, SearchProvider, Verbosity, WindowsSandboxSetting,
};
use crate::types::text::ReasoningEffort;
use crate::types::tool::{FeatureToml, WebSearchToolConfigInput};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "profiles.*.model",
        ty: Ty::of::<String>(),
        doc: "Model of the profile.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "profiles.*.service_tier",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Service tier of the profile.",
        example: r#""flex""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_provider",
        ty: Ty::of::<String>(),
        doc: "Model provider of the profile.",
        example: r#""openai""#,
        ..KEY
    },
    Key {
        path: "profiles.*.approval_policy",
        ty: Ty::of::<ApprovalPolicy>(),
        doc: "Approval policy of the profile.",
        example: r#""on-request""#,
        ..KEY
    },
    Key {
        path: "profiles.*.approvals_reviewer",
        ty: Ty::of::<ApprovalsReviewer>(),
        since: Version::of(118),
        doc: "Reviewer of the profile.",
        example: r#""user""#,
        ..KEY
    },
    Key {
        path: "profiles.*.sandbox_mode",
        ty: Ty::of::<SandboxSetting>(),
        doc: "Sandbox mode of the profile.",
        example: r#""read-only""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        doc: "Reasoning effort of the profile.",
        example: r#""medium""#,
        ..KEY
    },
    Key {
        path: "profiles.*.plan_mode_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        since: Version::of(118),
        doc: "Reasoning effort of the profile while planning.",
        example: r#""medium""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_reasoning_summary",
        ty: Ty::of::<ReasoningSummary>(),
        doc: "Reasoning summary of the profile.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_verbosity",
        ty: Ty::of::<Verbosity>(),
        doc: "Length of the profile's answers.",
        example: r#""low""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_catalog_json",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "Model catalogue of the profile.",
        example: r#""/etc/codex/models.json""#,
        ..KEY
    },
    Key {
        path: "profiles.*.personality",
        ty: Ty::of::<Personality>(),
        doc: "Tone of the profile.",
        example: r#""friendly""#,
        ..KEY
    },
    Key {
        path: "profiles.*.chatgpt_base_url",
        ty: Ty::of::<String>(),
        doc: "ChatGPT service of the profile.",
        example: r#""https://chatgpt.com/backend-api/""#,
        ..KEY
    },
    Key {
        path: "profiles.*.model_instructions_file",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        doc: "Model instructions of the profile.",
        example: r#""/etc/codex/model.md""#,
        ..KEY
    },
    Key {
        path: "profiles.*.js_repl_node_path",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "Ignored.",
        example: r#""/usr/bin/node""#,
        ..KEY
    },
    Key {
        path: "profiles.*.js_repl_node_module_dirs",
        ty: Ty::of::<Vec<PathBuf>>(),
        text: Text::Paths,
        since: Version::of(118),
        doc: "Ignored.",
        example: r#"["/srv/node_modules"]"#,
        ..KEY
    },
    Key {
        path: "profiles.*.experimental_compact_prompt_file",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        doc: "Compaction prompt of the profile.",
        example: r#""/etc/codex/compact.md""#,
        ..KEY
    },
    Key {
        path: "profiles.*.include_permissions_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the profile tells the model what it may do.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.include_apps_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the profile tells the model about apps.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.include_collaboration_mode_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the profile tells the model how it collaborates.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.include_environment_context",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the profile tells the model about its surroundings.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.include_environment_context_time",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the profile tells the model the time.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.experimental_use_unified_exec_tool",
        ty: Ty::of::<bool>(),
        doc: "Whether the profile uses the unified command tool.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.tools.client_search_provider",
        ty: Ty::of::<SearchProvider>(),
        since: Version::of(169),
        doc: "Who searches the web for the profile's client.",
        example: r#""standalone""#,
        ..KEY
    },
    Key {
        path: "profiles.*.tools.web_search",
        ty: Ty::of::<WebSearchToolConfigInput>(),
        since: Version::of(118),
        doc: "Web search settings of the profile.",
        example: r#"{ context_size = "low" }"#,
        ..KEY
    },
    Key {
        path: "profiles.*.tools.experimental_request_user_input.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the profile's model may ask questions.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.tools.update_plan.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the profile's model has the planning tool.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.web_search",
        ty: Ty::of::<WebSearchMode>(),
        doc: "Web search of the profile.",
        example: r#""cached""#,
        ..KEY
    },
    Key {
        path: "profiles.*.analytics.enabled",
        ty: Ty::of::<bool>(),
        doc: "Whether the profile sends usage data.",
        example: "false",
        ..KEY
    },
    Key {
        path: "profiles.*.tui.session_picker_view",
        ty: Ty::of::<SessionPickerView>(),
        since: Version::of(138),
        doc: "Density of the session list in the profile.",
        example: r#""dense""#,
        ..KEY
    },
    Key {
        path: "profiles.*.windows.sandbox",
        ty: Ty::of::<WindowsSandboxSetting>(),
        since: Version::of(118),
        doc: "Windows sandbox of the profile.",
        example: r#""elevated""#,
        ..KEY
    },
    Key {
        path: "profiles.*.windows.allow_mxc",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the profile may use the MXC sandbox.",
        example: "false",
        ..KEY
    },
    Key {
        path: "profiles.*.features.*",
        ty: Ty::of::<FeatureToml>(),
        doc: "Feature switched on or off by the profile.",
        example: "true",
        ..KEY
    },
    Key {
        path: "profiles.*.oss_provider",
        ty: Ty::of::<String>(),
        doc: "Provider that `--oss` uses in the profile.",
        example: r#""ollama""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "profiles.*", expecting: "struct ConfigProfile", ..SECTION },
    Section {
        path: "profiles.*.tools",
        expecting: "struct ToolsToml",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "profiles.*.tools.experimental_request_user_input",
        expecting: "struct ExperimentalRequestUserInput",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "profiles.*.tools.update_plan",
        expecting: "struct UpdatePlanToolConfig",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section { path: "profiles.*.analytics", expecting: "struct AnalyticsConfigToml", ..SECTION },
    Section {
        path: "profiles.*.tui",
        expecting: "struct ProfileTui",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "profiles.*.windows",
        expecting: "struct WindowsToml",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "profiles.*.features",
        expecting: "struct FeaturesToml",
        buffered: true,
        ..SECTION
    },
    Section { path: "profiles", ..SECTION },
];
