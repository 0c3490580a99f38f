//! One suite for both databases, and what happens when one of them is gone.

use std::collections::BTreeSet;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_fleet::check_in::{Held, State, Transition};
use codex_fleet::identity::{DeviceId, Identity};
use codex_fleet_server::config::Config;
use codex_fleet_server::fleet::NoHolds;
use codex_fleet_server::setup;
use codex_fleet_server::store::head::{self, Broken, Deed};
use codex_fleet_server::store::journal::Entry;
use codex_fleet_server::store::releases::{self, Candidate, Conflict, Staged};
use codex_fleet_server::store::sql::StoreError;
use codex_fleet_server::store::tokens::{self, EnrolmentToken, NotSpent, Scope};
use codex_fleet_server::store::{Place, Store, devices, dump, schema, status};
use codex_fleet_server::testing::TestFleet;
use codex_trust::audience::Claims;
use codex_trust::provider::{hex, sha256};
use jiff::Timestamp;

use crate::support::{BANK, Bank, Client, Machine, Publisher, STRICT, root};

/// A PostgreSQL of its own, on a socket in a folder that goes away with it.
pub(crate) struct Postgres {
    folder: tempfile::TempDir,
    child: Option<Child>,
    user: (u32, u32),
    /// Where it listens beside its socket, with the certificate and the key of its folder.
    port: Option<u16>,
}

/// Where the programs are: on the path, or where Debian has them.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn number(option: &str) -> Option<u32> {
    let told = Command::new("id").args([option, "postgres"]).output().ok()?;
    String::from_utf8(told.stdout).ok()?.trim().parse().ok()
}

impl Postgres {
    /// Starts one; none, and loudly so, on a machine that has none. In CI that is a failure.
    pub(crate) fn start() -> Option<Self> {
        let found = program("initdb").zip(program("postgres")).zip(number("-u").zip(number("-g")));
        let Some(((initdb, _), user)) = found else {
            let sentence = "no PostgreSQL and no user `postgres` here: nothing was tested with one";
            assert!(std::env::var_os("CI").is_none(), "{sentence}");
            eprintln!("\n*** {sentence} ***\n");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        chown(folder.path(), Some(user.0), Some(user.1)).unwrap();
        let mut postgres = Self { folder, child: None, user, port: None };
        let made = postgres
            .command(&initdb)
            .args(["--no-sync", "-A", "trust", "-U", "postgres", "-D"])
            .arg(postgres.folder.path().join("data"))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        postgres.run();
        Some(postgres)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.uid(self.user.0).gid(self.user.1).current_dir(self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let ended = self.child.as_mut().is_none_or(|one| one.try_wait().unwrap().is_some());
            if ended {
                // At first, or because the children of one that was killed are still there.
                self.child = Some(self.spawn());
            }
            if postgres::Client::connect(&self.address("postgres"), postgres::NoTls).is_ok() {
                return;
            }
            assert!(Instant::now() < deadline, "PostgreSQL does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Has it listen with TLS, too: with this certificate and this key, PEM. Tells where.
    pub(crate) fn encrypted(&mut self, certificate: &str, key: &str) -> u16 {
        use std::os::unix::fs::PermissionsExt as _;
        self.kill();
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.folder.path().join("data").join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(self.user.0), Some(self.user.1)).unwrap();
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        self.port = Some(port);
        self.run();
        port
    }

    fn spawn(&self) -> Child {
        let mut command = self.command(&program("postgres").unwrap());
        match self.port {
            None => command.args(["-h", ""]),
            Some(port) => {
                command.args(["-h", "127.0.0.1", "-c", "ssl=on", "-p", &port.to_string()])
            }
        };
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .arg("-k")
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Ends it without a word, as a power cut does; its children end by themselves.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
            // The next one must not meet what this one has left.
            let gone = Instant::now() + Duration::from_secs(30);
            let socket = self.address("postgres");
            while postgres::Client::connect(&socket, postgres::NoTls).is_ok() {
                assert!(Instant::now() < gone, "it is still there");
                std::thread::sleep(Duration::from_millis(50));
            }
            drop(std::fs::remove_file(self.folder.path().join("data/postmaster.pid")));
        }
    }

    /// A database of this name, made where it is not there.
    pub(crate) fn database(&self, name: &str) -> String {
        let mut client =
            postgres::Client::connect(&self.address("postgres"), postgres::NoTls).unwrap();
        client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        self.address(name)
    }

    pub(crate) fn address(&self, name: &str) -> String {
        let port = self.port.unwrap_or(5_432);
        format!("postgres://postgres@/{name}?host={}&port={port}", self.folder.path().display())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs something on both databases; the place can be opened several times.
fn on_both(work: impl AsyncFn(&Place)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(work(&Place::File(folder.path().join("fleet.sqlite"))));
    if let Some(postgres) = Postgres::start() {
        runtime.block_on(work(&Place::Address(postgres.database("fleet"))));
    }
}

fn open(place: &Place) -> Store {
    Store::open(place).unwrap()
}

fn now() -> Timestamp {
    "2026-11-26T04:00:00Z".parse().unwrap()
}

#[test]
fn a_token_is_spent_as_often_as_it_may_be_however_many_ask_at_once() {
    on_both(async |place| {
        let stores = [open(place), open(place)];
        let token = EnrolmentToken {
            id: "one".to_owned(),
            scope: Scope {
                team: Some("'); DROP TABLE devices; --".to_owned()),
                ..Scope::default()
            },
            expires: now().as_millisecond() + 1_000,
            uses: 10,
            used: 0,
            created: 0,
            revoked: None,
        };
        let kept = token.clone();
        stores[0].write(move |tx| tokens::create_enrolment(tx, &kept, "hash")).await.unwrap();
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..60 {
            let store = stores[number % 2].clone();
            asked.spawn(async move {
                store.write(|tx| tokens::spend(tx, "hash", "a", now())).await.unwrap()
            });
        }
        let told = asked.join_all().await;
        assert_eq!(told.iter().filter(|one| one.is_ok()).count(), 10);
        assert!(told.iter().flatten().all(|one| one.scope == token.scope));
        let spend = |at: i64| {
            let at = Timestamp::from_millisecond(at).unwrap();
            stores[1].write(move |tx| tokens::spend(tx, "hash", "a", at))
        };
        assert_eq!(spend(token.expires).await.unwrap().unwrap_err(), NotSpent::Expired);
        assert_eq!(spend(0).await.unwrap().unwrap_err(), NotSpent::Used);
    });
}

fn candidate(version: u64, timestamp: &str, files: &[&str]) -> Candidate {
    Candidate {
        version,
        timestamp: timestamp.as_bytes().to_vec(),
        files: files
            .iter()
            .map(|path| ((*path).to_owned(), hex(&sha256(path.as_bytes()))))
            .collect(),
    }
}

#[test]
fn of_two_servers_one_publishes_a_version() {
    on_both(async |place| {
        let stores = [open(place), open(place)];
        for path in ["metadata/1.a.json", "metadata/1.b.json"] {
            let stage = stores[0]
                .write(move |tx| releases::stage(tx, path, path.as_bytes(), "test", now()));
            assert_eq!(stage.await.unwrap(), Staged::Kept);
        }
        for version in 1..=20 {
            let mut asked = tokio::task::JoinSet::new();
            for (number, file) in ["metadata/1.a.json", "metadata/1.b.json"].iter().enumerate() {
                let store = stores[number].clone();
                let candidate = candidate(version, &format!("{version} {file}"), &[file]);
                asked.spawn(async move {
                    store
                        .write(move |tx| {
                            releases::publish(tx, &candidate, version - 1, "test", now())
                        })
                        .await
                        .unwrap()
                });
            }
            let told = asked.join_all().await;
            let refused: Vec<_> = told.iter().filter_map(|one| one.as_ref().err()).collect();
            assert_eq!(refused, [&Conflict::Overtaken(version)]);
        }
        let gone = candidate(21, "21", &["metadata/never.json"]);
        let told = stores[0].write(move |tx| releases::publish(tx, &gone, 20, "test", now()));
        assert_eq!(told.await.unwrap(), Err(Conflict::Gone("metadata/never.json".to_owned())));
        let head = stores[1].read(|tx| head::head(tx)).await.unwrap();
        assert_eq!((head.release, head.revision), (20, 20));
        let changed =
            stores[1].write(|tx| releases::stage(tx, "metadata/1.a.json", b"other", "test", now()));
        assert_eq!(changed.await.unwrap(), Staged::Different);
        let loaded = stores[1].read(|tx| releases::load(tx, 3, &std::collections::BTreeMap::new()));
        assert_eq!(loaded.await.unwrap().timestamp.unwrap().0, 20);
    });
}

fn identity(number: u8) -> Identity {
    Identity {
        device: DeviceId::from_random([number; 16]),
        claims: Claims {
            organisation: BANK.to_owned(),
            team: None,
            environment: None,
            groups: std::collections::BTreeSet::new(),
            os: "linux".to_owned(),
            host: "'; DROP TABLE devices; --".to_owned(),
        },
    }
}

fn transition(number: u64, generation: u64, state: State) -> Transition {
    let about = Held { cohort: "a".to_owned(), generation, digest: "sha256:00".to_owned() };
    Transition { at: now(), number, about, state, reasons: Vec::new() }
}

#[test]
fn counters_are_what_counting_would_tell() {
    on_both(async |place| {
        let store = open(place);
        let mut asked = tokio::task::JoinSet::new();
        for device in 0..40_u8 {
            let store = store.clone();
            asked.spawn(async move {
                for number in 1..=u64::from(device % 8) {
                    let state = State::ALL[usize::try_from(number).unwrap()];
                    let told = vec![transition(number, 1 + number / 4, state)];
                    let recorded = store
                        .write(move |tx| status::record(tx, &identity(device), &told, now()))
                        .await;
                    assert_eq!(recorded.unwrap(), number);
                }
            });
        }
        asked.join_all().await;
        let counted = store.read(|tx| status::counters(tx)).await.unwrap();
        let devices = store.read(|tx| devices::list(tx, "", 100)).await.unwrap();
        let mut wanted = std::collections::BTreeMap::new();
        for one in &devices {
            if let (Some(cohort), Some(generation), Some(state)) =
                (one.cohort.clone(), one.generation, one.state.clone())
            {
                *wanted.entry(status::Cell { cohort, generation, state }).or_insert(0) += 1;
            }
        }
        assert_eq!(counted.into_iter().collect::<std::collections::BTreeMap<_, _>>(), wanted);
        assert_eq!(wanted.values().sum::<u64>(), 35);
        let history = store.read(|tx| status::history(tx, identity(7).device.as_str(), 100));
        assert_eq!(history.await.unwrap().len(), 7);
    });
}

#[test]
fn what_was_reported_is_durable_and_comes_into_its_place_once() {
    on_both(async |place| {
        let about = |number, generation| transition(number, generation, State::Enforced);
        let entry = |told: &[Transition]| Entry::new(&identity(1).device, told, now()).unwrap();
        let store = open(place);
        let enrolled = store.write(|tx| devices::enrol(tx, &identity(1), "token", now()));
        enrolled.await.unwrap();
        store.report(entry(&[about(1, 1), about(2, 2)])).await.unwrap();
        // Again, as when an answer was lost, together with something new.
        store.report(entry(&[about(2, 2), about(3, 3)])).await.unwrap();
        // Nothing can be made of one of a machine that nobody knows, nor of what is no entry.
        store
            .report(Entry::new(&identity(2).device, &[about(1, 1)], now()).unwrap())
            .await
            .unwrap();
        store.report(Entry("{\"device\":".to_owned())).await.unwrap();
        store.report(entry(&[about(4, 3)])).await.unwrap();
        let device = identity(1).device;
        let told = async |store: &Store| {
            let wanted = device.clone();
            store
                .read_settled(move |tx| {
                    let history = status::history(tx, wanted.as_str(), 100)?;
                    let left = tx.query("SELECT seq FROM journal", &[])?.len();
                    Ok((history.len(), left, status::counters(tx)?))
                })
                .await
                .unwrap()
        };
        let cell =
            status::Cell { cohort: "a".to_owned(), generation: 3, state: "enforced".to_owned() };
        assert_eq!(told(&store).await, (4, 0, vec![(cell.clone(), 1)]));
        // What a server has left behind is put in its place by the next one, and only once.
        let lines = [entry(&[about(4, 3)]).0, entry(&[about(5, 3)]).0].join("\n");
        let left = store.write(move |tx| {
            let row = [7.into(), lines.as_str().into()];
            tx.execute("INSERT INTO journal (seq, entries) VALUES ($1, $2)", &row)
        });
        left.await.unwrap();
        drop(store);
        let next = open(place);
        let settled = next.read(|tx| Ok(tx.query("SELECT seq FROM journal", &[])?.len()));
        assert_eq!(settled.await.unwrap(), 0, "done before anything is served");
        assert_eq!(told(&next).await, (5, 0, vec![(cell, 1)]));
    });
}

#[test]
fn a_change_that_fails_takes_no_other_along() {
    on_both(async |place| {
        let store = open(place);
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..100_u8 {
            let store = store.clone();
            asked.spawn(async move {
                let done = store.write(move |tx| {
                    devices::enrol(tx, &identity(number), "token", now())?;
                    if number % 3 == 0 {
                        tx.execute("INSERT INTO no_such_table VALUES (1)", &[])?;
                    }
                    Ok(())
                });
                (number, done.await)
            });
        }
        for (number, done) in asked.join_all().await {
            assert_eq!(done.is_ok(), number % 3 != 0, "{number}: {done:?}");
        }
        let there = store.read(|tx| devices::list(tx, "", 1_000)).await.unwrap();
        assert_eq!(there.len(), 66);
    });
}

fn deed(number: usize) -> Deed {
    Deed {
        at: now(),
        actor: "test".to_owned(),
        action: "something done",
        subject: number.to_string(),
        detail: "a\nb".to_owned(),
    }
}

#[test]
fn a_log_that_was_changed_is_found_out() {
    on_both(async |place| {
        let store = open(place);
        for number in 0..5 {
            store.write(move |tx| head::log(tx, &deed(number))).await.unwrap();
        }
        let verify = || store.read(|tx| head::verify(tx));
        assert_eq!(verify().await.unwrap(), Ok(5));
        let change = |sql: &'static str| store.write(move |tx| tx.execute(sql, &[]).map(drop));
        change("UPDATE audit SET subject = 'x' WHERE seq = 3").await.unwrap();
        assert_eq!(verify().await.unwrap(), Err(Broken::Changed(3)));
        change("UPDATE audit SET subject = '2' WHERE seq = 3").await.unwrap();
        assert_eq!(verify().await.unwrap(), Ok(5));
        change("DELETE FROM audit WHERE seq = 5").await.unwrap();
        assert_eq!(verify().await.unwrap(), Err(Broken::End { found: 4, wanted: 5 }));
        change("DELETE FROM audit WHERE seq = 2").await.unwrap();
        assert_eq!(verify().await.unwrap(), Err(Broken::Missing(2)));
    });
}

#[test]
fn a_backup_of_one_database_is_restored_into_the_other() {
    let Some(postgres) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Place::File(folder.path().join(name));
    let address = Place::Address(postgres.database("two"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let first = open(&file("one.sqlite"));
        first
            .write(|tx| {
                status::record(tx, &identity(1), &[transition(1, 1, State::Enforced)], now())?;
                releases::stage(tx, "targets/a", &[0, 1, 255], "test", now())?;
                head::log(tx, &deed(1))
            })
            .await
            .unwrap();
        let written = |store: Store| async move {
            store
                .read(|tx| {
                    let mut out = Vec::new();
                    dump::backup(tx, &mut out)
                        .map_err(|error| StoreError::Refused(error.to_string()))?;
                    Ok(out)
                })
                .await
                .unwrap()
        };
        let restored = |store: Store, bytes: Vec<u8>| async move {
            store
                .write(move |tx| {
                    dump::restore(tx, &mut bytes.as_slice())
                        .map_err(|error| StoreError::Refused(error.to_string()))
                })
                .await
        };
        let bytes = written(first.clone()).await;
        let second = open(&address);
        restored(second.clone(), bytes.clone()).await.unwrap();
        let back = open(&file("three.sqlite"));
        restored(back.clone(), written(second.clone()).await).await.unwrap();
        for store in [&second, &back] {
            assert_eq!(store.read(|tx| head::verify(tx)).await.unwrap(), Ok(1));
            let file = store.read(|tx| releases::file(tx, "targets/a")).await.unwrap();
            assert_eq!(file, Some(vec![0, 1, 255]));
        }
        let heads = [
            first.read(|tx| head::head(tx)).await.unwrap(),
            second.read(|tx| head::head(tx)).await.unwrap(),
        ];
        assert!(heads[1].revision > heads[0].revision, "endpoints must not hear a lower one");
        // Not into one in which there is something, and nothing of what is broken.
        let refused = restored(second.clone(), bytes.clone()).await.unwrap_err();
        assert!(refused.to_string().contains("not empty"), "{refused}");
        let fresh = open(&file("four.sqlite"));
        let half = bytes[..bytes.len() - 10].to_vec();
        assert!(restored(fresh.clone(), half).await.is_err());
        let nothing = fresh.read(|tx| devices::list(tx, "", 10)).await.unwrap();
        assert!(nothing.is_empty(), "all of it or nothing");
    });
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    on_both(async |place| {
        let store = open(place);
        let later =
            store.write(|tx| tx.execute("UPDATE schema_version SET version = 99", &[]).map(drop));
        later.await.unwrap();
        assert_eq!(
            Store::open(place).err(),
            Some(StoreError::Version { found: 99, known: schema::known() })
        );
    });
}

/// A server on a database of PostgreSQL.
fn served(folder: &Path, address: &str) -> TestFleet {
    served_with(folder, address, |_| {})
}

pub(crate) fn served_with(
    folder: &Path,
    address: &str,
    change: impl FnOnce(&mut Config),
) -> TestFleet {
    let names = ["127.0.0.1".to_owned()];
    let wanted = setup::Wanted {
        organisation: BANK,
        root: &root(),
        names: &names,
        listen: "127.0.0.1:0",
        database: Some(address),
    };
    setup::init(folder, &wanted).unwrap();
    TestFleet::run(folder, change, std::sync::Arc::new(NoHolds)).unwrap()
}

pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn without_its_database_a_server_serves_the_last_release_and_recovers_by_itself() {
    let Some(mut postgres) = Postgres::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let fleet = served(folder.path(), &postgres.database("fleet"));
    let bank = Bank { fleet, folder };
    let operator = bank.operator();
    let mut publisher = Publisher::default();
    let files = publisher.release(STRICT);
    assert_eq!(operator.publish(&files).status, 200);
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    postgres.kill();
    until("it notices", || bank.client().get("/readyz").status == 503);
    assert_eq!(bank.client().get("/healthz").status, 200);
    let served = machine.client.get("/release/metadata/timestamp.json");
    assert_eq!((served.status, served.body), (200, files.last().unwrap().1.clone()));
    let refused = operator.put("/v1/admin/release/metadata/x.json", b"{}");
    assert_eq!((refused.status, refused.error().as_str()), (503, "database"));
    postgres.run();
    until("it recovers", || bank.client().get("/readyz").status == 200);
    assert_eq!(operator.put("/v1/admin/release/metadata/x.json", b"{}").status, 200);
}

#[test]
fn what_one_server_publishes_another_one_serves() {
    let Some(postgres) = Postgres::start() else { return };
    let address = postgres.database("fleet");
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = Bank { fleet: served(one.path(), &address), folder: one };
    let second = Bank { fleet: served(two.path(), &address), folder: two };
    let token = first.fleet.admin_token(tokens::Role::Operator).unwrap();
    let mut publisher = Publisher::default();
    let files = publisher.release(STRICT);
    assert_eq!(first.client().with_token(&token).publish(&files).status, 200);
    let other: Client = second.client().with_token(&token);
    until("the other one follows", || {
        let reply = other.get("/release/metadata/timestamp.json");
        reply.status == 200 && reply.body == files.last().unwrap().1
    });
    let next = publisher.release("allowed_sandbox_modes = []\n");
    assert_eq!(other.publish(&next).json()["version"], 2);
}

#[test]
fn with_a_full_disk_a_server_serves_and_takes_changes_when_there_is_room() {
    let bank = Bank::new();
    let operator = bank.operator();
    let files = Publisher::default().release(STRICT);
    assert_eq!(operator.publish(&files).status, 200);
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    // SQLite says the same when its file may not grow as when there is no room for it.
    let pages = |count: i64| {
        let store = bank.fleet.fleet().unwrap().store.clone();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let limit = store
            .write(move |tx| tx.query(&format!("PRAGMA max_page_count = {count}"), &[]).map(drop));
        runtime.block_on(limit).unwrap();
    };
    pages(1);
    let large = format!("[\"{}\"]", "x".repeat(1_000_000));
    let refused = operator.put("/v1/admin/release/metadata/x.json", large.as_bytes());
    assert_eq!((refused.status, refused.error().as_str()), (503, "database"));
    let told = String::from_utf8(refused.body).unwrap();
    assert!(!told.contains("sqlite") && !told.contains("full"), "{told}");
    let served = machine.client.get("/release/metadata/timestamp.json");
    assert_eq!((served.status, served.body), (200, files.last().unwrap().1.clone()));
    pages(1_000_000);
    assert_eq!(operator.put("/v1/admin/release/metadata/x.json", large.as_bytes()).status, 200);
}

#[test]
fn two_processes_share_a_port_and_a_database() {
    let bank = Bank::new();
    let address = bank.fleet.address();
    let second =
        crate::support::run(bank.folder.path(), |config| config.listen.tls = vec![address]);
    assert_eq!(second.address(), address);
    let operator = bank.operator();
    let files = Publisher::default().release(STRICT);
    let token = operator.token.clone().unwrap();
    until("both know the token", || {
        (0..20).all(|_| operator.with_token(&token).get("/v1/admin/staged").status == 200)
    });
    assert_eq!(operator.publish(&files).status, 200);
    until("both serve the release", || {
        (0..20).all(|_| {
            let reply = operator.get("/release/metadata/timestamp.json");
            reply.status == 200 && reply.body == files.last().unwrap().1
        })
    });
    // One of them ends, and nobody is turned away.
    second.stop();
    assert!((0..20).all(|_| operator.get("/healthz").status == 200));
}

#[test]
fn a_session_begins_once_is_found_by_its_cookie_alone_and_ends() {
    use codex_fleet_server::oidc::Person;
    use codex_fleet_server::store::sessions::{self, Holder, Kept, Which};

    on_both(async |place| {
        let store = open(place);
        let began = now().as_millisecond();
        let kept = |number: usize| Kept {
            id: format!("{number:012x}"),
            holder: Holder::Person(Person {
                issuer: "https://id.example".to_owned(),
                subject: format!("person-{number}"),
                name: None,
                groups: BTreeSet::from(["operators".to_owned()]),
            }),
            began: began + i64::try_from(number).unwrap(),
            ends: began + 36_000_000,
        };
        let begin = async |number: usize, attempt: Option<&str>| {
            let (one, attempt) = (kept(number), attempt.map(str::to_owned));
            let hash = format!("hash-{number}");
            store
                .write(move |tx| sessions::begin(tx, &hash, &one, attempt.as_deref()))
                .await
                .unwrap()
        };
        let find = async |hash: &str, after_milliseconds: i64| {
            let hash = hash.to_owned();
            let at = jiff::Timestamp::from_millisecond(began + after_milliseconds).unwrap();
            store.read(move |tx| sessions::find(tx, &hash, at)).await.unwrap()
        };
        assert!(begin(1, Some("mark")).await);
        assert!(!begin(2, Some("mark")).await, "a login signs in once");
        assert!(begin(3, None).await && begin(4, None).await, "tokens have no mark");
        assert_eq!(find("hash-1", 1).await, Some(kept(1)));
        assert_eq!(find("hash-2", 1).await, None);
        assert_eq!(find("mark", 1).await, None);
        assert_eq!(find("hash-1", 36_000_000).await, None, "it has an end");
        let end = async |which: Which<'static>| {
            store.write(move |tx| sessions::end(tx, which, now())).await.unwrap()
        };
        assert!(end(Which::Id("000000000001")).await && !end(Which::Id("000000000001")).await);
        assert!(end(Which::Cookie("hash-3")).await && !end(Which::Cookie("nobody")).await);
        assert!(!begin(5, Some("mark")).await, "also when it has ended");
        let left = store.read(|tx| sessions::list(tx, now())).await.unwrap();
        assert_eq!(left, [kept(4)]);
        // Not without end: the oldest go.
        let many: Vec<Kept> = (10..1_020).map(kept).collect();
        let write = store.write(move |tx| {
            for (number, one) in (10..).zip(&many) {
                sessions::begin(tx, &format!("hash-{number}"), one, None)?;
            }
            Ok(())
        });
        write.await.unwrap();
        let left = store.read(|tx| sessions::list(tx, now())).await.unwrap();
        assert_eq!((left.len(), &left[0].id), (1_000, &kept(20).id));
    });
}
