//! Every rule on a good policy with one fault, and on one that is nearly faulty.

mod fixtures;
mod gate;
mod seeded;

use codex_schema::reader::read_toml;
use codex_schema::source::Source;
use codex_schema::version::Version;

use super::*;
use crate::sources::rules_file::{Limits, read};

/// A policy in memory.
#[derive(Clone, Copy, Debug)]
struct Policy<'a> {
    requirements: &'a str,
    config: &'a str,
    rules: &'a str,
    versions: &'a [Version],
    channels: &'a [Channel],
    systems: &'a [Os],
}

/// A policy without a fault.
const GOOD: Policy<'_> = Policy {
    requirements: include_str!("tests/good.toml"),
    config: "model_verbosity = \"low\"\n",
    rules: "prefix_rule(pattern = [\"docker\", \"push\"], decision = \"prompt\")\n",
    versions: &[Version::of(169)],
    channels: &[Channel::System],
    systems: &[Os::Linux, Os::Macos],
};

impl Policy<'_> {
    /// Asks something about the policy.
    fn ask<T>(&self, question: impl FnOnce(&Subject<'_>) -> T) -> T {
        let mut documents = Documents::default();
        let mut add =
            |path: &str, text: &str| documents.add(Source::File { path: path.to_owned() }, text);
        let source = add("requirements.toml", self.requirements);
        let requirements = read_toml(self.requirements, source);
        let config = read_toml(self.config, add("config.toml", self.config));
        let rules = (add("a.rules", self.rules), read(self.rules, &Limits::default()).unwrap());
        let problems = [&requirements.problems[..], &config.problems[..]].concat();
        assert!(problems.is_empty(), "{problems:?}\n{}", self.requirements);
        question(&Subject {
            requirements: &requirements.root,
            config: &config.root,
            rules: &[rules],
            documents: &documents,
            versions: self.versions,
            channels: self.channels,
            systems: self.systems,
            anchor: Span::new(source, 0, 0),
        })
    }

    /// What is found, as codes.
    fn codes(&self) -> Vec<Code> {
        let mut codes: Vec<Code> = self.ask(lint).iter().map(|one| one.code).collect();
        codes.sort_unstable();
        codes
    }
}

/// What `check` says of the versions that get the requirements: keys they do not know, values they
/// refuse.
fn versions_gate(policy: &Subject<'_>) -> Vec<Diagnostic> {
    use crate::check::{Input, Options, check};
    const OF_VERSIONS: &[Code] = &[
        Code::KeyTooNew,
        Code::NewName,
        Code::ValueRefused,
        Code::RetiredKey,
        Code::UnknownFeature,
    ];
    let text = &policy.documents.get(policy.anchor.source).unwrap().text;
    let content = Ok(text.as_bytes().to_vec());
    let input = Input { name: "requirements.toml".to_owned(), content, kind: None };
    let options = Options { versions: policy.versions.to_vec(), ..Options::default() };
    let found = check(vec![input], &options).diagnostics;
    found.into_iter().filter(|one| OF_VERSIONS.contains(&one.code)).collect()
}

#[test]
fn a_good_policy_has_no_finding() {
    let found = GOOD.ask(lint);
    assert!(found.is_empty(), "{found:#?}");
    assert!(GOOD.ask(versions_gate).is_empty());
}

#[test]
fn every_rule_is_listed_once_with_its_code_and_in_order() {
    assert!(LINTS.is_sorted_by(|left, right| left.code < right.code));
    for code in OF_FILES {
        assert!(LINTS.iter().any(|lint| lint.code == *code), "{code}");
    }
}
