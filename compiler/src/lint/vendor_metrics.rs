//! Metrics that still go to the vendor.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{View, entry};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let own = |table, key| {
        let node = &entry(table, &["otel", key])?.node;
        (!matches!(node.value.as_str(), Some("none" | "statsig"))).then_some(node.span)
    };
    let tables = [subject.requirements, subject.config];
    let metrics = tables.iter().find_map(|table| entry(table, &["otel", "metrics_exporter"]));
    if metrics.is_some_and(|metrics| metrics.node.value.as_str() != Some("statsig")) {
        return Vec::new();
    }
    let span = tables
        .iter()
        .find_map(|table| own(table, "exporter").or_else(|| own(table, "trace_exporter")));
    let finding = |span| {
        let message = "logs go to your exporter, and metrics to the vendor";
        Diagnostic::new(Code::VendorMetrics, message, span)
            .help("set `otel.metrics_exporter` to your exporter or to `\"none\"`")
    };
    span.map(finding).into_iter().collect()
}
