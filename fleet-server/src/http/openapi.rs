//! The table of routes as an OpenAPI document.

use serde_json::{Map, Value, json};

use super::route::{Access, ROUTES, Route};

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
        json!({ "name": name, "in": "query", "description": about, "schema": { "type": "string" } })
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
                "content": { "application/json": {} },
            }),
        );
    }
    operation
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
