//! Names of features: which Codex versions know each.
//!
//! Sampled over the feature lists of 77 builds from 0.45.0 to 0.169.0, so a first version is exact
//! only to the neighbouring sample. Former names are the ones 0.169.0 reads with a warning.

use crate::version::Version;

/// A feature name.
#[derive(Clone, Copy, Debug)]
pub struct FeatureName {
    /// The name as it is written in `[features]`.
    pub name: &'static str,
    /// First sampled version that knows it.
    pub since: Version,
    /// First sampled version that no longer knows it.
    pub until: Option<Version>,
    /// The name it goes by now, where it is a former name that is still read.
    pub now: Option<&'static str>,
}

impl FeatureName {
    /// Whether a version knows the name.
    pub fn known_to(&self, version: Version) -> bool {
        self.since <= version && self.until.is_none_or(|end| version < end)
    }
}

/// The row of a name.
pub fn find(name: &str) -> Option<&'static FeatureName> {
    let at = FEATURE_NAMES.binary_search_by(|row| row.name.cmp(name)).ok()?;
    FEATURE_NAMES.get(at)
}

const fn name(name: &'static str, since: Version) -> FeatureName {
    FeatureName { name, since, until: None, now: None }
}

const fn gone(name: &'static str, since: Version, until: Version) -> FeatureName {
    FeatureName { name, since, until: Some(until), now: None }
}

const fn former(name: &'static str, since: Version, now: &'static str) -> FeatureName {
    FeatureName { name, since, until: None, now: Some(now) }
}

const fn v(minor: u32, patch: u32) -> Version {
    Version::patched(minor, patch)
}

/// All names, sorted.
#[rustfmt::skip]
pub static FEATURE_NAMES: &[FeatureName] = &[
    name("agent_message_board", v(156, 0)),
    name("agent_message_board_mcp", v(169, 0)),
    name("analytics_plan_history", v(156, 0)),
    name("api_key_cyber_access_programs", v(163, 0)),
    name("api_key_model_discovery", v(155, 1)),
    name("app_server_websocket_compression", v(164, 0)),
    name("apply_patch_freeform", v(60, 1)),
    name("apply_patch_preserve_line_endings", v(148, 0)),
    name("apply_patch_streaming_events", v(122, 0)),
    name("apps", v(93, 0)),
    name("apps_early_resource_discovery", v(169, 0)),
    gone("apps_mcp_gateway", v(104, 0), v(115, 0)),
    name("apps_mcp_path_override", v(128, 0)),
    name("artifact", v(110, 0)),
    name("async_compaction", v(163, 0)),
    name("async_compaction_root_only", v(169, 0)),
    name("auth_elicitation", v(129, 0)),
    gone("auto_compaction", v(142, 0), v(143, 0)),
    name("background_paginated_rollout_migration", v(148, 0)),
    name("bedrock_setup_wizard", v(152, 1)),
    name("browser_annotation_api", v(163, 0)),
    name("browser_use", v(124, 0)),
    name("browser_use_external", v(129, 0)),
    name("browser_use_full_cdp_access", v(142, 3)),
    gone("builtin_mcp", v(129, 0), v(131, 0)),
    gone("child_agents_md", v(87, 0), v(142, 0)),
    name("chronicle", v(122, 0)),
    name("cli_daybreak", v(163, 0)),
    name("cli_resume_account_check", v(169, 0)),
    name("code_mode", v(114, 0)),
    name("code_mode_buffered_exec", v(145, 0)),
    name("code_mode_host", v(143, 0)),
    name("code_mode_host_grpc", v(163, 0)),
    name("code_mode_host_output_truncation", v(169, 0)),
    name("code_mode_interrupt", v(148, 0)),
    name("code_mode_only", v(115, 0)),
    name("code_mode_only_strict_3p_tools", v(163, 0)),
    name("code_mode_prewarm", v(152, 1)),
    name("code_mode_tool_description_first", v(163, 0)),
    name("code_mode_tool_search", v(163, 0)),
    name("codex_apps_mcp_2026_07_28", v(155, 1)),
    name("codex_git_commit", v(104, 0)),
    former("codex_hooks", v(114, 0), "hooks"),
    former("collab", v(87, 0), "multi_agent"),
    name("collaboration_modes", v(89, 0)),
    name("command_sessions_world_state", v(169, 0)),
    name("compaction_image_budget", v(149, 1)),
    name("computer_use", v(124, 0)),
    name("concurrent_reasoning_summaries", v(143, 0)),
    former("connectors", v(92, 0), "apps"),
    name("content_item_kinds", v(150, 0)),
    name("context_management", v(153, 0)),
    name("credential_masking", v(163, 0)),
    name("critical_path_timing", v(166, 0)),
    name("current_time_reminder", v(142, 0)),
    name("cwd_relative_turn_diffs", v(149, 0)),
    name("daemon_auto_start", v(156, 0)),
    name("daybreak_program_propagation", v(169, 0)),
    name("default_mode_request_user_input", v(106, 0)),
    name("defer_mailbox_preemption", v(160, 1)),
    name("deferred_executor", v(142, 0)),
    name("deferred_tool_world_state", v(146, 0)),
    name("elevated_windows_sandbox", v(75, 0)),
    gone("enable_elevated_windows_sandbox", v(72, 0), v(75, 0)),
    former("enable_experimental_windows_sandbox", v(60, 1), "experimental_windows_sandbox"),
    name("enable_fanout", v(115, 0)),
    name("enable_mcp_apps", v(128, 0)),
    name("enable_request_compression", v(80, 0)),
    name("exec_permission_approvals", v(115, 0)),
    gone("exec_policy", v(66, 0), v(99, 0)),
    name("executed_tool_call_metadata", v(147, 0)),
    name("executor_capability_discovery", v(145, 0)),
    name("executor_capability_discovery_v2", v(164, 0)),
    gone("experimental_sandbox_command_assessment", v(60, 1), v(72, 0)),
    name("experimental_windows_sandbox", v(75, 0)),
    name("external_agent_memory_import", v(145, 0)),
    name("external_migration", v(122, 0)),
    name("fast_mode", v(110, 0)),
    name("gateway_setup_wizard", v(169, 0)),
    name("gcp_setup_wizard", v(169, 0)),
    gone("general_analytics", v(120, 0), v(128, 0)),
    name("goals", v(128, 0)),
    name("guardian_approval", v(113, 0)),
    name("guardian_conversation_history_tools", v(160, 1)),
    name("guardian_denial_reconsideration", v(169, 0)),
    name("guardian_enhanced_node_repl_transcripts", v(148, 0)),
    name("guardian_ext", v(150, 0)),
    name("guardian_include_additional_context", v(169, 0)),
    name("guardian_native_multi_agent_history", v(166, 0)),
    name("guardian_node_repl_transcript_images", v(148, 0)),
    name("guardian_recorded_items", v(165, 0)),
    name("guardian_reuse_parent_compaction", v(148, 0)),
    name("guardian_root_handoff_context", v(160, 1)),
    name("guardian_trust_orchestrator_connectors", v(163, 0)),
    name("guardianv2", v(146, 0)),
    name("guardianv2.thread_context", v(154, 0)),
    name("guardianv2_decisions_comparison", v(163, 0)),
    name("guardianv3", v(165, 0)),
    name("hooks", v(129, 0)),
    name("hosted_search_policy", v(169, 0)),
    name("image_detail_original", v(110, 0)),
    name("image_generation", v(110, 0)),
    name("image_generation_animation", v(169, 0)),
    name("image_resize_notice", v(147, 0)),
    former("imagegenext", v(136, 0), "image_generation"),
    name("in_app_browser", v(124, 0)),
    name("in_app_chat", v(149, 0)),
    name("in_app_dictation", v(149, 0)),
    name("in_app_local_automation", v(150, 0)),
    name("in_app_updates", v(146, 0)),
    name("in_app_voice", v(163, 0)),
    name("incremental_exec_tools", v(169, 0)),
    name("incremental_tools", v(163, 0)),
    name("incremental_tools_legacy", v(169, 0)),
    name("incremental_tools_legacy_gcp", v(169, 0)),
    name("instant_interrupt", v(160, 1)),
    name("interrupt_on_cancel", v(169, 0)),
    name("item_ids", v(142, 0)),
    name("js_repl", v(100, 0)),
    name("js_repl_tools_only", v(104, 0)),
    name("local_thread_store_compression", v(137, 0)),
    name("local_thread_store_shared_compression", v(152, 1)),
    name("login_shell_package_path", v(163, 0)),
    name("mcp_2026_07_28", v(146, 0)),
    name("mcp_connection_sharing", v(166, 0)),
    name("mcp_lazy_stdio_startup", v(169, 0)),
    name("mcp_oauth_refresh_coordination", v(153, 0)),
    name("mcp_tool_list_changed", v(164, 0)),
    name("memories", v(106, 0)),
    former("memory_tool", v(99, 0), "memories"),
    name("mentions_v2", v(131, 0)),
    name("model_catalog_in_context", v(163, 0)),
    name("multi_agent", v(104, 0)),
    name("multi_agent_mode", v(142, 0)),
    name("multi_agent_v2", v(117, 0)),
    name("multi_agent_v2_dynamic_tools", v(163, 0)),
    name("multi_env_copy_file", v(164, 0)),
    name("network_proxy", v(131, 0)),
    name("non_prefixed_mcp_tool_names", v(135, 0)),
    name("nonfatal_clock_read_errors", v(156, 0)),
    name("omit_app_server_notification_media", v(152, 1)),
    name("omit_skill_descriptions", v(166, 0)),
    name("output_token_replay", v(163, 0)),
    gone("parallel", v(60, 1), v(80, 0)),
    name("personality", v(93, 0)),
    name("plugin_discovery_prefetch", v(166, 0)),
    name("plugin_hooks", v(128, 0)),
    name("plugin_sharing", v(131, 0)),
    name("plugins", v(110, 0)),
    name("powershell_shell_version", v(152, 1)),
    gone("powershell_utf8", v(79, 0), v(117, 0)),
    name("prediction_preserve_parent_tools", v(165, 0)),
    name("prefer_mxc", v(157, 0)),
    name("prevent_idle_sleep", v(104, 0)),
    name("psp", v(148, 0)),
    name("realtime_conversation", v(106, 0)),
    name("reasoning_effort_override", v(154, 0)),
    name("recommended_plugins", v(147, 0)),
    gone("remote_compaction", v(60, 1), v(99, 0)),
    name("remote_compaction_v2", v(129, 0)),
    name("remote_control", v(120, 0)),
    name("remote_models", v(66, 0)),
    name("remote_plugin", v(124, 0)),
    former("request_permissions", v(106, 0), "exec_permission_approvals"),
    name("request_permissions_tool", v(113, 0)),
    name("request_rule", v(93, 0)),
    name("resize_all_images", v(140, 0)),
    name("respect_system_proxy", v(142, 0)),
    gone("responses_websocket_response_processed", v(129, 0), v(138, 0)),
    name("responses_websockets", v(89, 0)),
    name("responses_websockets_v2", v(99, 0)),
    name("retain_client_developer_messages", v(148, 0)),
    name("retain_client_tool_outputs", v(163, 0)),
    gone("rmcp_client", v(60, 1), v(77, 0)),
    name("rollout_budget", v(142, 0)),
    name("runtime_agent_instances", v(164, 0)),
    name("runtime_metrics", v(94, 0)),
    name("search_tool", v(99, 0)),
    name("secret_auth_storage", v(140, 0)),
    name("send_async_message", v(149, 0)),
    name("send_message_to_user_async", v(156, 0)),
    gone("shell_command_tool", v(60, 1), v(66, 0)),
    name("shell_snapshot", v(72, 0)),
    name("shell_snapshot_v2", v(150, 0)),
    name("shell_tool", v(60, 1)),
    name("shell_zsh_fork", v(106, 0)),
    name("simplified_selection_hints", v(166, 0)),
    name("skill_catalog_deltas", v(166, 0)),
    name("skill_env_var_dependency_prompt", v(93, 0)),
    name("skill_mcp_dependency_install", v(93, 0)),
    name("skill_search", v(145, 0)),
    gone("skills", v(66, 0), v(80, 0)),
    name("skip_host_skill_discovery", v(152, 1)),
    name("sleep_tool", v(142, 0)),
    name("sqlite", v(93, 0)),
    name("stable_environment_tools", v(163, 0)),
    name("standalone_web_search", v(135, 0)),
    name("steer", v(87, 0)),
    name("step_model_switching", v(152, 1)),
    name("subagent_default_context_limits", v(163, 0)),
    name("subagent_thread_environments", v(164, 0)),
    name("suppress_model_change_announcements", v(169, 0)),
    name("system_proxy_fallback", v(156, 0)),
    former("telepathy", v(121, 0), "chronicle"),
    name("terminal_resize_reflow", v(128, 0)),
    name("terminal_visualization_instructions", v(138, 0)),
    name("token_budget", v(140, 0)),
    name("tool_call_mcp_elicitation", v(113, 0)),
    name("tool_search", v(117, 0)),
    name("tool_search_always_defer_mcp_tools", v(122, 0)),
    name("tool_suggest", v(115, 0)),
    name("transcript_v2", v(150, 0)),
    gone("tui2", v(72, 0), v(89, 0)),
    name("tui_app_server", v(117, 0)),
    name("tui_extensions_statusline", v(169, 0)),
    name("tui_multi_backend", v(165, 0)),
    name("tui_workspace", v(169, 0)),
    name("ultrafast_mode", v(163, 0)),
    name("unavailable_dummy_tools", v(122, 0)),
    name("unbounded_connection_retries", v(148, 0)),
    name("undo", v(60, 1)),
    name("unified_exec", v(60, 1)),
    name("unified_exec_tty", v(154, 0)),
    name("unified_exec_zsh_fork", v(137, 0)),
    name("unified_image_budget", v(148, 0)),
    name("untrusted_as_tool_output", v(166, 0)),
    name("use_agent_identity", v(121, 0)),
    name("use_legacy_landlock", v(115, 0)),
    name("use_linux_sandbox_bwrap", v(98, 0)),
    name("use_xaa", v(156, 0)),
    name("view_image", v(147, 0)),
    gone("view_image_tool", v(60, 1), v(80, 0)),
    gone("voice_transcription", v(106, 0), v(118, 0)),
    name("wake_on_agent_messages", v(164, 0)),
    gone("warnings", v(66, 0), v(80, 0)),
    name("web_search_cached", v(79, 0)),
    name("web_search_request", v(60, 1)),
    name("windows_sandbox_service", v(154, 0)),
    name("workspace_dependencies", v(121, 0)),
    name("workspace_owner_usage_nudge", v(122, 0)),
    name("worktrees", v(154, 0)),
    name("write_stdin_approval", v(152, 1)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(FEATURE_NAMES.is_sorted_by(|left, right| left.name < right.name));
        assert!(find("hooks").is_some_and(|row| row.known_to(Version::NEWEST)));
        assert!(find("tui2").is_some_and(|row| !row.known_to(Version::NEWEST)));
        assert_eq!(find("codex_hooks").and_then(|row| row.now), Some("hooks"));
        for row in FEATURE_NAMES {
            assert!(row.now.is_none_or(|now| find(now).is_some()), "{row:?}");
        }
    }
}
