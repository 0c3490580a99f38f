//! How many transitions a second become durable, and how long one waits, beside the floor: appending
//! the same bytes to a file with one `fdatasync` for as many. For benchmarks, by hand.
//!
//! ```text
//! transitions FOLDER|postgres://… COUNT AT-ONCE
//! ```

#![allow(clippy::print_stdout, reason = "a program to be looked at")]

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_fleet::check_in::{Held, State, Transition};
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet_server::store::{Place, Store, status};
use codex_trust::audience::Claims;
use jiff::Timestamp;
use tokio::sync::Semaphore;

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// How many share one sync at most, as in the store.
const GROUP: u64 = 512;

fn identity(number: u64) -> Identity {
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *to = from;
    }
    Identity {
        device: DeviceId::from_random(bytes),
        claims: Claims {
            organisation: "Example Bank".to_owned(),
            team: Some("payments".to_owned()),
            environment: None,
            groups: std::collections::BTreeSet::new(),
            os: "linux".to_owned(),
            host: format!("host-{number}.bank.example"),
        },
    }
}

fn floor(folder: &Path, count: u64, at_once: u64) -> Result<Duration, Problem> {
    let mut file = std::fs::File::create(folder.join("floor"))?;
    let group = GROUP.min(at_once);
    let bytes = vec![b'x'; 300 * usize::try_from(group)?];
    let began = Instant::now();
    for _ in 0..count / group {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    Ok(began.elapsed())
}

#[tokio::main]
async fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [place, count, at_once] = arguments.as_slice() else {
        return Err("transitions FOLDER|postgres://… COUNT AT-ONCE".into());
    };
    let (count, at_once): (u64, u64) = (count.parse()?, at_once.parse()?);
    let store = match Place::of(place) {
        Place::Address(address) => Store::open(&Place::Address(address))?,
        Place::File(folder) => {
            let time = floor(&folder, count, at_once)?;
            println!(
                "floor: {:.0} a second",
                f64::from(u32::try_from(count)?) / time.as_secs_f64()
            );
            Store::open(&Place::File(folder.join("transitions.sqlite")))?
        }
    };
    let room = Arc::new(Semaphore::new(usize::try_from(at_once)?));
    let began = Instant::now();
    let mut asked = Vec::new();
    for number in 0..count {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let store = store.clone();
        asked.push(tokio::spawn(async move {
            let about =
                Held { cohort: "a".to_owned(), generation: 1, digest: "sha256:0".to_owned() };
            let one = Transition {
                at: Timestamp::UNIX_EPOCH,
                number: 1,
                about,
                state: State::Enforced,
                reasons: Vec::new(),
            };
            let (began, identity, told) = (Instant::now(), identity(number), vec![one]);
            let done =
                store.write(move |tx| status::record(tx, &identity, &told, Timestamp::UNIX_EPOCH));
            let done = done.await;
            drop(permit);
            done.map(|_| began.elapsed())
        }));
    }
    let mut times = Vec::new();
    for one in asked {
        times.push(one.await??);
    }
    let time = began.elapsed();
    times.sort();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "store: {:.0} a second; an answer after {:.1?} (half), {:.1?} (99 of 100)",
        f64::from(u32::try_from(count)?) / time.as_secs_f64(),
        at(50),
        at(99)
    );
    let began = Instant::now();
    let cells = store.read(|tx| status::counters(tx)).await?;
    println!("counters: {} in {:.1?}", cells.len(), began.elapsed());
    Ok(())
}
