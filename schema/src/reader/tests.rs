use proptest::prelude::*;

use super::*;

fn library(text: &str) -> Option<serde_json::Value> {
    let table: toml::Table = toml::from_str(text).ok()?;
    serde_json::to_value(&table).ok()
}

fn ours(text: &str) -> Option<serde_json::Value> {
    let document = read_toml(text, SourceId(0));
    document.problems.is_empty().then(|| serde_json::to_value(Value::Table(document.root)).ok())?
}

/// Two independent judges: the `toml` crate and this reader must agree on what is TOML and what
/// it says.
fn agree(text: &str) {
    assert_eq!(ours(text), library(text), "{text:?}: {:?}", read_toml(text, SourceId(0)).problems);
}

#[test]
fn agrees_with_the_toml_crate_on_the_tricky_table_rules() {
    for text in [
        "",
        "\u{feff}a=1",
        "a=1\r\nb=2\r\n",
        "a.b=1\na.c=2",
        "a.b=1\na.b.c=2",
        "[a]\nb=1\n[a]\nc=2",
        "[a.b]\nx=1\n[a]\ny=2",
        "[a]\ny=2\n[a.b]\nx=1",
        "[a]\nb.c=1\n[a.b]\nd=2",
        "[a]\nb.c=1\n[a.b.d]\ne=2",
        "[[a]]\nx=1\n[[a]]\nx=2\n[a.b]\ny=1\n[[a]]\n",
        "[[a]]\n[a]\n",
        "[a]\n[[a]]\n",
        "a=[1]\n[[a]]\n",
        "a=[{}]\n[[a]]\n",
        "a={}\n[a.b]\n",
        "a={b=1}\na.c=2",
        "a={b.c=1,b.d=2}",
        "a={b.c=1,b={}}",
        "a={b={},b.c=1}",
        "a={x=1,x=2}",
        "a={\n x=1,\n}",
        "a=1\na=2",
        "\"a b\".'c.d'=1",
        "a=0x1F\nb=0o7\nc=0b1\nd=1_000\ne=1e3\nf=inf\ng=-0.0",
        "a=9223372036854775808",
        "a=1e999",
        "a=2024-01-02\nb=2024-01-02T03:04:05Z\nc=07:32:00",
        "a=\"\"\"x\ny\"\"\"\nb='''z'''",
        "a='\\e'\nb=\"\\e\"",
        "[a.b]\n[a]\nb.c=1",
        "a.b.c=1\n[a.b]\nd=1",
        "[x]\ny={z=1}\n[x.y.w]\n",
        "[[x.y]]\n[x]\n",
        "[x]\n[[x.y]]\n[[x.y.z]]\n[x.y.q]\n",
        "[]\n",
        "[a.]\n",
        "=1",
        "a",
        "a=",
        "a=[1,,2]",
        "a=[1,2",
        "a={b=1",
        "a=1 b=2",
        "a=01",
        "# \u{1}\n",
    ] {
        agree(text);
    }
}

#[test]
fn deep_nesting_is_an_error_and_never_a_crash() {
    for text in [
        format!("a={}1{}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("a={}", "{a=".repeat(10_000)),
        format!("{}=1", vec!["a"; 10_000].join(".")),
        format!("[{}]", vec!["a"; 10_000].join(".")),
    ] {
        assert!(!read_toml(&text, SourceId(0)).problems.is_empty());
        assert_eq!(library(&text), None);
    }
    for depth in 76..=84 {
        agree(&format!("a={}1{}", "[".repeat(depth), "]".repeat(depth)));
        agree(&format!("{}=1", vec!["a"; depth].join(".")));
        agree(&format!("[{}]", vec!["a"; depth].join(".")));
    }
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = "a = = 1\nb = 2\nb = 3\n[c\nd = 'x\n";
    let problems = read_toml(text, SourceId(0)).problems;
    assert!(problems.len() >= 4, "{problems:?}");
    let duplicate = problems.iter().find(|problem| problem.message == "duplicate key");
    assert_eq!(duplicate.map(|problem| problem.span.start), Some(14), "{problems:?}");
    assert_eq!(duplicate.and_then(|problem| problem.related).map(|span| span.start), Some(8));
}

#[test]
fn spans_cover_keys_and_values() {
    let text = "x = 1\n[table]\n\"k y\" = [ 'a', { b = true } ]\n";
    let document = read_toml(text, SourceId(3));
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    let entry = document.root.get("table").unwrap().value.as_table().unwrap().entry("k y").unwrap();
    assert_eq!(slice(entry.key.span), "\"k y\"");
    assert_eq!(slice(entry.node.span), "[ 'a', { b = true } ]");
    let elements = entry.node.value.as_array().unwrap();
    assert_eq!(slice(elements[1].span), "{ b = true }");
    assert_eq!(elements[1].span.source, SourceId(3));
}

#[test]
fn single_values_keep_their_places() {
    let node = read_toml_value("[1, 'b']", SourceId(0)).unwrap();
    assert_eq!((node.span.start, node.span.end), (0, 8));
    assert_eq!(node.value.as_array().map(|all| all[1].span.start), Some(4));
    for text in ["", "[unclosed", "a b", "1\nw=2", "1 # c\nx"] {
        assert!(read_toml_value(text, SourceId(0)).is_none(), "{text}");
    }
}

fn toml_soup() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b",
        "c",
        ".",
        "=",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        ",",
        "\n",
        " ",
        "1",
        "'s'",
        "true",
        "\"t\"",
        "#c",
        "\r\n",
        "\"\"\"",
        "1.5",
        "2024-01-02",
        "[a]\n",
        "[a.b]\n",
        "[[a]]\n",
        "a=1\n",
        "b.c=2\n",
        "a={b=1}\n",
        "\u{e9}",
        "\\",
        "0x",
        "\t",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn agrees_with_the_toml_crate_on_soup(text in toml_soup()) {
        prop_assert_eq!(ours(&text), library(&text), "{:?}", text);
    }
}
