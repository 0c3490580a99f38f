//! Agents, memories and skills.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Section, Text, Ty, Unknown};
use crate::types::setting::MemoriesVersion;
use crate::types::text::ReasoningEffort;
use crate::types::tool::SkillConfig;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "agents.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether agents may start agents.",
        example: "true",
        ..KEY
    },
    Key {
        path: "agents.max_concurrent_threads_per_session",
        ty: Ty::of::<usize>(),
        was: &["agents.max_threads"],
        since: Version::patched(157, 1),
        doc: "Most agents at work at once in a session.",
        example: "4",
        ..KEY
    },
    Key {
        path: "agents.max_depth",
        ty: Ty::of::<i32>(),
        since: Version::of(118),
        doc: "How deep agents may start agents.",
        example: "1",
        ..KEY
    },
    Key {
        path: "agents.default_subagent_model",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Model of agents that name none.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "agents.default_subagent_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        since: Version::patched(157, 1),
        doc: "How hard agents think that say nothing about it.",
        example: r#""low""#,
        ..KEY
    },
    Key {
        path: "agents.job_max_runtime_seconds",
        ty: Ty::of::<u64>(),
        since: Version::of(118),
        doc: "Most seconds an agent job may run.",
        example: "1800",
        ..KEY
    },
    Key {
        path: "agents.interrupt_message",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told that an agent was interrupted.",
        example: "true",
        ..KEY
    },
    Key {
        path: "agents.*.description",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "What the role is for.",
        example: r#""Reads logs.""#,
        ..KEY
    },
    Key {
        path: "agents.*.config_file",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "File with the role's configuration.",
        example: r#""/etc/codex/agent.toml""#,
        ..KEY
    },
    Key {
        path: "agents.*.nickname_candidates",
        ty: Ty::of::<Vec<String>>(),
        since: Version::of(118),
        doc: "Names given to agents of the role.",
        example: r#"["Ada"]"#,
        ..KEY
    },
    Key {
        path: "memories.version",
        ty: Ty::of::<MemoriesVersion>(),
        since: Version::patched(157, 1),
        doc: "Which implementation of memories is used.",
        example: r#""v1""#,
        ..KEY
    },
    Key {
        path: "memories.dual_write",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether both implementations of memories are written.",
        example: "false",
        ..KEY
    },
    Key {
        path: "memories.disable_on_external_context",
        ty: Ty::of::<bool>(),
        was: &["memories.no_memories_if_mcp_or_web_search"],
        since: Version::of(138),
        doc: "Whether nothing is remembered of threads with outside content.",
        example: "true",
        ..KEY
    },
    Key {
        path: "memories.generate_memories",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether memories are made of new threads.",
        example: "true",
        ..KEY
    },
    Key {
        path: "memories.use_memories",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether memories are shown to the model.",
        example: "true",
        ..KEY
    },
    Key {
        path: "memories.dedicated_tools",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model has tools for memories.",
        example: "true",
        ..KEY
    },
    Key {
        path: "memories.max_raw_memories_for_consolidation",
        ty: Ty::of::<usize>(),
        since: Version::of(118),
        doc: "Most raw memories put together in one run.",
        example: "512",
        ..KEY
    },
    Key {
        path: "memories.max_unused_days",
        ty: Ty::of::<i64>(),
        since: Version::of(118),
        doc: "Days after which unused memories are no longer used.",
        example: "30",
        ..KEY
    },
    Key {
        path: "memories.max_rollout_age_days",
        ty: Ty::of::<i64>(),
        since: Version::of(118),
        doc: "Age in days up to which threads are remembered.",
        example: "30",
        ..KEY
    },
    Key {
        path: "memories.max_rollouts_per_startup",
        ty: Ty::of::<usize>(),
        since: Version::of(118),
        doc: "Most threads read for memories at each start.",
        example: "8",
        ..KEY
    },
    Key {
        path: "memories.min_rollout_idle_hours",
        ty: Ty::of::<i64>(),
        since: Version::of(118),
        doc: "Hours a thread must be idle before it is remembered.",
        example: "12",
        ..KEY
    },
    Key {
        path: "memories.min_rate_limit_remaining_percent",
        ty: Ty::of::<i64>(),
        since: Version::of(138),
        doc: "Share of the rate limit in percent that memories must leave.",
        example: "25",
        ..KEY
    },
    Key {
        path: "memories.extract_model",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Model that makes memories of threads.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "memories.consolidation_model",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Model that puts memories together.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "memories.consolidation_service_tier",
        ty: Ty::of::<String>(),
        since: Version::of(169),
        doc: "Service tier for putting memories together.",
        example: r#""flex""#,
        ..KEY
    },
    Key {
        path: "skills.bundled.enabled",
        ty: Ty::of::<bool>(),
        since: Version::of(118),
        doc: "Whether the skills that come with Codex are there.",
        example: "true",
        ..KEY
    },
    Key {
        path: "skills.include_instructions",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the model is told about skills.",
        example: "true",
        ..KEY
    },
    Key {
        path: "skills.max_context_tokens",
        ty: Ty::of::<NonZeroUsize>(),
        since: Version::patched(157, 1),
        doc: "Most tokens of the skill list the model is shown.",
        example: "2000",
        ..KEY
    },
    Key {
        path: "skills.config",
        ty: Ty::of::<Vec<SkillConfig>>(),
        doc: "Which skills are on.",
        example: r#"[{ name = "deploy", enabled = false }]"#,
        ..KEY
    },
    Key {
        path: "orchestrator.skills.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the orchestrator has skills.",
        example: "true",
        ..KEY
    },
    Key {
        path: "orchestrator.mcp.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether the orchestrator has MCP servers.",
        example: "true",
        ..KEY
    },
    Key {
        path: "cloud.skills.enabled",
        ty: Ty::of::<bool>(),
        since: Version::patched(157, 1),
        doc: "Whether skills from the cloud are used.",
        example: "true",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "agents", expecting: "struct AgentsToml", buffered: true, ..SECTION },
    Section {
        path: "agents.*",
        expecting: "struct AgentRoleToml",
        unknown: Unknown::Silent,
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "memories",
        expecting: "struct MemoriesToml",
        since: Version::of(118),
        ..SECTION
    },
    Section { path: "skills", expecting: "struct SkillsConfig", ..SECTION },
    Section {
        path: "skills.bundled",
        expecting: "struct BundledSkillsConfig",
        since: Version::of(118),
        ..SECTION
    },
    Section {
        path: "orchestrator",
        expecting: "struct OrchestratorToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "orchestrator.skills",
        expecting: "struct FeatureToggleToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "orchestrator.mcp",
        expecting: "struct FeatureToggleToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "cloud",
        expecting: "struct CloudToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
    Section {
        path: "cloud.skills",
        expecting: "struct FeatureToggleToml",
        since: Version::patched(157, 1),
        ..SECTION
    },
];
