//! Commands: what rules forbid, ask about and allow.

use codex_schema::value::Node;

use super::{Name, Statement};
use crate::decide;
use crate::decide::answer::Verdict;
use crate::decide::commands::{CommandRules, nodes};
use crate::decide::question::Question;
use crate::evaluate::Evaluation;
use crate::sources::rules_file::{self, RulesFile};

/// One statement for every verdict and reason, the strictest first.
pub(super) fn statements(evaluation: &Evaluation) -> Vec<Statement> {
    let merged = &evaluation.composition.merged;
    let rules = CommandRules::of(merged);
    let mut ruled: Vec<(Vec<Vec<String>>, Option<String>)> = Vec::new();
    for rule in rules.rules() {
        let words = nodes(merged).get(rule.position).map(words).unwrap_or_default();
        ruled.push((words, rule.justification.map(str::to_owned)));
    }
    let files = rules_files(evaluation);
    for rule in files.iter().flat_map(|file| &file.prefix_rules) {
        let words = rule.pattern.iter().map(|token| token.alternatives().to_vec()).collect();
        ruled.push((words, rule.justification.clone()));
    }
    let mut groups: Vec<Group> = Vec::new();
    for (words, reason) in ruled {
        let witness = Question::Command(first(&words));
        let answer = decide::answer(evaluation, &witness);
        // Another rule may decide all that this one says, and then the reason is another one.
        let decides = answer.entries.first().or_else(|| answer.parts.first()?.entries.first());
        let own = decides.is_some_and(|entry| entry.reason == reason);
        let name = Name { name: shown(&words), witness };
        if !own || groups.iter().any(|group| group.names.iter().any(|it| it.name == name.name)) {
            continue;
        }
        let verdict = answer.verdict;
        let same = |group: &&mut Group| group.verdict == verdict && group.reason == reason;
        match groups.iter_mut().find(same) {
            Some(group) => group.names.push(name),
            None => groups.push(Group { verdict, reason, names: vec![name] }),
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.verdict));
    let mut found: Vec<Statement> = groups.into_iter().map(Group::statement).collect();
    if !found.is_empty() {
        found.push(Statement::sentence(
            "Rules compare the words a command begins with; what a shell must take apart is judged \
             as a whole",
        ));
    }
    found
}

/// Commands to which the same happens for the same reason.
struct Group {
    verdict: Verdict,
    reason: Option<String>,
    names: Vec<Name>,
}

impl Group {
    fn statement(self) -> Statement {
        let text = match self.verdict {
            Verdict::Deny => "Denied",
            Verdict::PromptUser => "A person is asked",
            Verdict::Prompt => "Asked about first",
            Verdict::Allow | Verdict::Unmanaged => "Allowed without asking",
        };
        Statement::of(self.verdict, text, self.names).because(self.reason.as_deref())
    }
}

fn rules_files(evaluation: &Evaluation) -> Vec<RulesFile> {
    let loaded = evaluation.gathered.rules.iter().filter(|file| file.not_loaded.is_none());
    let texts = loaded.filter_map(|file| evaluation.documents().get(file.source));
    let read = |text: &str| rules_file::read(text, &rules_file::Limits::default());
    // A file that Codex refuses takes all others with it.
    texts.map(|document| read(&document.text)).collect::<Result<_, _>>().unwrap_or_default()
}

/// The words of a rule's pattern, each with its alternatives.
fn words(rule: &Node) -> Vec<Vec<String>> {
    let pattern = rule.at(&["pattern"]).and_then(|list| list.value.as_array()).unwrap_or_default();
    let text = |node: &Node| node.value.as_str().map(str::to_owned);
    pattern
        .iter()
        .map(|word| match (word.at(&["token"]), word.at(&["any_of"])) {
            (Some(token), _) => text(token).into_iter().collect(),
            (None, Some(list)) => {
                list.value.as_array().unwrap_or_default().iter().filter_map(text).collect()
            }
            (None, None) => Vec::new(),
        })
        .collect()
}

/// A command that begins with the pattern.
fn first(words: &[Vec<String>]) -> Vec<String> {
    words.iter().filter_map(|word| word.first().cloned()).collect()
}

fn shown(words: &[Vec<String>]) -> String {
    words.iter().map(|word| word.join("|")).collect::<Vec<_>>().join(" ")
}
