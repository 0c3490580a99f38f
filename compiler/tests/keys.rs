//! The ceremony, through the program: what `docs/ceremony.md` tells people to do is done here, block
//! by block, and an endpoint follows.
//!
//! Needs `openssl`; in CI a missing one is a failure, elsewhere it is said loudly.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::print_stderr, reason = "what does not run must be seen")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use codex_compiler::keys::key_file::Passphrase;
use codex_compiler::keys::signer;
use codex_trust::document::{
    Document, Envelope, Meta, Root, SNAPSHOT_FILE, Snapshot, Targets, Timestamp,
};
use codex_trust::refresh::{Limits, RefreshError, refresh};
use codex_trust::store::{MemoryStore, MetadataStore};
use codex_trust::transport::{Resource, Transport, TransportError};
use jiff::Timestamp as Time;

const PASSPHRASE: &str = "correct horse battery staple";

/// A folder in which people work, with the program on the path.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(place.path("policy/baseline")).unwrap();
        fs::create_dir_all(place.path("bin")).unwrap();
        place.write("policy/baseline/requirements.toml", "allow_appshots = false\n");
        let manifest = "organisation.name = 'Example'\n[cohorts.all]\ndefault = true\n";
        place.write("policy/policy.toml", manifest);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn shell(&self, script: &str) -> Output {
        let program = Path::new(env!("CARGO_BIN_EXE_codex-config"));
        let path = std::env::var("PATH").unwrap();
        let own = self.path("bin");
        let path = format!("{}:{}:{path}", own.display(), program.parent().unwrap().display());
        Command::new("sh")
            .args(["-euc", script])
            .current_dir(self.0.path())
            .env("PATH", path)
            .env("CODEX_CONFIG_PASSPHRASE", PASSPHRASE)
            .output()
            .unwrap()
    }

    /// What a script prints that ends well. The passphrase is in nothing of it.
    fn runs(&self, script: &str) -> (String, String) {
        let ended = self.shell(script);
        let out = String::from_utf8(ended.stdout).unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{script}\n{out}{said}");
        assert!(!format!("{out}{said}").contains(PASSPHRASE), "{script}");
        (out, said)
    }

    /// What the program says when it ends with a code.
    fn ends(&self, code: i32, arguments: &str) -> String {
        let ended = self.shell(&format!("codex-config {arguments}"));
        let out = String::from_utf8(ended.stdout).unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(code), "{arguments}\n{out}{said}");
        format!("{out}{said}")
    }

    /// Writes `trust.toml`: what a person does with the lines that `keys new` printed.
    fn trust(&self, root: [&str; 3], online: [&str; 2]) {
        let mut text = "[keys]\n".to_owned();
        for name in root.iter().chain(&online).chain(&["eve", "policy-ci"]) {
            let shown = self.runs(&format!("codex-config keys show {name}.key")).0;
            let key = shown.lines().find_map(|line| line.strip_prefix("public ")).unwrap();
            text.push_str(&format!("{name} = \"{key}\"\n"));
        }
        let mut role = |name: &str, keys: &[&str], threshold: u32| {
            text.push_str(&format!("[roles.{name}]\nkeys = {keys:?}\nthreshold = {threshold}\n"));
        };
        role("root", &root, 2);
        role("targets", &root, 2);
        role("organisation", &["policy-ci"], 1);
        role("loosen", &["eve"], 1);
        role("snapshot", &online[..1], 1);
        role("timestamp", &online[1..], 1);
        self.write("policy/trust.toml", &text);
    }

    fn signed<D: Document>(&self, document: &D, keys: &[&str]) -> Vec<u8> {
        let mut envelope = Envelope::new(document).unwrap();
        let passphrase = |_: &str| Ok(Passphrase::new(PASSPHRASE.to_owned()));
        for key in keys {
            let path = self.path(&format!("{key}.key")).display().to_string();
            envelope.sign(&*signer::open(&path, &passphrase).unwrap()).unwrap();
        }
        envelope.bytes()
    }

    /// A release of no files, with its roots.
    fn release(
        &self,
        roots: &[&str],
        version: u64,
        targets: [&str; 2],
        online: [&str; 2],
    ) -> Folder {
        let expires: Time = "2100-01-01T00:00:00Z".parse().unwrap();
        let mut files: BTreeMap<String, Vec<u8>> =
            roots.iter().map(|name| ((*name).to_owned(), self.read(name))).collect();
        let document = Targets { version, expires, targets: BTreeMap::new(), delegations: None };
        files.insert(format!("{version}.targets.json"), self.signed(&document, &targets));
        let meta = BTreeMap::from([("targets.json".to_owned(), Meta::version(version))]);
        let snapshot = self.signed(&Snapshot { version, expires, meta }, &online[..1]);
        let meta = BTreeMap::from([(SNAPSHOT_FILE.to_owned(), Meta::pinned(version, &snapshot))]);
        files.insert(format!("{version}.snapshot.json"), snapshot);
        let timestamp = Timestamp { version, expires, meta, signed_at: None };
        files.insert("timestamp.json".to_owned(), self.signed(&timestamp, &online[1..]));
        Folder(files)
    }
}

/// A published release.
struct Folder(BTreeMap<String, Vec<u8>>);

impl Transport for Folder {
    fn get(&self, resource: Resource<'_>, _: u64) -> Result<Option<Vec<u8>>, TransportError> {
        match resource {
            Resource::Metadata(name) => Ok(self.0.get(name).cloned()),
            Resource::Target(_) | Resource::Approval(_) => Ok(None),
        }
    }
}

/// An endpoint: what it remembers.
struct Endpoint(Arc<MemoryStore>);

impl Endpoint {
    fn with_root(root: &[u8]) -> Self {
        Self(Arc::new(MemoryStore::with_root(root)))
    }

    /// The versions of root and timestamp that it trusts after a refresh.
    fn refresh(&self, release: Folder) -> Result<(u64, u64), RefreshError> {
        let store = Arc::<MemoryStore>::clone(&self.0);
        // After every expiry that counts from the day of the ceremony would be too late.
        let now = Time::now();
        refresh(Arc::new(release), store, now, Limits::default())?;
        Ok((self.version::<Root>("root.json"), self.version::<Timestamp>("timestamp.json")))
    }

    fn version<D: Document>(&self, name: &str) -> u64 {
        let bytes = self.0.load(name).unwrap().unwrap();
        Envelope::read(&bytes).unwrap().document::<D>().unwrap().version()
    }
}

/// The blocks of commands below each heading of the page.
fn page() -> BTreeMap<String, Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/ceremony.md");
    let text = fs::read_to_string(path).unwrap();
    let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut heading = String::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line) {
            (Some(_), "```") => blocks.entry(heading.clone()).or_default().extend(open.take()),
            (Some(block), line) => block.push_str(&format!("{line}\n")),
            (None, "```sh") => open = Some(String::new()),
            (None, line) => {
                if let Some(title) = line.strip_prefix("## ") {
                    title.clone_into(&mut heading);
                }
            }
        }
    }
    blocks
}

/// A key service: `openssl` with the file of the key in its hands.
const KEEPER: &str = r#"#!/bin/sh
set -eu
key="$2.key"
case "$3" in
public)
    printf 'ed25519:'
    openssl pkey -in "$key" -passin env:CODEX_CONFIG_PASSPHRASE -pubout -outform DER |
        tail -c 32 | od -An -v -tx1 | tr -d ' \n'
    ;;
sign)
    message=$(mktemp)
    cat > "$message"
    openssl pkeyutl -sign -rawin -in "$message" -inkey "$key" \
        -passin env:CODEX_CONFIG_PASSPHRASE | od -An -v -tx1 | tr -d ' \n'
    rm "$message"
    ;;
esac
"#;

fn has_openssl() -> bool {
    match Command::new("openssl").arg("version").output() {
        Ok(_) => true,
        Err(error) => {
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!in_ci, "openssl must be installed in CI: {error}");
            eprintln!("DID NOT RUN: openssl is not installed: {error}");
            false
        }
    }
}

#[test]
fn the_ceremony_of_the_page_and_an_endpoint_that_follows() {
    let mut page = page();
    let mut section = |title: &str| page.remove(title).unwrap();
    let place = Place::new();

    let (lines, _) = place.runs(&section("Making keys").concat());
    assert_eq!(lines.matches(" = \"ed25519:").count(), 7, "{lines}");
    let mode = fs::metadata(place.path("ana.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    place.trust(["ana", "ben", "cyd"], ["snapshot", "timestamp"]);
    let blocks = section("The first root");
    let (asked, _) = place.runs(&blocks[0]);
    assert!(asked.contains("root 1 itself: 0 of 2, 2 missing\n  can sign"), "{asked}");
    let nobody = place.ends(1, "keys status 1.root.json --repository policy");
    assert!(nobody.contains("2 missing"), "{nobody}");
    let (signed, _) = place.runs(&blocks[1]);
    let both = "2 of 2, complete\n  signed    ana\n  signed    ben\n  unneeded  cyd\n";
    assert!(signed.contains(both), "{signed}");
    let endpoint = Endpoint::with_root(&place.read("1.root.json"));
    let online = ["snapshot", "timestamp"];
    let release = place.release(&[], 1, ["ana", "ben"], online);
    assert_eq!(endpoint.refresh(release).unwrap(), (1, 1));

    let blocks = section("A key service or a token");
    if has_openssl() {
        place.write("bin/keeper", KEEPER);
        fs::set_permissions(place.path("bin/keeper"), fs::Permissions::from_mode(0o755)).unwrap();
        let (shown, _) = place.runs(&blocks.concat());
        let (ana, _) = place.runs("codex-config keys show ana.key");
        assert!(shown.starts_with(&ana), "{shown}");
    }

    let blocks = section("A lost key");
    place.runs(&blocks[0]);
    place.trust(["ana", "ben", "dan"], online);
    let (signed, _) = place.runs(&blocks[1]);
    assert_eq!(signed.matches("2 of 2, complete").count(), 4, "{signed}");
    let exchanged = "  root: 2 of ana, ben, dan\n    + dan\n    - ed25519:";
    assert!(signed.contains(exchanged), "{signed}");
    let both = ["1.root.json", "2.root.json"];
    assert_eq!(endpoint.refresh(place.release(&both, 2, ["ana", "dan"], online)).unwrap(), (2, 2));
    // The lost key is worth nothing any more.
    let found = endpoint.refresh(place.release(&both, 3, ["ana", "cyd"], online));
    assert!(matches!(found, Err(RefreshError::Untrusted(_))), "{found:?}");

    // The thief makes endpoints believe in a version that no honest release ever reaches.
    let stolen = place.release(&both, 4_000_000_000, ["ana", "dan"], online);
    assert_eq!(endpoint.refresh(stolen).unwrap(), (2, 4_000_000_000));
    let honest = endpoint.refresh(place.release(&both, 4, ["ana", "dan"], online));
    assert!(honest.is_err(), "{honest:?}");

    let blocks = section("A stolen online key");
    place.runs(&blocks[0]);
    let fresh = ["snapshot-2", "timestamp-2"];
    place.trust(["ana", "ben", "dan"], fresh);
    place.runs(&blocks[1]);
    let all = ["1.root.json", "2.root.json", "3.root.json"];
    let recovered = endpoint.refresh(place.release(&all, 5, ["ana", "dan"], fresh));
    assert_eq!(recovered.unwrap(), (3, 5));
    let thief = endpoint.refresh(place.release(&all, 4_000_000_001, ["ana", "dan"], online));
    assert!(matches!(thief, Err(RefreshError::Untrusted(_))), "{thief:?}");

    assert!(page.is_empty(), "blocks that nobody ran: {page:?}");
}

/// A place with seven keys, a first root, and who has signed it.
fn first_root(signers: &[&str]) -> Place {
    let place = Place::new();
    for name in ["ana", "ben", "cyd", "eve", "policy-ci", "snapshot", "timestamp"] {
        place.runs(&format!("codex-config keys new {name} --out {name}.key"));
    }
    place.trust(["ana", "ben", "cyd"], ["snapshot", "timestamp"]);
    place.runs("codex-config keys root policy --out 1.root.json");
    for name in signers {
        place.runs(&format!("codex-config keys sign 1.root.json --key {name}.key"));
    }
    place
}

#[test]
fn what_would_count_for_nothing_is_refused() {
    let place = first_root(&["ana"]);
    let before = place.read("1.root.json");
    let said = place.ends(1, "keys sign 1.root.json --key eve.key --repository policy");
    assert!(said.contains("eve has no role in this document"), "{said}");
    let said = place.ends(1, "keys root policy --previous 1.root.json --out 2.root.json");
    assert!(said.contains("not signed by enough of its own holders: 1 of 2"), "{said}");
    assert!(!place.path("2.root.json").exists());
    let said = place.ends(2, "keys root policy --out 1.root.json");
    assert!(said.contains("is there already"), "{said}");
    let said = place.ends(2, "keys new ana --out ana.key");
    assert!(said.contains("is there already"), "{said}");
    let said = place.ends(2, "keys new 'a b' --out other.key");
    assert!(said.contains("write letters, digits"), "{said}");
    let said = place.ends(1, "keys show policy/trust.toml");
    assert!(said.contains("has no `ENCRYPTED PRIVATE KEY`"), "{said}");
    // The same key twice is one signature.
    let said = place.runs("codex-config keys sign 1.root.json --key ana.key --key ana.key").0;
    assert!(said.contains("1 of 2, 1 missing"), "{said}");
    assert_eq!(place.read("1.root.json"), before);

    place.write("wrong", "another passphrase\n");
    let said = place.ends(1, "keys sign 1.root.json --key ben.key --passphrase-file wrong");
    assert!(said.contains("the passphrase is wrong"), "{said}");
    // From a pipe, with nothing on the disk.
    let piped = "printf '%s\\n' \"$CODEX_CONFIG_PASSPHRASE\" | env -u CODEX_CONFIG_PASSPHRASE \
                 codex-config keys sign 1.root.json --key ana.key --passphrase-file /dev/stdin";
    place.runs(piped);
    let said = place.ends(1, "keys sign 1.root.json --key ana.key --passphrase-file /dev/zero");
    assert!(said.contains("too long for a passphrase"), "{said}");
    place.write("short", "short\n");
    let said = place.ends(2, "keys new fay --out fay.key --passphrase-file short");
    assert!(said.contains("at least 12 characters"), "{said}");
    assert!(!place.path("fay.key").exists());
    let said = place.ends(1, "keys sign policy/policy.toml --key ana.key");
    assert!(said.contains("no signed `TUF` document"), "{said}");
    let ended = place.shell(
        "unset CODEX_CONFIG_PASSPHRASE; setsid codex-config keys new gil --out gil.key </dev/null",
    );
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    assert!(String::from_utf8(ended.stderr).unwrap().contains("no terminal to ask on"));
}

#[test]
fn copies_of_other_documents_are_not_joined() {
    let place = first_root(&["ana", "ben"]);
    place.runs("codex-config keys root policy --previous 1.root.json --out 2.root.json");
    let said = place.ends(1, "keys join 1.root.json 2.root.json");
    assert!(said.contains("2.root.json is another document than 1.root.json"), "{said}");
    let said = place.ends(2, "keys status 2.root.json");
    assert!(said.contains("must also be signed by holders of the root before"), "{said}");
    let said = place.ends(2, "keys status 1.root.json --previous 2.root.json");
    assert!(said.contains("which is not the one before root 1"), "{said}");
    // A root that holders of the one before did not sign is followed by nobody.
    place.runs("codex-config keys sign 2.root.json --previous 1.root.json --key cyd.key");
    place.ends(1, "keys status 2.root.json --previous 1.root.json");
    let endpoint = Endpoint::with_root(&place.read("1.root.json"));
    let release = place.release(
        &["1.root.json", "2.root.json"],
        1,
        ["ana", "ben"],
        ["snapshot", "timestamp"],
    );
    let found = endpoint.refresh(release);
    assert!(matches!(found, Err(RefreshError::Untrusted(_))), "{found:?}");
    assert_eq!(endpoint.version::<Root>("root.json"), 1);
}

#[test]
fn other_documents_are_signed_by_their_roles() {
    let place = first_root(&["ana", "ben"]);
    let expires: Time = "2100-01-01T00:00:00Z".parse().unwrap();
    let targets = Targets { version: 1, expires, targets: BTreeMap::new(), delegations: None };
    fs::write(place.path("targets.json"), Envelope::new(&targets).unwrap().bytes()).unwrap();
    let said = place.ends(2, "keys status targets.json");
    assert!(said.contains("does not say who signs it"), "{said}");
    let said = place.ends(1, "keys status targets.json --previous 1.root.json");
    assert!(said.contains("the holders of `targets` by root 1: 0 of 2"), "{said}");
    let sign =
        "codex-config keys sign targets.json --previous 1.root.json --key ana.key --key cyd.key";
    assert!(place.runs(sign).0.contains("2 of 2, complete"));
    let json = place
        .runs("codex-config keys status targets.json --repository policy --role targets --json")
        .0;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["complete"], true, "{json}");
    assert_eq!(json["groups"][0]["others"][0]["name"], "ben", "{json}");
    let said = place.ends(2, "keys status targets.json --repository policy --role teams/none");
    assert!(said.contains("there is no role `teams/none`"), "{said}");
    // With a trust.toml that has a mistake nobody's role is known.
    place.write("policy/trust.toml", "[keys]\nana = 1\n");
    let said = place.ends(1, "keys status 1.root.json --repository policy");
    assert!(said.contains("trust.toml:2:7 CX0102"), "{said}");
}

#[test]
fn openssl_reads_our_keys_and_we_read_those_of_openssl() {
    if !has_openssl() {
        return;
    }
    let place = Place::new();
    let (line, _) = place.runs("codex-config keys new ana --out ana.key");
    place.write("bin/keeper", KEEPER);
    fs::set_permissions(place.path("bin/keeper"), fs::Permissions::from_mode(0o755)).unwrap();
    let public = place.runs("keeper --slot ana public").0;
    assert_eq!(line, format!("ana = \"{public}\"\n"));
    for method in ["-scrypt", "-v2 aes256"] {
        place.runs(&format!(
            "openssl genpkey -algorithm ed25519 -out open.key 2>&1
             openssl pkcs8 -topk8 {method} -in open.key -out theirs.key \
                -passout env:CODEX_CONFIG_PASSPHRASE"
        ));
        let theirs = place.runs("keeper --slot theirs public").0;
        let shown = place.runs("codex-config keys show theirs.key").0;
        assert!(shown.starts_with(&format!("public {theirs}\n")), "{method}: {shown}");
    }
    let said = place.ends(1, "keys show open.key");
    assert!(said.contains("is not encrypted"), "{said}");
    place.runs("openssl genpkey -algorithm x25519 -aes256 -pass env:CODEX_CONFIG_PASSPHRASE -out x.key 2>&1");
    let said = place.ends(1, "keys show x.key");
    assert!(said.contains("is no Ed25519 key"), "{said}");
}
