//! What the rules say about a command, as `codex execpolicy check` prints it.

use std::collections::BTreeMap;

use super::rule_calls::plain_path;
use super::{Decision, PrefixRule, RulesFile};

/// The answer for one command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Evaluation<'a> {
    /// The strictest decision of all matches; `None` if no rule matches.
    pub decision: Option<Decision>,
    /// Every matching rule, in the order of files and rules. A rule whose first place lists the
    /// same word twice matches twice, as in Codex.
    pub matches: Vec<RuleMatch<'a>>,
}

/// One rule that matches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleMatch<'a> {
    /// The rule.
    pub rule: &'a PrefixRule,
    /// The words of the command that it covers; the first is the bare name if resolved.
    pub matched_prefix: Vec<String>,
    /// The path of the program, if the rule names only its bare name.
    pub resolved_program: Option<String>,
}

impl RuleMatch<'_> {
    /// The match as Codex prints it inside messages.
    pub(super) fn debug(&self) -> String {
        let Self { rule, matched_prefix, resolved_program } = self;
        let program = match resolved_program {
            Some(path) => format!("Some(AbsolutePathBuf({path:?}))"),
            None => "None".to_owned(),
        };
        let (decision, justification) = (rule.decision, &rule.justification);
        format!(
            "PrefixRuleMatch {{ matched_prefix: {matched_prefix:?}, decision: {decision:?}, \
             resolved_program: {program}, justification: {justification:?} }}"
        )
    }
}

/// Paths that count as a bare name, by name.
pub(super) type Hosts<'a> = BTreeMap<&'a str, &'a [String]>;

/// Evaluates a command, given as its words, against files in the order in which Codex loads them.
///
/// With `resolve_host_executables`, which is what Codex does at run time, an absolute program path
/// that no rule names is looked up by its last part. A relative path with a slash is looked up the
/// same way, but only where no `host_executable` restricts the name, as the answer would need the
/// working directory (Codex prints the joined path; here it stays as given).
#[must_use]
pub fn evaluate<'a>(
    files: &'a [RulesFile],
    argv: &[String],
    resolve_host_executables: bool,
) -> Evaluation<'a> {
    let mut hosts = Hosts::new();
    for host in files.iter().flat_map(|file| &file.host_executables) {
        hosts.insert(&host.name, &host.paths);
    }
    let rules = files.iter().flat_map(|file| &file.prefix_rules);
    let matches = matches_of(rules, &hosts, argv, resolve_host_executables);
    let decision = matches.iter().map(|found| found.rule.decision).max();
    Evaluation { decision, matches }
}

pub(super) fn matches_of<'a>(
    rules: impl IntoIterator<Item = &'a PrefixRule> + Clone,
    hosts: &Hosts<'_>,
    argv: &[String],
    resolve: bool,
) -> Vec<RuleMatch<'a>> {
    let exact = matches_exactly(rules.clone(), argv, None);
    if !exact.is_empty() || !resolve {
        return exact;
    }
    let Some((program, arguments)) = argv.split_first() else { return exact };
    if !program.contains('/') {
        return exact;
    }
    let absolute = program.starts_with('/');
    let path = if absolute { plain_path(program) } else { program.clone() };
    let name = plain_path(program).rsplit('/').next().unwrap_or_default().to_owned();
    let listed = hosts.get(name.as_str()).map(|paths| absolute && paths.contains(&path));
    if name.is_empty() || listed == Some(false) {
        return exact;
    }
    let mut bare = vec![name];
    bare.extend_from_slice(arguments);
    matches_exactly(rules, &bare, Some(&path))
}

fn matches_exactly<'a>(
    rules: impl IntoIterator<Item = &'a PrefixRule>,
    argv: &[String],
    resolved_program: Option<&String>,
) -> Vec<RuleMatch<'a>> {
    let mut matches = vec![];
    for rule in rules {
        let Some(covered) = argv.get(..rule.pattern.len()) else { continue };
        let mut pairs = rule.pattern.iter().zip(covered);
        let Some((first, program)) = pairs.next() else { continue };
        if !pairs.all(|(token, word)| token.alternatives().contains(word)) {
            continue;
        }
        for _ in first.alternatives().iter().filter(|word| *word == program) {
            matches.push(RuleMatch {
                rule,
                matched_prefix: covered.to_vec(),
                resolved_program: resolved_program.cloned(),
            });
        }
    }
    matches
}
