//! Allowed hosts below a denied pattern.

use codex_schema::diagnostic::{Code, Diagnostic};

use std::collections::BTreeMap;

use super::Subject;
use super::view::Domain;

/// Checks a policy.
pub(super) fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let domains = subject.domains();
    let mut denied: BTreeMap<&str, &Domain<'_>> = BTreeMap::new();
    for domain in domains.iter().filter(|domain| !domain.allowed) {
        denied.entry(&domain.pattern).or_insert(domain);
    }
    if denied.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for domain in domains.iter().filter(|domain| domain.allowed) {
        let over = covering(&domain.pattern);
        if let Some(other) = over.iter().find_map(|pattern| denied.get(pattern.as_str())) {
            let (name, by) = (domain.written, other.written);
            let message = format!("`{name}` stays denied: `{by}` wins");
            found.push(
                Diagnostic::new(Code::AllowUnreachable, message, domain.span)
                    .beside(other.span, "deny beats allow, however narrow")
                    .help("remove the entry, or narrow the denied pattern"),
            );
        }
    }
    found
}

/// The patterns with a leading wildcard, and the pattern itself, that cover every host of a
/// pattern. `*.x` is everything below x, `**.x` is x too.
fn covering(pattern: &str) -> Vec<String> {
    let mut all = vec![pattern.to_owned()];
    let (suffix, itself) = match (pattern.strip_prefix("**."), pattern.strip_prefix("*.")) {
        (Some(suffix), _) => (suffix, true),
        (None, Some(suffix)) => (suffix, false),
        (None, None) => (pattern, true),
    };
    all.push(format!("**.{suffix}"));
    if !itself {
        all.push(format!("*.{suffix}"));
    }
    let mut rest = suffix;
    while let Some((_, above)) = rest.split_once('.') {
        all.push(format!("**.{above}"));
        all.push(format!("*.{above}"));
        rest = above;
    }
    all
}
