//! Widths of text and where to break it.

/// How many columns a character takes. Combining marks and joiners take none, East Asian wide
/// characters and emoji two; good enough to put a caret under the right word.
pub(super) fn width_of(character: char) -> usize {
    match u32::from(character) {
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Columns of a text.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// A text without characters that move the cursor or change the direction of writing.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|one| if one.is_control() || turns(one) { '·' } else { one }).collect()
}

/// Whether a character could make a line read as something else.
pub(super) fn turns(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Breaks a text into lines of at most `room` columns, later lines indented by `hang`. Words
/// longer than a line are broken.
pub(super) fn wrap(text: &str, room: usize, hang: usize) -> Vec<String> {
    let room = room.max(hang + 8);
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for (index, word) in clean(text).split(' ').enumerate() {
        let mut word = word;
        if index > 0 {
            if used + 1 + width(word) > room && used > hang {
                lines.push(std::mem::take(&mut line));
                line = " ".repeat(hang);
                used = hang;
            } else {
                line.push(' ');
                used += 1;
            }
        }
        while used + width(word) > room {
            let (head, tail) = split_at_width(word, room.saturating_sub(used).max(1));
            line.push_str(head);
            lines.push(std::mem::take(&mut line));
            line = " ".repeat(hang);
            used = hang;
            word = tail;
        }
        line.push_str(word);
        used += width(word);
    }
    lines.push(line);
    lines
}

fn split_at_width(word: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, character) in word.char_indices() {
        used += width_of(character);
        if used > room && at > 0 {
            return word.split_at(at);
        }
    }
    (word, "")
}
