//! Who gets what: every machine must be in exactly one cohort.
//!
//! A machine has one team, one environment, one group, one operating system and one host name; it
//! may also have a team, an environment or a group that no cohort names. Both questions, whether
//! two cohorts can meet and whether a machine can be left out, are answered for all machines that
//! there could be, not for a list of them.

use std::collections::BTreeSet;

use codex_schema::diagnostic::{Code, Diagnostic, Severity};
use codex_schema::lookup::closest;
use codex_schema::span::Sourced;
use codex_schema::types::policy::System;

use super::Repository;
use super::manifest::{Cohort, LayerName};

/// Checks the cohorts of a repository.
pub(super) fn check(repository: &Repository) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let cohorts: Vec<&Cohort> = repository.manifest.cohorts.values().collect();
    for cohort in &cohorts {
        names(repository, cohort, &mut found);
        of_default(cohort, &mut found);
    }
    overlaps(&cohorts, &mut found);
    found.extend(gap(repository, &cohorts));
    unused(repository, &cohorts, &mut found);
    found
}

/// Names that nothing bears, and selectors that nobody fits.
fn names(repository: &Repository, cohort: &Cohort, found: &mut Vec<Diagnostic>) {
    let manifest = &repository.manifest;
    for (name, layer) in [
        (&cohort.team, LayerName::Team as fn(String) -> LayerName),
        (&cohort.environment, LayerName::Environment),
    ] {
        let Some(name) = name else { continue };
        let layer = layer(name.value.clone());
        if !repository.layers.contains_key(&layer) {
            found.push(unknown_folder(repository, name, &layer));
        }
    }
    if let Some(group) = &cohort.group
        && !manifest.groups.is_empty()
        && !manifest.groups.iter().any(|known| known.value == group.value)
    {
        let message = format!("there is no group `{}`", group.value);
        let known: Vec<&str> = manifest.groups.iter().map(|group| group.value.as_str()).collect();
        let help = match closest(&group.value, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("`endpoints.groups` names {}", known.join(", ")),
        };
        found.push(Diagnostic::new(Code::UnknownLayer, message, group.span).help(help));
    }
    let strange = |systems: &Vec<System>| {
        systems.is_empty() || !systems.iter().any(|system| manifest.systems.contains(system))
    };
    if cohort.systems.as_ref().is_some_and(strange) {
        let message = format!("cohort `{}` names none of `endpoints.os`", cohort.name);
        found.push(Diagnostic::new(Code::NobodySelected, message, cohort.span));
    }
    if cohort.hosts.as_ref().is_some_and(Vec::is_empty) {
        let message = format!("cohort `{}` has an empty list of hosts", cohort.name);
        found.push(
            Diagnostic::new(Code::NobodySelected, message, cohort.span)
                .help("remove `hosts` to take every host"),
        );
    }
}

fn unknown_folder(
    repository: &Repository,
    name: &Sourced<String>,
    layer: &LayerName,
) -> Diagnostic {
    let of_kind = if layer.team().is_some() { LayerName::team } else { LayerName::environment };
    let known = repository.layers.keys().filter_map(of_kind);
    let diagnostic =
        Diagnostic::new(Code::UnknownLayer, format!("there is no folder `{layer}`"), name.span);
    match closest(&name.value, known) {
        Some(meant) => {
            let mut diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
            diagnostic.suggestion = Some(meant.to_owned());
            diagnostic
        }
        None => diagnostic.help(format!(
            "add `{layer}`; without policy of its own a `README.md` in it is enough"
        )),
    }
}

fn of_default(cohort: &Cohort, found: &mut Vec<Diagnostic>) {
    let narrowed = cohort.group.is_some() || cohort.systems.is_some() || cohort.hosts.is_some();
    if cohort.is_default && narrowed {
        let message = format!(
            "cohort `{}` takes every machine that no other selects, and also names a group, \
             systems or hosts",
            cohort.name
        );
        found.push(
            Diagnostic::new(Code::Conflict, message, cohort.span)
                .help("remove `default`, or the selectors; `team` and `environment` may stay"),
        );
    }
}

fn overlaps(cohorts: &[&Cohort], found: &mut Vec<Diagnostic>) {
    for (at, one) in cohorts.iter().enumerate() {
        for other in cohorts.iter().skip(at + 1) {
            if let Some(example) = meet(one, other) {
                let message =
                    format!("cohorts `{}` and `{}` both select {example}", one.name, other.name);
                found.push(
                    Diagnostic::new(Code::CohortsOverlap, message, other.span)
                        .beside(one.span, "the other one")
                        .help("give them different teams, environments, groups, systems or hosts"),
                );
            }
        }
    }
}

/// A machine that both select, in words; `None` when there is none.
fn meet(one: &Cohort, other: &Cohort) -> Option<String> {
    match (one.is_default, other.is_default) {
        (true, true) => return Some("every machine that no other cohort selects".to_owned()),
        (true, false) | (false, true) => return None,
        (false, false) => {}
    }
    let mut words = Vec::new();
    for (what, left, right) in [
        ("team", &one.team, &other.team),
        ("environment", &one.environment, &other.environment),
        ("group", &one.group, &other.group),
    ] {
        match (left, right) {
            (Some(left), Some(right)) if left.value != right.value => return None,
            (Some(name), _) | (None, Some(name)) => words.push(format!("{what} `{}`", name.value)),
            (None, None) => {}
        }
    }
    match (&one.systems, &other.systems) {
        (Some(left), Some(right)) => {
            let both = left.iter().find(|system| right.contains(system))?;
            words.push(format!("system `{}`", system_word(*both)));
        }
        (Some(systems), None) | (None, Some(systems)) => {
            words.push(format!("system `{}`", system_word(*systems.first()?)));
        }
        (None, None) => {}
    }
    match (&one.hosts, &other.hosts) {
        (Some(left), Some(right)) => {
            let host = left
                .iter()
                .flat_map(|left| right.iter().map(move |right| (left, right)))
                .find_map(|(left, right)| common_host(&left.value, &right.value))?;
            words.push(format!("host `{host}`"));
        }
        (Some(hosts), None) | (None, Some(hosts)) => {
            words.push(format!("host `{}`", hosts.first()?.value));
        }
        (None, None) => {}
    }
    Some(if words.is_empty() {
        "every machine".to_owned()
    } else {
        format!("a machine of {}", words.join(", "))
    })
}

fn system_word(system: System) -> &'static str {
    match system {
        System::Linux => "linux",
        System::Macos => "macos",
        System::Windows => "windows",
    }
}

/// A host name that two patterns of `*` and `?` both match, the shortest there is.
fn common_host(left: &str, right: &str) -> Option<String> {
    /// Longest pattern that is looked at; host names end at 253 letters.
    const LIMIT: usize = 255;
    let fold = |text: &str| -> Vec<char> {
        text.trim().trim_end_matches('.').to_lowercase().chars().take(LIMIT).collect()
    };
    let (left, right) = (fold(left), fold(right));
    // Breadth first over the positions in both patterns; each pair is looked at once.
    let mut seen = BTreeSet::from([(0_usize, 0_usize)]);
    let mut queue = std::collections::VecDeque::from([(0_usize, 0_usize, String::new())]);
    while let Some((at, to, text)) = queue.pop_front() {
        let (one, other) = (left.get(at), right.get(to));
        if one.is_none() && other.is_none() {
            return Some(text);
        }
        let mut next: Vec<(usize, usize, Option<char>)> = Vec::new();
        match (one, other) {
            (Some('*'), Some(letter)) if *letter != '*' => {
                next.push((at + 1, to, None));
                next.push((at, to + 1, Some(if *letter == '?' { 'x' } else { *letter })));
            }
            (Some(letter), Some('*')) if *letter != '*' => {
                next.push((at, to + 1, None));
                next.push((at + 1, to, Some(if *letter == '?' { 'x' } else { *letter })));
            }
            (Some('*'), Some('*')) => {
                next.push((at + 1, to, None));
                next.push((at, to + 1, None));
            }
            (Some('*'), _) => next.push((at + 1, to, None)),
            (_, Some('*')) => next.push((at, to + 1, None)),
            (Some('?'), Some('?')) => next.push((at + 1, to + 1, Some('x'))),
            (Some('?'), Some(letter)) | (Some(letter), Some('?')) => {
                next.push((at + 1, to + 1, Some(*letter)));
            }
            (Some(one), Some(other)) if one == other => next.push((at + 1, to + 1, Some(*one))),
            _ => {}
        }
        for (at, to, letter) in next {
            if seen.insert((at, to)) {
                let mut text = text.clone();
                text.extend(letter);
                queue.push_back((at, to, text));
            }
        }
    }
    None
}

/// Machines that no cohort selects.
fn gap(repository: &Repository, cohorts: &[&Cohort]) -> Option<Diagnostic> {
    if cohorts.iter().any(|cohort| cohort.is_default) {
        return None;
    }
    let manifest = &repository.manifest;
    // One value that nobody names stands for all of them.
    let values = |name: fn(&Cohort) -> &Option<Sourced<String>>| {
        let mut values: Vec<Option<&str>> = cohorts
            .iter()
            .filter_map(|cohort| name(cohort).as_ref().map(|name| Some(name.value.as_str())))
            .collect();
        values.sort_unstable();
        values.dedup();
        values.push(None);
        values
    };
    let groups: Vec<Option<&str>> = if manifest.groups.is_empty() {
        values(|cohort| &cohort.group)
    } else {
        manifest.groups.iter().map(|group| Some(group.value.as_str())).collect()
    };
    for team in values(|cohort| &cohort.team) {
        for environment in values(|cohort| &cohort.environment) {
            for group in &groups {
                for system in &manifest.systems {
                    let taken =
                        |cohort: &&&Cohort| takes(cohort, team, environment, *group, *system);
                    if !cohorts.iter().any(|cohort| taken(&cohort)) {
                        return Some(left_out(repository, team, environment, *group, *system));
                    }
                }
            }
        }
    }
    None
}

/// Whether a cohort takes all hosts of a combination.
fn takes(
    cohort: &Cohort,
    team: Option<&str>,
    environment: Option<&str>,
    group: Option<&str>,
    system: System,
) -> bool {
    let one = |wanted: &Option<Sourced<String>>, own: Option<&str>| {
        wanted.as_ref().is_none_or(|wanted| own == Some(wanted.value.as_str()))
    };
    let every_host = |patterns: &Vec<Sourced<String>>| {
        patterns.iter().any(|one| !one.value.is_empty() && one.value.chars().all(|it| it == '*'))
    };
    one(&cohort.team, team)
        && one(&cohort.environment, environment)
        && one(&cohort.group, group)
        && cohort.systems.as_ref().is_none_or(|systems| systems.contains(&system))
        && cohort.hosts.as_ref().is_none_or(every_host)
}

fn left_out(
    repository: &Repository,
    team: Option<&str>,
    environment: Option<&str>,
    group: Option<&str>,
    system: System,
) -> Diagnostic {
    let mut words = vec![format!("system `{}`", system_word(system))];
    for (what, name) in [("team", team), ("environment", environment), ("group", group)] {
        words.push(match name {
            Some(name) => format!("{what} `{name}`"),
            None => format!("no {what} that a cohort names"),
        });
    }
    let message = format!("no cohort selects every machine with {}", words.join(", "));
    Diagnostic::new(Code::CohortGap, message, repository.manifest.anchor())
        .help("add a cohort for them, or one with `default = true`")
}

/// Folders that reach no cohort.
fn unused(repository: &Repository, cohorts: &[&Cohort], found: &mut Vec<Diagnostic>) {
    let manifest = &repository.manifest;
    let of_cohorts = cohorts.iter().flat_map(|cohort| manifest.chain(cohort));
    let used: BTreeSet<LayerName> = of_cohorts.chain(manifest.chain_when_stale()).collect();
    for (name, layer) in &repository.layers {
        if used.contains(name) {
            continue;
        }
        let source = layer.requirements.as_ref().or(layer.config.as_ref()).map(|it| it.source);
        let Some(source) = source.or_else(|| layer.rules.first().map(|rules| rules.source)) else {
            continue;
        };
        let span = codex_schema::span::Span::new(source, 0, 0);
        let message = format!("no cohort gets the policy in `{name}`");
        let mut diagnostic = Diagnostic::new(Code::NobodySelected, message, span)
            .help("add a cohort for it in `policy.toml`, include it, or remove the folder");
        diagnostic.severity = Severity::Warning;
        found.push(diagnostic);
    }
}

#[cfg(test)]
mod tests {
    use super::common_host;
    use codex_schema::host::host_matches;

    #[test]
    fn two_patterns_meet_exactly_when_a_host_matches_both() {
        for (left, right, meet) in [
            ("pay-*", "pay-?", true),
            ("pay-*", "*-pay", true),
            ("pay-*", "ci-*", false),
            ("a", "A.", true),
            ("a?", "a", false),
            ("*a*b*", "*b*a*", true),
            ("x*", "*y", true),
            ("x", "y", false),
            ("*", "*", true),
            ("a*c", "ab", false),
        ] {
            let host = common_host(left, right);
            assert_eq!(host.is_some(), meet, "{left} {right}: {host:?}");
            if let Some(host) = host {
                assert!(
                    host_matches(left, &host) && host_matches(right, &host),
                    "{left} {right} {host}"
                );
            }
        }
    }
}
