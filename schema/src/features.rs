//! The feature flags of every Codex build we measured: which names it knows, how mature each one
//! is and whether it is on by default.
//!
//! The facts are those of `codex features list`, run on 77 builds; `features.txt` keeps them as
//! runs of versions. A version between two measured ones behaves as the older of the two.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::lookup::closest;
use crate::version::Version;

/// How mature Codex calls a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// For everybody.
    Stable,
    /// May be tried.
    Experimental,
    /// The name experimental features had in early builds.
    Beta,
    /// Not for use.
    UnderDevelopment,
    /// Will go.
    Deprecated,
    /// Still accepted, without effect.
    Removed,
}

/// One feature in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// Its name.
    pub name: &'static str,
    /// How mature it is.
    pub stage: Stage,
    /// Whether it is on where nobody says anything.
    pub default: bool,
}

/// A version from which a feature has a stage and a default; `None` where it is gone.
type Run = (Version, Option<(Stage, bool)>);

static REGISTRY: LazyLock<BTreeMap<&'static str, Vec<Run>>> =
    LazyLock::new(|| include_str!("features.txt").lines().filter_map(line).collect());

/// Former names and what they stand for now. Measured at 0.138.0, 0.157.1 and 0.169.0 from the
/// warnings about pins; the third part is the first version that takes the name as a former one.
const FORMER: &[(&str, &str, u32)] = &[
    ("codex_hooks", "hooks", 129),
    ("collab", "multi_agent", 0),
    ("connectors", "apps", 0),
    ("enable_experimental_windows_sandbox", "experimental_windows_sandbox", 0),
    ("experimental_use_unified_exec_tool", "unified_exec", 0),
    ("imagegenext", "image_generation", 139),
    ("memory_tool", "memories", 0),
    ("request_permissions", "exec_permission_approvals", 0),
    ("telepathy", "chronicle", 0),
    ("web_search", "web_search_request", 0),
];

/// All features a version knows, by name.
pub fn features(version: Version) -> impl Iterator<Item = Feature> {
    REGISTRY.iter().filter_map(move |(name, runs)| at(name, runs, version))
}

/// A feature by its present name.
pub fn feature(name: &str, version: Version) -> Option<Feature> {
    let (name, runs) = REGISTRY.get_key_value(name)?;
    at(name, runs, version)
}

/// What a former name stands for in a version that no longer has it as a name of its own.
pub fn stands_for(name: &str, version: Version) -> Option<&'static str> {
    if feature(name, version).is_some() {
        return None;
    }
    let former =
        FORMER.iter().find(|(old, _, since)| *old == name && Version::of(*since) <= version);
    former.map(|(_, new, _)| *new).filter(|new| feature(new, version).is_some())
}

/// The name a version has for a feature: its own, or the one a former name stands for.
pub fn canonical(name: &str, version: Version) -> Option<&'static str> {
    feature(name, version).map(|feature| feature.name).or_else(|| stands_for(name, version))
}

/// The known name a misspelt one is closest to.
pub fn meant(name: &str, version: Version) -> Option<&'static str> {
    closest(name, features(version).map(|feature| feature.name))
}

fn at(name: &'static str, runs: &[Run], version: Version) -> Option<Feature> {
    let (_, state) = runs.iter().rev().find(|(since, _)| *since <= version)?;
    let (stage, default) = (*state)?;
    Some(Feature { name, stage, default })
}

fn line(text: &'static str) -> Option<(&'static str, Vec<Run>)> {
    let mut words = text.split_whitespace();
    let name = words.next().filter(|name| *name != "#")?;
    Some((name, words.filter_map(run).collect()))
}

fn run(text: &str) -> Option<Run> {
    let mut parts = text.split(':');
    let mut numbers = parts.next()?.split('.').map(str::parse::<u32>);
    let minor = numbers.next()?.ok()?;
    let patch = numbers.next().and_then(Result::ok).unwrap_or(0);
    let stage = match parts.next()? {
        "s" => Stage::Stable,
        "e" => Stage::Experimental,
        "b" => Stage::Beta,
        "u" => Stage::UnderDevelopment,
        "d" => Stage::Deprecated,
        "r" => Stage::Removed,
        _ => return Some((Version::patched(minor, patch), None)),
    };
    Some((Version::patched(minor, patch), Some((stage, parts.next() == Some("1")))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_registry_is_read() {
        let text = include_str!("features.txt");
        let lines = text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(REGISTRY.len(), lines);
        let words: usize = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().count() - 1)
            .sum();
        assert_eq!(REGISTRY.values().map(Vec::len).sum::<usize>(), words);
        assert!(text.lines().skip(3).all(|line| !line.contains("::")));
    }

    #[test]
    fn versions_know_their_own_features() {
        let newest = feature("hooks", Version::NEWEST);
        assert_eq!(newest, Some(Feature { name: "hooks", stage: Stage::Stable, default: true }));
        assert_eq!(feature("hooks", Version::of(98)), None);
        assert_eq!(feature("apps", Version::of(98)).map(|one| one.default), Some(false));
        assert_eq!(feature("apps", Version::of(118)).map(|one| one.default), Some(true));
        assert_eq!(canonical("collab", Version::NEWEST), Some("multi_agent"));
        assert_eq!(canonical("collab", Version::of(98)), Some("collab"));
        assert_eq!(canonical("tui2", Version::NEWEST), None);
        assert_eq!(meant("mutli_agent", Version::NEWEST), Some("multi_agent"));
    }
}
