//! What a run found, for people.

use std::fmt::Write as _;

use codex_oracle::{FileSpec, WorldSpec};

use super::compare::{Difference, Question};
use super::{Class, Report};

/// How much of one answer is shown.
const SHOWN: usize = 600;

impl Report {
    /// The report as text: the totals, then every class of disagreement, the most frequent first.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for question in Question::ALL {
            let Some(totals) = self.totals.get(&question) else { continue };
            let name = question.name();
            line(
                &mut out,
                format_args!(
                    "{name:<8} {:>5} cases: {} values agree, {} errors agree, refusals agree, words \
                 differ: {}, {} differ, {} explained, \
                 {} not predicted, {} harness errors",
                    totals.cases,
                    totals.values,
                    totals.errors,
                    totals.words,
                    totals.differ,
                    totals.explained,
                    totals.unpredicted,
                    totals.harness,
                ),
            );
        }
        for class in &self.classes {
            out.push_str(&class.text(&self.version, self.seed));
        }
        for (number, message) in self.harness.iter().take(10) {
            line(&mut out, format_args!("\nharness error in case {number}: {message}"));
        }
        out
    }
}

impl Class {
    fn text(&self, version: &str, seed: u64) -> String {
        let mut out = String::new();
        let Difference { question, class, pointer, codex, model } = &self.example;
        line(&mut out, format_args!("\n## {} x {}: {class}", self.count, question.name()));
        line(
            &mut out,
            format_args!(
                "cargo xtask oracle --codex {version} --seed {seed} --case {} --only {}",
                self.number,
                question.name(),
            ),
        );
        if !pointer.is_empty() {
            line(&mut out, format_args!("at     {pointer}"));
        }
        line(&mut out, format_args!("codex  {}", cut(codex)));
        line(&mut out, format_args!("model  {}", cut(model)));
        out.push_str(&describe(&self.world));
        out
    }
}

/// A machine as text.
pub fn describe(world: &WorldSpec) -> String {
    let mut out = String::new();
    for (path, file) in &world.files {
        match file {
            FileSpec::Text(text) => {
                line(&mut out, format_args!("--- {path}\n{}", text.trim_end_matches('\n')));
            }
            FileSpec::Special(special) => {
                line(&mut out, format_args!("--- {path}: {special:?}"));
            }
        }
    }
    if let Some(bundle) = &world.bundle {
        for (kind, list) in [("requirements", &bundle.requirements), ("config", &bundle.config)] {
            for (id, text) in list {
                let text = text.trim_end_matches('\n');
                line(&mut out, format_args!("--- bundle {kind} {id}\n{text}"));
            }
        }
        if bundle.requirements.is_empty() && bundle.config.is_empty() {
            line(&mut out, format_args!("--- bundle without fragments"));
        }
    }
    if !world.args.is_empty() {
        line(&mut out, format_args!("--- arguments {:?}", world.args));
    }
    if let Some(hostname) = &world.hostname {
        line(&mut out, format_args!("--- hostname {hostname}"));
    }
    out
}

fn cut(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}
