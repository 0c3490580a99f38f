//! The uniform layout of policy files: `codex-config fmt`.
//!
//! Reading order: this file, `tree` (a document as it is written), `order` (what is sorted),
//! `layout` (how it is written), `strings` (quotes), `folder` (which files of a folder).
//!
//! **Invariants.** The parsed value and every comment stay. Formatting twice is formatting once.
//! Nothing is sorted but maps that the key table marks; rules and lists never. Text inside a
//! string of several lines is never touched, its line ends neither.

mod folder;
mod layout;
mod order;
mod strings;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use codex_schema::lookup::{CONFIG, REQUIREMENTS, Tree};
use codex_schema::reader::{SyntaxProblem, read_toml};
use codex_schema::span::SourceId;

use crate::check::FileKind;

pub use folder::{Found, Limits, TooMany, find};

/// A text in the uniform layout. `kind` says which maps may be sorted; without it none is.
///
/// # Errors
/// All syntax errors of a text that is not TOML.
pub fn format(text: &str, kind: Option<FileKind>) -> Result<String, Vec<SyntaxProblem>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed = read_toml(text, SourceId(0));
    if !parsed.problems.is_empty() {
        return Err(parsed.problems);
    }
    let mut document = tree::read(text);
    if let Some(tree) = kind.and_then(keys) {
        order::sort(&mut document.lines, tree);
    }
    Ok(layout::write(&document))
}

/// The keys of a kind of TOML file.
pub(crate) fn keys(kind: FileKind) -> Option<&'static Tree> {
    match kind {
        FileKind::Requirements => Some(&REQUIREMENTS),
        FileKind::Config | FileKind::ManagedConfig => Some(&CONFIG),
        _ => None,
    }
}
