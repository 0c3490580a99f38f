//! Values and names that mean something to Codex, where the type of a key alone does not tell.

/// Sound values of requirement keys, by path. Keys not listed take values from their type.
pub(super) const REQUIREMENTS: &[(&str, &[&str])] = &[
    (
        "allowed_approval_policies",
        &[
            r#"["on-request"]"#,
            r#"["never"]"#,
            r#"["never", "on-request"]"#,
            r#"["on-request", "never"]"#,
            r#"["untrusted", "on-request"]"#,
            r#"["untrusted"]"#,
            r#"["on-failure", "never"]"#,
            r#"["on-request", "on-request"]"#,
            r#"["untrusted", "on-failure", "on-request", "never"]"#,
        ],
    ),
    (
        "allowed_approvals_reviewers",
        &[
            r#"["user"]"#,
            r#"["guardian_subagent"]"#,
            r#"["guardian_subagent", "user"]"#,
            r#"["user", "guardian_subagent"]"#,
            r#"["auto_review", "user"]"#,
        ],
    ),
    (
        "allowed_sandbox_modes",
        &[
            r#"["read-only"]"#,
            r#"["read-only", "workspace-write"]"#,
            r#"["workspace-write", "read-only"]"#,
            r#"["read-only", "danger-full-access"]"#,
            r#"["read-only", "workspace-write", "danger-full-access"]"#,
            r#"["read-only", "external-sandbox"]"#,
            r#"["read-only", "read-only"]"#,
        ],
    ),
    (
        "remote_sandbox_config",
        &[
            r#"[{ hostname_patterns = ["ci-*"], allowed_sandbox_modes = ["read-only"] }]"#,
            r#"[{ hostname_patterns = ["*"], allowed_sandbox_modes = ["read-only", "workspace-write"] }]"#,
            r#"[{ hostname_patterns = ["dev-?.corp"], allowed_sandbox_modes = ["read-only"] }, { hostname_patterns = ["CI-1"], allowed_sandbox_modes = ["read-only", "danger-full-access"] }]"#,
        ],
    ),
    ("default_permissions", &[r#"":read-only""#, r#"":workspace""#, r#""build""#]),
    ("permissions.*.extends", &[r#"":read-only""#, r#"":workspace""#]),
    ("permissions.*.filesystem.*", &[r#""read""#, r#""write""#, r#""deny""#]),
    (
        "permissions.filesystem.deny_read",
        &[
            r#"["/etc/ssh/**"]"#,
            r#"["~/secrets", "/srv/keys"]"#,
            r#"["/etc/ssh/**", "/etc/ssh/**"]"#,
            r#"["relative/*.pem"]"#,
        ],
    ),
    (
        "rules.prefix_rules",
        &[
            r#"[{ pattern = [{ token = "rm" }], decision = "prompt" }]"#,
            r#"[{ pattern = [{ token = "git" }, { any_of = ["push", "pull"] }], decision = "forbidden", justification = "ask first" }]"#,
            r#"[{ pattern = [{ token = "rm" }], decision = "forbidden" }, { pattern = [{ token = "ls" }], decision = "prompt" }]"#,
        ],
    ),
    (
        "mcp_servers.*.identity",
        &[
            r#"{ command = "docs-mcp" }"#,
            r#"{ url = "https://mcp.example/" }"#,
            r#"{ command = "/opt/mcp" }"#,
        ],
    ),
    (
        "plugins.*.mcp_servers.*.identity",
        &[r#"{ command = "docs-mcp" }"#, r#"{ url = "https://mcp.example/" }"#],
    ),
    ("hooks.managed_dir", &[r#""/opt/hooks""#]),
    ("otel.exporter", &[r#""none""#]),
    ("otel.trace_exporter", &[r#""none""#]),
    ("otel.metrics_exporter", &[r#""none""#]),
    ("enforce_residency", &[r#""us""#]),
    ("chatgpt_base_url", &[r#""https://chatgpt.com/backend-api/""#, r#""http://127.0.0.1:9/""#]),
    ("model_provider", &[r#""openai""#, r#""gateway""#]),
    ("models.new_thread.model", &[r#""gpt-5""#, r#""gpt-5.1""#]),
    ("marketplaces.allowed_sources.*.source", &[r#""git""#, r#""host_pattern""#, r#""local""#]),
    ("marketplaces.allowed_sources.*.url", &[r#""https://git.example/m""#]),
    ("marketplaces.allowed_sources.*.host_pattern", &[r#""git.example""#, r#"".*[.]example""#]),
    ("marketplaces.allowed_sources.*.path", &[r#""/srv/m""#]),
];

/// Sound values of configuration keys, by path.
pub(super) const CONFIG: &[(&str, &[&str])] = &[
    (
        "approval_policy",
        &[
            r#""on-request""#,
            r#""never""#,
            r#""on-request""#,
            r#""never""#,
            r#""on-failure""#,
            "{ granular = { sandbox_approval = true, rules = false, mcp_elicitations = true } }",
        ],
    ),
    ("approvals_reviewer", &[r#""user""#, r#""guardian_subagent""#, r#""auto_review""#]),
    ("sandbox_mode", &[r#""read-only""#, r#""workspace-write""#, r#""danger-full-access""#]),
    ("sandbox_workspace_write.network_access", &["true", "false"]),
    ("sandbox_workspace_write.writable_roots", &[r#"["/srv/a"]"#, r#"["/srv/a", "/srv/b"]"#, "[]"]),
    ("sandbox_workspace_write.exclude_slash_tmp", &["true", "false"]),
    ("sandbox_workspace_write.exclude_tmpdir_env_var", &["true", "false"]),
    ("web_search", &[r#""disabled""#, r#""cached""#, r#""live""#]),
    ("model", &[r#""gpt-5""#, r#""gpt-5.1""#, r#""gpt-5-codex""#]),
    ("model_provider", &[r#""openai""#, r#""gateway""#]),
    (
        "model_providers.gateway",
        &[
            r#"{ name = "Gateway", base_url = "http://127.0.0.1:9/v1" }"#,
            r#"{ name = "Other", base_url = "http://127.0.0.1:8/v1", wire_api = "responses" }"#,
        ],
    ),
    ("model_reasoning_effort", &[r#""low""#, r#""high""#, r#""medium""#]),
    ("default_permissions", &[r#"":read-only""#, r#"":workspace""#, r#""mine""#]),
    (
        "permissions.mine",
        &[
            r#"{ extends = ":read-only" }"#,
            r#"{ extends = ":workspace", filesystem = { "/srv/a" = "read" } }"#,
        ],
    ),
    ("features.*", &["true", "false"]),
    (
        "mcp_servers.docs",
        &[
            r#"{ command = "docs-mcp" }"#,
            r#"{ command = "other-mcp", args = ["-x"] }"#,
            r#"{ command = "docs-mcp", enabled = false }"#,
        ],
    ),
    (
        "mcp_servers.tickets",
        &[
            r#"{ url = "https://mcp.example/" }"#,
            r#"{ url = "https://other.example/", enabled = false }"#,
        ],
    ),
    ("forced_login_method", &[r#""api""#, r#""chatgpt""#]),
    ("hide_agent_reasoning", &["true", "false"]),
    ("check_for_update_on_startup", &["true", "false"]),
    ("feedback.enabled", &["true", "false"]),
    ("history.persistence", &[r#""none""#, r#""save-all""#]),
    ("project_doc_max_bytes", &["1000", "0"]),
    ("cli_auth_credentials_store", &[r#""file""#, r#""auto""#]),
    ("tui.notifications", &["true", r#"["approval-requested"]"#]),
    ("shell_environment_policy.inherit", &[r#""all""#, r#""core""#, r#""none""#]),
    ("shell_environment_policy.set.A", &[r#""1""#, r#""2""#]),
    ("project_root_markers", &["[]", r#"[".git"]"#, r#"[".hg"]"#]),
    ("allow_login_shell", &["true", "false"]),
];

/// Values that Codex refuses or that contradict others, by requirement path.
pub(super) const UNSOUND: &[(&str, &str)] = &[
    ("allowed_approval_policies", "[]"),
    ("allowed_approvals_reviewers", "[]"),
    ("allowed_sandbox_modes", r#"["workspace-write"]"#),
    ("allowed_sandbox_modes", "[]"),
    ("allowed_permission_profiles.nowhere", "true"),
    ("default_permissions", r#""nowhere""#),
    ("rules.prefix_rules", "[]"),
    ("rules.prefix_rules", r#"[{ pattern = [{ token = "rm" }], decision = "allow" }]"#),
    ("rules.prefix_rules", r#"[{ pattern = [], decision = "prompt" }]"#),
    (
        "rules.prefix_rules",
        r#"[{ pattern = [{ token = "rm", any_of = ["a"] }], decision = "prompt" }]"#,
    ),
    ("rules.prefix_rules", r#"[{ pattern = [{ token = "rm" }] }]"#),
    ("mcp_servers.docs.identity", "{}"),
    ("experimental_network.domains.'*'", r#""allow""#),
    ("experimental_network.domains.'https://a.example/'", r#""allow""#),
    ("hooks.managed_dir", r#""/opt/other""#),
    ("permissions.build.extends", r#""nowhere""#),
    ("features.no_such_feature", "true"),
    ("features.collab", "true"),
    ("forced_login_method", r#""api""#),
    ("allowed_sandbox_mode", r#"["read-only"]"#),
    ("remote_sandbox_config", "[{ hostname_patterns = [], allowed_sandbox_modes = [] }]"),
    ("network.enabled", "true"),
];

/// Names of the entries of maps, by the path of the map; elsewhere `one` and `two`.
pub(super) fn names(map: &str) -> &'static [&'static str] {
    match map {
        "features" => &["apps", "plugins", "shell_tool", "unified_exec", "hooks", "multi_agent"],
        "allowed_permission_profiles" => {
            &["':read-only'", "':workspace'", "':danger-full-access'", "build"]
        }
        "permissions" => &["build", "deploy"],
        "mcp_servers" | "plugins.*.mcp_servers" => &["docs", "tickets"],
        "plugins" => &["'docs@market'", "'chat@market'"],
        path if path.ends_with(".domains") => {
            &["'a.example'", "'*.b.example'", "'**.c.example'", "'d.example'"]
        }
        path if path.ends_with(".unix_sockets") => &["'/run/a.sock'", "'/run/b.sock'"],
        path if path.ends_with(".workspace_roots") => &["'/srv/a'", "'~/b'"],
        path if path.ends_with(".filesystem") => &["'/srv/a'", "'/srv/b/**'", "'~/c'", "':root'"],
        path if path.ends_with(".origins") => &["'https://a.example'", "'https://b.example'"],
        "model_providers" => &["gateway", "backup"],
        path if path.ends_with(".tracestate") => &["vendor"],
        "tui.presets" => &["1", "2"],
        _ => &["one", "two"],
    }
}

/// Whether a key would make Codex wait for something, or needs the world's own server.
pub(super) fn waits(path: &str) -> bool {
    path.starts_with("config_server")
        || path == "model_catalog_json"
        || ["auth", "gateway_oauth", "aws"]
            .iter()
            .any(|part| path.starts_with(&format!("model_providers.*.{part}")))
}
