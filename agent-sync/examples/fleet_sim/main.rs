//! Many machines in one process, against a real server: each has the agent's own core, client,
//! transport and verification. Its disk is memory, and its Codex agrees with everything. For
//! benchmarks: `cargo xtask bench agents`.
//!
//! ```text
//! fleet_sim SERVER AUTHORITY.pem TOKEN-FILE ROOT.json COUNT SECONDS
//! ```
//!
//! The machines are switched on one after the other, over so many seconds.
//!
//! Standard output has `enrolled` once, and then `enforced GENERATION MILLISECONDS` whenever the
//! server has taken the word of a machine that a generation is enforced, with the time of day.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program to be looked at")]

mod machine;

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use codex_agent_sync::client::Client;
use codex_agent_sync::fetcher::hints_to_loop;
use codex_agent_sync::transport::{ClientIdentity, Pace, Settings};
use codex_fleet::enrolment::Request;
use machine::{Machine, Place};
use rcgen::{CertificateParams, KeyPair};

type Problem = Box<dyn std::error::Error + Send + Sync>;

/// How many machines are enrolled at once.
const AT_ONCE: usize = 32;
/// What a machine's threads need.
const STACK: usize = 512 * 1024;

fn main() -> Result<(), Problem> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, authority, token, root, count, seconds] = arguments.as_slice() else {
        return Err("fleet_sim SERVER AUTHORITY.pem TOKEN-FILE ROOT.json COUNT SECONDS".into());
    };
    let place = Arc::new(Place {
        server: server.clone(),
        root: std::fs::read(root)?,
        settings: Settings {
            metadata: format!("{server}/release/metadata"),
            targets: format!("{server}/release/targets"),
            proxy: None,
            authorities: Some(std::fs::read(authority)?),
            identity: None,
            pace: Pace::default(),
        },
    });
    let token = std::fs::read_to_string(token)?.trim().to_owned();
    let machines = enrolled(&place, &token, count.parse()?)?;
    println!("enrolled");
    let pause = Duration::from_secs(seconds.parse()?) / u32::try_from(machines.len().max(1))?;
    let mut running = Vec::with_capacity(machines.len());
    for machine in machines {
        running.push(run(machine)?);
        std::thread::sleep(pause);
    }
    for one in running {
        // It ends when its thread panics, and never otherwise.
        one.join().map_err(|_| "a machine has broken down")?;
    }
    Ok(())
}

fn enrolled(place: &Arc<Place>, token: &str, count: usize) -> Result<Vec<Machine>, Problem> {
    let part = |first: usize| {
        let (place, token) = (Arc::clone(place), token.to_owned());
        std::thread::spawn(move || -> Result<Vec<Machine>, Problem> {
            let client = Client::new(&place.server, &place.settings)?;
            (first..count).step_by(AT_ONCE).map(|_| enrol(&place, &client, &token)).collect()
        })
    };
    let parts: Vec<_> = (0..AT_ONCE.min(count)).map(part).collect();
    let mut machines = Vec::new();
    for part in parts {
        machines.extend(part.join().map_err(|_| "the enrolment has broken down")??);
    }
    Ok(machines)
}

fn enrol(place: &Place, client: &Client, token: &str) -> Result<Machine, Problem> {
    let key = KeyPair::generate()?;
    let request = Request {
        token: token.to_owned(),
        signing_request: CertificateParams::default().serialize_request(&key)?.pem()?,
        os: "linux".to_owned(),
        host: "sim.bank.example".to_owned(),
    };
    let answer = client.enrol(&request)?;
    let identity = ClientIdentity {
        certificate: answer.certificate.clone().into_bytes(),
        key: key.serialize_pem().into_bytes(),
    };
    Machine::new(place, identity, answer)
}

/// Starts a machine, with a thread that waits for hints beside it, as the agent has one.
fn run(mut machine: Machine) -> Result<std::thread::JoinHandle<()>, Problem> {
    let (wake, woken) = channel();
    hints_to_loop(machine.client(), wake);
    let thread = std::thread::Builder::new().stack_size(STACK);
    Ok(thread.spawn(move || machine.run(&woken))?)
}
