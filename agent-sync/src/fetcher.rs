//! The fetching half: answers questions of the mailbox, and keeps a copy of the part of the
//! release that this machine needs in the spool. It believes nothing for anybody else: the
//! installing half verifies all of it again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use codex_fleet::push::Hint;
use codex_trust::audience::Claims;
use codex_trust::refresh::{Limits, refresh};
use codex_trust::store::MemoryStore;
use codex_trust::transport::{Resource, Transport, TransportError};
use codex_trust::verify::{assigned, organisation};

use crate::channel::Channel;
use crate::client::Client;
use crate::courier::{ANSWER, ASK, Ask, Courier, Direct, HINT, Reply, What, read};
use crate::follow::{Follower, News, Way};
use crate::identity::put;
use crate::layout::{Layout, STATE};
use crate::shell::Wake;
use crate::transport::{DirectoryTransport, path_in_folder};
use crate::watch;

/// How long the outbox is watched at a time.
const LOOK: Duration = Duration::from_mins(1);

/// The release as it is fetched, with a copy of everything in the spool.
struct Recording {
    source: Arc<dyn Transport>,
    spool: DirectoryTransport,
    layout: Layout,
    touched: Mutex<BTreeSet<String>>,
}

impl Recording {
    fn keep(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        let (folder, name) = path.rsplit_once('/').ok_or("it has no folder")?;
        let folder = format!("{STATE}/spool/{folder}");
        put(&self.layout, &folder, name, bytes).map_err(|error| error.to_string())
    }

    fn touch(&self, path: String) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }
}

impl Transport for Recording {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let path = path_in_folder(resource);
        // Everything else has its version or digest in its name.
        let changes = match resource {
            Resource::Metadata(name) => name == "timestamp.json",
            Resource::Target(_) => false,
            Resource::Approval(_) => true,
        };
        let kept = if changes { None } else { self.spool.get(resource, limit).ok().flatten() };
        let found = match kept {
            Some(bytes) => Some(bytes),
            None => self.source.get(resource, limit)?,
        };
        if let (Some(path), Some(bytes)) = (path, &found) {
            self.keep(&path, bytes).map_err(|problem| TransportError::Failed {
                name: path.clone(),
                problem: format!("the spool cannot keep it: {problem}"),
            })?;
            self.touch(path);
        }
        Ok(found)
    }
}

/// Brings the spool up to date with the release, as far as this machine needs it.
///
/// # Errors
/// A sentence: why it is not to be had.
pub fn mirror(layout: &Layout, source: &Arc<dyn Transport>, claims: &Claims) -> Result<(), String> {
    let tried = mirror_once(layout, source, claims);
    if tried.is_ok() {
        return Ok(());
    }
    // Perhaps what is in the spool was damaged: once more, without it.
    for part in ["metadata", "targets"] {
        drop(std::fs::remove_dir_all(layout.spool().join(part)));
    }
    mirror_once(layout, source, claims)
}

fn mirror_once(
    layout: &Layout,
    source: &Arc<dyn Transport>,
    claims: &Claims,
) -> Result<(), String> {
    let root = crate::config::read(&layout.trust_root()).map_err(|error| error.to_string())?;
    let recording = Arc::new(Recording {
        source: Arc::clone(source),
        spool: DirectoryTransport::new(layout.spool()),
        layout: layout.clone(),
        touched: Mutex::default(),
    });
    // Nothing is remembered here: the spool is all there is.
    let store = Arc::new(MemoryStore::with_root(&root));
    let now = crate::shell::now().wall;
    let transport = Arc::clone(&recording) as Arc<dyn Transport>;
    let session = refresh(transport, store, now, Limits::default());
    let mut session = session.map_err(|error| error.to_string())?;
    let said = organisation(&mut session).map_err(|error| error.to_string())?;
    let found = assigned(&mut session, &said, claims).map_err(|error| error.to_string())?;
    let bundle = session.fetch(&found.path).map_err(|error| error.to_string())?;
    if let Some(bundle) = bundle {
        let digest = bundle.digest();
        let hash = digest.trim_start_matches("sha256:");
        // Most bundles need none.
        let limit = codex_trust::approval::MAX_BYTES;
        let _approval = recording.get(Resource::Approval(hash), limit);
    }
    let touched = recording.touched.lock().unwrap_or_else(PoisonError::into_inner);
    for part in ["metadata", "targets"] {
        prune(&layout.spool(), Path::new(part), &touched);
    }
    Ok(())
}

/// Removes what no longer belongs to the release. What cannot be removed does no harm.
fn prune(spool: &Path, below: &Path, wanted: &BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(spool.join(below)) else { return };
    for entry in entries.filter_map(Result::ok) {
        let path = below.join(entry.file_name());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => prune(spool, &path, wanted),
            Ok(_) if !wanted.contains(&*path.to_string_lossy()) => {
                drop(std::fs::remove_file(spool.join(&path)));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

/// Serves the mailbox for ever.
pub fn serve(layout: &Layout, direct: &mut Direct, claims: &Claims, tell: &mut dyn FnMut(&str)) {
    let mut last = read::<Reply>(&layout.spool().join(ANSWER)).map_or(0, |reply| reply.number);
    loop {
        // What is asked once the watch has begun ends it: nothing is asked in between.
        watch::wait(&[layout.outbox()], LOOK, || {
            let ask = read::<Ask>(&layout.outbox().join(ASK)).filter(|one| one.number != last);
            let Some(ask) = ask else { return };
            last = ask.number;
            let reply = answer(layout, direct, claims, ask);
            if let Some(problem) = &reply.problem {
                tell(problem);
            }
            let text = serde_json::to_vec(&reply).unwrap_or_default();
            if let Err(error) = put(layout, &format!("{STATE}/spool"), ANSWER, &text) {
                tell(&error.to_string());
            }
        });
    }
}

fn answer(layout: &Layout, direct: &mut Direct, claims: &Claims, ask: Ask) -> Reply {
    let mut reply = Reply { number: ask.number, answer: None, problem: None, filing: None };
    match ask.what {
        What::CheckIn(check_in) => match direct.check_in(&check_in) {
            Ok(answer) => reply.answer = Some(answer),
            Err(problem) => reply.problem = Some(problem),
        },
        What::Release => {
            let source = direct.release();
            let done = source.and_then(|source| mirror(layout, &source, claims));
            reply.problem = done.err();
        }
        What::File(request) => reply.filing = Some(direct.file(&request)),
    }
    reply
}

/// Waits for hints for ever, and hands each on: over the push channel, or by long polls where none
/// lives. Why there is none is told by the next check-in.
pub fn follow_hints(client: &Client, mut hand_on: impl FnMut(Hint) -> bool) {
    let mut follower = Follower::default();
    loop {
        let wait = match follower.way(crate::shell::now().uptime) {
            Way::Channel => {
                if listen(client, &mut follower, &mut hand_on) == Listens::No {
                    return;
                }
                follower.ended(crate::shell::now().uptime, roll())
            }
            Way::Poll(revision) => match client.wait(revision) {
                Err(_) => follower.failed(roll()),
                Ok(hint) => {
                    let message = follower.heard(crate::shell::now().uptime, &hint);
                    match message.news {
                        News::Yes if !hand_on(hint) => return,
                        News::Yes => message.pause,
                        // A server that answers at once with nothing must not be asked in a loop.
                        News::No => message.pause.max(Duration::from_secs(1)),
                    }
                }
            },
        };
        std::thread::sleep(wait);
    }
}

/// Whether somebody still wants hints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listens {
    Yes,
    No,
}

/// Opens a channel and hands on what comes over it, until it ends.
fn listen(
    client: &Client,
    follower: &mut Follower,
    hand_on: &mut impl FnMut(Hint) -> bool,
) -> Listens {
    let Ok(mut channel) = client.channel() else { return Listens::Yes };
    let mut silence = Channel::first();
    while let Ok(hint) = channel.next(silence) {
        let message = follower.heard(crate::shell::now().uptime, &hint);
        if message.news == News::Yes && !hand_on(hint) {
            return Listens::No;
        }
        std::thread::sleep(message.pause);
        silence = message.silence;
    }
    Listens::Yes
}

/// A number from 0 to 1; in the middle where the system has no randomness.
fn roll() -> f64 {
    let bytes = crate::shell::random::<4>();
    bytes.map_or(0.5, |bytes| f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}

/// Hands hints to the loop of this process.
pub fn hints_to_loop(client: Arc<Client>, wake: Sender<Wake>) {
    std::thread::spawn(move || {
        follow_hints(&client, |hint| wake.send(Wake::Hint(hint)).is_ok());
    });
}

/// Hands hints to the installing half.
pub fn hints_to_spool(client: Arc<Client>, layout: Layout) {
    std::thread::spawn(move || {
        follow_hints(&client, |hint| {
            let text = serde_json::to_vec(&hint).unwrap_or_default();
            // A hint that is lost costs nothing but time.
            let _kept = put(&layout, &format!("{STATE}/spool"), HINT, &text);
            true
        });
    });
}

/// Wakes the loop when somebody leaves a request: once a second at most, whoever writes how often.
pub fn watch_requests(layout: &Layout, wake: Sender<Wake>) {
    let folder = layout.below(codex_fleet::request::DROP_FOLDER);
    std::thread::spawn(move || {
        loop {
            let mut listens = true;
            let there = std::slice::from_ref(&folder);
            watch::wait(there, LOOK, || listens = wake.send(Wake::Files).is_ok());
            if !listens {
                return;
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
}

/// Wakes the loop when something changes where policy is, or a hint comes into the spool.
pub fn watch_files(layout: Layout, wake: Sender<Wake>) {
    let policy = layout.below("/etc/codex");
    let folders = [
        policy.clone(),
        policy.join("rules"),
        layout.below(crate::layout::SETTINGS),
        layout.spool(),
    ];
    std::thread::spawn(move || {
        let mut last = crate::courier::last_hint(&layout);
        loop {
            // Only those that are there: others are noticed through their parents, or by the
            // periodic look.
            let there: Vec<_> = folders.iter().filter(|one| one.is_dir()).cloned().collect();
            let mut listens = true;
            watch::wait(&there, LOOK, || {
                let hint = crate::courier::last_hint(&layout);
                if hint != last {
                    last.clone_from(&hint);
                    listens = hint.is_none_or(|hint| wake.send(Wake::Hint(hint)).is_ok());
                }
                listens &= wake.send(Wake::Files).is_ok();
            });
            if !listens {
                return;
            }
            // One answer to many changes.
            std::thread::sleep(Duration::from_millis(100));
        }
    });
}
