//! The fleet at a glance.

use codex_fleet::rollout::Status;
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Frame, Tab, page};
use super::parts::{
    Column::{Number, Text},
    Share, Tone, ago, bar, chip, columns, legend, many, number, rollout_state, sentence, status,
    tenths,
};
use super::paths;
use crate::reports::{CodexReport, CohortReport, Latency, Readable, Report, Standing};
use crate::rollout::{duration, percent};

/// The most rows of a table; a link leads to the rest.
const ROWS: usize = 25;

/// What the overview shows.
#[derive(Clone, Debug)]
pub struct Overview {
    /// The report.
    pub report: Report,
    /// Rollouts that are not over.
    pub rollouts: Vec<Status>,
    /// How many requests wait for somebody.
    pub requests: u64,
    /// The moment.
    pub now: Timestamp,
}

/// The overview.
pub fn overview(frame: &Frame<'_>, view: &Overview) -> String {
    let Overview { report, rollouts, requests, now } = view;
    let body = html! {
        h1 { (headline(report)) }
        p.lead { (many(report.endpoints, "endpoint", "endpoints")) ", as they said themselves; " (ago(report.at, *now)) }
        @if *requests > 0 {
            div.note {
                (status(Tone::Busy, "Requests"))
                p {
                    (many(*requests, "request waits", "requests wait")) " for a decision. "
                    a href=(paths::REQUESTS) { "Look at them" }
                }
            }
        }
        div data-live="15" {
            section.sheet data-part="standing" aria-labelledby="standing" {
                h2 id="standing" { "How endpoints stand" }
                p.big {
                    b { (tenths(report.standing.current, report.endpoints)) }
                    span { "enforce the newest policy of their cohort" }
                }
                (bar(&shares(&report.standing), ""))
                (legend(&shares(&report.standing)))
            }
            div data-part="rollouts" { (in_progress(rollouts)) }
        }
        (cohorts(&report.cohorts))
        div.pair {
            (refusals(report))
            (latency(&report.latency))
        }
        (codex(&report.codex))
        (laggards(report))
        p.small.soft {
            "Take it away: " a href=(paths::ENDPOINTS_CSV) { "endpoints as CSV" } ", "
            a href=(paths::REPORT) { "this report as JSON" } "."
        }
    };
    page(frame, Tab::Overview, "Overview", &body)
}

fn headline(report: &Report) -> String {
    let Standing { silent, refused, drifted_or_stale, without, current, behind } = report.standing;
    match (report.endpoints, refused, silent) {
        (0, _, _) => "No endpoint is enrolled yet".to_owned(),
        (all, 0, 0) if all == current => "Every endpoint enforces the newest policy".to_owned(),
        (_, 0, 0) => {
            format!("{} under way", many(behind + without, "endpoint is", "endpoints are"))
        }
        (_, 0, _) if drifted_or_stale == 0 => {
            format!("All is well, and {} silent", many(silent, "endpoint is", "endpoints are"))
        }
        (_, 0, _) => {
            format!("{} a look", many(drifted_or_stale, "endpoint needs", "endpoints need"))
        }
        (_, _, _) => format!("{} a policy", many(refused, "endpoint refuses", "endpoints refuse")),
    }
}

pub(super) fn shares(standing: &Standing) -> [Share; 6] {
    let Standing { silent, refused, drifted_or_stale, without, current, behind } = *standing;
    let share = |tone, word, count| Share { tone, word, count };
    [
        share(Tone::Good, "up to date", current),
        share(Tone::Busy, "behind", behind),
        share(Tone::Warn, "drifted or stale", drifted_or_stale),
        share(Tone::Bad, "refused", refused),
        share(Tone::Mute, "silent", silent),
        share(Tone::Mute, "nothing yet", without),
    ]
}

/// Rollouts that are not over; those that wait for a person come first.
fn in_progress(rollouts: &[Status]) -> Markup {
    let mut sorted: Vec<&Status> = rollouts.iter().collect();
    sorted.sort_by_key(|one| (std::cmp::Reverse(one.state), one.cohort.as_str()));
    html! {
        @if !sorted.is_empty() {
            section.sheet aria-labelledby="rollouts" {
                h2 id="rollouts" { "Rollouts under way" }
                @for one in sorted.iter().take(ROWS) {
                    @let (tone, word) = rollout_state(one.state);
                    div.row {
                        div.title {
                            h3 { a href=(paths::below(paths::ROLLOUTS, &one.cohort)) { (one.cohort) " to generation " (one.to) } }
                            (chip(tone, word))
                        }
                        (bar(&super::rollout::shares(&one.figures), "thin"))
                        p.small.soft { (sentence(&stage(one))) " " (sentence(&one.next)) }
                    }
                }
                @if sorted.len() > ROWS {
                    p.small.soft { "And " (sorted.len() - ROWS) " more: " a href=(paths::ROLLOUTS) { "all rollouts" } "." }
                }
            }
        }
    }
}

fn stage(status: &Status) -> String {
    let who = match status.share_of_10_000 {
        0 => "volunteers".to_owned(),
        10_000 => "everybody".to_owned(),
        share => percent(share.into(), 10_000),
    };
    match status.stage {
        0 => "not begun".to_owned(),
        stage => format!("stage {stage} of {}, {who}", status.stages),
    }
}

fn cohorts(cohorts: &[CohortReport]) -> Markup {
    html! {
        section.sheet aria-labelledby="cohorts" {
            div.title {
                h2 id="cohorts" { "Cohorts" }
                span { (many(cohorts.len() as u64, "cohort", "cohorts")) }
            }
            div.wide {
                table.stack {
                    (columns(&[Text("Cohort"), Number("Newest"), Number("Endpoints"), Text("Standing"), Number("Up to date"), Number("Refused"), Number("Silent")]))
                    tbody {
                        @for one in cohorts.iter().take(ROWS) {
                            tr {
                                th scope="row" { a href=(paths::below(paths::RELEASES, &one.cohort)) { (one.cohort) } }
                                td.num data-name="Newest" { @if let Some(newest) = one.newest { (newest) } @else { "none" } }
                                td.num data-name="Endpoints" { (number(one.endpoints)) }
                                td data-name="Standing" { (bar(&shares(&one.standing), "thin")) }
                                td.num data-name="Up to date" { (tenths(one.standing.current, one.endpoints)) }
                                td.num data-name="Refused" {
                                    @if one.standing.refused > 0 { (status(Tone::Bad, &number(one.standing.refused))) }
                                    @else { span.soft { "0" } }
                                }
                                td.num data-name="Silent" { (number(one.standing.silent)) }
                            }
                        }
                    }
                }
            }
            @if cohorts.len() > ROWS {
                p.small.soft { br; "And " (cohorts.len() - ROWS) " more, in the report." }
            }
        }
    }
}

fn refusals(report: &Report) -> Markup {
    html! {
        section.sheet aria-labelledby="refusals" {
            h2 id="refusals" { "Why policies were refused" }
            @if report.refusals.is_empty() {
                p.soft { "No endpoint refuses what it was offered." }
            } @else {
                table {
                    (columns(&[Text("Reason, in the endpoints’ words"), Number("Endpoints")]))
                    tbody {
                        @for one in report.refusals.iter().take(6) {
                            tr {
                                td.words {
                                    (one.reason)
                                    br;
                                    span.small.soft { "such as " (one.hosts.join(", ")) }
                                }
                                td.num { (number(one.endpoints)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn latency(latency: &Latency) -> Markup {
    let most = latency.bars.iter().map(|bar| bar.endpoints).max().unwrap_or(0).max(1);
    let within = |seconds: Option<u64>| seconds.map_or_else(|| "unknown".to_owned(), duration);
    let bars = latency.bars.iter().enumerate().map(|(place, bar)| {
        let height = bar.endpoints * 100 / most;
        let height = if bar.endpoints > 0 { height.max(2) } else { 0 };
        (place as u64 * 50, height, bar)
    });
    let label = |up_to: Option<u64>| match up_to {
        Some(seconds) => duration(seconds).replace(' ', "\u{202f}"),
        None => "more".to_owned(),
    };
    html! {
        section.sheet aria-labelledby="latency" {
            h2 id="latency" { "From release to enforced" }
            @if latency.endpoints == 0 {
                p.soft { "Nothing is known yet: no endpoint enforces a newest bundle." }
            } @else {
                p {
                    "Half within " b { (within(latency.half)) } ", 95 % within " b { (within(latency.most)) }
                    ", 99 % within " b { (within(latency.nearly_all)) } "."
                }
                svg.histogram viewBox="0 0 500 132" role="img"
                    aria-label={"Times of " (number(latency.endpoints)) " endpoints, from 10 seconds to more than a day"}
                {
                    line.axis x1="0" y1="111.5" x2="500" y2="111.5" {}
                    @for (x, height, bar) in bars {
                        rect.f-busy x=(x + 6) y=(111 - height) width="38" height=(height) rx="2" {
                            title { (number(bar.endpoints)) }
                        }
                        text x=(x + 25) y="127" { (label(bar.up_to)) }
                    }
                }
            }
        }
    }
}

fn codex(versions: &[CodexReport]) -> Markup {
    html! {
        section.sheet aria-labelledby="codex" {
            div.title {
                h2 id="codex" { "Codex in the fleet" }
                span { "A Codex that does not know a key ignores it in silence" }
            }
            div.wide {
                table.stack {
                    (columns(&[Text("Version"), Number("Endpoints"), Text("Controls lost")]))
                    tbody {
                        @for one in versions.iter().take(ROWS) {
                            tr {
                                th.num scope="row" { code { (one.version) } }
                                td.num data-name="Endpoints" { (number(one.endpoints)) }
                                td data-name="Controls lost" { (lost(one)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn lost(report: &CodexReport) -> Markup {
    html! {
        @match report.readable {
            Readable::No => { (status(Tone::Mute, "no version: nothing is known of it")) }
            Readable::Yes if report.lost.is_empty() => { (status(Tone::Good, "none")) }
            Readable::Yes => {
                span {
                    (status(Tone::Bad, &many(report.lost.len() as u64, "key", "keys"))) ": "
                    @for (place, (key, endpoints)) in report.lost.iter().take(4).enumerate() {
                        @if place > 0 { ", " }
                        code { (key) } " on " (number(*endpoints))
                    }
                    @if report.lost.len() > 4 { " and " (report.lost.len() - 4) " more" }
                }
            }
        }
    }
}

fn laggards(report: &Report) -> Markup {
    html! {
        @if report.laggards.total > 0 {
            section.sheet aria-labelledby="laggards" {
                div.title {
                    h2 id="laggards" { "Laggards" }
                    span { (many(report.laggards.total, "endpoint was", "endpoints were")) " heard of today and has something older" }
                }
                div.wide {
                    table.stack {
                        (columns(&[Text("Endpoint"), Text("Cohort"), Number("Has"), Number("Newest"), Text("For"), Text("Last word")]))
                        tbody {
                            @for one in report.laggards.examples.iter().take(8) {
                                tr {
                                    th scope="row" { a href=(paths::below(paths::ENDPOINTS, one.device.as_str())) { (one.host) } }
                                    td data-name="Cohort" { (one.cohort) }
                                    td.num data-name="Has" { (one.has) }
                                    td.num data-name="Newest" { (one.newest) }
                                    td data-name="For" { (duration(one.behind_seconds)) }
                                    td data-name="Last word" {
                                        @if let Some(state) = one.last {
                                            @let (tone, word) = super::parts::endpoint_state(state);
                                            (status(tone, word))
                                        } @else { span.soft { "none" } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
