//! Compares this reader with the answers of the real binary and pins what differs.

use serde_json::{Map, Value, json};

use super::{Limits, ProblemKind, RulesFile, RulesProblem, evaluate, read, read_after};

/// Cases where the answer differs from the binary, with our answer. None accepts what Codex
/// refuses.
const DIFFERENT: [(&str, &str); 13] = [
    // A relative program path needs the working directory, which a pure function has not.
    (
        "path-flag-relative",
        concat!(
            r#"{"matchedRules":[{"prefixRuleMatch":{"matchedPrefix":["git"],"#,
            r#""decision":"forbidden","resolvedProgram":"./git"}}],"decision":"forbidden"}"#
        ),
    ),
    // Parts of the language that are not known here; Codex accepts them.
    ("big-integer", "Unsupported 1:5 an integer of more than 64 bits"),
    ("types", "Unsupported 1:8 a type annotation"),
    ("f-string-expression", "Unsupported 2:22 this f-string"),
    ("bytes", "Unsupported 1:5 a bytes literal"),
    // Codex accepts nesting far beyond what any rules file needs.
    ("nested-parentheses-90", "Limit 1:68 nested more than 64 levels deep"),
    // Codex points at the end of the line before, or at the start of the file.
    ("tabs", "Refused 2:1 Parse error: tabs are not allowed"),
    ("parse-dedent", "Refused 3:1 Parse error: incorrect indentation"),
    ("parse-unclosed", "Refused 2:1 Parse error: unexpected new line, expected symbol ')'"),
    // Both refuse, or would, in other words.
    ("walrus", "Unsupported 1:3 a type annotation"),
    ("bad-hex", "Refused 1:5 Parse error: unfinished string literal"),
    ("star-assign", "Refused 1:4 Parse error: unexpected symbol '*', expected expression"),
    // The name of the file is not known here.
    (
        "repr-function",
        concat!(
            r#"{"matchedRules":[{"prefixRuleMatch":{"matchedPrefix":["git"],"#,
            r#""decision":"allow","justification":"f"}}],"decision":"allow"}"#
        ),
    ),
];

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
            format!(
                "{} {}:{} {}",
                ours["kind"].as_str().unwrap(),
                ours["line"],
                ours["column"],
                ours["message"].as_str().unwrap()
            )
        });
        match pinned {
            None if same(&ours, &theirs) => {}
            Some((_, pinned)) if shown.starts_with(pinned) && !same(&ours, &theirs) => {}
            _ => wrong.push(format!("{name}\n  ours   {shown}\n  theirs {theirs}")),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// Hostile texts, and a text just inside the limits: none may overflow the 1.75 MiB stack of the
/// thread, all end as said.
#[test]
fn hostile_texts_end() {
    let deep =
        |open: &str, close: &str| format!("x = {}1{}\n", open.repeat(10_000), close.repeat(10_000));
    let recursive = |open: &str, close: &str| {
        let inner = format!("{}f(n){}", open.repeat(10), close.repeat(10));
        format!("def f(n):\n  return {inner}\nf(0)\n")
    };
    let texts = [
        deep("(", ")"),
        deep("[", "]"),
        deep("{1:", "}"),
        deep("not ", ""),
        deep("-", ""),
        deep("lambda: ", ""),
        deep("1 if 1 else ", ""),
        deep("f(", ")"),
        deep("1 + ", ""),
        deep("1 or ", ""),
        format!("x = x{}\n", ".a".repeat(10_000)),
        format!("x = x{}\n", "()".repeat(10_000)),
        (0..2_000).fold(String::new(), |text, level| text + &" ".repeat(level) + "if 1:\n"),
        recursive("[", "]"),
        recursive("[", " for x in [1]]"),
        "x = []\nfor i in range(3000):\n  x = [x]\nstr(x)\n".to_owned(),
        "x = []\nx.append(x)\nstr(x)\n".to_owned(),
        "x = []\nx.append(x)\ny = []\ny.append(y)\nx == y\n".to_owned(),
        "x = [1]\nfor i in range(100):\n  x = [x, x]\nstr(x)\n".to_owned(),
        "x = 'a' * 1000000000000\n".to_owned(),
        "x = [0] * 1000000000000\n".to_owned(),
        "x = 'a'\nfor i in range(100):\n  x += x\n".to_owned(),
        "for i in range(1000000000000): pass\n".to_owned(),
        "R = range(1000)\nfor a in R:\n for b in R:\n  for c in R:\n   pass\n".to_owned(),
        "# ".to_owned() + &"x".repeat(2 << 20),
    ];
    let run = move || {
        for text in texts {
            let problem = read(&text, &Limits::default()).unwrap_err();
            let start = text.get(..60).unwrap_or(&text);
            assert_eq!(problem.kind, ProblemKind::Limit, "{start}: {problem}");
        }
        let fits = format!("x = {}1{}\n", "[".repeat(62), "]".repeat(62));
        read(&fits, &Limits::default()).unwrap();
    };
    std::thread::Builder::new().stack_size(7 << 18).spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_long_list_of_rules_fits() {
    let text = "prefix_rule(pattern=[\"git\", \"push\"], decision=\"prompt\")\n".repeat(10_000);
    let file = read(&text, &Limits::default()).unwrap();
    let last = file.prefix_rules.last().unwrap();
    assert_eq!((last.position.line, last.position.column), (10_000, 1));
    assert_eq!(text.get(last.position.span.clone()), text.lines().last());
}

#[test]
fn the_bare_form_of_a_host_is_kept() {
    let rule = "network_rule(host=\"[::1]:80\",protocol=\"http-connect\",decision=\"deny\")";
    let file = read(rule, &Limits::default()).unwrap();
    assert_eq!(file.network_rules[0].host, "::1");
    assert_eq!(file.network_rules[0].decision, super::Decision::Forbidden);
    assert_eq!(file.network_rules[0].protocol, super::NetworkProtocol::Https);
}

#[test]
fn sorting_what_has_no_order_is_a_problem() {
    let mixed = "x = sorted([1, \"a\", 2, None] * 100)\n";
    assert_eq!(read(mixed, &Limits::default()).unwrap_err().kind, ProblemKind::Refused);
    let text = "x = sorted([\"b1\", \"a1\", \"b0\", \"a0\"], key=lambda s: s[0], reverse=True)\n\
                prefix_rule(pattern=x)\n";
    let file = read(text, &Limits::default()).unwrap();
    let words: Vec<&str> =
        file.prefix_rules[0].pattern.iter().map(|token| token.alternatives()[0].as_str()).collect();
    assert_eq!(words, ["b1", "b0", "a1", "a0"]);
}
