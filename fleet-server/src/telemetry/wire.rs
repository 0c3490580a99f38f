//! The part of OTLP that is used, field for field as `opentelemetry-proto` 1.x numbers them
//! (`common.proto`, `resource.proto`, `metrics.proto`, `logs.proto` and the two `*_service.proto`).

use prost::{Message, Oneof};

use super::log::Record;
use crate::metrics::{Figure, Kind, PREFIX};

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Value {
    #[prost(string, tag = "1")]
    Text(String),
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Data {
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    #[prost(message, tag = "7")]
    Sum(Sum),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    #[prost(oneof = "Value", tags = "1")]
    pub(super) value: Option<Value>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct InstrumentationScope {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NumberDataPoint {
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<KeyValue>,
    #[prost(fixed64, tag = "2")]
    pub(super) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    #[prost(sfixed64, tag = "6")]
    pub(super) as_int: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Gauge {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<NumberDataPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sum {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<NumberDataPoint>,
    #[prost(int32, tag = "2")]
    pub(super) aggregation_temporality: i32,
    #[prost(bool, tag = "3")]
    pub(super) is_monotonic: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(oneof = "Data", tags = "5, 7")]
    pub(super) data: Option<Data>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<InstrumentationScope>,
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_metrics: Vec<ScopeMetrics>,
}

/// `ExportMetricsServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Metrics {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct LogRecord {
    #[prost(fixed64, tag = "1")]
    pub(super) time_unix_nano: u64,
    #[prost(int32, tag = "2")]
    pub(super) severity_number: i32,
    #[prost(string, tag = "3")]
    pub(super) severity_text: String,
    #[prost(message, optional, tag = "5")]
    pub(super) body: Option<AnyValue>,
    #[prost(message, repeated, tag = "6")]
    pub(super) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<InstrumentationScope>,
    #[prost(message, repeated, tag = "2")]
    pub(super) log_records: Vec<LogRecord>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceLogs {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_logs: Vec<ScopeLogs>,
}

/// `ExportLogsServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Logs {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_logs: Vec<ResourceLogs>,
}

/// Counted since the process began.
const CUMULATIVE: i32 = 2;

fn text(text: &str) -> AnyValue {
    AnyValue { value: Some(Value::Text(text.to_owned())) }
}

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(text(value)) }
}

fn resource(organisation: &str) -> Resource {
    let attributes = vec![
        pair("service.name", env!("CARGO_PKG_NAME")),
        pair("service.namespace", organisation),
        pair("service.version", env!("CARGO_PKG_VERSION")),
        pair("service.instance.id", &std::process::id().to_string()),
    ];
    Resource { attributes }
}

fn scope() -> InstrumentationScope {
    let (name, version) = (env!("CARGO_PKG_NAME").to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    InstrumentationScope { name, version }
}

/// Figures, between when the process began and now, in nanoseconds since 1970.
pub(super) fn metrics(
    organisation: &str,
    figures: &[Figure],
    (started, now): (u64, u64),
) -> Metrics {
    let mut metrics: Vec<Metric> = Vec::new();
    for group in figures.chunk_by(|one, other| one.name == other.name) {
        let point = |one: &Figure| NumberDataPoint {
            attributes: one.labels.iter().map(|(name, value)| pair(name, value)).collect(),
            start_time_unix_nano: started,
            time_unix_nano: now,
            as_int: one.value,
        };
        let data_points = group.iter().map(point).collect();
        let Some(first) = group.first() else { continue };
        let data = match first.kind {
            Kind::Gauge => Data::Gauge(Gauge { data_points }),
            Kind::Counter => Data::Sum(Sum {
                data_points,
                aggregation_temporality: CUMULATIVE,
                is_monotonic: true,
            }),
        };
        metrics.push(Metric { name: format!("{PREFIX}{}", first.name), data: Some(data) });
    }
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope()), metrics }];
    let resource = Some(resource(organisation));
    Metrics { resource_metrics: vec![ResourceMetrics { resource, scope_metrics }] }
}

/// Records of the log.
pub(super) fn logs(organisation: &str, records: Vec<Record>) -> Logs {
    let record = |record: Record| {
        let Record { at, level, message, fields } = record;
        LogRecord {
            time_unix_nano: at,
            severity_number: match level {
                tracing::Level::TRACE => 1,
                tracing::Level::DEBUG => 5,
                tracing::Level::INFO => 9,
                tracing::Level::WARN => 13,
                tracing::Level::ERROR => 17,
            },
            severity_text: level.to_string(),
            body: Some(text(&message)),
            attributes: fields.iter().map(|(name, value)| pair(name, value)).collect(),
        }
    };
    let log_records = records.into_iter().map(record).collect();
    let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records }];
    let resource = Some(resource(organisation));
    Logs { resource_logs: vec![ResourceLogs { resource, scope_logs }] }
}
