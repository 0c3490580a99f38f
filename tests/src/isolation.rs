//! Threads that live in their own network and mount namespaces.
//!
//! Namespaces belong to threads, not to processes, and are inherited by the threads and processes
//! that a thread starts. So no re-execution of the test program is needed: a fresh thread leaves
//! the machine's namespaces, does its work and ends, and the rest of the process never notices.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::error::CannotRun;
use crate::tls::{LoopbackTls, loopback_tls};

#[cfg(target_os = "linux")]
#[path = "isolation/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "isolation/other.rs"]
mod system;

/// Proof that the current thread is isolated: it sees a network with nothing but loopback, and its
/// mounts are its own. It can be had only inside [`isolated`] and [`isolated_pool`].
pub struct Isolation {
    scratch: PathBuf,
    tls: LoopbackTls,
    /// Per Codex program, a `CODEX_HOME` whose databases are already made.
    seeds: RefCell<BTreeMap<PathBuf, Option<PathBuf>>>,
    /// Per folder that only its owner can enter, where this thread shows it to everybody.
    shown: RefCell<BTreeMap<PathBuf, PathBuf>>,
    worlds: RefCell<u64>,
    /// Other threads have other namespaces: neither `Send` nor `Sync`.
    not_send: PhantomData<*const ()>,
}

impl fmt::Debug for Isolation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Isolation").field("scratch", &self.scratch).finish_non_exhaustive()
    }
}

/// Runs `work` on a new isolated thread and returns what it returned.
///
/// # Errors
///
/// [`CannotRun`] when this machine does not allow it; `work` has then not been called.
pub fn isolated<R: Send>(work: impl FnOnce(&Isolation) -> R + Send) -> Result<R, CannotRun> {
    std::thread::scope(|scope| {
        joined(scope.spawn(|| Isolation::enter().map(|isolation| work(&isolation))))
    })
}

/// Runs `work` for every job on `threads` isolated threads; the results keep the jobs' order.
///
/// # Errors
///
/// [`CannotRun`] when this machine does not allow isolation.
pub fn isolated_pool<J: Send, R: Send>(
    threads: NonZeroUsize,
    jobs: Vec<J>,
    work: impl Fn(&Isolation, J) -> R + Sync,
) -> Result<Vec<R>, CannotRun> {
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let done = Mutex::new(BTreeMap::new());
    let worker = || -> Result<(), CannotRun> {
        let isolation = Isolation::enter()?;
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((index, job)) = next else { return Ok(()) };
            let result = work(&isolation, job);
            done.lock().unwrap_or_else(PoisonError::into_inner).insert(index, result);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(joined)
    })?;
    let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(done.into_values().collect())
}

/// Waits for a thread; a panic in it (a failed assertion) goes on in the caller.
fn joined<R>(handle: std::thread::ScopedJoinHandle<'_, R>) -> R {
    handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Isolation {
    fn enter() -> Result<Self, CannotRun> {
        static TLS: OnceLock<Result<LoopbackTls, CannotRun>> = OnceLock::new();
        let tls = TLS.get_or_init(loopback_tls).clone()?;
        let scratch = system::enter()?;
        let isolation = Self {
            scratch,
            tls,
            seeds: RefCell::default(),
            shown: RefCell::default(),
            worlds: RefCell::new(0),
            not_send: PhantomData,
        };
        isolation.fill_scratch().map_err(|error| CannotRun::Isolation {
            step: "fill its scratch folder",
            detail: error.to_string(),
        })?;
        Ok(isolation)
    }

    fn fill_scratch(&self) -> std::io::Result<()> {
        fs::write(self.authority_file(), &self.tls.authority_pem)?;
        fs::create_dir(self.tools())?;
        // Codex runs `lsb_release` at every start, on Debian a shell script with 30 children, only
        // to fill its user agent.
        #[cfg(unix)]
        std::os::unix::fs::symlink("/bin/true", self.tools().join("lsb_release"))?;
        Ok(())
    }

    /// The certificate authority that servers of this thread use, as a PEM file.
    pub(crate) fn authority_file(&self) -> PathBuf {
        self.scratch.join("authority.pem")
    }

    /// A folder that comes first on Codex's PATH.
    pub(crate) fn tools(&self) -> PathBuf {
        self.scratch.join("tools")
    }

    pub(crate) fn tls(&self) -> &LoopbackTls {
        &self.tls
    }

    /// Where a program can be started by every user: where it is, or, when it lies in somebody's
    /// own folder, at a place of this thread's that shows its surroundings.
    pub(crate) fn for_everybody(&self, program: &Path) -> std::io::Result<PathBuf> {
        let around =
            program.parent().and_then(|folder| Some((folder.file_name()?, folder.parent()?)));
        let (Some((folder, around)), Some(name)) = (around, program.file_name()) else {
            return Ok(program.to_owned());
        };
        if system::is_reachable(program) {
            return Ok(program.to_owned());
        }
        let mut shown = self.shown.borrow_mut();
        let place = if let Some(place) = shown.get(around) {
            place.clone()
        } else {
            let place = self.scratch.join(format!("shown-{}", shown.len()));
            system::show(around, &place)?;
            shown.insert(around.to_owned(), place.clone());
            place
        };
        Ok(place.join(folder).join(name))
    }

    /// Makes a new folder for one world.
    pub(crate) fn new_folder(&self) -> std::io::Result<PathBuf> {
        let mut worlds = self.worlds.borrow_mut();
        *worlds += 1;
        let folder = self.scratch.join(format!("world-{worlds}"));
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// Returns the prepared home of `program`, making it with `make` the first time.
    pub(crate) fn seed(
        &self,
        program: &Path,
        make: impl FnOnce(&Path) -> Option<()>,
    ) -> Option<PathBuf> {
        if let Some(known) = self.seeds.borrow().get(program) {
            return known.clone();
        }
        let number = self.seeds.borrow().len();
        let folder = self.scratch.join(format!("seed-{number}"));
        let seed = fs::create_dir(&folder).ok().and_then(|()| make(&folder)).map(|()| folder);
        self.seeds.borrow_mut().insert(program.to_owned(), seed.clone());
        seed
    }
}

impl Drop for Isolation {
    fn drop(&mut self) {
        system::leave(&self.scratch);
    }
}

/// Starts `command` with `etc` mounted over `/etc/codex` for it and its children alone.
///
/// The proof is not read. It must be there all the same: on a thread of the machine itself the
/// mount would spread to the machine.
pub(crate) fn spawn(
    _proof: &Isolation,
    command: &mut Command,
    etc: &Path,
    hostname: Option<&str>,
) -> std::io::Result<Child> {
    // A thread of its own, so that this mount and this name last exactly as long as the child.
    std::thread::scope(|scope| joined(scope.spawn(|| system::spawn(command, etc, hostname))))
}

/// Ends a process and everything it started in its process group.
pub(crate) fn end(child: &mut Child) {
    // Once the leader was waited for, its number may belong to somebody else.
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    system::kill_group(child.id());
    // Both fail only when the process is already gone.
    drop(child.kill());
    drop(child.wait());
}
