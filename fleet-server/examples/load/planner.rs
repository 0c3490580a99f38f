//! A server with very many machines in its database: what a step of the planner costs, and the first
//! page of the dashboard.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use codex_fleet::rollout::{Start, StrategyName};
use codex_fleet_server::config::Config;
use codex_fleet_server::fleet::{Fleet, NoHolds};
use codex_fleet_server::store::sql::{StoreError, Transaction};
use codex_fleet_server::store::tokens::{Grant, Role};
use codex_fleet_server::{issue, rolling, server};
use jiff::Timestamp;
use serde_json::json;

use crate::Problem;
use crate::client::{connector, request};

/// Ten parts, so that the others get in between.
const PARTS: u64 = 10;
/// How often a step and a page are measured.
const ROUNDS: usize = 9;

/// Measures the planner and the dashboard.
#[derive(clap::Args)]
pub(crate) struct Planner {
    /// The configuration of a server, in which there is a release.
    config: PathBuf,
    /// The authority behind it, PEM.
    authority: PathBuf,
    /// The cohort that all machines are of, and their team.
    cohort: String,
    /// How many machines.
    #[arg(long, default_value_t = 100_000)]
    machines: u64,
}

pub(crate) async fn run(arguments: &Planner) -> Result<(), Problem> {
    let Planner { config, authority, cohort, machines } = arguments;
    let mut config = Config::load(config)?;
    config.listen.tls = vec!["127.0.0.1:0".parse()?];
    config.listen.plain.clear();
    config.rollouts.step_milliseconds = 300_000;
    let running = server::serve(config, Arc::new(NoHolds)).await?;
    let fleet = Arc::clone(&running.fleet);
    for part in 0..PARTS {
        let (from, end) = (machines / PARTS * part, machines / PARTS * (part + 1));
        let (team, organisation) = (cohort.clone(), fleet.config.organisation.clone());
        let put = move |tx: &mut dyn Transaction| fill(tx, from..end, &team, &organisation);
        fleet.store.write(put).await?;
    }
    step(&fleet, cohort).await?;
    let address = running.tls.first().copied().ok_or("no address")?;
    let connector = connector(&std::fs::read(authority)?, None)?;
    let (_, secret) =
        issue::access(&fleet.store, (Grant::Admin(Role::Viewer), "load"), None, "load").await?;
    fleet.load().await?;
    let login = format!("token={}", secret.text());
    let head = "POST /ui/login HTTP/1.1\r\nOrigin: https://localhost\r\n\
         Content-Type: application/x-www-form-urlencoded";
    let (head, _) = request(address, &connector, head, login.as_bytes()).await?;
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next());
    let cookie = cookie.ok_or("nobody was signed in")?;
    let head = format!("GET /ui HTTP/1.1\r\nCookie: {cookie}");
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..=ROUNDS {
        let before = served(&fleet);
        let (head, body) = request(address, &connector, &head, b"").await?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("no page: {head}").into());
        }
        bytes = body.len();
        times.push(served(&fleet) - before);
    }
    // The first one makes the report.
    let cold = times.remove(0);
    times.sort_unstable();
    println!("page {bytes} {cold} {}", times.get(ROUNDS / 2).unwrap_or(&0));
    running.stop().await;
    Ok(())
}

async fn step(fleet: &Arc<Fleet>, cohort: &str) -> Result<(), Problem> {
    let tree = Arc::clone(&fleet.snapshot().tree);
    let generation = rolling::of_cohort(&tree, cohort).ok_or("no such cohort")?.label.generation;
    let start = Start {
        cohort: cohort.to_owned(),
        generation,
        strategy: StrategyName::Canary,
        volunteers: None,
        bake_seconds: None,
        minimum_sample: None,
        failures_of_10_000: None,
        reason: String::new(),
    };
    rolling::start(fleet, start, "load").await?;
    let mut times = Vec::new();
    for _ in 0..=ROUNDS {
        let began = Instant::now();
        rolling::tick(fleet).await?;
        times.push(began.elapsed().as_micros());
    }
    // The first one gives everybody a seat.
    let cold = times.remove(0);
    times.sort_unstable();
    println!("step {cold} {}", times.get(ROUNDS / 2).unwrap_or(&0));
    Ok(())
}

/// Microseconds that the server has spent on pages.
fn served(fleet: &Fleet) -> u64 {
    let text = fleet.metrics.text(fleet.standing());
    let wanted = "codex_fleet_request_microseconds_total{action=\"Page\",status=\"200\"} ";
    text.lines().find_map(|line| line.strip_prefix(wanted)?.parse().ok()).unwrap_or(0)
}

fn fill(
    tx: &mut dyn Transaction,
    numbers: std::ops::Range<u64>,
    team: &str,
    organisation: &str,
) -> Result<(), StoreError> {
    for number in numbers {
        let device = format!("{number:032x}");
        let claims = json!({
            "organisation": organisation, "team": team, "groups": ["laptops"],
            "os": "linux", "host": format!("host-{number}.bank.example"),
        });
        let held = json!({ "cohort": team, "generation": 1, "digest": "sha256:00" });
        let state = if number % 100 == 0 { "drifted" } else { "enforced" };
        tx.execute(
            "INSERT INTO devices (device, claims, token, enrolled, last_number, cohort,
             generation, state, state_at, seen, agent, codex, installed)
             VALUES ($1, $2, 'load', 0, 1, $3, 1, $4, 0, $5, '0.1.0', '[\"0.169.0\"]', $6)",
            &[
                device.as_str().into(),
                claims.to_string().into(),
                team.into(),
                state.into(),
                Timestamp::now().as_millisecond().into(),
                held.to_string().into(),
            ],
        )?;
        tx.execute(
            "INSERT INTO transitions (device, number, at, received, cohort, generation,
             digest, state, reasons) VALUES ($1, 1, 0, 0, $2, 1, 'sha256:00', $3, '[]')",
            &[device.into(), team.into(), state.into()],
        )?;
    }
    Ok(())
}
