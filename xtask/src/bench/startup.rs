//! `cargo xtask bench startup`: what a simplified policy saves at every start of Codex.
//!
//! The policy is the largest of the common workload, with two redundant rules and domains for every
//! three that count: 40 % of it makes no difference. Both forms are written by the same emitter.

use std::fs;

use codex_compiler::compile::toml_text::document;
use codex_compiler::decide::commands::CommandRules;
use codex_compiler::decide::domains::NetworkPolicy;
use codex_compiler::simplify::{Reasons, Simplified, simplify};
use codex_oracle::{Oracle, World, WorldSpec, ask, install, isolated};
use codex_schema::lookup::REQUIREMENTS;
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde_json::Value;

use super::measure::Place;
use super::{Summary, machine, target_folder, workload};
use crate::talk::{Problem, say};

/// The part of the plain policy's start that the simplified one may take.
const GOAL: f64 = 0.7;
/// Rules of the policy, of which 40 % are redundant.
const RULES: usize = 5000;
/// Domains of the policy, of which 40 % are redundant.
const DOMAINS: usize = 10_000;

/// How often to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Startup {
    /// How often Codex starts with each policy.
    #[arg(long, default_value_t = 15)]
    rounds: usize,
}

/// Measures; a missed goal, or another answer of Codex, is a failure.
pub(super) fn run(arguments: &Startup) -> Result<(), Problem> {
    if arguments.rounds == 0 {
        return Err("no rounds, no measurement".into());
    }
    let source = workload::with_redundancy(RULES, DOMAINS);
    let read = read_toml(&source, SourceId(0));
    if !read.problems.is_empty() {
        return Err("the workload is not TOML".into());
    }
    let plain = read.root;
    let done = simplify(plain.clone(), Reasons::Keep);
    let texts =
        [document("", &plain, &REQUIREMENTS), document("", &done.requirements, &REQUIREMENTS)];
    let sizes = texts.each_ref().map(String::len);
    say(&format!(
        "{RULES} rules and {DOMAINS} domains; {} removed as redundant; {} and {} bytes",
        done.removed.len(),
        sizes[0],
        sizes[1]
    ));
    if entries(&done.requirements) * 5 != entries(&plain) * 3 {
        return Err("40 % of the policy should have been redundant".into());
    }
    same_answers(&plain, &done, &texts)?;
    measure(arguments.rounds, &texts)
}

/// Rules and domains together.
fn entries(requirements: &Table) -> usize {
    CommandRules::of(requirements).rules().len() + NetworkPolicy::of(requirements).entries().len()
}

/// Starts Codex with one and the other in turn.
fn measure(rounds: usize, texts: &[String; 2]) -> Result<(), Problem> {
    let base = target_folder().join("bench/startup");
    fs::create_dir_all(&base)?;
    let base = base.canonicalize()?;
    let places = [base.join("plain"), base.join("simplified")];
    for (place, text) in places.iter().zip(texts) {
        machine(place, text)?;
    }
    let codex = install(&Version::NEWEST.to_string())?.path().to_string_lossy().into_owned();
    let start = [codex, "app-server".to_owned(), "--print-startup-config".to_owned()];
    let mut costs = [Vec::new(), Vec::new()];
    for round in 0..=rounds {
        for (place, costs) in places.iter().zip(&mut costs) {
            let cost = Place(place).run(true, &start)?;
            // The first round brings files and the program into the system's cache.
            if round > 0 {
                costs.push(cost);
            }
        }
    }
    let [plain, simplified] = [Summary::of(&costs[0])?, Summary::of(&costs[1])?];
    let ratio = simplified.median / plain.median;
    say(&format!(
        "{:<34} {:>22} {:>9} {:>7}",
        "codex --print-startup-config", "wall", "peak", "ratio"
    ));
    say(&format!("{:<34} {plain}", "plain"));
    say(&format!("{:<34} {simplified} {ratio:>6.2}x", "simplified"));
    if plain.failed + simplified.failed > 0 {
        return Err("Codex did not start".into());
    }
    if ratio > GOAL {
        return Err(format!("goal missed: {ratio:.2}x, not {GOAL}x").into());
    }
    say("\nall goals met");
    Ok(())
}

/// Holds what Codex shows of both policies against each other: they differ in the removed domains
/// and in nothing else. Rules are not shown; tests of `codex-agreement` put commands to both.
fn same_answers(plain: &Table, done: &Simplified, texts: &[String; 2]) -> Result<(), Problem> {
    let codex = install(&Version::NEWEST.to_string())?;
    let answers = isolated(|isolation| {
        texts.each_ref().map(|text| {
            let spec = WorldSpec::new().file("/etc/codex/requirements.toml", text);
            ask(&World::build(isolation, &codex, &spec)?, &Oracle::Startup)
        })
    })?;
    let [before, after] = answers;
    let (mut before, after) = (before?, after?);
    let kept: Vec<&str> =
        NetworkPolicy::of(&done.requirements).entries().iter().map(|entry| entry.text).collect();
    let kept: std::collections::BTreeSet<&str> = kept.into_iter().collect();
    let mut taken = 0;
    if let Some(Value::Object(domains)) = before.pointer_mut("/requirements/network/domains") {
        let all = domains.len();
        domains.retain(|name, _| kept.contains(name.as_str()));
        taken = all - domains.len();
    }
    // The same once more, in the older spelling.
    for list in ["allowedDomains", "deniedDomains"] {
        let list = before.pointer_mut(&format!("/requirements/network/{list}"));
        if let Some(Value::Array(domains)) = list {
            domains.retain(|name| name.as_str().is_some_and(|name| kept.contains(name)));
        }
    }
    let removed = NetworkPolicy::of(plain).entries().len() - kept.len();
    if taken != removed || before != after {
        return Err("Codex answers the two policies differently".into());
    }
    say(&format!("Codex shows the same for both, but for {taken} domains that were removed"));
    Ok(())
}
