//! Commands: what rules forbid, ask about and allow.

use codex_schema::value::Node;

use super::{Name, Statement};
use crate::decide::answer::Verdict;
use crate::decide::commands::{CommandRules, Decision, nodes};
use crate::decide::question::Question;
use crate::evaluate::Evaluation;
use crate::sources::rules_file::{self, RulesFile};

/// One statement for every reason, the strictest first.
pub(super) fn statements(evaluation: &Evaluation) -> Vec<Statement> {
    let merged = &evaluation.composition.merged;
    let rules = CommandRules::of(merged);
    let files = rules_files(evaluation);
    let mut found = Vec::new();
    for (decision, verdict, text) in [
        (Decision::Forbidden, Verdict::Deny, "Denied"),
        (Decision::PromptUser, Verdict::PromptUser, "A person is asked"),
        (Decision::Prompt, Verdict::Prompt, "Asked about first"),
    ] {
        let mut groups: Vec<(Option<&str>, Vec<Name>)> = Vec::new();
        for rule in rules.rules().iter().filter(|rule| rule.decision == decision) {
            let Some(words) = nodes(merged).get(rule.position).map(words) else { continue };
            let first = first(&words);
            // A stricter rule may decide all that this one says.
            if rules.decide(&first).decision() != Some(decision) {
                continue;
            }
            let name = Name { name: shown(&words), witness: Question::Command(first) };
            put(&mut groups, rule.justification, name);
        }
        for rule in files.iter().flat_map(|file| &file.prefix_rules) {
            let words = of_file(rule);
            let first = first(&words);
            let stricter = rules.decide(&first).decision().is_some();
            if of_rules(rule.decision) == Some(decision)
                && rules_file::evaluate(&files, &first, false).decision == Some(rule.decision)
                && !stricter
            {
                let name = Name { name: shown(&words), witness: Question::Command(first) };
                put(&mut groups, rule.justification.as_deref(), name);
            }
        }
        let one = |(reason, names)| Statement::of(verdict, text, names).because(reason);
        found.extend(groups.into_iter().map(one));
    }
    found.extend(allowed(&rules, &files));
    if !found.is_empty() {
        found.push(Statement::sentence(
            "Rules compare the words a command begins with; what a shell must take apart is judged \
             as a whole",
        ));
    }
    found
}

fn put<'text>(
    groups: &mut Vec<(Option<&'text str>, Vec<Name>)>,
    reason: Option<&'text str>,
    name: Name,
) {
    match groups.iter_mut().find(|(known, _)| *known == reason) {
        Some((_, names)) => names.push(name),
        None => groups.push((reason, vec![name])),
    }
}

/// The same decision in the words of requirements, which allow nothing.
fn of_rules(decision: rules_file::Decision) -> Option<Decision> {
    match decision {
        rules_file::Decision::Allow => None,
        rules_file::Decision::Prompt => Some(Decision::Prompt),
        rules_file::Decision::Forbidden => Some(Decision::Forbidden),
    }
}

fn of_file(rule: &rules_file::PrefixRule) -> Vec<Vec<String>> {
    rule.pattern.iter().map(|token| token.alternatives().to_vec()).collect()
}

/// What files of rules let run without asking.
fn allowed(rules: &CommandRules<'_>, files: &[RulesFile]) -> Option<Statement> {
    let all = files.iter().flat_map(|file| &file.prefix_rules);
    let mut names: Vec<Name> = Vec::new();
    for rule in all.filter(|rule| rule.decision == rules_file::Decision::Allow) {
        let words = of_file(rule);
        let first = first(&words);
        let strictest = rules_file::evaluate(files, &first, false).decision;
        let stricter = rules.decide(&first).decision().is_some();
        if strictest == Some(rules_file::Decision::Allow) && !stricter {
            names.push(Name { name: shown(&words), witness: Question::Command(first) });
        }
    }
    (!names.is_empty()).then(|| Statement::of(Verdict::Allow, "Allowed without asking", names))
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
