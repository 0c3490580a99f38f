//! One machine: the agent's core over a disk that is memory and a Codex that agrees.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_agent_sync::agent::{
    Attestation, Effect, Event, InForce, Kept, Notice, Offer, State, Unready, step,
};
use codex_agent_sync::client::Client;
use codex_agent_sync::identity::identity_of;
use codex_agent_sync::install::plan::{Generation, Platform, Which};
use codex_agent_sync::shell::{Wake, in_force, now, offer, random};
use codex_agent_sync::transport::{ClientIdentity, HttpTransport, Settings};
use codex_fleet::check_in::{self, CheckIn, Held};
use codex_fleet::enrolment::Answer;
use codex_schema::version::Version;
use codex_trust::audience::Claims;
use codex_trust::guards::Endpoint;
use codex_trust::provider::digest_name;
use codex_trust::refresh::{Limits, Session, refresh};
use codex_trust::store::{MemoryStore, MetadataStore as _};
use codex_trust::transport::Transport;
use codex_trust::verify::{VerifyError, verify};

use super::Problem;

/// What all machines have in common.
pub(crate) struct Place {
    /// The server's address.
    pub(crate) server: String,
    /// The root of trust.
    pub(crate) root: Vec<u8>,
    /// How it is reached, without a certificate.
    pub(crate) settings: Settings,
}

/// A machine.
pub(crate) struct Machine {
    settings: Settings,
    client: Arc<Client>,
    claims: Claims,
    store: Arc<MemoryStore>,
    state: State,
    transport: Option<Arc<dyn Transport>>,
    session: Option<Session>,
    verified: Option<Generation>,
    installed: Option<Generation>,
    /// The generation that a check-in on its way says is enforced.
    telling: Option<u64>,
}

impl Machine {
    pub(crate) fn new(
        place: &Place,
        identity: ClientIdentity,
        answer: Answer,
    ) -> Result<Self, Problem> {
        let claims = identity_of(answer.certificate.as_bytes())?.claims;
        let settings = Settings { identity: Some(identity), ..place.settings.clone() };
        let dice = u64::from_le_bytes(random::<8>()?);
        Ok(Self {
            client: Arc::new(Client::new(&place.server, &settings)?),
            settings,
            claims,
            store: Arc::new(MemoryStore::with_root(&place.root)),
            state: State::new(Kept::default(), Some(answer.freshness_key), dice),
            transport: None,
            session: None,
            verified: None,
            installed: None,
            telling: None,
        })
    }

    pub(crate) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// Runs for ever.
    pub(crate) fn run(&mut self, woken: &Receiver<Wake>) {
        let mut event = Event::Started(None);
        loop {
            let mut pending = VecDeque::from([event]);
            let mut sleep = std::time::Duration::ZERO;
            while let Some(event) = pending.pop_front() {
                for effect in step(&mut self.state, now(), event) {
                    match effect {
                        Effect::Sleep(wait) => sleep = wait,
                        Effect::Tell(notice) => complain(&notice),
                        effect => pending.extend(self.carry_out(effect)),
                    }
                }
            }
            event = match woken.recv_timeout(sleep) {
                Ok(Wake::Hint(hint)) => Event::Hint(hint),
                Ok(Wake::Files) | Err(RecvTimeoutError::Timeout) => Event::Timer,
                Err(RecvTimeoutError::Disconnected) => return,
            };
        }
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        Some(match effect {
            Effect::Refresh => Event::Refreshed(self.refresh()),
            Effect::Assign => Event::Assigned(self.assign()),
            Effect::Verify => Event::Verified(self.verify()),
            Effect::Install(which) => Event::Installed(self.install(which)),
            Effect::Attest => Event::Attested(Attestation {
                codex: vec![Version::NEWEST.to_string()],
                answered: 1,
                differences: Vec::new(),
                notes: Vec::new(),
            }),
            Effect::CheckIn(check_in) => self.check_in(*check_in),
            Effect::File(_) | Effect::Reply { .. } | Effect::Sleep(_) | Effect::Tell(_) => {
                return None;
            }
        })
    }

    fn refresh(&mut self) -> Result<String, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let transport =
            HttpTransport::beside(&self.client, &self.settings).map_err(|error| text(&error))?;
        let transport: Arc<dyn Transport> = Arc::new(transport);
        self.transport = Some(Arc::clone(&transport));
        let store = Arc::clone(&self.store) as Arc<dyn codex_trust::store::MetadataStore>;
        let session = refresh(transport, store, now().wall, Limits::default());
        self.session = Some(session.map_err(|error| text(&error))?);
        let timestamp = self.store.load("timestamp.json").map_err(|error| text(&error))?;
        timestamp.map(|bytes| digest_name(&bytes)).ok_or_else(|| "there is no timestamp".to_owned())
    }

    fn assign(&mut self) -> Result<Offer, String> {
        let session = self.session.as_mut().ok_or("nothing was refreshed")?;
        offer(session, &self.claims)
    }

    fn verify(&mut self) -> Result<Held, Unready> {
        let failed = |problem: &str| Unready::Failed(problem.to_owned());
        let in_force = self.installed.as_ref().map(Generation::in_force);
        let endpoint = Endpoint {
            claims: &self.claims,
            installed: in_force.as_ref(),
            codex: &[Version::NEWEST],
        };
        let (Some(session), Some(transport)) = (self.session.as_mut(), self.transport.as_ref())
        else {
            return Err(failed("nothing was refreshed"));
        };
        match verify(session, &**transport, &endpoint) {
            Ok(bundle) => {
                let plan = Generation::of(&bundle, Platform::HERE);
                let plan = plan.map_err(|error| Unready::Refused(vec![error.to_string()]))?;
                let held = plan.held.clone();
                self.verified = Some(plan);
                Ok(held)
            }
            Err(VerifyError::Refused(refusals)) => {
                Err(Unready::Refused(refusals.iter().map(ToString::to_string).collect()))
            }
            Err(error) => Err(failed(&error.to_string())),
        }
    }

    fn install(&mut self, which: Which) -> Result<InForce, String> {
        if let Some(verified) = self.verified.take() {
            self.installed = Some(verified);
        }
        let generation = self.installed.as_ref().ok_or("nothing is installed")?;
        Ok(in_force(generation, which))
    }

    fn check_in(&mut self, mut check_in: CheckIn) -> Event {
        let nonce = random::<32>().map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
        check_in.nonce.clone_from(&nonce);
        let enforced = |one: &&check_in::Transition| one.state == check_in::State::Enforced;
        let last = check_in.transitions.iter().rfind(enforced);
        if let Some(transition) = last {
            self.telling = Some(transition.about.generation);
        }
        let answer = self.client.check_in(&check_in);
        if answer.is_ok()
            && let Some(generation) = self.telling.take()
        {
            println!("enforced {generation} {}", now().wall.as_millisecond());
        }
        Event::Answered { nonce, answer }
    }
}

/// Says what went wrong; what went well is said once it is reported.
fn complain(notice: &Notice) {
    if !matches!(notice, Notice::Now { .. }) {
        eprintln!("{notice}");
    }
}
