//! Paths of keys: how they are written, and what is meant by a written one.

use std::fmt::Write as _;

/// The parts of a written path; a part that holds a dot itself stands in quotes of either kind.
/// Nothing is unescaped: see [`WrittenPath`] for paths that people write.
pub fn parts(path: &str) -> impl Iterator<Item = &str> {
    let mut open = None;
    path.split(move |letter| {
        match open {
            None if matches!(letter, '"' | '\'') => open = Some(letter),
            Some(quote) if letter == quote => open = None,
            _ => {}
        }
        letter == '.' && open.is_none()
    })
    .map(|part| unquoted(part, '"').or_else(|| unquoted(part, '\'')).unwrap_or(part))
    .filter(|part| !part.is_empty())
}

fn unquoted(part: &str, quote: char) -> Option<&str> {
    part.strip_prefix(quote)?.strip_suffix(quote)
}

/// A path as TOML writes it: a name that is not bare stands in quotes, so that `a."b.c"` is not
/// taken for `a.b.c`.
pub fn dotted<Part: AsRef<str>>(path: &[Part]) -> String {
    let mut text = String::new();
    for (number, part) in path.iter().map(AsRef::as_ref).enumerate() {
        if number > 0 {
            text.push('.');
        }
        match part {
            bare if is_bare(bare) => text.push_str(bare),
            // Paths of Windows are readable this way.
            plain if plain.contains(['"', '\\']) && is_literal(plain) => {
                let _ = write!(text, "'{plain}'");
            }
            other => basic_string(other, &mut text),
        }
    }
    text
}

/// Whether a name needs no quotes: letters of ASCII, digits, `_` and `-`.
pub fn is_bare(name: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(bare)
}

fn is_literal(name: &str) -> bool {
    !name.contains(|letter: char| letter == '\'' || letter.is_control())
}

/// Appends a text as a basic string of TOML, in double quotes.
pub fn basic_string(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    // Most texts need no second look.
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push_str(text);
        rest = "";
    }
    while let Some(at) = rest.find(|letter: char| letter.is_control() || "\"\\".contains(letter)) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let mut letters = from.chars();
        match letters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\t') => out.push_str("\\t"),
            Some('\r') => out.push_str("\\r"),
            Some(letter) => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            None => {}
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// A key as somebody asks for it: with quotes of either kind, as it is shown, or with nothing but
/// dots between its names, even where names hold dots themselves.
#[derive(Clone, Debug)]
pub struct WrittenPath<'text> {
    text: &'text str,
    parts: Vec<&'text str>,
}

impl<'text> WrittenPath<'text> {
    /// What a text asks for.
    pub fn new(text: &'text str) -> Self {
        Self { text, parts: parts(text).collect() }
    }

    /// Whether this path is meant.
    pub fn is<Part: AsRef<str>>(&self, path: &[Part]) -> bool {
        let same = path.iter().map(AsRef::as_ref).eq(self.parts.iter().copied());
        same || written(path).any(|written| written == self.text)
    }

    /// Whether this path or one above it is meant.
    pub fn covers<Part: AsRef<str>>(&self, path: &[Part]) -> bool {
        self.rest(path).is_some()
    }

    /// The names of a path below what is meant: none where it is meant itself, nothing where it
    /// does not stand there.
    pub fn rest<'path, Part: AsRef<str>>(&self, path: &'path [Part]) -> Option<&'path [Part]> {
        let mut splits = (1..=path.len()).filter_map(|end| path.split_at_checked(end));
        splits.find(|(above, _)| self.is(above)).map(|(_, rest)| rest)
    }

    /// Whether what is meant stands below this path.
    pub fn is_below<Part: AsRef<str>>(&self, path: &[Part]) -> bool {
        let above = self.parts.get(..path.len()).unwrap_or_default();
        let begins = self.parts.len() > path.len()
            && path.iter().map(AsRef::as_ref).eq(above.iter().copied());
        begins
            || written(path).any(|written| {
                self.text.strip_prefix(&written).is_some_and(|rest| rest.starts_with('.'))
            })
    }
}

/// The two ways in which a path is written whole.
fn written<Part: AsRef<str>>(path: &[Part]) -> impl Iterator<Item = String> {
    let plain = path.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(".");
    [dotted(path), plain].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (path, text) in [
            (vec!["features", "apps"], "features.apps"),
            (vec!["mcp_servers", "docs.internal", "url"], "mcp_servers.\"docs.internal\".url"),
            (vec!["projects", "/home/me/a.b"], "projects.\"/home/me/a.b\""),
            (vec!["projects", "C:\\Users\\me"], "projects.'C:\\Users\\me'"),
            (vec!["a", "it's"], "a.\"it's\""),
            (vec!["a", "say \"hi\""], "a.'say \"hi\"'"),
        ] {
            assert_eq!(dotted(&path), text);
            assert_eq!(parts(text).collect::<Vec<_>>(), path);
            assert!(WrittenPath::new(text).is(&path), "{text}");
        }
        assert_eq!(parts("a. b .'c.d'").collect::<Vec<_>>(), ["a", " b ", "c.d"]);
    }

    #[test]
    fn what_needs_escapes_is_a_string_of_toml() {
        for name in ["it's \"C:\\\"", "", "two\nlines", "\u{1}", "ü'\\"] {
            let text = dotted(&["a", name]);
            let read: toml::Table = toml::from_str(&format!("{text} = 1")).unwrap();
            assert_eq!(read["a"][name], toml::Value::Integer(1), "{text}");
            assert!(WrittenPath::new(&text).is(&["a", name]), "{text}");
        }
    }

    #[test]
    fn a_key_is_found_however_it_is_asked_for() {
        let path = ["projects", "/home/me/a.b", "trust_level"];
        for text in [
            "projects.\"/home/me/a.b\".trust_level",
            "projects.'/home/me/a.b'.trust_level",
            "projects./home/me/a.b.trust_level",
        ] {
            assert!(WrittenPath::new(text).is(&path), "{text}");
            assert!(WrittenPath::new(text).is_below(&path[..2]), "{text}");
            assert!(WrittenPath::new(text).covers(&path), "{text}");
            assert!(!WrittenPath::new(text).covers(&path[..2]), "{text}");
        }
        for text in ["projects", "projects.\"/home/me/a.b\"", "projects./home/me/a.b"] {
            assert!(WrittenPath::new(text).covers(&path), "{text}");
            assert!(!WrittenPath::new(text).is(&path), "{text}");
        }
        for text in ["projects.\"/home/me/a\"", "projects./home/me/a", "project", ""] {
            assert!(!WrittenPath::new(text).covers(&path), "{text}");
            assert!(!WrittenPath::new(text).is_below(&path[..2]), "{text}");
        }
        assert!(!WrittenPath::new("mcp_servers.ab").is_below(&["mcp_servers", "a"]));
    }
}
