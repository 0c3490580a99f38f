//! Machines: enrolled, renewed, heard, told, revoked.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::check_in::Answer;
use codex_fleet::identity::Identity;
use codex_fleet::push::Hint;
use codex_fleet_server::authority::{Authority, Pair, shown};
use codex_fleet_server::fleet::Holds;
use codex_fleet_server::testing::TestFleet;
use jiff::{SignedDuration, Timestamp};
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use crate::support::{
    BANK, Bank, Client, LOOSE, Machine, Publisher, Reply, STRICT, TlsStream, enrolment_of, root,
    signing_request,
};

fn identity(machine: &Machine) -> Identity {
    let certificate = CertificateDer::from_pem_slice(machine.certificate.as_bytes()).unwrap();
    shown(&certificate).unwrap().identity
}

fn check_in(transitions: Value) -> Value {
    json!({
        "nonce": STANDARD.encode([7; 32]),
        "agent": "0.1.0",
        "codex": ["0.169.0"],
        "installed": null,
        "transitions": transitions,
    })
}

fn transition(number: u64, generation: u64, state: &str) -> Value {
    json!({
        "at": "2026-11-26T04:00:00Z",
        "number": number,
        "about": { "cohort": "payments", "generation": generation, "digest": "sha256:00" },
        "state": state,
        "reasons": if state == "refused" { json!(["<script>alert(1)</script> ' OR 1=1 --"]) } else { json!([]) },
    })
}

fn answer(reply: &Reply) -> Answer {
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    serde_json::from_slice(&reply.body).unwrap()
}

#[test]
fn a_token_enrols_as_often_as_it_may_and_says_who_a_machine_is() {
    let bank = Bank::new();
    let body = json!({ "team": "payments", "groups": ["laptops"], "valid_seconds": 60, "uses": 1 });
    let made = bank.admin().post("/v1/admin/tokens", &body);
    assert_eq!(made.status, 201);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert_eq!(bank.operator().post("/v1/admin/tokens", &body).status, 403);

    // A request that cannot be fulfilled costs no use.
    let key = KeyPair::generate().unwrap();
    let mut wrong = enrolment_of(&token, &key, "pay-17");
    wrong["signing_request"] = json!("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n");
    assert_eq!(bank.client().post("/v1/enrol", &wrong).error(), "signing_request");
    let bad_host = enrolment_of(&token, &key, "pay\r\nx-evil: 1");
    assert_eq!(bank.client().post("/v1/enrol", &bad_host).error(), "claims");

    let machine = Machine::enrol(&bank.fleet, &token, "pay-17.bank.example");
    let identity = identity(&machine);
    assert_eq!(identity.claims.organisation, BANK);
    assert_eq!(identity.claims.team.as_deref(), Some("payments"));
    assert!(identity.claims.groups.contains("laptops"));
    let again = bank.client().post("/v1/enrol", &enrolment_of(&token, &key, "pay-18"));
    assert_eq!((again.status, again.error().as_str()), (403, "token_used"));
    for token in ["ccenrol_unknown", "", "' OR 1=1 --"] {
        let unknown = bank.client().post("/v1/enrol", &enrolment_of(token, &key, "pay-18"));
        assert_eq!((unknown.status, unknown.error().as_str()), (403, "token_unknown"));
    }
    let list = bank.admin().get("/v1/admin/devices").json();
    assert_eq!(list["devices"].as_array().unwrap().len(), 1);
    // Neither the token nor its digest is in any list.
    let lists = bank.admin().get("/v1/admin/tokens");
    let text = String::from_utf8(lists.body.clone()).unwrap();
    assert!(!text.contains(&token) && lists.json()["enrolment"][0]["used"] == 1, "{text}");
    let id = lists.json()["enrolment"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/tokens/{id}");
    assert_eq!(bank.admin().request("DELETE", &path, "", b"").status, 200);
    let revoked = bank.client().post("/v1/enrol", &enrolment_of(&token, &key, "pay-18"));
    assert_eq!(revoked.error(), "token_revoked");
}

#[test]
fn transitions_count_once_and_answers_prove_freshness() {
    let bank = Bank::new();
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let before = answer(&machine.client.post("/v1/check-in", &check_in(json!([]))));
    assert_eq!((before.kept, before.signed.timestamp.as_deref()), (0, None));
    let mut publisher = Publisher::default();
    assert_eq!(bank.operator().publish(&publisher.release(STRICT)).status, 200);

    let told = json!([transition(1, 1, "offered"), transition(2, 1, "installed")]);
    let reply = machine.client.post("/v1/check-in", &check_in(told.clone()));
    let heard = answer(&reply);
    assert_eq!((heard.kept, heard.hold, heard.revision), (2, None, 1));
    let nonce = STANDARD.encode([7; 32]);
    let fresh = heard.freshness(&nonce, &machine.freshness_key).unwrap();
    let digest = codex_trust::provider::digest_name(&publisher.files["metadata/timestamp.json"]);
    assert_eq!(fresh.timestamp.as_deref(), Some(digest.as_str()));
    assert!(heard.freshness(&nonce, &STANDARD.encode([0; 32])).is_err());

    // Said twice, counted once; older numbers change nothing.
    assert_eq!(answer(&machine.client.post("/v1/check-in", &check_in(told))).kept, 2);
    let counters = |bank: &Bank| bank.admin().get("/v1/admin/counters").json()["counters"].clone();
    assert_eq!(
        counters(&bank),
        json!([{ "cohort": "payments", "generation": 1, "state": "installed", "devices": 1 }])
    );
    let next = json!([transition(3, 1, "refused"), transition(4, 2, "enforced")]);
    assert_eq!(answer(&machine.client.post("/v1/check-in", &check_in(next))).kept, 4);
    assert_eq!(
        counters(&bank),
        json!([{ "cohort": "payments", "generation": 2, "state": "enforced", "devices": 1 }])
    );
    let id = identity(&machine).device;
    let shown = bank.admin().get(&format!("/v1/admin/devices/{id}"));
    assert_eq!(shown.header("content-type"), Some("application/json"));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(shown.json()["history"].as_array().unwrap().len(), 4);

    // All of it is there after a restart, and another number still continues it.
    let Bank { fleet, folder } = bank;
    fleet.stop();
    let fleet = crate::support::run(folder.path(), |_| {});
    let machine = Machine::of(&fleet, &machine.key, &machine.certificate, &machine.freshness_key);
    let after = answer(&machine.client.post("/v1/check-in", &check_in(json!([]))));
    assert_eq!((after.kept, after.revision), (4, 1));
}

#[test]
fn a_revoked_machine_is_refused_everywhere_and_counts_nowhere() {
    let bank = Bank::new();
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let told = check_in(json!([transition(1, 1, "enforced")]));
    assert_eq!(machine.client.post("/v1/check-in", &told).status, 200);
    let path = format!("/v1/admin/devices/{}", identity(&machine).device);
    assert_eq!(bank.operator().request("DELETE", &path, "", b"").status, 403);
    assert_eq!(bank.admin().request("DELETE", &path, "", b"").status, 200);
    assert_eq!(bank.admin().request("DELETE", &path, "", b"").status, 404, "only once");
    assert_eq!(machine.client.post("/v1/check-in", &told).error(), "revoked");
    assert_eq!(machine.client.get("/v1/wait").error(), "revoked");
    assert_eq!(machine.client.get("/release/metadata/timestamp.json").error(), "revoked");
    let renewal = json!({ "signing_request": "", "host": "x" });
    assert_eq!(machine.client.post("/v1/renew", &renewal).error(), "revoked");
    assert_eq!(bank.admin().get("/v1/admin/counters").json()["counters"], json!([]));
}

/// A machine whose certificate ended so many days ago, by the same authority.
fn late(bank: &Bank, days: i64) -> Machine {
    let file = |name: &str| std::fs::read_to_string(bank.folder.path().join(name)).unwrap();
    let pair = Pair { certificate: file("authority.pem"), key: file("authority.key") };
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let key = KeyPair::from_pem(&machine.key).unwrap();
    let began = Timestamp::now() - SignedDuration::from_hours(24 * (days + 30));
    let authority = Authority::new(&pair).unwrap();
    let certificate =
        authority.issue(&signing_request(&key), &identity(&machine), [3; 16], (began, 30)).unwrap();
    Machine::of(&bank.fleet, &machine.key, &certificate, &machine.freshness_key)
}

#[test]
fn a_certificate_that_has_ended_is_good_for_its_renewal_alone_and_not_for_long() {
    let bank = Bank::new();
    let machine = late(&bank, 5);
    let told = check_in(json!([]));
    let refused = machine.client.post("/v1/check-in", &told);
    assert_eq!((refused.status, refused.error().as_str()), (403, "certificate_expired"));
    let key = KeyPair::generate().unwrap();
    let renewal = json!({ "signing_request": signing_request(&key), "host": "renamed" });
    let renewed = machine.client.post("/v1/renew", &renewal);
    assert_eq!(renewed.status, 200, "{}", String::from_utf8_lossy(&renewed.body));
    let certificate = renewed.json()["certificate"].as_str().unwrap().to_owned();
    let again =
        Machine::of(&bank.fleet, &key.serialize_pem(), &certificate, &machine.freshness_key);
    assert_eq!(again.client.post("/v1/check-in", &told).status, 200);
    let (old, new) = (identity(&machine), identity(&again));
    assert_eq!(old.moved_to(&new), None);
    assert_eq!(new.claims.host, "renamed");
    // After the grace, TLS itself refuses.
    let machine = late(&bank, 31);
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(machine.client.raw(request), None);
}

#[test]
fn certificates_of_others_are_refused() {
    let (bank, other) = (Bank::new(), Bank::new());
    let stranger = Machine::enrol(&other.fleet, &other.payments_token(), "pay-17");
    let authority = bank.fleet.authority().unwrap();
    let tls = crate::support::tls(
        &authority,
        Some(&crate::support::Identified {
            certificate: &stranger.certificate,
            key: &stranger.key,
        }),
    );
    let client = Client { address: bank.fleet.address(), tls, token: None };
    let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_eq!(client.raw(request), None, "the handshake fails");
    // A server's certificate is none of a machine.
    let file = |name: &str| std::fs::read_to_string(bank.folder.path().join(name)).unwrap();
    let (certificate, key) = (file("server.pem"), file("server.key"));
    let tls = crate::support::tls(
        &authority,
        Some(&crate::support::Identified { certificate: &certificate, key: &key }),
    );
    assert_eq!(Client { tls, ..client }.raw(request), None, "it is not for clients");
    assert_eq!(bank.client().post("/v1/check-in", &check_in(json!([]))).status, 401);
}

/// Opens a push channel; the stream is after the answer's head.
fn push(client: &Client) -> TlsStream {
    let mut stream = client.connect();
    stream
        .write_all(
            b"GET /v1/push HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    stream
}

fn frame(stream: &mut TlsStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let length = match head[1] {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).unwrap();
            usize::from(u16::from_be_bytes(length))
        }
        length => usize::from(length),
    };
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (head[0], body)
}

fn hint(stream: &mut TlsStream) -> Hint {
    let (kind, body) = frame(stream);
    assert_eq!(kind, 0x81);
    assert!(body.len() <= codex_fleet::push::MAX_BYTES);
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn machines_are_told_over_the_socket_and_while_they_wait() {
    let bank = Bank::with(|config| {
        config.pace.heartbeat_seconds = 1;
        config.pace.spread_milliseconds = 2_000;
    });
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let mut stream = push(&machine.client);
    assert_eq!((hint(&mut stream).revision, hint(&mut stream).timestamp), (0, 0), "a heartbeat");
    let waiting = machine.client.clone();
    let began = Instant::now();
    let waiter = std::thread::spawn(move || waiting.get("/v1/wait?revision=0").json());
    let mut publisher = Publisher::default();
    assert_eq!(bank.operator().publish(&publisher.release(STRICT)).status, 200);
    let told = loop {
        let told = hint(&mut stream);
        if told.revision > 0 {
            break told;
        }
    };
    assert_eq!((told.revision, told.timestamp, told.heartbeat), (1, 1, 1));
    // A socket, and perhaps who waits, a millisecond each; a server that went is another matter.
    assert!((1..=2).contains(&told.spread), "{told:?}");
    assert_eq!(told.reconnect, 2_000);
    assert_eq!(waiter.join().unwrap()["heartbeat"], 1);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(machine.client.get("/v1/wait?revision=0").json()["revision"], 1, "at once");
    let heartbeat = machine.client.get("/v1/wait?revision=1").json();
    assert_eq!(heartbeat["revision"], 1, "after the heartbeat");
    assert_eq!(machine.client.get("/v1/wait?revision=x").status, 400);
    // A ping has its pong, between heartbeats.
    stream.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).unwrap();
    loop {
        let (kind, body) = frame(&mut stream);
        if kind == 0x8a {
            assert_eq!(body, b"hi");
            break;
        }
    }
    // A server that ends says so.
    let ending = std::thread::spawn(move || bank.fleet.stop());
    loop {
        let (kind, body) = frame(&mut stream);
        if kind == 0x88 {
            assert!(body.starts_with(&1001_u16.to_be_bytes()), "{body:?}");
            break;
        }
    }
    ending.join().unwrap();
}

#[test]
fn what_breaks_the_protocol_of_the_socket_ends_it() {
    let bank = Bank::new();
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17");
    let plain = machine.client.get("/v1/push");
    assert_eq!((plain.status, plain.error().as_str()), (400, "malformed"));
    let mut stream = push(&machine.client);
    hint(&mut stream);
    stream.write_all(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0]).unwrap();
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest));
    assert!(rest.is_empty(), "{rest:?}");
}

/// A planner that lets nobody of payments above generation 1.
struct First;

impl Holds for First {
    fn hold(&self, cohort: &str, endpoint: &Identity) -> Option<u64> {
        (cohort == "payments" && endpoint.claims.host == "pay-17").then_some(1)
    }
}

#[test]
fn a_planner_can_ask_machines_to_wait_and_tell_them_to_ask_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(TestFleet::start(folder.path(), BANK, &root()).unwrap());
    let fleet = TestFleet::run(folder.path(), |_| {}, Arc::new(First)).unwrap();
    let bank = Bank { fleet, folder };
    let mut publisher = Publisher::default();
    assert_eq!(bank.operator().publish(&publisher.release(STRICT)).status, 200);
    assert_eq!(bank.operator().publish(&publisher.release(LOOSE)).status, 200);
    let held = |host: &str| {
        let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), host);
        answer(&machine.client.post("/v1/check-in", &check_in(json!([])))).hold
    };
    assert_eq!((held("pay-17"), held("pay-18")), (Some(1), None));
}
