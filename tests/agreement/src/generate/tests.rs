use std::collections::BTreeSet;

use codex_schema::lookup::REQUIREMENTS;

use super::*;

fn texts(world: &WorldSpec) -> String {
    serde_json::to_string(world).unwrap()
}

#[test]
fn the_same_seed_makes_the_same_machine() {
    for number in 0..50 {
        let make = || generate(7, number, Version::NEWEST).world;
        assert_eq!(make(), make());
    }
    let distinct: BTreeSet<String> =
        (0..50).map(|number| texts(&generate(7, number, Version::NEWEST).world)).collect();
    assert!(distinct.len() > 45, "only {} of 50 machines differ", distinct.len());
}

#[test]
fn every_requirement_row_is_reached() {
    let written: String =
        (0..2000).map(|number| texts(&generate(1, number, Version::NEWEST).world)).collect();
    let last = |path: &'static str| path.rsplit('.').find(|part| *part != "*").unwrap();
    let missing: Vec<&str> = REQUIREMENTS
        .keys()
        .iter()
        .map(|key| key.path)
        .filter(|path| !curated::waits(path) && !written.contains(last(path)))
        .collect();
    assert!(missing.is_empty(), "never written: {missing:?}");
}
