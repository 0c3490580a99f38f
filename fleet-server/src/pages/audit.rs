//! Who did what.

use jiff::Timestamp;
use maud::html;

use super::frame::{Frame, Tab, page};
use super::parts::{
    Column::{Number, Text},
    Tone, columns, digest, moment, status,
};
use super::paths;

/// How many entries a page has.
pub const PAGE: usize = 100;

/// What the trail shows.
#[derive(Clone, Debug)]
pub struct AuditView {
    /// The entries of this page, the newest first.
    pub entries: Vec<Entry>,
    /// The number before which the next page begins, if there is one.
    pub next: Option<u64>,
    /// Whether every entry still follows from the one before.
    pub chain: Chain,
}

/// Whether the trail is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// The entries of this page follow from each other.
    Whole,
    /// One does not: its number.
    Broken(u64),
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub subject: String,
    /// What else was noted.
    pub detail: String,
    /// Its hash, which the next entry contains.
    pub hash: String,
}

/// The trail.
pub fn audit(frame: &Frame<'_>, view: &AuditView) -> String {
    let AuditView { entries, next, chain } = view;
    let body = html! {
        div.head { h1 { "Audit" } }
        p.lead { "Everything that was changed on this server. Every entry contains the hash of the one before it." }
        @match chain {
            Chain::Whole => {}
            Chain::Broken(number) => {
                div.note.bad role="alert" {
                    (status(Tone::Bad, "Broken"))
                    p { "Entry " (number) " does not follow from the one before it: the trail was changed." }
                }
            }
        }
        section.sheet {
            @if entries.is_empty() {
                p.soft { "Nothing has happened yet." }
            } @else {
                div.wide { table.stack {
                    (columns(&[Number("Number"), Text("When"), Text("Who"), Text("What"), Text("On"), Text("Hash")]))
                    tbody {
                        @for one in entries {
                            tr {
                                td.num data-name="Number" { (one.number) }
                                td data-name="When" { (moment(one.at)) }
                                td data-name="Who" { (one.actor) }
                                td data-name="What" { div { (one.action) @if !one.detail.is_empty() { br; span.small.soft { (one.detail) } } } }
                                td data-name="On" { (one.subject) }
                                td data-name="Hash" { (digest(&one.hash)) }
                            }
                        }
                    }
                } }
                div.pages {
                    @match chain {
                        Chain::Whole => { (status(Tone::Good, "these entries follow from each other")) }
                        Chain::Broken(_) => { span {} }
                    }
                    @if let Some(next) = next { a href={(paths::AUDIT) "?before=" (next)} rel="next" { "Older" } }
                }
            }
        }
    };
    page(frame, Tab::Audit, "Audit", &body)
}
