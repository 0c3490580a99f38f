//! One endpoint: what is in force there and why.

use codex_fleet::check_in::State;
use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Frame, Tab, page};
use super::parts::{
    Column::Text, Source, Tone, ago, chip, columns, digest, endpoint_state, many, moment, source,
    status,
};
use super::paths;
use crate::reports::Record;

/// The most settings that are shown; the bundle has all of them.
pub const MAX_SETTINGS: usize = 200;

/// What an endpoint's page shows.
#[derive(Clone, Debug)]
pub struct EndpointView {
    /// The endpoint.
    pub record: Record,
    /// The newest generation of its cohort.
    pub newest: Option<u64>,
    /// The generation above which it is asked to install nothing for now.
    pub hold: Option<u64>,
    /// What is in force there, by key.
    pub settings: Vec<Setting>,
    /// The keys that a Codex on it does not know, with the version.
    pub lost: Vec<(String, String)>,
    /// What happened there, the newest first.
    pub transitions: Vec<Event>,
    /// The moment.
    pub now: Timestamp,
}

/// A value in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: String,
    /// The value, as TOML.
    pub value: String,
    /// The line that says so.
    pub source: Option<Source>,
    /// What else was said about it and what became of that, each in a sentence.
    pub others: Vec<String>,
}

/// Something that happened to a bundle there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, by the endpoint's clock.
    pub at: Timestamp,
    /// The generation.
    pub generation: u64,
    /// What.
    pub state: State,
    /// Why.
    pub reasons: Vec<String>,
}

/// An endpoint.
pub fn endpoint(frame: &Frame<'_>, view: &EndpointView) -> String {
    let EndpointView { record, newest, hold, settings, lost, transitions, now } = view;
    let (tone, word) =
        record.last.as_ref().map_or((Tone::Mute, "nothing yet"), |last| endpoint_state(last.state));
    let body = html! {
        p.over { a href=(paths::ENDPOINTS) { "Endpoints" } " / " code { (record.device) } }
        div.head {
            h1 { (record.host) }
            (chip(tone, word))
        }
        p.lead { "Last heard " (ago(record.seen, *now)) }
        (waits(record, *newest, *hold))
        (refused(record))
        @if !lost.is_empty() { (lost_controls(lost)) }
        div.pair {
            section.sheet aria-labelledby="machine" {
                h2 id="machine" { "The machine" }
                (machine(record))
            }
            section.sheet aria-labelledby="policy" {
                h2 id="policy" { "Its policy" }
                (policy(record, *newest))
            }
        }
        section.sheet aria-labelledby="settings" {
            div.title {
                h2 id="settings" { "In force, and why" }
                span { (many(settings.len() as u64, "value", "values")) }
            }
            (in_force(settings))
        }
        section.sheet aria-labelledby="history" {
            h2 id="history" { "What happened" }
            (history(transitions))
        }
    };
    page(frame, Tab::Endpoints, &record.host, &body)
}

fn waits(record: &Record, newest: Option<u64>, hold: Option<u64>) -> Markup {
    html! {
        @if let (Some(hold), Some(newest), Some(held)) = (hold, newest, &record.held) {
            div.note {
                (status(Tone::Busy, "Waiting"))
                p {
                    "A rollout of generation " (newest) " has not come to it: it is asked to stay at " (hold) ". "
                    a href=(paths::below(paths::ROLLOUTS, &held.cohort)) { "The rollout of " (held.cohort) }
                }
            }
        }
    }
}

fn refused(record: &Record) -> Markup {
    html! {
        @if let Some(last) = record.last.as_ref().filter(|last| !last.reasons.is_empty()) {
            @let (tone, word) = endpoint_state(last.state);
            div.note.(tone.class()) {
                (status(tone, &format!("Generation {} {word}", last.generation)))
                div { @for reason in &last.reasons { p { (reason) } } }
            }
        }
    }
}

fn lost_controls(lost: &[(String, String)]) -> Markup {
    html! {
        div.note.bad {
            (status(Tone::Bad, "Controls lost"))
            div {
                @for (version, key) in lost {
                    p { "Codex " (version) " does not know " code { (key) } " and ignores it in silence." }
                }
            }
        }
    }
}

fn machine(record: &Record) -> Markup {
    let Record { device, host: _, team, environment, groups, os, codex, .. } = record;
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    html! {
        dl.facts {
            dt { "Device" } dd { code { (device) } }
            dt { "Team" } dd { (team.as_deref().unwrap_or("none")) }
            dt { "Environment" } dd { (environment.as_deref().unwrap_or("none")) }
            dt { "Groups" } dd { @if groups.is_empty() { "none" } @else { (groups.join(", ")) } }
            dt { "System" } dd { (os) }
            dt { "Codex" } dd { @if codex.is_empty() { "none found" } @else { (codex.join(", ")) } }
        }
    }
}

fn policy(record: &Record, newest: Option<u64>) -> Markup {
    html! {
        @if let Some(held) = &record.held {
            dl.facts {
                dt { "Cohort" } dd { (held.cohort) }
                dt { "Generation" } dd {
                    a href=(format!("{}/{}", paths::below(paths::RELEASES, &held.cohort), held.generation)) { (held.generation) }
                    " "
                    @match newest {
                        Some(newest) if newest > held.generation => {
                            (status(Tone::Busy, &format!("newest is {newest}")))
                        }
                        Some(_) => { (status(Tone::Good, "newest")) }
                        None => {}
                    }
                }
                dt { "Bundle" } dd { (digest(&held.digest)) }
                dt { "Enforced" } dd {
                    @if let Some(at) = record.enforced_at { "since " (moment(at)) } @else { "not yet said" }
                }
            }
        } @else {
            p.soft { "Nothing of ours is in force there yet." }
        }
    }
}

fn in_force(settings: &[Setting]) -> Markup {
    html! {
        @if settings.is_empty() {
            p.soft { "Nothing is known of it." }
        } @else {
            div.wide { table.stack {
                (columns(&[Text("Key"), Text("Value"), Text("Because of")]))
                tbody {
                    @for one in settings.iter().take(MAX_SETTINGS) {
                        tr {
                            th scope="row" { code { (one.key) } }
                            td data-name="Value" { code { (one.value) } }
                            td data-name="Because of" {
                                div {
                                    @if let Some(place) = &one.source { (source(place)) }
                                    @else { span.soft { "a value that Codex falls back to" } }
                                    @for other in &one.others { div.small.soft { (other) } }
                                }
                            }
                        }
                    }
                }
            } }
            @if settings.len() > MAX_SETTINGS {
                p.small.soft { br; "And " (settings.len() - MAX_SETTINGS) " more, in the bundle." }
            }
        }
    }
}

fn history(transitions: &[Event]) -> Markup {
    html! {
        @if transitions.is_empty() {
            p.soft { "It has said nothing yet." }
        } @else {
            ol.story reversed {
                @for one in transitions {
                    @let (tone, word) = endpoint_state(one.state);
                    li {
                        (moment(one.at))
                        div {
                            p { (status(tone, word)) " generation " (one.generation) }
                            @for reason in &one.reasons { p.soft { (reason) } }
                        }
                    }
                }
            }
        }
    }
}
