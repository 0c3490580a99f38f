//! A rollout while it goes on, and the way to start one.

use codex_fleet::rollout::{Act, Figures, State, Status, StrategyName};
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Frame, May, Tab, csrf_field, page};
use super::parts::{
    Column::{Number, Text},
    Share, Tone, ago, bar, chip, columns, digest, legend, many, moment, number, rollout_state,
    sentence, status, tenths,
};
use super::paths;

/// A rollout's page.
#[derive(Clone, Debug)]
pub struct RolloutView {
    /// How it stands.
    pub status: Status,
    /// What its stages are called: `volunteers`, `1 %`, `everybody`.
    pub stages: Vec<String>,
    /// What somebody was told who just did something here.
    pub told: Option<Told>,
    /// The moment.
    pub now: Timestamp,
}

/// What somebody is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it means.
    pub tone: Tone,
    /// The sentence.
    pub text: String,
}

/// The list of rollouts, with the way to start one.
#[derive(Clone, Debug)]
pub struct RolloutsView {
    /// The last rollout of every cohort that had one.
    pub rollouts: Vec<Status>,
    /// Cohorts whose newest bundle nobody has rolled out: with its generation.
    pub waiting: Vec<(String, u64)>,
    /// What somebody was told who just tried to start one.
    pub told: Option<Told>,
    /// The moment.
    pub now: Timestamp,
}

pub(super) fn shares(figures: &Figures) -> [Share; 4] {
    let Figures { known: _, enforced, failed, underway, silent, needed: _, allowed: _ } = *figures;
    let share = |tone, word, count| Share { tone, word, count };
    [
        share(Tone::Good, "enforce it", enforced),
        share(Tone::Busy, "on their way", underway),
        share(Tone::Bad, "failed", failed),
        share(Tone::Mute, "silent", silent),
    ]
}

/// A rollout.
pub fn rollout(frame: &Frame<'_>, view: &RolloutView) -> String {
    let RolloutView { status, stages, told, now } = view;
    let (tone, word) = rollout_state(status.state);
    let from = status.from.map_or_else(|| "nothing".to_owned(), |from| from.to_string());
    let body = html! {
        p.over { a href=(paths::ROLLOUTS) { "Rollouts" } " / " (status.cohort) }
        div data-live="5" {
            div data-part="head" {
                div.head {
                    h1 { (status.cohort) ": generation " (from) " → " (status.to) }
                    (chip(tone, word))
                }
                p.lead {
                    "Started by " (status.started_by) " " (ago(status.started_at, *now)) " as "
                    (status.strategy.word()) ", bundle " (digest(&status.digest))
                }
            }
            @if let Some(told) = told { (note(told)) }
            section.sheet data-part="progress" aria-labelledby="progress" {
                h2 id="progress" { "Progress" }
                (track(status, stages))
                p.big {
                    b { (tenths(status.figures.enforced, status.figures.known)) }
                    span { "of " (many(status.figures.known, "endpoint", "endpoints")) " that may have it enforce it" }
                }
                (bar(&shares(&status.figures), ""))
                (legend(&shares(&status.figures)))
            }
            div data-part="next" { (next(status)) }
            div data-part="acts" { (acts(frame, status)) }
            // Always there, so that reasons can appear in it.
            div data-part="reasons" {
                @if !status.reasons.is_empty() {
                    section.sheet aria-labelledby="reasons" { (reasons(status)) }
                }
            }
            section.sheet data-part="history" aria-labelledby="history" {
                h2 id="history" { "What happened" }
                (history(status))
            }
        }
    };
    page(frame, Tab::Rollouts, &format!("{} → {}: {word}", status.cohort, status.to), &body)
}

fn note(told: &Told) -> Markup {
    html! {
        div.note.(told.tone.class()) role="status" {
            (status(told.tone, match told.tone {
                Tone::Bad => "Refused",
                Tone::Good | Tone::Busy | Tone::Warn | Tone::Mute => "Done",
            }))
            p { (sentence(&told.text)) }
        }
    }
}

fn track(status: &Status, stages: &[String]) -> Markup {
    let class = |number: usize| {
        let over = matches!(status.state, State::Promoted | State::PromotedWithFailures);
        match number.cmp(&status.stage) {
            std::cmp::Ordering::Less => "done",
            std::cmp::Ordering::Equal if over => "done",
            std::cmp::Ordering::Equal => match rollout_state(status.state).0 {
                Tone::Bad => "here bad",
                Tone::Warn => "here warn",
                Tone::Good | Tone::Busy | Tone::Mute => "here",
            },
            std::cmp::Ordering::Greater => "",
        }
    };
    let said = |number: usize| match number.cmp(&status.stage) {
        std::cmp::Ordering::Less => "done",
        std::cmp::Ordering::Equal => rollout_state(status.state).1,
        std::cmp::Ordering::Greater => match status.state {
            State::Aborted => "never",
            State::Running
            | State::Baking
            | State::Inconclusive
            | State::Paused
            | State::Promoted
            | State::PromotedWithFailures => "later",
        },
    };
    html! {
        ol.stages {
            @for (number, name) in (1..).zip(stages) {
                li class=(class(number)) aria-current=[(number == status.stage).then_some("step")] {
                    b { (name) }
                    span.small { (said(number)) }
                }
            }
        }
    }
}

fn next(status: &Status) -> Markup {
    let Figures { needed, allowed, failed, .. } = status.figures;
    let tone = rollout_state(status.state).0;
    let word = match status.state {
        State::Running | State::Baking | State::Inconclusive => "Next",
        State::Paused => "Waiting",
        State::Aborted | State::Promoted | State::PromotedWithFailures => "Over",
    };
    html! {
        div.note.(tone.class()) {
            (super::parts::status(tone, word))
            div {
                p { (sentence(&status.next)) }
                @if !status.state.is_settled() && status.state != State::Paused {
                    p.small.soft {
                        "The stage is judged when " (number(needed)) " enforce it. It pauses when more than "
                        (number(allowed)) " fail; " (number(failed)) " have."
                    }
                }
            }
        }
    }
}

fn acts(frame: &Frame<'_>, status: &Status) -> Markup {
    let offered: &[(Act, &str, &str)] = match status.state {
        State::Running | State::Baking | State::Inconclusive => &[
            (Act::Pause, "Pause", ""),
            (Act::Promote, "Promote to everybody", ""),
            (Act::Abort, "Abort", "danger"),
        ],
        State::Paused => &[
            (Act::Resume, "Resume", "main"),
            (Act::Promote, "Promote to everybody", ""),
            (Act::Abort, "Abort", "danger"),
        ],
        State::Aborted | State::Promoted | State::PromotedWithFailures => &[],
    };
    html! {
        @if frame.may == May::Decide && !offered.is_empty() {
            section.sheet aria-labelledby="acts" {
                h2 id="acts" { "Decide" }
                form.acts method="post" action=(paths::below(paths::ROLLOUTS, &status.cohort)) {
                    (csrf_field(frame.csrf))
                    div.field {
                        label for="reason" { "Why, for the record" }
                        input id="reason" name="reason" maxlength="500" autocomplete="off";
                    }
                    @for (act, label, class) in offered {
                        button.(class) name="act" value=(act.word()) { (label) }
                    }
                }
                @if status.state == State::Paused && status.figures.failed > 0 {
                    p.small.soft {
                        br;
                        "Resuming accepts the " (many(status.figures.failed, "failure", "failures"))
                        " so far; further ones count again."
                    }
                }
            }
        }
    }
}

fn reasons(status: &Status) -> Markup {
    html! {
        h2 id="reasons" { "Why endpoints failed" }
        table {
            (columns(&[Text("Reason, in their own words"), Number("Endpoints")]))
            tbody {
                @for reason in &status.reasons {
                    tr { td.words { (reason.text) } td.num { (number(reason.count)) } }
                }
            }
        }
    }
}

fn history(status: &Status) -> Markup {
    html! {
        ol.story reversed {
            @for entry in status.history.iter().rev() {
                @let (tone, word) = rollout_state(entry.state);
                li {
                    div { (moment(entry.at)) br; span.by { (entry.by) } }
                    div {
                        p { (super::parts::status(tone, word)) }
                        p { (sentence(&entry.text)) }
                    }
                }
            }
        }
    }
}

/// All rollouts.
pub fn rollouts(frame: &Frame<'_>, view: &RolloutsView) -> String {
    let RolloutsView { rollouts, waiting, told, now } = view;
    let body = html! {
        div.head { h1 { "Rollouts" } }
        p.lead { "Volunteers first, then more and more of the others. It pauses by itself; it never goes back." }
        @if let Some(told) = told { (note(told)) }
        section.sheet aria-labelledby="list" {
            h2 id="list" { "The last rollout of every cohort" }
            @if rollouts.is_empty() {
                p.soft { "None yet." }
            } @else {
                div.wide { table.stack {
                    (columns(&[Text("Cohort"), Text("Generation"), Text("State"), Text("Progress"), Text("Started")]))
                    tbody {
                        @for one in rollouts {
                            @let (tone, word) = rollout_state(one.state);
                            tr {
                                th scope="row" { a href=(paths::below(paths::ROLLOUTS, &one.cohort)) { (one.cohort) } }
                                td data-name="Generation" {
                                    @if let Some(from) = one.from { (from) " → " } (one.to)
                                }
                                td data-name="State" { (status(tone, word)) }
                                td data-name="Progress" { (bar(&shares(&one.figures), "thin")) }
                                td data-name="Started" { span { (ago(one.started_at, *now)) " by " (one.started_by) } }
                            }
                        }
                    }
                } }
            }
        }
        @if frame.may == May::Decide { (start_form(frame, waiting)) }
    };
    page(frame, Tab::Rollouts, "Rollouts", &body)
}

fn start_form(frame: &Frame<'_>, waiting: &[(String, u64)]) -> Markup {
    let about = |name: StrategyName| match name {
        StrategyName::Canary => {
            "1, 5, 25 and 100 percent, each looked at for half an hour to an hour"
        }
        StrategyName::Linear => "ten times a tenth, each looked at for half an hour",
        StrategyName::AllAtOnce => "everybody now: for what cannot wait",
    };
    html! {
        section.sheet aria-labelledby="start" {
            h2 id="start" { "Start a rollout" }
            @if waiting.is_empty() {
                p.soft { "Nothing waits: every cohort’s newest bundle is rolled out, or being rolled out." }
            } @else {
                form method="post" action=(paths::START) {
                    (csrf_field(frame.csrf))
                    div.field {
                        label for="bundle" { "Bundle" }
                        select id="bundle" name="bundle" {
                            @for (cohort, generation) in waiting {
                                option value={(generation) ":" (cohort)} { (cohort) ", generation " (generation) }
                            }
                        }
                    }
                    fieldset.field {
                        legend { "Strategy" }
                        @for name in StrategyName::ALL {
                            label.choice {
                                input type="radio" name="strategy" value=(name.word()) checked[name == StrategyName::Canary];
                                span { b { (name.word()) } br; (about(name)) }
                            }
                        }
                    }
                    div.field {
                        label for="volunteers" { "Volunteers" }
                        input id="volunteers" name="volunteers" maxlength="255" autocomplete="off" aria-describedby="volunteers-help";
                        small id="volunteers-help" { "The group whose machines go first; may be left out." }
                    }
                    div.field {
                        label for="bake" { "Minutes" }
                        input id="bake" name="bake_minutes" type="number" min="0" max="43200" aria-describedby="bake-help";
                        small id="bake-help" { "For how long each stage is looked at; the strategy’s own time if left out." }
                    }
                    div.field {
                        label for="why" { "Why, for the record" }
                        input id="why" name="reason" maxlength="500" autocomplete="off";
                    }
                    button.main { "Start" }
                }
            }
        }
    }
}
