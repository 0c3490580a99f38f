//! Networks told in texts, and random ones against every host of a small alphabet.

use std::fmt::Write;

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;

use super::*;
use crate::simplify::tests::random::{Random, setting};

fn table(text: &str) -> Table {
    let parsed = read_toml(text, SourceId(0));
    assert!(parsed.problems.is_empty(), "{text}");
    parsed.root
}

/// `allow a.b, deny *.c, review d, only, local` as a network that is enabled.
fn network(words: &str) -> Table {
    let mut text = String::from("[experimental_network]\nenabled = true\n");
    let (mut entries, mut reviews) = (String::new(), Vec::new());
    for word in words.split(", ").filter(|word| !word.is_empty()) {
        match word.split_once(' ') {
            Some(("review", pattern)) => reviews.push(pattern),
            Some((rule, pattern)) => writeln!(entries, "{pattern:?} = {rule:?}").unwrap(),
            None if word == "only" => text.push_str("managed_allowed_domains_only = true\n"),
            None if word == "local" => text.push_str("allow_local_binding = true\n"),
            None => panic!("{word}"),
        }
    }
    writeln!(text, "review_domains = {reviews:?}\n[experimental_network.domains]").unwrap();
    table(&(text + &entries))
}

fn told(from: &Table, to: &Table) -> String {
    let compared = compare(&NetworkPolicy::of(from), &NetworkPolicy::of(to));
    let one = |word: &str, witness: &Option<DomainWitness>| {
        witness.as_ref().map_or(String::new(), |one| {
            format!("; {word}: {} {}, now {}", one.host, past(one.before), words(one.after))
        })
    };
    let looser = one("looser", &compared.looser);
    let tighter = one("tighter", &compared.tighter);
    format!("{:?}{looser}{tighter}", compared.change()).to_lowercase()
}

#[test]
fn answers_are_compared_not_texts() {
    for (from, to, expected) in [
        ("allow a.x", "allow A.X.", "equal"),
        ("", "allow a.x", "looser; looser: a.x was asked about, now is allowed"),
        ("deny **.x", "deny **.x, allow a.x", "equal"),
        ("allow **.x", "allow x, allow *.x", "equal"),
        ("allow **.x", "allow *.x", "tighter; tighter: x was allowed, now is asked about"),
        ("review a.x", "", "equal"),
        ("only, review a.x", "only", "equal"),
        ("only", "", "looser; looser: other.example was refused: not allowed, now is asked about"),
        (
            "allow *.x, deny a.x",
            "allow *.x, deny b.x",
            "incomparable; looser: a.x was denied, now is allowed; tighter: b.x was allowed, now is denied",
        ),
        // Patterns in the middle of a name.
        ("deny a*.x", "deny a*.x, deny ab.x", "equal"),
        (
            "deny a?.x, deny a.x",
            "deny a*.x",
            "tighter; tighter: axx.x was asked about, now is denied",
        ),
        ("deny *.x, deny a*.x", "deny *.x", "equal"),
        (
            "deny a*.x",
            "deny **.x, allow ab.x",
            "tighter; tighter: x was asked about, now is denied",
        ),
        ("deny ?.x, deny a.x", "deny ?.x", "equal"),
        // Local addresses are refused unless this very one is listed.
        ("", "allow 10.*", "looser; looser: 10.x was asked about, now is allowed"),
        ("deny 10.*", "deny 10.*, allow 10.0.0.1", "equal"),
        (
            "",
            "allow 10.0.0.1",
            "looser; looser: 10.0.0.1 was refused as a local address, now is allowed",
        ),
        (
            "allow 10.0.0.1",
            "allow 10.0.0.1, local",
            "looser; looser: localhost was refused as a local address, now is asked about",
        ),
        ("only", "only, local", "equal"),
        (
            "allow 8.8.8.8",
            "allow 8.8.8.?",
            "looser; looser: 8.8.8.x was asked about, now is allowed",
        ),
        (
            "review *",
            "review *, only",
            "tighter; tighter: x was reviewed, now is refused: not allowed",
        ),
        ("allow [::1]", "", "tighter; tighter: ::1 was allowed, now is refused as a local address"),
    ] {
        assert_eq!(told(&network(from), &network(to)), expected, "{from} | {to}");
    }
}

#[test]
fn without_a_proxy_nothing_is_refused() {
    let off = table("experimental_network.domains.'a.x' = 'deny'\n");
    let on = network("deny a.x");
    assert_eq!(
        told(&on, &off),
        "looser; looser: other.example was asked about, now is beyond the policy: no managed network"
    );
    assert_eq!(told(&off, &table("")), "equal");
    assert!(told(&off, &on).starts_with("tighter; "));
}

const LABELS: [&str; 9] = ["a", "b", "ab", "a*", "*b", "?", "*", "a?", "ba"];
const NUMBERS: [&str; 7] = ["1", "10", "127", "?", "*", "1*", "8"];

fn random_pattern(random: &mut Random) -> String {
    let labels: &[&str] = if random.one_in(5) { &NUMBERS } else { &LABELS };
    let count = if labels.len() == NUMBERS.len() { 4 } else { 1 + random.below(3) };
    let labels: Vec<&str> = (0..count).map(|_| random.pick(labels)).collect();
    let prefix = random.pick(&["", "", "*.", "**."]);
    let name = labels.join(".");
    if name == "*" && prefix.is_empty() { "a".to_owned() } else { format!("{prefix}{name}") }
}

fn random_words(random: &mut Random) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for _ in 0..random.below(6) {
        let pattern = random_pattern(random);
        if words.iter().all(|word: &String| !word.ends_with(&format!(" {pattern}"))) {
            words.push(format!("{} {pattern}", random.pick(&["allow", "allow", "deny", "review"])));
        }
    }
    for flag in ["only", "local"] {
        if random.one_in(4) {
            words.push(flag.to_owned());
        }
    }
    words
}

/// Every host of up to three labels of up to two letters, and some addresses.
fn all_hosts() -> Vec<String> {
    let letters = ["a", "b", "y"];
    let mut labels: Vec<String> = letters.map(str::to_owned).to_vec();
    labels.extend(letters.iter().flat_map(|one| letters.map(|two| format!("{one}{two}"))));
    let mut all = labels.clone();
    let mut last = labels.clone();
    for _ in 0..2 {
        last = last
            .iter()
            .flat_map(|tail| labels.iter().map(move |label| format!("{label}.{tail}")))
            .collect();
        all.extend(last.clone());
    }
    let numbers = ["1", "8", "10", "127"];
    for one in numbers {
        for two in numbers {
            for three in numbers {
                all.extend(numbers.map(|four| format!("{one}.{two}.{three}.{four}")));
            }
        }
    }
    for first in ["", "a", "ab", "1", "ba:b", "fd00", "fe80", "fec0", "fe8", "::"] {
        all.extend(["", "1", "a", "b:a", "ab"].map(|last| format!("{first}::{last}")));
    }
    all.push("localhost".to_owned());
    all.retain(|host| !host.contains(':') || host.parse::<std::net::IpAddr>().is_ok());
    all
}

#[test]
fn random_pairs_are_compared_exactly() {
    let first = setting("PLAN_SEED", 1);
    let hosts = all_hosts();
    let (pairs, mut undecided) = (setting("PLAN_PAIRS", 300), 0);
    for seed in first..first + pairs {
        let mut random = Random::new(seed);
        let old = random_words(&mut random);
        let mut new = if random.one_in(3) { random_words(&mut random) } else { old.clone() };
        if !new.is_empty() && random.one_in(2) {
            new.remove(random.below(new.len()));
        }
        if random.one_in(2) {
            let pattern = random_pattern(&mut random);
            if new.iter().all(|word| !word.ends_with(&format!(" {pattern}"))) {
                new.push(format!("{} {pattern}", random.pick(&["allow", "deny", "review"])));
            }
        }
        let context = format!("seed {seed}: {old:?} {new:?}");
        let (old, new) = (network(&old.join(", ")), network(&new.join(", ")));
        let (from, to) = (NetworkPolicy::of(&old), NetworkPolicy::of(&new));
        let compared = compare(&from, &to);
        let back = compare(&to, &from);
        assert_eq!(compared.extent, back.extent, "{context}");
        let shape = |one: &Compared<DomainWitness>| (one.tighter.is_some(), one.looser.is_some());
        let (tighter, looser) = shape(&compared);
        assert_eq!(shape(&back), (looser, tighter), "{context}");
        for (witness, expected) in [
            (&compared.tighter, std::cmp::Ordering::Less),
            (&compared.looser, std::cmp::Ordering::Greater),
        ] {
            let Some(one) = witness else { continue };
            let verdicts = (from.decide(&one.host).verdict, to.decide(&one.host).verdict);
            assert_eq!(verdicts, (one.before, one.after), "{context} {}", one.host);
            assert_eq!(Reach::of(one.before).cmp(&Reach::of(one.after)), expected, "{context}");
        }
        assert_ne!(compared.extent, Extent::TooLarge, "{context}");
        if compared.extent == Extent::Addresses {
            undecided += 1;
            continue;
        }
        for host in &hosts {
            let [before, after] = [&from, &to].map(|side| Reach::of(side.decide(host).verdict));
            assert!(before >= after || tighter, "{context} {host} {before:?} {after:?}");
            assert!(before <= after || looser, "{context} {host} {before:?} {after:?}");
        }
    }
    // What may be an address of version 4 in disguise: few even where `*` is everywhere.
    assert!(undecided * 50 <= pairs, "{undecided} of {pairs} undecided");
}
