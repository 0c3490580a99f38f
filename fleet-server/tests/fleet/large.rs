//! A hundred thousand machines in the database: what a step of the planner and the first page cost.

use std::time::{Duration, Instant};

use codex_fleet_server::rolling;
use codex_fleet_server::store::tokens::Role;
use serde_json::json;

use crate::rollouts::{Browser, bank, publish};
use crate::support::STRICT;

const MACHINES: u32 = 100_000;

/// Ten parts, so that the others get in between.
const PARTS: u32 = 10;

#[test]
fn a_hundred_thousand_machines_cost_little() {
    let (bank, mut publisher, _) = bank(1);
    let fleet = bank.fleet.fleet().unwrap().clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for part in 0..PARTS {
        let filled = fleet.store.write(move |tx| {
            for number in (MACHINES / PARTS * part)..(MACHINES / PARTS * (part + 1)) {
                let device = format!("{number:032x}");
                let claims = json!({
                    "organisation": "Example Bank", "team": "payments", "groups": ["laptops"],
                    "os": "linux", "host": format!("pay-{number}.bank.example"),
                });
                let held = json!({ "cohort": "payments", "generation": 1, "digest": "sha256:00" });
                let (claims, held) = (claims.to_string(), held.to_string());
                let state = if number % 100 == 0 { "drifted" } else { "enforced" };
                tx.execute(
                    "INSERT INTO devices (device, claims, token, enrolled, last_number, cohort,
                     generation, state, state_at, seen, agent, codex, installed)
                     VALUES ($1, $2, 'test', 0, 1, 'payments', 1, $3, 0, $4, '0.1.0',
                     '[\"0.169.0\"]', $5)",
                    &[
                        device.as_str().into(),
                        claims.into(),
                        state.into(),
                        jiff::Timestamp::now().as_millisecond().into(),
                        held.into(),
                    ],
                )?;
                tx.execute(
                    "INSERT INTO transitions (device, number, at, received, cohort, generation,
                     digest, state, reasons) VALUES ($1, 1, 0, 0, 'payments', 1, 'sha256:00', $2, '[]')",
                    &[device.into(), state.into()],
                )?;
            }
            Ok(())
        });
        runtime.block_on(filled).unwrap();
    }
    publish(&bank, &mut publisher, STRICT);
    let operator = bank.operator();
    let body = json!({ "cohort": "payments", "generation": 2, "strategy": "canary" });
    assert_eq!(operator.post("/v1/admin/rollouts", &body).status, 201);
    let began = Instant::now();
    let mut status = json!(null);
    while status["stage"] != 1 && began.elapsed() < Duration::from_mins(1) {
        status = operator.get("/v1/admin/rollouts/payments").json();
    }
    // One percent, less what does not fit into whole buckets.
    let known = status["figures"]["known"].as_u64().unwrap();
    assert!((980..=1_001).contains(&known), "{known}");
    // The seats are known now: this is what every further step costs.
    let clock = Instant::now();
    runtime.block_on(rolling::tick(&fleet)).unwrap();
    let step = clock.elapsed();

    let browser = Browser::sign_in(&bank, Role::Viewer);
    let clock = Instant::now();
    let first = browser.get("/ui");
    let cold = clock.elapsed();
    assert_eq!(first.status, 200);
    let clock = Instant::now();
    let page = browser.get("/ui");
    let warm = clock.elapsed();
    eprintln!(
        "{MACHINES} machines in the database: a step {step:?}, the first page {} bytes, {cold:?} when its \
         report is made anew and {warm:?} when it is not",
        page.body.len()
    );
    assert!(page.body.len() <= 100_000);
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.contains("100,001 endpoints"), "all of them are in it");
}
