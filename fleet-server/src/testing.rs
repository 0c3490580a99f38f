//! A server in this process, for the tests of whoever talks to one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Runtime;

use crate::config::Config;
use crate::error::ServeError;
use crate::fleet::{Fleet, Holds, NoHolds};
use crate::issue::{self, Wanted};
use crate::server::{Running, serve};
use crate::setup::{self, AUTHORITY};
use crate::store::tokens::{Grant, Role, Rules, Scope};

/// A server that runs on threads of its own, and ends when it is dropped.
#[derive(Debug)]
pub struct TestFleet {
    runtime: Runtime,
    running: Option<Running>,
    folder: PathBuf,
    address: SocketAddr,
}

impl TestFleet {
    /// Makes a server in an empty folder, and runs it on a free port of the loopback.
    ///
    /// # Errors
    /// When it does not run.
    pub fn start(folder: &Path, organisation: &str, root: &[u8]) -> Result<Self, ServeError> {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let wanted = setup::Wanted {
            organisation,
            root,
            names: &names,
            listen: "127.0.0.1:0",
            database: None,
        };
        setup::init(folder, &wanted)?;
        Self::run(folder, |_| {}, Arc::new(NoHolds))
    }

    /// Runs a server on a folder that [`TestFleet::start`] has made, changed as a test wants it.
    ///
    /// # Errors
    /// When it does not run.
    pub fn run(
        folder: &Path,
        change: impl FnOnce(&mut Config),
        holds: Arc<dyn Holds>,
    ) -> Result<Self, ServeError> {
        let mut config = Config::load(&folder.join(setup::CONFIG))?;
        config.pace.poll_milliseconds = 100;
        config.pace.drain_seconds = 1;
        change(&mut config);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| ServeError::Key(error.to_string()))?;
        let running = runtime.block_on(serve(config, holds))?;
        let address = running.tls.first().copied();
        let address = address.ok_or_else(|| ServeError::Key("no address".to_owned()))?;
        Ok(Self { runtime, running: Some(running), folder: folder.to_owned(), address })
    }

    /// Where it listens with TLS.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens without TLS.
    pub fn plain(&self) -> Option<SocketAddr> {
        self.running.as_ref().and_then(|running| running.plain.first().copied())
    }

    /// Its address for programs: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The certificate of the authority behind it, PEM.
    ///
    /// # Errors
    /// When the file is gone.
    pub fn authority(&self) -> Result<String, ServeError> {
        let bytes = crate::world::read(&self.folder.join(AUTHORITY), 65_536)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What its requests share.
    pub fn fleet(&self) -> Option<&Arc<Fleet>> {
        self.running.as_ref().map(|running| &running.fleet)
    }

    fn with<T>(
        &self,
        work: impl AsyncFnOnce(&Arc<Fleet>) -> Result<T, ServeError>,
    ) -> Result<T, ServeError> {
        let fleet = self.fleet().ok_or_else(|| ServeError::Key("it has ended".to_owned()))?;
        self.runtime.block_on(work(fleet))
    }

    /// A token that enrols up to 1,000 machines of a team within an hour.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn enrolment_token(&self, scope: Scope) -> Result<String, ServeError> {
        self.with(async |fleet| {
            let wanted = Wanted { scope, seconds: 3_600, uses: 1_000 };
            let (_, secret) = issue::enrolment(&fleet.store, wanted, "test").await?;
            Ok(secret.text().to_owned())
        })
    }

    /// A token for the admin API.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn admin_token(&self, role: Role) -> Result<String, ServeError> {
        self.access(Grant::Admin(role))
    }

    /// A token for the path at which Codex fetches the policy of a cohort.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn config_token(&self, cohort: &str) -> Result<String, ServeError> {
        self.access(Grant::Config { cohort: cohort.to_owned(), rules: Rules::Needed })
    }

    fn access(&self, grant: Grant) -> Result<String, ServeError> {
        self.with(async |fleet| {
            let made = issue::access(&fleet.store, (grant, "test"), None, "test").await?;
            // Not at the next poll: now.
            fleet.load().await?;
            Ok(made.1.text().to_owned())
        })
    }

    /// Ends the server, and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

impl Drop for TestFleet {
    fn drop(&mut self) {
        self.end();
    }
}
