//! What the user was already told.

use crate::key::{KEY, Key, SECTION, Section, Ty};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "notice.hide_gov_cloud_guidance",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether the hint about the government cloud was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.hide_full_access_warning",
        ty: Ty::of::<bool>(),
        doc: "Whether the warning about full access was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.hide_world_writable_warning",
        ty: Ty::of::<bool>(),
        doc: "Whether the warning about folders anyone can write was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.fast_default_opt_out",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the user declined the fast tier.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.hide_rate_limit_model_nudge",
        ty: Ty::of::<bool>(),
        doc: "Whether the hint to change models near the rate limit was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.hide_gpt5_1_migration_prompt",
        ty: Ty::of::<bool>(),
        doc: "Whether the first model migration prompt was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: r#"notice."hide_gpt-5.1-codex-max_migration_prompt""#,
        ty: Ty::of::<bool>(),
        doc: "Whether the second model migration prompt was dismissed.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.model_migrations.*",
        ty: Ty::of::<String>(),
        doc: "Model the user moved to from this one.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "notice.external_config_migration_prompts.home",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the user was asked to take over other agents' settings.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.external_config_migration_prompts.home_last_prompted_at",
        ty: Ty::of::<i64>(),
        since: Version::of(138),
        doc: "When the user was last asked to take over other agents' settings, in Unix seconds.",
        example: "1760000000",
        ..KEY
    },
    Key {
        path: "notice.external_config_migration_prompts.projects.*",
        ty: Ty::of::<bool>(),
        since: Version::of(138),
        doc: "Whether the user was asked to take over other agents' settings of this project.",
        example: "true",
        ..KEY
    },
    Key {
        path: "notice.external_config_migration_prompts.project_last_prompted_at.*",
        ty: Ty::of::<i64>(),
        since: Version::of(138),
        doc: "When the user was last asked about this project, in Unix seconds.",
        example: "1760000000",
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "notice", expecting: "struct Notice", ..SECTION },
    Section { path: "notice.model_migrations", ..SECTION },
    Section {
        path: "notice.external_config_migration_prompts",
        expecting: "struct ExternalConfigMigrationPrompts",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "notice.external_config_migration_prompts.projects",
        since: Version::of(138),
        ..SECTION
    },
    Section {
        path: "notice.external_config_migration_prompts.project_last_prompted_at",
        since: Version::of(138),
        ..SECTION
    },
];
