//! Colours, signs and widths.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How to write for the reader's terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Whether colours are wanted.
    pub color: bool,
    /// Whether only ASCII signs are wanted.
    pub ascii: bool,
    /// The width of the terminal, in columns.
    pub width: usize,
}

/// What a piece of text means. Colour is never the only carrier of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Of no particular meaning.
    Plain,
    /// What is in force; headings.
    Strong,
    /// What lost, or is of less interest.
    Faint,
    /// What was asked for and did not win.
    Lost,
    /// A requirement that holds something.
    Lock,
    /// Fine.
    Good,
    /// Wrong.
    Bad,
}

/// Signs with their ASCII stand-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The winner.
    Won,
    /// A loser.
    Lost,
    /// A layer that is not loaded.
    NotLoaded,
    /// A requirement.
    Lock,
    /// Silence.
    Silent,
    /// An error.
    Error,
    /// A caution.
    Caution,
    /// Present and fine.
    Present,
    /// Absent.
    Absent,
}

impl Paint {
    /// A text in its role's colour.
    pub fn paint(&self, role: Role, text: &str) -> String {
        let code = match role {
            Role::Plain => return text.to_owned(),
            _ if !self.color || text.is_empty() => return text.to_owned(),
            Role::Strong => "1",
            Role::Faint => "2",
            Role::Lost => "2;9",
            Role::Lock => "33",
            Role::Good => "32",
            Role::Bad => "31;1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A sign.
    pub fn sign(&self, sign: Sign) -> &'static str {
        match (sign, self.ascii) {
            (Sign::Won, false) => "●",
            (Sign::Won, true) => "*",
            (Sign::Lost, false) => "✗",
            (Sign::Lost, true) => "x",
            (Sign::NotLoaded, false) => "○",
            (Sign::NotLoaded, true) => "o",
            (Sign::Lock, false) => "◆",
            (Sign::Lock, true) => "#",
            (Sign::Silent, false) => "·",
            (Sign::Silent, true) => ".",
            (Sign::Error, false) => "✖",
            (Sign::Error, true) => "X",
            (Sign::Caution, _) => "!",
            (Sign::Present, false) => "✓",
            (Sign::Present, true) => "+",
            (Sign::Absent, false) => "—",
            (Sign::Absent, true) => "-",
        }
    }

    /// The separator between facts on one line.
    pub fn dot(&self) -> &'static str {
        if self.ascii { " | " } else { " · " }
    }

    /// A text cut to a width, with a sign that it was cut.
    pub fn fit(&self, text: &str, width: usize) -> String {
        if columns(text) <= width {
            return text.to_owned();
        }
        let mark = if self.ascii { "..." } else { "…" };
        let room = width.saturating_sub(columns(mark));
        let mut used = 0;
        let mut cut = String::new();
        for letter in text.chars() {
            used += letter.width().unwrap_or(0);
            if used > room {
                break;
            }
            cut.push(letter);
        }
        cut + mark
    }

    /// A text cut at its beginning: of a path the end matters.
    pub fn fit_end(&self, text: &str, width: usize) -> String {
        if columns(text) <= width {
            return text.to_owned();
        }
        let mark = if self.ascii { "..." } else { "…" };
        let room = width.saturating_sub(columns(mark));
        let mut used = 0;
        let mut kept: Vec<char> = Vec::new();
        for letter in text.chars().rev() {
            used += letter.width().unwrap_or(0);
            if used > room {
                break;
            }
            kept.push(letter);
        }
        mark.chars().chain(kept.into_iter().rev()).collect()
    }
}

/// The columns a text takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// A text with spaces up to a width; colours are put on after padding.
pub fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(columns(text));
    format!("{text}{}", " ".repeat(missing))
}

/// Takes control characters out of text that comes from files: it must not drive the terminal.
pub fn harmless(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

/// Breaks a text into lines of at most a width, at spaces.
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if !last.is_empty() && columns(last) + 1 + columns(word) > width {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}
