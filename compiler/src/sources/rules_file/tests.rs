//! Compares this reader with the answers of the real binary and pins what differs.

use serde_json::{Map, Value, json};

use super::{Limits, ProblemKind, RulesFile, RulesProblem, evaluate, read, read_after};

/// Cases where the answer differs from the binary on purpose, and why.
const DIFFERENT: [(&str, &str); 0] = [];

const RECORDED: &str = include_str!("fixtures/execpolicy.json");

fn load(files: &[Value]) -> Result<Vec<RulesFile>, RulesProblem> {
    let mut loaded = vec![];
    for text in files {
        let file = read_after(text.as_str().unwrap(), &loaded, &Limits::default())?;
        loaded.push(file);
    }
    Ok(loaded)
}

/// Our answer in the form of the recording.
fn answer(case: &Value) -> Value {
    let loaded = match load(case["files"].as_array().unwrap()) {
        Ok(loaded) => loaded,
        Err(problem) => {
            let RulesProblem { kind, message, line, column, help: _ } = problem;
            let kind = format!("{kind:?}");
            return json!({"message": message, "line": line, "column": column, "kind": kind});
        }
    };
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let resolve = words(&case["flags"]).iter().any(|flag| flag == "--resolve-host-executables");
    let evaluation = evaluate(&loaded, &words(&case["argv"]), resolve);
    let mut output = Map::new();
    let matches = evaluation.matches.iter().map(|found| {
        let mut inner = Map::new();
        inner.insert("matchedPrefix".to_owned(), json!(found.matched_prefix));
        inner.insert("decision".to_owned(), json!(found.rule.decision.as_str()));
        for (key, value) in [
            ("resolvedProgram", &found.resolved_program),
            ("justification", &found.rule.justification),
        ] {
            if let Some(value) = value {
                inner.insert(key.to_owned(), json!(value));
            }
        }
        json!({"prefixRuleMatch": inner})
    });
    output.insert("matchedRules".to_owned(), matches.collect());
    if let Some(decision) = evaluation.decision {
        output.insert("decision".to_owned(), json!(decision.as_str()));
    }
    Value::Object(output)
}

/// What Codex said, without its guesses at what was meant and without file names.
fn recorded(case: &Value) -> Value {
    let Some(error) = case.get("error") else { return case["output"].clone() };
    let message = error["message"].as_str().unwrap();
    let message = message.split(", did you mean").next().unwrap().replace("0.rules.", "");
    json!({"message": message, "line": error["line"], "column": error["column"]})
}

/// Equal answers. The binary prints no place for some problems; then any place is right.
fn same(ours: &Value, theirs: &Value) -> bool {
    if theirs.get("message").is_none() || ours.get("message").is_none() {
        return ours == theirs;
    }
    let place = theirs["line"].is_null()
        || (ours["line"] == theirs["line"] && ours["column"] == theirs["column"]);
    ours["kind"] == "Refused" && ours["message"] == theirs["message"] && place
}

#[test]
fn agrees_with_the_binary() {
    let recording: Value = serde_json::from_str(RECORDED).unwrap();
    let cases = recording["cases"].as_array().unwrap();
    assert!(cases.len() >= 200);
    let mut wrong = vec![];
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (ours, theirs) = (answer(case), recorded(case));
        let pinned = DIFFERENT.iter().find(|(pinned, _)| *pinned == name);
        let shown = ours.get("message").map_or(ours.to_string(), |_| {
            format!("{} {}:{} {}", ours["kind"].as_str().unwrap(), ours["line"], ours["column"],
                ours["message"].as_str().unwrap())
        });
        match pinned {
            None if same(&ours, &theirs) => {}
            Some((_, pinned)) if *pinned == shown && !same(&ours, &theirs) => {}
            _ => wrong.push(format!("{name}\n  ours   {shown}\n  theirs {theirs}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
