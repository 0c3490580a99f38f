//! JSON Schemas of both documents, folded from the key table (draft 2020-12).

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value as Json, json};

use crate::key::{Channels, Key, Secret, Unknown};
use crate::lookup::{
    CASE, CONFIG, EXCEPTION, MANIFEST, PROPERTY, REQUIREMENTS, Spot, TEST, TRUST, Tree,
};
use crate::reader::read_toml_value;
use crate::span::SourceId;
use crate::version::Version;

/// The schema of `requirements.toml`.
pub fn requirements() -> Json {
    document(&REQUIREMENTS, "Codex requirements.toml", &known_to_codex("requirements"))
}

/// The schema of `config.toml`.
pub fn config() -> Json {
    document(&CONFIG, "Codex config.toml", &known_to_codex("config"))
}

/// The schema of `policy.toml`.
pub fn policy() -> Json {
    document(&MANIFEST, "Codex policy repository", "The manifest of a policy repository.")
}

/// The schema of a file in `exceptions/`.
pub fn exception() -> Json {
    let about = "What one team, environment or cohort may do for a while though policy forbids it.";
    document(&EXCEPTION, "Codex policy exception", about)
}

/// The schema of `trust.toml`.
pub fn trust() -> Json {
    document(&TRUST, "Codex policy trust", "Who may sign which part of a release of policy.")
}

/// The schema of a file of tests, `*.test.toml`.
pub fn test() -> Json {
    let about = "What a policy must answer, case by case, and what must hold between policies.";
    let mut whole = document(&TEST, "Codex policy tests", about);
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    for (list, tree) in [("case", &CASE), ("property", &PROPERTY)] {
        let element = Json::Object(table(tree.root(), &mut generator));
        if let Some(Json::Object(list)) = whole.pointer_mut(&format!("/properties/{list}")) {
            // The row of the list itself knows no more than that its elements are tables.
            list.remove("$ref");
            list.insert("type".to_owned(), json!("array"));
            list.insert("items".to_owned(), element);
        }
    }
    if let Json::Object(whole) = &mut whole {
        let definitions = generator.take_definitions(true);
        whole.insert("$defs".to_owned(), Json::Object(definitions));
    }
    whole
}

fn known_to_codex(name: &str) -> String {
    format!("Keys of {name}.toml known to Codex {}.", Version::NEWEST)
}

fn document(tree: &Tree, title: &str, description: &str) -> Json {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut root = table(tree.root(), &mut generator);
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!(title));
    root.insert("description".to_owned(), json!(description));
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        root.insert("$defs".to_owned(), Json::Object(definitions));
    }
    Json::Object(root)
}

fn table(spot: &Spot, generator: &mut SchemaGenerator) -> Map<String, Json> {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!("object"));
    let properties: Map<String, Json> =
        spot.named().map(|(name, child)| (name.to_owned(), value(child, generator))).collect();
    if !properties.is_empty() {
        object.insert("properties".to_owned(), Json::Object(properties));
    }
    let others = match (spot.any(), spot.section.map(|section| section.unknown)) {
        (Some(any), _) => value(any, generator),
        // Codex takes any name here without a word, so the schema cannot call it wrong.
        (None, Some(Unknown::Silent)) => json!(true),
        (None, _) => json!(false),
    };
    object.insert("additionalProperties".to_owned(), others);
    if let Some(section) = spot.section.filter(|section| !section.required.is_empty()) {
        object.insert("required".to_owned(), json!(section.required));
    }
    object
}

fn value(spot: &Spot, generator: &mut SchemaGenerator) -> Json {
    let Some(key) = spot.key else { return Json::Object(table(spot, generator)) };
    let schema: Schema = key.ty.schema(generator);
    let mut object = match schema.to_value() {
        Json::Object(object) => object,
        // `true`: any value.
        _ => Map::new(),
    };
    annotate(&mut object, key, spot.alias_of());
    Json::Object(object)
}

fn annotate(object: &mut Map<String, Json>, key: &Key, alias_of: Option<&str>) {
    object.insert("description".to_owned(), json!(key.doc));
    if let Some(node) = read_toml_value(key.example, SourceId::BUILT_IN) {
        object.insert("examples".to_owned(), json!([node.value]));
    }
    if let Some(node) = read_toml_value(key.default, SourceId::BUILT_IN) {
        object.insert("default".to_owned(), json!(node.value));
    }
    if key.since > Version::of(0) {
        object.insert("x-codex-since".to_owned(), json!(key.since));
    }
    if let Some(until) = key.until {
        object.insert("x-codex-until".to_owned(), json!(until));
    }
    if key.channels != Channels::All {
        object.insert("x-codex-channels".to_owned(), json!("local"));
    }
    if key.secret == Secret::Yes {
        object.insert("x-codex-secret".to_owned(), json!(true));
    }
    if let Some(own) = alias_of {
        object.insert("deprecated".to_owned(), json!(true));
        object.insert("x-codex-alias-of".to_owned(), json!(own));
    }
}
