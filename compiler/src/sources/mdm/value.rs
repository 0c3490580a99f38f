//! One preference, from the string element to the TOML text, as strictly as Codex decodes it.

use super::model::{Forced, ManagedValue, PayloadShape, PreferenceKey};
use super::problem::{ByteRange, MdmProblem, Place, ProblemKind, Problems, Severity, shown};
use super::tree::{Data, Node};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Decodes one preference; gives nothing where Codex would refuse it.
pub(super) fn decode(
    key: PreferenceKey,
    node: &Node,
    forced: Forced,
    shape: PayloadShape,
    problems: &mut Problems,
) -> Option<ManagedValue> {
    let context = Context { key, node, severity: severity(forced) };
    let Data::String(text) = &node.data else {
        problems.add(context.not_a_string());
        return None;
    };
    // Codex trims with `str::trim` before it decodes.
    let trimmed = text.trim();
    let offset = text.len().saturating_sub(text.trim_start().len());
    let Ok(bytes) = STANDARD.decode(trimmed) else {
        context.report_base64(trimmed, offset, problems);
        return None;
    };
    let toml_text = match String::from_utf8(bytes) {
        Ok(toml_text) => toml_text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            problems.add(context.refused(
                ProblemKind::DecodedNotUtf8,
                format!("`{}` decodes to bytes that are not UTF-8, at byte {at}", key.name()),
                "save the toml as UTF-8, then encode it: `base64 < FILE | tr -d '\\n'`",
                node.range.clone(),
            ));
            return None;
        }
    };
    context.report_toml(&toml_text, problems);
    let location = Place::file(node.range.clone());
    Some(ManagedValue { key, toml_text, forced, shape, location })
}

/// Newest Codex does not read what is not forced, so that it cannot stop it.
fn severity(forced: Forced) -> Severity {
    match forced {
        Forced::Forced | Forced::NotStated => Severity::WouldStopCodex,
        Forced::SetOnce => Severity::Error,
    }
}

const ENCODE: &str = "encode it in one line: `base64 < FILE | tr -d '\\n'`";

struct Context<'a> {
    key: PreferenceKey,
    node: &'a Node,
    severity: Severity,
}

impl Context<'_> {
    fn refused(
        &self,
        kind: ProblemKind,
        message: String,
        help: impl Into<String>,
        range: ByteRange,
    ) -> MdmProblem {
        MdmProblem::new(kind, self.severity, message, help).at(range)
    }

    fn not_a_string(&self) -> MdmProblem {
        let Self { key, node, severity: _ } = self;
        let name = node.type_name();
        let help = if name == "data" {
            "write `<string>` with the base64 of the toml: macos decodes `<data>` itself"
        } else {
            "write `<string>` with the base64 of the toml"
        };
        let message = format!("`{}` is `<{name}>`, and Codex takes a string only", key.name());
        self.refused(ProblemKind::NotAString, message, help, node.range.clone())
    }

    /// Names every mistake of a text that does not decode; there is always at least one.
    fn report_base64(&self, text: &str, offset: usize, problems: &mut Problems) {
        let mut add = |kind, message: &str, help: &str, at: Option<usize>| {
            let range = at.map_or_else(|| self.node.range.clone(), |at| self.byte(offset, at));
            let message = format!("the base64 of `{}` {message}", self.key.name());
            problems.add(self.refused(kind, message, help, range));
        };
        let found = Faults::of(text);
        if let Some((at, character)) = found.foreign {
            let character = shown(&character.to_string());
            let message = format!("has the character `{character}`: it is not base64");
            let help = "write the base64 of the toml: `base64 < FILE | tr -d '\\n'`";
            add(ProblemKind::Base64Invalid, &message, help, Some(at));
            return;
        }
        if let Some(at) = found.white_space {
            let message = "has a line end or blank inside, and Codex does not skip them";
            add(ProblemKind::Base64Wrapped, message, ENCODE, Some(at));
        }
        if let Some(at) = found.url_safe {
            let help = "use the standard alphabet: `+` for `-`, and `/` for `_`";
            add(ProblemKind::Base64UrlSafe, "uses the url-safe alphabet", help, Some(at));
        }
        if let Some(at) = found.after_padding {
            let help = "end it after the padding: one value holds one text";
            add(ProblemKind::Base64Trailing, "goes on after its padding", help, Some(at));
        } else if let Some(missing) = found.missing_padding() {
            let (message, help) = (missing, "pad it with `=` to a multiple of four characters");
            add(ProblemKind::Base64Padding, message, help, None);
        } else if found.is_clean() {
            let message = "ends in bits that no encoder writes";
            add(ProblemKind::Base64Invalid, message, ENCODE, None);
        }
    }

    /// Returns the place of one byte of the text, if text and file agree byte by byte.
    fn byte(&self, offset: usize, at: usize) -> ByteRange {
        let range = &self.node.range;
        let same = self.node.text().is_some_and(|text| text.len() == range.len());
        let start = range.start.saturating_add(offset).saturating_add(at);
        let end = start.saturating_add(1);
        if same && end <= range.end { start..end } else { range.clone() }
    }

    fn report_toml(&self, toml_text: &str, problems: &mut Problems) {
        let (name, range) = (self.key.name(), self.node.range.clone());
        if toml_text.starts_with('\u{feff}') {
            problems.add(
                MdmProblem::warning(
                    ProblemKind::TomlByteOrderMark,
                    format!("the toml of `{name}` begins with a byte order mark"),
                    "save the toml as UTF-8 without a byte order mark",
                )
                .at(range.clone()),
            );
        }
        if toml_text.contains("\r\n") {
            problems.add(
                MdmProblem::warning(
                    ProblemKind::TomlCarriageReturn,
                    format!("the toml of `{name}` has windows line ends"),
                    "save the toml with plain line ends, so that its digest is the same everywhere",
                )
                .at(range.clone()),
            );
        }
        if toml_text.trim().is_empty() {
            problems.add(
                MdmProblem::warning(
                    ProblemKind::EmptyValue,
                    format!("`{name}` is empty: it sets nothing"),
                    "remove the key, or encode the toml that you mean",
                )
                .at(range),
            );
        }
    }
}

/// Where a text breaks the rules of base64.
#[derive(Default)]
struct Faults {
    white_space: Option<usize>,
    url_safe: Option<usize>,
    after_padding: Option<usize>,
    foreign: Option<(usize, char)>,
    data: usize,
    padding: usize,
}

impl Faults {
    fn of(text: &str) -> Self {
        let mut found = Self::default();
        for (at, character) in text.char_indices() {
            match character {
                '=' => found.padding = found.padding.saturating_add(1),
                c if c.is_whitespace() => found.white_space = found.white_space.or(Some(at)),
                c if c.is_ascii_alphanumeric() || "+/-_".contains(c) => {
                    if "-_".contains(c) {
                        found.url_safe = found.url_safe.or(Some(at));
                    }
                    if found.padding > 0 {
                        found.after_padding = found.after_padding.or(Some(at));
                    }
                    found.data = found.data.saturating_add(1);
                }
                other => found.foreign = found.foreign.or(Some((at, other))),
            }
        }
        found
    }

    fn missing_padding(&self) -> Option<&'static str> {
        let wanted = match self.data % 4 {
            0 => 0,
            1 => return Some("is cut short"),
            rest => 4_usize.saturating_sub(rest),
        };
        match self.padding.cmp(&wanted) {
            std::cmp::Ordering::Less => Some("lacks its padding"),
            std::cmp::Ordering::Equal => None,
            std::cmp::Ordering::Greater => Some("has too much padding"),
        }
    }

    fn is_clean(&self) -> bool {
        self.white_space.is_none() && self.url_safe.is_none()
    }
}
