//! Predictions of the questions about commands: what rules match, and what a session does with a
//! command, as far as rules have a say.

use codex_compiler::codex_answers;
use codex_compiler::decide::answer::{Answer, Placement, Verdict};
use codex_compiler::decide::command_line;
use codex_compiler::decide::question::Question;
use codex_compiler::evaluate::Evaluation;
use codex_compiler::sources::rules_file::{self, Limits, ProblemKind, RuleMatch, RulesFile};
use codex_oracle::{FileSpec, TurnScript, WorldSpec};
use codex_schema::version::Version;
use serde_json::{Map, Value as Json, json};

use crate::predict::{evaluation, expand};

/// What `codex execpolicy check` prints about a command.
///
/// # Errors
/// The text with which it refuses a file.
pub fn execpolicy(
    spec: &WorldSpec,
    command: &[String],
    files: &[String],
    flags: &[String],
) -> Result<Json, String> {
    let mut read: Vec<RulesFile> = Vec::new();
    for path in files {
        let text = match spec.files.get(path) {
            Some(FileSpec::Text(text)) => expand(text),
            _ => String::new(),
        };
        let file = rules_file::read_after(&text, &read, &Limits::default());
        read.push(file.map_err(|problem| problem.message)?);
    }
    let resolve = flags.iter().any(|flag| flag == "--resolve-host-executables");
    let found = rules_file::evaluate(&read, command, resolve);
    let mut answer = Map::new();
    answer.insert("matchedRules".to_owned(), found.matches.iter().map(matched).collect());
    if let Some(decision) = found.decision {
        answer.insert("decision".to_owned(), json!(decision.as_str()));
    }
    Ok(Json::Object(answer))
}

fn matched(found: &RuleMatch<'_>) -> Json {
    let RuleMatch { rule, matched_prefix, resolved_program } = found;
    let mut rule_match = json!({
        "matchedPrefix": matched_prefix,
        "decision": rule.decision.as_str(),
    });
    let optional = [("resolvedProgram", resolved_program), ("justification", &rule.justification)];
    if let Some(object) = rule_match.as_object_mut() {
        for (name, value) in optional {
            object.extend(value.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
    }
    json!({ "prefixRuleMatch": rule_match })
}

/// What a turn does with its commands; nothing where rules have no say in it, or where running the
/// commands would take a shell.
pub fn turn(
    spec: &WorldSpec,
    script: &TurnScript,
    version: Version,
) -> Option<Result<Json, String>> {
    let has_rules = spec.files.iter().any(|(path, file)| {
        let of_requirements = matches!(file, FileSpec::Text(text) if text.contains("prefix_rules"));
        path.contains("/rules/") || of_requirements
    });
    if !has_rules || script.decision.is_some() || !script.tool.is_empty() {
        return None;
    }
    let evaluation = evaluation(spec, version);
    let (mut commands, mut asks) = (Vec::new(), Vec::new());
    for text in script.cmds.iter().map(|text| expand(text)) {
        let argv = ["/bin/bash", "-c", &text].map(str::to_owned).to_vec();
        let line = command_line(&argv);
        let answer = codex_compiler::decide::answer(&evaluation, &Question::Command(argv));
        commands.push(told(&answer, &text)?);
        if answer.verdict == Verdict::Prompt {
            asks.push(json!({ "command": line, "reason": answer.codex_says }));
        }
    }
    let warnings = match codex_answers::thread(&evaluation, &evaluation) {
        Ok(thread) => thread.get("warnings").cloned().unwrap_or_else(|| json!([])),
        Err(text) => return Some(Err(text)),
    };
    let mut warnings = warnings.as_array().cloned().unwrap_or_default();
    if loses_rules(&evaluation) {
        warnings.push(json!("Error parsing rules; custom rules not applied."));
    }
    Some(Ok(json!({ "commands": commands, "asks": asks, "warnings": warnings })))
}

/// What the tool tells the model of a command.
fn told(answer: &Answer, text: &str) -> Option<Json> {
    let refused = |says: &str| {
        let message = format!("Rejected({says:?})");
        let text = format!("exec_command failed: CreateProcess {{ message: {message:?} }}");
        Some(json!({ "status": "refused", "text": text }))
    };
    match answer.verdict {
        Verdict::Prompt => refused("rejected by user"),
        Verdict::PromptUser => refused("approval request failed"),
        Verdict::Deny => refused(answer.codex_says.as_deref()?),
        Verdict::Allow | Verdict::Unmanaged => ran(text, answer.placement?),
    }
}

/// Runs the few commands that vectors have.
fn ran(text: &str, placement: Placement) -> Option<Json> {
    if text == "ls /" {
        return Some(json!({ "status": "ran", "exit": 0 }));
    }
    let said = |text: &str| json!({ "status": "ran", "exit": 0, "text": text });
    let (written, printed) = match text.split_once(" && echo ") {
        Some((touch, printed)) => (touch.strip_prefix("touch ")?, printed),
        None => (text.strip_prefix("echo x > ")?, ""),
    };
    // Nobody's sandbox writes to Codex's own folder.
    let allowed = placement == Placement::OutsideSandbox || !written.starts_with("/world/home/");
    Some(if allowed { said(printed) } else { json!({ "status": "ran", "exit": 1 }) })
}

fn loses_rules(evaluation: &Evaluation) -> bool {
    let loaded = evaluation.gathered.rules.iter().filter(|file| file.not_loaded.is_none());
    let texts = loaded.filter_map(|file| evaluation.documents().get(file.source));
    texts.into_iter().any(|document| {
        let read = rules_file::read(&document.text, &Limits::default());
        read.is_err_and(|problem| problem.kind == ProblemKind::Refused)
    })
}
