//! What must hold of every page, whatever is put into it.

use std::collections::BTreeSet;

use codex_fleet::check_in::{Held, State};
use codex_fleet::identity::DeviceId;
use codex_fleet::request::{Filed, Request, Wanted};
use codex_fleet::rollout::{Entry, Figures, Reason, Status, StrategyName};
use jiff::Timestamp;

use super::audit::{AuditView, Chain, audit};
use super::endpoint::{EndpointView, Event, Setting, endpoint};
use super::endpoints::{EndpointsView, endpoints};
use super::frame::{Frame, May};
use super::login::{Door, login, onward};
use super::overview::{Overview, overview};
use super::own::OwnPage;
use super::parts::{Share, Source, Tone, bar, number, tenths};
use super::releases::{BundleRow, Change, DiffView, Direction, ReleasesView, diff, releases};
use super::requests::{Outcome, RequestView, RequestsView, request, requests};
use super::rollout::{RolloutView, RolloutsView, Told, rollout, rollouts};
use super::{SCRIPT, SHEET, paths};
use crate::reports::{Context, Last, Newest, Record, Report};

/// What somebody would write who wants more than a text.
const NASTY: &str =
    "\"><script>alert(1)</script><img src=x onerror=alert(1)> ' javascript:alert(1)";

fn now() -> Timestamp {
    Timestamp::from_second(1_796_000_000).expect("a time")
}

fn device() -> DeviceId {
    DeviceId::from_random([7; 16])
}

fn frame(may: May) -> Frame<'static> {
    Frame { organisation: NASTY, user: NASTY, may, csrf: "c5rf", version: "0.1.0" }
}

fn record(host: &str) -> Record {
    Record {
        device: device(),
        host: host.to_owned(),
        team: Some(NASTY.to_owned()),
        environment: None,
        groups: BTreeSet::from([NASTY.to_owned()]),
        os: "linux".to_owned(),
        held: Some(Held { cohort: NASTY.to_owned(), generation: 6, digest: NASTY.to_owned() }),
        last: Some(Last {
            generation: 7,
            state: State::Refused,
            reasons: vec![NASTY.to_owned()],
            at: now(),
        }),
        codex: vec![NASTY.to_owned(), "0.110.0".to_owned()],
        seen: now(),
        enforced_at: Some(now()),
    }
}

fn status() -> Status {
    Status {
        cohort: NASTY.to_owned(),
        from: Some(6),
        to: 7,
        digest: NASTY.to_owned(),
        strategy: StrategyName::Canary,
        state: codex_fleet::rollout::State::Paused,
        stage: 2,
        stages: 4,
        share_of_10_000: 500,
        figures: Figures {
            known: 9,
            enforced: 5,
            failed: 2,
            underway: 1,
            silent: 1,
            needed: 8,
            allowed: 1,
        },
        reasons: vec![Reason { text: NASTY.to_owned(), count: 2 }],
        next: NASTY.to_owned(),
        started_by: NASTY.to_owned(),
        started_at: now(),
        history: vec![Entry {
            at: now(),
            by: NASTY.to_owned(),
            state: codex_fleet::rollout::State::Paused,
            text: NASTY.to_owned(),
        }],
    }
}

fn report(records: &[Record]) -> Report {
    let newest = Newest {
        generation: 7,
        committed_at: Some(now()),
        published_at: Timestamp::UNIX_EPOCH,
        requirements: "[permissions.filesystem]\ndeny_read = [\"/a\"]\n".to_owned(),
    };
    let newest = [(NASTY.to_owned(), newest)].into();
    Report::of(records, &Context { newest, now: now() })
}

fn bundle() -> BundleRow {
    BundleRow {
        cohort: NASTY.to_owned(),
        generation: 7,
        digest: NASTY.to_owned(),
        role: NASTY.to_owned(),
        published: now(),
        commit: Some(NASTY.to_owned()),
        endpoints: 3,
    }
}

fn source() -> Source {
    let link = Some("javascript:alert(1)".to_owned());
    Source { place: NASTY.to_owned(), link, whose: Some(NASTY.to_owned()) }
}

fn filed() -> Filed {
    let wants = Wanted::Command { words: vec![NASTY.to_owned()] };
    Filed {
        number: 4,
        device: device(),
        host: NASTY.to_owned(),
        cohort: NASTY.to_owned(),
        at: now(),
        request: Request { wants, days: 3, reason: NASTY.to_owned(), user: Some(NASTY.to_owned()) },
    }
}

fn endpoint_view() -> EndpointView {
    EndpointView {
        record: record(NASTY),
        newest: Some(7),
        hold: Some(6),
        settings: vec![Setting {
            key: NASTY.to_owned(),
            value: NASTY.to_owned(),
            source: Some(source()),
            others: vec![NASTY.to_owned()],
        }],
        lost: vec![(NASTY.to_owned(), NASTY.to_owned())],
        transitions: vec![Event {
            at: now(),
            generation: 7,
            state: State::Refused,
            reasons: vec![NASTY.to_owned()],
        }],
        now: now(),
    }
}

fn trail() -> AuditView {
    let entry = super::audit::Entry {
        number: 1,
        at: now(),
        actor: NASTY.to_owned(),
        action: NASTY.to_owned(),
        subject: NASTY.to_owned(),
        detail: NASTY.to_owned(),
        hash: NASTY.to_owned(),
    };
    AuditView { entries: vec![entry], next: Some(1), chain: Chain::Broken(1) }
}

/// Every page with somebody's worst texts in every place.
fn pages(may: May) -> Vec<(&'static str, String)> {
    let frame = &frame(may);
    let told = Some(Told { tone: Tone::Bad, text: NASTY.to_owned() });
    let change = Change {
        direction: Direction::Looser,
        key: NASTY.to_owned(),
        before: Some(NASTY.to_owned()),
        after: Some(NASTY.to_owned()),
        meaning: Some(NASTY.to_owned()),
        source: Some(source()),
    };
    let records = vec![record(NASTY)];
    let overview_view =
        Overview { report: report(&records), rollouts: vec![status()], requests: 1, now: now() };
    let rollout_view = RolloutView {
        status: status(),
        stages: vec![NASTY.to_owned()],
        told: told.clone(),
        now: now(),
    };
    let waiting = vec![(NASTY.to_owned(), 7)];
    let rollouts_view = RolloutsView { rollouts: vec![status()], waiting, told, now: now() };
    let list = EndpointsView {
        query: NASTY.to_owned(),
        total: 1,
        records,
        next: Some(NASTY.to_owned()),
        now: now(),
    };
    let asked = RequestsView { requests: vec![(filed(), Outcome::Open)], now: now() };
    let file = crate::exceptions::ExceptionFile { path: NASTY.to_owned(), text: NASTY.to_owned() };
    let made = RequestView { filed: filed(), outcome: Outcome::Open, file: Ok(file), now: now() };
    let unfit = RequestView { file: Err(NASTY.to_owned()), ..made.clone() };
    let shown = DiffView {
        bundle: bundle(),
        before: Some(6),
        changes: vec![change],
        approval: Some(NASTY.to_owned()),
        now: now(),
    };
    let all = ReleasesView {
        bundles: vec![bundle()],
        before: 0,
        total: 1,
        next: None,
        timestamp: Some(3),
        now: now(),
    };
    vec![
        ("overview", overview(frame, &overview_view)),
        ("rollout", rollout(frame, &rollout_view)),
        ("rollouts", rollouts(frame, &rollouts_view)),
        ("endpoint", endpoint(frame, &endpoint_view())),
        ("endpoints", endpoints(frame, &list)),
        ("releases", releases(frame, &all)),
        ("release", diff(frame, &shown)),
        ("requests", requests(frame, &asked)),
        ("request", request(frame, &made)),
        ("unfit", request(frame, &unfit)),
        ("audit", audit(frame, &trail())),
        (
            "login",
            login(&Door {
                provider: Some(NASTY),
                refused: Some((NASTY, &[NASTY])),
                page: Some(&OwnPage::default()),
            }),
        ),
        ("signed in", onward(&OwnPage::default())),
    ]
}

/// The opening tags of a page with their attributes, as a browser sees them.
fn tags(page: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        rest = &rest[name.len()..];
        let mut attributes = Vec::new();
        while !name.is_empty() && !rest.starts_with('>') {
            rest = rest.trim_start();
            let key: String = rest.chars().take_while(|one| !" =>".contains(*one)).collect();
            rest = &rest[key.len()..];
            let mut value = String::new();
            if let Some(quoted) = rest.strip_prefix("=\"") {
                let end = quoted.find('"').expect("a closing quote");
                value = quoted[..end].to_owned();
                rest = &quoted[end + 1..];
            }
            attributes.push((key, value));
        }
        if !name.is_empty() {
            tags.push((name, attributes));
        }
    }
    tags
}

#[test]
fn no_text_becomes_markup() {
    for (name, page) in pages(May::Decide) {
        assert_eq!(page.matches("<script").count(), 1, "{name}: the own script and no other");
        assert!(!page.contains("<img"), "{name}");
        for (tag, attributes) in tags(&page) {
            for (key, value) in attributes {
                assert!(!key.starts_with("on") && key != "style", "{name}: {tag} has {key}");
                let goes = matches!(key.as_str(), "href" | "src" | "action");
                assert!(!goes || value.starts_with(['/', '#']), "{name}: {tag} goes to {value}");
            }
        }
    }
}

#[test]
fn links_of_the_policy_go_to_https_alone() {
    let linked = |link: &str| {
        let mut view = endpoint_view();
        view.settings[0].source = Some(Source { link: Some(link.to_owned()), ..source() });
        endpoint(&frame(May::Read), &view)
    };
    assert!(
        linked("https://git.bank.example/policy#L4")
            .contains("href=\"https://git.bank.example/policy#L4\"")
    );
    assert!(!linked("javascript:alert(1)").contains("href=\"javascript"));
    assert!(!linked("http://git.bank.example").contains("href=\"http:"));
}

#[test]
fn every_page_has_its_landmarks_labels_and_one_heading() {
    for (name, page) in pages(May::Decide) {
        let tags = tags(&page);
        let count = |wanted: &str| tags.iter().filter(|(tag, _)| tag == wanted).count();
        assert_eq!((count("main"), count("h1"), count("title")), (1, 1, 1), "{name}");
        assert!(page.contains("<html lang=\"en\">"), "{name}");
        let attribute = |attributes: &[(String, String)], key: &str| {
            attributes.iter().find(|(own, _)| own == key).map(|(_, value)| value.clone())
        };
        let ids: BTreeSet<String> =
            tags.iter().filter_map(|(_, all)| attribute(all, "id")).collect();
        let all = tags.iter().filter(|(_, all)| attribute(all, "id").is_some()).count();
        assert_eq!(ids.len(), all, "{name}: every id once");
        for (tag, all) in &tags {
            let hidden = matches!(attribute(all, "type").as_deref(), Some("hidden" | "radio"));
            if matches!(tag.as_str(), "input" | "select") && !hidden {
                let labelled = attribute(all, "aria-label").is_some()
                    || attribute(all, "id")
                        .is_some_and(|id| page.contains(&format!("for=\"{id}\"")));
                assert!(labelled, "{name}: {all:?}");
            }
            for key in ["aria-labelledby", "aria-describedby"] {
                assert!(attribute(all, key).is_none_or(|id| ids.contains(&id)), "{name}: {all:?}");
            }
            if tag == "svg" {
                let said = attribute(all, "aria-label").is_some()
                    || attribute(all, "aria-hidden").is_some();
                assert!(said, "{name}: a picture without words");
            }
        }
    }
}

#[test]
fn every_form_that_changes_something_carries_its_proof() {
    for (name, page) in pages(May::Decide) {
        // The way in has no session that another site could use.
        let posts = page.matches("method=\"post\"").count() - usize::from(name == "login");
        assert_eq!(page.matches("name=\"csrf\" value=\"c5rf\"").count(), posts, "{name}");
    }
}

#[test]
fn who_may_only_look_sees_no_way_to_decide() {
    for (name, page) in pages(May::Read) {
        let most = 1;
        assert!(page.matches("method=\"post\"").count() <= most, "{name}: signing out alone");
    }
}

#[test]
fn the_first_page_is_small_for_a_hundred_thousand_endpoints() {
    let records: Vec<Record> = (0..100_000_u32)
        .map(|number| {
            let mut one = record(&format!("pay-{number}.bank.example"));
            if let (Some(held), Some(last)) = (&mut one.held, &mut one.last) {
                held.cohort = format!("cohort-{}", number % 400);
                last.reasons = vec![format!("reason {} {}", number % 500, "x".repeat(300))];
            }
            one
        })
        .collect();
    let rollouts = vec![status(); 4];
    let view = Overview { report: report(&records), rollouts, requests: 9, now: now() };
    let clock = std::time::Instant::now();
    let page = overview(&frame(May::Decide), &view);
    println!("the first page: {} bytes in {:?}", page.len(), clock.elapsed());
    let all = page.len() + SHEET.len() + SCRIPT.len();
    assert!(all <= 100_000, "{all} bytes with sheet and script");
}

#[test]
fn bars_show_what_is_small_and_numbers_are_read_easily() {
    let share = |tone, count| Share { tone, word: "of them", count };
    let shown = bar(&[share(Tone::Good, 99_999), share(Tone::Bad, 1)], "").into_string();
    assert!(shown.contains("class=\"f-bad\""), "{shown}");
    assert!(shown.contains("aria-label=\"99,999 of them, 1 of them\""), "{shown}");
    assert_eq!(number(1_234_567), "1,234,567");
    assert_eq!(
        (tenths(9_999, 10_000), tenths(1, 1), tenths(0, 0)),
        ("99.9 %".into(), "100 %".into(), "0 %".into())
    );
    assert_eq!(paths::below(paths::ROLLOUTS, "../a?b"), "/ui/rollouts/%2E%2E%2Fa%3Fb");
}

/// The contrast of two colours, as the WCAG define it.
fn contrast(one: &str, other: &str) -> f64 {
    let light = |colour: &str| {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (one, other) = (light(one), light(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn every_text_can_be_read_light_and_dark() {
    let (light, dark) = SHEET.split_once("@media (prefers-color-scheme: dark)").expect("both");
    let dark = dark.split_once("*, *::before").expect("the rules").0;
    for (mode, sheet) in [("light", light), ("dark", dark)] {
        let colour = |name: &str| {
            let start = sheet.find(&format!("--{name}: #")).expect(name) + name.len() + 4;
            sheet[start..start + 7].to_owned()
        };
        let texts = ["ink", "soft", "link", "good", "busy", "warn", "bad", "mute"];
        for ground in ["ground", "sheet", "sunken"] {
            for text in texts {
                let ratio = contrast(&colour(text), &colour(ground));
                assert!(ratio >= 4.5, "{mode}: {text} on {ground} has {ratio:.2}");
            }
        }
        for tone in ["good", "busy", "warn", "bad"] {
            let wash = colour(&format!("{tone}-wash"));
            for text in [tone, "ink", "soft", "link"] {
                let ratio = contrast(&colour(text), &wash);
                assert!(ratio >= 4.5, "{mode}: {text} on the wash of {tone} has {ratio:.2}");
            }
        }
    }
}

#[test]
fn a_page_of_releases_says_how_many_there_are() {
    let frame = frame(May::Read);
    let one = |next: Option<&str>, total| ReleasesView {
        bundles: vec![bundle()],
        before: 200,
        total,
        next: next.map(str::to_owned),
        timestamp: Some(3),
        now: now(),
    };
    let text = releases(&frame, &one(Some("a b&c"), 700));
    assert!(text.contains("Cohorts 201 to 201 of 700"), "{text}");
    assert!(text.contains("/ui/releases?after=a%20b%26c"), "{text}");
    assert!(!releases(&frame, &one(None, 1)).contains("Cohorts"), "all of them are on it");
}
