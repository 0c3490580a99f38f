//! Sets of rules told in texts, and random ones against every command of a small alphabet.

use std::fmt::Write;

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;

use super::*;
use crate::decide::commands::CommandRules;
use crate::simplify::tests::random::{Random, setting};
use crate::sources::rules_file::{self, Limits, RulesFile};

/// Requirements and one file of rules.
struct Policy {
    requirements: Table,
    files: Vec<(SourceId, RulesFile)>,
}

impl Policy {
    fn of(requirements: &str, rules: &str) -> Self {
        let parsed = read_toml(requirements, SourceId(0));
        assert!(parsed.problems.is_empty(), "{requirements}");
        let file = rules_file::read(rules, &Limits::default())
            .unwrap_or_else(|problem| panic!("{rules}\n{problem}"));
        Self { requirements: parsed.root, files: vec![(SourceId(1), file)] }
    }

    fn side(&self) -> CommandSide<'_> {
        CommandSide::of(&self.requirements, &self.files)
    }
}

/// `git push, git|hg pull: prompt` as requirements.
fn required(lines: &[&str]) -> String {
    let mut text = String::from("rules.prefix_rules = [\n");
    for line in lines {
        let (pattern, decision) = line.split_once(": ").unwrap();
        let words: Vec<String> = pattern
            .split(' ')
            .map(|word| {
                let words: Vec<&str> = word.split('|').collect();
                match words.as_slice() {
                    [one] => format!("{{ token = {one:?} }}"),
                    more => format!("{{ any_of = {more:?} }}"),
                }
            })
            .collect();
        writeln!(text, "{{ pattern = [{}], decision = {decision:?} }},", words.join(", ")).unwrap();
    }
    if lines.is_empty() { String::new() } else { text + "]\n" }
}

fn told(from: &Policy, to: &Policy) -> String {
    let compared = compare(&from.side(), &to.side());
    let one = |word: &str, witness: &Option<CommandWitness>| {
        witness.as_ref().map_or(String::new(), |one| {
            let command = one.command.join(" ");
            format!("; {word}: {command} {}, now {}", one.before.past(), one.after.words())
        })
    };
    let looser = one("looser", &compared.looser);
    let tighter = one("tighter", &compared.tighter);
    format!("{:?}{looser}{tighter}", compared.change()).to_lowercase()
}

fn between(from: &[&str], to: &[&str]) -> String {
    told(&Policy::of(&required(from), ""), &Policy::of(&required(to), ""))
}

#[test]
fn decisions_are_compared_not_texts() {
    for (from, to, expected) in [
        (&["git push: prompt"][..], &["git push: prompt"][..], "equal"),
        (
            &["git push --force: forbidden", "git push: prompt"],
            &["git push: prompt"],
            "looser; looser: git push --force was forbidden, now asks",
        ),
        // A rule beneath a stricter one decides nothing.
        (&["git: forbidden"], &["git: forbidden", "git push: prompt"], "equal"),
        (&["a|b x: prompt"], &["a x: prompt", "b x: prompt"], "equal"),
        (&["a x: prompt", "a y: prompt"], &["a y|x: prompt"], "equal"),
        // Two rules that together cover a third.
        (&["a x|y: prompt", "a x: forbidden"], &["a y: prompt", "a x: forbidden"], "equal"),
        (
            &["rm: prompt"],
            &["rm -rf: forbidden"],
            "incomparable; looser: rm asked, now has no rule; tighter: rm -rf asked, now is forbidden",
        ),
        (&["a: prompt"], &["a: prompt-user"], "tighter; tighter: a asked, now asks a person"),
        (&[], &["a b c: prompt"], "tighter; tighter: a b c had no rule, now asks"),
        // A program with its path: by the whole path first, then by its name.
        (
            &["git: forbidden"],
            &["git: forbidden", "/opt/git: prompt"],
            "looser; looser: /opt/git was forbidden, now asks",
        ),
        (
            &["git push: forbidden"],
            &["git push: forbidden", "/opt/git pull: prompt"],
            "tighter; tighter: /opt/git pull had no rule, now asks",
        ),
        (&["git: prompt", "/opt/git: prompt"], &["git: prompt"], "equal"),
    ] {
        assert_eq!(between(from, to), expected, "{from:?} {to:?}");
    }
}

#[test]
fn rules_files_count_with_the_requirements() {
    let requirements = required(&["git push: prompt"]);
    let files = |rules: &str| Policy::of(&requirements, rules);
    let allow = "prefix_rule(['make'], decision='allow')\n";
    assert_eq!(
        told(&files(""), &files(allow)),
        "looser; looser: make had no rule, now runs outside the sandbox without asking"
    );
    // What requirements ask about stays asked about.
    assert_eq!(told(&files(""), &files("prefix_rule(['git', 'push'], decision='allow')")), "equal");
    let git = "prefix_rule(['git'], decision='forbidden')\n";
    let usual = "host_executable(name='git', paths=['/usr/bin/git'])\n";
    assert_eq!(
        told(&files(git), &files(&format!("{git}{usual}"))),
        "looser; looser: /other/git was forbidden, now has no rule"
    );
    let two = "host_executable(name='git', paths=['/usr/bin/git', '/bin/git'])\n";
    assert_eq!(
        told(&files(&format!("{git}{usual}")), &files(&format!("{git}{two}"))),
        "tighter; tighter: /bin/git had no rule, now is forbidden"
    );
}

#[test]
fn what_is_too_large_is_said_to_be_so() {
    // Every subset of the rules is a state of its own.
    let many = |last: &str| {
        let mut lines: Vec<String> = Vec::new();
        for at in 0..16 {
            let mut words: Vec<String> = vec!["a|b".to_owned(); 16];
            words[at] = "a".to_owned();
            lines.push(format!("{} x{at}{last}: prompt", words.join(" ")));
        }
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        Policy::of(&required(&lines), "")
    };
    let (from, to) = (many(""), many("y"));
    let compared = walk::compare(&from.side(), &to.side(), 10_000);
    assert_eq!(compared.extent, Extent::TooLarge);
    assert_eq!(compared.change(), codex_schema::strictness::Change::Incomparable);
    // Equal ones are equal, however large.
    assert_eq!(walk::compare(&from.side(), &many("").side(), 10_000), Compared::EQUAL);
}

const PROGRAMS: [&str; 6] = ["git", "rm", "/bin/git", "/opt/rm", "/bin/rm", "x/git"];
const WORDS: [&str; 3] = ["a", "b", "c"];

fn random_requirements(random: &mut Random) -> String {
    let mut lines: Vec<String> = Vec::new();
    for _ in 0..random.below(5) {
        let mut pattern = vec![random.pick(&PROGRAMS).to_owned()];
        if random.one_in(4) {
            pattern[0] = format!("{}|{}", pattern[0], random.pick(&PROGRAMS));
        }
        for _ in 0..random.below(3) {
            let mut word = random.pick(&WORDS).to_owned();
            if random.one_in(3) {
                word = format!("{word}|{}", random.pick(&WORDS));
            }
            pattern.push(word);
        }
        let decision = random.pick(&["prompt", "prompt-user", "forbidden"]);
        lines.push(format!("{}: {decision}", pattern.join(" ")));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    required(&lines)
}

fn random_rules(random: &mut Random) -> String {
    let mut text = String::new();
    for _ in 0..random.below(4) {
        let mut pattern = vec![random.pick(&PROGRAMS)];
        for _ in 0..random.below(3) {
            pattern.push(random.pick(&WORDS));
        }
        let decision = random.pick(&["allow", "prompt", "forbidden"]);
        writeln!(text, "prefix_rule({pattern:?}, decision={decision:?})").unwrap();
    }
    for name in ["git", "rm"] {
        if random.one_in(4) {
            let paths = ["/bin", "/opt"].map(|folder| format!("{folder}/{name}"));
            let paths = &paths[..random.below(3)];
            writeln!(text, "host_executable(name={name:?}, paths={paths:?})").unwrap();
        }
    }
    text
}

/// Every command of up to three words, and programs that no rule names.
fn all_commands() -> Vec<Vec<&'static str>> {
    let more = ["/any/git", "/any/rm", "/./opt/git", "/./bin/rm", "x/rm", "/opt/git", "other"];
    let words = [WORDS.as_slice(), &["other"]].concat();
    let mut all = Vec::new();
    for program in PROGRAMS.into_iter().chain(more) {
        all.push(vec![program]);
        for one in &words {
            all.push(vec![program, one]);
            all.extend(words.iter().map(|two| vec![program, *one, *two]));
        }
    }
    all
}

/// A policy that is often nearly the same as another one.
fn pair(random: &mut Random) -> (Policy, Policy) {
    let (requirements, rules) = (random_requirements(random), random_rules(random));
    let without_a_line = |random: &mut Random, text: &str| {
        let gone = random.below(text.lines().count().max(1));
        let kept = text.lines().enumerate().filter(|(at, line)| *at != gone || !line.contains('p'));
        kept.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    let rules_after = match random.below(3) {
        0 => rules.clone(),
        1 => without_a_line(random, &rules),
        _ => random_rules(random),
    };
    let requirements_after =
        if random.one_in(2) { requirements.clone() } else { random_requirements(random) };
    (Policy::of(&requirements, &rules), Policy::of(&requirements_after, &rules_after))
}

#[test]
fn random_pairs_are_compared_exactly() {
    let first = setting("PLAN_SEED", 1);
    let commands = all_commands();
    for seed in first..first + setting("PLAN_PAIRS", 300) {
        let mut random = Random::new(seed);
        let (from, to) = pair(&mut random);
        let (from, to) = (from.side(), to.side());
        let compared = compare(&from, &to);
        let back = compare(&to, &from);
        assert_eq!(compared.extent, Extent::Whole, "seed {seed}");
        let shape = |one: &Compared<CommandWitness>| (one.tighter.is_some(), one.looser.is_some());
        let (tighter, looser) = shape(&compared);
        assert_eq!(shape(&back), (looser, tighter), "seed {seed}");
        // Each witness is real.
        for (witness, expected) in [
            (&compared.tighter, std::cmp::Ordering::Less),
            (&compared.looser, std::cmp::Ordering::Greater),
        ] {
            let Some(witness) = witness else { continue };
            let words: Vec<&str> = witness.command.iter().map(String::as_str).collect();
            let (before, after) = (from.decide(&words).0, to.decide(&words).0);
            assert_eq!((before, after), (witness.before, witness.after), "seed {seed} {words:?}");
            assert_eq!(before.cmp(&after), expected, "seed {seed} {words:?}");
        }
        // And nothing is missed.
        for command in &commands {
            let (before, after) = (from.decide(command).0, to.decide(command).0);
            assert!(before >= after || tighter, "seed {seed} {command:?} {before:?} {after:?}");
            assert!(before <= after || looser, "seed {seed} {command:?} {before:?} {after:?}");
        }
        // Of several shortest ones no command of the alphabet is shorter.
        let shortest =
            commands.iter().find(|command| from.decide(command).0 < to.decide(command).0);
        if let (Some(witness), Some(_)) = (&compared.tighter, shortest) {
            let shorter = |command: &&Vec<&str>| command.len() < witness.command.len();
            let mut shorter = commands.iter().filter(shorter);
            assert!(shorter.all(|command| from.decide(command).0 >= to.decide(command).0));
        }
    }
}

/// The decision used here against the two engines that are held against Codex.
#[test]
fn decisions_are_those_of_the_engines() {
    let commands = all_commands();
    for seed in 1..=setting("PLAN_PAIRS", 300) {
        let mut random = Random::new(seed);
        let required = Policy::of(&random_requirements(&mut random), "");
        let engine = CommandRules::of(&required.requirements);
        let of_files = Policy::of("", &random_rules(&mut random));
        let files: Vec<RulesFile> = of_files.files.iter().map(|(_, file)| file.clone()).collect();
        for command in &commands {
            let own = required.side().decide(command).0;
            let other = engine.decide(command).decision().map(|one| format!("{one:?}"));
            let other = other.unwrap_or_else(|| "NoRule".to_owned());
            assert_eq!(format!("{own:?}"), other, "seed {seed} {command:?}");
            let own = of_files.side().decide(command).0;
            let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
            let other = rules_file::evaluate(&files, &words, true).decision;
            let other = other.map_or("NoRule".to_owned(), |one| format!("{one:?}"));
            assert_eq!(format!("{own:?}"), other, "seed {seed} {command:?}");
        }
    }
}
