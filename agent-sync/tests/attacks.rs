//! Attacks on a release, on the disk of an endpoint: what is refused, and what stays in force.
//!
//! Each test changes one thing of a release that is taken, so that it fails where the guard that
//! it is about is absent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "clippy knows tests by their functions alone, and not the helpers beside them"
)]

mod support;

use codex_trust::document::{Meta, SNAPSHOT_FILE, Target};
use codex_trust::refresh::{Alarm, Limits, RefreshError, Session};
use jiff::{SignedDuration, Timestamp as Time};
use support::{Endpoint, Release, end, now, signed};

/// An endpoint that took a release with one team.
fn settled() -> (Release, Endpoint) {
    let mut release = Release::new();
    release.delegate("targets", "team-a", 11, "team-a/*");
    release.add("team-a", "team-a/policy.json", b"policy of team a");
    release.advance();
    let endpoint = Endpoint::of(&release);
    let mut session = endpoint.refresh(&release).unwrap();
    assert_eq!(session.alarms(), []);
    assert_eq!(fetched(&mut session, "team-a/policy.json").unwrap(), b"policy of team a");
    drop(session);
    endpoint.asked();
    (release, endpoint)
}

fn fetched(session: &mut Session, path: &str) -> Result<Vec<u8>, String> {
    match session.fetch(path) {
        Ok(Some(fetched)) => Ok(fetched.bytes),
        Ok(None) => Err("nothing".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// That a release is refused for a reason, with all versions as they were.
fn refused(endpoint: &Endpoint, release: &Release, reason: &str) {
    let before = endpoint.kept();
    let error = endpoint.refresh(release).expect_err(reason).to_string();
    assert!(error.contains(reason), "{error}");
    assert_eq!(endpoint.kept(), before);
}

#[test]
fn a_refresh_that_brings_nothing_asks_for_two_things() {
    let (release, endpoint) = settled();
    let before = endpoint.kept();
    let mut session = endpoint.refresh(&release).unwrap();
    assert_eq!(endpoint.asked(), ["metadata/2.root.json", "metadata/timestamp.json"]);
    fetched(&mut session, "team-a/policy.json").unwrap();
    assert_eq!(endpoint.asked(), [] as [&str; 0]);
    assert_eq!(endpoint.kept(), before);
}

#[test]
fn rollback_of_the_timestamp_is_refused() {
    let (release, endpoint) = settled();
    let mut newer = release.clone();
    newer.advance();
    endpoint.refresh(&newer).unwrap();
    refused(&endpoint, &release, "timestamp");
    assert_eq!(endpoint.version("timestamp"), 3);
}

#[test]
fn rollback_of_the_snapshot_is_refused() {
    let (mut release, endpoint) = settled();
    release.timestamp.version += 1;
    release.snapshot.version -= 1;
    release.publish();
    assert!(endpoint.refresh(&release).is_err());
    assert_eq!(endpoint.version("snapshot"), 2);
    release.snapshot.version += 1;
    release.publish();
    endpoint.refresh(&release).unwrap();
}

#[test]
fn rollback_of_targets_is_refused() {
    for role in ["targets", "team-a"] {
        let (mut release, endpoint) = settled();
        release.targets.get_mut(role).unwrap().version -= 1;
        release.timestamp.version += 1;
        release.snapshot.version += 1;
        release.publish();
        let error = endpoint.refresh(&release).unwrap_err().to_string();
        assert!(error.contains(role), "{error}");
        assert_eq!(endpoint.version("snapshot"), 2);
    }
}

#[test]
fn a_role_cannot_vanish_from_the_snapshot() {
    let (mut release, endpoint) = settled();
    release.timestamp.version += 1;
    release.snapshot.version += 1;
    release.snapshot.meta.remove("team-a.json");
    release.publish_snapshot();
    assert!(endpoint.refresh(&release).is_err());
    assert_eq!(endpoint.version("snapshot"), 2);
}

#[test]
fn new_online_keys_recover_from_fast_forward() {
    let (mut release, endpoint) = settled();
    let healthy = release.clone();
    release.timestamp.version = 9_000_000;
    release.snapshot.version = 9_000_000;
    release.publish();
    endpoint.refresh(&release).unwrap();
    assert_eq!(endpoint.version("timestamp"), 9_000_000);

    let mut release = healthy;
    release.advance();
    refused(&endpoint, &release, "timestamp");
    release.root.version = 2;
    release.assign("snapshot", &[23], 1);
    release.assign("timestamp", &[24], 1);
    release.publish_root();
    release.publish();
    endpoint.refresh(&release).unwrap();
    assert_eq!(endpoint.version("timestamp"), 3);
    assert_eq!(endpoint.version("snapshot"), 3);
}

#[test]
fn what_has_expired_is_refused_role_by_role() {
    let past: Time = "2026-11-25T00:00:00Z".parse().unwrap();
    for role in ["root", "timestamp", "snapshot", "targets", "team-a"] {
        let (mut release, endpoint) = settled();
        release.advance();
        match role {
            "root" => {
                release.root.version = 2;
                release.root.expires = past;
                release.publish_root();
            }
            "timestamp" => release.timestamp.expires = past,
            "snapshot" => release.snapshot.expires = past,
            role => release.targets.get_mut(role).unwrap().expires = past,
        }
        release.publish();
        let tried = endpoint.refresh(&release);
        let error = match (role, tried) {
            // Delegated roles are looked at when they are needed.
            ("team-a", Ok(mut session)) => fetched(&mut session, "team-a/policy.json").unwrap_err(),
            (_, tried) => tried.expect_err(role).to_string(),
        };
        assert!(error.contains("expired"), "{role}: {error}");
        // With the same documents in good time nothing is wrong.
        let earlier = past - SignedDuration::from_hours(1);
        let mut session = endpoint.refresh_at(&release, earlier, Limits::default()).unwrap();
        fetched(&mut session, "team-a/policy.json").unwrap();
    }
}

#[test]
fn a_frozen_release_is_refused_when_its_timestamp_ends() {
    let (release, endpoint) = settled();
    let before = endpoint.kept();
    let later = end() + SignedDuration::from_secs(1);
    assert!(endpoint.refresh_at(&release, later, Limits::default()).is_err());
    assert_eq!(endpoint.kept(), before);
}

#[test]
fn a_clock_ten_years_ahead_changes_nothing() {
    let (release, endpoint) = settled();
    let before = endpoint.kept();
    let later = now() + SignedDuration::from_hours(24 * 3650);
    let error = endpoint.refresh_at(&release, later, Limits::default()).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
    assert_eq!(endpoint.kept(), before);
    endpoint.refresh(&release).unwrap();
}

#[test]
fn a_clock_a_year_behind_is_an_alarm_and_does_not_revive_what_has_expired() {
    let (mut release, endpoint) = settled();
    release.timestamp.signed_at = Some(now());
    release.advance();
    endpoint.refresh(&release).unwrap();
    let behind = now() - SignedDuration::from_hours(24 * 365);
    let session = endpoint.refresh_at(&release, behind, Limits::default()).unwrap();
    let seconds = 24 * 365 * 3600;
    assert_eq!(session.alarms(), [Alarm::ClockBehind { seconds, signed_at: now() }]);
    assert_eq!(session.now(), now());
    drop(session);
    release.advance();
    release.timestamp.expires = now() - SignedDuration::from_hours(1);
    release.publish_timestamp();
    assert!(endpoint.refresh_at(&release, behind, Limits::default()).is_err());
}

#[test]
fn a_small_step_of_the_clock_is_no_alarm() {
    let (mut release, endpoint) = settled();
    release.timestamp.signed_at = Some(now());
    release.advance();
    endpoint.refresh(&release).unwrap();
    let behind = now() - SignedDuration::from_secs(60);
    let session = endpoint.refresh_at(&release, behind, Limits::default()).unwrap();
    assert_eq!(session.alarms(), []);
}

#[test]
fn keys_below_the_threshold_are_refused() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut release = Release::new();
        let endpoint = Endpoint::of(&release);
        release.root.version = 2;
        let before = release.signers["root"].clone();
        release.assign(role, &[31, 32, 33], 2);
        let signs = |release: &mut Release, seeds: &[u8]| {
            release.signers.insert(role.to_owned(), seeds.to_vec());
            let root = release.signers.get_mut("root").unwrap();
            root.extend(&before);
            release.publish_root();
            if role == "root" {
                release.signers.insert("root".to_owned(), seeds.to_vec());
            }
            release.advance();
        };
        signs(&mut release, &[31]);
        let error = endpoint.refresh(&release).expect_err(role).to_string();
        assert!(error.contains("threshold") || error.contains("signature"), "{role}: {error}");
        signs(&mut release, &[31, 33]);
        endpoint.refresh(&release).unwrap();
    }
}

/// A document whose first signature is there twice.
fn doubled(bytes: &[u8], keyid: Option<&str>) -> Vec<u8> {
    let mut value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    let signatures = value["signatures"].as_array_mut().unwrap();
    let mut again = signatures[0].clone();
    if let Some(keyid) = keyid {
        again["keyid"] = keyid.into();
    }
    signatures.push(again);
    serde_json::to_vec(&value).unwrap()
}

#[test]
fn duplicate_signatures_by_one_key_count_once() {
    let (mut release, endpoint) = settled();
    release.root.version = 2;
    release.assign("timestamp", &[41, 42], 2);
    release.publish_root();
    release.advance();
    endpoint.refresh(&release).unwrap();
    release.signers.insert("timestamp".to_owned(), vec![41]);
    release.advance();
    let file = "metadata/timestamp.json".to_owned();
    let once = release.files[&file].clone();
    let other = support::public(&[42])[0].id();
    for keyid in [None, Some(&*other)] {
        release.files.insert(file.clone(), doubled(&once, keyid));
        assert!(endpoint.refresh(&release).is_err());
        assert_eq!(endpoint.version("timestamp"), 3);
    }
}

/// FIXME: `sigstore-tuf` counts names of keys, and a root can give one key two of them. Only those
/// who hold the root can do so, to themselves; what writes roots here never does.
#[test]
fn one_key_under_two_names_that_the_root_gives_it_counts_twice() {
    let (mut release, endpoint) = settled();
    let key = support::public(&[41])[0];
    release.root.version = 2;
    release.assign("timestamp", &[41], 2);
    release.root.keys.insert("other-name".to_owned(), key.object());
    let role = release.root.roles.get_mut("timestamp").unwrap();
    role.keyids.push("other-name".to_owned());
    release.publish_root();
    release.advance();
    let file = "metadata/timestamp.json".to_owned();
    let twice = doubled(&release.files[&file], Some("other-name"));
    release.files.insert(file, twice);
    assert!(endpoint.refresh(&release).is_ok());
}

#[test]
fn a_revoked_key_signs_nothing_any_more() {
    for role in ["timestamp", "snapshot", "targets"] {
        let (mut release, endpoint) = settled();
        let revoked = release.signers[role].clone();
        release.root.version = 2;
        release.assign(role, &[51], 1);
        release.publish_root();
        release.signers.insert(role.to_owned(), revoked);
        release.advance();
        assert!(endpoint.refresh(&release).is_err(), "{role}");
        release.signers.insert(role.to_owned(), vec![51]);
        release.advance();
        endpoint.refresh(&release).unwrap();
    }
}

#[test]
fn a_revoked_team_key_signs_nothing_any_more_and_its_successor_does() {
    let (mut release, endpoint) = settled();
    release.delegate("targets", "team-a", 61, "team-a/*");
    release.signers.insert("team-a".to_owned(), vec![11]);
    release.advance();
    let mut session = endpoint.refresh(&release).unwrap();
    assert!(fetched(&mut session, "team-a/policy.json").is_err());
    drop(session);
    release.signers.insert("team-a".to_owned(), vec![61]);
    release.publish();
    let mut session = endpoint.refresh(&release).unwrap();
    fetched(&mut session, "team-a/policy.json").unwrap();
}

#[test]
fn a_role_that_is_not_to_be_trusted_is_asked_for_once() {
    let (mut release, endpoint) = settled();
    release.signers.insert("team-a".to_owned(), vec![99]);
    release.advance();
    let mut session = endpoint.refresh(&release).unwrap();
    endpoint.asked();
    assert!(fetched(&mut session, "team-a/policy.json").is_err());
    assert_eq!(endpoint.asked(), ["metadata/3.team-a.json"]);
}

#[test]
fn a_root_without_the_keys_before_it_is_refused() {
    let (mut release, endpoint) = settled();
    release.root.version = 2;
    release.assign("root", &[71], 1);
    release.publish_root();
    refused(&endpoint, &release, "root");
    release.signers.insert("root".to_owned(), vec![1, 71]);
    release.publish_root();
    endpoint.refresh(&release).unwrap();
}

#[test]
fn a_root_that_skips_a_version_is_refused() {
    let (mut release, endpoint) = settled();
    release.root.version = 3;
    release.publish_root();
    let skipping = release.files["metadata/3.root.json"].clone();
    release.files.insert("metadata/2.root.json".to_owned(), skipping);
    refused(&endpoint, &release, "root");
}

/// A chain of roots whose root key changes with each of them.
fn rotated(times: u64) -> Release {
    let mut release = Release::new();
    for version in 2..=times + 1 {
        let seed = if version % 2 == 0 { 81 } else { 82 };
        let before = release.signers["root"].clone();
        release.root.version = version;
        release.assign("root", &[seed], 1);
        release.signers.get_mut("root").unwrap().extend(&before[..1]);
        release.publish_root();
    }
    release
}

#[test]
fn a_hundred_rotations_are_followed_at_once() {
    let release = rotated(100);
    let endpoint = Endpoint::of(&release);
    endpoint.refresh(&release).unwrap();
    assert_eq!(endpoint.version("root"), 101);
}

#[test]
fn more_rotations_than_one_refresh_follows_take_another_one() {
    let release = rotated(1030);
    let endpoint = Endpoint::of(&release);
    let error = endpoint.refresh(&release).unwrap_err().to_string();
    assert!(error.contains("rotations"), "{error}");
    assert_eq!(endpoint.version("root"), 1025);
    endpoint.refresh(&release).unwrap();
    assert_eq!(endpoint.version("root"), 1031);
}

#[test]
fn one_team_cannot_sign_for_another() {
    let (mut release, endpoint) = settled();
    release.delegate("targets", "team-b", 12, "team-b/*");
    release.add("team-b", "team-a/policy.json", b"policy of team b");
    release.advance();
    let mut session = endpoint.refresh(&release).unwrap();
    assert_eq!(fetched(&mut session, "team-a/policy.json").unwrap(), b"policy of team a");
    drop(session);
    // The document of team b under the name of team a.
    release.advance();
    let version = release.targets["team-a"].version;
    let mut other = release.targets["team-b"].clone();
    other.version = version;
    let other = signed(&other, &release.signers["team-b"]);
    release.snapshot.meta.insert("team-a.json".to_owned(), Meta::version(version));
    release.files.insert(format!("metadata/{version}.team-a.json"), other);
    let mut session = endpoint.refresh(&release).unwrap();
    assert!(fetched(&mut session, "team-a/policy.json").is_err());
}

#[test]
fn a_role_on_the_shelf_is_checked_against_who_hands_on_now() {
    let mut release = Release::new();
    release.delegate("targets", "team-a", 11, "team-a/*");
    release.delegate("targets", "team-b", 12, "team-b/*");
    release.delegate("team-a", "shared", 13, "*/*");
    release.delegate("team-b", "shared", 14, "*/*");
    release.signers.insert("shared".to_owned(), vec![13]);
    release.add("shared", "team-a/x", b"a");
    release.add("shared", "team-b/x", b"b");
    release.advance();
    let endpoint = Endpoint::of(&release);
    for _ in 0..2 {
        let mut session = endpoint.refresh(&release).unwrap();
        assert_eq!(fetched(&mut session, "team-a/x").unwrap(), b"a");
        let error = fetched(&mut session, "team-b/x").unwrap_err();
        assert!(error.contains("threshold") || error.contains("signature"), "{error}");
    }
}

#[test]
fn two_timestamps_of_one_version_are_an_alarm() {
    let (mut release, endpoint) = settled();
    let before = endpoint.kept();
    release.timestamp.expires = end() + SignedDuration::from_hours(1);
    release.publish_timestamp();
    let session = endpoint.refresh(&release).unwrap();
    assert_eq!(session.alarms(), [Alarm::Equivocation { role: "timestamp", version: 2 }]);
    assert_eq!(endpoint_kept(session, &endpoint), before);
    // The same from nobody is none.
    release.signers.insert("timestamp".to_owned(), vec![99]);
    release.publish_timestamp();
    assert!(endpoint.refresh(&release).map_or(true, |session| session.alarms().is_empty()));
}

fn endpoint_kept(
    session: Session,
    endpoint: &Endpoint,
) -> std::collections::BTreeMap<String, Vec<u8>> {
    drop(session);
    endpoint.kept()
}

#[test]
fn two_snapshots_of_one_version_are_an_alarm() {
    let (mut release, endpoint) = settled();
    release.timestamp.version += 1;
    release.snapshot.expires = end() + SignedDuration::from_hours(1);
    release.publish_snapshot();
    let session = endpoint.refresh(&release).unwrap();
    assert_eq!(session.alarms(), [Alarm::Equivocation { role: "snapshot", version: 2 }]);
}

#[test]
fn a_damaged_floor_is_not_an_absent_one() {
    for name in ["timestamp.json", "snapshot.json", "root.json"] {
        for garbage in [&b"garbage"[..], b"", b"{}", b"\xff\xfe"] {
            let (mut release, endpoint) = settled();
            release.advance();
            std::fs::write(endpoint.folder.path().join(name), garbage).unwrap();
            let before = endpoint.kept();
            let error = endpoint.refresh(&release).expect_err(name);
            if name != "root.json" {
                assert!(matches!(error, RefreshError::Damaged { .. }), "{name}: {error}");
            }
            assert_eq!(endpoint.kept(), before);
        }
    }
}

#[test]
fn odd_names_of_roles_stay_where_they_belong() {
    for role in ["../x", "?", "#", "/x", "..", ".", "a b", "%2e", "é", "2.root", ".lock", "floors"]
    {
        let mut release = Release::new();
        release.delegate("targets", role, 11, "*");
        release.add(role, "policy.json", b"policy");
        release.advance();
        let endpoint = Endpoint::of(&release);
        for _ in 0..2 {
            let mut session = endpoint.refresh(&release).unwrap();
            assert_eq!(fetched(&mut session, "policy.json").unwrap(), b"policy", "{role}");
        }
        // Four top-level roles, this one, and the target.
        assert_eq!(endpoint.kept().len(), 6, "{role}: {:?}", endpoint.kept().keys());
    }
}

#[test]
fn a_role_cannot_take_the_name_of_a_top_level_one() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut release = Release::new();
        release.delegate("targets", "team", 11, "*");
        release.add("team", "policy.json", b"policy");
        release.advance();
        let roles = &mut release.targets.get_mut("targets").unwrap().delegations;
        roles.as_mut().unwrap().roles[0].name = role.to_owned();
        release.advance();
        let endpoint = Endpoint::of(&release);
        let before = Release::new();
        endpoint.refresh(&before).unwrap();
        if let Ok(mut session) = endpoint.refresh(&release) {
            assert!(fetched(&mut session, "policy.json").is_err(), "{role}");
        }
        assert_eq!(endpoint.version("root"), 1);
    }
}

#[test]
fn deeply_nested_documents_are_refused() {
    let (mut release, endpoint) = settled();
    release.advance();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes();
    for name in ["metadata/timestamp.json", "metadata/3.snapshot.json", "metadata/2.root.json"] {
        let mut release = release.clone();
        release.files.insert(name.to_owned(), deep.clone());
        assert!(endpoint.refresh(&release).is_err(), "{name}");
        assert_eq!(endpoint.version("snapshot"), 2);
    }
}

#[test]
fn documents_over_their_limit_are_refused_though_signed() {
    let limits = Limits { timestamp: 600, ..Limits::default() };
    let (mut release, endpoint) = settled();
    release.advance();
    for extra in 0..20 {
        release.timestamp.meta.insert(format!("extra-{extra}.json"), Meta::version(1));
    }
    release.publish_timestamp();
    assert!(endpoint.refresh_at(&release, now(), limits).is_err());
    assert_eq!(endpoint.version("timestamp"), 2);
}

#[test]
fn a_target_of_another_length_or_digest_is_refused() {
    let (mut release, endpoint) = settled();
    release.add("team-a", "team-a/policy.json", b"the next policy");
    release.advance();
    let path =
        format!("targets/team-a/{}.policy.json", Target::of(b"the next policy", None).sha256());
    for wrong in [&b"the next"[..], b"the next policy and more", b"THE NEXT POLICY", b""] {
        release.files.insert(path.clone(), wrong.to_vec());
        let mut session = endpoint.refresh(&release).unwrap();
        assert!(fetched(&mut session, "team-a/policy.json").is_err());
    }
    assert_eq!(endpoint.kept()["targets/team-a%2Fpolicy.json"], b"policy of team a");
    release.files.insert(path, b"the next policy".to_vec());
    let mut session = endpoint.refresh(&release).unwrap();
    assert_eq!(fetched(&mut session, "team-a/policy.json").unwrap(), b"the next policy");
}

#[test]
fn a_snapshot_or_role_with_another_pin_is_refused() {
    let (mut release, endpoint) = settled();
    release.advance();
    let mut other = release.snapshot.clone();
    other.expires = end() + SignedDuration::from_hours(1);
    let bytes = signed(&other, &release.signers["snapshot"]);
    release.files.insert("metadata/3.snapshot.json".to_owned(), bytes);
    assert!(endpoint.refresh(&release).is_err());
    assert_eq!(endpoint.version("snapshot"), 2);

    let (mut release, endpoint) = settled();
    release.advance();
    release.snapshot.meta.insert("targets.json".to_owned(), Meta::pinned(3, b"others"));
    release.publish_snapshot();
    assert!(endpoint.refresh(&release).is_err());
    assert_eq!(endpoint.version("targets"), 2);
}

#[test]
fn files_that_nobody_signed_are_not_looked_at() {
    let (mut release, endpoint) = settled();
    release.advance();
    for name in ["metadata/targets.json", "metadata/evil.json", "targets/evil"] {
        release.files.insert(name.to_owned(), b"evil".to_vec());
    }
    std::fs::write(endpoint.folder.path().join("evil.json"), b"evil").unwrap();
    let mut session = endpoint.refresh(&release).unwrap();
    assert_eq!(session.find("evil").unwrap().map(drop), None);
    let asked = endpoint.asked();
    assert!(!asked.iter().any(|name| name.contains("evil")), "{asked:?}");
}

#[test]
fn a_timestamp_for_no_snapshot_is_refused() {
    let (mut release, endpoint) = settled();
    release.timestamp.version += 1;
    release.timestamp.meta.remove(SNAPSHOT_FILE);
    release.publish_timestamp();
    assert!(endpoint.refresh(&release).is_err());
}
