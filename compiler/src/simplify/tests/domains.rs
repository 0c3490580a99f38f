//! Domains.

use super::*;
use crate::decide::domains::DomainVerdict;

const LABELS: [&str; 4] = ["a", "b", "ab", "127"];

fn random_name(random: &mut Random) -> String {
    let label = |random: &mut Random| match random.below(12) {
        0 => format!("{}*", random.pick(&LABELS)),
        1 => format!("*{}", random.pick(&LABELS)),
        2 => format!("?{}", random.pick(&LABELS)),
        3 => "*".to_owned(),
        _ => random.pick(&LABELS).to_owned(),
    };
    match random.below(12) {
        0 => "127.0.0.1".to_owned(),
        1 => "localhost".to_owned(),
        2 => "local*".to_owned(),
        _ => (0..=random.below(3)).map(|_| label(random)).collect::<Vec<_>>().join("."),
    }
}

fn random_pattern(random: &mut Random) -> String {
    let prefix = random.pick(&["", "", "*.", "**."]);
    let name = random_name(random);
    let name = if random.one_in(8) { name.to_uppercase() } else { name };
    format!("{prefix}{name}{}", random.pick(&["", "", "", "", ".", ":80"]))
}

/// Entries as pattern and rule; patterns that Codex refuses may be among them.
fn random_entries(random: &mut Random) -> Vec<(String, &'static str)> {
    let rules = ["allow", "allow", "deny", "review"];
    let mut entries: Vec<(String, &str)> =
        (0..=random.below(16)).map(|_| (random_pattern(random), random.pick(&rules))).collect();
    if random.one_in(10) {
        entries.push(("*".to_owned(), "review"));
    }
    entries
}

/// The policy: as a map and a list, or in the older spelling with repetitions.
fn written(random: &mut Random, entries: &[(String, &str)], flags: &str) -> String {
    let of = |rule: &str| -> Vec<&String> {
        entries.iter().filter(|(_, of)| *of == rule).map(|(pattern, _)| pattern).collect()
    };
    let section = random.pick(&["experimental_network", "permissions.network"]);
    let mut text = format!("[{section}]\n{flags}review_domains = {:?}\n", of("review"));
    if random.one_in(3) {
        text +=
            &format!("allowed_domains = {:?}\ndenied_domains = {:?}\n", of("allow"), of("deny"));
        return text;
    }
    text += &format!("[{section}.domains]\n");
    let mut seen = std::collections::BTreeSet::new();
    for (pattern, rule) in entries.iter().filter(|(_, rule)| *rule != "review") {
        if seen.insert(pattern) {
            text += &format!("{pattern:?} = '{rule}'\n");
        }
    }
    text
}

fn random_flags(random: &mut Random) -> String {
    let mut text = String::from("enabled = true\n");
    for flag in ["managed_allowed_domains_only", "allow_local_binding"] {
        if random.one_in(3) {
            text += &format!("{flag} = true\n");
        }
    }
    text
}

/// Half of the hosts are made from a pattern.
fn random_host(random: &mut Random, entries: &[(String, &str)]) -> String {
    if random.one_in(2) {
        return random_name(random).replace(['*', '?'], random.pick(&["a", "b", "a.b", "z"]));
    }
    let (pattern, _) = random.choose(entries);
    let mut host = String::new();
    for letter in pattern.trim_end_matches(":80").chars() {
        match letter {
            '*' => host += random.pick(&["", "a", "b.a", "z"]),
            '?' => host += random.pick(&["a", "b", "."]),
            other => host.push(other),
        }
    }
    host.trim_start_matches('.').to_owned()
}

#[test]
fn simplified_domains_decide_the_same() {
    let (mut removed, mut verdicts) = (0, std::collections::BTreeMap::new());
    for seed in policies() {
        let mut random = Random::new(seed);
        let entries = random_entries(&mut random);
        let flags = random_flags(&mut random);
        let text = written(&mut random, &entries, &flags);
        let whole = table(&text);
        let before = NetworkPolicy::of(&whole);
        let done = simplified(&text, Reasons::Keep);
        removed += done.removed.len();
        let after = NetworkPolicy::of(&done.requirements);
        for _ in 0..probes() {
            let host = random_host(&mut random, &entries);
            let answer = before.decide(&host);
            assert_eq!(after.decide(&host).verdict, answer.verdict, "seed {seed}: {host}\n{text}");
            let plainly = before
                .entries()
                .iter()
                .filter(|entry| entry.pattern.matches(&crate::decide::domains::normal_host(&host)));
            assert_eq!(answer.matches.len(), plainly.count(), "seed {seed}: {host}\n{text}");
            *verdicts.entry(format!("{:?}", answer.verdict)).or_insert(0) += 1;
        }
        let empty = |network: &NetworkPolicy<'_>| {
            let mut rules: Vec<_> = network.entries().iter().map(|entry| entry.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            rules
        };
        assert_eq!(empty(&before), empty(&after), "a list became empty, seed {seed}\n{text}");
        let again = simplify(done.requirements.clone(), Reasons::Keep);
        assert_eq!(again.removed, [], "seed {seed}\n{text}");
        assert_eq!(again.requirements, done.requirements);
    }
    assert!(removed > 300, "the policies overlap too little: {removed}");
    assert_eq!(verdicts.len(), 6, "{verdicts:?}");
}

/// What stays depends on what was written, not on the order in which it was.
#[test]
fn the_order_of_domains_does_not_matter() {
    for seed in policies() {
        let mut random = Random::new(seed);
        let mut entries = random_entries(&mut random);
        let mut known = std::collections::BTreeSet::new();
        entries.retain(|(pattern, _)| known.insert(pattern.clone()));
        let flags = random_flags(&mut random);
        let spelling = random.next();
        let mut stays = Vec::new();
        for _ in 0..3 {
            let text = written(&mut Random::new(spelling), &entries, &flags);
            let done = simplified(&text, Reasons::Keep);
            let mut texts: Vec<(String, String)> = NetworkPolicy::of(&done.requirements)
                .entries()
                .iter()
                .map(|entry| (entry.text.to_owned(), format!("{:?}", entry.rule)))
                .collect();
            texts.sort();
            stays.push(texts);
            for at in (1..entries.len()).rev() {
                entries.swap(at, random.below(at + 1));
            }
        }
        assert_eq!(stays[0], stays[1], "seed {seed}");
        assert_eq!(stays[0], stays[2], "seed {seed}");
    }
}

#[test]
fn the_reasons_name_what_covers_a_domain() {
    let text = "[experimental_network]\nenabled = true\nreview_domains = ['r.x', '*.r.x']\n\
        [experimental_network.domains]\n\
        'a.x' = 'allow'\n'*.x' = 'allow'\n'x' = 'allow'\n'b.y' = 'allow'\n'**.y' = 'deny'\n\
        '**.r.x' = 'allow'\n'A.X.' = 'allow'\n'127.0.0.1' = 'allow'\n'127.*' = 'allow'\n\
        'mid*.x' = 'allow'\n'*.c.y' = 'deny'\n";
    let done = simplified(text, Reasons::Keep);
    let expected = ["'a.x'", "'b.y'", "'**.r.x'", "'A.X.'", "'mid*.x'", "'*.c.y'"];
    assert_eq!(texts(text, &done.removed), expected);
    let by: Vec<String> = done
        .removed
        .iter()
        .map(|removed| match &removed.reason {
            Reason::Duplicate { of } => {
                format!("= {}", text[of.start as usize..of.end as usize].to_owned())
            }
            Reason::Shadowed { by } => by
                .iter()
                .map(|span| &text[span.start as usize..span.end as usize])
                .collect::<Vec<_>>()
                .join(" "),
        })
        .collect();
    assert_eq!(by, ["'*.x'", "'**.y'", "'*.x'", "'*.x'", "'*.x'", "'**.y'"]);
    assert_eq!(NetworkPolicy::of(&table(text)).decide("B.y.:443").verdict, DomainVerdict::Denied);
}

/// Many wildcards inside names below the same labels: not compared, and quick.
#[test]
fn crowds_of_wildcards_take_no_square_of_time() {
    let mut text = "[experimental_network.domains]\n".to_owned();
    for number in 0..5000 {
        text += &format!("'a{number}*.x' = 'allow'\n'a{number}.x' = 'allow'\n");
    }
    assert_eq!(simplified(&text, Reasons::Keep).removed, []);
    let done = simplified(&(text + "'**.x' = 'deny'\n"), Reasons::Keep);
    assert_eq!(done.removed.len(), 9999);
}
