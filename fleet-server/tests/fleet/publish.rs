//! Handing in releases, and what is given out of them.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::support::{Bank, LOOSE, Machine, Publisher, STRICT};

#[test]
fn a_release_is_published_and_given_to_machines() {
    let bank = Bank::new();
    let operator = bank.operator();
    assert_eq!(
        operator.request("HEAD", "/v1/admin/release/metadata/timestamp.json", "", b"").status,
        404
    );
    let mut publisher = Publisher::default();
    let files = publisher.release(STRICT);
    let done = operator.publish(&files);
    assert_eq!(done.status, 200, "{}", String::from_utf8_lossy(&done.body));
    assert_eq!(done.json()["version"], 1);
    assert_eq!(
        operator.request("HEAD", "/v1/admin/release/metadata/timestamp.json", "", b"").status,
        200
    );

    let stranger = bank.client();
    assert_eq!(stranger.get("/release/metadata/timestamp.json").status, 401);
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-17.bank.example");
    for (name, bytes) in &publisher.files {
        let reply = machine.client.get(&format!("/release/{name}"));
        assert_eq!((reply.status, &reply.body), (200, bytes), "{name}");
        let tag = reply.header("etag").unwrap().to_owned();
        let again = machine.client.request(
            "GET",
            &format!("/release/{name}"),
            &format!("If-None-Match: {tag}\r\n"),
            b"",
        );
        assert_eq!((again.status, again.body.len()), (304, 0), "{name}");
        let forever = reply.header("cache-control").unwrap().contains("immutable");
        assert_eq!(forever, name != "metadata/timestamp.json", "{name}");
    }
    let path = "/release/metadata/1.targets.json";
    let packed = machine.client.request("GET", path, "Accept-Encoding: gzip\r\n", b"");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut text = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(packed.body.as_slice()), &mut text).unwrap();
    assert_eq!(&text, publisher.files.get("metadata/1.targets.json").unwrap());
    let head = machine.client.request("HEAD", path, "", b"");
    assert_eq!(head.header("content-length").unwrap(), text.len().to_string());
    assert!(head.body.is_empty());

    // The same again is no change; what follows is one.
    assert_eq!(operator.publish(&files).status, 200);
    let second = publisher.release(LOOSE);
    assert_eq!(operator.publish(&second).json()["version"], 2);
    let old = machine.client.get("/release/metadata/1.snapshot.json");
    assert_eq!(old.status, 200, "machines may be in the middle of the release before");
    let lists = operator.get("/v1/admin/releases").json();
    assert_eq!(lists["in_force"], 2);
    assert_eq!(lists["cohorts"].as_array().unwrap().len(), 2);
}

#[test]
fn what_does_not_verify_is_not_published() {
    let bank = Bank::new();
    let operator = bank.operator();
    let mut publisher = Publisher::default();
    let files = publisher.release(STRICT);
    let timestamp = "/v1/admin/release/metadata/timestamp.json";

    // Nothing but the commit: it names what is not there.
    let refused = operator.put(timestamp, &files.last().unwrap().1);
    assert_eq!((refused.status, refused.error().as_str()), (422, "untrusted"));
    assert_eq!(operator.put(timestamp, b"no json").status, 422);
    assert_eq!(operator.put(timestamp, b"{}").status, 422);
    // All but one of the others.
    for missing in 1..files.len() - 1 {
        let mut some = files.clone();
        let (name, _) = some.remove(missing);
        let refused = operator.publish(&some);
        assert_eq!(refused.status, 422, "without {name}");
        assert_eq!(operator.request("DELETE", "/v1/admin/staged", "", b"").status, 200);
    }
    // A bundle that says something else under the same name.
    let mut other = files.clone();
    let (name, bytes) = other.iter_mut().find(|(name, _)| name.contains("payments.json")).unwrap();
    assert!(name.starts_with("targets/"));
    *bytes =
        String::from_utf8(bytes.clone()).unwrap().replace("read-only", "danger-full-access").into();
    assert_eq!(operator.publish(&other).error(), "untrusted");
    // What nobody was told of may be handed in again, as it should be.
    assert_eq!(operator.publish(&files).status, 200);
    let (name, _) = &files[1];
    let changed = operator.put(&format!("/v1/admin/release/{name}"), b"{}");
    assert_eq!((changed.status, changed.error().as_str()), (409, "released"));
    // Two tokens, what was forgotten each time, and the release.
    let deeds = 2 + (files.len() - 2) + 1;
    assert_eq!(bank.admin().get("/v1/admin/audit").json()["last"], json!(deeds));
}

#[test]
fn versions_grow_and_never_have_two_contents() {
    let bank = Bank::new();
    let operator = bank.operator();
    let mut publisher = Publisher::default();
    let first = publisher.release(STRICT);
    assert_eq!(operator.publish(&first).status, 200);
    // Another publisher who has seen nothing makes another first release.
    let mut other = Publisher::default();
    let later = Timestamp::now() + SignedDuration::from_secs(5);
    let rival = other.release_of(&[("requirements.toml", LOOSE)], later);
    let refused =
        operator.put("/v1/admin/release/metadata/timestamp.json", &rival.last().unwrap().1);
    assert!([409, 422].contains(&refused.status), "{refused:?}");
    // Two publishers from the same release on.
    let mut one = publisher.clone();
    let mut two = publisher.clone();
    let one = one.release(LOOSE);
    let two = two.release_of(&[("requirements.toml", "allowed_sandbox_modes = []\n")], later);
    assert_eq!(operator.publish(&one).status, 200);
    let name = &two.last().unwrap().0;
    let late = operator.put(&format!("/v1/admin/release/{name}"), &two.last().unwrap().1);
    assert!([409, 422].contains(&late.status), "{late:?}");
    let back = operator.put(&format!("/v1/admin/release/{name}"), &first.last().unwrap().1);
    assert_eq!((back.status, back.error().as_str()), (409, "version"));
    let now = operator.get("/v1/admin/release/metadata/timestamp.json");
    assert_eq!(now.body, one.last().unwrap().1);
}
