//! Keys that a project's own configuration may not set: it comes with the code, not with a person.

use codex_schema::value::Table;

use crate::era::Era;

/// The keys in the order in which Codex lists them in its warning.
pub const DENIED: &[(&str, u32)] = &[
    ("openai_base_url", 0),
    ("chatgpt_base_url", 0),
    ("apps_mcp_product_sku", 0),
    ("responses_api_metadata", 0),
    ("model_provider", 0),
    ("model_providers", 0),
    ("notify", 0),
    ("profile", 0),
    ("profiles", 0),
    ("experimental_realtime_webrtc_call_base_url", 0),
    ("experimental_realtime_ws_base_url", 0),
    ("otel", 0),
];

/// Takes the denied keys out of a project's layer and names them.
pub fn take_out(root: &mut Table, era: &Era) -> Vec<&'static str> {
    let denied = DENIED.iter().filter(|(_, since)| era.project_denies(*since));
    denied.filter(|(key, _)| root.remove(key).is_some()).map(|(key, _)| *key).collect()
}
