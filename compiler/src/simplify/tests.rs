//! Random policies with much overlap: a simplified one decides every question as the whole one.
//!
//! `SIMPLIFY_POLICIES` and `SIMPLIFY_PROBES` set how many policies are made and how many questions
//! each is asked; `SIMPLIFY_SEED` starts elsewhere. A failure prints the seed of its policy.

use codex_schema::reader;
use codex_schema::span::SourceId;
use codex_schema::value::Table;

use super::{Reason, Reasons, Removed, Simplified, simplify};
use crate::decide::commands::CommandRules;
use crate::decide::domains::NetworkPolicy;

mod domains;
pub(crate) mod random;
mod rules;

use random::{Random, policies, probes};

/// The table of a text that is TOML.
fn table(text: &str) -> Table {
    let read = reader::read_toml(text, SourceId(0));
    assert!(read.problems.is_empty(), "{text}\n{:?}", read.problems);
    read.root
}

fn simplified(text: &str, reasons: Reasons) -> Simplified {
    simplify(table(text), reasons)
}

/// The texts that were removed, in the order of their places.
fn texts<'text>(text: &'text str, removed: &[Removed]) -> Vec<&'text str> {
    let mut spans: Vec<_> = removed.iter().map(|removed| removed.span).collect();
    spans.sort();
    spans.iter().map(|span| &text[span.start as usize..span.end as usize]).collect()
}

#[test]
fn sets_lose_repeated_elements_and_keep_their_order() {
    let text = "allowed_approval_policies = ['never', 'on-request', 'never']\n\
                allowed_sandbox_modes = ['read-only']\n\
                [permissions.filesystem]\ndeny_read = ['/a', '/a/b', '/a']\n";
    let done = simplified(text, Reasons::Keep);
    assert_eq!(texts(text, &done.removed), ["'never'", "'/a'"]);
    let expected = "allowed_approval_policies = ['never', 'on-request']\n\
                    allowed_sandbox_modes = ['read-only']\n\
                    [permissions.filesystem]\ndeny_read = ['/a', '/a/b']\n";
    assert_eq!(done.requirements, table(expected));
}

/// What Codex would refuse is not repaired, and what repeats on purpose is left alone.
#[test]
fn other_things_are_left_alone() {
    for text in [
        "",
        "allowed_approval_policies = 'never'\nrules = 3\nexperimental_network = []\n",
        "rules = {prefix_rules = [{}, {}, {pattern = [], decision = 'prompt'}]}\n",
        "[experimental_network.domains]\n'http://a' = 'deny'\n'a/b' = 'deny'\n'*' = 'allow'\n",
        "[hooks]\nPreToolUse = [{hooks = []}, {hooks = []}]\n",
        "[rules]\nprefix_rules = [\
         {pattern = [{token = 'a'}], decision = 'allow'},\
         {pattern = [{token = 'a'}], decision = 'allow'},\
         {pattern = [{token = 'b'}], decision = 'prompt', canonical_matching = true},\
         {pattern = [{token = 'b'}], decision = 'prompt', canonical_matching = true}]\n",
    ] {
        let done = simplified(text, Reasons::MayChange);
        assert_eq!((done.removed, done.requirements), (Vec::new(), table(text)), "{text}");
    }
}

/// The largest policy of the common workload, where nothing can go, and one of which 40 % can.
/// Prints the shortest of several times; goals are for release builds.
#[test]
fn large_policies_are_simplified_quickly() {
    let mut random = Random::new(7);
    let plain = table(&random::workload(&mut random, 5000, 10_000));
    let redundant = table(&random::with_redundancy(&mut random, 3000, 6000));
    for (whole, expected) in [(plain, 0), (redundant, 6000)] {
        let mut shortest = [std::time::Duration::MAX; 4];
        for _ in 0..9 {
            let parts: [fn(&mut Table, &mut Vec<Removed>); 4] = [
                |table, removed| super::commands::simplify(table, Reasons::Keep, removed),
                super::domains::simplify,
                super::lists::simplify,
                |table, _| {
                    let rules = CommandRules::of(table).rules().len();
                    assert!(rules + NetworkPolicy::of(table).entries().len() >= 9000);
                },
            ];
            let (mut work, mut removed) = (whole.clone(), Vec::new());
            for (part, shortest) in parts.iter().zip(&mut shortest) {
                let started = std::time::Instant::now();
                part(&mut work, &mut removed);
                *shortest = started.elapsed().min(*shortest);
            }
            assert_eq!(removed.len(), expected);
        }
        println!("{expected} removed; commands, domains, lists, building views: {shortest:?}");
    }
}
