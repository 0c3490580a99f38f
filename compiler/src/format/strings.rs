//! How texts are quoted: with `"`, unless `'` avoids escapes.

use toml_parser::decoder::Encoding;

/// A text or another scalar in its uniform spelling. Its value stays the same.
pub(super) fn uniform(raw: &str, encoding: Option<Encoding>) -> String {
    match encoding {
        Some(Encoding::LiteralString) => from_literal(raw),
        Some(Encoding::BasicString) => from_basic(raw),
        // Line ends and spaces inside texts of several lines are part of the value.
        Some(Encoding::MlLiteralString | Encoding::MlBasicString) | None => raw.to_owned(),
    }
}

fn inner(raw: &str, quote: char) -> Option<&str> {
    raw.strip_prefix(quote)?.strip_suffix(quote)
}

fn from_literal(raw: &str) -> String {
    match inner(raw, '\'') {
        Some(text) if !text.contains(['"', '\\']) => format!("\"{text}\""),
        _ => raw.to_owned(),
    }
}

/// Only escapes of quotes and backslashes are undone: others make visible what would not be.
fn from_basic(raw: &str) -> String {
    let Some(text) = inner(raw, '"') else { return raw.to_owned() };
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped @ ('"' | '\\')) => plain.push(escaped),
                _ => return raw.to_owned(),
            },
            '\'' => return raw.to_owned(),
            _ => plain.push(letter),
        }
    }
    if plain.len() == text.len() { raw.to_owned() } else { format!("'{plain}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_basic_unless_literal_ones_avoid_escapes() {
        for (raw, encoding, expected) in [
            ("'a'", Encoding::LiteralString, "\"a\""),
            (r"'C:\x'", Encoding::LiteralString, r"'C:\x'"),
            (r#"'say "hi"'"#, Encoding::LiteralString, r#"'say "hi"'"#),
            (r#""C:\\x""#, Encoding::BasicString, r"'C:\x'"),
            (r#""it's \"so\"""#, Encoding::BasicString, r#""it's \"so\"""#),
            (r#""\u202e\\""#, Encoding::BasicString, r#""\u202e\\""#),
            (r#""a\tb""#, Encoding::BasicString, r#""a\tb""#),
            ("\"\"", Encoding::BasicString, "\"\""),
            ("''", Encoding::LiteralString, "\"\""),
        ] {
            let once = uniform(raw, Some(encoding));
            assert_eq!(once, expected);
            let now = if once.starts_with('\'') {
                Encoding::LiteralString
            } else {
                Encoding::BasicString
            };
            assert_eq!(uniform(&once, Some(now)), once);
        }
    }
}
