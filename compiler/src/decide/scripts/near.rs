//! Rules that nearly matched, and spellings that a rule does not cover.

use codex_schema::types::rule::Decision;

use super::judge::{Judged, Judgement, judge};
use super::say::{entries, line};
use super::session::Surroundings;
use crate::decide::answer::{Answer, NearMiss, Verdict};
use crate::decide::commands::policy::{CommandPolicy, RuleSaid};
use crate::decide::shell::{Budget, ShellReading, read, script_of};

/// Near misses that are shown.
const SHOWN: usize = 5;

/// Commands of a script that are compared with every rule.
const COMPARED: usize = 50;

/// Words that may stand before a command inside another one.
const WRAPPER_WORDS: usize = 8;

/// Programs that run the command that follows.
const WRAPPERS: &[&str] = &[
    "builtin", "busybox", "chroot", "command", "doas", "env", "eval", "exec", "ionice", "nice",
    "nohup", "setsid", "stdbuf", "strace", "sudo", "time", "timeout", "watch", "xargs",
];

/// The rules that nearly matched, nearest first.
pub(super) fn misses(judgement: &Judgement, policy: &CommandPolicy<'_>) -> Vec<NearMiss> {
    let matched = entries(judgement);
    let mut found: Vec<NearMiss> = Vec::new();
    let mut offer = |rule: &RuleSaid, differs: String| {
        let known = matched.contains(&rule.entry);
        if !known && !found.iter().any(|one| one.entry == rule.entry) {
            found.push(NearMiss { entry: rule.entry.clone(), differs });
        }
    };
    for part in judgement.parts.iter().take(COMPARED) {
        if judgement.opaque.is_none() {
            wrapped(part, policy, &mut offer);
        }
        elsewhere(part, policy, &mut offer);
    }
    if let (Some(reason), Some(script)) = (&judgement.opaque, &judgement.script) {
        for command in script.literal.iter().rev().take(COMPARED) {
            for rule in policy.would_match(command) {
                let words = line(&rule.covered);
                offer(&rule, format!("would match `{words}` if the script were plain: {reason}"));
            }
        }
    }
    for (rule, differs) in by_words(judgement, policy) {
        offer(&rule, differs);
    }
    found.truncate(SHOWN);
    found
}

/// Rules that match what a wrapper runs.
fn wrapped(part: &Judged, policy: &CommandPolicy<'_>, offer: &mut impl FnMut(&RuleSaid, String)) {
    if let Some(script) = script_of(&part.words) {
        let shell = part.words.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
        let inner = read(script, ShellReading::Literal, &mut Budget::default());
        for command in inner.literal.iter().rev().take(COMPARED) {
            for rule in policy.would_match(command) {
                offer(&rule, format!("would match without `{shell}` around it"));
            }
        }
        return;
    }
    let program = part.words.first().and_then(|program| program.rsplit('/').next());
    if !program.is_some_and(|program| WRAPPERS.contains(&program)) {
        return;
    }
    for at in 1..part.words.len().min(WRAPPER_WORDS) {
        let (before, inner) = part.words.split_at(at);
        let rules = policy.would_match(inner);
        for rule in &rules {
            offer(rule, format!("would match without `{}` before it", before.join(" ")));
        }
        if !rules.is_empty() {
            return;
        }
    }
}

/// Rules on a program's name that do not count for its folder, and permissions that are ignored.
fn elsewhere(part: &Judged, policy: &CommandPolicy<'_>, offer: &mut impl FnMut(&RuleSaid, String)) {
    let Some(program) = part.words.first() else { return };
    let elsewhere = policy.elsewhere(program);
    for rule in policy.would_match(&part.words) {
        let ignored = policy.ignoring.as_ref().filter(|_| rule.decision == Decision::Allow);
        let differs = match (&elsewhere, ignored) {
            (Some(name), _) => format!(
                "`{program}` is not among the paths that `host_executable` lists for `{name}`"
            ),
            (None, Some(model)) => {
                format!("does not count for the model `{model}`: `auto_review.ignore_rules`")
            }
            (None, None) => {
                format!("another rule names the program as it is written, `{program}`")
            }
        };
        offer(&rule, differs);
    }
}

/// Rules that begin like a command and then differ, nearest first.
fn by_words(judgement: &Judgement, policy: &CommandPolicy<'_>) -> Vec<(RuleSaid, String)> {
    let mut found = Vec::new();
    for rule in policy.all() {
        let parts = judgement.parts.iter().take(COMPARED);
        let best = parts.filter_map(|part| differing(&rule, &part.words)).max_by_key(|one| one.0);
        if let Some((common, differs)) = best {
            found.push((common, rule, differs));
        }
    }
    found.sort_by_key(|(common, rule, _)| std::cmp::Reverse((*common, rule.decision)));
    found.into_iter().map(|(_, rule, differs)| (rule, differs)).collect()
}

/// How many words agree, and how the next one differs; nothing where the programs differ already
/// or the rule matches.
fn differing(rule: &RuleSaid, command: &[String]) -> Option<(usize, String)> {
    let (program, arguments) = command.split_first()?;
    let (first, rest) = rule.pattern.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if !first.iter().any(|word| word == program || word == name) {
        return None;
    }
    let common =
        rest.iter().zip(arguments).take_while(|(place, word)| place.contains(word)).count();
    let place = rest.get(common)?;
    let wanted = place.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
    let number = common + 2;
    let differs = match arguments.get(common) {
        Some(word) => format!("differs in word {number}: `{word}` is not {wanted}"),
        None => format!("ends before word {number}, {wanted}"),
    };
    Some((common + 1, differs))
}

/// Adds which other spellings of a command the rule that stops it would let through: each of them
/// is judged like the command itself.
pub(super) fn uncovered(
    command: &[String],
    judgement: &Judgement,
    policy: &CommandPolicy<'_>,
    around: &Surroundings,
    answer: &mut Answer,
) {
    const LONGEST: usize = 1_000;
    let stopped = matches!(answer.verdict, Verdict::Prompt | Verdict::PromptUser | Verdict::Deny);
    let (Some(part), [shell, flag, _]) = (judgement.deciding(), command) else { return };
    if !stopped || part.rules.is_empty() || judgement.opaque.is_some() {
        return;
    }
    let plain = line(&part.words);
    let (Some(program), true) = (part.words.first(), plain.len() <= LONGEST) else { return };
    let arguments = plain.strip_prefix(&line(std::slice::from_ref(program))).unwrap_or_default();
    let spelt = |script: String| {
        let other = judge(&[shell.clone(), flag.clone(), script.clone()], policy, around);
        (other.decision < judgement.decision).then_some(script)
    };
    let redirected = spelt(format!("{plain} > /dev/null"));
    let opaque = redirected.is_some();
    let quoted = line(&["sh".to_owned(), "-c".to_owned(), plain.clone()]);
    let others = [format!("\"{program}\"{arguments}"), format!("env {plain}"), quoted];
    let spellings: Vec<String> = redirected
        .into_iter()
        .chain(others.into_iter().filter_map(spelt))
        .map(|script| format!("`{script}`"))
        .collect();
    if spellings.is_empty() {
        return;
    }
    answer.notes.push(format!(
        "no rule stops the same command spelt as {}: rules guide the model, the sandbox is the \
         boundary",
        spellings.join(", ")
    ));
    if opaque {
        answer.advice.push(
            "a rule on `bash` and `sh` as well catches every script that cannot be taken apart"
                .to_owned(),
        );
    }
}
