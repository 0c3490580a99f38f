//! The thin shell around the core: carries out its effects, one at a time, and feeds it what
//! happens.

mod look;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::check_in::{CheckIn, Held};
use codex_fleet::push::Hint;
use codex_fleet::request::Said;
use codex_trust::audience::Claims;
use codex_trust::bundle::Bundle;
use codex_trust::guards::Endpoint;
use codex_trust::provider::digest_name;
use codex_trust::refresh::{Limits, Session, refresh};
use codex_trust::store::MetadataStore as _;
use codex_trust::transport::Transport;
use codex_trust::verify::{Verified, VerifyError, assigned, organisation, verify};
use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::agent::{Effect, Event, InForce, Kept, Now, Offer, State, Unready, step};
use crate::attest::ask::Asker;
use crate::attest::{Versions, Witness, processes};
use crate::courier::Courier;
use crate::install::plan::{Generation, Platform, Which};
use crate::install::{InstallError, Installer};
use crate::layout::Layout;
use crate::status::{Seen, Status};
use crate::store::FileStore;

/// The name of the core's memory among the installed generations.
pub const MEMORY: &str = "agent";

/// How long another process may hold what this one needs.
const LOCK: Duration = Duration::from_secs(5);

/// How often everything is looked at that nothing tells of: files, programs, a pause.
const LOOK: Duration = Duration::from_mins(1);

/// Something that wakes the loop.
#[derive(Clone, Debug)]
pub enum Wake {
    /// Installed files may have changed.
    Files,
    /// A hint came.
    Hint(Hint),
}

/// How long to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until there is nothing left to do.
    Settled,
    /// For ever.
    Stopped,
}

/// What an agent needs to begin.
pub struct Parts {
    /// Where things are.
    pub layout: Layout,
    /// What the enrolment says of this machine.
    pub claims: Claims,
    /// The key that signs answers to check-ins; none without a server.
    pub freshness_key: Option<String>,
    /// Programs that settings name.
    pub codex: Vec<PathBuf>,
    /// The way to the network.
    pub courier: Box<dyn Courier>,
    /// Where people are told.
    pub tell: Box<dyn FnMut(&str)>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Parts").field("layout", &self.layout).finish_non_exhaustive()
    }
}

/// Why an agent cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// The installed generations.
    #[error(transparent)]
    Install(#[from] InstallError),
    /// The trust store.
    #[error(transparent)]
    Store(#[from] codex_trust::store::StoreError),
    /// The root that was given to this machine.
    #[error("the root of trust cannot be used: {0}")]
    Root(String),
    /// The agent's own memory.
    #[error("the agent's memory is damaged: {0}")]
    Memory(String),
    /// No randomness.
    #[error("the system has no randomness")]
    Random,
}

/// The agent, running.
pub struct Agent {
    parts: Parts,
    installer: Installer,
    trust: Arc<FileStore>,
    state: State,
    saved: Option<Kept>,
    transport: Option<Arc<dyn Transport>>,
    session: Option<Session>,
    verified: Option<Verified<Bundle>>,
    versions: Versions,
    asker: Asker,
    witnesses: Vec<Witness>,
    older: Vec<processes::Older>,
    told: Vec<String>,
    repairs: u32,
    unrepaired: bool,
    weak: Vec<String>,
    weak_at: Option<Duration>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Agent").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Agent {
    /// Opens everything, finishes what a kill cut off, and trusts the given root on a new machine.
    ///
    /// # Errors
    /// When folders are in others' hands, or memories are damaged.
    pub fn open(mut parts: Parts) -> Result<Self, ShellError> {
        let installer = Installer::open(&parts.layout, LOCK)?;
        let trust = Arc::new(FileStore::open(&parts.layout.trust(), LOCK)?);
        adopt_root(&parts.layout, &trust)?;
        let kept = match installer.store().load(MEMORY)? {
            None => Kept::default(),
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| ShellError::Memory(error.to_string()))?,
        };
        if let Err(error) = crate::desk::prepare(&parts.layout) {
            (parts.tell)(&format!("nobody can ask for anything at this machine: {error}"));
        }
        let dice = u64::from_le_bytes(random::<8>()?);
        let state = State::new(kept, parts.freshness_key.clone(), dice);
        let asker = Asker::of(&parts.layout);
        Ok(Self {
            parts,
            installer,
            trust,
            state,
            saved: None,
            transport: None,
            session: None,
            verified: None,
            versions: Versions::default(),
            asker,
            witnesses: Vec::new(),
            older: Vec::new(),
            told: Vec::new(),
            repairs: 0,
            unrepaired: false,
            weak: Vec::new(),
            weak_at: None,
        })
    }

    /// Runs until there is nothing to do, or for ever.
    ///
    /// # Errors
    /// When the agent's own memory cannot be kept: it must not go on then.
    pub fn run(&mut self, wake: &Receiver<Wake>, until: Until) -> Result<(), ShellError> {
        let _first = self.find_programs();
        let in_force = self.in_force()?;
        let mut event = Some(Event::Started(in_force));
        loop {
            let sleep = match event.take() {
                Some(happened) => self.settle(happened)?,
                None => self.settle(Event::Timer)?,
            };
            if let Some(changed) = self.look()? {
                event = Some(changed);
                continue;
            }
            if until == Until::Settled {
                return Ok(());
            }
            event = match wake.recv_timeout(sleep.min(LOOK)) {
                Ok(Wake::Hint(hint)) => Some(Event::Hint(hint)),
                Ok(Wake::Files) | Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    std::thread::sleep(sleep.min(LOOK));
                    None
                }
            };
        }
    }

    /// Follows an event to the end of what it leads to; says for how long nothing is due.
    fn settle(&mut self, event: Event) -> Result<Duration, ShellError> {
        let mut pending = std::collections::VecDeque::from([event]);
        let mut sleep = Duration::ZERO;
        while let Some(event) = pending.pop_front() {
            self.take_pause();
            let effects = step(&mut self.state, now(), event);
            self.keep()?;
            for effect in effects {
                match effect {
                    Effect::Sleep(wait) => sleep = wait,
                    Effect::Tell(notice) => self.tell(&notice.to_string()),
                    Effect::Refresh => pending.push_back(Event::Refreshed(self.refresh())),
                    Effect::Assign => pending.push_back(Event::Assigned(self.assign())),
                    Effect::Verify => pending.push_back(Event::Verified(self.verify())),
                    Effect::Install(which) => {
                        let done = self.install(which).map_err(|error| error.to_string());
                        pending.push_back(Event::Installed(done));
                    }
                    Effect::Attest => pending.push_back(self.attest()?),
                    Effect::CheckIn(check_in) => pending.push_back(self.check_in(*check_in)?),
                    Effect::File(request) => {
                        pending.push_back(Event::Filed(self.parts.courier.file(&request)));
                    }
                    Effect::Reply { name, user, said } => self.reply(&name, user, &said),
                }
            }
        }
        self.write_status();
        Ok(sleep)
    }

    /// The core's memory, on the disk before anything relies on it.
    fn keep(&mut self) -> Result<(), ShellError> {
        if self.saved.as_ref() != Some(&self.state.kept) {
            let bytes = serde_json::to_vec(&self.state.kept)
                .map_err(|error| ShellError::Memory(error.to_string()))?;
            self.installer.store().store(MEMORY, &bytes)?;
            self.saved = Some(self.state.kept.clone());
        }
        Ok(())
    }

    fn tell(&mut self, text: &str) {
        (self.parts.tell)(text);
        self.told.push(format!("{} {text}", now().wall));
        if self.told.len() > 20 {
            self.told.remove(0);
        }
    }

    fn take_pause(&mut self) {
        let path = self.parts.layout.below(crate::layout::SETTINGS).join("pause.json");
        self.state.kept.pause = crate::courier::read(&path);
    }

    fn refresh(&mut self) -> Result<String, String> {
        self.session = None;
        let transport = self.parts.courier.release()?;
        self.transport = Some(Arc::clone(&transport));
        let store = Arc::clone(&self.trust) as Arc<dyn codex_trust::store::MetadataStore>;
        let session = refresh(transport, store, now().wall, Limits::default());
        let session = session.map_err(|error| error.to_string())?;
        let alarms: Vec<String> = session.alarms().iter().map(ToString::to_string).collect();
        alarms.iter().for_each(|alarm| self.tell(&format!("ALARM: {alarm}")));
        self.session = Some(session);
        let timestamp = self.trust.load("timestamp.json").map_err(|error| error.to_string())?;
        timestamp.map(|bytes| digest_name(&bytes)).ok_or_else(|| "there is no timestamp".to_owned())
    }

    fn assign(&mut self) -> Result<Offer, String> {
        let session = self.session.as_mut().ok_or("nothing was refreshed")?;
        offer(session, &self.parts.claims)
    }

    fn verify(&mut self) -> Result<Held, Unready> {
        self.verified = None;
        let failed = |problem: String| Unready::Failed(problem);
        let before = self.installer.current().map_err(|error| failed(error.to_string()))?;
        let in_force = before.map(|(_, generation)| generation.in_force());
        let _changed = self.find_programs();
        let codex = self.versions.versions();
        let endpoint =
            Endpoint { claims: &self.parts.claims, installed: in_force.as_ref(), codex: &codex };
        let (Some(session), Some(transport)) = (self.session.as_mut(), self.transport.as_ref())
        else {
            return Err(failed("nothing was refreshed".to_owned()));
        };
        match verify(session, &**transport, &endpoint) {
            Ok(bundle) => {
                let plan = Generation::of(&bundle, Platform::HERE);
                let plan = plan.map_err(|error| Unready::Refused(vec![error.to_string()]))?;
                self.verified = Some(bundle);
                Ok(plan.held)
            }
            Err(VerifyError::Refused(refusals)) => {
                Err(Unready::Refused(refusals.iter().map(ToString::to_string).collect()))
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }

    fn install(&mut self, which: Which) -> Result<InForce, InstallError> {
        let planned = self.verified.take().map(|bundle| Generation::of(&bundle, Platform::HERE));
        let generation = match (planned, self.installer.current()?) {
            (Some(Ok(generation)), _) => generation,
            (_, Some((_, generation))) => generation,
            (_, None) => {
                let (name, problem) = ("current".to_owned(), "nothing is installed".to_owned());
                return Err(InstallError::Damaged { name, problem });
            }
        };
        let foreign = self.installer.install(&generation, which, now().wall)?;
        for one in foreign {
            let kept = one.kept.map_or_else(String::new, |name| format!("; a copy is `{name}`"));
            self.tell(&format!("{} was {}{kept}", one.path, one.what));
        }
        Ok(in_force(&generation, which))
    }

    fn in_force(&self) -> Result<Option<InForce>, InstallError> {
        let current = self.installer.current()?;
        Ok(current.map(|(current, generation)| in_force(&generation, current.which)))
    }

    fn check_in(&mut self, mut check_in: CheckIn) -> Result<Event, ShellError> {
        let nonce = STANDARD.encode(random::<32>()?);
        check_in.nonce.clone_from(&nonce);
        let sent = check_in.check().map_err(|error| error.to_string());
        let answer = sent.and_then(|()| self.parts.courier.check_in(&check_in));
        Ok(Event::Answered { nonce, answer })
    }

    fn reply(&mut self, name: &str, user: u32, said: &Said) {
        if let Err(error) = crate::desk::reply(&self.parts.layout, name, user, said) {
            self.tell(&format!("a request cannot be answered: {error}"));
        }
    }

    fn write_status(&mut self) {
        let Ok(current) = self.installer.current() else { return };
        let seen = Seen {
            witnesses: &self.witnesses,
            older: &self.older,
            weak: &self.weak,
            told: &self.told,
        };
        let status = Status::of(&self.state, current, &seen);
        if let Err(error) = status.write(&self.parts.layout) {
            (self.parts.tell)(&format!("the status cannot be written: {error}"));
        }
    }

    /// What the agent says of itself.
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// What a release that was refreshed has for a machine.
///
/// # Errors
/// A sentence: why it has nothing.
pub fn offer(session: &mut Session, claims: &Claims) -> Result<Offer, String> {
    let said = organisation(session).map_err(|error| error.to_string())?;
    let found = assigned(session, &said, claims);
    let found = found.map_err(|error| error.to_string())?;
    let entry = session.find(&found.path).map_err(|error| error.to_string())?;
    let entry = entry.ok_or("the bundle of this machine has gone from the release")?;
    let digest = entry.hashes.get("sha256").ok_or("the bundle has no SHA-256")?;
    let (cohort, generation) = (found.label.cohort, found.label.generation);
    let minimum = said.minimum_generations.get(&cohort).copied().unwrap_or(0);
    let digest = format!("sha256:{}", digest.to_ascii_lowercase());
    let hours = u64::from(said.longest_pause_hours.unwrap_or(0));
    let longest_pause = Duration::from_secs(hours * 3_600);
    Ok(Offer { held: Held { cohort, generation, digest }, minimum, longest_pause })
}

/// A generation as the core knows it.
pub fn in_force(generation: &Generation, which: Which) -> InForce {
    InForce {
        held: generation.held.clone(),
        which,
        fresh_for_seconds: generation.fresh_for_seconds,
        can_tighten: generation.can_tighten(),
    }
}

/// Trusts the root that this machine was given, once.
fn adopt_root(layout: &Layout, trust: &FileStore) -> Result<(), ShellError> {
    if trust.load("root.json")?.is_some() {
        return Ok(());
    }
    let failed = |problem: String| ShellError::Root(problem);
    let root =
        crate::config::read(&layout.trust_root()).map_err(|error| failed(error.to_string()))?;
    codex_trust::refresh::check_root(&root).map_err(|error| failed(error.to_string()))?;
    trust.store("root.json", &root)?;
    Ok(())
}

/// Both clocks.
pub fn now() -> Now {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Now { wall: Timestamp::now(), uptime: Duration::new(seconds, nanoseconds) }
}

/// Random bytes of the system.
///
/// # Errors
/// When it has none.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], ShellError> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes).map_err(|_| ShellError::Random)?;
    Ok(bytes)
}
