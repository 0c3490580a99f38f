//! What Codex shows becomes a decision that can be compared.

use codex_oracle::OracleError;
use serde_json::Value as Json;

use super::Real;
use super::play::{Kind, Part};
use crate::cases::{Asked, Told};
use crate::decide::answer::Verdict;
use crate::decide::question::Question as Decision;
use crate::repository::Case;
use crate::repository::case::Asked as Question;

/// What one answer shows.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// A decision; `Allow` also where the policy has no say, which cannot be seen from outside.
    Decided(Verdict, String),
    /// A feature that the person set so is in this state; `None` where Codex has no such feature.
    Feature { wish: bool, on: Option<bool> },
    /// A value in the end, and the one that was wanted.
    Value { value: Json, wanted: Option<Json> },
    /// A value that Codex prints, and the one that the model prints.
    Printed { value: Json, model: Json },
    /// Codex refuses to start.
    Refused(String),
    /// Nothing.
    Broken(String),
}

/// Reads what one answer shows of one question.
pub(super) fn judge(answer: &Result<Json, OracleError>, part: &Part) -> Shown {
    let document = match answer {
        Ok(document) => document,
        Err(OracleError::Refused { message }) => return Shown::Refused(message.clone()),
        Err(OracleError::Harness { message }) => return Shown::Broken(message.clone()),
    };
    match &part.kind {
        Kind::Command(at) => command(document, *at),
        Kind::Host(at, host) => connection(document, *at, host),
        Kind::Path(at) => access(document, *at),
        Kind::Server(name) => server(document, name),
        Kind::Feature(name, wish) => {
            Shown::Feature { wish: *wish, on: document.get(name).and_then(Json::as_bool) }
        }
        Kind::Setting(field, wanted) => {
            let value = document.pointer(&format!("/thread/{field}")).unwrap_or(&Json::Null);
            Shown::Value { value: as_setting(value), wanted: wanted.clone() }
        }
        Kind::Requirement(name, model) => Shown::Printed {
            value: document
                .pointer("/requirements")
                .and_then(|all| all.get(name))
                .cloned()
                .unwrap_or_default(),
            model: model.clone().unwrap_or_default(),
        },
    }
}

/// The field of a started thread that shows a setting.
///
/// # Errors
/// Why there is none.
pub(super) fn thread_field(key: &str) -> Result<&'static str, String> {
    match key {
        "approval_policy" => Ok("approvalPolicy"),
        "approvals_reviewer" => Ok("approvalsReviewer"),
        "sandbox_mode" => Ok("sandbox"),
        "default_permissions" => Ok("activePermissionProfile"),
        "model" => Ok("model"),
        "model_provider" => Ok("modelProvider"),
        _ => Err("Codex does not tell what this setting is in the end".to_owned()),
    }
}

/// The name under which Codex prints a requirement.
pub(super) fn printed_name(key: &str) -> String {
    let top = key.split('.').next().unwrap_or(key);
    let mut words = top.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// A value of a thread as the setting is written.
fn as_setting(value: &Json) -> Json {
    let word = match value {
        Json::Object(fields) => fields.get("type").or_else(|| fields.get("id")).unwrap_or(value),
        other => other,
    };
    match word.as_str() {
        Some("readOnly") => "read-only".into(),
        Some("workspaceWrite") => "workspace-write".into(),
        Some("dangerFullAccess") => "danger-full-access".into(),
        _ => word.clone(),
    }
}

/// What Codex told the model about a call: whether it ran, its exit code, its text.
fn told(document: &Json, at: usize) -> (bool, i64, &str) {
    let told = document.pointer(&format!("/commands/{at}")).unwrap_or(&Json::Null);
    let ran = told.get("status").is_some_and(|status| status == "ran");
    let exit = told.get("exit").and_then(Json::as_i64).unwrap_or_default();
    (ran, exit, told.get("text").and_then(Json::as_str).unwrap_or_default())
}

fn command(document: &Json, at: usize) -> Shown {
    let (ran, _, text) = told(document, at);
    let (verdict, words) = match text {
        _ if ran => (Verdict::Allow, "it runs"),
        text if text.contains("approval request failed") => {
            (Verdict::PromptUser, "only a person may answer")
        }
        text if text.contains("rejected by user") => (Verdict::Prompt, "it asks"),
        // The sandbox held it: it was let through, into the sandbox.
        text if text.contains("Sandbox(Denied") => (Verdict::Allow, "it runs, in the sandbox"),
        "" => return Shown::Broken("Codex told the model nothing about the command".to_owned()),
        text => (Verdict::Deny, text),
    };
    Shown::Decided(verdict, words.to_owned())
}

fn connection(document: &Json, at: usize, host: &str) -> Shown {
    let (ran, exit, text) = told(document, at);
    let asked = document.get("asks").and_then(Json::as_array).into_iter().flatten();
    let own = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok();
    let (verdict, words) = match text {
        _ if asked.clone().any(|asked| asked.get("host").is_some_and(|one| one == host)) => {
            (Verdict::Prompt, "it asks")
        }
        text if text.contains("explicitly denied") || text.contains("\"reason\":\"denied\"") => {
            (Verdict::Deny, "denied by an entry")
        }
        text if text.contains("not on the allowlist")
            || text.contains("\"reason\":\"not_allowed\"") =>
        {
            (Verdict::Deny, "not on the list")
        }
        // Nothing has an address here, which is said of names that the list has let through.
        text if text.contains("local/private") || text.contains("not_allowed_local") => {
            if own {
                (Verdict::Deny, "a local address")
            } else {
                (Verdict::Allow, "let through")
            }
        }
        _ if ran && exit == 0 => (Verdict::Allow, "reached"),
        // No proxy stands between: the name itself leads nowhere.
        _ if ran => (Verdict::Allow, "no proxy looks at it"),
        text if text.contains("rejected by user") => (Verdict::Prompt, "it asks"),
        "" => return Shown::Broken("Codex told the model nothing about the command".to_owned()),
        text => (Verdict::Deny, text),
    };
    Shown::Decided(verdict, words.to_owned())
}

fn access(document: &Json, at: usize) -> Shown {
    let (ran, exit, text) = told(document, at);
    let denied = ["Permission denied", "Read-only file system", "Operation not permitted"];
    match text {
        _ if ran && exit == 0 => Shown::Decided(Verdict::Allow, "it works".to_owned()),
        text if denied.iter().any(|words| text.contains(words)) => {
            Shown::Decided(Verdict::Deny, "permission denied".to_owned())
        }
        text if text.contains("rejected by user") => {
            Shown::Decided(Verdict::Prompt, "it asks".to_owned())
        }
        text => Shown::Broken(format!("Codex told the model `{text}`")),
    }
}

fn server(document: &Json, name: &str) -> Shown {
    let Some(server) = document.get(name) else {
        return Shown::Broken(format!("no server `{name}` is configured"));
    };
    if server.get("enabled").and_then(Json::as_bool) == Some(true) {
        return Shown::Decided(Verdict::Allow, "it is enabled".to_owned());
    }
    let reason = server.get("disabled_reason").and_then(Json::as_str).unwrap_or("disabled");
    Shown::Decided(Verdict::Deny, reason.to_owned())
}

/// What came of a case: all of its answers together.
pub(super) fn together(shown: &[Shown], case: &Case, model: &Asked) -> Real {
    match shown {
        [Shown::Broken(why), ..] | [_, Shown::Broken(why), ..] => Real::Broken(why.clone()),
        [Shown::Refused(words), ..] => refused(words, case, model),
        [Shown::Decided(verdict, words)] => decided(*verdict, words, case, model),
        [Shown::Feature { .. }, Shown::Feature { .. }] => feature(shown, case, model),
        [Shown::Value { value, wanted }] => of_value(value, wanted.as_ref(), case, model),
        [Shown::Printed { value, model: printed }] => Real::Shown {
            words: value.to_string(),
            expected: value == printed && model.misses.is_empty(),
            as_model: value == printed,
        },
        _ => Real::Broken("the answer was lost".to_owned()),
    }
}

/// Codex starts no session: over the value that is wanted, which denies it, or over the policy, and
/// then no case passes.
fn refused(words: &str, case: &Case, model: &Asked) -> Real {
    let wish = matches!(case.asked, Question::Decision(Decision::Setting { .. }));
    let denied = |verdict: Option<Verdict>| wish && verdict == Some(Verdict::Deny);
    let wanted = case.expected.decision.as_ref().map(|it| Verdict::from(it.value));
    Real::Shown {
        words: format!("refuses to start: {}", first_line(words)),
        expected: denied(wanted) && denied(model.told.verdict()),
        as_model: matches!(model.told, Told::Refused(_)) || denied(model.told.verdict()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// From outside it cannot be seen whether the policy has a say in what happens.
fn seen(verdict: Verdict) -> Verdict {
    if verdict == Verdict::Unmanaged { Verdict::Allow } else { verdict }
}

fn decided(verdict: Verdict, words: &str, case: &Case, model: &Asked) -> Real {
    let wanted = case.expected.decision.as_ref().map(|it| Verdict::from(it.value));
    Real::Shown {
        words: format!("{}: {}", verdict.word(), first_line(words)),
        expected: wanted.is_none_or(|wanted| seen(wanted) == seen(verdict)),
        as_model: model.told.verdict().is_some_and(|told| seen(told) == seen(verdict)),
    }
}

fn feature(shown: &[Shown], case: &Case, model: &Asked) -> Real {
    let state = |wanted: bool| {
        shown.iter().find_map(|one| match one {
            Shown::Feature { wish, on } if *wish == wanted => Some(*on),
            _ => None,
        })
    };
    let (verdict, words) = match (state(true).flatten(), state(false).flatten()) {
        (Some(true), Some(true)) => (Verdict::Allow, "on, whatever is configured"),
        (Some(false), Some(false)) => (Verdict::Deny, "off, whatever is configured"),
        (Some(_), Some(_)) => (Verdict::Unmanaged, "as it is configured"),
        _ => (Verdict::Deny, "Codex has no such feature"),
    };
    let wanted = case.expected.decision.as_ref().map(|it| Verdict::from(it.value));
    Real::Shown {
        words: format!("{}: {words}", verdict.word()),
        expected: wanted.is_none_or(|wanted| wanted == verdict),
        as_model: model.told.verdict() == Some(verdict),
    }
}

fn of_value(value: &Json, wanted: Option<&Json>, case: &Case, model: &Asked) -> Real {
    let granted = wanted.map(|wanted| wanted == value);
    let decision = case.expected.decision.as_ref().map(|it| Verdict::from(it.value));
    let runs = |verdict: Verdict| seen(verdict) == Verdict::Allow;
    let as_decided = decision.is_none_or(|it| granted.is_none_or(|granted| runs(it) == granted));
    let as_valued = case.expected.value.as_ref().is_none_or(|expected| expected.value == *value);
    let of_model = match &model.told {
        Told::Decided(_, value) | Told::Value(value, _) => value.clone().unwrap_or_default(),
        Told::Refused(_) => Json::Null,
    };
    Real::Shown {
        words: value.to_string(),
        expected: as_decided && as_valued,
        as_model: of_model == *value,
    }
}
