//! Releases, and what a bundle changes against the one before.

use jiff::Timestamp;
use maud::{Markup, html};

use super::frame::{Frame, Tab, page};
use super::parts::{
    Column::{Number, Text},
    Source, Tone, ago, chip, columns, digest, many, number, source, status,
};
use super::paths;

/// What the list shows.
#[derive(Clone, Debug)]
pub struct ReleasesView {
    /// The newest bundle of every cohort of this page, in the order of their names.
    pub bundles: Vec<BundleRow>,
    /// How many come before these.
    pub before: usize,
    /// How many there are in all.
    pub total: usize,
    /// The cohort after which the next page begins.
    pub next: Option<String>,
    /// The version of the newest timestamp.
    pub timestamp: Option<u64>,
    /// The moment.
    pub now: Timestamp,
}

/// A bundle in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRow {
    /// The cohort.
    pub cohort: String,
    /// The generation.
    pub generation: u64,
    /// The digest.
    pub digest: String,
    /// The role that signed it.
    pub role: String,
    /// When the server got it.
    pub published: Timestamp,
    /// The commit that last changed it.
    pub commit: Option<String>,
    /// How many endpoints have it.
    pub endpoints: u64,
}

/// What a bundle's page shows.
#[derive(Clone, Debug)]
pub struct DiffView {
    /// The bundle.
    pub bundle: BundleRow,
    /// The generation before; none for the first, and none where the server does not have it.
    pub before: Option<u64>,
    /// The changes, in any order.
    pub changes: Vec<Change>,
    /// Who approved what is looser: the name and where that stands.
    pub approval: Option<String>,
    /// The moment.
    pub now: Timestamp,
}

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// More is allowed.
    Looser,
    /// It cannot be said: whoever reads it decides.
    Incomparable,
    /// Less is allowed.
    Tighter,
    /// No control changes.
    Neutral,
}

impl Direction {
    fn show(self) -> (Tone, &'static str) {
        match self {
            Self::Looser => (Tone::Warn, "looser"),
            Self::Incomparable => (Tone::Mute, "incomparable"),
            Self::Tighter => (Tone::Good, "tighter"),
            Self::Neutral => (Tone::Mute, "neutral"),
        }
    }
}

/// A change of policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// The key, or the file.
    pub key: String,
    /// What was, as TOML.
    pub before: Option<String>,
    /// What is.
    pub after: Option<String>,
    /// What that means, where there is something to say.
    pub meaning: Option<String>,
    /// The line.
    pub source: Option<Source>,
}

/// All bundles.
pub fn releases(frame: &Frame<'_>, view: &ReleasesView) -> String {
    let ReleasesView { bundles, before, total, next, timestamp, now } = view;
    let body = html! {
        div.head { h1 { "Releases" } }
        p.lead {
            "What is signed and published, cohort by cohort"
            @if let Some(version) = timestamp { ", at timestamp " span.num { (version) } }
        }
        section.sheet {
            @if bundles.is_empty() {
                p.soft { "Nothing is published yet. " code { "codex-config publish" } " does that." }
            } @else {
                div.wide { table.stack {
                    (columns(&[Text("Cohort"), Number("Generation"), Text("Bundle"), Text("Signed by"), Text("Commit"), Number("Endpoints"), Text("Published")]))
                    tbody {
                        @for one in bundles {
                            tr {
                                th scope="row" { a href=(place(one)) { (one.cohort) } }
                                td.num data-name="Generation" { (one.generation) }
                                td data-name="Bundle" { (digest(&one.digest)) }
                                td data-name="Signed by" { (one.role) }
                                td data-name="Commit" { @if let Some(commit) = &one.commit { (digest(commit)) } }
                                td.num data-name="Endpoints" { (number(one.endpoints)) }
                                td data-name="Published" { (ago(one.published, *now)) }
                            }
                        }
                    }
                } }
                @if bundles.len() < *total {
                    div.pages {
                        span { "Cohorts " (before + 1) " to " (before + bundles.len()) " of " (total) }
                        @if let Some(next) = next {
                            a href={(paths::RELEASES) "?after=" (paths::escaped(next))} rel="next" { "Next" }
                        }
                    }
                }
            }
        }
    };
    page(frame, Tab::Releases, "Releases", &body)
}

fn place(bundle: &BundleRow) -> String {
    format!("{}/{}", paths::below(paths::RELEASES, &bundle.cohort), bundle.generation)
}

/// A bundle against the one before.
pub fn diff(frame: &Frame<'_>, view: &DiffView) -> String {
    let DiffView { bundle, before, changes, approval, now } = view;
    let count = |direction| changes.iter().filter(|one| one.direction == direction).count() as u64;
    let looser = count(Direction::Looser) + count(Direction::Incomparable);
    let title = format!("{}, generation {}", bundle.cohort, bundle.generation);
    let body = html! {
        p.over { a href=(paths::RELEASES) { "Releases" } " / " (bundle.cohort) }
        div.head {
            h1 { (title) }
            @if looser > 0 { (chip(Tone::Warn, "loosens")) } @else if changes.is_empty() { (chip(Tone::Mute, "no change")) }
            @else { (chip(Tone::Good, "loosens nothing")) }
        }
        p.lead {
            "Published " (ago(bundle.published, *now)) ", signed by " (bundle.role) ", bundle " (digest(&bundle.digest))
            @if let Some(commit) = &bundle.commit { ", commit " (digest(commit)) }
        }
        @if looser > 0 { (approved(approval.as_deref())) }
        section.sheet aria-labelledby="changes" {
            div.title {
                h2 id="changes" {
                    @match before {
                        Some(before) => { "What changes from generation " (before) }
                        None => { "What it says: there is none before it here" }
                    }
                }
                span {
                    (count(Direction::Looser)) " looser, " (count(Direction::Incomparable)) " incomparable, "
                    (count(Direction::Tighter)) " tighter, " (count(Direction::Neutral)) " neutral"
                }
            }
            @if changes.is_empty() { p.soft { "The same policy." } }
            @let sorted = sorted(changes);
            @for one in sorted { (change(one)) }
        }
        p.small.soft { (many(bundle.endpoints, "endpoint has", "endpoints have")) " this generation." }
    };
    page(frame, Tab::Releases, &title, &body)
}

/// What loosens comes first.
fn sorted(changes: &[Change]) -> Vec<&Change> {
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by(|one, other| (one.direction, &one.key).cmp(&(other.direction, &other.key)));
    sorted
}

fn approved(approval: Option<&str>) -> Markup {
    html! {
        @match approval {
            Some(approval) => {
                div.note.good { (status(Tone::Good, "Approved")) p { (approval) } }
            }
            None => {
                div.note.bad {
                    (status(Tone::Bad, "Not approved"))
                    p { "Nobody approved that: endpoints that have the generation before refuse this one." }
                }
            }
        }
    }
}

fn change(change: &Change) -> Markup {
    let Change { direction, key, before, after, meaning, source: place } = change;
    let (tone, word) = direction.show();
    html! {
        div.change {
            div { (status(tone, word)) }
            div {
                b { code { (key) } }
                @if let Some(before) = before { span.was { span.soft { code { (before) } } } }
                @if let Some(after) = after { span.is { code { (after) } } }
                @if let Some(meaning) = meaning { p { (meaning) } }
                @if let Some(place) = place { p { (source(place)) } }
            }
        }
    }
}
