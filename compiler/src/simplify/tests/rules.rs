//! Prefix rules.

use super::*;
use crate::decide::commands::Decision;

const WORDS: [&str; 5] = ["a", "b", "c", "d", "/bin/a"];

/// Those that are no paths: a rule on a path may be superfluous because of one on a name, which is
/// more than the simplification promises to see.
const PLAIN_WORDS: &[&str] = WORDS.split_at(4).0;

/// A rule as data, to be decided by the plainest code there is.
#[derive(Debug)]
struct Plain {
    pattern: Vec<Vec<&'static str>>,
    decision: Decision,
    reason: Option<usize>,
}

fn random_rules(random: &mut Random, words: &[&'static str]) -> Vec<Plain> {
    let word = |random: &mut Random| -> Vec<&'static str> {
        let count = if random.one_in(2) { 1 } else { 1 + random.below(4) };
        (0..count).map(|_| random.pick(words)).collect()
    };
    let rule = |random: &mut Random| Plain {
        pattern: (0..=random.below(4)).map(|_| word(random)).collect(),
        decision: random.pick(&[Decision::Prompt, Decision::PromptUser, Decision::Forbidden]),
        reason: (!random.one_in(3)).then(|| random.below(3)),
    };
    (0..=random.below(14)).map(|_| rule(random)).collect()
}

fn written(rules: &[Plain]) -> String {
    let mut text = String::from("[rules]\nprefix_rules = [\n");
    for rule in rules {
        let words: Vec<String> = rule
            .pattern
            .iter()
            .map(|word| match word.as_slice() {
                [only] => format!("{{token = '{only}'}}"),
                many => format!("{{any_of = {many:?}}}"),
            })
            .collect();
        let decision = serde_json::to_string(&rule.decision).unwrap();
        let reason =
            rule.reason.map_or(String::new(), |reason| format!(", justification = 'r{reason}'"));
        text +=
            &format!("  {{pattern = [{}], decision = {decision}{reason}}},\n", words.join(", "));
    }
    text + "]\n"
}

/// Half of the commands follow a rule for a while.
fn random_command(random: &mut Random, rules: &[Plain]) -> Vec<&'static str> {
    let mut command: Vec<&'static str> = Vec::new();
    if random.one_in(2) {
        for word in &random.choose(rules).pattern {
            command.push(random.pick(word));
        }
    }
    while command.is_empty() || !random.one_in(2) {
        command.push(random.pick(&WORDS));
    }
    if random.one_in(4) {
        let at = random.below(command.len());
        command[at] = random.pick(&WORDS);
    }
    command
}

/// What the rules say, one after the other: the decision and the reason shown.
fn plainly(rules: &[Plain], command: &[&str]) -> Option<(Decision, Option<usize>)> {
    let matching = |command: &[&str]| {
        let matches = |rule: &&Plain| {
            rule.pattern.len() <= command.len()
                && rule.pattern.iter().zip(command).all(|(word, text)| word.contains(text))
        };
        let strongest =
            rules.iter().filter(matches).max_by_key(|rule| (rule.decision, rule.pattern.len()));
        strongest.map(|rule| (rule.decision, rule.reason))
    };
    matching(command).or_else(|| {
        let mut named = command.to_vec();
        named[0] = named[0].rsplit_once('/')?.1;
        matching(&named)
    })
}

fn answered(rules: &CommandRules<'_>, command: &[&str]) -> Option<(Decision, Option<usize>)> {
    let answer = rules.decide(command);
    let shown = answer.shown()?;
    assert_eq!(answer.decision(), Some(shown.decision));
    Some((shown.decision, shown.justification.map(|reason| reason[1..].parse().unwrap())))
}

#[test]
fn simplified_rules_decide_the_same() {
    let mut removed = 0;
    for seed in policies() {
        let mut random = Random::new(seed);
        let rules = random_rules(&mut random, &WORDS);
        let text = written(&rules);
        let whole = table(&text);
        let before = CommandRules::of(&whole);
        let kept = simplified(&text, Reasons::Keep);
        let changed = simplified(&text, Reasons::MayChange);
        removed += changed.removed.len();
        let views = [&kept, &changed].map(|done| CommandRules::of(&done.requirements));
        for _ in 0..probes() {
            let command = random_command(&mut random, &rules);
            let expected = plainly(&rules, &command);
            let context = || format!("seed {seed}: {command:?}\n{text}");
            assert_eq!(answered(&before, &command), expected, "{}", context());
            assert_eq!(answered(&views[0], &command), expected, "{}", context());
            let decision = answered(&views[1], &command).map(|(decision, _)| decision);
            assert_eq!(decision, expected.map(|(decision, _)| decision), "{}", context());
        }
        for (done, reasons) in [(kept, Reasons::Keep), (changed, Reasons::MayChange)] {
            let again = simplify(done.requirements.clone(), reasons);
            assert_eq!(again.removed, [], "seed {seed}: {reasons:?}\n{text}");
            assert_eq!(again.requirements, done.requirements);
        }
    }
    assert!(removed > 300, "the policies overlap too little: {removed}");
}

/// Nothing is left that could go: every rule that stays decides some command alone.
#[test]
fn nothing_superfluous_stays() {
    for seed in policies().take(300) {
        let mut random = Random::new(seed);
        let rules = random_rules(&mut random, PLAIN_WORDS);
        let done = simplified(&written(&rules), Reasons::MayChange);
        let whole = CommandRules::of(&done.requirements);
        for rule in whole.rules() {
            let mut less = done.requirements.clone();
            super::super::remove_elements(&mut less, &["rules", "prefix_rules"], &[rule.position]);
            let less = CommandRules::of(&less);
            let commands = sequences(rule.word_count());
            let differs = |command: &Vec<&str>| {
                less.decide(command).decision() != whole.decide(command).decision()
            };
            assert!(commands.iter().any(differs), "seed {seed}: {:?}", rule.span);
        }
    }
}

fn sequences(length: usize) -> Vec<Vec<&'static str>> {
    let mut all = vec![Vec::new()];
    for _ in 0..length {
        let grown = |command: &Vec<&'static str>| {
            WORDS.iter().map(|word| [command.as_slice(), &[*word]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(grown).collect();
    }
    all
}

#[test]
fn reasons_decide_which_rules_may_go() {
    let text = "[rules]\nprefix_rules = [\n\
        {pattern=[{token='git'}],decision='prompt',justification='ask'},\n\
        {pattern=[{token='git'},{token='push'}],decision='prompt',justification='ask first'},\n\
        {pattern=[{token='rm'},{any_of=['-r','-f','-f','-i']}],decision='prompt'},\n\
        {pattern=[{token='rm'},{any_of=['-r','-f']}],decision='forbidden'},\n\
        {pattern=[{token='git'}],decision='prompt',justification='ask'},\n]\n";
    let kept = simplified(text, Reasons::Keep);
    let rules: Vec<&str> = text.lines().skip(2).map(|line| line.trim_end_matches(',')).collect();
    assert_eq!(texts(text, &kept.removed), [rules[0], "'-r'", "'-f'", "'-f'"]);
    let reason = |at: usize| &kept.removed[at].reason;
    assert!(matches!(reason(0), Reason::Duplicate { of } if of.start > kept.removed[1].span.start));
    let changed = simplified(text, Reasons::MayChange);
    assert_eq!(texts(text, &changed.removed), [rules[0], rules[1], "'-r'", "'-f'", "'-f'"]);
}

/// Patterns whose sequences could not be written out.
#[test]
fn wide_patterns_are_compared_without_writing_them_out() {
    let words: Vec<String> = (0..200).map(|number| format!("w{number}")).collect();
    let wide = format!("{{any_of={words:?}}}");
    let long = vec![wide.as_str(); 40].join(",");
    let text = format!(
        "[rules]\nprefix_rules = [{{pattern=[{long}],decision='prompt'}},\
         {{pattern=[{long}],decision='prompt'}},{{pattern=[{long},{wide}],decision='prompt'}}]\n"
    );
    let done = simplified(&text, Reasons::MayChange);
    assert_eq!(done.removed.len(), 2);
    assert!(matches!(done.removed[0].reason, Reason::Duplicate { .. }));
    let endless = vec!["{token='a'}"; 3000].join(",");
    let text = format!(
        "[rules]\nprefix_rules = [{{pattern=[{endless}],decision='prompt'}},\
         {{pattern=[{endless}],decision='prompt'}}]\n"
    );
    assert_eq!(simplified(&text, Reasons::Keep).removed, []);
}
