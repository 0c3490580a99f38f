//! The table of routes as an OpenAPI document.

use codex_fleet::identity::{MAX_CLAIM, MAX_GROUPS};
use codex_fleet::{check_in, request, rollout};
use serde_json::{Map, Value, json};

use super::route::{Access, Action, ROUTES, Route};
use crate::issue::MAX_HOSTS;

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in &ROUTES {
        let path = route.path.replace("...}", "}");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(route.method.as_str().to_lowercase(), operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "codex-fleet-server",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Stores signed releases, tells endpoints of them and takes their status. \
                It can delay, never forge.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "administrator": { "type": "http", "scheme": "bearer" },
                "certificate": { "type": "mutualTLS" },
                "person": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of the identity provider.",
                },
            },
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["error", "message"],
                    "properties": {
                        "error": { "type": "string", "description": "A word for programs." },
                        "message": { "type": "string", "description": "A sentence for people." },
                    },
                },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = route
        .path
        .split('{')
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| {
            json!({
                "name": name.trim_end_matches('.'),
                "in": "path",
                "required": true,
                "schema": { "type": "string" },
            })
        })
        .collect();
    parameters.extend(route.query.iter().map(|(name, about)| {
        json!({ "name": name, "in": "query", "description": about, "schema": parameter(route, name) })
    }));
    let (status, kind) = route.success;
    let mut responses = Map::new();
    responses
        .insert(status.to_string(), json!({ "description": "Done.", "content": { kind: {} } }));
    for status in route.refusals {
        let about = json!({
            "description": "See the sentence in it.",
            "content": {
                "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } },
            },
        });
        responses.insert(status.to_string(), about);
    }
    let mut operation = json!({
        "operationId": format!("{:?}{}", route.action, suffix(route)),
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
        "security": security(route.access),
    });
    if route.body > 0
        && let Some(operation) = operation.as_object_mut()
    {
        operation.insert(
            "requestBody".to_owned(),
            json!({
                "required": true,
                "description": format!("{} bytes at most.", route.body),
                "content": { "application/json": { "schema": body(route.action) } },
            }),
        );
    }
    operation
}

/// What a parameter after the question mark may be.
fn parameter(route: &Route, name: &str) -> Value {
    match name {
        "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 1_000 }),
        "revision" => json!({ "type": "integer", "minimum": 0 }),
        "number" => json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX }),
        "after" if route.action == Action::Audit => {
            json!({ "type": "integer", "minimum": 0, "maximum": i64::MAX })
        }
        _ => json!({ "type": "string", "pattern": "^[0-9A-Za-z]{1,64}$" }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `json!` gives")]
fn object(needed: &[&str], properties: Value) -> Value {
    json!({
        "type": "object",
        "required": needed,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// What the body of a request looks like.
fn body(action: Action) -> Value {
    let text = |most: usize| json!({ "type": "string", "minLength": 1, "maxLength": most });
    let name = json!({
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": MAX_CLAIM,
        "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    });
    let request = json!({
        "type": "string",
        "description": "A signing request, PEM.",
        "maxLength": 16_384,
        "pattern": "^-----BEGIN CERTIFICATE REQUEST-----\\r?\\n([A-Za-z0-9+/=]{1,76}\\r?\\n)+-----END CERTIFICATE REQUEST-----\\r?\\n?$",
    });
    match action {
        Action::Enrol => object(
            &["token", "signing_request", "os", "host"],
            json!({
                "token": text(256),
                "signing_request": request,
                "os": { "enum": ["linux", "macos", "windows"] },
                "host": text(MAX_CLAIM),
            }),
        ),
        Action::Renew => object(
            &["signing_request", "host"],
            json!({ "signing_request": request, "host": text(MAX_CLAIM) }),
        ),
        Action::CheckIn => check_in(),
        Action::CreateToken => create_token(&name),
        // Signed documents: their form is that of TUF. Forms are those of the pages.
        Action::AdminPut | Action::Form => json!({}),
        Action::StartRollout => start_rollout(),
        Action::DecideRollout => decide_rollout(),
        Action::FileRequest => file_request(),
        Action::ReleaseFile
        | Action::Push
        | Action::Wait
        | Action::CodexBundle
        | Action::CodexPull
        | Action::AdminFile
        | Action::Releases
        | Action::Staged
        | Action::Unstage
        | Action::Devices
        | Action::Device
        | Action::RevokeDevice
        | Action::Counters
        | Action::Tokens
        | Action::RevokeToken
        | Action::Audit
        | Action::Rollouts
        | Action::Rollout
        | Action::Report
        | Action::EndpointsTable
        | Action::Requests
        | Action::Page
        | Action::Metrics
        | Action::Health
        | Action::Ready
        | Action::OpenApi => Value::Bool(false),
    }
}

fn create_token(name: &Value) -> Value {
    object(
        &["valid_seconds"],
        json!({
            "team": name,
            "environment": name,
            "groups": {
                "type": "array",
                "maxItems": MAX_GROUPS,
                "items": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_CLAIM,
                    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                },
            },
            "hosts": {
                "type": "array",
                "maxItems": MAX_HOSTS,
                "items": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_CLAIM,
                    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
                },
            },
            "valid_seconds": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
            "uses": { "type": "integer", "minimum": 1, "maximum": u32::MAX },
        }),
    )
}

fn words<const COUNT: usize>(words: [&'static str; COUNT]) -> Vec<&'static str> {
    words.to_vec()
}

fn start_rollout() -> Value {
    let maybe = |least: u64, most: u64| json!({ "type": ["integer", "null"], "minimum": least, "maximum": most });
    object(
        &["cohort", "generation", "strategy"],
        json!({
            "cohort": { "type": "string", "minLength": 1, "maxLength": 128 },
            "generation": { "type": "integer", "minimum": 1, "maximum": i64::MAX },
            "strategy": {
                "enum": words(rollout::StrategyName::ALL.map(rollout::StrategyName::word)),
            },
            "volunteers": { "type": ["string", "null"], "minLength": 1, "maxLength": MAX_CLAIM },
            "bake_seconds": maybe(0, rollout::MAX_BAKE_SECONDS),
            "minimum_sample": maybe(1, 1_000_000),
            "failures_of_10_000": maybe(0, 5_000),
            "reason": { "type": "string", "maxLength": rollout::MAX_REASON },
        }),
    )
}

fn decide_rollout() -> Value {
    object(
        &["act"],
        json!({
            "act": { "enum": words(rollout::Act::ALL.map(rollout::Act::word)) },
            "reason": { "type": "string", "maxLength": rollout::MAX_REASON },
        }),
    )
}

fn file_request() -> Value {
    object(
        &["wants", "days", "reason"],
        json!({
            "wants": { "oneOf": wants() },
            "days": { "type": "integer", "minimum": 1, "maximum": request::MAX_DAYS },
            "reason": { "type": "string", "minLength": 1, "maxLength": request::MAX_REASON },
        }),
    )
}

/// What can be asked for.
fn wants() -> Vec<Value> {
    let kind = |kind: &str| json!({ "const": kind });
    let text = json!({ "type": "string", "minLength": 1, "maxLength": request::MAX_KEY });
    vec![
        object(
            &["kind", "key", "value"],
            json!({ "kind": kind("setting"), "key": text, "value": {} }),
        ),
        object(&["kind", "host"], json!({ "kind": kind("domain"), "host": { "type": "string" } })),
        object(
            &["kind", "words"],
            json!({
                "kind": kind("command"),
                "words": { "type": "array", "minItems": 1, "maxItems": request::MAX_WORDS, "items": text },
            }),
        ),
    ]
}

fn check_in() -> Value {
    let held = json!({
        "type": "object",
        "required": ["cohort", "generation", "digest"],
        "additionalProperties": false,
        "properties": {
            "cohort": { "type": "string" },
            "generation": { "type": "integer", "minimum": 0, "maximum": i64::MAX },
            "digest": { "type": "string" },
        },
    });
    let states: Vec<&str> = check_in::State::ALL.iter().map(|state| state.word()).collect();
    json!({
        "type": "object",
        "required": ["nonce", "agent", "codex", "transitions"],
        "additionalProperties": false,
        "properties": {
            "nonce": { "type": "string", "description": "32 random bytes, base64." },
            "agent": { "type": "string" },
            "codex": { "type": "array", "items": { "type": "string" } },
            "installed": { "oneOf": [held, { "type": "null" }] },
            "transitions": {
                "type": "array",
                "maxItems": check_in::MAX_TRANSITIONS,
                "items": {
                    "type": "object",
                    "required": ["at", "number", "about", "state"],
                    "additionalProperties": false,
                    "properties": {
                        "at": { "type": "string", "format": "date-time" },
                        "number": { "type": "integer", "minimum": 1, "maximum": i64::MAX },
                        "about": held,
                        "state": { "enum": states },
                        "reasons": { "type": "array", "items": { "type": "string" } },
                    },
                },
            },
        },
    })
}

/// Two rows may do the same under different paths.
fn suffix(route: &Route) -> &'static str {
    if route.path.contains("/targets/") {
        "Target"
    } else if route.path.starts_with("/ui/") {
        "Below"
    } else {
        ""
    }
}

fn security(access: Access) -> Value {
    match access {
        Access::Anybody | Access::Session => json!([]),
        Access::Bearer => json!([{ "person": [] }]),
        Access::Readers => json!([{ "certificate": [] }, { "administrator": [] }]),
        Access::Device | Access::Renewing => json!([{ "certificate": [] }]),
        Access::Admin(_) => json!([{ "administrator": [] }]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_is_in_the_document_and_no_other() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        let written: BTreeSet<(String, String)> = paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(|method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let there: BTreeSet<(String, String)> = ROUTES
            .iter()
            .map(|route| (route.path.replace("...}", "}"), route.method.to_string()))
            .collect();
        assert_eq!(written, there);
        let operations: Vec<&Value> =
            paths.values().flat_map(|item| item.as_object().unwrap().values()).collect();
        let names: BTreeSet<&str> =
            operations.iter().map(|one| one["operationId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), ROUTES.len(), "operations have names of their own");
    }
}
