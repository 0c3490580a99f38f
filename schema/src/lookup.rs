//! Finds rows by path, and the names closest to a misspelt one.

use std::sync::LazyLock;

use crate::key::{Key, Section};
use crate::path::parts;
use crate::table::{config, policy, requirements};
use crate::version::Version;

/// Keys of `requirements.toml`.
pub static REQUIREMENTS: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(requirements::FAMILIES, requirements::SECTIONS));

/// Keys of `config.toml`.
pub static CONFIG: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(config::FAMILIES, config::SECTIONS));

/// Keys of `policy.toml`, the manifest of a policy repository.
pub static MANIFEST: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::MANIFEST_FAMILIES, policy::MANIFEST_SECTIONS));

/// Keys of a policy exception.
pub static EXCEPTION: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::EXCEPTION_FAMILIES, policy::EXCEPTION_SECTIONS));

/// Keys of `trust.toml`.
pub static TRUST: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::TRUST_FAMILIES, policy::TRUST_SECTIONS));

/// Keys of a file of tests; each element of its lists is held against a tree of its own.
pub static TEST: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::TEST_FAMILIES, policy::TEST_SECTIONS));

/// Keys of one `[[case]]`.
pub static CASE: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::CASE_FAMILIES, policy::CASE_SECTIONS));

/// Keys of one `[[property]]`.
pub static PROPERTY: LazyLock<Tree> =
    LazyLock::new(|| Tree::build(policy::PROPERTY_FAMILIES, policy::PROPERTY_SECTIONS));

/// The rows of one table by path.
#[derive(Debug, Default)]
pub struct Tree {
    root: Spot,
    keys: Vec<&'static Key>,
}

/// One step of a path: what is known there.
#[derive(Debug, Default)]
pub struct Spot {
    /// The row, where the path is a whole key.
    pub key: Option<&'static Key>,
    /// What is special about the table here.
    pub section: Option<&'static Section>,
    /// Named children in the order of their rows: the order of Codex's struct.
    children: Vec<(&'static str, Spot)>,
    /// The child for any name.
    any: Option<Box<Spot>>,
    /// For a former name: the dotted path it stands for.
    alias_of: Option<&'static str>,
}

impl Tree {
    fn build(families: &[&'static [Key]], sections: &[&'static [Section]]) -> Self {
        let mut tree = Self::default();
        let sections = || sections.iter().copied().flatten();
        for key in families.iter().copied().flatten() {
            tree.keys.push(key);
            tree.root.grow(parts(key.path)).key = Some(key);
            for was in key.was {
                let spot = tree.root.grow(parts(was));
                (spot.key, spot.alias_of) = (Some(key), Some(key.path));
            }
        }
        for section in sections() {
            tree.root.grow(parts(section.path)).section = Some(section);
        }
        let all: Vec<&'static Section> = sections().collect();
        for section in sections() {
            for was in section.was {
                tree.second_name(section, was, &all);
            }
        }
        tree
    }

    /// Grows everything below a section once more under its second name.
    fn second_name(
        &mut self,
        section: &'static Section,
        was: &'static str,
        sections: &[&'static Section],
    ) {
        let below = format!("{}.", section.path);
        for key in self.keys.clone() {
            if let Some(rest) = key.path.strip_prefix(&below) {
                self.root.grow(parts(was).chain(parts(rest))).key = Some(key);
            }
        }
        for inner in sections.iter().filter(|inner| inner.path.starts_with(&below)) {
            let rest = inner.path.strip_prefix(&below).unwrap_or_default();
            self.root.grow(parts(was).chain(parts(rest))).section = Some(inner);
        }
        let spot = self.root.grow(parts(was));
        (spot.section, spot.alias_of) = (Some(section), Some(section.path));
    }

    /// The document itself.
    pub fn root(&self) -> &Spot {
        &self.root
    }

    /// All rows in the order of Codex's struct.
    pub fn keys(&self) -> &[&'static Key] {
        &self.keys
    }

    /// What is known at a path of concrete names.
    pub fn find(&self, path: &[&str]) -> Option<&Spot> {
        path.iter().try_fold(&self.root, |spot, name| spot.child(name))
    }

    /// The row a concrete dotted path falls under: itself, or a parent that Codex treats as one
    /// value.
    pub fn key_of(&self, path: &[&str]) -> Option<&'static Key> {
        let mut spot = &self.root;
        let mut found = None;
        for name in path {
            let Some(next) = spot.child(name) else { break };
            spot = next;
            found = spot.key.or(found);
        }
        found
    }
}

impl Spot {
    fn grow(&mut self, path: impl Iterator<Item = &'static str>) -> &mut Self {
        path.fold(self, |spot, part| {
            if part == "*" {
                return &mut **spot.any.get_or_insert_default();
            }
            let at = spot.children.iter().position(|(name, _)| *name == part);
            let at = at.unwrap_or_else(|| {
                spot.children.push((part, Self::default()));
                spot.children.len() - 1
            });
            #[expect(clippy::indexing_slicing, reason = "`at` was just found or pushed")]
            &mut spot.children[at].1
        })
    }

    /// What is known of a name here.
    pub fn child(&self, name: &str) -> Option<&Self> {
        let named = self.children.iter().find(|(own, _)| *own == name).map(|(_, spot)| spot);
        named.or(self.any.as_deref())
    }

    /// The named children with their names, former names left out, in struct order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &Self)> {
        self.children
            .iter()
            .filter(|(_, spot)| spot.alias_of.is_none())
            .map(|(name, spot)| (*name, spot))
    }

    /// All named children, former names too.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, &Self)> {
        self.children.iter().map(|(name, spot)| (*name, spot))
    }

    /// What stands under any other name.
    pub fn any(&self) -> Option<&Self> {
        self.any.as_deref()
    }

    /// Whether any name is allowed here.
    pub fn is_map(&self) -> bool {
        self.any.is_some()
    }

    /// The path a former name stands for.
    pub fn alias_of(&self) -> Option<&'static str> {
        self.alias_of
    }

    /// Whether a Codex version knows this name: the row itself, or any row below it.
    pub fn known_to(&self, version: Version) -> bool {
        let in_range = |since: Version, until: Option<Version>| {
            since <= version && until.is_none_or(|end| version < end)
        };
        let second = self.alias_of.and(self.section);
        if second.is_some_and(|section| version < section.was_since) {
            return false;
        }
        match (self.key, self.section) {
            (Some(key), _) => in_range(key.since, key.until),
            (None, Some(section)) => section.since <= version && self.below_known(version),
            (None, None) => self.below_known(version),
        }
    }

    fn below_known(&self, version: Version) -> bool {
        self.any.as_ref().is_some_and(|spot| spot.known_to(version))
            || self.children.iter().any(|(_, spot)| spot.known_to(version))
    }

    /// The known name closest to a misspelt one, if any is close enough to be meant.
    pub fn closest(&self, name: &str) -> Option<&'static str> {
        closest(name, self.children.iter().map(|(own, _)| *own))
    }
}

/// The candidate closest to a misspelt name: at most a third of its letters differ.
pub fn closest<'name>(
    name: &str,
    candidates: impl Iterator<Item = &'name str>,
) -> Option<&'name str> {
    let lower = name.to_lowercase().replace('-', "_");
    let allowed = (name.chars().count() / 3).clamp(1, 4);
    candidates
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= allowed
                || (candidate.len() > 4 && lower.len() > 4 && starts_alike(&lower, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `domain` for `domains`, `approval` for `approval_policy`.
fn starts_alike(left: &str, right: &str) -> bool {
    left.starts_with(right) || right.starts_with(left)
}

/// Edits between two words; neighbouring letters swapped count once (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in right.iter().enumerate() {
            let at = |row: &[usize], at: usize| row.get(at).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(from != to))
                .min(at(&row, j + 1) + 1)
                .min(at(&next, j) + 1);
            let swapped =
                i > 0 && j > 0 && left.get(i - 1) == Some(to) && right.get(j - 1) == Some(from);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_names_find_the_meant_one() {
        let names = ["allowed_sandbox_modes", "allowed_approval_policies", "features", "otel"];
        let find = |name| closest(name, names.iter().copied());
        assert_eq!(find("allowed_sandbox_mode"), Some("allowed_sandbox_modes"));
        assert_eq!(find("Allowed-Approval-Policies"), Some("allowed_approval_policies"));
        assert_eq!(find("feautres"), Some("features"));
        assert_eq!(find("zzz"), None);
        assert_eq!(distance("abcd", "abdc"), 1);
    }
}
