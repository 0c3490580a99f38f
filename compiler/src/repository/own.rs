//! What is wrong with our own files, `policy.toml` and exceptions: names, types, fields.

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::inspect::inspect;
use codex_schema::lookup::{CASE, EXCEPTION, MANIFEST, PROPERTY, TEST, TRUST, Tree};
use codex_schema::path::dotted;
use codex_schema::reader::SyntaxProblem;
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;

use crate::files::{Content, SIZE_LIMIT, Unreadable};

/// The rule that a syntax error breaks.
pub(super) fn syntax_code(problem: &SyntaxProblem) -> Code {
    if problem.message == "duplicate key" { Code::DuplicateKey } else { Code::Syntax }
}

/// Why a file that is there could not be read.
pub(super) fn unreadable(path: &str, content: &Content, span: Span) -> Diagnostic {
    let (what, help) = match content {
        Content::Unreadable(Unreadable::NotAFile) => {
            ("is a folder or a device, not a file".to_owned(), "put a regular file in its place")
        }
        Content::Unreadable(Unreadable::TooLarge(size)) => (
            format!("has {size} bytes, more than the limit of {SIZE_LIMIT}"),
            "split or shorten it; Codex takes seconds for a tenth of this",
        ),
        Content::Unreadable(Unreadable::Refused(words)) => {
            (format!("cannot be read: {words}"), "check its permissions, and where a link leads")
        }
        Content::Absent | Content::Bytes(_) => {
            ("went away while it was read".to_owned(), "try again")
        }
    };
    Diagnostic::new(Code::Unreadable, format!("`{path}` {what}"), span).help(help)
}

pub(super) fn check_manifest(root: &Table) -> Vec<Diagnostic> {
    check(root, &MANIFEST, "policy", None)
}

pub(super) fn check_exception(root: &Table) -> Vec<Diagnostic> {
    check(root, &EXCEPTION, "exception", None)
}

pub(super) fn check_trust(root: &Table) -> Vec<Diagnostic> {
    check(root, &TRUST, "trust", None)
}

/// Holds a file of tests against its tables, every case for itself.
pub(super) fn check_test(root: &Table) -> Vec<Diagnostic> {
    let mut found = check(root, &TEST, "test", None);
    for (list, tree) in [("case", &CASE), ("property", &PROPERTY)] {
        let elements = root.get(list).and_then(|node| node.value.as_array());
        for element in elements.unwrap_or_default() {
            if let Some(table) = element.value.as_table() {
                found.extend(check(table, tree, "test", Some(element.span)));
            }
        }
    }
    found
}

/// Holds one of our files against its table. `schema` is the word for it on the command line,
/// `whole` the place of a table within a document.
fn check(root: &Table, tree: &Tree, schema: &str, whole: Option<Span>) -> Vec<Diagnostic> {
    let inspection = inspect(root, tree, Version::NEWEST);
    let mut found = Vec::new();
    for unknown in inspection.unknown {
        let path = dotted(&unknown.path);
        let diagnostic =
            Diagnostic::new(Code::UnknownKey, format!("unknown key `{path}`"), unknown.span);
        found.push(if let Some(meant) = unknown.meant {
            let mut diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            diagnostic.suggestion = Some(meant.to_owned());
            diagnostic
        } else {
            let help = format!("remove it, or look it up in `codex-config schema {schema}`");
            diagnostic.help(help)
        });
    }
    for refused in inspection.refused {
        let first = || root.iter().next().map(|entry| entry.key.span);
        let span = refused.span.or(whole).or_else(first);
        let span = span.unwrap_or(Span::BUILT_IN);
        // Inspection names unknown keys twice where they are refused.
        if found.iter().any(|known: &Diagnostic| known.primary.span == span) {
            continue;
        }
        let code = match refused.message.as_str() {
            text if text.starts_with("missing field") => Code::MissingField,
            text if text.starts_with("unknown variant") => Code::UnknownValue,
            text if text.starts_with("invalid type") => Code::WrongType,
            text if text.starts_with("unknown field") => continue,
            _ => Code::BadContent,
        };
        let path = dotted(&refused.keys);
        let message = match (code, path.as_str()) {
            (Code::MissingField, "") => refused.message,
            (_, "") => refused.message,
            (_, path) => format!("`{path}`: {}", refused.message),
        };
        found.push(Diagnostic::new(code, message, span));
    }
    found
}
