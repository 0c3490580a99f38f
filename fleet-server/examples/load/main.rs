//! What `cargo xtask bench fleet` puts a server beside, and what it loads servers with. Each part is a
//! process of its own, so that its memory and its processor time are its own, too.

#![allow(clippy::print_stdout, reason = "a program to be looked at")]

mod bare;
mod client;
mod floor;
mod planner;
mod subscribe;
mod transitions;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// The allocator of the server, so that all that is compared has the same one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What may go wrong.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Loads a fleet server, or stands beside it.
#[derive(Parser)]
enum Arguments {
    /// The floor: writes a line's worth of bytes to every connection for every line of its input.
    Floor {
        /// Where it listens.
        address: SocketAddr,
    },
    /// An axum WebSocket and nothing else, which says something for every line of its input.
    Bare {
        /// Where it listens.
        address: SocketAddr,
        /// Its certificates, PEM: with TLS.
        #[arg(long, requires = "key")]
        certificate: Option<PathBuf>,
        /// Its key, PEM.
        #[arg(long)]
        key: Option<PathBuf>,
    },
    /// Opens connections, keeps them, and tells when the first and the last one heard something.
    Subscribe(subscribe::Subscribe),
    /// Hands the files of a release to a server, the timestamp last.
    Publish(client::Publish),
    /// Tells all servers on a database that endpoints should look.
    Revise {
        /// The database.
        database: String,
    },
    /// Makes transitions durable, beside appending the same bytes and syncing.
    Transitions(transitions::Transitions),
    /// Steps of the planner and pages of the dashboard over many endpoints.
    Planner(planner::Planner),
}

fn main() -> Result<(), Problem> {
    match Arguments::parse() {
        Arguments::Floor { address } => floor::serve(address),
        Arguments::Bare { address, certificate, key } => {
            let tls = certificate.zip(key);
            runtime()?.block_on(bare::serve(address, tls.as_ref()))
        }
        Arguments::Subscribe(arguments) => runtime()?.block_on(subscribe::run(&arguments)),
        Arguments::Publish(arguments) => runtime()?.block_on(client::publish(&arguments)),
        Arguments::Revise { database } => runtime()?.block_on(client::revise(&database)),
        Arguments::Transitions(arguments) => runtime()?.block_on(transitions::run(&arguments)),
        Arguments::Planner(arguments) => runtime()?.block_on(planner::run(&arguments)),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}
