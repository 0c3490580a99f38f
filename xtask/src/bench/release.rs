//! `cargo xtask bench release`: what signing, refreshing and verifying a release of 500 teams cost.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use codex_trust::audience::{Audience, Claims};
use codex_trust::bundle::{Bundle, FORM, OnStale};
use codex_trust::document::{Envelope, RoleKeys, Root, Targets};
use codex_trust::guards::Endpoint;
use codex_trust::keys::{MemoryKey, Signer};
use codex_trust::organisation::{self, Approvers, Organisation};
use codex_trust::provider::{hex, sha256};
use codex_trust::refresh::{Limits, refresh};
use codex_trust::store::{MemoryStore, MetadataStore};
use codex_trust::transport::{Resource, Transport, TransportError};
use codex_trust::verify::verify;
use codex_trust::write::{
    Authority, Content, Next, Online, Published, draft, metadata_name, target_name,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;

use super::compile::{SHARED, repository, scratch, text};
use super::measure::{Cost, Place};
use super::workload::{self, SIZES};
use super::{cargo, release_program, target_folder};
use crate::talk::{Problem, say};

/// Teams, each with one cohort.
const TEAMS: usize = 500;
/// What signing the release may cost, in seconds of processor time.
const SIGN_GOAL: f64 = 0.5;
/// What verifying one bundle may cost, in milliseconds of processor time.
const VERIFY_GOAL_MS: f64 = 1.0;
/// What a first refresh may take of memory, in a process of its own.
const MEMORY_GOAL_MIB: u64 = 10;
/// What the refresh of a machine may cost whose team changed nothing.
const BYTES_GOAL: usize = 3072;
const REQUESTS_GOAL: usize = 6;

/// Measures; a missed goal is a failure.
pub(super) fn run() -> Result<(), Problem> {
    let files = compiled()?;
    let bytes: usize = files.values().flat_map(BTreeMap::values).map(String::len).sum();
    say(&format!("{TEAMS} teams, {} KB of files a cohort\n", bytes / TEAMS / 1024));
    let mirror = Arc::new(Mirror::default());
    let keys = Keys::new()?;
    let before = Published::nothing(&keys.root(now()?)?)?;
    let bundles = bundles(&files)?;
    let start = processor_seconds()?;
    release(&keys, &before, bundles, &mirror, now()?)?;
    let signing = processor_seconds()? - start;
    say(&format!("sign, {TEAMS} cohorts            {signing:>8.2} s of processor time"));

    let store = Arc::new(MemoryStore::with_root(&keys.root(now()?)?));
    let cold = cost(&mirror, &store)?;
    say(&format!("machine, first time           {cold}"));
    let process = cold_process(&mirror, &keys)?;
    let memory = process.peak_kib.div_ceil(1024);
    say(&format!("    as a process              {:>8.2} ms, {memory} MiB", process.wall_ms));
    let again = cost(&mirror, &store)?;
    say(&format!("machine, nothing published    {again}"));
    let transport: Arc<dyn Transport> = Arc::<Mirror>::clone(&mirror);
    let published = Published::read(&transport, &keys.root(now()?)?)?;
    let mut next = self::bundles(&files)?;
    if let Some(other) = next.get_mut(1) {
        other.bundle.files.insert("rules/new.rules".to_owned(), "# new\n".to_owned());
    }
    release(&keys, &published, next, &mirror, now()?)?;
    let unaffected = cost(&mirror, &store)?;
    say(&format!("machine, another team's news  {unaffected}"));
    let one = verification(&mirror, &store)?;
    say(&format!("verify one bundle             {one:>8.2} ms of processor time"));

    let mut missed = Vec::new();
    if signing > SIGN_GOAL {
        missed.push(format!("signing takes more than {SIGN_GOAL} s"));
    }
    if one > VERIFY_GOAL_MS {
        missed.push(format!("verifying takes more than {VERIFY_GOAL_MS} ms"));
    }
    if unaffected.bytes > BYTES_GOAL || unaffected.requests > REQUESTS_GOAL {
        missed.push(format!("more than {BYTES_GOAL} bytes or {REQUESTS_GOAL} requests"));
    }
    if memory > MEMORY_GOAL_MIB {
        missed.push(format!("a cold refresh takes more than {MEMORY_GOAL_MIB} MiB"));
    }
    if missed.is_empty() {
        say("\nall goals met");
        return Ok(());
    }
    Err(format!("goals missed: {}", missed.join("; ")).into())
}

/// A machine's first refresh with its bundle, by a process of its own: the machine's transport and
/// store, the release in a folder.
fn cold_process(mirror: &Mirror, keys: &Keys) -> Result<Cost, Problem> {
    let mut build = Command::new(cargo());
    build.args(["build", "--release", "--locked", "-p", "codex-agent-sync", "--example"]);
    if !build.arg("refresh_folder").current_dir(crate::workspace()).status()?.success() {
        return Err("refresh_folder does not build".into());
    }
    let base = std::env::temp_dir().join(format!("codex-refresh-bench-{}", std::process::id()));
    let base = scratch(&base)?;
    let (store, folder) = (base.join("store"), base.join("release"));
    fs::create_dir_all(&store)?;
    fs::write(store.join("root.json"), keys.root(now()?)?)?;
    let mut target = None;
    for (name, bytes) in mirror.files() {
        let path = folder.join(&name);
        fs::create_dir_all(path.parent().ok_or("a file without a folder")?)?;
        fs::write(path, bytes)?;
        // `targets/FOLDER/DIGEST.NAME` on the disk is the target `FOLDER/NAME`.
        let listed = name.strip_prefix("targets/team-").and_then(|rest| rest.split_once('/'));
        if let (None, Some((team, file))) = (&target, listed) {
            let file = file.split_once('.').map_or(file, |(_, name)| name);
            target = Some(format!("team-{team}/{file}"));
        }
    }
    let program = target_folder().join("release/examples/refresh_folder");
    let target = target.ok_or("no target")?;
    let words = [text(&program), text(&store), text(&folder), now()?.to_string(), target];
    let cost = Place(&base).run(false, &words)?;
    fs::remove_dir_all(&base)?;
    if cost.code == 0 { Ok(cost) } else { Err("the cold refresh failed".into()) }
}

/// The compiled files of every cohort, as `codex-config compile` writes them.
fn compiled() -> Result<BTreeMap<String, BTreeMap<String, String>>, Problem> {
    let program = release_program()?;
    let base = std::env::temp_dir().join(format!("codex-config-bench-{}", std::process::id()));
    fs::create_dir_all(&base)?;
    let base = scratch(&base.canonicalize()?)?;
    let size = SIZES.iter().find(|size| size.name == "M").ok_or("there is no such size")?;
    let layers = workload::layers(*size);
    let top = base.join("policy");
    let shared = layers.get(..SHARED.len()).ok_or("too few layers")?;
    repository(&top, shared, &workload::cohorts(TEAMS))?;
    let out = base.join("out");
    let words = [text(&program), "compile".into(), text(&top), "--out".into(), text(&out)];
    let cost = Place(&base).run(false, &words)?;
    if cost.code != 0 {
        return Err("the workload does not compile".into());
    }
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&out)? {
        let folder = entry?.path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(name, files_of(&folder)?);
        }
    }
    fs::remove_dir_all(&base)?;
    Ok(found)
}

fn files_of(folder: &Path) -> Result<BTreeMap<String, String>, Problem> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let below = files_of(&path)?;
            files.extend(below.into_iter().map(|(file, text)| (format!("{name}/{file}"), text)));
        } else {
            files.insert(name, fs::read_to_string(&path)?);
        }
    }
    Ok(files)
}

pub(super) fn bundles(
    compiled: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<Vec<Next>, Problem> {
    let one = |(team, files): (&String, &BTreeMap<String, String>)| -> Result<Next, Problem> {
        let mut files = files.clone();
        let provenance = files.remove("provenance.json");
        let provenance =
            provenance.map(|text| serde_json::value::RawValue::from_string(text.trim().to_owned()));
        let audience = Audience { team: Some(team.clone()), ..Audience::default() };
        let bundle = Bundle {
            form: FORM.to_owned(),
            organisation: "Example".to_owned(),
            cohort: team.clone(),
            policy: format!("example.codex.{team}"),
            generation: 0,
            parent: None,
            audience,
            codex_versions: vec!["0.169.0".to_owned()],
            fresh_for_seconds: 2_592_000,
            on_stale: OnStale::Keep,
            revision: 1,
            commit: None,
            digest: String::new(),
            files,
            places: Vec::new(),
            provenance: provenance.transpose()?,
        };
        Ok(Next { team: Some(team.clone()), bundle })
    };
    compiled.iter().map(one).collect()
}

/// Six keys, as a small organisation has them.
pub(super) struct Keys {
    root: MemoryKey,
    targets: MemoryKey,
    team: MemoryKey,
    snapshot: MemoryKey,
    timestamp: MemoryKey,
}

impl Keys {
    pub(super) fn new() -> Result<Self, Problem> {
        let key = |number: u8| MemoryKey::from_seed(&[number; 32]).ok_or("no key");
        Ok(Self {
            root: key(1)?,
            targets: key(2)?,
            team: key(3)?,
            snapshot: key(4)?,
            timestamp: key(5)?,
        })
    }

    pub(super) fn root(&self, at: Timestamp) -> Result<Vec<u8>, Problem> {
        let roles = [
            ("root", &self.root),
            ("targets", &self.targets),
            ("snapshot", &self.snapshot),
            ("timestamp", &self.timestamp),
        ];
        let mut envelope = Envelope::new(&Root {
            version: 1,
            expires: codex_trust::write::after(at, 365),
            keys: roles.iter().map(|(_, key)| (key.public().id(), key.public().object())).collect(),
            roles: roles
                .iter()
                .map(|(name, key)| ((*name).to_owned(), RoleKeys::of(&[key.public()], 1)))
                .collect(),
            consistent_snapshot: true,
        })?;
        envelope.sign(&self.root)?;
        Ok(envelope.bytes())
    }
}

fn now() -> Result<Timestamp, Problem> {
    Ok("2026-11-25T12:00:00Z".parse()?)
}

/// Drafts, signs and puts a release.
pub(super) fn release(
    keys: &Keys,
    before: &Published,
    bundles: Vec<Next>,
    mirror: &Mirror,
    at: Timestamp,
) -> Result<(), Problem> {
    let authority =
        |key: &MemoryKey| Authority { keys: vec![key.public()], threshold: 1, days: 90 };
    let teams = bundles
        .iter()
        .filter_map(|next| Some((next.team.clone()?, authority(&keys.team))))
        .collect();
    let organisation = Organisation {
        form: organisation::FORM.to_owned(),
        organisation: "Example".to_owned(),
        floor: None,
        loosen: Approvers { keys: vec![keys.root.public()], threshold: 1 },
        minimum_generations: BTreeMap::new(),
        void: std::collections::BTreeSet::new(),
        deleted_teams: std::collections::BTreeSet::new(),
        longest_pause_hours: None,
    };
    let content = Content {
        organisation: &organisation,
        bundles,
        targets: &authority(&keys.targets),
        shared: &authority(&keys.team),
        teams: &teams,
        plan: None,
    };
    let mut draft = draft(before, content, at)?;
    for (name, envelope) in &mut draft.roles {
        envelope.sign(if name == "targets" { &keys.targets } else { &keys.team })?;
    }
    let online = Online {
        snapshot: &keys.snapshot,
        snapshot_days: 7,
        timestamp: &keys.timestamp,
        timestamp_days: 2,
    };
    let commit = draft.commit(before, online, at)?;
    for (path, bytes) in draft.files {
        mirror.put(format!("targets/{}", target_name(&path, &hex(&sha256(&bytes)))), bytes);
    }
    for (name, envelope) in &draft.roles {
        let document: Targets = envelope.document()?;
        mirror.put(format!("metadata/{}", metadata_name(name, &document)), envelope.bytes());
    }
    let snapshot = format!("metadata/{}.snapshot.json", commit.snapshot_version);
    mirror.put(snapshot, commit.snapshot.bytes());
    mirror.put("metadata/timestamp.json".to_owned(), commit.timestamp.bytes());
    Ok(())
}

/// A server that counts what goes over the wire: bodies as gzip makes them.
#[derive(Default)]
pub(super) struct Mirror {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    traffic: Mutex<(usize, usize)>,
}

impl Mirror {
    /// All files by their names.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, name: String, bytes: Vec<u8>) {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(name, bytes);
    }
}

impl Mirror {
    fn first_team(&self) -> Option<String> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            files.keys().find_map(|name| name.strip_prefix("targets/team-")?.split_once('/'));
        found.map(|(team, _)| team.to_owned())
    }
}

impl Transport for Mirror {
    fn get(&self, resource: Resource<'_>, _: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let name = resource.file();
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let found = files.get(&name).cloned();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let failed = |error: std::io::Error| TransportError::Failed {
            name: name.clone(),
            problem: error.to_string(),
        };
        gzip.write_all(found.as_deref().unwrap_or_default()).map_err(failed)?;
        let sent = gzip.finish().map_err(failed)?.len();
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        traffic.0 += 1;
        traffic.1 += if found.is_some() { sent } else { 0 };
        Ok(found)
    }
}

/// What one refresh with its verification cost.
struct Traffic {
    requests: usize,
    bytes: usize,
}

impl std::fmt::Display for Traffic {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:>8} bytes in {} requests", self.bytes, self.requests)
    }
}

fn cost(mirror: &Arc<Mirror>, store: &Arc<MemoryStore>) -> Result<Traffic, Problem> {
    *mirror.traffic.lock().unwrap_or_else(PoisonError::into_inner) = (0, 0);
    take(mirror, store)?;
    let (requests, bytes) = *mirror.traffic.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Traffic { requests, bytes })
}

fn take(mirror: &Arc<Mirror>, store: &Arc<MemoryStore>) -> Result<(), Problem> {
    let mut session = session(mirror, store)?;
    one(&mut session, mirror)
}

fn session(
    mirror: &Arc<Mirror>,
    store: &Arc<MemoryStore>,
) -> Result<codex_trust::refresh::Session, Problem> {
    let transport: Arc<dyn Transport> = Arc::<Mirror>::clone(mirror);
    let store: Arc<dyn MetadataStore> = Arc::<MemoryStore>::clone(store);
    Ok(refresh(transport, store, now()?, Limits::default())?)
}

fn one(session: &mut codex_trust::refresh::Session, mirror: &Mirror) -> Result<(), Problem> {
    let team = mirror.first_team().ok_or("no team")?;
    let claims = Claims {
        organisation: "Example".to_owned(),
        team: Some(team),
        environment: None,
        groups: std::collections::BTreeSet::new(),
        os: "linux".to_owned(),
        host: "host.example".to_owned(),
    };
    let codex = [codex_schema::version::Version::NEWEST];
    verify(session, mirror, &Endpoint { claims: &claims, installed: None, codex: &codex })?;
    Ok(())
}

/// Milliseconds of processor time for one verification of a bundle that is there, guards included.
fn verification(mirror: &Arc<Mirror>, store: &Arc<MemoryStore>) -> Result<f64, Problem> {
    const TIMES: u32 = 50;
    let mut session = session(mirror, store)?;
    one(&mut session, mirror)?;
    let start = processor_seconds()?;
    for _ in 0..TIMES {
        one(&mut session, mirror)?;
    }
    Ok((processor_seconds()? - start) * 1000.0 / f64::from(TIMES))
}

/// Processor time of this process so far, user and system.
fn processor_seconds() -> Result<f64, Problem> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(std::time::Duration::from_micros(u64::try_from(micros)?).as_secs_f64())
}
