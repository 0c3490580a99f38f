//! A release in memory: keys, documents and the transport over them.
#![allow(dead_code, unreachable_pub, reason = "every test takes what it needs")]
#![allow(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use codex_trust::approval::{Approval, Statement};
use codex_trust::audience::{Audience, Claims};
use codex_trust::bundle::{self, Bundle, OnStale};
use codex_trust::document::{Envelope, RoleKeys, Root, Targets};
use codex_trust::keys::{MemoryKey, PublicKey, Signer};
use codex_trust::organisation::{self, Approvers, Organisation};
use codex_trust::provider::{hex, sha256};
use codex_trust::transport::{Resource, Transport, TransportError};
use codex_trust::write::{
    Authority, Content, Draft, Next, Online, Published, WriteError, draft, metadata_name,
    target_name,
};
use jiff::Timestamp as Time;

pub fn key(number: u8) -> MemoryKey {
    MemoryKey::from_seed(&[number; 32]).unwrap()
}

pub const ROOT: u8 = 1;
pub const TARGETS: u8 = 2;
pub const SNAPSHOT: u8 = 3;
pub const TIMESTAMP: u8 = 4;
pub const LOOSEN: u8 = 5;
pub const SHARED: u8 = 6;
pub const PAYMENTS: u8 = 7;
pub const PLATFORM: u8 = 8;

pub fn now() -> Time {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

/// What a server has.
#[derive(Debug, Default)]
pub struct Mirror {
    pub files: Mutex<BTreeMap<String, Vec<u8>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Mirror {
    pub fn put(&self, name: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.files.lock().unwrap().insert(name.into(), bytes.into());
    }

    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap().get(name).cloned()
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Transport for Mirror {
    fn get(&self, resource: Resource<'_>, limit: u64) -> Result<Option<Vec<u8>>, TransportError> {
        let name = resource.file();
        self.asked.lock().unwrap().push(name.clone());
        let found = Mirror::get(self, &name);
        match found {
            Some(bytes) if bytes.len() as u64 > limit => {
                Err(TransportError::TooLong { name, limit })
            }
            found => Ok(found),
        }
    }
}

pub fn root(version: u64, online: u8) -> Vec<u8> {
    let roles = [
        ("root", ROOT),
        ("targets", TARGETS),
        ("snapshot", SNAPSHOT + online),
        ("timestamp", TIMESTAMP + online),
    ];
    let mut envelope = Envelope::new(&Root {
        version,
        expires: "2027-11-25T12:00:00Z".parse().unwrap(),
        keys: roles
            .iter()
            .map(|(_, one)| key(*one).public())
            .map(|k| (k.id(), k.object()))
            .collect(),
        roles: roles
            .iter()
            .map(|(name, one)| ((*name).to_owned(), RoleKeys::of(&[key(*one).public()], 1)))
            .collect(),
        consistent_snapshot: true,
    })
    .unwrap();
    envelope.sign(&key(ROOT)).unwrap();
    envelope.bytes()
}

pub fn authority(number: u8, days: u32) -> Authority {
    Authority { keys: vec![key(number).public()], threshold: 1, days }
}

pub fn organisation() -> Organisation {
    Organisation {
        form: organisation::FORM.to_owned(),
        organisation: "Example Bank".to_owned(),
        floor: Some("allowed_sandbox_modes = ['read-only', 'workspace-write']\n".to_owned()),
        loosen: Approvers { keys: vec![key(LOOSEN).public()], threshold: 1 },
        minimum_generations: BTreeMap::new(),
        void: std::collections::BTreeSet::new(),
        deleted_teams: std::collections::BTreeSet::new(),
        longest_pause_hours: Some(48),
    }
}

pub fn bundle(team: Option<&str>, cohort: &str, requirements: &str) -> Next {
    let audience =
        Audience { team: team.map(str::to_owned), rest: team.is_none(), ..Audience::default() };
    Next {
        team: team.map(str::to_owned),
        bundle: Bundle {
            form: bundle::FORM.to_owned(),
            organisation: "Example Bank".to_owned(),
            cohort: cohort.to_owned(),
            policy: format!("example.bank.codex.{cohort}"),
            generation: 0,
            parent: None,
            audience,
            codex_versions: vec!["0.169.0".to_owned()],
            fresh_for_seconds: 2_592_000,
            on_stale: OnStale::Keep,
            revision: 1,
            commit: None,
            digest: "sha256:00".to_owned(),
            files: BTreeMap::from([("requirements.toml".to_owned(), requirements.to_owned())]),
            places: Vec::new(),
            provenance: None,
        },
    }
}

pub const STRICT: &str = "allowed_sandbox_modes = ['read-only']\n";
pub const LOOSE: &str = "allowed_sandbox_modes = ['read-only', 'workspace-write']\n";
pub const BELOW_FLOOR: &str = "allowed_approval_policies = ['never']\n";

pub fn bundles(payments: &str, platform: &str) -> Vec<Next> {
    vec![
        bundle(Some("payments"), "payments", payments),
        bundle(Some("platform"), "platform", platform),
        bundle(None, "developers", LOOSE),
    ]
}

pub fn drafted(published: &Published, organisation: &Organisation, bundles: Vec<Next>) -> Draft {
    try_draft(published, organisation, bundles).unwrap()
}

pub fn try_draft(
    published: &Published,
    organisation: &Organisation,
    bundles: Vec<Next>,
) -> Result<Draft, WriteError> {
    try_draft_at(published, organisation, bundles, now())
}

fn try_draft_at(
    published: &Published,
    organisation: &Organisation,
    bundles: Vec<Next>,
    time: Time,
) -> Result<Draft, WriteError> {
    let teams = BTreeMap::from([
        ("payments".to_owned(), authority(PAYMENTS, 90)),
        ("platform".to_owned(), authority(PLATFORM, 90)),
    ]);
    let content = Content {
        organisation,
        bundles,
        targets: &authority(TARGETS, 120),
        shared: &authority(SHARED, 90),
        teams: &teams,
        plan: None,
    };
    draft(published, content, time)
}

pub fn sign(draft: &mut Draft) {
    for (name, envelope) in &mut draft.roles {
        let number = match name.as_str() {
            "targets" => TARGETS,
            "organisation" => SHARED,
            "team-payments" => PAYMENTS,
            _ => PLATFORM,
        };
        envelope.sign(&key(number)).unwrap();
    }
}

pub fn put(mirror: &Mirror, draft: &Draft, published: &Published, online: u8) {
    put_at(mirror, draft, published, online, now());
}

fn put_at(mirror: &Mirror, draft: &Draft, published: &Published, online: u8, time: Time) {
    let (snapshot, timestamp) = (key(SNAPSHOT + online), key(TIMESTAMP + online));
    let online =
        Online { snapshot: &snapshot, snapshot_days: 7, timestamp: &timestamp, timestamp_days: 2 };
    let commit = draft.commit(published, online, time).unwrap();
    for (path, bytes) in &draft.files {
        mirror.put(format!("targets/{}", target_name(path, &hex(&sha256(bytes)))), bytes.clone());
    }
    for (name, envelope) in &draft.roles {
        let document: Targets = envelope.document().unwrap();
        mirror.put(format!("metadata/{}", metadata_name(name, &document)), envelope.bytes());
    }
    let snapshot = format!("metadata/{}.snapshot.json", commit.snapshot_version);
    mirror.put(snapshot, commit.snapshot.bytes());
    mirror.put("metadata/timestamp.json", commit.timestamp.bytes());
}

/// Publishes a first or a further release.
pub fn publish(mirror: &Arc<Mirror>, organisation: &Organisation, bundles: Vec<Next>) -> Draft {
    publish_at(mirror, organisation, bundles, now())
}

/// The same as of today: for programs that look at the clock of the machine.
pub fn publish_now(mirror: &Arc<Mirror>, organisation: &Organisation, bundles: Vec<Next>) -> Draft {
    publish_at(mirror, organisation, bundles, Time::now())
}

fn publish_at(
    mirror: &Arc<Mirror>,
    organisation: &Organisation,
    bundles: Vec<Next>,
    time: Time,
) -> Draft {
    let published = published(mirror);
    let mut draft = try_draft_at(&published, organisation, bundles, time).unwrap();
    sign(&mut draft);
    put_at(mirror, &draft, &published, 0, time);
    draft
}

pub fn published(mirror: &Arc<Mirror>) -> Published {
    let transport: Arc<dyn Transport> = Arc::<Mirror>::clone(mirror);
    if Mirror::get(mirror, "metadata/timestamp.json").is_some() {
        Published::read(&transport, &root(1, 0)).unwrap()
    } else {
        Published::nothing(&root(1, 0)).unwrap()
    }
}

pub fn claims(team: Option<&str>) -> Claims {
    Claims {
        organisation: "Example Bank".to_owned(),
        team: team.map(str::to_owned),
        environment: None,
        groups: std::collections::BTreeSet::new(),
        os: "linux".to_owned(),
        host: "host.bank.example".to_owned(),
    }
}

pub fn approval(from: &str, to: &str, cohort: &str, signers: &[u8]) -> Vec<u8> {
    let mut approval = Approval::new(&Statement {
        form: codex_trust::approval::FORM.to_owned(),
        organisation: "Example Bank".to_owned(),
        cohort: cohort.to_owned(),
        from: std::iter::once(from.to_owned()).collect(),
        to: to.to_owned(),
        reason: "release week".to_owned(),
    });
    for signer in signers {
        approval.sign(&key(*signer)).unwrap();
    }
    approval.bytes()
}

pub fn public(number: u8) -> PublicKey {
    key(number).public()
}
