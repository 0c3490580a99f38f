//! Patterns of hosts in network policy.

use codex_schema::diagnostic::{Code, Diagnostic, Effect, Outcome, Versions};
use codex_schema::span::Span;
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;

use super::Findings;
use super::document::Subject;

/// What versions do with `*`: the start passes up to 0.144.6 and no longer at 0.148.0 (sampled);
/// sessions were refused before, too.
const STAR: [Effect; 2] = [
    Effect::new(Versions::between(118, 147), Outcome::RefusesSessions),
    Effect::new(Versions::since(148), Outcome::RefusesToStart),
];

/// Adds what is wrong with patterns; the parts about Codex's own words come from `meaning`, at the
/// same places.
pub(super) fn add(subject: &Subject<'_>, found: &mut Findings) {
    for network in networks(subject.root) {
        let enabled = network.get("enabled").and_then(|node| node.value.as_bool()) == Some(true);
        for (pattern, span) in patterns(network) {
            match problem(pattern) {
                Some(Problem::Star) => found.add(wrong(pattern, span).effects(STAR)),
                Some(Problem::Unsupported) => {
                    found.add(wrong(pattern, span).effects(unsupported(enabled)));
                }
                Some(Problem::Port) => found.add(port(pattern, span)),
                None => {}
            }
        }
    }
}

/// What versions do with a pattern that no host can match. Measured at 0.118.0, 0.138.0, 0.157.1
/// and 0.169.0.
fn unsupported(enabled: bool) -> Vec<Effect> {
    if !enabled {
        return vec![Effect::new(Versions::since(118), Outcome::EnforcesNothing)];
    }
    let old = Versions { first: Some(Version::of(118)), last: Some(Version::patched(157, 1)) };
    vec![
        Effect::new(old, Outcome::EnforcesNothing),
        Effect::new(Versions::only(Version::NEWEST), Outcome::RefusesSessions),
    ]
}

/// The finding for a pattern Codex refuses, given the place it complains about (a map's value) and
/// what it does.
pub(super) fn of_refusal(subject: &Subject<'_>, span: Span, effect: Effect) -> Diagnostic {
    let all = networks(subject.root).into_iter().flat_map(|network| {
        let domains = network.get("domains").and_then(|node| node.value.as_table());
        domains.into_iter().flat_map(Table::iter)
    });
    let entry = all.into_iter().find(|entry| entry.node.span == span);
    let path = super::meaning::key_at(subject, span);
    if let Some(entry) = entry {
        return wrong(&entry.key.value, entry.key.span).effect(effect);
    }
    let list = networks(subject.root).into_iter().flat_map(patterns);
    let pattern = list.into_iter().find(|(_, at)| *at == span).map(|(text, _)| text);
    wrong(pattern.unwrap_or(&path), span).effect(effect)
}

fn networks(root: &Table) -> Vec<&Table> {
    let places = [
        root.get("experimental_network"),
        root.get("network_proxy"),
        root.get("permissions").and_then(|node| node.at(&["network"])),
    ];
    places.into_iter().flatten().filter_map(|node| node.value.as_table()).collect()
}

/// Every pattern with its place.
fn patterns(network: &Table) -> Vec<(&str, Span)> {
    let mut found = Vec::new();
    if let Some(map) = network.get("domains").and_then(|node| node.value.as_table()) {
        found.extend(map.iter().map(|entry| (&*entry.key.value, entry.key.span)));
    }
    for list in ["allowed_domains", "denied_domains", "review_domains"] {
        let elements = network.get(list).and_then(|node| node.value.as_array());
        let texts = elements.unwrap_or_default().iter();
        found.extend(texts.filter_map(|node: &Node| Some((node.value.as_str()?, node.span))));
    }
    found
}

enum Problem {
    Star,
    Unsupported,
    Port,
}

fn problem(pattern: &str) -> Option<Problem> {
    if pattern == "*" {
        return Some(Problem::Star);
    }
    let blank = pattern.trim().is_empty();
    let repeated = pattern.contains("**") && !pattern.starts_with("**.");
    if blank || repeated || pattern == "**" || pattern.contains(['/', ' ']) {
        return Some(Problem::Unsupported);
    }
    let port = pattern.rsplit_once(':').is_some_and(|(host, port)| {
        !host.contains(':') && !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
    });
    port.then_some(Problem::Port)
}

fn wrong(pattern: &str, span: Span) -> Diagnostic {
    let (message, help) = if pattern == "*" {
        (
            "`*` alone is not a domain pattern".to_owned(),
            "list the hosts; for everything below a name write `**.example.com`".to_owned(),
        )
    } else if pattern.trim().is_empty() {
        ("a domain pattern is blank".to_owned(), "write a host name".to_owned())
    } else if let Some((_, rest)) = pattern.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or(rest);
        (
            format!("`{pattern}` is a URL, not a domain pattern"),
            format!("write the host name alone: `{host}`"),
        )
    } else if pattern.contains('/') {
        (
            format!("`{pattern}` is not a domain pattern: address ranges and paths do not count"),
            "write a host name or a single address".to_owned(),
        )
    } else {
        (
            format!("`{pattern}` is not a domain pattern"),
            "write a host name, `*.example.com` or `**.example.com`".to_owned(),
        )
    };
    Diagnostic::new(Code::DomainPattern, message, span).help(help)
}

fn port(pattern: &str, span: Span) -> Diagnostic {
    let host = pattern.rsplit_once(':').map_or(pattern, |(host, _)| host);
    Diagnostic::new(
        Code::PortIgnored,
        format!("the port of `{pattern}` does not count: every port of `{host}` is meant"),
        span,
    )
    .help(format!("write `{host}`"))
    .effect(Effect::new(Versions::only(Version::NEWEST), Outcome::Accepts))
}
