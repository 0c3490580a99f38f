//! One record per setting.

use codex_schema::key::{Effect, Key, Secret};
use codex_schema::lookup::CONFIG;
use codex_schema::path::{WrittenPath, dotted};
use codex_schema::reader::read_toml_value;
use codex_schema::source::{Channel, ConfigTier, Documents};
use codex_schema::span::{SourceId, Span};
use codex_schema::value::{Node, Value};
use serde_json::{Value as Json, json};

use super::outcome::{self, End};
use super::subjects::{Path, Subject, subjects};
use super::{Candidate, Lock, Outcome, Place, Reason, Scope, Setting, Status, Voice, advice};
use super::{channel_name, tier_name};
use crate::compile::{CONFIG_FILE, REQUIREMENTS_FILE};
use crate::digest::sha256_hex;
use crate::effective::Session;
use crate::evaluate::Evaluation;
use crate::layers::NotLoaded;
use crate::origins::Origin;

/// All settings in scope, by key.
pub(super) fn settings(evaluation: &Evaluation, scope: Scope<'_>) -> Vec<Setting> {
    let session = evaluation.session();
    let mut found: Vec<Setting> = subjects(evaluation, scope)
        .into_iter()
        .map(|(path, subject)| setting(path, &subject, evaluation, &session))
        .collect();
    found.extend(disabled_servers(evaluation, scope));
    found.sort_by(|left, right| left.key.cmp(&right.key));
    found
}

fn setting(path: Path, subject: &Subject, evaluation: &Evaluation, session: &Session) -> Setting {
    let key = dotted(&path);
    let requirement_rows = subject.requirements.iter().map(|(row, _)| *row);
    let sensitive = subject.config.into_iter().chain(requirement_rows).any(is_secret);
    let mut candidates = candidates(&key, &path, evaluation, sensitive);
    let wanted = wanted(&key, &path, evaluation);
    let default = subject.config.and_then(default_of);
    let end = end(&key, subject, wanted.as_ref(), default.clone(), evaluation, session);
    settle(&mut candidates, &end);
    let mut voices = voices(subject, evaluation, sensitive);
    voices.sort_by_key(|voice| voice.outcome != Outcome::Won);
    let effective = end.effective.map(|value| hide(value, sensitive));
    let only_unloaded = wanted.is_none()
        && candidates.iter().any(|one| one.outcome == Outcome::NotLoaded)
        && end.status == Status::Default;
    let status = if only_unloaded { Status::NotLoaded } else { end.status };
    Setting {
        about: about(subject),
        actions: advice::actions(
            &key,
            status,
            effective.as_ref(),
            end.allowed.as_ref(),
            &candidates,
        ),
        key,
        path,
        effective,
        wanted: wanted.map(|value| hide(value, sensitive)),
        default,
        status,
        locked: end.locked,
        locked_by: end.by.map(|(key, span)| Lock {
            key: key.to_owned(),
            place: span.and_then(|span| place(evaluation, span)),
        }),
        allowed: end.allowed,
        sensitive,
        candidates,
        requirements: voices,
        codex_says: end.codex_says.filter(|_| !sensitive),
    }
}

fn about(subject: &Subject) -> String {
    let row = subject.config.or_else(|| subject.requirements.first().map(|(row, _)| *row));
    row.map_or_else(String::new, |row| row.doc.to_owned())
}

fn is_secret(row: &Key) -> bool {
    row.secret == Secret::Yes
}

fn default_of(row: &Key) -> Option<Json> {
    if row.default.is_empty() {
        return None;
    }
    read_toml_value(row.default, SourceId::BUILT_IN).map(|node| json!(node.value))
}

/// A secret becomes a mark by which two machines can be compared without telling it.
fn hide(value: Json, sensitive: bool) -> Json {
    if !sensitive {
        return value;
    }
    let digest = sha256_hex(value.to_string().as_bytes());
    json!({"redacted": true, "sha256_8": digest.get(..8)})
}

/// What the configuration asks for, requests on the command line first.
fn wanted(key: &str, path: &[String], evaluation: &Evaluation) -> Option<Json> {
    let request = evaluation.inputs().request(key);
    let node = request.or_else(|| evaluation.config().at(path))?;
    Some(json!(node.value))
}

fn candidates(
    key: &str,
    path: &[String],
    evaluation: &Evaluation,
    sensitive: bool,
) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut won = false;
    let requests = &evaluation.gathered.arguments.requests;
    for (_, node) in requests.iter().rev().filter(|(name, _)| *name == key) {
        found.push(candidate(tier_name(ConfigTier::CommandLine), node, won, evaluation, sensitive));
        won = true;
    }
    for layer in evaluation.configuration.layers.iter().rev() {
        let Some(node) = layer.layer.root.at(path) else { continue };
        let mut one = candidate(tier_name(layer.tier), node, won, evaluation, sensitive);
        if layer.tier == ConfigTier::System {
            one.origins = origins(evaluation, CONFIG_FILE, path);
        }
        match layer.not_loaded {
            Some(NotLoaded::Untrusted) => {
                one.outcome = Outcome::NotLoaded;
                one.reason = Some(Reason::Untrusted);
            }
            None => won = true,
        }
        found.push(one);
    }
    found
}

fn candidate(
    layer: &str,
    node: &Node,
    beaten: bool,
    evaluation: &Evaluation,
    sensitive: bool,
) -> Candidate {
    Candidate {
        layer: layer.to_owned(),
        value: hide(json!(node.value), sensitive),
        outcome: if beaten { Outcome::Lost } else { Outcome::Won },
        reason: beaten.then_some(Reason::LowerPrecedence),
        place: place_of(evaluation, node.span, sensitive),
        origins: Vec::new(),
    }
}

/// Where a value of one of the system's files came from.
fn origins(evaluation: &Evaluation, file: &str, path: &[String]) -> Vec<Origin> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let known = evaluation.origins().ok().flatten();
    known.map_or_else(Vec::new, |known| known.of(file, &path))
}

/// The winner of the configuration, in the light of what requirements did to it.
fn settle(candidates: &mut [Candidate], end: &End) {
    let Some(reason) = end.reason else { return };
    for one in candidates.iter_mut().filter(|one| one.outcome == Outcome::Won) {
        one.outcome = Outcome::Clamped;
        one.reason = Some(reason);
    }
}

fn end(
    key: &str,
    subject: &Subject,
    wanted: Option<&Json>,
    default: Option<Json>,
    evaluation: &Evaluation,
    session: &Session,
) -> End {
    if let Some(end) = outcome::clamped(key, evaluation, session) {
        return end;
    }
    let mut policy = None;
    for (row, path) in &subject.requirements {
        let Some(node) = evaluation.composition.merged.at(path) else { continue };
        match row.effect {
            Effect::Fixes(_) | Effect::Pins(_) => return outcome::fixed(row, node, wanted),
            _ if subject.config.is_some() => {
                let mut end = outcome::free(wanted.cloned(), default.clone());
                end.locked = true;
                end.allowed = Some(json!(node.value));
                return end;
            }
            _ => policy = Some(outcome::policy(row, json!(node.value))),
        }
    }
    policy.unwrap_or_else(|| outcome::free(wanted.cloned(), default))
}

/// Every requirement layer that says something, highest first.
fn voices(subject: &Subject, evaluation: &Evaluation, sensitive: bool) -> Vec<Voice> {
    let mut found = Vec::new();
    for (row, path) in &subject.requirements {
        let mut spoken = false;
        for layer in evaluation.composition.layers.iter().rev() {
            let Some(node) = layer.root.at(path) else { continue };
            let adds_up = matches!(node.value, Value::Table(_))
                || !matches!(
                    row.merge,
                    codex_schema::key::Merge::Replace | codex_schema::key::Merge::Whole
                );
            let outcome = match (spoken, adds_up) {
                (_, true) => Outcome::Merged,
                (false, false) => Outcome::Won,
                (true, false) => Outcome::Lost,
            };
            spoken = true;
            let document = evaluation.documents().get(layer.source);
            found.push(Voice {
                channel: channel_name(layer.channel).to_owned(),
                document: document.map_or_else(String::new, |one| one.source.to_string()),
                key: dotted(path),
                value: hide(json!(node.value), sensitive),
                outcome,
                place: place_of(evaluation, node.span, sensitive),
                origins: if layer.channel == Channel::System {
                    origins(evaluation, REQUIREMENTS_FILE, path)
                } else {
                    Vec::new()
                },
            });
        }
    }
    found
}

/// Servers that requirements do not let run: one record for the server as a whole.
fn disabled_servers(evaluation: &Evaluation, scope: Scope<'_>) -> Vec<Setting> {
    let in_scope = |path: &[String]| match scope {
        Scope::Key(wanted) => {
            let asked = WrittenPath::new(wanted);
            asked.covers(path) || asked.is_below(path)
        }
        Scope::Said | Scope::All => true,
    };
    outcome::mcp_servers(evaluation)
        .into_iter()
        .map(|(name, running, words)| (vec!["mcp_servers".to_owned(), name], running, words))
        .filter(|(path, _, _)| in_scope(path))
        .map(|(path, running, words)| {
            let key = dotted(&path);
            Setting {
                about: "Whether this MCP server may run.".to_owned(),
                effective: Some(json!({"enabled": running})),
                wanted: Some(json!({"enabled": true})),
                default: None,
                status: Status::Disabled,
                locked: true,
                locked_by: Some(Lock {
                    key: "mcp_servers".to_owned(),
                    place: evaluation
                        .composition
                        .merged
                        .get("mcp_servers")
                        .and_then(|node| place(evaluation, node.span)),
                }),
                allowed: None,
                sensitive: false,
                candidates: candidates(&key, &path, evaluation, true),
                requirements: Vec::new(),
                codex_says: Some(words),
                actions: vec![
                    "ask the owner of the requirement to list this server with its identity"
                        .to_owned(),
                ],
                key,
                path,
            }
        })
        .collect()
}

fn place_of(evaluation: &Evaluation, span: Span, sensitive: bool) -> Option<Place> {
    let mut place = place(evaluation, span)?;
    if sensitive {
        place.text = None;
    }
    Some(place)
}

/// Where a span of an evaluation begins.
pub(super) fn place(evaluation: &Evaluation, span: Span) -> Option<Place> {
    place_in(evaluation.documents(), span)
}

/// Where a span begins, with the line it stands in unless that line holds a secret.
pub(crate) fn place_in(documents: &Documents, span: Span) -> Option<Place> {
    let document = documents.get(span.source)?;
    let position = documents.position(span)?;
    let line = usize::try_from(position.line).unwrap_or(1).saturating_sub(1);
    let text = document.text.lines().nth(line).map(str::trim_end);
    Some(Place {
        document: document.source.to_string(),
        line: position.line,
        column: position.column,
        text: text.filter(|text| !may_hold_secret(text)).map(clip),
    })
}

/// Longest line quoted, in characters.
const LONGEST_LINE: usize = 160;

fn clip(line: &str) -> String {
    if line.chars().count() <= LONGEST_LINE {
        return line.to_owned();
    }
    line.chars().take(LONGEST_LINE).chain(['…']).collect()
}

/// A quoted line could hold the neighbour of the value it is quoted for: lines that name a secret
/// key are never quoted.
fn may_hold_secret(line: &str) -> bool {
    CONFIG
        .keys()
        .iter()
        .filter(|row| row.secret == Secret::Yes)
        .flat_map(|row| row.path.split('.'))
        .filter(|part| {
            *part != "*"
                && part.len() > 5
                && !part.contains("servers")
                && !part.contains("providers")
        })
        .any(|part| line.contains(part))
}
