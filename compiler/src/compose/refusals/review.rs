//! Models that need automatic review.

use super::{Merged, Refusal};

/// Slugs are exact: no provider before them, no space around them.
pub(super) fn model_slugs(merged: &Merged<'_>) -> Vec<Refusal> {
    let Some(list) = merged.get(&["auto_review", "required_on_models"]) else { return Vec::new() };
    let elements = list.value.as_array().unwrap_or_default();
    let wrong = elements
        .iter()
        .filter_map(|one| Some((one, one.value.as_str()?)))
        .filter(|(_, slug)| slug.is_empty() || slug.trim() != *slug || slug.contains('/'));
    wrong
        .map(|(one, slug)| {
            let text = format!(
                "invalid value for `auto_review.required_on_models`: `{slug:?}` is not in the \
                 allowed set non-empty model slugs without surrounding whitespace or provider \
                 namespaces (set by {})",
                merged.set_by("auto_review")
            );
            Refusal::start(text, Some(one.span))
        })
        .collect()
}
