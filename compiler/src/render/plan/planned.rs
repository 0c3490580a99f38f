//! A plan for people, for scripts, for comments on changes and for code scanning.

use std::collections::BTreeMap;

use codex_schema::diagnostic::{Code, Diagnostic};
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::human::{self as people, line, names};
use super::words::{directions, number};
use super::{Group, markdown as comment, plain as facts};
use crate::plan::diff::{CohortChange, Status};
use crate::plan::planned::{Move, Plan, Planned};
use crate::plan::policy::{Direction, Entry};
use crate::render::diagnostics::text;
use crate::render::paint::{Paint, Role, Sign, harmless, wrapped};
use crate::repository::Repository;

/// A plan for people: what loosens comes first.
pub fn human(plan: &Plan, paint: Paint) -> String {
    let mut out = String::new();
    line(&mut out, &paint.paint(Role::Strong, &title(plan, paint.dot())));
    line(&mut out, &summary(plan, paint.dot()));
    for (sign, role, words) in warnings(plan) {
        for (at, text) in wrapped(&words, paint.width.saturating_sub(2)).iter().enumerate() {
            let lead = if at == 0 { paint.sign(sign) } else { " " };
            line(&mut out, &format!("{} {text}", paint.paint(role, lead)));
        }
    }
    let changes = changes(plan);
    out.push_str(&people::changes(&changes, paint, &|group| reach_of(plan, group)));
    for one in &plan.moves {
        out.push('\n');
        let words = format!("{}: {}", move_words(one), directions(&one.policy.counts()));
        line(&mut out, &paint.paint(Role::Strong, &words));
        people::entries(&mut out, &entries(one), paint);
    }
    out.push('\n');
    line(&mut out, &format!("plan {}", plan.hash));
    for words in next_steps(plan) {
        for text in wrapped(&words, paint.width) {
            line(&mut out, &paint.paint(Role::Faint, &text));
        }
    }
    out
}

fn entries(one: &Move) -> Vec<&Entry> {
    one.policy.changes.iter().collect()
}

/// The cohorts. What changes for machines of cohorts that come or go is told with the machines that
/// move, where an inventory knows these.
fn changes(plan: &Plan) -> Vec<CohortChange> {
    let moves = |name: &str| {
        plan.moves
            .iter()
            .any(|one| one.from.as_deref() == Some(name) || one.to.as_deref() == Some(name))
    };
    let shown = |one: &Planned| {
        let mut change = one.change.clone();
        let told = matches!(change.status, Status::Added | Status::Removed);
        if told && moves(&change.cohort) {
            change.policy.changes.clear();
        }
        change
    };
    plan.cohorts.iter().map(shown).collect()
}

/// What is planned, by its name.
fn title(plan: &Plan, dot: &str) -> String {
    let base = match &plan.base_commit {
        Some(commit) => {
            let short: String = commit.chars().take(12).collect();
            format!("{} ({short})", harmless(&plan.base))
        }
        None => harmless(&plan.base),
    };
    format!("Codex policy plan{dot}{}{dot}base {base}", harmless(&plan.organisation))
}

/// The numbers.
fn summary(plan: &Plan, dot: &str) -> String {
    let changed = plan.cohorts.iter().filter(|one| one.change.status != Status::Same).count();
    let mut parts = vec![
        directions(&plan.counts()),
        format!("{changed} of {} change", number(plan.cohorts.len(), "cohort")),
    ];
    if let Some(reach) = &plan.reach {
        parts.push(format!("reaches {} of {} endpoints", reach.changed, reach.endpoints));
        if reach.loosened > 0 {
            parts.push(format!("may loosen for {}", reach.loosened));
        }
    }
    let errors = number(plan.checks.errors, "error");
    parts.push(format!("check: {errors}, {}", number(plan.checks.warnings, "warning")));
    parts.join(dot)
}

/// How many machines some changes reach, and which of those do not know them.
fn reach_of(plan: &Plan, group: &Group<'_>) -> Vec<String> {
    let own =
        || plan.cohorts.iter().filter(|one| group.names.contains(&one.change.cohort.as_str()));
    let mut lines = Vec::new();
    let counts: Option<Vec<usize>> = own().map(|one| one.endpoints).collect();
    if let Some(counts) = counts.filter(|_| group.status != Status::Removed) {
        lines.push(format!("reaches {}", number(counts.iter().sum(), "endpoint")));
    }
    if own().any(|one| one.selects_others) && plan.reach.is_none() {
        lines.push(SELECTS_OTHERS.to_owned());
    }
    let keys: Vec<&str> = group.entries.iter().map(|entry| entry.key.as_str()).collect();
    lines.extend(gaps(own(), &|key| keys.contains(&key)));
    lines
}

const SELECTS_OTHERS: &str = "selects other machines than before: with --inventory the plan tells \
                              what changes for those that move";

/// Versions that do not know what changes, for several cohorts together.
fn gaps<'plan>(
    cohorts: impl Iterator<Item = &'plan Planned>,
    wanted: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut all: BTreeMap<(Version, Vec<&str>), Option<usize>> = BTreeMap::new();
    for gap in cohorts.flat_map(|one| &one.not_enforced) {
        let keys: Vec<&str> =
            gap.keys.iter().map(String::as_str).filter(|key| wanted(key)).collect();
        if keys.is_empty() {
            continue;
        }
        let count = all.entry((gap.version, keys)).or_insert(gap.endpoints.map(|_| 0));
        *count = count.zip(gap.endpoints).map(|(one, two)| one + two);
    }
    let words = |((version, keys), count): ((Version, Vec<&str>), Option<usize>)| {
        let count =
            count.map_or(String::new(), |count| format!(" ({})", number(count, "endpoint")));
        let keys: Vec<String> = keys.iter().map(|key| format!("`{}`", harmless(key))).collect();
        format!("Codex {version}{count} does not know {}: no effect there", keys.join(", "))
    };
    all.into_iter().map(words).collect()
}

fn move_words(one: &Move) -> String {
    let name = |cohort: &Option<String>| match cohort {
        Some(cohort) => format!("cohort {}", harmless(cohort)),
        None => "no policy".to_owned(),
    };
    format!(
        "{} from {} to {}",
        if one.endpoints == 1 {
            "1 endpoint moves".to_owned()
        } else {
            format!("{} endpoints move", one.endpoints)
        },
        name(&one.from),
        name(&one.to)
    )
}

/// What is to be seen before everything else.
fn warnings(plan: &Plan) -> Vec<(Sign, Role, String)> {
    let mut found = Vec::new();
    for reason in &plan.brake {
        let (sign, role, word) = if plan.approved {
            (Sign::Caution, Role::Lock, "approved")
        } else {
            (Sign::Error, Role::Bad, "brake")
        };
        found.push((sign, role, format!("{word}: {}", harmless(&reason.to_string()))));
    }
    let Some(reach) = &plan.reach else { return found };
    let caution = |words: String| (Sign::Caution, Role::Lock, words);
    if reach.nowhere_total > 0 {
        let hosts: Vec<&str> = reach.nowhere.iter().map(String::as_str).collect();
        let count = number(reach.nowhere_total, "endpoint");
        found.push(caution(format!("{count} in no cohort: {}", names(&hosts))));
    }
    if reach.several_total > 0 {
        let first = reach.several.first().map_or(String::new(), |(host, one, other)| {
            let [host, one, other] = [host, one, other].map(|text| harmless(text));
            format!(": {host} in `{one}` and `{other}`")
        });
        let count = number(reach.several_total, "endpoint");
        found.push(caution(format!("{count} in more than one cohort{first}")));
    }
    found
}

fn next_steps(plan: &Plan) -> Vec<String> {
    let mut steps = Vec::new();
    if plan.reach.is_none() && plan.cohorts.iter().any(|one| one.selects_others) {
        steps.push(format!("A cohort {SELECTS_OTHERS}."));
    }
    if plan.is_empty() {
        steps.push("Nothing changes.".to_owned());
    }
    if plan.checks.errors > 0 {
        steps.push("The new policy has errors: nothing of this can be carried out.".to_owned());
    }
    if !plan.brake.is_empty() && !plan.approved {
        steps.push(format!(
            "The brake holds this plan. If it is meant: codex-config plan --approve {} …",
            plan.hash
        ));
    }
    steps
}

/// A plan as one fact per line.
pub fn plain(plan: &Plan) -> String {
    let mut lines = vec![
        format!("plan: {}", plan.hash),
        title(plan, ", "),
        format!("summary: {}", summary(plan, ", ")),
    ];
    lines.extend(warnings(plan).into_iter().map(|(_, _, words)| words));
    for one in &plan.cohorts {
        facts::facts(&one.change, &mut lines);
        let endpoints = one.endpoints.map(|count| number(count, "endpoint"));
        lines.extend(endpoints.map(|words| format!("  reaches {words}")));
        if one.selects_others {
            lines.push(format!("  {SELECTS_OTHERS}"));
        }
        let gaps = gaps(std::iter::once(one), &|_| true);
        lines.extend(gaps.into_iter().map(|words| format!("  {words}")));
    }
    for one in &plan.moves {
        lines.push(format!("{}: {}", move_words(one), one.direction.word()));
        facts::entries(&one.policy, &mut lines);
    }
    lines.extend(next_steps(plan));
    lines.join("\n") + "\n"
}

/// A plan as JSON of a stable form.
pub fn json(plan: &Plan) -> String {
    let mut text = serde_json::to_string_pretty(plan).unwrap_or_default();
    text.push('\n');
    text
}

/// A plan as Markdown, for a comment on a change and the summary of a run. Links lead to the files
/// of the repository that `folder` names.
pub fn markdown(plan: &Plan, folder: &str) -> String {
    let mut out =
        format!("### {}\n\n{}\n\n", text(&title(plan, " · ")), text(&summary(plan, " · ")));
    for (_, _, words) in warnings(plan) {
        out.push_str(&format!("> **{}**\n>\n", text(&words)));
    }
    if !warnings(plan).is_empty() {
        out.push('\n');
    }
    let place = comment::Links::to(folder);
    comment::changes(&changes(plan), &place, &|group| reach_of(plan, group), &mut out);
    for one in &plan.moves {
        let head = format!("{}: {}", move_words(one), directions(&one.policy.counts()));
        comment::details(&head, one.direction, &entries(one), &place, &[], &mut out);
    }
    for words in next_steps(plan) {
        out.push_str(&text(&words));
        out.push_str("\n\n");
    }
    out.push_str(&format!("<sub>plan <code>{}</code></sub>\n", plan.hash));
    out
}

/// What a plan has to say beside lines of the new policy.
pub fn diagnostics(plan: &Plan, repository: &Repository) -> Vec<Diagnostic> {
    let anchor = repository.manifest.anchor();
    let cohort_anchor =
        |name: &str| repository.manifest.cohorts.get(name).map_or(anchor, |cohort| cohort.span);
    let mut found: Vec<Diagnostic> = Vec::new();
    for one in &plan.cohorts {
        let name = &one.change.cohort;
        for entry in &one.change.policy.changes {
            if entry.direction.may_loosen() {
                add_loosening(&mut found, entry, name, cohort_anchor(name));
            }
        }
        for words in gaps(std::iter::once(one), &|_| true) {
            let message = format!("in cohort `{name}` {words}");
            found.push(Diagnostic::new(Code::PlanNotEnforced, message, cohort_anchor(name)));
        }
    }
    for reason in &plan.brake {
        let message = reason.to_string();
        let mut diagnostic = Diagnostic::new(Code::PlanRemoves, message, anchor);
        if plan.approved {
            diagnostic.severity = codex_schema::diagnostic::Severity::Info;
        }
        found.push(diagnostic.help(format!("approve this very plan: `--approve {}`", plan.hash)));
    }
    let reach = plan.reach.iter();
    for reach in reach.filter(|reach| reach.nowhere_total + reach.several_total > 0) {
        let message = format!(
            "{} in no cohort, {} in more than one",
            number(reach.nowhere_total, "endpoint"),
            reach.several_total
        );
        found.push(Diagnostic::new(Code::PlanUnselected, message, anchor));
    }
    found
}

/// The same change of several cohorts is said once.
fn add_loosening(found: &mut Vec<Diagnostic>, entry: &Entry, cohort: &str, otherwise: Span) {
    let mut message = format!("`{}` is {}", entry.key, entry.direction.word());
    let looser = entry.witnesses.iter().find(|one| one.direction == Direction::Looser);
    if let Some(witness) = looser {
        message.push_str(&format!(": {}", people::sentence(witness, |_| String::new())));
    } else if let Some(note) = &entry.note {
        message.push_str(&format!(": {note}"));
    }
    let span = entry.anchor.unwrap_or(otherwise);
    let same = |known: &&mut Diagnostic| {
        known.code == Code::PlanLoosens && known.primary.span == span && known.message == message
    };
    if let Some(known) = found.iter_mut().find(same) {
        if let Some(help) = &mut known.help {
            help.push_str(&format!(", `{cohort}`"));
        }
        return;
    }
    let diagnostic = Diagnostic::new(Code::PlanLoosens, message, span);
    found.push(diagnostic.help(format!("look whether this is meant, for `{cohort}`")));
}
