//! What a person can do about a setting.

use serde_json::Value as Json;

use super::{Candidate, Outcome, Reason, Status};

/// Plain advice for the case at hand; empty where nothing is to be done.
pub(super) fn actions(
    key: &str,
    status: Status,
    effective: Option<&Json>,
    allowed: Option<&Json>,
    candidates: &[Candidate],
) -> Vec<String> {
    let mut found = Vec::new();
    let lost = candidates.iter().find(|candidate| {
        matches!(candidate.reason, Some(Reason::NotAllowed | Reason::FixedByRequirement))
    });
    if let Some(lost) = lost {
        let place = lost.place.as_ref().map(ToString::to_string).unwrap_or_default();
        if let Some(choices) = allowed.and_then(Json::as_array).filter(|list| list.len() > 1) {
            let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
            found.push(format!("choose one of {} in {place}", names.join(", ")));
        } else if let Some(value) = effective {
            found.push(format!("keep {value}, and remove the line that asks for more: {place}"));
        }
        if status == Status::Clamped && key == "approval_policy" {
            found.push(
                "to be asked less, let reviewed actions through: approvals_reviewer = \
                 \"auto_review\", where your policy allows it"
                    .to_owned(),
            );
        }
        found.push(format!(
            "if you need {}, ask the owner of the requirement named above for an exception",
            lost.value
        ));
    }
    for candidate in candidates {
        match (candidate.outcome, candidate.reason, &candidate.place) {
            (Outcome::NotLoaded, Some(Reason::Untrusted), Some(place)) => found.push(format!(
                "{place} counts once its folder is trusted: start codex there and accept"
            )),
            (_, Some(Reason::IgnoredWithProfiles), Some(place)) => found.push(format!(
                "{place} has no effect: permission profiles are managed; choose a profile with \
                 default_permissions instead"
            )),
            _ => {}
        }
    }
    found
}
