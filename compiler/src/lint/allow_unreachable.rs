//! Allowed hosts below a denied pattern.

use std::collections::HashMap;

use codex_schema::diagnostic::{Code, Diagnostic};

use foldhash::fast::RandomState;

use super::view::{Domain, View};
use crate::decide::domains::{Lengths, above};

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
    by_name: HashMap<&'a str, Reached<'a>, RandomState>,
    /// How long the names are: others need no looking up.
    lengths: Lengths,
}

/// The denied patterns of one name.
#[derive(Default)]
struct Reached<'a> {
    /// The name as it stands.
    exact: Option<&'a Domain<'a>>,
    /// `*.x`: everything below x.
    below: Option<&'a Domain<'a>>,
    /// `**.x`: x too.
    whole: Option<&'a Domain<'a>>,
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
            denied.lengths.add(name.len());
            let reached = denied.by_name.entry(name).or_default();
            let place = match reach {
                Reach::Exact => &mut reached.exact,
                Reach::Below => &mut reached.below,
                Reach::Whole => &mut reached.whole,
            };
            place.get_or_insert(domain);
        }
        denied
    }

    fn reached(&self, name: &str) -> Option<&Reached<'a>> {
        self.lengths.has(name.len()).then(|| self.by_name.get(name)).flatten()
    }

    /// A denied pattern that covers every host of another one.
    fn covers(&self, pattern: &str) -> Option<&'a Domain<'a>> {
        let (name, reach) = parts(pattern);
        let same = self.reached(name).and_then(|reached| {
            let same = match reach {
                Reach::Exact => reached.exact,
                Reach::Below => reached.below,
                Reach::Whole => None,
            };
            same.or(reached.whole)
        });
        let mut names = std::iter::successors(above(name), |name| above(name));
        same.or_else(|| {
            names.find_map(|name| self.reached(name).and_then(|it| it.whole.or(it.below)))
        })
    }
}
