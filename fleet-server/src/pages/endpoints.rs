//! Endpoints: search, and a page of them at a time.

use jiff::Timestamp;
use maud::html;

use super::frame::{Frame, Tab, page};
use super::parts::{
    Column::{Number, Text},
    Tone, ago, columns, endpoint_state, many, status,
};
use super::paths;
use crate::reports::Record;

/// How many endpoints a page has.
pub const PAGE: usize = 50;

/// What the list shows.
#[derive(Clone, Debug)]
pub struct EndpointsView {
    /// What was looked for: a part of a host name, a cohort, a state.
    pub query: String,
    /// How many there are.
    pub total: u64,
    /// Those of this page.
    pub records: Vec<Record>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// The moment.
    pub now: Timestamp,
}

/// Endpoints.
pub fn endpoints(frame: &Frame<'_>, view: &EndpointsView) -> String {
    let EndpointsView { query, total, records, next, now } = view;
    let body = html! {
        div.head { h1 { "Endpoints" } }
        p.lead { (many(*total, "endpoint", "endpoints")) @if !query.is_empty() { " for “" (query) "”" } }
        form.search role="search" action=(paths::ENDPOINTS) {
            input type="search" name="q" value=(query) aria-label="Host, cohort or state" placeholder="Host, cohort or state" maxlength="200";
            button { "Search" }
        }
        section.sheet {
            @if records.is_empty() {
                p.soft { "Nothing fits." }
            } @else {
                div.wide { table.stack {
                    (columns(&[Text("Endpoint"), Text("State"), Text("Cohort"), Number("Generation"), Text("Codex"), Text("Heard")]))
                    tbody {
                        @for one in records {
                            @let (tone, word) = one.last.as_ref().map_or((Tone::Mute, "nothing yet"), |last| endpoint_state(last.state));
                            tr {
                                th scope="row" { a href=(paths::below(paths::ENDPOINTS, one.device.as_str())) { (one.host) } }
                                td data-name="State" { (status(tone, word)) }
                                td data-name="Cohort" { (one.held.as_ref().map_or("", |held| &held.cohort)) }
                                td.num data-name="Generation" { @if let Some(held) = &one.held { (held.generation) } }
                                td data-name="Codex" { (one.codex.join(", ")) }
                                td data-name="Heard" { (ago(one.seen, *now)) }
                            }
                        }
                    }
                } }
                @if let Some(next) = next {
                    form.pages action=(paths::ENDPOINTS) {
                        input type="hidden" name="q" value=(query);
                        input type="hidden" name="after" value=(next);
                        button { "More" }
                    }
                }
            }
        }
    };
    page(frame, Tab::Endpoints, "Endpoints", &body)
}
