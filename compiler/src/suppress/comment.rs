//! The comments that allow findings: where they are, and what they say.

use codex_schema::diagnostic::Code;
use codex_schema::types::policy::Date;
use std::ops::Range;

/// How such a comment begins, behind its `#`.
const MARK: &str = "codex-config:";

/// Most days that a finding may be allowed ahead.
pub(super) const LONGEST_DAYS: i64 = 366;

/// A comment that means to allow findings.
#[derive(Clone, Debug)]
pub(super) struct Comment {
    /// Its bytes, from the `#` on.
    pub(super) span: Range<usize>,
    /// Its line, from 1.
    pub(super) line: u32,
    /// The line of what it stands above, when it has its line to itself.
    pub(super) below: Option<u32>,
    /// What it allows, or what is wrong with it.
    pub(super) says: Result<Allow, String>,
}

/// What a comment allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allow {
    pub(super) codes: Vec<Code>,
    pub(super) until: Date,
    pub(super) reason: String,
}

/// The language of a text, for its comments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Toml,
    Starlark,
}

/// Every comment of a text that means to allow something.
pub(super) fn find(text: &str, language: Language) -> Vec<Comment> {
    // Nearly every text has none, and looking for comments means reading it word by word.
    if !text.contains(MARK) {
        return Vec::new();
    }
    let spans = match language {
        Language::Toml => in_toml(text),
        Language::Starlark => in_starlark(text),
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for span in spans {
        let Some(comment) = text.get(span.clone()) else { continue };
        let Some(words) = comment.trim_start_matches('#').trim().strip_prefix(MARK) else {
            continue;
        };
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count();
        let alone = before.rsplit('\n').next().unwrap_or_default().trim().is_empty();
        // Further comments may stand between it and what it is about; an empty line ends it.
        let follower = lines.iter().enumerate().skip(line + 1);
        let mut follower = follower.skip_while(|(_, text)| text.trim_start().starts_with('#'));
        let below = follower.next().filter(|(_, text)| alone && !text.trim().is_empty());
        let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
        found.push(Comment {
            span,
            line: number(line),
            below: below.map(|(index, _)| number(index)),
            says: parse(words.trim()),
        });
    }
    found
}

fn in_toml(text: &str) -> Vec<Range<usize>> {
    let tokens = toml_parser::Source::new(text).lex();
    let comments = tokens.filter(|token| token.kind() == toml_parser::lexer::TokenKind::Comment);
    comments.map(|token| token.span().start()..token.span().end()).collect()
}

/// Strings of Starlark may hold a `#`: single or double quotes, once or three times.
fn in_starlark(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut quote: Option<&str> = None;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let one = rest.chars().next().map_or(1, char::len_utf8);
        at += match quote {
            Some(_) if rest.starts_with('\\') => {
                one + rest.chars().nth(1).map_or(0, char::len_utf8)
            }
            Some(end) if rest.starts_with(end) => {
                quote = None;
                end.len()
            }
            // A string in single quotes ends with its line, closed or not.
            Some(end) if end.len() == 1 && rest.starts_with('\n') => {
                quote = None;
                one
            }
            Some(_) => one,
            None if rest.starts_with('#') => {
                let end = rest.find('\n').unwrap_or(rest.len());
                found.push(at..at + end);
                end
            }
            None => {
                quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| rest.starts_with(q));
                quote.map_or(one, str::len)
            }
        };
    }
    found
}

/// Reads `allow(CX0311, CX0402) until=2026-12-31 reason="…"`.
fn parse(words: &str) -> Result<Allow, String> {
    let inner = words.strip_prefix("allow(").and_then(|rest| rest.split_once(')'));
    let Some((list, mut rest)) = inner else {
        return Err("the comment says neither `allow(CODE)` nor anything else that is known".into());
    };
    let mut codes = Vec::new();
    for name in list.split(',').map(str::trim) {
        let code = Code::parse(name).ok_or_else(|| format!("`{name}` is no diagnostic code"))?;
        codes.push(code);
    }
    let (mut until, mut reason) = (None, None);
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        if let Some(more) = rest.strip_prefix("until=").filter(|_| until.is_none()) {
            let end = more.find(char::is_whitespace).unwrap_or(more.len());
            let (day, more) = more.split_at(end);
            let day = Date::parse(day).ok_or_else(|| format!("`{day}` is no day like 2027-06-30"));
            (until, rest) = (Some(day?), more);
        } else if let Some(more) = rest.strip_prefix("reason=\"").filter(|_| reason.is_none()) {
            let Some((text, more)) = more.split_once('"') else {
                return Err("the reason has no closing quote".to_owned());
            };
            (reason, rest) = (Some(text.trim().to_owned()), more);
        } else {
            let word = rest.split_whitespace().next().unwrap_or_default();
            return Err(format!("`{word}` is not understood"));
        }
    }
    let until = until.ok_or("a last day is missing: `until=YYYY-MM-DD`")?;
    let reason = reason.filter(|reason| !reason.is_empty());
    let reason = reason.ok_or("a reason is missing: `reason=\"…\"`")?;
    Ok(Allow { codes, until, reason })
}
