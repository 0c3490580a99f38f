//! What the server remembers: one way to it, two databases under it.
//!
//! Reading order: `sql` (what both databases can do), `sqlite`, `postgresql` and `address` (how), `engine`
//! (many changes, one commit), `schema` (the tables), `head` (revision and audit log), `journal` (what
//! machines reported, before it is in the tables), then one file for each thing that is kept.
//!
//! **Invariants.**
//! - A change is durable before anybody hears that it was made.
//! - Write transactions of all servers on a database go one after another: what one has checked
//!   still holds when it writes.
//! - Work that ends in a refusal has written nothing before.

mod address;
pub mod devices;
pub mod dump;
mod engine;
pub mod head;
pub mod journal;
mod postgresql;
pub mod releases;
pub mod rollouts;
pub mod schema;
pub mod sessions;
pub mod sql;
mod sqlite;
pub mod status;
pub mod tokens;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use self::engine::Engine;
pub use self::engine::MOST;
use self::journal::Entry;
use self::postgresql::Wanted;
use self::sql::{Access, Opener, StoreError, Transaction};

/// After how long the log of SQLite is moved again, and a listener that lost its connection tries
/// again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file, by SQLite.
    File(PathBuf),
    /// Behind an address, by PostgreSQL.
    Address(String),
}

impl Place {
    /// A text such as `fleet.sqlite` or `postgres://fleet@db.bank.example/fleet`, with
    /// `?sslmode=verify-full&sslrootcert=FILE` for TLS.
    pub fn of(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Address(text.to_owned())
        } else {
            Self::File(PathBuf::from(text))
        }
    }
}

/// The store.
#[derive(Clone)]
pub struct Store {
    writer: Engine,
    reader: Engine,
    news: Arc<Notify>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens a database and brings its tables up to date.
    ///
    /// # Errors
    /// When it is not there, or belongs to a newer version of this program.
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        let opener: Arc<dyn Opener> = match place {
            Place::File(path) => Arc::new(sqlite::Sqlite(path.clone())),
            Place::Address(address) => Arc::new(postgresql::Postgresql::new(address)?),
        };
        // On a thread of its own: the driver of PostgreSQL waits in a way that no task may.
        let connections = || {
            let mut first = opener.open()?;
            schema::migrate(&mut *first)?;
            settled(&mut *first)?;
            Ok::<_, StoreError>((first, opener.open()?))
        };
        let opened = std::thread::scope(|scope| scope.spawn(connections).join());
        let ended = |_| StoreError::Unavailable("its thread has ended".to_owned());
        let (first, second) = opened.map_err(ended)??;
        Ok(Self {
            writer: Engine::start(Arc::clone(&opener), first, Access::Write),
            reader: Engine::start(opener, second, Access::Read),
            news: Arc::default(),
        })
    }

    /// Does what makes a running server faster, for as long as this store is there. Nothing rests on
    /// it. PostgreSQL is listened to for what other servers announce: a connection that is lost costs
    /// time, and is opened again. SQLite has its log moved into its file.
    ///
    /// # Errors
    /// When the address of the database cannot be read.
    pub fn tend(&self, place: &Place) -> Result<(), StoreError> {
        let news = Arc::downgrade(&self.news);
        let address = match place {
            Place::Address(address) => address,
            Place::File(path) => {
                let path = path.clone();
                std::thread::spawn(move || {
                    while news.strong_count() > 0 {
                        std::thread::sleep(AGAIN);
                        if let Err(error) = sqlite::checkpoint(&path) {
                            tracing::debug!(%error, "the log of the database was not moved");
                        }
                    }
                });
                return Ok(());
            }
        };
        let database = postgresql::Postgresql::new(address)?;
        std::thread::spawn(move || {
            let mut heard = || match news.upgrade() {
                Some(news) => {
                    news.notify_one();
                    Wanted::More
                }
                None => Wanted::Nothing,
            };
            while let Err(error) = database.listen(&mut heard) {
                tracing::debug!(%error, "announcements of other servers are not heard for now");
                std::thread::sleep(AGAIN);
                if heard() == Wanted::Nothing {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Waits until another server has announced something.
    pub async fn news(&self) {
        self.news.notified().await;
    }

    /// Changes something, and waits until it is durable. Everything that is waiting shares one
    /// commit; work may be done again when another change in it failed.
    ///
    /// # Errors
    /// When the database refuses, is gone, or has too much to do.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.call(work).await
    }

    /// Keeps what a machine reported, and waits until it is durable. It is in the tables a little
    /// later: [`Store::read_settled`] waits for that.
    ///
    /// # Errors
    /// When the database refuses, is gone, or has too much to do.
    pub async fn report(&self, entry: Entry) -> Result<(), StoreError> {
        self.writer.report(entry).await
    }

    /// Puts everything in its place that was reported until now.
    ///
    /// # Errors
    /// When the database refuses, is gone, or has too much to do.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let Some(up_to) = self.read(|tx| journal::last(tx)).await? else { return Ok(()) };
        // In parts, so that others get in between.
        while self.write(move |tx| journal::settle(tx, up_to, MOST)).await? > 0 {}
        Ok(())
    }

    /// Asks something of a state in which everything that was reported is in its place. A database
    /// that takes no changes is asked as it is.
    ///
    /// # Errors
    /// When the database refuses, is gone, or has too much to do.
    pub async fn read_settled<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        self.settle_or_warn().await;
        self.read(work).await
    }

    /// As [`Store::settle`], for who goes on with what is there when that cannot be done.
    pub async fn settle_or_warn(&self) {
        if let Err(error) = self.settle().await {
            tracing::warn!(%error, "the newest reports of machines are not in their places");
        }
    }

    /// Asks something of one state of everything.
    ///
    /// # Errors
    /// When the database refuses, is gone, or has too much to do.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        self.reader.call(work).await
    }
}

/// Puts in its place what an earlier server has left in the journal.
fn settled(connection: &mut dyn sql::Connection) -> Result<(), StoreError> {
    loop {
        connection.begin(Access::Write)?;
        let done = journal::settle(connection, i64::MAX, MOST)
            .and_then(|settled| connection.commit().map(|()| settled));
        match done {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                // The first error is the one that matters.
                drop(connection.rollback());
                return Err(error);
            }
        }
    }
}
