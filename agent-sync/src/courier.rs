//! How the installing half gets at the network: by itself, or through a mailbox that the fetching
//! half serves. With the mailbox no network code is reached.
//!
//! The mailbox is two folders. In the outbox, which only the installing half writes to, lies one
//! question at a time (`ask.json`). In the spool, which only the fetching half writes to, lies its
//! answer (`answer.json`), the release as it was fetched, and the last hint (`hint.json`). Nothing
//! in the spool is believed: answers are signed, releases verified, hints are hints.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_fleet::check_in::{Answer, CheckIn};
use codex_fleet::enrolment::Renewal;
use codex_fleet::push::Hint;
use codex_fleet::request::Request;
use codex_trust::transport::Transport;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::agent::requests::Filing;
use crate::client::Client;
use crate::config::{Config, Source};
use crate::identity::{Enrolment, client_identity, enrolment, is_due, keep_renewed, new_key, put};
use crate::layout::{Layout, STATE};
use crate::store::FileStore;
use crate::transport::{DirectoryTransport, HttpTransport};

/// How long the fetching half may take.
const PATIENCE: Duration = Duration::from_mins(6);

/// How often the spool is looked at while an answer is awaited.
const GLANCE: Duration = Duration::from_millis(50);

/// The most bytes of a question, an answer or a hint.
const LARGEST: u64 = 200_000;

/// The way to the network.
pub trait Courier {
    /// Checks in.
    ///
    /// # Errors
    /// A sentence: why there is no answer.
    fn check_in(&mut self, check_in: &CheckIn) -> Result<Answer, String>;

    /// The release as it is now.
    ///
    /// # Errors
    /// A sentence: why it is not to be had.
    fn release(&mut self) -> Result<Arc<dyn Transport>, String>;

    /// Hands a person's request to the server.
    fn file(&mut self, request: &Request) -> Filing;
}

/// The network itself.
#[derive(Debug)]
pub struct Direct {
    layout: Layout,
    config: Config,
    enrolment: Option<Enrolment>,
    client: Option<Arc<Client>>,
    source: Source,
}

/// How long another process may hold the identity.
const LOCK: Duration = Duration::from_secs(5);

impl Direct {
    /// The network, with the certificate of the machine where there is one.
    ///
    /// # Errors
    /// A sentence: what in the settings or the identity is not usable.
    pub fn open(layout: &Layout, config: &Config) -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let store = FileStore::open(&layout.identity(), LOCK).map_err(|one| text(&one))?;
        let identity = client_identity(&store).map_err(|one| text(&one))?;
        let client = match &config.server {
            None => None,
            Some(server) => {
                let settings = config.settings(server, identity.clone());
                let settings = settings.map_err(|one| text(&one))?;
                Some(Arc::new(Client::new(server, &settings).map_err(|one| text(&one))?))
            }
        };
        let source = config.source(identity).map_err(|one| text(&one))?;
        let enrolment = enrolment(layout).map_err(|one| text(&one))?;
        Ok(Self { layout: layout.clone(), config: config.clone(), enrolment, client, source })
    }

    /// The server, where there is one.
    pub fn client(&self) -> Option<Arc<Client>> {
        self.client.clone()
    }

    /// Renews the certificate where that is due.
    fn renew(&mut self) -> Result<(), String> {
        let (Some(client), Some(enrolment)) = (&self.client, &self.enrolment) else {
            return Ok(());
        };
        let now = crate::shell::now().wall;
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let store = FileStore::open(&self.layout.identity(), LOCK).map_err(|one| text(&one))?;
        if !is_due(&store, now).map_err(|one| text(&one))? {
            return Ok(());
        }
        let key = new_key().map_err(|one| text(&one))?;
        let host = enrolment.identity.claims.host.clone();
        let renewal = Renewal { signing_request: key.signing_request.clone(), host };
        let answer = client.renew(&renewal)?;
        keep_renewed(&store, &key, &answer, enrolment, now).map_err(|one| text(&one))?;
        drop(store);
        *self = Self::open(&self.layout, &self.config)?;
        Ok(())
    }
}

impl Courier for Direct {
    fn check_in(&mut self, check_in: &CheckIn) -> Result<Answer, String> {
        // The old certificate may do for a while yet.
        let renewed = self.renew();
        let client = self.client.as_ref().ok_or("this machine has no server")?;
        let answer = client.check_in(check_in);
        match (answer, renewed) {
            (Err(problem), Err(renewal)) => {
                Err(format!("{problem}; the certificate cannot be renewed: {renewal}"))
            }
            (answer, _) => answer,
        }
    }

    fn file(&mut self, request: &Request) -> Filing {
        match &self.client {
            Some(client) => client.file(request),
            None => Filing::Refused("this machine has no server".to_owned()),
        }
    }

    fn release(&mut self) -> Result<Arc<dyn Transport>, String> {
        Ok(match &self.source {
            Source::Folder(folder) => Arc::new(DirectoryTransport::new(folder.clone())),
            Source::Web(settings) => {
                let transport = match &self.client {
                    Some(client) => HttpTransport::beside(client, settings),
                    None => HttpTransport::new(settings),
                };
                Arc::new(transport.map_err(|error| error.to_string())?)
            }
        })
    }
}

/// A question to the fetching half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Grows with every question, so that an old answer is not taken for a new one.
    pub number: u64,
    /// What is wanted.
    pub what: What,
}

/// What is wanted of the fetching half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A check-in.
    CheckIn(Box<CheckIn>),
    /// The release, in the spool.
    Release,
    /// That a person's request is handed on.
    File(Box<Request>),
}

/// An answer of the fetching half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reply {
    /// The number of the question.
    pub number: u64,
    /// The server's answer to a check-in.
    pub answer: Option<Answer>,
    /// What went wrong.
    pub problem: Option<String>,
    /// What became of a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filing: Option<Filing>,
}

/// The installing half's end of the mailbox.
#[derive(Debug)]
pub struct Mailbox {
    layout: Layout,
    number: u64,
}

impl Mailbox {
    /// A mailbox. The number of the first question has to be one that was not used before.
    pub fn new(layout: Layout, first: u64) -> Self {
        Self { layout, number: first }
    }

    fn ask(&mut self, what: What) -> Result<Reply, String> {
        self.number += 1;
        let ask = Ask { number: self.number, what };
        let text = serde_json::to_vec(&ask).map_err(|error| error.to_string())?;
        let folder = format!("{STATE}/outbox");
        put(&self.layout, &folder, ASK, &text).map_err(|error| error.to_string())?;
        let deadline = Instant::now() + PATIENCE;
        let path = self.layout.spool().join(ANSWER);
        while Instant::now() < deadline {
            if let Some(reply) = read::<Reply>(&path).filter(|one| one.number == self.number) {
                return Ok(reply);
            }
            std::thread::sleep(GLANCE);
        }
        Err("the fetching half does not answer: is `codex-agent run --role fetch` running?"
            .to_owned())
    }
}

/// The names in the mailbox.
pub const ASK: &str = "ask.json";
/// The fetching half's answer.
pub const ANSWER: &str = "answer.json";
/// The last hint.
pub const HINT: &str = "hint.json";

impl Courier for Mailbox {
    fn check_in(&mut self, check_in: &CheckIn) -> Result<Answer, String> {
        let reply = self.ask(What::CheckIn(Box::new(check_in.clone())))?;
        reply.answer.ok_or_else(|| reply.problem.unwrap_or_else(|| "no answer".to_owned()))
    }

    fn file(&mut self, request: &Request) -> Filing {
        match self.ask(What::File(Box::new(request.clone()))) {
            Ok(reply) => {
                reply.filing.unwrap_or_else(|| Filing::Failed("there is no answer".to_owned()))
            }
            Err(problem) => Filing::Failed(problem),
        }
    }

    fn release(&mut self) -> Result<Arc<dyn Transport>, String> {
        let reply = self.ask(What::Release)?;
        match reply.problem {
            // What is in the spool already may do: it is verified all the same.
            Some(problem) if !self.layout.spool().join("metadata").exists() => Err(problem),
            _ => Ok(Arc::new(DirectoryTransport::new(self.layout.spool()))),
        }
    }
}

/// The last hint in the spool.
pub fn last_hint(layout: &Layout) -> Option<Hint> {
    read(&layout.spool().join(HINT))
}

/// A small document that the other half wrote; `None` where it is absent or none. Links are not
/// followed: the other half could make one.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    use std::io::Read as _;
    let (folder, name) = (path.parent()?, path.file_name()?);
    let flags = rustix::fs::OFlags::RDONLY
        | rustix::fs::OFlags::NOFOLLOW
        | rustix::fs::OFlags::NONBLOCK
        | rustix::fs::OFlags::CLOEXEC;
    let path = PathBuf::from(folder).join(name);
    let file = rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(LARGEST).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}
