//! Values for rows of the key table: from their examples, from curated lists, from their types.

use codex_schema::key::Key;
use codex_schema::reader::read_toml_value;
use codex_schema::span::SourceId;
use schemars::generate::SchemaSettings;
use serde_json::Value as Json;

use super::random::Random;

/// Values that are wrong for nearly every key.
const WRONG: &[&str] =
    &["42", "-1", "1.5", "true", "\"zz\"", "[]", "{}", "[1]", "{ a = 1 }", "\"\""];

/// How deep a value made from a type may nest.
const DEPTH: usize = 6;

/// A value of the right type, as inline TOML.
pub(super) fn sound(random: &mut Random, key: &Key, curated: &[(&str, &[&str])]) -> String {
    if let Some((_, values)) = curated.iter().find(|(path, _)| *path == key.path) {
        return random.pick(values).copied().unwrap_or(key.example).to_owned();
    }
    if random.chance(40) {
        return key.example.to_owned();
    }
    of_type(random, key).unwrap_or_else(|| key.example.to_owned())
}

/// A value that is probably of another type.
pub(super) fn wrong(random: &mut Random) -> String {
    random.text(WRONG).to_owned()
}

/// Whether the type names the texts it allows.
pub(super) fn lists_texts(key: &Key) -> bool {
    let schema = schema_of(key).to_string();
    ["\"enum\":", "\"const\":"].iter().any(|word| schema.contains(word))
}

fn schema_of(key: &Key) -> Json {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    key.ty.schema(&mut settings.into_generator()).to_value()
}

/// A value that Codex should accept for the type of the key, if its schema leads to one.
fn of_type(random: &mut Random, key: &Key) -> Option<String> {
    let schema = schema_of(key);
    // A schema may allow more than the type does: only what the row itself accepts is used.
    (0..4).find_map(|_| {
        let text = of_schema(random, &schema, DEPTH)?;
        let node = read_toml_value(&text, SourceId::BUILT_IN)?;
        key.ty.check(&node).is_ok().then_some(text)
    })
}

fn of_schema(random: &mut Random, schema: &Json, depth: usize) -> Option<String> {
    if depth == 0 {
        return None;
    }
    if let Some(constant) = schema.get("const") {
        return inline(constant);
    }
    if let Some(choices) = schema.get("enum").and_then(Json::as_array) {
        return inline(random.pick(choices)?);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(word).and_then(Json::as_array) {
            let choices: Vec<&Json> = choices.iter().filter(|choice| !is_null(choice)).collect();
            let choice = random.pick(&choices)?;
            return of_schema(random, choice, depth - 1);
        }
    }
    let kind = match schema.get("type")? {
        Json::Array(kinds) => kinds.iter().find_map(Json::as_str)?,
        kind => kind.as_str()?,
    };
    match kind {
        "boolean" => Some(random.chance(50).to_string()),
        "integer" => Some((1 + random.below(9000)).to_string()),
        "number" => Some(format!("{}.5", random.below(9))),
        "string" => {
            Some(format!("\"{}\"", random.text(&["a", "b", "/srv/a", "https://a.example"])))
        }
        "array" => list(random, schema.get("items")?, depth),
        "object" => table(random, schema, depth),
        _ => None,
    }
}

fn is_null(schema: &Json) -> bool {
    schema.get("type").and_then(Json::as_str) == Some("null")
}

fn list(random: &mut Random, items: &Json, depth: usize) -> Option<String> {
    let count = if random.chance(10) { 0 } else { 1 + random.below(3) };
    let mut elements = Vec::new();
    for _ in 0..count {
        elements.push(of_schema(random, items, depth - 1)?);
    }
    if let Some(first) = elements.first().cloned().filter(|_| random.chance(15)) {
        elements.push(first);
    }
    Some(format!("[{}]", elements.join(", ")))
}

fn table(random: &mut Random, schema: &Json, depth: usize) -> Option<String> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut fields = Vec::new();
    for (name, field) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
        if required.contains(&name.as_str()) || random.chance(35) {
            fields.push(format!("{name} = {}", of_schema(random, field, depth - 1)?));
        }
    }
    if let Some(rest) = schema.get("additionalProperties").filter(|rest| rest.is_object())
        && random.chance(60)
    {
        fields.push(format!("one = {}", of_schema(random, rest, depth - 1)?));
    }
    Some(format!("{{ {} }}", fields.join(", ")))
}

/// A JSON value as inline TOML; a null has no form.
fn inline(json: &Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::Array(elements) => {
            let elements: Option<Vec<String>> = elements.iter().map(inline).collect();
            Some(format!("[{}]", elements?.join(", ")))
        }
        Json::Object(fields) => {
            let fields: Option<Vec<String>> = fields
                .iter()
                .map(|(name, value)| Some(format!("{name:?} = {}", inline(value)?)))
                .collect();
            Some(format!("{{ {} }}", fields?.join(", ")))
        }
        plain => Some(plain.to_string()),
    }
}
