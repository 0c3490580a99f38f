//! Files of command rules. The reader stops at the first problem, as Codex does; here the
//! statement that has it is blanked out and the rest is read again.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::span::{SourceId, Span};

use super::{Findings, Report};
use crate::sources::rules_file::{self, Limits, ProblemKind, RulesProblem};

/// Most problems looked for.
const ROUNDS: usize = 50;

/// Checks a file of rules that is registered in the report.
pub(super) fn check(id: SourceId, report: &Report, found: &mut Findings) {
    let Some(document) = report.documents.get(id) else { return };
    let whole: &str = &document.text;
    let mut text = whole.to_owned();
    for round in 0..ROUNDS {
        let problem = match rules_file::read(&text, &Limits::default()) {
            Ok(rules) => {
                let none = rules.prefix_rules.is_empty()
                    && rules.host_executables.is_empty()
                    && rules.network_rules.is_empty();
                if none && round == 0 {
                    found.add(says_nothing(id));
                }
                return;
            }
            Err(problem) => problem,
        };
        let at = offset(whole, problem.line, problem.column);
        found.add(of_problem(&problem, Span::new(id, at, word_end(whole, at))));
        let Some(rest) = blank_statement(&text, at) else { return };
        if problem.kind == ProblemKind::Limit || rest == text {
            return;
        }
        text = rest;
    }
}

fn says_nothing(id: SourceId) -> Diagnostic {
    Diagnostic::new(Code::SaysNothing, "the file makes no rules", Span::new(id, 0, 0))
        .help("write `prefix_rule(pattern = [\"git\", \"push\"], decision = \"prompt\")`")
        .effect(Effect::new(Versions::ALL, Outcome::NoPolicy))
}

fn of_problem(problem: &RulesProblem, span: Span) -> Diagnostic {
    let code = match problem.kind {
        ProblemKind::Refused => Code::Rules,
        ProblemKind::Unsupported | ProblemKind::Limit => Code::RulesNotUnderstood,
    };
    let message = lower_first(problem.message.trim_end_matches('.'));
    let mut diagnostic = Diagnostic::new(code, message, span);
    diagnostic.help.clone_from(&problem.help);
    if problem.kind == ProblemKind::Refused {
        let only = Versions::only(codex_schema::version::Version::NEWEST);
        diagnostic = diagnostic.effect(Effect::new(only, Outcome::DropsRules));
    }
    diagnostic
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect::<String>().replace('\n', " ")
}

/// The byte offset of a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text.get(before..).unwrap_or_default();
    let characters = column.saturating_sub(1);
    let into = rest.char_indices().nth(characters).map_or(rest.len(), |(at, _)| at);
    before.saturating_add(into).min(text.len())
}

/// The end of the word, or of the single character, at an offset.
fn word_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let one = rest.chars().next().filter(|first| *first != '\n').map_or(0, char::len_utf8);
    at.saturating_add(word.max(one))
}

/// The text without the top-level statement at an offset, lines kept. `None` when that statement
/// is no plain call: without an assignment or a function the rest would fail for other reasons.
fn blank_statement(text: &str, at: usize) -> Option<String> {
    let mut starts: Vec<usize> = Vec::new();
    let mut here = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(|first: char| first.is_alphabetic() || first == '_') {
            starts.push(here);
        }
        here += line.len();
    }
    let start = starts.iter().copied().rfind(|start| *start <= at)?;
    let end = starts.iter().copied().find(|start| *start > at).unwrap_or(text.len());
    let statement = text.get(start..end)?;
    let name = statement.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    let is_call = statement.get(name..)?.trim_start().starts_with('(');
    if !is_call {
        return None;
    }
    let blank: String = statement.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
    // Multi-byte characters become one space each; offsets are taken from lines, not from here.
    Some([text.get(..start)?, &blank, text.get(end..)?].concat())
}
