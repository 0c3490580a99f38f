//! A document under construction: keys with values, and two ways of writing them.

use super::random::Random;

/// One key with its value as inline TOML.
#[derive(Clone, Debug)]
struct Entry {
    /// The parts of the path, quoted where TOML needs it.
    path: Vec<String>,
    value: String,
}

/// Keys in the order in which they will be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    entries: Vec<Entry>,
}

impl Draft {
    /// Adds a key, unless it or a part of it is there already.
    pub(super) fn add(&mut self, path: &str, value: impl Into<String>) {
        let path = split(path);
        let clashes = |entry: &Entry| {
            entry.path.iter().zip(&path).all(|(own, other)| plain(own) == plain(other))
        };
        if !self.entries.iter().any(clashes) {
            self.entries.push(Entry { path, value: value.into() });
        }
    }

    /// Adds a key even where it makes the document invalid.
    pub(super) fn force(&mut self, path: &str, value: impl Into<String>) {
        self.entries.push(Entry { path: split(path), value: value.into() });
    }

    /// Replaces the value of a random key.
    pub(super) fn spoil(&mut self, random: &mut Random, value: String) {
        let at = random.below(self.entries.len());
        // Columns after a folder of the world depend on where the harness put it.
        let fixed = |entry: &&mut Entry| !entry.path.iter().any(|part| part.contains('$'));
        if let Some(entry) = self.entries.get_mut(at).filter(fixed) {
            entry.value = value;
        }
    }

    /// Writes a random key a second time.
    pub(super) fn repeat(&mut self, random: &mut Random) {
        self.entries.extend(random.pick(&self.entries).cloned());
    }

    /// Moves everything below one table to another name of it.
    pub(super) fn rename(&mut self, table: &str, to: &str) {
        let (table, to) = (split(table), split(to));
        for entry in &mut self.entries {
            if let Some(rest) = entry.path.strip_prefix(table.as_slice()) {
                entry.path = to.iter().chain(rest).cloned().collect();
            }
        }
    }

    /// Whether a key begins with these words.
    pub(super) fn has(&self, prefix: &str) -> bool {
        let prefix = split(prefix);
        self.entries.iter().any(|entry| entry.path.starts_with(&prefix))
    }

    /// The document, with dotted keys or with table headers.
    pub(super) fn write(&self, random: &mut Random) -> String {
        if random.chance(60) { self.dotted() } else { self.with_headers() }
    }

    fn dotted(&self) -> String {
        let lines = self.entries.iter().map(|entry| line(&entry.path, &entry.value));
        lines.collect()
    }

    fn with_headers(&self) -> String {
        let mut tables: Vec<(&[String], String)> = vec![(&[], String::new())];
        for entry in &self.entries {
            let Some((last, parent)) = entry.path.split_last() else { continue };
            let text = line(std::slice::from_ref(last), &entry.value);
            match tables.iter_mut().find(|(table, _)| *table == parent) {
                Some((_, lines)) => lines.push_str(&text),
                None => tables.push((parent, text)),
            }
        }
        let mut out = String::new();
        for (table, lines) in tables {
            if !table.is_empty() {
                out.extend(["\n[", &table.join("."), "]\n"]);
            }
            out.push_str(&lines);
        }
        out
    }
}

fn line(path: &[String], value: &str) -> String {
    format!("{} = {value}\n", path.join("."))
}

fn plain(part: &str) -> &str {
    part.trim_matches(['\'', '"'])
}

/// Splits at the dots that are not inside quotes.
fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for letter in path.chars() {
        match (letter, quote) {
            ('.', None) => {
                parts.push(String::new());
                continue;
            }
            ('\'' | '"', None) => quote = Some(letter),
            (_, Some(open)) if open == letter => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::Draft;

    #[test]
    fn writes_both_forms_and_refuses_clashes() {
        let mut draft = Draft::default();
        draft.add("a", "1");
        draft.add("b.'x.y'.c", "2");
        draft.add("b.'x.y'", "{}");
        assert_eq!(draft.dotted(), "a = 1\nb.'x.y'.c = 2\n");
        assert_eq!(draft.with_headers(), "a = 1\n\n[b.'x.y']\nc = 2\n");
    }
}
