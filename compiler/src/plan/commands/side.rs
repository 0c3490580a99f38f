//! The command rules of one policy: those of requirements and those of rule files together, as
//! Codex puts them together.

use std::collections::BTreeMap;

use codex_schema::span::{SourceId, Span};
use codex_schema::value::Table;

use super::CommandDecision;
use crate::decide::commands::{CommandRules, Decision};
use crate::sources::rules_file::{self, RulesFile};

/// All command rules of a policy.
#[derive(Clone, Debug, Default)]
pub struct CommandSide<'policy> {
    pub(super) rules: Vec<SideRule<'policy>>,
    /// The paths that count as a program's name, by name.
    pub(super) hosts: BTreeMap<&'policy str, &'policy [String]>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct SideRule<'policy> {
    /// The words of each place, sorted, each once.
    pub pattern: Vec<Vec<&'policy str>>,
    /// What it decides.
    pub decision: CommandDecision,
    /// Where it was written.
    pub span: Span,
}

impl SideRule<'_> {
    /// The pattern as one would type it.
    pub fn words(&self) -> String {
        let places: Vec<String> = self.pattern.iter().map(|words| words.join("|")).collect();
        places.join(" ")
    }
}

impl<'policy> CommandSide<'policy> {
    /// The rules of requirements and of rule files, the files in the order in which Codex reads
    /// them.
    pub fn of(requirements: &'policy Table, files: &'policy [(SourceId, RulesFile)]) -> Self {
        let (rules, words, _) = CommandRules::read(requirements).into_parts();
        let texts = words.texts();
        let of_requirements = rules.into_iter().map(|rule| SideRule {
            pattern: rule
                .pattern
                .iter()
                .map(|set| {
                    let members = words.members(*set).iter();
                    sorted(members.filter_map(|word| texts.get(word).copied()).collect())
                })
                .collect(),
            decision: match rule.decision {
                Decision::Allow => CommandDecision::Allow,
                Decision::Prompt => CommandDecision::Prompt,
                Decision::PromptUser => CommandDecision::PromptUser,
                Decision::Forbidden => CommandDecision::Forbidden,
            },
            span: rule.span,
        });
        let of_files = files.iter().flat_map(|(source, file)| {
            file.prefix_rules.iter().map(|rule| SideRule {
                pattern: rule
                    .pattern
                    .iter()
                    .map(|token| sorted(token.alternatives().iter().map(String::as_str).collect()))
                    .collect(),
                decision: match rule.decision {
                    rules_file::Decision::Allow => CommandDecision::Allow,
                    rules_file::Decision::Prompt => CommandDecision::Prompt,
                    rules_file::Decision::Forbidden => CommandDecision::Forbidden,
                },
                span: Span::new(*source, rule.position.span.start, rule.position.span.end),
            })
        });
        let hosts = files.iter().flat_map(|(_, file)| &file.host_executables);
        Self {
            rules: of_requirements.chain(of_files).collect(),
            hosts: hosts.map(|host| (host.name.as_str(), host.paths.as_slice())).collect(),
        }
    }

    /// The rules, those of requirements first.
    pub fn rules(&self) -> &[SideRule<'policy>] {
        &self.rules
    }

    /// What happens to a command, and the rule that says so: the longest of the strictest. Asks
    /// every rule; for many commands there is [`CommandRules`].
    pub fn decide(&self, command: &[&str]) -> (CommandDecision, Option<&SideRule<'policy>>) {
        let Some((program, arguments)) = command.split_first() else {
            return (CommandDecision::NoRule, None);
        };
        let by_name = || {
            let name = name_of(program).filter(|name| self.counts_as(program, name))?;
            self.strictest(name, arguments)
        };
        let rule = self.strictest(program, arguments).or_else(by_name);
        (rule.map_or(CommandDecision::NoRule, |rule| rule.decision), rule)
    }

    fn strictest(&self, program: &str, arguments: &[&str]) -> Option<&SideRule<'policy>> {
        let matches = |rule: &&SideRule<'policy>| {
            let mut command = std::iter::once(program).chain(arguments.iter().copied());
            rule.pattern
                .iter()
                .all(|words| command.next().is_some_and(|word| words.binary_search(&word).is_ok()))
        };
        let key = |rule: &&SideRule<'policy>| (rule.decision, rule.pattern.len());
        self.rules.iter().filter(matches).max_by_key(key)
    }

    /// Whether a path counts as a program's name.
    pub(super) fn counts_as(&self, path: &str, name: &str) -> bool {
        let Some(paths) = self.hosts.get(name) else { return true };
        path.starts_with('/') && paths.contains(&rules_file::plain_path(path))
    }
}

fn sorted(mut words: Vec<&str>) -> Vec<&str> {
    words.sort_unstable();
    words.dedup();
    words
}

/// The name under which a program that is given with its path is looked up.
pub(super) fn name_of(program: &str) -> Option<&str> {
    program
        .contains('/')
        .then(|| {
            let mut parts = program.rsplit('/').filter(|part| !matches!(*part, "" | "."));
            parts.next().unwrap_or_default()
        })
        .filter(|name| !matches!(*name, "" | ".."))
}
