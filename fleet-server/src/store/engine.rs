//! A thread that owns a connection, and does everything that is queued in one transaction.
//!
//! One sync of the disk takes milliseconds and a change microseconds: whatever has queued up while
//! the last commit was under way shares the next one. Nobody waits for company.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::sql::{Access, Connection, Opener, StoreError, Transaction};

/// The most changes of one transaction.
const MOST: usize = 512;

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

/// The door to a connection's thread.
#[derive(Clone)]
pub(super) struct Engine {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

impl Engine {
    /// Starts the thread over a connection that is open already.
    pub(super) fn start(
        opener: Arc<dyn Opener>,
        connection: Box<dyn Connection>,
        access: Access,
    ) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::spawn(move || work(queue, &*opener, connection, access));
        Self { jobs }
    }

    /// Does something in a transaction, and waits until that is committed.
    pub(super) async fn call<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let call = Box::new(Call { work, result: None, answer });
        self.jobs.try_send(call).map_err(|_| StoreError::Busy)?;
        told.await.map_err(|_| StoreError::Unavailable("its thread has ended".to_owned()))?
    }
}

fn work(
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    opener: &dyn Opener,
    connection: Box<dyn Connection>,
    access: Access,
) {
    let mut connection = Some(connection);
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < MOST
            && let Ok(next) = queue.try_recv()
        {
            jobs.push(next);
        }
        connection = together(connection.take(), jobs, opener, access);
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
