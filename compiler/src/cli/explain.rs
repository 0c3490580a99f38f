//! `explain`, `get` and `requirements`.

use codex_schema::lookup::{CONFIG, REQUIREMENTS, closest};
use codex_schema::path::{WrittenPath, parts};
use serde_json::Value as Json;

use super::arguments::{Explain, Get, Requirements};
use super::world::{World, look, paint};
use super::{Outcome, Output};
use crate::compose::startup_json::Secrets;
use crate::explain::{Explanation, Scope, Setting, explain as explain_all};
use crate::render::names::Names;
use crate::render::{explain_list, explain_one, explain_plain};

/// `explain [KEY]`.
pub(super) fn explain(arguments: &Explain, output: &mut Output) -> Outcome {
    let world = match look(&arguments.machine, &arguments.arguments) {
        Ok(world) => world,
        Err(message) => return usage(output, &message),
    };
    let scope = match (&arguments.key, arguments.all) {
        (Some(key), _) => Scope::Key(key),
        (None, true) => Scope::All,
        (None, false) => Scope::Said,
    };
    let explanation = explain_all(&world.evaluation, world.how, scope);
    if let Some(key) = &arguments.key
        && explanation.settings.is_empty()
    {
        if !is_known(key) {
            return unknown(output, key, &world);
        }
        output.talk.push_str(&format!("nobody sets anything in `{key}`\n"));
    }
    let paint = paint(&arguments.print);
    let names = Names::of(&explanation, &world.home);
    output.data = if arguments.print.json {
        json_text(&explanation)
    } else if arguments.print.plain {
        explain_plain::write(&explanation)
    } else if arguments.key.is_some() {
        explain_one::draw(&explanation, paint, &names)
    } else {
        explain_list::draw(&explanation, paint, &names)
    };
    for problem in &world.evaluation.gathered.arguments.problems {
        output.talk.push_str(&format!("codex would refuse its arguments: {}\n", problem.value));
    }
    if explanation.partial { Outcome::Partial } else { Outcome::Fine }
}

fn is_known(key: &str) -> bool {
    let path: Vec<&str> = parts(key).collect();
    CONFIG.find(&path).is_some() || REQUIREMENTS.find(&path).is_some()
}

fn unknown(output: &mut Output, key: &str, world: &World) -> Outcome {
    let explanation = explain_all(&world.evaluation, world.how, Scope::Said);
    let said = explanation.settings.iter().map(|setting| setting.key.as_str());
    let rows = CONFIG.keys().iter().chain(REQUIREMENTS.keys()).map(|row| row.path);
    let hint = closest(key, said.chain(rows));
    let hint = hint.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    usage(output, &format!("`{key}` is no key of Codex{hint}"))
}

/// `get KEY`.
pub(super) fn get(arguments: &Get, output: &mut Output) -> Outcome {
    let world = match look(&arguments.machine, &arguments.arguments) {
        Ok(world) => world,
        Err(message) => return usage(output, &message),
    };
    let explanation = explain_all(&world.evaluation, world.how, Scope::Key(&arguments.key));
    if explanation.settings.is_empty() && !is_known(&arguments.key) {
        return unknown(output, &arguments.key, &world);
    }
    if explanation.partial {
        output.talk.push_str("policy could not be read in full: see codex-config explain\n");
    }
    let asked = WrittenPath::new(&arguments.key);
    let exact = explanation.settings.iter().find(|one| asked.is(&one.path));
    let value = match exact {
        Some(setting) => setting.effective.clone(),
        None => below(&explanation.settings, &asked),
    };
    let Some(value) = value else { return Outcome::Findings };
    output.data = match &value {
        Json::String(text) if !arguments.json => format!("{text}\n"),
        other => format!("{other}\n"),
    };
    match exact {
        _ if explanation.partial => Outcome::Partial,
        Some(setting) if setting.locked => Outcome::Locked,
        _ => Outcome::Fine,
    }
}

/// A table is put together from the settings below it.
fn below(settings: &[Setting], asked: &WrittenPath<'_>) -> Option<Json> {
    let mut root = serde_json::Map::new();
    for setting in settings {
        let Some(value) = &setting.effective else { continue };
        let rest = asked.rest(&setting.path).unwrap_or_default();
        let Some((last, between)) = rest.split_last() else { continue };
        let mut table = Some(&mut root);
        for part in between {
            table = table.and_then(|table| {
                let next = table
                    .entry(part.as_str())
                    .or_insert_with(|| Json::Object(serde_json::Map::new()));
                next.as_object_mut()
            });
        }
        if let Some(table) = table {
            table.insert(last.clone(), value.clone());
        }
    }
    (!root.is_empty()).then_some(Json::Object(root))
}

/// `requirements`: the offline twin of Codex's own answer.
pub(super) fn requirements(arguments: &Requirements, output: &mut Output) -> Outcome {
    let world = match look(&arguments.machine, &[]) {
        Ok(world) => world,
        Err(message) => return usage(output, &message),
    };
    let secrets = if arguments.no_redact { Secrets::AsCodexPrints } else { Secrets::Redacted };
    match world.evaluation.config_requirements(secrets) {
        Ok(answer) => {
            output.data = format!("{answer}\n");
            Outcome::Fine
        }
        Err(error) => {
            output.data = format!("{error}\n");
            output.talk.push_str("Codex refuses this policy: see codex-config explain\n");
            Outcome::Findings
        }
    }
}

fn json_text(explanation: &Explanation) -> String {
    let text = serde_json::to_string_pretty(explanation);
    text.map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |text| text + "\n")
}

pub(super) fn usage(output: &mut Output, message: &str) -> Outcome {
    output.talk.push_str(&format!("codex-config: {message}\n"));
    Outcome::Usage
}
