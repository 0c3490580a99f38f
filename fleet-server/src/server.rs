//! A running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::authority::{certificates, private_key};
use crate::config::Config;
use crate::error::ServeError;
use crate::fleet::{Fleet, Holds};
use crate::http::listen::{Door, accept, open};
use crate::tls::{self, Tls};
use crate::world::read;

/// The most bytes of a certificate or a key.
const MAX_FILE: u64 = 1_000_000;

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    /// What its requests share.
    pub fleet: Arc<Fleet>,
    /// Where it listens with TLS.
    pub tls: Vec<SocketAddr>,
    /// Where it listens without.
    pub plain: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts a server. Port 0 stands for one that is free: [`Running`] says which.
///
/// # Errors
/// When its files, its database or its addresses cannot be used.
pub async fn serve(config: Config, holds: Arc<dyn Holds>) -> Result<Running, ServeError> {
    let listen = config.listen.clone();
    let grace = u64::from(config.enrolment.grace_days) * 86_400;
    let fleet = Fleet::open(config, holds).await?;
    let tls = tls::config(Tls {
        chain: certificates(&read(&listen.certificate, MAX_FILE)?)?,
        key: private_key(&read(&listen.key, MAX_FILE)?, "server key")?,
        authority: fleet.authority().certificate().clone(),
        grace: std::time::Duration::from_secs(grace),
    })?;
    let mut running = Running {
        fleet: Arc::clone(&fleet),
        tls: Vec::new(),
        plain: Vec::new(),
        tasks: Vec::new(),
    };
    let doors = listen.tls.iter().map(|address| (*address, Door::Tls(Arc::clone(&tls))));
    let doors = doors.chain(listen.plain.iter().map(|address| (*address, Door::Plain)));
    // All addresses are opened before anything is answered at one.
    let mut opened = Vec::new();
    for (address, door) in doors {
        let listener = open(address)?;
        let bound = listener.local_addr().map_err(|error| ServeError::Listen { address, error })?;
        match door {
            Door::Tls(_) => running.tls.push(bound),
            Door::Plain => running.plain.push(bound),
        }
        opened.push((listener, door));
    }
    for (listener, door) in opened {
        running.tasks.push(tokio::spawn(accept(Arc::clone(&fleet), listener, door)));
    }
    running.tasks.push(tokio::spawn(crate::rolling::run(Arc::clone(&fleet))));
    running.tasks.push(tokio::spawn(fleet.keep_up()));
    Ok(running)
}

impl Running {
    /// Ends the server: no new connection, requests under way are answered, push channels are told
    /// to look for another server, and everything is written down.
    pub async fn stop(self) {
        self.fleet.drain();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server failed");
            }
        }
        // Push channels have left their connections' tasks: each says good-bye by itself.
        let patience = Duration::from_secs(self.fleet.config.pace.drain_seconds);
        let told = async {
            while self.fleet.metrics.push_channels.load(Ordering::Relaxed) > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(patience, told).await.is_err() {
            tracing::warn!("some push channels were not told in time");
        }
    }
}
