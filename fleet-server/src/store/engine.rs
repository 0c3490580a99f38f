//! A thread that owns a connection, and does everything that is queued in one transaction.
//!
//! One sync of the disk takes milliseconds and a change microseconds: whatever has queued up while
//! the last commit was under way shares the next one. Nobody waits for company.
//!
//! What machines report is appended to the journal, and put in its places when nobody waits.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::journal::{self, Entry};
use super::sql::{Access, Connection, Opener, StoreError, Transaction};

/// The most changes of one transaction.
pub const MOST: usize = 512;

/// Of so many entries the journal is shortened even while somebody waits: it must not fill the disk.
const LONG: usize = 200_000;

/// The most that may be waiting; more is refused, so that a slow disk does not fill the memory.
const QUEUE: usize = 8_192;

/// Something to do, and somebody who waits for it.
trait Job: Send {
    /// Does it. It may be done again, when the transaction it was in is void.
    fn run(&mut self, transaction: &mut dyn Transaction) -> Result<(), StoreError>;
    /// Tells how it ended.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Call<T, F> {
    work: F,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, transaction: &mut dyn Transaction) -> Result<(), StoreError> {
        self.result = None;
        self.result = Some((self.work)(transaction)?);
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let lost = || StoreError::Refused("the change was not made".to_owned());
        let Self { work: _, result, answer } = *self;
        // Whoever asked may be gone.
        drop(answer.send(committed.and_then(|()| result.ok_or_else(lost))));
    }
}

/// What was reported by all who share a commit.
struct Reports {
    entries: Vec<Entry>,
    answers: Vec<oneshot::Sender<Result<(), StoreError>>>,
}

impl Job for Reports {
    fn run(&mut self, transaction: &mut dyn Transaction) -> Result<(), StoreError> {
        journal::append(transaction, &self.entries)
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        for answer in self.answers {
            // Whoever asked may be gone.
            drop(answer.send(committed.clone()));
        }
    }
}

/// What is asked of the thread.
enum Order {
    Work(Box<dyn Job>),
    Report(Entry, oneshot::Sender<Result<(), StoreError>>),
}

/// The door to a connection's thread.
#[derive(Clone)]
pub(super) struct Engine {
    orders: mpsc::Sender<Order>,
}

impl Engine {
    /// Starts the thread over a connection that is open already.
    pub(super) fn start(
        opener: Arc<dyn Opener>,
        connection: Box<dyn Connection>,
        access: Access,
    ) -> Self {
        let (orders, queue) = mpsc::channel(QUEUE);
        std::thread::spawn(move || work(queue, &*opener, connection, access));
        Self { orders }
    }

    /// Does something in a transaction, and waits until that is committed.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let call = Box::new(Call { work, result: None, answer });
        self.order(Order::Work(call))?;
        told.await.map_err(ended)?
    }

    /// Appends an entry to the journal, and waits until it is durable.
    pub(super) async fn report(&self, entry: Entry) -> Result<(), StoreError> {
        let (answer, told) = oneshot::channel();
        self.order(Order::Report(entry, answer))?;
        told.await.map_err(ended)?
    }

    fn order(&self, order: Order) -> Result<(), StoreError> {
        self.orders.try_send(order).map_err(|_| StoreError::Busy)
    }
}

fn ended(_: oneshot::error::RecvError) -> StoreError {
    StoreError::Unavailable("its thread has ended".to_owned())
}

fn work(
    mut queue: mpsc::Receiver<Order>,
    opener: &dyn Opener,
    connection: Box<dyn Connection>,
    access: Access,
) {
    let mut connection = Some(connection);
    // How many entries this thread has put into the journal that may still be there.
    let mut unsettled = 0;
    loop {
        let next = match queue.try_recv() {
            Ok(order) => Some(order),
            Err(_) if unsettled > 0 => None,
            Err(_) => match queue.blocking_recv() {
                Some(order) => Some(order),
                None => return,
            },
        };
        let is_idle = next.is_none();
        if let Some(first) = next {
            let (jobs, reported) = gathered(first, &mut queue);
            connection = together(connection.take(), jobs, opener, access);
            unsettled += reported;
        }
        if is_idle || unsettled > LONG {
            let most = if is_idle { 1 } else { MOST };
            let settled;
            (connection, settled) = settle(connection.take(), opener, most);
            // What is left, if anything, is that of others, or cannot be done now.
            unsettled = if settled == 0 { 0 } else { unsettled.saturating_sub(settled) };
        }
    }
}

/// Everything that waits, up to what fits into one transaction, and how many entries of the journal
/// are in it.
fn gathered(first: Order, queue: &mut mpsc::Receiver<Order>) -> (Vec<Box<dyn Job>>, usize) {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    let mut reports = Reports { entries: Vec::new(), answers: Vec::new() };
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            Order::Work(job) => jobs.push(job),
            Order::Report(entry, answer) => {
                reports.entries.push(entry);
                reports.answers.push(answer);
            }
        }
        let is_full = jobs.len() + reports.entries.len() >= MOST;
        next = if is_full { None } else { queue.try_recv().ok() };
    }
    let reported = reports.entries.len();
    if reported > 0 {
        jobs.push(Box::new(reports));
    }
    (jobs, reported)
}

/// Puts entries of the journal in their places; tells how many. What goes wrong is tried again with
/// the next entry, or when somebody reads.
fn settle(
    connection: Option<Box<dyn Connection>>,
    opener: &dyn Opener,
    most: usize,
) -> (Option<Box<dyn Connection>>, usize) {
    let mut open = match begun(connection, opener, Access::Tidy) {
        Ok(open) => open,
        Err(error) => {
            tracing::debug!(%error, "the journal of the database was not shortened");
            return (None, 0);
        }
    };
    let done = journal::settle(&mut *open, i64::MAX, most)
        .and_then(|settled| open.commit().map(|()| settled));
    match done {
        Ok(settled) => (Some(open), settled),
        Err(error) => {
            tracing::warn!(%error, "the journal of the database was not shortened");
            // A connection that cannot roll back fails at its next beginning.
            drop(open.rollback());
            (is_usable(&error).then_some(open), 0)
        }
    }
}

/// A connection on which a transaction has begun. One may have been lost while nobody used it: then
/// nothing has begun there, and a new one does as well.
fn begun(
    connection: Option<Box<dyn Connection>>,
    opener: &dyn Opener,
    access: Access,
) -> Result<Box<dyn Connection>, StoreError> {
    if let Some(mut open) = connection {
        match open.begin(access) {
            Err(StoreError::Unavailable(_)) => {}
            done => return done.map(|()| open),
        }
    }
    let mut open = opener.open()?;
    open.begin(access)?;
    Ok(open)
}

/// Whether a connection can be used after an error.
fn is_usable(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_) | StoreError::Damaged(_) => false,
        StoreError::Busy | StoreError::Refused(_) | StoreError::Version { .. } => true,
    }
}

fn fail(jobs: Vec<Box<dyn Job>>, error: &StoreError) {
    jobs.into_iter().for_each(|job| job.finish(Err(error.clone())));
}

/// Does all of them in one transaction; when one fails, each in its own. Gives the connection back
/// if it can be used again.
fn together(
    connection: Option<Box<dyn Connection>>,
    mut jobs: Vec<Box<dyn Job>>,
    opener: &dyn Opener,
    access: Access,
) -> Option<Box<dyn Connection>> {
    let mut open = match begun(connection, opener, access) {
        Ok(open) => open,
        Err(error) => {
            fail(jobs, &error);
            return None;
        }
    };
    let Err(error) = transaction(&mut *open, &mut jobs) else {
        jobs.into_iter().for_each(|job| job.finish(Ok(())));
        return Some(open);
    };
    if !is_usable(&error) {
        fail(jobs, &error);
        return None;
    }
    if jobs.len() == 1 || error == StoreError::Busy {
        fail(jobs, &error);
        return Some(open);
    }
    let mut connection = Some(open);
    for job in jobs {
        connection = together(connection, vec![job], opener, access);
    }
    connection
}

/// What was begun, to its end.
fn transaction(open: &mut dyn Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    for job in jobs {
        if let Err(error) = job.run(open) {
            // The first error is the one that matters; a connection that cannot roll back fails at
            // its next beginning.
            drop(open.rollback());
            return Err(error);
        }
    }
    open.commit().inspect_err(|_| drop(open.rollback()))
}
