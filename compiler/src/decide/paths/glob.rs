//! Patterns of paths, as Codex expands them before every command (measured).
//!
//! `*` and `?` stay within a name, `**` as a whole part stands for any number of folders, `[…]` for
//! one letter out of a set. Letters are compared with case; hidden and ignored files count. Only
//! files are found: a folder that matches is not denied.

use super::disk::{is_within, parts};
use crate::era::Era;

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// The folder that is searched.
    pub(super) base: String,
    rest: Vec<Part>,
    anchor: Anchor,
    /// How many folders deep the search goes.
    pub(super) depth: Option<usize>,
}

/// Where the part of a pattern after its folder begins to count.
#[derive(Clone, Debug)]
enum Anchor {
    /// At the folder.
    Base,
    /// At the working folder, whatever the pattern's folder is.
    Cwd(String),
}

#[derive(Clone, Debug)]
enum Part {
    /// Any number of folders.
    Any,
    Name(Vec<Letter>),
}

#[derive(Clone, Debug)]
enum Letter {
    Several,
    One,
    This(char),
    OutOf { set: Vec<(char, char)>, not: bool },
}

/// Whether Codex takes a path for a pattern: a bracket that is never closed is a plain letter.
pub(super) fn is_glob(path: &str) -> bool {
    path.contains(['*', '?'])
        || path.find('[').is_some_and(|at| path.get(at..).unwrap_or_default().contains(']'))
}

impl Glob {
    /// Reads an absolute pattern.
    ///
    /// Before 0.169 (measured at 0.157.1) what follows the folder is read as a line of an ignore
    /// file: without a slash it counts at any depth, with one it begins at the working folder.
    pub(super) fn parse(path: &str, cwd: &str, era: Era) -> Self {
        let first = path.find(['*', '?', '[']).unwrap_or(path.len());
        let (before, _) = path.split_at_checked(first).unwrap_or((path, ""));
        let cut = before.rfind('/').unwrap_or(0);
        let (base, rest) = path.split_at_checked(cut).unwrap_or((path, ""));
        let rest = rest.trim_start_matches('/');
        let mut all: Vec<Part> = parts(rest).map(part).collect();
        let mut anchor = Anchor::Base;
        if !era.globs_begin_at_their_folder() && !matches!(all.first(), Some(Part::Any)) {
            if all.len() == 1 {
                all.insert(0, Part::Any);
            } else {
                anchor = Anchor::Cwd(cwd.to_owned());
            }
        }
        let base = if base.is_empty() { "/" } else { base };
        Self { base: base.to_owned(), rest: all, anchor, depth: None }
    }

    /// Whether it matches a path, whatever stands there.
    pub(super) fn matches(&self, path: &str) -> bool {
        if !is_within(path, &self.base) {
            return false;
        }
        let below_base: Vec<&str> =
            parts(path.get(self.base.len()..).unwrap_or_default()).collect();
        if self.depth.is_some_and(|most| below_base.len() > most) {
            return false;
        }
        match &self.anchor {
            Anchor::Base => self.matches_parts(&below_base),
            Anchor::Cwd(cwd) => {
                is_within(path, cwd) && {
                    let below: Vec<&str> =
                        parts(path.get(cwd.len()..).unwrap_or_default()).collect();
                    self.matches_parts(&below)
                }
            }
        }
    }

    /// Whether it would match a path if the search went deeper.
    pub(super) fn is_too_deep(&self, path: &str) -> bool {
        self.depth.is_some() && !self.matches(path) && {
            let unlimited = Self { depth: None, ..self.clone() };
            unlimited.matches(path)
        }
    }

    /// All places in the pattern that can be reached are kept, so that many `**` cost no more
    /// than few.
    fn matches_parts(&self, names: &[&str]) -> bool {
        let skip = |places: &mut Vec<bool>| {
            for (at, part) in self.rest.iter().enumerate() {
                let last = at + 1 == self.rest.len();
                let here = places.get(at).copied().unwrap_or_default();
                // At the end it has to stand for something.
                if here
                    && matches!(part, Part::Any)
                    && !last
                    && let Some(next) = places.get_mut(at + 1)
                {
                    *next = true;
                }
            }
        };
        let mut places = vec![false; self.rest.len() + 1];
        if let Some(first) = places.first_mut() {
            *first = true;
        }
        skip(&mut places);
        for name in names {
            let letters: Vec<char> = name.chars().collect();
            let mut next = vec![false; places.len()];
            let reachable = self.rest.iter().enumerate().zip(&places).filter(|(_, here)| **here);
            for ((at, part), _) in reachable {
                let stays = matches!(part, Part::Any);
                let goes = match part {
                    Part::Any => at + 1 == self.rest.len(),
                    Part::Name(pattern) => name_matches(pattern, &letters),
                };
                let mut reach = |at: usize| next.get_mut(at).into_iter().for_each(|at| *at = true);
                if stays {
                    reach(at);
                }
                if goes {
                    reach(at + 1);
                }
            }
            places = next;
            skip(&mut places);
        }
        places.last().copied().unwrap_or_default()
    }
}

fn part(text: &str) -> Part {
    if text == "**" {
        return Part::Any;
    }
    let letters: Vec<char> = text.chars().collect();
    let mut rest = letters.as_slice();
    let mut found = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        found.push(match first {
            '*' => Letter::Several,
            '?' => Letter::One,
            '[' => match set(after) {
                Some((letter, after)) => {
                    rest = after;
                    letter
                }
                None => Letter::This('['),
            },
            letter => Letter::This(*letter),
        });
    }
    Part::Name(found)
}

/// A set of letters after its bracket, and what follows it.
fn set(letters: &[char]) -> Option<(Letter, &[char])> {
    let (not, mut rest) = match letters.split_first()? {
        ('!' | '^', rest) => (true, rest),
        _ => (false, letters),
    };
    let mut set = Vec::new();
    loop {
        let (first, after) = rest.split_first()?;
        rest = after;
        if *first == ']' && !set.is_empty() {
            return Some((Letter::OutOf { set, not }, rest));
        }
        if let ['-', last, after @ ..] = rest
            && *last != ']'
        {
            set.push((*first, *last));
            rest = after;
        } else {
            set.push((*first, *first));
        }
    }
}

fn name_matches(pattern: &[Letter], name: &[char]) -> bool {
    let (mut at, mut here) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(letter) = name.get(here) {
        let fits = match pattern.get(at) {
            Some(Letter::Several) => {
                retry = Some((at, here));
                at += 1;
                continue;
            }
            Some(Letter::One) => true,
            Some(Letter::This(own)) => own == letter,
            Some(Letter::OutOf { set, not }) => {
                set.iter().any(|(first, last)| first <= letter && letter <= last) != *not
            }
            None => false,
        };
        if fits {
            (at, here) = (at + 1, here + 1);
            continue;
        }
        let Some((star, taken)) = retry else { return false };
        retry = Some((star, taken + 1));
        (at, here) = (star + 1, taken + 1);
    }
    pattern.iter().skip(at).all(|letter| matches!(letter, Letter::Several))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codex_schema::version::Version;

    /// The same were put to sessions of 0.169.0 and 0.157.1.
    #[test]
    fn files_are_found_as_codex_finds_them() {
        let found = |version: Version, pattern: &str, path: &str| {
            Glob::parse(pattern, "/w", Era::of(version)).matches(path)
        };
        for (pattern, path, newest, older) in [
            ("/w/a/*", "/w/a/f", true, true),
            ("/w/a/*", "/w/a/b/f", false, true),
            ("/w/a/**", "/w/a/b/c/f", true, true),
            ("/w/a/**", "/w/a", false, false),
            ("/w/**/f", "/w/f", true, true),
            ("/w/**/f", "/w/a/b/f", true, true),
            ("/w/*/f", "/w/a/f", true, true),
            ("/w/*/f", "/w/a/b/f", false, false),
            ("/w/a/*/*/f", "/w/a/b/c/f", true, false),
            ("/w/a/*/*/f", "/w/a/b/f", false, true),
            ("/o/*/f", "/o/p/f", true, false),
            ("/w/**/.git/**", "/w/sub/.git/config", true, true),
            ("/w/?/?/f", "/w/a/b/f", true, true),
            ("/w/[a-c]/[!c]/f", "/w/a/b/f", true, true),
            ("/w/[a-c]/[^c]/*/f", "/w/a/b/d/f", true, true),
            ("/w/a**", "/w/a/f", false, false),
            ("/w/a/**f", "/w/a/f", true, true),
            ("/w/a/**f", "/w/a/b/f", false, true),
            ("/w/a/b*", "/w/a/b/f", false, false),
            ("/w/**/b", "/w/a/b/f", false, false),
            ("/w/**/b/**", "/w/a/b/c/f", true, true),
            ("/w/A/*", "/w/a/f", false, false),
            ("/w/*.pem", "/w/S.PEM", false, false),
            ("/w/[]a]", "/w/]", true, true),
            ("/w/a/**/**/f", "/w/a/f", true, true),
            ("/w/*env", "/w/.env", true, true),
            ("/w/!*", "/w/!a", true, true),
        ] {
            assert_eq!(found(Version::NEWEST, pattern, path), newest, "{pattern} {path}");
            assert_eq!(found(Version::patched(157, 1), pattern, path), older, "{pattern} {path}");
        }
        assert!(!is_glob("/w/[ab") && is_glob("/w/[ab]") && is_glob("/w/a?"));
    }

    #[test]
    fn hostile_patterns_are_answered_at_once() {
        let pattern = format!("/{}x", "**/a*a*a*?/".repeat(200));
        let path = format!("/{}y", "aaaaaaaaaa/".repeat(300));
        assert!(!Glob::parse(&pattern, "/", Era::of(Version::NEWEST)).matches(&path));
    }
}
