//! A running server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::authority::{certificates, private_key};
use crate::config::{Config, Listen};
use crate::error::ServeError;
use crate::fleet::{Fleet, Holds, Phase};
use crate::http::listen::{Door, accept, open};
use crate::tls::{self, Shows, Tls};
use crate::world::read;

/// The most bytes of a certificate or a key.
const MAX_FILE: u64 = 1_000_000;

/// How often the files of the certificate are looked at.
const LOOK: Duration = Duration::from_secs(2);

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
    let certificate = Certificate::read(&listen)?;
    let shows = Arc::new(certificate.shows()?);
    let tls = tls::config(Tls {
        shows: Arc::clone(&shows),
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
    let keep = keep_certificate(Arc::clone(&fleet), listen, certificate, shows);
    running.tasks.push(tokio::spawn(keep));
    running.tasks.push(tokio::spawn(fleet.keep_up()));
    Ok(running)
}

/// The files of the server's certificate, as they are.
#[derive(PartialEq, Eq)]
struct Certificate {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Certificate {
    fn read(listen: &Listen) -> Result<Self, ServeError> {
        let (chain, key) = (read(&listen.certificate, MAX_FILE)?, read(&listen.key, MAX_FILE)?);
        Ok(Self { chain, key })
    }

    fn shows(&self) -> Result<Shows, ServeError> {
        let Self { chain, key } = self;
        Ok(Shows::new(certificates(chain)?, private_key(key, "server key")?)?)
    }

    fn change(&self, shows: &Shows) -> Result<(), ServeError> {
        let Self { chain, key } = self;
        Ok(shows.change(certificates(chain)?, private_key(key, "server key")?)?)
    }
}

/// Looks for another certificate in the files again and again, until the server ends. What cannot be
/// used changes nothing and is said once.
async fn keep_certificate(
    fleet: Arc<Fleet>,
    listen: Listen,
    mut known: Certificate,
    shows: Arc<Shows>,
) {
    let mut phase = fleet.phase();
    let mut told = None;
    while *phase.borrow_and_update() == Phase::Serving {
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = phase.changed() => continue,
        }
        let done = match Certificate::read(&listen) {
            Ok(found) if found == known => Ok(None),
            Ok(found) => found.change(&shows).map(|()| Some(found)),
            Err(error) => Err(error),
        };
        match done {
            Ok(None) => told = None,
            Ok(Some(found)) => {
                (known, told) = (found, None);
                fleet.metrics.certificates_changed.fetch_add(1, Ordering::Relaxed);
                tracing::info!("new connections are shown the new certificate");
            }
            Err(error) => {
                let problem = error.to_string();
                if told.as_ref() != Some(&problem) {
                    fleet.metrics.certificates_refused.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(
                        problem,
                        "the new certificate cannot be used: the old one stays"
                    );
                    told = Some(problem);
                }
            }
        }
    }
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
