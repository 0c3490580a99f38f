//! What is sent about sessions.

use crate::key::{
    Effect, KEY, Key, Merge, Placeholder, SECTION, Secret, Section, Tighter, Ty, Unknown,
};
use crate::types::telemetry::{OtelExporterKind, ToolResultLogConfig};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "otel.tool_result",
        ty: Ty::of::<ToolResultLogConfig>(),
        merge: Merge::Whole,
        effect: Effect::Fixes("otel.tool_result"),
        since: Version::of(166),
        doc: "Most bytes of a tool result written to telemetry.",
        example: "{ max_bytes = 1024 }",
        ..KEY
    },
    Key {
        path: "otel.log_sse_deltas",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("otel.log_sse_deltas"),
        since: Version::of(166),
        doc: "Whether stream deltas are written to telemetry.",
        example: "true",
        ..KEY
    },
    Key {
        path: "otel.log_user_prompt",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("otel.log_user_prompt"),
        since: Version::of(166),
        doc: "Whether user prompts are written to telemetry.",
        example: "true",
        ..KEY
    },
    Key {
        path: "otel.log_agent_responses",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("otel.log_agent_responses"),
        since: Version::of(166),
        doc: "Whether answers of the agent are written to telemetry.",
        example: "true",
        ..KEY
    },
    Key {
        path: "otel.log_guardian_assessments",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        effect: Effect::Fixes("otel.log_guardian_assessments"),
        since: Version::of(166),
        doc: "Whether verdicts of the reviewer are written to telemetry.",
        example: "true",
        ..KEY
    },
    Key {
        path: "otel.environment",
        ty: Ty::of::<String>(),
        effect: Effect::Fixes("otel.environment"),
        since: Version::of(166),
        placeholder: Placeholder::Policy,
        doc: "Name of the environment written to telemetry; `{policy}` in it becomes the cohort and the \
              digest of its policy.",
        example: r#""prod {policy}""#,
        ..KEY
    },
    Key {
        path: "otel.exporter",
        ty: Ty::of::<OtelExporterKind>(),
        merge: Merge::Whole,
        effect: Effect::Fixes("otel.exporter"),
        secret: Secret::Yes,
        since: Version::of(166),
        doc: "Where telemetry logs go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.trace_exporter",
        ty: Ty::of::<OtelExporterKind>(),
        merge: Merge::Whole,
        effect: Effect::Fixes("otel.trace_exporter"),
        secret: Secret::Yes,
        since: Version::of(166),
        doc: "Where telemetry traces go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.metrics_exporter",
        ty: Ty::of::<OtelExporterKind>(),
        merge: Merge::Whole,
        effect: Effect::Fixes("otel.metrics_exporter"),
        secret: Secret::Yes,
        since: Version::of(166),
        doc: "Where telemetry metrics go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.span_attributes.*",
        ty: Ty::of::<String>(),
        effect: Effect::Fixes("otel.span_attributes.*"),
        since: Version::of(166),
        placeholder: Placeholder::Policy,
        doc: "Attribute added to every telemetry span; `{policy}` in it becomes the cohort and the digest \
              of its policy.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "otel.tracestate.*.*",
        ty: Ty::of::<String>(),
        effect: Effect::Fixes("otel.tracestate.*.*"),
        since: Version::of(166),
        doc: "Member added to the W3C trace state.",
        example: r#""v""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section {
        path: "otel",
        expecting: "struct OtelRequirementsToml",
        unknown: Unknown::Refused,
        ..SECTION
    },
    Section { path: "otel.tool_result", expecting: "struct ToolResultLogConfig", ..SECTION },
    Section { path: "otel.span_attributes", ..SECTION },
    Section { path: "otel.tracestate", ..SECTION },
    Section { path: "otel.tracestate.*", ..SECTION },
];
