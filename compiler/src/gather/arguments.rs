//! The command line a person would give to Codex, as a layer of configuration.

use codex_schema::path::is_bare;
use codex_schema::reader::read_toml_value;
use codex_schema::source::{Documents, Source};
use codex_schema::span::{SourceId, Sourced, Span};
use codex_schema::value::{Node, Table, Value};

/// Most parts of a key on the command line. Codex 0.169.0 takes thousands, and at 20,000 its own
/// stack ends; nobody means more than a few.
const DEPTH_LIMIT: usize = 256;

/// What a command line asks for.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// One table per `-c`, `--enable` and the like, in the order given: later ones win.
    pub overrides: Vec<(SourceId, Table)>,
    /// Requests that do not go through the configuration: `-a`, `-s`, `--model` and the bypass
    /// flag, as the configuration key each one stands for.
    pub requests: Vec<(&'static str, Node)>,
    /// The profile of `-p`.
    pub profile: Option<Sourced<String>>,
    /// The folder of `-C`.
    pub cwd: Option<String>,
    /// The names given to `--enable` and `--disable`.
    pub flags: Vec<Sourced<String>>,
    /// Whether unknown configuration keys are errors.
    pub strict: bool,
    /// Arguments that are wrong, in Codex's words.
    pub problems: Vec<Sourced<String>>,
}

/// Reads the arguments after `--`.
pub fn read(arguments: &[String], documents: &mut Documents) -> Arguments {
    let mut reader = Reader { documents, toggles: Vec::new(), found: Arguments::default() };
    let mut rest = arguments.iter().enumerate();
    while let Some((index, argument)) = rest.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        if let Some(key) = switch(name) {
            reader.switch(key, index, argument);
            continue;
        }
        if !takes_value(name) {
            continue;
        }
        let (at, value) = match attached {
            Some(value) => (index, value),
            None => match rest.next() {
                Some((at, value)) => (at, value.clone()),
                None => break,
            },
        };
        reader.option(name, at, &value);
    }
    reader.toggles();
    reader.found
}

fn switch(name: &str) -> Option<&'static str> {
    match name {
        "--dangerously-bypass-approvals-and-sandbox" | "--yolo" => Some("bypass"),
        "--search" => Some("search"),
        "--strict-config" => Some("strict"),
        "--oss" => Some("oss"),
        _ => None,
    }
}

fn takes_value(name: &str) -> bool {
    matches!(
        name,
        "-c" | "--config"
            | "--enable"
            | "--disable"
            | "-m"
            | "--model"
            | "-s"
            | "--sandbox"
            | "-a"
            | "--ask-for-approval"
            | "-p"
            | "--profile"
            | "-C"
            | "--cd"
    )
}

struct Reader<'documents> {
    documents: &'documents mut Documents,
    /// `--enable` and `--disable`: whether it is the first, the path, and where it stands.
    toggles: Vec<(bool, String, SourceId, Span)>,
    found: Arguments,
}

impl Reader<'_> {
    fn source(&mut self, index: usize, text: &str) -> SourceId {
        self.documents.add(Source::Argument { index: index + 1 }, text)
    }

    fn switch(&mut self, kind: &str, index: usize, argument: &str) {
        let source = self.source(index, argument);
        let span = Span::new(source, 0, argument.len());
        match kind {
            "bypass" => {
                self.found.requests.push(("approval_policy", Node::string("never", span)));
                self.found
                    .requests
                    .push(("sandbox_mode", Node::string("danger-full-access", span)));
            }
            "search" => self.set("web_search", Node::string("live", span), source),
            "oss" => self.set("model_provider", Node::string("oss", span), source),
            _ => self.found.strict = true,
        }
    }

    fn option(&mut self, name: &str, index: usize, value: &str) {
        let source = self.source(index, value);
        let span = Span::new(source, 0, value.len());
        match name {
            "-c" | "--config" => self.override_key(value, source),
            "--enable" | "--disable" => {
                self.found.flags.push(Sourced { value: value.to_owned(), span });
                let on = name == "--enable";
                self.toggles.push((on, format!("features.{value}"), source, span));
            }
            "-m" | "--model" => self.found.requests.push(("model", Node::string(value, span))),
            "-s" | "--sandbox" => {
                self.found.requests.push(("sandbox_mode", Node::string(value, span)));
            }
            "-a" | "--ask-for-approval" => {
                self.found.requests.push(("approval_policy", Node::string(value, span)));
            }
            "-p" | "--profile" => {
                self.found.profile = Some(Sourced { value: value.to_owned(), span });
            }
            _ => self.found.cwd = Some(value.to_owned()),
        }
    }

    /// Toggles come after all `-c`; those that disable come after those that enable.
    fn toggles(&mut self) {
        let mut toggles = std::mem::take(&mut self.toggles);
        toggles.sort_by_key(|(on, ..)| !on);
        for (on, path, source, span) in toggles {
            self.set(&path, Node { value: Value::Boolean(on), span }, source);
        }
    }

    /// `key=value`: split at the first `=`, the key at every dot (quotes do not protect), the
    /// value read as TOML and, where it is not, taken as it stands.
    fn override_key(&mut self, argument: &str, source: SourceId) {
        let whole = Span::new(source, 0, argument.len());
        let Some((key, text)) = argument.split_once('=') else {
            let value = format!("Invalid override (missing '='): {argument}");
            self.found.problems.push(Sourced { value, span: whole });
            return;
        };
        if key.trim().is_empty() {
            let value = format!("Empty key in override: {argument}");
            self.found.problems.push(Sourced { value, span: whole });
            return;
        }
        let text_start = key.len() + 1;
        let trimmed = text.trim();
        let node = read_toml_value(trimmed, source).map_or_else(
            || Node::string(trimmed.trim_matches(['"', '\'']), whole),
            |mut node| {
                let lead = text.len() - text.trim_start().len();
                shift(&mut node, u32::try_from(text_start + lead).unwrap_or(0));
                node
            },
        );
        // A date is no value here: Codex keeps its text.
        let node = match node.value {
            Value::Datetime(_) => Node::string(trimmed, node.span),
            _ => node,
        };
        self.set(key.trim(), node, source);
    }

    fn set(&mut self, path: &str, node: Node, source: SourceId) {
        if path.split('.').count() > DEPTH_LIMIT {
            let value = format!("Invalid override (more than {DEPTH_LIMIT} parts in the key)");
            self.found.problems.push(Sourced { value, span: node.span });
            return;
        }
        let mut node = node;
        for part in path.split('.').rev() {
            let span = node.span;
            let mut table = Table::default();
            table.insert(Sourced { value: part.into(), span }, node);
            node = Node { value: Value::Table(table), span };
        }
        if let Value::Table(table) = node.value {
            self.found.overrides.push((source, table));
        }
    }
}

/// The arguments that ask for these settings, one `-c` a value. Codex parts the key of a `-c` at
/// every dot and knows no quotes there, so tables with other names are given whole, as values.
pub fn given(settings: &Table) -> Vec<String> {
    let mut found = Vec::new();
    give(settings, &mut Vec::new(), &mut found);
    found
}

fn give(table: &Table, path: &mut Vec<String>, found: &mut Vec<String>) {
    let is_parted =
        |table: &Table| !table.is_empty() && table.iter().all(|entry| is_bare(&entry.key.value));
    for entry in table {
        path.push(entry.key.value.to_string());
        match &entry.node.value {
            Value::Table(below) if is_parted(below) => give(below, path, found),
            value => {
                if let Ok(text) = toml::Value::try_from(serde_json::json!(value)) {
                    found.push("-c".to_owned());
                    found.push(format!("{}={text}", path.join(".")));
                }
            }
        }
        path.pop();
    }
}

fn shift(node: &mut Node, by: u32) {
    node.span.start = node.span.start.saturating_add(by);
    node.span.end = node.span.end.saturating_add(by);
    match &mut node.value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| shift(element, by)),
        Value::Table(table) => table.for_each_mut(|node| shift(node, by)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> (Arguments, Documents) {
        let mut documents = Documents::default();
        let owned: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        (read(&owned, &mut documents), documents)
    }

    fn merged(arguments: &[&str]) -> serde_json::Value {
        let tables = parse(arguments).0.overrides;
        let json: Vec<_> = tables
            .into_iter()
            .map(|(_, table)| serde_json::to_value(Value::Table(table)).unwrap())
            .collect();
        serde_json::Value::Array(json)
    }

    #[test]
    fn settings_come_back_as_they_were_given() {
        for text in [
            "model = \"a\"\nfeatures.apps = true\nsandbox_workspace_write.writable_roots = []",
            "[mcp_servers.\"docs.internal\"]\ncommand = \"x\"\nargs = [\"a=b\", \"it's\"]",
            "[projects.'C:\\a b']\ntrust_level = \"trusted\"\n[mcp_servers.a.env]\n\"A.B\" = \"=\"",
        ] {
            let settings = codex_schema::reader::read_toml(text, SourceId(0)).root;
            let given = given(&settings);
            let given: Vec<&str> = given.iter().map(String::as_str).collect();
            let (found, _) = parse(&given);
            assert!(found.problems.is_empty());
            let mut whole = serde_json::Map::new();
            for (_, table) in found.overrides {
                join(&mut whole, serde_json::json!(Value::Table(table)));
            }
            assert_eq!(serde_json::Value::Object(whole), serde_json::json!(Value::Table(settings)));
        }
    }

    fn join(low: &mut serde_json::Map<String, serde_json::Value>, high: serde_json::Value) {
        let serde_json::Value::Object(high) = high else { unreachable!() };
        for (key, value) in high {
            match low.get_mut(&key) {
                Some(serde_json::Value::Object(below)) => join(below, value),
                _ => drop(low.insert(key, value)),
            }
        }
    }

    #[test]
    fn keys_of_thousands_of_parts_are_refused_before_they_fill_the_stack() {
        let deep = "a.".repeat(50_000) + "a";
        for words in [vec!["-c".to_owned(), format!("{deep}=1")], vec!["--enable".to_owned(), deep]]
        {
            let found = read(&words, &mut Documents::default());
            assert!(found.overrides.is_empty());
            let [problem] = &found.problems[..] else { panic!("{:?}", found.problems) };
            assert!(problem.value.contains("256 parts"), "{}", problem.value);
        }
    }

    #[test]
    fn overrides_follow_codex() {
        assert_eq!(merged(&["-c", "model=cli"]), serde_json::json!([{"model": "cli"}]));
        assert_eq!(merged(&["-c", "model=[unclosed"]), serde_json::json!([{"model": "[unclosed"}]));
        assert_eq!(
            merged(&["-c", "model=2024-01-01"]),
            serde_json::json!([{"model": "2024-01-01"}])
        );
        assert_eq!(
            merged(&["-c", "a.\"b.c\".d=[1]"]),
            serde_json::json!([{"a": {"\"b": {"c\"": {"d": [1]}}}}])
        );
        assert_eq!(
            merged(&["--enable", "x", "--disable=y"]),
            serde_json::json!([{"features": {"x": true}}, {"features": {"y": false}}])
        );
        assert_eq!(parse(&["-c", "novalue"]).0.problems.len(), 1);
        assert_eq!(parse(&["-c", "=1"]).0.problems.len(), 1);
    }

    #[test]
    fn places_point_into_the_argument() {
        let (found, documents) = parse(&["-c", "log_dir= \"x\""]);
        let node = found.overrides[0].1.get("log_dir").unwrap();
        assert_eq!((node.span.start, node.span.end), (9, 12));
        assert_eq!(documents.place(node.span), "argument 2");
    }

    #[test]
    fn flags_become_requests() {
        let found = parse(&["-s", "read-only", "-a", "never", "-p", "work", "--cd", "/w"]).0;
        assert_eq!(found.requests.len(), 2);
        assert_eq!(found.profile.map(|profile| profile.value).as_deref(), Some("work"));
        assert_eq!(found.cwd.as_deref(), Some("/w"));
    }
}
