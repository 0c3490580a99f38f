use ring::rand::SystemRandom;

use super::*;

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery".to_owned())
}

#[test]
fn a_key_is_the_same_after_writing_and_reading() {
    let (public_key, text) = make("ana", &passphrase(), &SystemRandom::new()).unwrap();
    assert_eq!(public(&text), Some(public_key));
    let key = open(&text, &passphrase()).unwrap();
    assert_eq!(key.public(), public_key);
    let signature = key.sign(b"message").unwrap();
    assert!(public_key.verifies(b"message", &signature));
    let other = Passphrase::new("another passphrase".to_owned());
    assert!(matches!(open(&text, &other), Err(KeyError::Passphrase)));
    let again = make("ana", &passphrase(), &SystemRandom::new()).unwrap();
    assert_ne!(again.0, public_key);
}

#[test]
fn no_secret_has_a_debug_form() {
    let (_, text) = make("ana", &passphrase(), &SystemRandom::new()).unwrap();
    let key = open(&text, &passphrase()).unwrap();
    assert!(!format!("{:?}", passphrase()).contains("horse"));
    assert_eq!(format!("{key:?}"), format!("MemoryKey({})", key.public()));
    assert!(!text.contains("horse"));
}

#[test]
fn what_is_no_key_is_told_apart() {
    let (_, text) = make("ana", &passphrase(), &SystemRandom::new()).unwrap();
    let (other, _) = make("ben", &passphrase(), &SystemRandom::new()).unwrap();
    let exchanged = text.replace(&public(&text).unwrap().to_string(), &other.to_string());
    let cut = text.replace("\n-----END", "AAA\n-----END");
    let said = |text: &str| open(text, &passphrase()).unwrap_err().to_string();
    assert!(said(&exchanged).contains("somebody may have exchanged"), "{}", said(&exchanged));
    assert!(said(&cut).contains("damaged"), "{}", said(&cut));
    assert!(said("").contains("no `ENCRYPTED PRIVATE KEY`"));
    let open_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(said(open_key).contains("is not encrypted"), "{}", said(open_key));
    let short = Passphrase::new("eleven char".to_owned());
    assert!(matches!(make("ana", &short, &SystemRandom::new()), Err(KeyError::Short)));
}

/// Every byte of a file changed, one at a time: no panic, and never another key.
#[test]
fn a_damaged_file_is_never_another_key() {
    use base64::Engine as _;
    let seed = [7; 32];
    let public_key = MemoryKey::from_seed(&seed).unwrap().public();
    // Little work, so that all of it can be tried.
    let work = scrypt::Params::new(1, 1, 1, 32).unwrap();
    let parameters = Parameters::scrypt_aes256cbc(work, &[1; 16], &[2; 16]).unwrap();
    let der = encrypted(&encrypt(&seed, &passphrase(), parameters).unwrap()).unwrap();
    let mut exchanged = 0;
    for at in 0..der.len() {
        let mut broken = der.clone();
        broken[at] ^= 0x41;
        let encoded = base64::engine::general_purpose::STANDARD.encode(&broken);
        let pem = format!(
            "{PUBLIC}{public_key}\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n{encoded}\n\
             -----END ENCRYPTED PRIVATE KEY-----\n"
        );
        match open(&pem, &passphrase()) {
            Ok(key) => assert_eq!(key.public(), public_key, "byte {at}"),
            Err(KeyError::OtherPublic { .. }) => exchanged += 1,
            Err(_) => {}
        }
    }
    // Without the public key beside it, this many would have passed for a key.
    assert!(exchanged > 10, "{exchanged}");
}

#[test]
fn a_file_cannot_ask_for_all_memory() {
    let salt = [0; 16];
    for (log_n, r, p, fits) in [(14, 8, 5, true), (15, 2048, 1, false), (14, 8, 33, false)] {
        let work = scrypt::Params::new(log_n, r, p, 32).unwrap();
        let scheme = Parameters::scrypt_aes256cbc(work, &salt, &salt).unwrap();
        assert_eq!(bounded(&scheme.into()).is_ok(), fits, "{log_n} {r} {p}");
    }
    let slow = Parameters::pbkdf2_sha256_aes256cbc(10_000_001, &salt, &salt).unwrap();
    assert!(matches!(bounded(&slow.into()), Err(KeyError::TooMuchWork)));
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.key");
    write_new(&path, b"one", Readers::Owner).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = write_new(&path, b"two", Readers::Owner).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"one");
    let dangling = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &dangling).unwrap();
    assert!(write_new(&dangling, b"three", Readers::Owner).is_err());
}
