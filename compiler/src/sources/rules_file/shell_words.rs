//! Splits and joins command lines as the examples of rules need it: quotes, backslashes and
//! comments, nothing else of a shell.

/// The words of a line; `None` if a quote or a backslash is left open.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(next) = characters.next() {
        match next {
            ' ' | '\t' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => {
                characters.by_ref().find(|c| *c == '\n');
            }
            '\\' => match characters.next()? {
                '\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => double_quoted(&mut characters, word.get_or_insert_default())?,
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

fn double_quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match characters.next()? {
            '"' => return Some(()),
            '\\' => match characters.next()? {
                '\n' => {}
                escaped @ ('$' | '`' | '"' | '\\') => word.push(escaped),
                other => word.extend(['\\', other]),
            },
            inner => word.push(inner),
        }
    }
}

/// One line that splits into the words; `None` if a word has a NUL.
pub(crate) fn join(words: &[String]) -> Option<String> {
    let quoted: Option<Vec<String>> = words.iter().map(|word| quote(word)).collect();
    quoted.map(|quoted| quoted.join(" "))
}

#[derive(Clone, Copy)]
enum Quoting {
    Bare,
    Single,
    Double,
}

impl Quoting {
    fn takes(self, c: char) -> bool {
        match self {
            Self::Bare => c.is_ascii_alphanumeric() || "+-./:@]_".contains(c),
            // Where it is right behind the quote, a caret is taken all the same.
            Self::Single => !matches!(c, '\'' | '\\' | '^'),
            Self::Double => !matches!(c, '`' | '$' | '!' | '^'),
        }
    }
}

fn quote(word: &str) -> Option<String> {
    if word.contains('\0') {
        return None;
    }
    if word.is_empty() {
        return Some("''".to_owned());
    }
    let mut result = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let (kind, length) = longest(rest);
        let (part, tail) = rest.split_at_checked(length.max(1))?;
        match kind {
            Quoting::Bare => result.push_str(part),
            Quoting::Single => result.extend(["'", part, "'"]),
            Quoting::Double => {
                result.push('"');
                for next in part.chars() {
                    if matches!(next, '"' | '\\') {
                        result.push('\\');
                    }
                    result.push(next);
                }
                result.push('"');
            }
        }
        rest = tail;
    }
    Some(result)
}

/// The quoting that reaches furthest, the plainest of equals.
fn longest(rest: &str) -> (Quoting, usize) {
    if let Some(behind) = rest.strip_prefix('^') {
        let reach = behind.find(|c| !Quoting::Single.takes(c)).unwrap_or(behind.len());
        return (Quoting::Single, reach + 1);
    }
    let reach = |kind: Quoting| rest.find(|c| !kind.takes(c)).unwrap_or(rest.len());
    let mut best = (Quoting::Bare, reach(Quoting::Bare));
    for kind in [Quoting::Single, Quoting::Double] {
        if reach(kind) > best.1 {
            best = (kind, reach(kind));
        }
    }
    best
}
