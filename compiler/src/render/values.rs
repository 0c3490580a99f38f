//! Values in a few words.

use serde_json::Value as Json;

use super::paint::harmless;

/// A value as one short piece of text.
pub fn short(value: &Json) -> String {
    match value {
        Json::String(text) => harmless(text),
        Json::Array(elements) => list(elements),
        Json::Object(object) if object.get("redacted").is_some() => redacted(value),
        Json::Object(object) => map(object),
        other => other.to_string(),
    }
}

/// A value as TOML would write it on one line: strings in quotes.
pub fn quoted(value: &Json) -> String {
    match value {
        Json::String(text) => format!("\"{}\"", harmless(text)),
        other => short(other),
    }
}

fn redacted(value: &Json) -> String {
    let mark = value.get("sha256_8").and_then(Json::as_str).unwrap_or_default();
    format!("‹redacted {mark}›")
}

fn list(elements: &[Json]) -> String {
    if let Some(rules) = rules(elements) {
        return rules;
    }
    if elements.len() > 4 {
        let first = elements.first().map(short).unwrap_or_default();
        return format!("{} entries, first {first}", elements.len());
    }
    let words: Vec<String> = elements.iter().map(short).collect();
    format!("[{}]", words.join(", "))
}

/// Command rules by what they decide.
fn rules(elements: &[Json]) -> Option<String> {
    let decision = |rule: &Json| {
        rule.get("pattern")?;
        Some(rule.get("decision")?.as_str()?.to_owned())
    };
    let decisions: Option<Vec<String>> = elements.iter().map(decision).collect();
    let decisions = decisions.filter(|all| !all.is_empty())?;
    Some(format!("{} rules: {}", decisions.len(), counted(decisions.iter().map(String::as_str))))
}

/// `3 allow, 1 deny`, in the order of the words.
fn counted<'word>(words: impl Iterator<Item = &'word str>) -> String {
    let mut counts: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for word in words {
        *counts.entry(word).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    parts.join(", ")
}

fn map(object: &serde_json::Map<String, Json>) -> String {
    let decisions: Option<Vec<&str>> = object
        .values()
        .map(|value| value.as_str().filter(|word| matches!(*word, "allow" | "deny" | "none")))
        .collect();
    match decisions {
        Some(words) if words.len() > 2 => counted(words.into_iter()),
        // Of tables of tables the names tell most.
        _ if object.values().all(Json::is_object) && !object.is_empty() && object.len() < 7 => {
            object.keys().map(|key| harmless(key)).collect::<Vec<_>>().join(", ")
        }
        _ if object.len() > 4 => format!("{} entries", object.len()),
        _ => {
            let parts: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{} = {}", harmless(key), short(value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_told_in_few_words() {
        assert_eq!(short(&json!(["a", "b"])), "[a, b]");
        assert_eq!(short(&json!({"a": "allow", "b": "allow", "c": "deny"})), "2 allow, 1 deny");
        let rule = json!({"pattern": [{"token": "rm"}], "decision": "forbidden"});
        assert_eq!(short(&json!([rule])), "1 rules: 1 forbidden");
        assert_eq!(quoted(&json!("x\u{1b}[31m")), "\"x\u{fffd}[31m\"");
        assert_eq!(
            short(&json!({"redacted": true, "sha256_8": "01234567"})),
            "‹redacted 01234567›"
        );
    }
}
