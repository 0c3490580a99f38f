//! Allowed hosts below a denied pattern.

use std::collections::HashMap;

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::{Domain, View};

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let domains = subject.domains();
    let denied = Denied::of(domains);
    let mut found = Vec::new();
    for domain in domains.iter().filter(|domain| domain.allowed) {
        if let Some(other) = denied.covers(&domain.pattern) {
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

/// Denied patterns by the name that follows their wildcard.
#[derive(Default)]
struct Denied<'a> {
    /// Names as they stand.
    exact: HashMap<&'a str, &'a Domain<'a>>,
    /// `*.x`: everything below x.
    below: HashMap<&'a str, &'a Domain<'a>>,
    /// `**.x`: x too.
    whole: HashMap<&'a str, &'a Domain<'a>>,
}

/// A pattern without its wildcard, and how far it reaches.
fn parts(pattern: &str) -> (&str, Reach) {
    match (pattern.strip_prefix("**."), pattern.strip_prefix("*.")) {
        (Some(name), _) => (name, Reach::Whole),
        (None, Some(name)) => (name, Reach::Below),
        (None, None) => (pattern, Reach::Exact),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Exact,
    Below,
    Whole,
}

impl<'a> Denied<'a> {
    fn of(domains: &'a [Domain<'a>]) -> Self {
        let mut denied = Self::default();
        for domain in domains.iter().filter(|domain| !domain.allowed) {
            let (name, reach) = parts(&domain.pattern);
            let list = match reach {
                Reach::Exact => &mut denied.exact,
                Reach::Below => &mut denied.below,
                Reach::Whole => &mut denied.whole,
            };
            list.entry(name).or_insert(domain);
        }
        denied
    }

    /// A denied pattern that covers every host of another one.
    fn covers(&self, pattern: &str) -> Option<&'a Domain<'a>> {
        let (name, reach) = parts(pattern);
        let same = match reach {
            Reach::Exact => self.exact.get(name),
            Reach::Below => self.below.get(name),
            Reach::Whole => None,
        };
        if let Some(found) = same.or_else(|| self.whole.get(name)) {
            return Some(found);
        }
        let mut rest = name;
        while let Some((_, above)) = rest.split_once('.') {
            if let Some(found) = self.whole.get(above).or_else(|| self.below.get(above)) {
                return Some(found);
            }
            rest = above;
        }
        None
    }
}
