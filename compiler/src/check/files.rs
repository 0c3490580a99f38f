//! From names to bytes to text.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::span::Span;

use super::{FileKind, Input, Unread};
use crate::files::{Content, Files, SIZE_LIMIT, Unreadable};

/// Reads files to be checked, through the machine's own door to its files.
pub fn read_inputs(names: &[String], kind: Option<FileKind>, files: &dyn Files) -> Vec<Input> {
    let read = |name: &String| match files.read(name) {
        Content::Bytes(bytes) => Ok(bytes),
        Content::Absent => Err(Unread::Absent),
        Content::Unreadable(reason) => Err(Unread::Unreadable(reason)),
    };
    names.iter().map(|name| Input { name: name.clone(), content: read(name), kind }).collect()
}

/// Says why a file could not be read.
pub(super) fn unreadable(name: &str, reason: &Unread, span: Span) -> Diagnostic {
    let code = Code::Unreadable;
    match reason {
        Unread::Absent => Diagnostic::new(code, format!("there is no file `{name}`"), span)
            .help("check the name; where Codex finds no file there is no policy"),
        Unread::Unreadable(Unreadable::NotAFile) => {
            Diagnostic::new(code, format!("`{name}` is a folder or a device, not a file"), span)
                .help("name the file itself")
                .effect(Effect::new(Versions::ALL, Outcome::RefusesSessions))
        }
        Unread::Unreadable(Unreadable::Refused(words)) => {
            Diagnostic::new(code, format!("`{name}` cannot be read: {words}"), span)
                .help("check its permissions, and where a link leads")
                .effect(Effect::new(Versions::ALL, Outcome::RefusesSessions))
        }
        Unread::Unreadable(Unreadable::TooLarge(size)) => {
            let message = format!("`{name}` has {size} bytes, more than the limit of {SIZE_LIMIT}");
            Diagnostic::new(code, message, span)
                .help("split or shorten it; Codex takes seconds for a tenth of this")
        }
    }
}

/// Bytes that are not UTF-8.
#[derive(Debug)]
pub(super) struct NotText {
    /// The text before the first wrong byte.
    pub readable: String,
    /// The number of wrong bytes, as Codex counts them; `None` when the text breaks off.
    wrong: Option<usize>,
    /// Whether it looks like UTF-16.
    wide: bool,
}

/// Bytes as text.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, NotText> {
    String::from_utf8(bytes).map_err(|error| {
        let problem = error.utf8_error();
        let bytes = error.into_bytes();
        let wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let readable = bytes.get(..problem.valid_up_to()).unwrap_or_default();
        let readable = String::from_utf8_lossy(readable).into_owned();
        NotText { readable, wrong: problem.error_len(), wide }
    })
}

/// Says that a file is not UTF-8; `span` is the place of the first wrong byte.
pub(super) fn not_text(wrong: &NotText, kind: FileKind, span: Span) -> Diagnostic {
    let index = wrong.readable.len();
    let message = if wrong.wide {
        "the file is UTF-16; policy must be UTF-8".to_owned()
    } else {
        format!("the file is not UTF-8: the byte at index {index} is not part of a character")
    };
    let mut effect = Effect::new(Versions::ALL, Outcome::RefusesSessions);
    if let (FileKind::Requirements, Some(count)) = (kind, wrong.wrong) {
        effect = Effect::new(Versions::since(138), Outcome::RefusesSessions).says(format!(
            "Failed to read requirements file /etc/codex/requirements.toml: invalid utf-8 \
             sequence of {count} bytes from index {index}"
        ));
    }
    Diagnostic::new(Code::NotText, message, span)
        .help("save it as UTF-8, without conversion to a Windows code page or to UTF-16")
        .effect(effect)
}
