//! Keys that a project's own configuration may not set: it comes with the code, not with a person.

use codex_schema::value::{Table, Value};

use crate::era::Era;

/// The keys in the order in which Codex lists them in its warning, with the first measured version
/// (0.118, 0.138, 0.157) that takes each out.
pub const DENIED: &[(&str, u32)] = &[
    ("openai_base_url", 138),
    ("chatgpt_base_url", 138),
    ("apps_mcp_product_sku", 138),
    ("responses_api_metadata", 157),
    ("model_provider", 138),
    ("model_providers", 138),
    ("notify", 138),
    ("profile", 138),
    ("profiles", 138),
    ("experimental_realtime_webrtc_call_base_url", 157),
    ("experimental_realtime_ws_base_url", 138),
    ("otel", 138),
    ("tui.keymap.chat.previous_permission_mode", 169),
    ("tui.keymap.chat.next_permission_mode", 169),
];

/// Takes the denied keys out of a project's layer and names them.
pub fn take_out(root: &mut Table, era: &Era) -> Vec<&'static str> {
    let denied = DENIED.iter().filter(|(_, since)| era.project_denies(*since));
    denied.filter(|(key, _)| remove(root, key)).map(|(key, _)| *key).collect()
}

/// Takes out a dotted key; the tables around it stay.
fn remove(root: &mut Table, path: &str) -> bool {
    match path.split_once('.') {
        None => root.remove(path).is_some(),
        Some((first, rest)) => match root.get_mut(first).map(|node| &mut node.value) {
            Some(Value::Table(below)) => remove(below, rest),
            _ => false,
        },
    }
}
