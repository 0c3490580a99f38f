//! Text to tokens, with indentation as tokens. Not recursive; a bad piece becomes a [`Tok::Bad`]
//! so that the parser reports the first problem in reading order, as Codex does.

use super::syntax::FormatPiece;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tok {
    Name(String),
    Int(i64),
    Float(f64),
    Text(String),
    /// The content of an f-string, escapes done.
    Format(String),
    /// A keyword, operator or bracket.
    Symbol(&'static str),
    Newline,
    Indent,
    Dedent,
    /// The end of the text.
    End,
    /// What is wrong here, as Codex says it.
    Bad(String),
    /// What is right in Starlark but not known here.
    Unknown(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) tok: Tok,
    pub(super) at: usize,
    pub(super) end: usize,
}

const KEYWORDS: [&str; 15] = [
    "and", "break", "continue", "def", "elif", "else", "for", "if", "in", "lambda", "load", "not",
    "or", "pass", "return",
];
const RESERVED: [&str; 18] = [
    "as", "assert", "async", "await", "class", "del", "except", "finally", "from", "global",
    "import", "is", "nonlocal", "raise", "try", "while", "with", "yield",
];
/// Longest first.
const SYMBOLS: [&str; 42] = [
    "//=", "<<=", ">>=", "...", "**", "//", "<<", ">>", "==", "!=", "<=", ">=", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "->", "+", "-", "*", "/", "%", "&", "|", "^", "~", "<", ">", "=",
    "(", ")", "[", "]", "{", "}", ",", ":", ".",
];

/// Splits the whole text.
pub(super) fn tokens(text: &str) -> Vec<Spanned> {
    let mut lexer = Lexer { text, at: 0, brackets: 0, indents: vec![], found: vec![] };
    lexer.run();
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    brackets: usize,
    indents: Vec<usize>,
    found: Vec<Spanned>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut line_start = true;
        loop {
            if line_start && self.brackets == 0 {
                if !self.indentation() {
                    break;
                }
                line_start = false;
            }
            self.skip_blanks();
            let start = self.at;
            let Some(first) = self.peek() else { break };
            if first == '\n' || self.rest().starts_with("\r\n") {
                self.bump();
                if first == '\r' {
                    self.bump();
                }
                if self.brackets == 0 {
                    self.push(Tok::Newline, start);
                    line_start = true;
                }
                continue;
            }
            let tok = self.token(first);
            let stop = matches!(tok, Tok::Bad(_) | Tok::Unknown(_));
            self.push(tok, start);
            if stop {
                return;
            }
        }
        let end = self.text.len();
        self.at = end;
        if !matches!(self.found.last().map(|last| &last.tok), Some(Tok::Newline) | None) {
            self.push(Tok::Newline, end);
        }
        for _ in 0..self.indents.len() {
            self.push(Tok::Dedent, end);
        }
        self.push(Tok::End, end);
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn push(&mut self, tok: Tok, at: usize) {
        self.found.push(Spanned { tok, at, end: self.at });
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with(' ') {
                self.at += 1;
            } else if rest.starts_with("\\\n") {
                self.at += 2;
            } else if rest.starts_with("\\\r\n") {
                self.at += 3;
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    /// Skips empty lines, then compares the indentation. False at the end of the text or when the
    /// indentation fits no open block.
    fn indentation(&mut self) -> bool {
        loop {
            let rest = self.rest();
            let width = rest.len() - rest.trim_start_matches(' ').len();
            let after = rest.get(width..).unwrap_or_default();
            if after.is_empty() {
                return false;
            }
            let blank = after.starts_with('\n') || after.starts_with("\r\n");
            if !blank && !after.starts_with('#') {
                return self.indent_to(width);
            }
            match after.find('\n') {
                Some(line_end) => self.at += width + line_end + 1,
                None => return false,
            }
        }
    }

    fn indent_to(&mut self, width: usize) -> bool {
        let start = self.at;
        self.at += width;
        let open = self.indents.last().copied().unwrap_or(0);
        if width > open {
            self.indents.push(width);
            self.push(Tok::Indent, start);
            return true;
        }
        while self.indents.last().is_some_and(|open| *open > width) {
            self.indents.pop();
            self.push(Tok::Dedent, start);
        }
        if self.indents.last().copied().unwrap_or(0) == width {
            return true;
        }
        self.push(Tok::Bad("incorrect indentation".to_owned()), start);
        true
    }

    fn token(&mut self, first: char) -> Tok {
        if first == '\t' {
            return Tok::Bad("tabs are not allowed".to_owned());
        }
        if let Some(tok) = self.text_literal() {
            return tok;
        }
        let second_is_digit = self.rest().chars().nth(1).is_some_and(|next| next.is_ascii_digit());
        if first.is_ascii_digit() || (first == '.' && second_is_digit) {
            return self.number();
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return self.word();
        }
        if first == ';' {
            self.at += 1;
            return Tok::Symbol(";");
        }
        let Some(symbol) = SYMBOLS.iter().find(|symbol| self.rest().starts_with(**symbol)) else {
            return Tok::Bad(format!("invalid input `{first}`"));
        };
        self.at += symbol.len();
        match *symbol {
            "(" | "[" | "{" => self.brackets += 1,
            ")" | "]" | "}" => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        Tok::Symbol(symbol)
    }

    fn word(&mut self) -> Tok {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let rest = self.rest();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length;
        if let Some(keyword) = KEYWORDS.iter().find(|keyword| **keyword == word) {
            return Tok::Symbol(keyword);
        }
        if RESERVED.contains(&word.as_str()) {
            return Tok::Bad(format!("cannot use reserved keyword `{word}`"));
        }
        Tok::Name(word)
    }

    fn number(&mut self) -> Tok {
        let rest = self.rest();
        let radix = match rest.get(..2) {
            Some("0x" | "0X") => 16,
            Some("0o" | "0O") => 8,
            Some("0b" | "0B") => 2,
            _ => 10,
        };
        if radix != 10 {
            let digits = rest.get(2..).unwrap_or_default();
            let length = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
            let digits = digits.get(..length).unwrap_or_default().to_owned();
            self.at += 2 + length;
            return integer(&digits, radix);
        }
        let mut length = 0;
        let mut float = false;
        let mut previous = ' ';
        for next in rest.chars() {
            let exponent_sign = matches!(next, '+' | '-') && matches!(previous, 'e' | 'E');
            let starts_exponent = matches!(next, 'e' | 'E') && length > 0;
            if matches!(next, '.') || starts_exponent {
                float = true;
            } else if !next.is_ascii_digit() && !exponent_sign {
                break;
            }
            length += next.len_utf8();
            previous = next;
        }
        let digits = rest.get(..length).unwrap_or_default().to_owned();
        self.at += length;
        if float {
            return digits
                .parse()
                .map_or_else(|_| Tok::Bad(format!("invalid input `{digits}`")), Tok::Float);
        }
        if digits.len() > 1 && digits.starts_with('0') {
            return Tok::Bad(format!("integer cannot have leading 0, got `{digits}`"));
        }
        integer(&digits, 10)
    }

    /// A string literal, if one starts here.
    fn text_literal(&mut self) -> Option<Tok> {
        let rest = self.rest();
        let prefix = rest.len() - rest.trim_start_matches(['r', 'f', 'b']).len();
        let prefix_text = rest.get(..prefix)?;
        let bytes = matches!(prefix_text, "b" | "br" | "rb");
        if !bytes && !matches!(prefix_text, "" | "r" | "f" | "fr" | "rf") {
            return None;
        }
        let body = rest.get(prefix..)?;
        let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        if bytes {
            return Some(Tok::Unknown("a bytes literal"));
        }
        let (raw, format) = (prefix_text.contains('r'), prefix_text.contains('f'));
        let triple = body.starts_with(&quote.to_string().repeat(3));
        self.at += prefix + if triple { 3 } else { 1 };
        let content = self.text_content(quote, triple, raw);
        Some(match content {
            Some(content) if format => Tok::Format(content),
            Some(content) => Tok::Text(content),
            None => Tok::Bad("unfinished string literal".to_owned()),
        })
    }

    fn text_content(&mut self, quote: char, triple: bool, raw: bool) -> Option<String> {
        let closing = quote.to_string().repeat(if triple { 3 } else { 1 });
        let mut content = String::new();
        loop {
            if self.rest().starts_with(&closing) {
                self.at += closing.len();
                return Some(content);
            }
            let next = self.bump()?;
            if next == '\r' && self.peek() == Some('\n') {
                continue;
            }
            if next == '\n' && !triple {
                return None;
            }
            if next != '\\' {
                content.push(next);
                continue;
            }
            let escaped = self.bump()?;
            if raw {
                if escaped != quote {
                    content.push('\\');
                }
                content.push(escaped);
            } else {
                self.escape(escaped, &mut content)?;
            }
        }
    }

    fn escape(&mut self, escaped: char, content: &mut String) -> Option<()> {
        match escaped {
            'n' => content.push('\n'),
            't' => content.push('\t'),
            'r' => content.push('\r'),
            'a' => content.push('\x07'),
            'b' => content.push('\x08'),
            'f' => content.push('\x0c'),
            'v' => content.push('\x0b'),
            '\n' => {}
            '\\' | '"' | '\'' => content.push(escaped),
            'x' => content.push(self.code(2, 16)?),
            'u' => content.push(self.code(4, 16)?),
            'U' => content.push(self.code(8, 16)?),
            '0'..='7' => {
                self.at -= 1;
                content.push(self.code(3, 8)?);
            }
            other => content.extend(['\\', other]),
        }
        Some(())
    }

    /// A character given by its number: exactly `digits` digits, up to that many in octal.
    fn code(&mut self, digits: usize, radix: u32) -> Option<char> {
        let mut value = 0_u32;
        let mut seen = 0;
        while seen < digits {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            value = value.checked_mul(radix)?.checked_add(digit)?;
            self.at += 1;
            seen += 1;
        }
        if radix == 16 && seen < digits {
            return None;
        }
        char::from_u32(value)
    }
}

fn integer(digits: &str, radix: u32) -> Tok {
    if digits.is_empty() {
        return Tok::Bad("not a valid integer".to_owned());
    }
    i64::from_str_radix(digits, radix)
        .map_or(Tok::Unknown("an integer of more than 64 bits"), Tok::Int)
}

/// Cuts the content of an f-string into text and names. `None` if its braces are not right.
pub(super) fn format_pieces(content: &str, at: usize) -> Option<Vec<FormatPiece>> {
    let mut pieces = vec![];
    let mut text = String::new();
    let mut characters = content.chars().peekable();
    while let Some(next) = characters.next() {
        match next {
            '{' if characters.peek() == Some(&'{') => {
                characters.next();
                text.push('{');
            }
            '}' if characters.peek() == Some(&'}') => {
                characters.next();
                text.push('}');
            }
            '}' => return None,
            '{' => {
                let mut name = String::new();
                loop {
                    match characters.next()? {
                        '}' => break,
                        inner => name.push(inner),
                    }
                }
                let name = name.trim().to_owned();
                let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                if name.is_empty() || !plain {
                    return None;
                }
                pieces.push(FormatPiece::Text(std::mem::take(&mut text)));
                pieces.push(FormatPiece::Name(at, name));
            }
            other => text.push(other),
        }
    }
    pieces.push(FormatPiece::Text(text));
    Some(pieces)
}
