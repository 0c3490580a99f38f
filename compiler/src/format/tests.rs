use codex_schema::value::Value as Toml;
use proptest::prelude::*;

use super::*;

fn requirements(text: &str) -> String {
    format(text, Some(FileKind::Requirements)).unwrap()
}

/// Every comment, sorted: entries of some maps change places and take theirs along.
fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for token in toml_parser::Source::new(text).lex() {
        if token.kind() == toml_parser::lexer::TokenKind::Comment {
            let span = token.span();
            found.push(text[span.start()..span.end()].trim_end().to_owned());
        }
    }
    found.sort();
    found
}

/// What a document says, with sorted tables and numbers as texts (not-a-number equals nothing).
fn value(text: &str) -> String {
    let parsed = read_toml(text, SourceId(0));
    assert!(parsed.problems.is_empty(), "{:?} in\n{text}", parsed.problems);
    serde_json::to_string(&Toml::Table(parsed.root)).unwrap()
}

/// What must hold of every document.
fn holds(text: &str, kind: Option<FileKind>) {
    let Ok(once) = format(text, kind) else { return };
    let twice = format(&once, kind);
    assert_eq!(twice.as_ref(), Ok(&once), "not stable:\n{text}\n---\n{once}");
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    assert_eq!(value(&once), value(bare), "another value:\n{text}\n---\n{once}");
    assert_eq!(comments(&once), comments(bare), "other comments:\n{text}\n---\n{once}");
    for line in once.lines().filter(|_| !once.contains("\"\"\"") && !once.contains("'''")) {
        assert_eq!(line, line.trim_end(), "{once}");
    }
    assert!(once.is_empty() || (once.ends_with('\n') && !once.ends_with("\n\n")), "{once:?}");
    assert!(!once.starts_with('\n'), "{once:?}");
}

#[test]
fn layout_is_uniform() {
    let text = "\u{feff}\n\n# about\r\n\r\n\r\nb=1   # why \na  .  'c' = 'x'\n[ t . u ]   # head\n\n\
                k = [ 1,\n 2 ,\n]\n# of v\n[[v]]\n# end   \n\n\n";
    let expected = "# about\n\nb = 1 # why\na.\"c\" = \"x\"\n\n[t.u] # head\nk = [1, 2]\n\n# of v\n\
                    [[v]]\n# end\n";
    assert_eq!(requirements(text), expected);
    assert_eq!(requirements(""), "");
    assert_eq!(requirements("\n\n"), "");
    assert_eq!(requirements("# only"), "# only\n");
}

#[test]
fn lists_stand_on_one_line_where_they_fit_and_carry_no_comments() {
    let long = "a".repeat(60);
    let text = format!(
        "k = [\"{long}\", \"{long}\",] # x\nn = [ # first\n 1, # one\n\n # two\n 2\n\
                        # last\n\n]\ne = [\n\n]\nt = [{{a=1,b=[ ]}},{{ }}]\n"
    );
    let expected = format!(
        "k = [\n  \"{long}\",\n  \"{long}\",\n] # x\nn = [\n  # first\n  1, # one\n\n  # two\n  2,\n  \
         # last\n]\ne = []\nt = [{{ a = 1, b = [] }}, {{}}]\n"
    );
    assert_eq!(requirements(&text), expected);
}

#[test]
fn maps_without_order_are_sorted_in_groups_and_nothing_else_is() {
    let text = "\
allowed_approval_policies = [\"on-request\", \"never\"]
[features]
memories = false # m
apps = true

[experimental_network.domains]
# registries
\"registry.npm.packages.example\" = \"allow\"
\"cargo.packages.example\" = \"allow\" # Rust
# known bad
\"evil.example\" = \"deny\"
\"bad.example\" = \"deny\"
[mcp_servers.z]
url = 'b'
command = 'a'
";
    let sorted = "\
allowed_approval_policies = [\"on-request\", \"never\"]

[features]
apps = true
memories = false # m

[experimental_network.domains]
# registries
\"cargo.packages.example\" = \"allow\" # Rust
\"registry.npm.packages.example\" = \"allow\"
# known bad
\"bad.example\" = \"deny\"
\"evil.example\" = \"deny\"

[mcp_servers.z]
url = \"b\"
command = \"a\"
";
    assert_eq!(requirements(text), sorted);
    assert_eq!(
        requirements("experimental_network = { domains = { b = 'deny', a = 'allow' } }\n"),
        "experimental_network = { domains = { a = \"allow\", b = \"deny\" } }\n"
    );
    let unsorted = format(text, None).unwrap();
    assert!(unsorted.find("memories").unwrap() < unsorted.find("apps").unwrap());
}

#[test]
fn a_text_that_is_not_toml_is_an_error() {
    let problems = format("a = \nb = [1\n", None).unwrap_err();
    assert!(problems.len() >= 2, "{problems:?}");
}

/// Every TOML file of the examples and every TOML text of the vectors.
#[test]
fn examples_and_vectors_keep_their_meaning() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    let mut folders = vec![root.join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&path).unwrap();
                holds(&text, FileKind::guess(&path.display().to_string(), text.as_bytes()));
                count += 1;
            }
        }
    }
    assert!(count >= 4, "{count} examples");
    let mut texts = 0;
    for entry in std::fs::read_dir(root.join("tests/vectors")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let parsed: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut open = vec![&parsed];
        while let Some(value) = open.pop() {
            match value {
                serde_json::Value::Array(values) => open.extend(values),
                serde_json::Value::Object(fields) => open.extend(fields.values()),
                serde_json::Value::String(text) if text.contains('=') => {
                    holds(text, Some(FileKind::Requirements));
                    texts += 1;
                }
                _ => {}
            }
        }
    }
    assert!(texts > 500, "{texts} texts");
}

fn spaces() -> impl Strategy<Value = String> {
    "[ \t]{0,2}"
}

fn comment() -> impl Strategy<Value = String> {
    prop_oneof![3 => Just(String::new()), 1 => "#[ a-z\"=,\\[\\]é]{0,8}[ ]{0,2}"]
}

fn break_in_list() -> impl Strategy<Value = String> {
    let line = (spaces(), comment()).prop_map(|(space, comment)| {
        if comment.is_empty() { space } else { format!("{space}{comment}\n") }
    });
    prop_oneof![
        3 => spaces(),
        1 => line,
        1 => (comment(), 0..3_usize).prop_map(|(text, n)| format!("{text}{}", "\n".repeat(n + 1))),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1".to_owned()),
        Just("-0.5e3".to_owned()),
        Just("true".to_owned()),
        Just("1979-05-27 07:32:00Z".to_owned()),
        Just("'''a \n b'''".to_owned()),
        Just("\"\"\"\\\n  x # no \n\"\"\"".to_owned()),
        "'[ -&(-~é]{0,9}'",
        "\"[ !#-\\[\\]-~é]{0,60}\"",
        "\"(\\\\\"|\\\\\\\\|\\\\t|\\\\u202e|[a-z' ]){0,6}\"",
    ]
}

fn any_value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        let list = prop::collection::vec((break_in_list(), inner.clone(), break_in_list()), 0..5)
            .prop_flat_map(|items| (Just(items), break_in_list(), any::<bool>()))
            .prop_map(|(items, end, comma)| {
                let count = items.len();
                let mut text = "[".to_owned();
                for (index, (before, value, after)) in items.into_iter().enumerate() {
                    text.push_str(&[before, value, after].concat());
                    if index + 1 < count || comma {
                        text.push(',');
                    }
                }
                format!("{text}{end}]")
            });
        let table = prop::collection::vec((break_in_list(), inner, break_in_list()), 0..4)
            .prop_flat_map(|items| (Just(items), break_in_list()))
            .prop_map(|(items, end)| {
                let mut text = "{".to_owned();
                for (index, (before, value, after)) in items.into_iter().enumerate() {
                    text.push_str(&format!("{before}k{}={value}{after},", 9 - index));
                }
                if text == "{" { format!("{{{end}}}") } else { format!("{text}{end}}}") }
            });
        prop_oneof![list, table]
    })
}

fn any_line() -> impl Strategy<Value = String> {
    let key = "[a-c]{1,2}|\"[a-c. ]{1,3}\"|'[a-c]'";
    let entry = (key, spaces(), any_value(), spaces(), comment()).prop_map(
        |(key, space, value, more, comment)| {
            format!("{space}{key}{more}={space}{value}{more}{comment}")
        },
    );
    let headings = [
        "[features]",
        "[ experimental_network . domains ]",
        "[[rules.prefix_rules]]",
        "[a.b]",
        "[[ c ]]",
    ];
    let heading = (prop::sample::select(headings.to_vec()), spaces(), comment())
        .prop_map(|(heading, space, comment)| format!("{space}{heading}{space}{comment}"));
    prop_oneof![5 => entry, 2 => heading, 1 => comment(), 2 => spaces()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn random_documents_keep_their_meaning(
        lines in prop::collection::vec(any_line(), 0..12),
        crlf in any::<bool>(),
        end in any::<bool>(),
    ) {
        let mut text = lines.join(if crlf { "\r\n" } else { "\n" });
        if end {
            text.push('\n');
        }
        holds(&text, Some(FileKind::Requirements));
    }
}

/// The random documents are worth something: most are TOML, and they reach every construct.
#[test]
fn random_documents_are_mostly_toml() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut good, mut broken, mut commented) = (0, 0, 0);
    for _ in 0..400 {
        let lines =
            prop::collection::vec(any_line(), 0..6).new_tree(&mut runner).unwrap().current();
        let text = lines.join("\n");
        if let Ok(once) = format(&text, None) {
            good += 1;
            broken += usize::from(once.contains("\n  "));
            commented += usize::from(once.contains(" #"));
        }
    }
    assert!(good > 200 && broken > 20 && commented > 40, "{good} {broken} {commented}");
}
