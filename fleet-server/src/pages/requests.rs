//! What people ask to be allowed, and the exception file that an operator makes of it.

use codex_fleet::request::Filed;
use jiff::Timestamp;
use maud::html;

use super::frame::{Frame, May, Tab, csrf_field, page};
use super::parts::{
    Column::{Number, Text},
    Tone, ago, chip, columns, many, sentence, status,
};
use super::paths;
use crate::exceptions::ExceptionFile;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It waits.
    Open,
    /// A file was made of it.
    Granted,
    /// It was declined.
    Declined,
}

/// What the list shows.
#[derive(Clone, Debug)]
pub struct RequestsView {
    /// The requests, the newest first, with what became of them.
    pub requests: Vec<(Filed, Outcome)>,
    /// The moment.
    pub now: Timestamp,
}

/// What a request's page shows.
#[derive(Clone, Debug)]
pub struct RequestView {
    /// The request.
    pub filed: Filed,
    /// What became of it.
    pub outcome: Outcome,
    /// The file, or why there is none.
    pub file: Result<ExceptionFile, String>,
    /// The moment.
    pub now: Timestamp,
}

fn shown(outcome: Outcome) -> (Tone, &'static str) {
    match outcome {
        Outcome::Open => (Tone::Busy, "open"),
        Outcome::Granted => (Tone::Good, "file made"),
        Outcome::Declined => (Tone::Mute, "declined"),
    }
}

/// Who asks: the machine by its certificate, the user by the machine's word.
fn from(filed: &Filed) -> String {
    let Filed { host, request, .. } = filed;
    request.user.as_ref().map_or_else(|| host.clone(), |user| format!("{user} at {host}"))
}

/// All requests.
pub fn requests(frame: &Frame<'_>, view: &RequestsView) -> String {
    let RequestsView { requests, now } = view;
    let open = requests.iter().filter(|(_, outcome)| *outcome == Outcome::Open).count() as u64;
    let body = html! {
        div.head { h1 { "Requests" } }
        p.lead {
            (many(open, "request is", "requests are")) " open. A request loosens nothing: it becomes a file, and the file a change that is reviewed, compiled, approved and signed."
        }
        section.sheet {
            @if requests.is_empty() {
                p.soft { "Nobody has asked for anything. People ask at their machines, with " code { "codex-config request" } "." }
            } @else {
                div.wide { table.stack {
                    (columns(&[Number("Number"), Text("Asks for"), Text("Why"), Text("From"), Number("Days"), Text("State")]))
                    tbody {
                        @for (filed, outcome) in requests {
                            @let (tone, word) = shown(*outcome);
                            tr {
                                th.num scope="row" { a href=(format!("{}/{}", paths::REQUESTS, filed.number)) { (filed.number) } }
                                td data-name="Asks for" { code { (filed.request.wants.line()) } }
                                td data-name="Why" { (filed.request.reason) }
                                td data-name="From" { div { (from(filed)) br; span.small.soft { (filed.cohort) ", " (ago(filed.at, *now)) } } }
                                td.num data-name="Days" { (filed.request.days) }
                                td data-name="State" { (status(tone, word)) }
                            }
                        }
                    }
                } }
            }
        }
    };
    page(frame, Tab::Requests, "Requests", &body)
}

/// A request.
pub fn request(frame: &Frame<'_>, view: &RequestView) -> String {
    let RequestView { filed, outcome, file, now } = view;
    let (tone, word) = shown(*outcome);
    let here = format!("{}/{}", paths::REQUESTS, filed.number);
    let body = html! {
        p.over { a href=(paths::REQUESTS) { "Requests" } " / " (filed.number) }
        div.head { h1 { "Request " (filed.number) } (chip(tone, word)) }
        p.lead { (filed.request.wants.line()) }
        section.sheet aria-labelledby="asked" {
            h2 id="asked" { "What is asked" }
            dl.facts {
                dt { "From" } dd {
                    a href=(paths::below(paths::ENDPOINTS, filed.device.as_str())) { (from(filed)) } ", cohort " (filed.cohort) ", " (ago(filed.at, *now))
                }
                dt { "Why" } dd { (filed.request.reason) }
                dt { "For" } dd { (many(filed.request.days.into(), "day", "days")) }
            }
        }
        @match file {
            Ok(file) => {
                section.sheet aria-labelledby="file" {
                    div.title { h2 id="file" { "The exception" } span { code { (file.path) } } }
                    pre { code { (file.text) } }
                    p.small.soft { br; "Put it into the policy repository as a change of its own. Nothing is loosened before that is merged, compiled, approved and signed." }
                    @if frame.may == May::Decide && *outcome == Outcome::Open {
                        form.acts method="post" action=(here) {
                            (csrf_field(frame.csrf))
                            button.main name="act" value="grant" { "Download the file" }
                            button name="act" value="decline" { "Decline" }
                        }
                    }
                }
            }
            Err(why) => {
                div.note.warn { (status(Tone::Warn, "No exception")) p { (sentence(why)) } }
                @if frame.may == May::Decide && *outcome == Outcome::Open {
                    form.acts method="post" action=(here) {
                        (csrf_field(frame.csrf))
                        button name="act" value="decline" { "Decline" }
                    }
                }
            }
        }
    };
    page(frame, Tab::Requests, &format!("Request {}", filed.number), &body)
}
