//! What the model is and how it answers.

use std::path::PathBuf;

use crate::key::{KEY, Key, SECTION, Section, Text, Ty};
use crate::types::setting::{CompactionScope, Personality, ReasoningSummary, Verbosity};
use crate::types::text::ReasoningEffort;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "model",
        ty: Ty::of::<String>(),
        doc: "Model that new sessions use.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "daybreak",
        ty: Ty::of::<bool>(),
        since: Version::of(169),
        doc: "Whether sessions take part in the Daybreak programme.",
        example: "true",
        ..KEY
    },
    Key {
        path: "review_model",
        ty: Ty::of::<String>(),
        doc: "Model that `/review` uses.",
        example: r#""gpt-5""#,
        ..KEY
    },
    Key {
        path: "model_provider",
        ty: Ty::of::<String>(),
        doc: "Name of the model provider that sessions use.",
        example: r#""openai""#,
        ..KEY
    },
    Key {
        path: "model_context_window",
        ty: Ty::of::<i64>(),
        doc: "Size of the model's context window in tokens.",
        example: "200000",
        ..KEY
    },
    Key {
        path: "model_auto_compact_token_limit",
        ty: Ty::of::<i64>(),
        doc: "Number of tokens at which the history is compacted.",
        example: "150000",
        ..KEY
    },
    Key {
        path: "model_auto_compact_token_limit_scope",
        ty: Ty::of::<CompactionScope>(),
        since: Version::of(138),
        doc: "Which tokens count towards the compaction limit.",
        example: r#""total""#,
        ..KEY
    },
    Key {
        path: "model_post_turn_compact_threshold_percent",
        ty: Ty::of::<u8>(),
        since: Version::patched(157, 1),
        doc: "Percentage of the context window above which a turn ends with compaction.",
        example: "80",
        ..KEY
    },
    Key {
        path: "model_instructions_file",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        doc: "File whose text replaces the model's built-in instructions.",
        example: r#""/etc/codex/model.md""#,
        ..KEY
    },
    Key {
        path: "compact_prompt",
        ty: Ty::of::<String>(),
        doc: "Prompt that asks the model to compact the history.",
        example: r#""Summarise.""#,
        ..KEY
    },
    Key {
        path: "model_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        doc: "How hard the model thinks.",
        example: r#""medium""#,
        ..KEY
    },
    Key {
        path: "plan_mode_reasoning_effort",
        ty: Ty::of::<ReasoningEffort>(),
        since: Version::of(118),
        doc: "How hard the model thinks while it plans.",
        example: r#""high""#,
        ..KEY
    },
    Key {
        path: "model_reasoning_summary",
        ty: Ty::of::<ReasoningSummary>(),
        doc: "How the model's reasoning is summarised.",
        example: r#""auto""#,
        ..KEY
    },
    Key {
        path: "model_verbosity",
        ty: Ty::of::<Verbosity>(),
        doc: "How long the model's answers are.",
        example: r#""medium""#,
        ..KEY
    },
    Key {
        path: "model_catalog_json",
        ty: Ty::of::<PathBuf>(),
        text: Text::Path,
        since: Version::of(118),
        doc: "File with the model catalogue used instead of the built-in one.",
        example: r#""/etc/codex/models.json""#,
        ..KEY
    },
    Key {
        path: "personality",
        ty: Ty::of::<Personality>(),
        doc: "Tone of the model's answers.",
        example: r#""pragmatic""#,
        ..KEY
    },
    Key {
        path: "service_tier",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Service tier asked for with each request.",
        example: r#""priority""#,
        ..KEY
    },
    Key {
        path: "oss_provider",
        ty: Ty::of::<String>(),
        doc: "Provider that `--oss` uses.",
        example: r#""ollama""#,
        ..KEY
    },
    Key {
        path: "responses_api_metadata.*",
        ty: Ty::of::<String>(),
        since: Version::patched(157, 1),
        doc: "Metadata entry sent with each model request.",
        example: r#""v""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] =
    &[Section { path: "responses_api_metadata", since: Version::patched(157, 1), ..SECTION }];
