//! What is sent about sessions.

use crate::key::{KEY, Key, SECTION, Secret, Section, Tighter, Ty};
use crate::types::telemetry::{OtelExporterKind, ToolResultLogConfig};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "analytics.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        doc: "Whether usage data is sent.",
        example: "false",
        ..KEY
    },
    Key {
        path: "feedback.enabled",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        doc: "Whether users may send feedback.",
        example: "false",
        ..KEY
    },
    Key {
        path: "otel.tool_result",
        ty: Ty::of::<ToolResultLogConfig>(),
        since: Version::patched(157, 1),
        doc: "Most bytes of a tool result written to telemetry.",
        example: "{ max_bytes = 1024 }",
        ..KEY
    },
    Key {
        path: "otel.log_sse_deltas",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::of(169),
        doc: "Whether stream deltas are written to telemetry.",
        example: "false",
        ..KEY
    },
    Key {
        path: "otel.log_user_prompt",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        doc: "Whether user prompts are written to telemetry.",
        example: "false",
        ..KEY
    },
    Key {
        path: "otel.log_agent_responses",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::of(169),
        doc: "Whether answers of the agent are written to telemetry.",
        example: "false",
        ..KEY
    },
    Key {
        path: "otel.log_guardian_assessments",
        ty: Ty::of::<bool>(),
        tighter: Tighter::False,
        since: Version::of(169),
        doc: "Whether verdicts of the reviewer are written to telemetry.",
        example: "false",
        ..KEY
    },
    Key {
        path: "otel.environment",
        ty: Ty::of::<String>(),
        doc: "Name of the environment written to telemetry.",
        example: r#""prod""#,
        ..KEY
    },
    Key {
        path: "otel.exporter",
        ty: Ty::of::<OtelExporterKind>(),
        secret: Secret::Yes,
        doc: "Where telemetry logs go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.trace_exporter",
        ty: Ty::of::<OtelExporterKind>(),
        secret: Secret::Yes,
        doc: "Where telemetry traces go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.metrics_exporter",
        ty: Ty::of::<OtelExporterKind>(),
        secret: Secret::Yes,
        since: Version::of(118),
        doc: "Where telemetry metrics go.",
        example: r#""none""#,
        ..KEY
    },
    Key {
        path: "otel.span_attributes.*",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Attribute added to every telemetry span.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "otel.tracestate.*.*",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Member added to the W3C trace state.",
        example: r#""v""#,
        ..KEY
    },
    Key {
        path: "apps_mcp_product_sku",
        ty: Ty::of::<String>(),
        since: Version::of(138),
        doc: "Product name sent to the server of ChatGPT apps.",
        example: r#""sku""#,
        ..KEY
    },
];

pub(super) static SECTIONS: &[Section] = &[
    Section { path: "analytics", expecting: "struct AnalyticsConfigToml", ..SECTION },
    Section { path: "feedback", expecting: "struct FeedbackConfigToml", ..SECTION },
    Section { path: "otel", expecting: "struct OtelConfigToml", ..SECTION },
    Section { path: "otel.span_attributes", since: Version::of(138), ..SECTION },
    Section { path: "otel.tracestate", since: Version::of(138), ..SECTION },
    Section { path: "otel.tracestate.*", since: Version::of(138), ..SECTION },
];
