//! Writes every page of the dashboard with made-up figures into a folder, to be looked at:
//! `cargo run --example pages -- FOLDER`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a tool for developers, who see where it fails"
)]

mod fixtures;

use std::path::Path;
use std::time::Instant;

use codex_fleet::check_in::State;
use codex_fleet::rollout::{Act, Ask, StrategyName};
use codex_fleet_server::exceptions::{Desk, exception_file};
use codex_fleet_server::pages::audit::audit;
use codex_fleet_server::pages::endpoint::{EndpointView, Event, endpoint};
use codex_fleet_server::pages::endpoints::{EndpointsView, endpoints};
use codex_fleet_server::pages::frame::{Frame, May};
use codex_fleet_server::pages::login::{Door, login};
use codex_fleet_server::pages::overview::{Overview, overview};
use codex_fleet_server::pages::parts::Tone;
use codex_fleet_server::pages::releases::{BundleRow, DiffView, ReleasesView, diff, releases};
use codex_fleet_server::pages::requests::{RequestView, RequestsView, request, requests};
use codex_fleet_server::pages::rollout::{RolloutView, RolloutsView, Told, rollout, rollouts};
use codex_fleet_server::pages::{ICON, SCRIPT, SHEET};
use codex_fleet_server::reports::{Record, Report};
use codex_fleet_server::rollout::act;

use fixtures::{
    COHORTS, Dice, REQUIREMENTS, asked, before, changes, context, digest_of, fleet, now, settings,
    stages, story, trail,
};

struct Out<'folder>(&'folder Path);

impl Out<'_> {
    fn put(&self, name: &str, make: impl Fn() -> String) {
        let clock = Instant::now();
        let page = make();
        println!("{name:<16} {:>7} bytes in {:?}", page.len(), clock.elapsed());
        std::fs::write(self.0.join(format!("{name}.html")), page.replace("/ui/assets/", ""))
            .expect("the folder can be written");
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder to write to");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder).expect("a folder");
    for (name, text) in [("fleet.css", SHEET), ("fleet.js", SCRIPT), ("icon.svg", ICON)] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let out = Out(folder);
    let mut dice = Dice(0x5eed);
    let records = fleet(&mut dice);
    let clock = Instant::now();
    let report = Report::of(&records, &context());
    println!("report of {} endpoints in {:?}", records.len(), clock.elapsed());
    let frame = Frame {
        organisation: "Example Bank",
        user: "kim",
        may: May::Decide,
        csrf: "0123456789abcdef",
        version: env!("CARGO_PKG_VERSION"),
    };
    let (running, running_rollout) = story("payments", 31, (9_800, 8), StrategyName::Canary, 120);
    let (paused, paused_rollout) =
        story("data-science", 9, (65_000, 110), StrategyName::Canary, 300);
    let (promoted, _) = story("ci", 18, (16_000, 1), StrategyName::AllAtOnce, 60);
    let view = Overview {
        report,
        rollouts: vec![running.clone(), paused.clone()],
        requests: 2,
        now: now(),
    };
    out.put("overview", || overview(&frame, &view));
    let view = RolloutView {
        status: running.clone(),
        stages: stages(&running_rollout),
        told: None,
        now: now(),
    };
    out.put("rollout", || rollout(&frame, &view));
    let view = RolloutView {
        status: paused.clone(),
        stages: stages(&paused_rollout),
        told: None,
        now: now(),
    };
    out.put("rollout-paused", || rollout(&frame, &view));
    let ask = Ask { cohort: "data-science".to_owned(), act: Act::Pause, reason: String::new() };
    let refusal =
        act(Some(&paused_rollout), &ask, 0, "kim", now()).expect_err("it is paused already");
    let view = RolloutsView {
        rollouts: vec![running, paused, promoted],
        waiting: vec![("developers".to_owned(), 12), ("platform".to_owned(), 22)],
        told: Some(Told { tone: Tone::Bad, text: refusal.to_string() }),
        now: now(),
    };
    out.put("rollouts", || rollouts(&frame, &view));
    rest(&out, &frame, &records, &mut dice);
}

fn rest(out: &Out<'_>, frame: &Frame<'_>, records: &[Record], dice: &mut Dice) {
    let one = records.iter().find(|one| one.host.starts_with("pay") && one.codex == ["0.110.0"]);
    let record = one.or_else(|| records.first()).cloned().expect("an endpoint");
    let event = |minutes: u64, generation, state, reasons: &[&str]| Event {
        at: before(minutes * 60),
        generation,
        state,
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
    };
    let view = EndpointView {
        record,
        newest: Some(31),
        hold: None,
        settings: settings(),
        lost: vec![("0.110.0".to_owned(), "permissions".to_owned())],
        transitions: vec![
            event(
                14,
                31,
                State::Refused,
                &["codex 0.110.0 does not know permissions: it would ignore that in silence"],
            ),
            event(15, 31, State::Verified, &[]),
            event(15, 31, State::Fetched, &[]),
            event(20_000, 30, State::Enforced, &[]),
            event(20_000, 30, State::Installed, &[]),
        ],
        now: now(),
    };
    out.put("endpoint", || endpoint(frame, &view));
    let view = EndpointsView {
        query: "pay".to_owned(),
        total: 9_800,
        records: records
            .iter()
            .filter(|one| one.host.starts_with("pay"))
            .take(50)
            .cloned()
            .collect(),
        next: Some("x".to_owned()),
        now: now(),
    };
    out.put("endpoints", || endpoints(frame, &view));
    let bundle = |(cohort, _, endpoints, generation): (&str, &str, u64, u64)| BundleRow {
        cohort: cohort.to_owned(),
        generation,
        digest: digest_of(generation),
        role: if cohort == "payments" { "team-payments" } else { "organisation" }.to_owned(),
        published: before(7_160 + generation * 4_000),
        commit: Some("3f9c2d1a77e04bd0a1b2c3d4e5f60718293a4b5c".to_owned()),
        endpoints,
    };
    let view = ReleasesView {
        bundles: COHORTS.map(bundle).to_vec(),
        before: 0,
        total: COHORTS.len(),
        next: None,
        timestamp: Some(218),
        now: now(),
    };
    out.put("releases", || releases(frame, &view));
    let view = DiffView {
        bundle: bundle(("payments", "", 9_240, 31)),
        before: Some(30),
        changes: changes(),
        approval: Some("Approved by head-of-security on 25 Nov 2026 (SEC-2201), from generation 30 to this one.".to_owned()),
        now: now(),
    };
    out.put("release", || diff(frame, &view));
    asked_for(out, frame, dice);
}

fn asked_for(out: &Out<'_>, frame: &Frame<'_>, dice: &mut Dice) {
    let view = RequestsView { requests: asked(), now: now() };
    out.put("requests", || requests(frame, &view));
    let (filed, outcome) = asked().swap_remove(0);
    let day = jiff::civil::date(2026, 11, 26);
    let desk = Desk { owner: "kim@bank.example", today: day, requirements: REQUIREMENTS };
    let file = exception_file(&filed, &desk).map_err(|why| why.to_string());
    let view = RequestView { filed, outcome, file, now: now() };
    out.put("request", || request(frame, &view));
    let view = trail(dice);
    out.put("audit", || audit(frame, &view));
    out.put("login", || {
        login(&Door {
            provider: Some("Example ID"),
            refused: Some(("this token is not known here, or has expired", &[])),
            page: None,
        })
    });
}
