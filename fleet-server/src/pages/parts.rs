//! Small things that pages are made of.

use codex_fleet::check_in;
use codex_fleet::rollout;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::rollout::duration;

/// What something means for whoever looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// On its way.
    Busy,
    /// Worth a look.
    Warn,
    /// Wrong.
    Bad,
    /// Unknown, or over.
    Mute,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Mute => "mute",
        }
    }

    fn glyph(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Busy => "◐",
            Self::Warn => "▲",
            Self::Bad => "✕",
            Self::Mute => "○",
        }
    }
}

/// A status: glyph, word, colour.
pub fn status(tone: Tone, word: &str) -> Markup {
    html! { span.st.(tone.class()) { i aria-hidden="true" { (tone.glyph()) } (word) } }
}

/// A status that stands out.
pub fn chip(tone: Tone, word: &str) -> Markup {
    html! { span.st.chip.(tone.class()) { i aria-hidden="true" { (tone.glyph()) } (word) } }
}

/// How a rollout stands.
pub fn rollout_state(state: rollout::State) -> (Tone, &'static str) {
    match state {
        rollout::State::Running => (Tone::Busy, "running"),
        rollout::State::Baking => (Tone::Busy, "baking"),
        rollout::State::Inconclusive => (Tone::Warn, "inconclusive"),
        rollout::State::Paused => (Tone::Bad, "paused"),
        rollout::State::Aborted => (Tone::Mute, "aborted"),
        rollout::State::Promoted => (Tone::Good, "promoted"),
        rollout::State::PromotedWithFailures => (Tone::Warn, "promoted with failures"),
    }
}

/// How far a bundle has come on an endpoint.
pub fn endpoint_state(state: check_in::State) -> (Tone, &'static str) {
    match state {
        check_in::State::Offered
        | check_in::State::Fetched
        | check_in::State::Verified
        | check_in::State::Installed => (Tone::Busy, state.word()),
        check_in::State::Enforced => (Tone::Good, state.word()),
        check_in::State::Refused => (Tone::Bad, state.word()),
        check_in::State::Stale | check_in::State::Drifted => (Tone::Warn, state.word()),
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub enum Column {
    /// Of words.
    Text(&'static str),
    /// Of numbers, which stand on the right.
    Number(&'static str),
}

/// The head of a table.
pub fn columns(columns: &[Column]) -> Markup {
    html! {
        thead {
            tr {
                @for column in columns {
                    @match column {
                        Column::Text(name) => th scope="col" { (name) },
                        Column::Number(name) => th.num scope="col" { (name) },
                    }
                }
            }
        }
    }
}

/// A share of a whole.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    /// What it means.
    pub tone: Tone,
    /// What it is called.
    pub word: &'static str,
    /// How many.
    pub count: u64,
}

/// A bar of shares, with a sentence for who does not see it.
pub fn bar(shares: &[Share], class: &str) -> Markup {
    let whole: u64 = shares.iter().map(|share| share.count).sum();
    let mut at = 0;
    let mut parts = Vec::new();
    for share in shares {
        // A share that is there is seen, however small it is.
        let exact = (share.count * 10_000).checked_div(whole).unwrap_or(0);
        let width = if share.count > 0 { exact.max(40) } else { 0 };
        parts.push((share.tone, at, width));
        at += width;
    }
    let said: Vec<String> = shares
        .iter()
        .filter(|share| share.count > 0)
        .map(|share| format!("{} {}", number(share.count), share.word))
        .collect();
    html! {
        svg.split.(class) viewBox={"0 0 " (at.max(10_000)) " 10"} preserveAspectRatio="none" role="img"
            aria-label=(said.join(", "))
        {
            @for (tone, x, width) in parts.iter().filter(|(_, _, width)| *width > 0) {
                rect class={"f-" (tone.class())} x=(x) y="0" width=(width) height="10" {}
            }
        }
    }
}

/// What the shares of a bar are.
pub fn legend(shares: &[Share]) -> Markup {
    html! {
        ul.legend {
            @for share in shares {
                li { b { (number(share.count)) } (status(share.tone, share.word)) }
            }
        }
    }
}

/// A number with its thousands apart.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share in percent with one digit: all of it is said of all of it alone.
pub fn tenths(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) => format!("{whole}.{rest} %"),
    }
}

/// A sentence that begins and ends like one.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(char::to_uppercase).into_iter().flatten().collect();
    format!("{first}{}.", letters.as_str())
}

/// A number of things.
pub fn many(count: u64, one: &str, several: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { several })
}

/// A moment, as the time since then; the moment itself is in its title.
pub fn ago(at: Timestamp, now: Timestamp) -> Markup {
    let seconds = now.as_second() - at.as_second();
    let said = match u64::try_from(seconds) {
        Ok(0..60) => "just now".to_owned(),
        Ok(seconds) => {
            let all = duration(seconds);
            let mut words = all.split(' ');
            let rounded: Vec<&str> = words.by_ref().take(2).collect();
            format!("{} ago", rounded.join(" "))
        }
        Err(_) => format!("in {}", duration(seconds.unsigned_abs())),
    };
    html! { time datetime=(at) title=(at) { (said) } }
}

/// A moment, to the minute.
pub fn moment(at: Timestamp) -> Markup {
    let shown = at.strftime("%-d %b %Y, %H:%M");
    html! { time datetime=(at) { (shown) } }
}

/// A digest, short; all of it is in its title.
pub fn digest(text: &str) -> Markup {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let short: String = digits.chars().take(12).collect();
    html! { code title=(text) { (short) } }
}

/// A line of a policy repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The file and the line, as people write them.
    pub place: String,
    /// Where it can be read, where the organisation has said.
    pub link: Option<String>,
    /// Whose line it is, and of what change.
    pub whose: Option<String>,
}

/// A line of a policy repository.
pub fn source(source: &Source) -> Markup {
    let Source { place, link, whose } = source;
    html! {
        @if let Some(link) = link.as_deref().filter(|link| link.starts_with("https://")) {
            a href=(link) rel="noreferrer" { code { (place) } }
        } @else {
            code { (place) }
        }
        @if let Some(whose) = whose { " " span.whose { (whose) } }
    }
}
