//! Property lists and configuration profiles, and the TOML texts inside them.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Severity, Versions};
use codex_schema::source::Source;
use codex_schema::span::{SourceId, Span};

use super::{FileKind, Findings, Report, document};
use crate::sources::mdm::{
    self, Document, Limits, ManagedPreferences, MdmProblem, Place, PreferenceKey, ProblemKind,
    Severity as MdmSeverity,
};

/// Where the readable text of a property list lies in its file.
pub(super) struct Outer {
    pub(super) id: SourceId,
    /// Byte offset of the text in the file.
    start: usize,
    /// Its length; 0 where the file has none (a binary list).
    length: usize,
}

impl Outer {
    /// A place of the file; its beginning where the text is not in the file in one piece.
    pub(super) fn span(&self, place: &Place) -> Span {
        span_of(place, self).unwrap_or(Span::new(self.id, 0, 0))
    }
}

/// Checks the bytes of a property list or profile, and gives what was read from them.
pub(super) fn check(
    name: &str,
    bytes: &[u8],
    report: &mut Report,
    found: &mut Findings,
) -> (ManagedPreferences, Outer) {
    let (start, text) = readable(bytes);
    let length = text.len();
    let id = report.documents.add(Source::File { path: name.to_owned() }, text);
    let outer = Outer { id, start, length };
    let read = mdm::read(bytes, &Limits::default());
    for problem in &read.problems {
        found.add(of_problem(problem, &outer));
    }
    for value in read.values.iter().chain(&read.refused) {
        let (key, kind) = match value.key {
            PreferenceKey::RequirementsToml => ("requirements_toml_base64", FileKind::Requirements),
            PreferenceKey::ConfigToml => ("config_toml_base64", FileKind::ManagedConfig),
        };
        let source = Source::Preference { key: key.to_owned(), path: name.to_owned() };
        let inner = report.documents.add(source, value.toml_text.clone());
        document::check(inner, kind, document::Extent::Whole, report, found);
    }
    (read, outer)
}

/// The XML in a file: all of it, or what a signature in one piece holds.
fn readable(bytes: &[u8]) -> (usize, String) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (0, text.to_owned());
    }
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle);
    let end = find(b"</plist>").map(|at| at + b"</plist>".len());
    let inside = find(b"<?xml").zip(end).and_then(|(start, end)| {
        Some((start, std::str::from_utf8(bytes.get(start..end)?).ok()?.to_owned()))
    });
    inside.unwrap_or_default()
}

fn of_problem(problem: &MdmProblem, outer: &Outer) -> Diagnostic {
    let code = code_of(problem.kind);
    let span = problem.place.as_ref().and_then(|place| span_of(place, outer));
    let mut message = problem.message.clone();
    if let (None, Some(place)) = (span, &problem.place) {
        message = match place.line_column {
            Some(at) => format!("{message} (line {}:{} of the list inside)", at.line, at.column),
            None => format!("{message} (at byte {})", place.range.start),
        };
    }
    let mut diagnostic = Diagnostic::new(code, message, span.unwrap_or(Span::new(outer.id, 0, 0)));
    diagnostic.severity = match problem.severity {
        MdmSeverity::Warning => Severity::Warning,
        MdmSeverity::Error | MdmSeverity::WouldStopCodex => Severity::Error,
    };
    diagnostic.help = Some(problem.help.clone()).filter(|help| !help.is_empty());
    if let Some(other) = problem.related.as_ref().and_then(|place| span_of(place, outer)) {
        diagnostic = diagnostic.beside(other, "the other place");
    }
    if problem.severity == MdmSeverity::WouldStopCodex {
        diagnostic = diagnostic.effect(Effect::new(Versions::ALL, Outcome::RefusesToStart));
    }
    diagnostic
}

fn span_of(place: &Place, outer: &Outer) -> Option<Span> {
    if place.document != Document::File || outer.length == 0 {
        return None;
    }
    let start = place.range.start.checked_sub(outer.start)?;
    let end = place.range.end.checked_sub(outer.start)?;
    (end <= outer.length).then(|| Span::new(outer.id, start, end))
}

fn code_of(kind: ProblemKind) -> Code {
    use ProblemKind as Kind;
    match kind {
        Kind::Empty | Kind::NothingForCodex | Kind::EmptyValue => Code::SaysNothing,
        Kind::TooLarge => Code::Unreadable,
        Kind::WideText | Kind::DeclaredEncoding | Kind::NotUtf8 => Code::NotText,
        Kind::NotAPropertyList
        | Kind::ByteOrderMark
        | Kind::XmlSyntax
        | Kind::EntityDeclaration
        | Kind::UnknownEntity
        | Kind::PlistStructure
        | Kind::TruncatedBinary
        | Kind::BinaryStructure
        | Kind::TooDeep
        | Kind::TooManyObjects
        | Kind::TrailingBytes => Code::PropertyList,
        Kind::DuplicateKey => Code::DuplicateKey,
        Kind::UnknownKey => Code::UnknownKey,
        Kind::NotADomainOrProfile
        | Kind::MisspeltDomain
        | Kind::ProfileStructure
        | Kind::EncryptedProfile => Code::Profile,
        Kind::BothShapes | Kind::SeveralPayloads | Kind::SeveralValues => Code::SeveralPayloads,
        Kind::NotForced => Code::NotForced,
        Kind::NotAString => Code::WrongType,
        Kind::Base64Wrapped
        | Kind::Base64UrlSafe
        | Kind::Base64Padding
        | Kind::Base64Trailing
        | Kind::Base64Invalid
        | Kind::DecodedNotUtf8
        | Kind::TomlByteOrderMark
        | Kind::TomlCarriageReturn => Code::Base64,
        Kind::SignatureStructure
        | Kind::SignatureDetached
        | Kind::SignerMissing
        | Kind::SignerCertificateMissing
        | Kind::SignatureAlgorithm
        | Kind::SignatureDigest
        | Kind::SignatureInvalid
        | Kind::WeakDigest => Code::Signature,
        Kind::MoreProblems => Code::TooManyProblems,
    }
}
