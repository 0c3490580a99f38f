//! Milder rules below stricter ones.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::rule_cover::covers;
use super::view::View;

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let rules = subject.commands();
    let mut found = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let over = subject.over(index);
        let stricter = over
            .into_iter()
            .filter_map(|at| rules.get(at))
            .find(|other| other.decision > rule.decision && !covers(rule, other));
        if let Some(other) = stricter {
            let message = format!(
                "`{}` is no exception to `{}`: the stricter rule wins",
                rule.words(),
                other.words()
            );
            found.push(
                Diagnostic::new(Code::ExceptionCannotWork, message, rule.span)
                    .beside(other.span, format!("this one says `{}`", other.decision.as_str()))
                    .help("narrow the stricter rule to what it is meant for"),
            );
        }
    }
    found
}
