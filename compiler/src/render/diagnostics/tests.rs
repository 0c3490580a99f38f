use super::*;
use crate::check::{Input, Options, check};

fn report(name: &str, text: &str) -> Report {
    let input = Input { name: name.to_owned(), content: Ok(text.into()), kind: None };
    check(vec![input], &Options::default())
}

fn ascii() -> Style {
    Style { glyphs: Glyphs::Ascii, ..Style::default() }
}

#[test]
fn people_see_the_line_the_caret_and_what_codex_does() {
    let report = report("policy/requirements.toml", "\n\tallowed_sandbox_mode = [\"read-only\"]\n");
    let text = human(&report, Style::default());
    let expected = "\
error[CX0101]: unknown key `allowed_sandbox_mode`
  ┌─ policy/requirements.toml:2:2
2 │     allowed_sandbox_mode = [\"read-only\"]
  │     ^^^^^^^^^^^^^^^^^^^^ so every value of `sandbox_mode` stays allowed
  = help: did you mean `allowed_sandbox_modes`?
  = Codex 0.155 and older: ignores it without a word
  = Codex 0.156 and newer: warns the developer and ignores it
      requirements (/etc/codex/requirements.toml): `allowed_sandbox_mode` is ignored.

1 error in 1 file, checked against Codex 0.169.0
what a code means: codex-config check --explain CX0101
";
    assert_eq!(text, expected);
    assert!(human(&report, ascii()).is_ascii());
}

#[test]
fn no_line_is_wider_than_asked_and_carets_stand_under_the_mistake() {
    let long = "features = { memories_x = false, \"日本é\" = true }\n";
    let padded = format!("allow_appshots = {}\"x\" # {}\n", " ".repeat(300), "y".repeat(300));
    for text in [long, padded.as_str(), "\"日本é\" = 1\n", "a = \"\u{202e}\u{7}\"\n"] {
        for width in [40, 60, 100] {
            let report = report("requirements.toml", text);
            let shown = human(&report, Style { width, ..Style::default() });
            for line in shown.lines() {
                assert!(words::width(line) <= width, "{width}: {line:?} in\n{shown}");
                assert!(!line.contains(['\u{202e}', '\u{7}']), "{line:?}");
            }
        }
    }
    let shown = human(&report("requirements.toml", padded.as_str()), Style::default());
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|line| line.contains("^^^")).unwrap();
    let column = words::width(lines[at].split('^').next().unwrap());
    let source: String = lines[at - 1].chars().skip(column).take(3).collect();
    assert_eq!(source, "\"x\"", "{shown}");
}

#[test]
fn secrets_are_never_shown() {
    for text in [
        "[model_providers.p]\nname = 5\nexperimental_bearer_token = \"sk-very-secret\"\n",
        "[model_providers.p]\nexperimental_bearer_token = [\"sk-very-secret\"]\n",
        "[model_providers.p]\nexperimental_bearer_token = \"sk-very-secret\n",
        "[model_providers.p.http_headers]\nX-Key = \"sk-very-secret\" x\n",
        "[model_providers.p]\nexperimental_bearer_tokn = \"sk-very-secret\"\n",
        "[otel.exporter.otlp-http]\nendpoint = 5\nheaders = { a = \"sk-very-secret\" }\n",
        "api_token = \"sk-very-secret\"\n",
    ] {
        let report = report("requirements.toml", text);
        assert!(!report.diagnostics.is_empty(), "{text}");
        for shown in [human(&report, Style::default()), plain(&report), json(&report)] {
            assert!(!shown.contains("very-secret"), "{text}\n{shown}");
        }
    }
}

#[test]
fn plain_has_one_fact_per_line_and_colour_is_extra() {
    let report = report("requirements.toml", "allow_appshots = true\nallow_appshots = false\n");
    let text = plain(&report);
    for line in text.lines().filter(|line| line.contains("requirements.toml:")) {
        assert!(line.starts_with("requirements.toml:2:1: "), "{line}");
    }
    assert!(text.contains("see: requirements.toml:1:1 first given here"), "{text}");
    let coloured = human(&report, Style { colour: Colour::Ansi, ..Style::default() });
    let mut bare = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        bare.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    bare.push_str(rest);
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&bare), trimmed(&human(&report, Style::default())));
}

#[test]
fn json_is_complete_and_stable() {
    let report = report("requirements.toml", "# é\nallow_appshot = true\n");
    let value = to_value(&report);
    assert_eq!(value.pointer("/schema").unwrap(), "codex-config/check-1");
    let one = value.pointer("/diagnostics/0").unwrap();
    assert_eq!(one.pointer("/code").unwrap(), "CX0101");
    assert_eq!(one.pointer("/place/source").unwrap(), "requirements.toml");
    assert_eq!(one.pointer("/place/start/line").unwrap(), 2);
    assert_eq!(one.pointer("/place/end/column").unwrap(), 14);
    assert_eq!(one.pointer("/effects/1/outcome").unwrap(), "ignores_with_warning");
    assert_eq!(one.pointer("/effects/1/versions").unwrap(), "0.156 and newer");
    assert_eq!(json_lines(&report).lines().count(), 1);
}
