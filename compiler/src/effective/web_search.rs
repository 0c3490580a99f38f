//! Whether the model may search the web.

use super::approval::fallback_text;
use super::{Clamp, Clamped, Inputs, listed};
use crate::compose::refusals::lists::variant_name;

const MODES: &str = "allowed_web_search_modes";

/// Modes in the order in which Codex falls back.
const FALLBACK: &[&str] = &["cached", "indexed", "live", "disabled"];

/// The mode in force. Disabled is always allowed; the built-in default is `cached`.
pub fn resolve(inputs: &Inputs<'_>) -> Clamped<String> {
    let wanted = inputs.wanted("web_search").and_then(|node| node.value.as_str());
    let value = wanted.unwrap_or("cached").to_owned();
    let Some(list) = inputs.requirement(&[MODES]) else { return Clamped { value, clamp: None } };
    let allowed = |mode: &str| mode == "disabled" || listed(list).any(|one| one == mode);
    if allowed(&value) {
        return Clamped { value, clamp: None };
    }
    let fallback = FALLBACK.iter().find(|mode| allowed(mode)).copied().unwrap_or("disabled");
    // Codex prints the set in the order of its own enum.
    let names: Vec<String> = ["disabled", "cached", "indexed", "live"]
        .into_iter()
        .filter(|mode| allowed(mode))
        .map(variant_name)
        .collect();
    let warning = fallback_text(
        "web_search_mode",
        "web_search_mode",
        &variant_name(&value),
        &variant_name(fallback),
        &names,
        &inputs.set_by(MODES),
    );
    let clamp = Clamp { by: MODES, span: Some(list.span), warning: Some(warning) };
    Clamped { value: fallback.to_owned(), clamp: Some(clamp) }
}
