//! How many transitions a second become durable, and how long one waits, beside the floor: appending
//! the same bytes to a file with one `fdatasync` for as many.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_fleet::check_in::{Held, State, Transition};
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet_server::store::journal::Entry;
use codex_fleet_server::store::sql::StoreError;
use codex_fleet_server::store::{MOST, Place, Store, status};
use codex_trust::audience::Claims;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::Problem;

/// How many share one sync at most, as in the store.
const GROUP: usize = MOST;
/// How many bytes one takes, about.
const BYTES: usize = 300;
/// How often the floor is measured for its typical sync.
const SYNCS: usize = 100;
/// How often the floor and the store take turns.
const TURNS: u64 = 4;
/// How many machines that are only counted are put in at once.
const PART: u64 = 20_000;

/// Measures durable transitions.
#[derive(clap::Args)]
pub(crate) struct Transitions {
    /// A folder for the file of the floor, and for a database where none is named.
    folder: PathBuf,
    /// How many transitions.
    #[arg(long, default_value_t = 50_000)]
    count: u64,
    /// How many wait at once.
    #[arg(long, default_value_t = 4_096)]
    at_once: usize,
    /// How many come a second when it is measured how long one waits.
    #[arg(long, default_value_t = 5_000)]
    paced: u64,
    /// How many machines there are when the versions are counted.
    #[arg(long, default_value_t = 1_000_000)]
    machines: u64,
    /// A database of PostgreSQL.
    #[arg(long)]
    database: Option<String>,
}

pub(crate) async fn run(arguments: &Transitions) -> Result<(), Problem> {
    let Transitions { folder, count, at_once, paced, machines, database } = arguments;
    let place = match database {
        Some(address) => Place::of(address),
        None => Place::File(folder.join("transitions.sqlite")),
    };
    let opened = tokio::task::spawn_blocking(move || {
        let store = Store::open(&place)?;
        // As in a server.
        store.tend(&place)?;
        Ok::<_, StoreError>(store)
    });
    let store = opened.await??;
    // Machines are enrolled before they report anything.
    throughput(&store, 1, *count, *at_once).await?;
    // One after another, twice: the disk is not alone.
    let (mut bare, mut floors, mut rates, mut settled) = (vec![], vec![], vec![], vec![]);
    for number in 2..2 + TURNS {
        bare.push(appended(folder, *count)?);
        floors.push(floor(folder, *count)?);
        let began = Instant::now();
        rates.push(throughput(&store, number, *count, *at_once).await?);
        store.settle().await?;
        settled.push(rate(*count, began.elapsed())?);
    }
    let sync = syncs(folder)?;
    println!("floor {:.0} {:.0} {}", best(floors), best(bare), sync.as_micros());
    println!("store {:.0} {:.0}", best(rates), best(settled));
    let waits = waits(&store, *count, *paced).await?;
    let sync = sync.max(syncs(folder)?);
    println!(
        "waits {} {} {}",
        at(&waits, 50).as_micros(),
        at(&waits, 99).as_micros(),
        sync.as_micros()
    );
    fill(&store, *machines).await?;
    let mut times = Vec::new();
    let mut cells = 0;
    for _ in 0..SYNCS {
        let began = Instant::now();
        cells = store.read(|tx| status::counters(tx)).await?.len();
        times.push(began.elapsed());
    }
    times.sort();
    println!("counts {} {cells}", at(&times, 50).as_micros());
    Ok(())
}

fn best(rates: Vec<f64>) -> f64 {
    rates.into_iter().fold(0.0, f64::max)
}

fn rate(count: u64, time: Duration) -> Result<f64, Problem> {
    Ok(f64::from(u32::try_from(count)?) / time.as_secs_f64())
}

fn at(sorted: &[Duration], share: usize) -> Duration {
    sorted.get(sorted.len() * share / 100).copied().unwrap_or_default()
}

/// Appending the same transitions as the store keeps, and remembering where each machine stands.
fn floor(folder: &Path, count: u64) -> Result<f64, Problem> {
    let mut file = std::fs::File::create(folder.join("floor"))?;
    let (mut known, mut bytes) = (HashMap::new(), Vec::new());
    let began = Instant::now();
    for (machine, place) in (0..count).zip((1..=GROUP).cycle()) {
        let (identity, told) = (identity(machine), [transition(2)]);
        let Entry(line) = Entry::new(&identity.device, &told, Timestamp::UNIX_EPOCH)?;
        bytes.extend_from_slice(line.as_bytes());
        known.insert(identity.device, 2);
        if place == GROUP {
            file.write_all(&bytes)?;
            file.sync_data()?;
            bytes.clear();
        }
    }
    file.write_all(&bytes)?;
    file.sync_data()?;
    rate(count, began.elapsed())
}

/// Appending so many bytes, whatever they are.
fn appended(folder: &Path, count: u64) -> Result<f64, Problem> {
    let mut file = std::fs::File::create(folder.join("floor"))?;
    let bytes = vec![b'x'; BYTES * GROUP];
    let began = Instant::now();
    for _ in 0..count / u64::try_from(GROUP)? {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    rate(count, began.elapsed())
}

/// The 99th of a hundred syncs of one record each: what a single change waits for.
fn syncs(folder: &Path) -> Result<Duration, Problem> {
    let mut file = std::fs::File::create(folder.join("floor"))?;
    let mut times = Vec::new();
    for _ in 0..SYNCS {
        let began = Instant::now();
        file.write_all(&[b'x'; BYTES])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(at(&times, 99))
}

fn identity(number: u64) -> Identity {
    let mut bytes = [0; 16];
    // Certificates have random numbers: no order may help.
    for (to, from) in bytes.iter_mut().zip(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
    {
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

/// A machine's transition of a number; they go to and fro.
fn transition(number: u64) -> Transition {
    let digest = format!("sha256:{number:064x}");
    let about = Held { cohort: "payments".to_owned(), generation: 1, digest };
    let state = if number.is_multiple_of(2) { State::Installed } else { State::Enforced };
    Transition { at: Timestamp::UNIX_EPOCH, number, about, state, reasons: Vec::new() }
}

/// Makes a machine's next transition durable.
async fn record(store: &Store, machine: u64, number: u64) -> Result<Duration, Problem> {
    let (began, identity, told) = (Instant::now(), identity(machine), vec![transition(number)]);
    if number == 1 {
        // The first word of a machine that the database does not know.
        let kept = move |tx: &mut dyn codex_fleet_server::store::sql::Transaction| {
            status::record(tx, &identity, &told, Timestamp::UNIX_EPOCH)
        };
        store.write(kept).await?;
    } else {
        store.report(Entry::new(&identity.device, &told, Timestamp::UNIX_EPOCH)?).await?;
    }
    Ok(began.elapsed())
}

async fn throughput(
    store: &Store,
    number: u64,
    count: u64,
    at_once: usize,
) -> Result<f64, Problem> {
    let room = Arc::new(Semaphore::new(at_once));
    let began = Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for machine in 0..count {
        let permit = Arc::clone(&room).acquire_owned().await?;
        let store = store.clone();
        asked.spawn(async move {
            let done = record(&store, machine, number).await;
            drop(permit);
            done
        });
        while let Some(done) = asked.try_join_next() {
            done??;
        }
    }
    while let Some(done) = asked.join_next().await {
        done??;
    }
    rate(count, began.elapsed())
}

/// How long each of so many a second waits, over three seconds.
async fn waits(store: &Store, machines: u64, paced: u64) -> Result<Vec<Duration>, Problem> {
    let mut asked = tokio::task::JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    let mut told = 0;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        tick.tick().await;
        let due = u64::try_from(began.elapsed().as_millis())? * paced / 1_000;
        while told < due {
            let (store, machine, number) =
                (store.clone(), told % machines, 2 + TURNS + told / machines);
            asked.spawn(async move { record(&store, machine, number).await });
            told += 1;
        }
    }
    let mut waits = Vec::new();
    while let Some(done) = asked.join_next().await {
        waits.push(done??);
    }
    waits.sort();
    Ok(waits)
}

/// Machines that are in the database and counted, as if each had reported.
async fn fill(store: &Store, machines: u64) -> Result<(), Problem> {
    let there = store
        .read(|tx| {
            tx.query("SELECT COUNT(*) FROM devices", &[])?.first().map_or(Ok(0), |row| row.count(0))
        })
        .await?;
    for from in (there..machines).step_by(usize::try_from(PART)?) {
        let end = (from + PART).min(machines);
        let put = move |tx: &mut dyn codex_fleet_server::store::sql::Transaction| {
            for number in from..end {
                let generation = i64::try_from(number % 5).unwrap_or(0);
                tx.execute(
                    "INSERT INTO devices (device, claims, token, enrolled, last_number, cohort,
                     generation, state) VALUES ($1, '{}', 'load', 0, 1, 'b', $2, 'enforced')",
                    &[format!("{number:032x}").into(), generation.into()],
                )?;
                tx.execute(
                    "INSERT INTO counters (cohort, generation, state, devices)
                     VALUES ('b', $1, 'enforced', 1) ON CONFLICT (cohort, generation, state)
                     DO UPDATE SET devices = counters.devices + 1",
                    &[generation.into()],
                )?;
            }
            Ok(())
        };
        store.write(put).await?;
    }
    Ok(())
}
