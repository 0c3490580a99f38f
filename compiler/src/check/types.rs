//! Values Codex cannot read: of the wrong type, or not among the known ones.

use codex_schema::de::TypeProblem;
use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::inspect::Inspection;
use codex_schema::lookup::closest;
use codex_schema::path::dotted;
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::document::{Subject, Syntax};
use super::place::path_of;
use super::{FileKind, Findings};
use crate::compose::{Refusal, Stage};

/// Adds the values that a version refuses.
pub(super) fn add(
    subject: &Subject<'_>,
    inspection: &Inspection,
    at: Version,
    found: &mut Findings,
) {
    if inspection.refused.is_empty() {
        return;
    }
    let composition = subject.composed(subject.root, Syntax::Repaired, at);
    for problem in &inspection.refused {
        let span = problem.span.unwrap_or(Span::new(subject.id, 0, 0));
        let refusal = composition.refusals.iter().find(|refusal| refusal.span == problem.span);
        let effect = effect_of(subject, refusal, at);
        found.add(of_problem(subject, problem, span).effect(effect));
    }
}

/// What a version does when it refuses a value of this file.
pub(super) fn effect_of(subject: &Subject<'_>, refusal: Option<&Refusal>, at: Version) -> Effect {
    // Up to 0.138 (measured; the change came before 0.157.1) the server starts all the same.
    let starts = at < Version::of(157) || refusal.is_some_and(|one| one.stage == Stage::Session);
    let bound = matches!(subject.kind, FileKind::Requirements | FileKind::ManagedConfig);
    let outcome = if bound && !starts { Outcome::RefusesToStart } else { Outcome::RefusesSessions };
    let mut effect = Effect::new(Versions::only(at), outcome);
    // Codex's words are modelled for the newest version; older ones differ in details.
    if at == Version::NEWEST {
        effect.says = refusal.map(|refusal| refusal.text.trim_end().to_owned());
    }
    effect
}

fn of_problem(subject: &Subject<'_>, problem: &TypeProblem, span: Span) -> Diagnostic {
    let mut path = path_of(subject.root, span);
    if path.is_empty() {
        path.clone_from(&problem.keys);
    }
    let key = dotted(&path);
    let words = problem.message.as_str();
    let mut diagnostic = if let Some(rest) = words.strip_prefix("unknown variant ") {
        of_variant(&key, rest, span)
    } else if let Some(rest) = words.strip_prefix("unknown field ") {
        of_field(&key, rest, span)
    } else if let Some(rest) = words.strip_prefix("invalid type: ") {
        of_type(&key, rest, span)
    } else if let Some(field) = words.strip_prefix("missing field ") {
        let message = format!("{} lacks the field {field}", shown(&key));
        Diagnostic::new(Code::MissingField, message, span).help(format!("add {field}"))
    } else if words.starts_with("duplicate field ") {
        of_duplicate(subject, &key, span)
    } else if words.contains("cannot be combined") || words.contains("configured together") {
        Diagnostic::new(Code::Conflict, format!("in {}: {words}", shown(&key)), span)
            .help("keep the map form and move the entries of the lists there")
    } else {
        let code = if words.starts_with("invalid length") || words.starts_with("wanted exactly") {
            Code::WrongType
        } else {
            Code::BadContent
        };
        Diagnostic::new(code, format!("{}: {words}", shown(&key)), span)
    };
    if diagnostic.help.is_none() {
        diagnostic.help =
            example(subject, &path).or_else(|| Some(diagnostic.code.rule().instead.to_owned()));
    }
    diagnostic
}

fn shown(key: &str) -> String {
    if key.is_empty() { "the file".to_owned() } else { format!("`{key}`") }
}

/// The row's example, as a line that could be written.
pub(super) fn example(subject: &Subject<'_>, path: &[String]) -> Option<String> {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    let row = subject.tree.key_of(&names)?;
    (!row.example.is_empty()).then(|| format!("for example `{} = {}`", row.path, row.example))
}

/// The names in backticks of one of serde's lists.
fn names_in(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn of_variant(key: &str, rest: &str, span: Span) -> Diagnostic {
    let names = names_in(rest);
    let (written, known) = names.split_first().map_or(("", &[][..]), |(one, rest)| (*one, rest));
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let message = format!("`{written}` is not a value of {}", shown(key));
    let mut diagnostic = Diagnostic::new(Code::UnknownValue, message, span);
    let meant = closest(written, known.iter().copied());
    diagnostic.help = Some(match meant {
        Some(meant) => format!("did you mean `{meant}`? known values: {}", list.join(", ")),
        None => format!("known values: {}", list.join(", ")),
    });
    diagnostic.suggestion = meant.map(str::to_owned);
    diagnostic
}

fn of_field(key: &str, rest: &str, span: Span) -> Diagnostic {
    let names = names_in(rest);
    let (written, known) = names.split_first().map_or(("", &[][..]), |(one, rest)| (*one, rest));
    let mut diagnostic = Diagnostic::new(Code::UnknownKey, format!("unknown key `{key}`"), span)
        .label("this table accepts only the keys it knows");
    let meant = closest(written, known.iter().copied());
    let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    diagnostic.help = Some(match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known keys here: {}", list.join(", ")),
    });
    diagnostic.suggestion = meant.map(str::to_owned);
    diagnostic
}

fn of_type(key: &str, rest: &str, span: Span) -> Diagnostic {
    let (is, wants) = rest.split_once(", expected ").unwrap_or((rest, "another type"));
    let message = format!("{} must be {}, not {}", shown(key), plain(wants), plain(is));
    Diagnostic::new(Code::WrongType, message, span)
}

/// serde's names of types in the words of TOML.
fn plain(words: &str) -> String {
    let known = [
        ("unit variant", "a value of another type"),
        ("string only", "one of the known texts"),
        ("a boolean", "`true` or `false`"),
        ("sequence", "a list"),
        ("a sequence", "a list"),
        ("map", "a table"),
        ("a map", "a table"),
        ("path string", "a path"),
    ];
    if let Some((_, plain)) = known.iter().find(|(serde, _)| *serde == words) {
        return (*plain).to_owned();
    }
    if words.starts_with("struct ") {
        return "a table".to_owned();
    }
    if words.starts_with("enum ") || words.contains("variant") {
        return "one of the known forms".to_owned();
    }
    if matches!(words, "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64") {
        return "a whole number".to_owned();
    }
    let literal = ["string ", "integer ", "boolean ", "floating point "];
    match literal.iter().find_map(|kind| Some((kind, words.strip_prefix(kind)?))) {
        Some((kind, value)) => {
            let article = if *kind == "integer " { "an" } else { "a" };
            let name = if *kind == "string " { "text" } else { kind.trim() };
            format!("{article} {name} ({})", value.trim_matches('`'))
        }
        None => words.to_owned(),
    }
}

/// A key beside its other name.
fn of_duplicate(subject: &Subject<'_>, key: &str, span: Span) -> Diagnostic {
    let own = subject.tree.root().child(key).and_then(codex_schema::lookup::Spot::alias_of);
    let other = subject.root.iter().find(|entry| {
        let name = &*entry.key.value;
        let stands_for =
            subject.tree.root().child(name).and_then(codex_schema::lookup::Spot::alias_of);
        entry.key.span != span
            && (own == Some(name) || (stands_for.is_some() && stands_for == Some(key)))
    });
    let diagnostic =
        Diagnostic::new(Code::DuplicateKey, format!("`{key}` is given under two names"), span)
            .help(format!("keep `{}` only", own.unwrap_or(key)));
    match other {
        Some(entry) => diagnostic.beside(entry.key.span, "the same key, under its other name"),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_in_the_words_of_toml() {
        for (serde, expected) in [
            (
                "integer `5`, expected a boolean",
                "`k` must be `true` or `false`, not an integer (5)",
            ),
            ("string \"x\", expected a sequence", "`k` must be a list, not a text (\"x\")"),
            ("sequence, expected struct Zzz", "`k` must be a table, not a list"),
            (
                "unit variant, expected string only",
                "`k` must be one of the known texts, not a value of another type",
            ),
        ] {
            let span = Span::BUILT_IN;
            assert_eq!(of_type("k", serde, span).message, expected);
        }
    }
}
