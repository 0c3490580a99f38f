//! Where releases come from: a web server, or a folder.

mod settings;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use codex_trust::transport::{Resource, Transport, TransportError};
use flate2::read::GzDecoder;
use rustix::fs::{CWD, Mode, OFlags, openat};
use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use ureq::{Agent, Body};

use settings::agent;
pub(crate) use settings::client_config;
pub use settings::{ClientIdentity, Pace, Settings, SettingsError};

use crate::address;
use crate::client::Client;

/// What went over the wire, as far as content goes: no headers, no handshakes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many requests were made.
    pub requests: u64,
    /// How many bytes of content arrived, packed as they were.
    pub bytes: u64,
}

/// A release on a web server.
#[derive(Debug)]
pub struct HttpTransport {
    agent: Agent,
    metadata: String,
    targets: String,
    pace: Pace,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// How much longer than the content its compressed form may be: `gzip` has a frame.
const FRAME: u64 = 1024;

impl HttpTransport {
    /// A transport of settings. Nothing is fetched.
    ///
    /// # Errors
    /// When an address, the proxy or the authorities are not usable.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Self::over(agent(settings)?, settings)
    }

    /// A transport over the connections of a client, where they are made alike: most releases lie
    /// on the server that is spoken to anyway, and a handshake costs both sides more than
    /// everything that is then fetched.
    ///
    /// # Errors
    /// As [`HttpTransport::new`].
    pub fn beside(client: &Client, settings: &Settings) -> Result<Self, SettingsError> {
        match client.connections_of(settings) {
            Some(agent) => Self::over(agent, settings),
            None => Self::new(settings),
        }
    }

    fn over(agent: Agent, settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            agent,
            metadata: base(&settings.metadata)?,
            targets: base(&settings.targets)?,
            pace: settings.pace,
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    /// What went over the wire so far.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn fetch(&self, fetch: &Fetch<'_>, address: &str) -> Result<Option<Vec<u8>>, TransportError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let start = Instant::now();
        let request = self.agent.get(address).config().timeout_global(Some(fetch.time)).build();
        let answer = request.call().map_err(|error| fetch.failed(error, 0))?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            // Object stores say so of what is not there to those who may not list it, and the end
            // of the chain of roots is always such a thing. It tells an attacker's server nothing
            // that 404 would not do: both leave the root that is trusted. Of anything else 403 is
            // an error: an absent timestamp and refused credentials must not look the same.
            403 if fetch.is_root() => return Ok(None),
            status => return Err(fetch.problem(format!("the server answered {status}"))),
        }
        let header = |name| answer.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        let packing = match header(CONTENT_ENCODING) {
            None | Some("identity") => Packing::Plain,
            Some("gzip" | "x-gzip") => Packing::Gzip,
            Some(other) => return Err(fetch.problem(format!("it is packed as `{other}`"))),
        };
        let announced = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
        if announced.is_some_and(|length| length > fetch.wire_limit()) {
            return Err(fetch.too_long());
        }
        let mut arrived = 0;
        let body =
            Counted { body: answer.into_body(), arrived: &mut arrived, limit: fetch.wire_limit() };
        let bytes = match packing {
            Packing::Plain => self.content(fetch, body, start),
            Packing::Gzip => self.content(fetch, GzDecoder::new(body), start),
        };
        self.bytes.fetch_add(arrived, Ordering::Relaxed);
        let bytes = bytes?;
        // The library makes sure of this, too; a release must not depend on it.
        if announced.is_some_and(|announced| announced != arrived) {
            return Err(fetch.truncated(arrived));
        }
        Ok(Some(bytes))
    }

    /// Reads content, unpacked, up to its limit and at its pace.
    fn content(
        &self,
        fetch: &Fetch<'_>,
        mut reader: impl Read,
        start: Instant,
    ) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        let mut piece = [0; 8192];
        loop {
            let read = reader.read(&mut piece);
            let read = read.map_err(|error| fetch.failed(error.into(), length_of(&bytes)))?;
            bytes.extend(piece.iter().take(read));
            if length_of(&bytes) > fetch.limit {
                return Err(fetch.too_long());
            }
            if read == 0 {
                return Ok(bytes);
            }
            let taken = start.elapsed();
            let wanted = self.pace.bytes_per_second.saturating_mul(taken.as_secs());
            if taken >= fetch.time || (taken > self.pace.patience && length_of(&bytes) < wanted) {
                return Err(fetch.too_slow(taken));
            }
        }
    }
}

/// How content is packed.
enum Packing {
    Plain,
    Gzip,
}

/// Content as it comes off the wire, counted and bounded: packed content without end may unpack to
/// nothing, and would meet no other limit than the deadline.
struct Counted<'count> {
    body: Body,
    arrived: &'count mut u64,
    limit: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.body.as_reader().read(piece)?;
        *self.arrived = self.arrived.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if *self.arrived > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Ok(read)
    }
}

impl Transport for HttpTransport {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let fetch = Fetch { resource, limit, time: self.time(resource) };
        let unusable = || fetch.problem("its name is not that of a part of a release".to_owned());
        let address = match resource {
            Resource::Metadata(name) => {
                format!("{}{}", self.metadata, address::segment(name).ok_or_else(unusable)?)
            }
            Resource::Target(path) => {
                format!("{}{}", self.targets, address::target_path(path).ok_or_else(unusable)?)
            }
            Resource::Approval(hash) => {
                format!("{}{}", self.targets, approval(hash).ok_or_else(unusable)?)
            }
        };
        self.fetch(&fetch, &address)
    }
}

impl HttpTransport {
    fn time(&self, resource: Resource<'_>) -> Duration {
        match resource {
            Resource::Metadata(_) | Resource::Approval(_) => self.pace.metadata,
            Resource::Target(_) => self.pace.target,
        }
    }
}

/// One fetch, for its limits and its errors.
struct Fetch<'name> {
    resource: Resource<'name>,
    limit: u64,
    time: Duration,
}

impl Fetch<'_> {
    fn name(&self) -> String {
        match self.resource {
            Resource::Metadata(name) | Resource::Target(name) => name.to_owned(),
            Resource::Approval(hash) => approval(hash).unwrap_or_else(|| hash.to_owned()),
        }
    }

    /// Whether it is a root by its number: `12.root.json`.
    fn is_root(&self) -> bool {
        let Resource::Metadata(name) = self.resource else { return false };
        name.strip_suffix(".root.json")
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// What may arrive: packed content can be longer than it is unpacked, but not by much.
    fn wire_limit(&self) -> u64 {
        self.limit.saturating_add(FRAME)
    }

    fn problem(&self, problem: String) -> TransportError {
        TransportError::Failed { name: self.name(), problem }
    }

    fn too_long(&self) -> TransportError {
        TransportError::TooLong { name: self.name(), limit: self.limit }
    }

    fn too_slow(&self, taken: Duration) -> TransportError {
        // Rounded up: nothing is given zero seconds.
        let seconds = taken.as_secs() + u64::from(taken.subsec_nanos() > 0);
        TransportError::TooSlow { name: self.name(), seconds }
    }

    fn truncated(&self, received: u64) -> TransportError {
        TransportError::Truncated { name: self.name(), received }
    }

    fn failed(&self, error: ureq::Error, received: u64) -> TransportError {
        match error {
            ureq::Error::Timeout(_) => self.too_slow(self.time),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                self.too_slow(self.time)
            }
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.truncated(received)
            }
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                self.too_long()
            }
            error => self.problem(error.to_string()),
        }
    }
}

/// The path of an approval below the targets; `None` where the hash is none.
fn approval(hash: &str) -> Option<String> {
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| format!("approvals/{hash}.json"))
}

/// An address with the slash at its end that names are put after.
fn base(address: &str) -> Result<String, SettingsError> {
    let wrong = || SettingsError::Address { address: address.to_owned() };
    let (scheme, rest) = address.split_once("://").ok_or_else(wrong)?;
    let is_usable = matches!(scheme, "http" | "https")
        && !rest.starts_with('/')
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@'));
    if !is_usable {
        return Err(wrong());
    }
    Ok(format!("{}/", address.trim_end_matches('/')))
}

pub(crate) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A release in a folder: `metadata/`, `targets/` and `targets/approvals/` below it, each file
/// under the name that a web server would be asked for, not encoded.
#[derive(Debug)]
pub struct DirectoryTransport {
    folder: PathBuf,
}

impl DirectoryTransport {
    /// A transport of a folder. Nothing is looked at.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Transport for DirectoryTransport {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let fetch = Fetch { resource, limit, time: Duration::MAX };
        let path = path_in_folder(resource).ok_or_else(|| {
            fetch.problem("its name is not that of a part of a release".to_owned())
        })?;
        let Some(file) =
            open_below(&self.folder, Path::new(&path)).map_err(|problem| fetch.problem(problem))?
        else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| fetch.problem(error.to_string()))?;
        if length_of(&bytes) > limit {
            return Err(fetch.too_long());
        }
        Ok(Some(bytes))
    }
}

/// Where a resource is in a folder that holds a release; none where its name would lead elsewhere.
pub(crate) fn path_in_folder(resource: Resource<'_>) -> Option<String> {
    let is_named = match resource {
        Resource::Metadata(name) => address::segment(name).is_some(),
        Resource::Target(path) => address::target_path(path).is_some(),
        Resource::Approval(hash) => approval(hash).is_some(),
    };
    is_named.then(|| resource.file())
}

/// Opens a file below a folder, following no link on the way.
fn open_below(folder: &Path, path: &Path) -> Result<Option<File>, String> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    // The folder itself is what an administrator named, and may be a link.
    let base = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = openat(CWD, folder, base, Mode::empty()).map_err(|errno| errno.to_string())?;
    for part in path.components() {
        let Component::Normal(name) = part else {
            return Err("its name leaves the folder".to_owned());
        };
        at = match openat(&at, name, flags, Mode::empty()) {
            Ok(next) => next,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => {
                return Err(format!("`{}` is a link, which is not followed", name.display()));
            }
            Err(errno) => return Err(errno.to_string()),
        };
    }
    let file = File::from(at);
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(Some(file)),
        Ok(_) => Err("it is no regular file".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
