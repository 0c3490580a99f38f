//! `emit`, through the program: the same bytes everywhere, and what other programs read from them.
//!
//! Needs `git`, `dpkg`, `lintian`, `rpm`, `python3` and `plistutil`; in CI a missing one is a
//! failure, elsewhere it is said loudly.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::print_stderr, reason = "what does not run must be seen")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ended};

use clap::Parser;
use codex_compiler::check::{FileKind, Input, Options, check};
use codex_compiler::cli::{Cli, Outcome, Output, run};
use codex_compiler::sources::mdm::{Limits, PreferenceKey, Signature, read};

fn program(arguments: &[&str]) -> (Outcome, Output) {
    let cli = Cli::try_parse_from([&["codex-config"], arguments].concat()).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome, output)
}

fn emit(repository: &Path, out: &Path, more: &[&str]) -> Output {
    let (repository, out) = (repository.display().to_string(), out.display().to_string());
    let arguments = [&["emit", &repository, "--out", &out, "--today", "2026-11-25"], more].concat();
    let (outcome, output) = program(&arguments);
    assert_eq!(outcome, Outcome::Fine, "{arguments:?}: {}{}", output.data, output.talk);
    output
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

const EXAMPLES: [&str; 4] = ["startup", "bank", "open-source-ci", "safe-defaults"];

/// Runs another program; `None` where it is not installed, which CI does not forgive.
fn other(name: &str, arguments: &[&str]) -> Option<Ended> {
    match Command::new(name).args(arguments).output() {
        Ok(ended) => Some(ended),
        Err(error) => {
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!in_ci, "{name} must be installed in CI: {error}");
            eprintln!("DID NOT RUN: {name} is not installed: {error}");
            None
        }
    }
}

fn succeeds(name: &str, arguments: &[&str]) -> Option<String> {
    let ended = other(name, arguments)?;
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    let error = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.success(), "{name} {arguments:?}: {told}{error}");
    Some(told)
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn two_clones_on_two_paths_give_the_same_bytes() {
    let around = tempfile::tempdir().unwrap();
    let source = format!("file://{}", top().canonicalize().unwrap().display());
    let mut made = Vec::new();
    for name in ["one", "another/place/of/another/length"] {
        let clone = around.path().join(name).join("clone");
        let path = clone.display().to_string();
        if succeeds("git", &["clone", "-q", &source, &path]).is_none() {
            return;
        }
        let out = around.path().join(name).join("out");
        for example in EXAMPLES {
            emit(&clone.join("examples/policy").join(example), &out.join(example), &["--all"]);
        }
        made.push(files(&out));
    }
    let another = made.pop().unwrap();
    let one = made.pop().unwrap();
    assert!(one.len() > 150, "{}", one.len());
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&another));
    let differ: Vec<&String> = one
        .iter()
        .filter(|(name, bytes)| another[*name] != **bytes)
        .map(|(name, _)| name)
        .collect();
    assert!(differ.is_empty(), "{differ:?}");
    // What is said of them is true, and nothing is there that is not in the list.
    for example in EXAMPLES {
        let manifest: serde_json::Value =
            serde_json::from_slice(&one[&format!("{example}/MANIFEST.json")]).unwrap();
        let mut listed = 1;
        for (cohort, entry) in manifest["cohorts"].as_object().unwrap() {
            assert!(entry["revision"].as_u64().unwrap() > 0, "{entry}");
            assert_eq!(entry["commit"].as_str().unwrap().len(), 40, "{entry}");
            for (path, artifact) in entry["artifacts"].as_object().unwrap() {
                let bytes = &one[&format!("{example}/{cohort}/{path}")];
                let digest = codex_compiler::digest::sha256_hex(bytes);
                assert_eq!(artifact["sha256"].as_str().unwrap(), digest, "{path}");
                listed += 1;
            }
        }
        let prefix = format!("{example}/");
        assert_eq!(listed, one.keys().filter(|name| name.starts_with(&prefix)).count());
    }
}

#[test]
fn every_carrier_carries_the_same_policy() {
    let around = tempfile::tempdir().unwrap();
    for example in EXAMPLES {
        let out = around.path().join(example);
        emit(&top().join("examples/policy").join(example), &out, &["--all"]);
        for cohort in fs::read_dir(&out).unwrap() {
            let cohort = cohort.unwrap().path();
            if !cohort.is_dir() {
                continue;
            }
            let wanted = fs::read_to_string(cohort.join("system/requirements.toml")).unwrap();
            for name in [
                "codex-policy.mobileconfig",
                "codex-policy.mcx.mobileconfig",
                "com.openai.codex.plist",
                "com.openai.codex.binary.plist",
            ] {
                let found =
                    read(&fs::read(cohort.join("macos").join(name)).unwrap(), &Limits::default());
                assert_eq!(found.problems, [], "{name}");
                let value = found.effective(PreferenceKey::RequirementsToml).unwrap();
                assert_eq!(value.toml_text, wanted, "{name}");
            }
            let bundle = fs::read(cohort.join("cloud/bundle.json")).unwrap();
            let bundle: serde_json::Value = serde_json::from_slice(&bundle).unwrap();
            let fragment = &bundle["requirements_toml"]["enterprise_managed"][0];
            assert_eq!(fragment["contents"], wanted);
            let input = Input {
                name: "bundle.json".to_owned(),
                content: Ok(bundle.to_string().into_bytes()),
                kind: Some(FileKind::Bundle),
            };
            let report = check(vec![input], &Options::default());
            assert!(!report.has_errors(), "{:?}", report.diagnostics);
        }
    }
}

const PLISTS: &str = r#"
import base64, json, plistlib, sys
for path in sys.argv[1:]:
    root = plistlib.load(open(path, "rb"))
    if "PayloadContent" in root:
        root = root["PayloadContent"][0]
        if "PayloadContent" in root:
            root = root["PayloadContent"]["com.openai.codex"]["Forced"][0]["mcx_preference_settings"]
    print(json.dumps(base64.b64decode(root["requirements_toml_base64"], validate=True).decode()))
"#;

#[test]
fn other_programs_read_the_property_lists() {
    let around = tempfile::tempdir().unwrap();
    let out = around.path().join("out");
    emit(&top().join("examples/policy/bank"), &out, &["--all", "--cohort", "payments"]);
    let folder = out.join("payments");
    let wanted = fs::read_to_string(folder.join("system/requirements.toml")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let lists = [
        path("macos/codex-policy.mobileconfig"),
        path("macos/codex-policy.mcx.mobileconfig"),
        path("macos/com.openai.codex.plist"),
        path("macos/com.openai.codex.binary.plist"),
    ];
    let mut arguments = vec!["-c", PLISTS];
    arguments.extend(lists.iter().map(String::as_str));
    if let Some(told) = succeeds("python3", &arguments) {
        let read: Vec<String> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, vec![wanted; 4]);
    }
    let macos = fs::read_dir(folder.join("macos")).unwrap();
    let mut names = macos.map(|entry| entry.unwrap().path().display().to_string());
    let munki = names.find(|name| name.ends_with(".munki.plist")).unwrap();
    let more = [path("macos/com.openai.codex.pfm.plist"), munki];
    for list in lists.iter().chain(&more) {
        // There and back again through the other form.
        let there = around.path().join("there").display().to_string();
        let back = around.path().join("back").display().to_string();
        if succeeds("plistutil", &["-i", list, "-o", &there]).is_none() {
            return;
        }
        succeeds("plistutil", &["-i", &there, "-o", &back]).unwrap();
        let of = |path: &str| plist::Value::from_file(path).unwrap();
        assert_eq!(of(list), of(&there), "{list}");
        assert_eq!(of(list), of(&back), "{list}");
    }
    // The whole system file of cloud-init comes out of its own packing.
    let data = fs::read_to_string(folder.join("linux/cloud-init.yaml")).unwrap();
    let data: serde_json::Value = yaml_serde::from_str(&data).unwrap();
    assert_eq!(data["write_files"].as_array().unwrap().len(), 3, "{data}");
    let tasks = fs::read_to_string(folder.join("linux/ansible.yml")).unwrap();
    let tasks: serde_json::Value = yaml_serde::from_str(&tasks).unwrap();
    assert_eq!(tasks.as_array().unwrap().len(), 5, "{tasks}");
}

/// A git repository with the bank's policy.
fn bank(folder: &Path) -> Option<PathBuf> {
    let policy = folder.join("policy");
    let source = top().join("examples/policy/bank");
    for (name, bytes) in files(&source) {
        let path = policy.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    succeeds("git", &["init", "-q", &policy.display().to_string()])?;
    commit(&policy, "Begin");
    Some(policy)
}

fn commit(policy: &Path, subject: &str) {
    let path = policy.display().to_string();
    succeeds("git", &["-C", &path, "add", "-A"]).unwrap();
    let identity = ["-c", "user.name=Kim", "-c", "user.email=kim@bank.example"];
    let arguments =
        [&["-C", path.as_str()], &identity[..], &["commit", "-q", "-m", subject]].concat();
    succeeds("git", &arguments).unwrap();
}

#[test]
fn packages_install_upgrade_and_go() {
    let around = tempfile::tempdir().unwrap();
    let Some(policy) = bank(around.path()) else { return };
    let package = |out: &str, ending: &str| -> String {
        let out = around.path().join(out);
        emit(&policy, &out, &["--cohort", "payments"]);
        let folder = fs::read_dir(out.join("payments/linux")).unwrap();
        let mut names = folder.map(|entry| entry.unwrap().path().display().to_string());
        names.find(|name| name.ends_with(ending)).unwrap()
    };
    let first = package("first", ".deb");
    let requirements = policy.join("teams/payments/requirements.toml");
    let text = fs::read_to_string(&requirements).unwrap();
    fs::write(&requirements, format!("# Reviewed.\n{text}")).unwrap();
    commit(&policy, "Review");
    let second = package("second", ".deb");
    assert!(
        first.ends_with("_1.1_all.deb") && second.ends_with("_1.2_all.deb"),
        "{first} {second}"
    );

    let root = around.path().join("root");
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("var/lib/dpkg/status"), "").unwrap();
    let at = format!("--root={}", root.display());
    let quiet = ["--force-not-root", "--force-script-chrootless", at.as_str()];
    let dpkg = |what: &[&str]| succeeds("dpkg", &[&quiet[..], what].concat());
    let installed = root.join("etc/codex/requirements.toml");
    for deb in [&first, &second] {
        if dpkg(&["--install", deb]).is_none() {
            return;
        }
        let of_package = fs::read_to_string(&installed).unwrap();
        assert!(of_package.contains(if *deb == first { "Revision: 1" } else { "Revision: 2" }));
        // A local edit does not survive an upgrade, and nobody is asked about it.
        fs::write(&installed, "# mine\n").unwrap();
    }
    dpkg(&["--install", &second]).unwrap();
    assert!(fs::read_to_string(&installed).unwrap().contains("Revision: 2"));
    assert_eq!(dpkg(&["--verify", "codex-policy"]).unwrap(), "");
    dpkg(&["--remove", "codex-policy"]).unwrap();
    assert!(!root.join("etc/codex").exists(), "{:?}", files(&root).keys());

    if let Some(ended) = other("lintian", &["--allow-root", "--fail-on", "error", &second]) {
        let told = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && !told.contains("E:"), "{told}");
        assert_eq!(told.trim(), "", "warnings as well");
    }
    let rpm = package("third", ".rpm");
    if let Some(listed) = succeeds(
        "rpm",
        &["-qp", "--queryformat", "[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}\\n]", &rpm],
    ) {
        assert!(listed.contains("/etc/codex/requirements.toml -rw-r--r-- root"), "{listed}");
        assert!(listed.contains("/etc/codex drwxr-xr-x root"), "{listed}");
        let checked = succeeds("rpm", &["-K", "--nosignature", &rpm]).unwrap();
        assert!(checked.contains("digests OK"), "{checked}");
    }
}

/// Keys with certificates: an authority of our own, a signer, and somebody else.
fn certificates(folder: &Path, kind: &[&str]) -> Option<()> {
    let path = |name: &str| folder.join(name).display().to_string();
    for (name, subject) in [("ca", "/CN=Example CA"), ("other", "/CN=Other CA")] {
        let arguments = ["req", "-x509", "-nodes", "-days", "36500", "-subj", subject];
        let files =
            ["-keyout", &path(&format!("{name}.key")), "-out", &path(&format!("{name}.pem"))]
                .map(str::to_owned);
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        succeeds("openssl", &[&arguments[..], &["-newkey"], kind, &files].concat())?;
    }
    let request = ["req", "-nodes", "-subj", "/CN=Example Bank, policy", "-newkey"];
    let (key, csr, own) = (path("own.key"), path("own.csr"), path("own.pem"));
    succeeds("openssl", &[&request[..], kind, &["-keyout", &key, "-out", &csr]].concat())?;
    let (ca, ca_key) = (path("ca.pem"), path("ca.key"));
    fs::write(folder.join("ext"), "keyUsage=digitalSignature\nextendedKeyUsage=emailProtection\n")
        .unwrap();
    let extensions = path("ext");
    succeeds(
        "openssl",
        &[
            "x509",
            "-req",
            "-in",
            &csr,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            "36500",
            "-extfile",
            &extensions,
            "-out",
            &own,
        ],
    )
    .map(|_| ())
}

#[test]
fn signed_profiles_hold_for_openssl_and_for_us() {
    for kind in [&["rsa:2048"][..], &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]] {
        let around = tempfile::tempdir().unwrap();
        if certificates(around.path(), kind).is_none() {
            return;
        }
        let path = |name: &str| around.path().join(name).display().to_string();
        let out = around.path().join("out");
        let signing = ["--sign-key", &path("own.key"), "--sign-certificate", &path("own.pem")]
            .map(str::to_owned);
        let more: Vec<&str> = ["--all", "--cohort", "payments"]
            .into_iter()
            .chain(signing.iter().map(String::as_str))
            .collect();
        emit(&top().join("examples/policy/bank"), &out, &more);
        let plain = out.join("payments/macos/codex-policy.mobileconfig");
        let signed = out.join("payments/macos/codex-policy.signed.mobileconfig");
        let signed_path = signed.display().to_string();
        let inside = path("inside");
        succeeds(
            "openssl",
            &[
                "cms",
                "-verify",
                "-inform",
                "DER",
                "-in",
                &signed_path,
                "-CAfile",
                &path("ca.pem"),
                "-purpose",
                "smimesign",
                "-out",
                &inside,
            ],
        )
        .unwrap();
        assert_eq!(fs::read(&inside).unwrap(), fs::read(&plain).unwrap());
        let found = read(&fs::read(&signed).unwrap(), &Limits::default());
        assert!(matches!(found.signature, Signature::Consistent { .. }), "{:?}", found.problems);

        let verify =
            |file: &str, ca: &str| program(&["verify-profile", file, "--trust", &path(ca)]);
        let (outcome, output) = verify(&signed_path, "ca.pem");
        assert_eq!(outcome, Outcome::Fine, "{}", output.data);
        for (file, ca, says) in [
            (signed_path.as_str(), "other.pem", "no trusted certificate issued it"),
            (&*plain.display().to_string(), "ca.pem", "is not signed"),
        ] {
            let (outcome, output) = verify(file, ca);
            assert_eq!(outcome, Outcome::Findings);
            assert!(
                output.data.contains("CX0513") && output.data.contains(says),
                "{}",
                output.data
            );
        }
        // One bit of the policy inside.
        let mut bytes = fs::read(&signed).unwrap();
        let at = bytes.windows(20).position(|part| part == b"requirements_toml_ba").unwrap() + 60;
        bytes[at] ^= 1;
        let changed = path("changed.mobileconfig");
        fs::write(&changed, &bytes).unwrap();
        let (_, output) = verify(&changed, "ca.pem");
        assert!(output.data.contains("CX0509"), "{}", output.data);
        let wrong = ["cms", "-verify", "-inform", "DER", "-in", &changed, "-noverify"];
        assert!(!other("openssl", &wrong).unwrap().status.success());
    }
}

#[test]
fn keys_that_cannot_sign_are_told_apart() {
    let around = tempfile::tempdir().unwrap();
    if certificates(around.path(), &["rsa:2048"]).is_none() {
        return;
    }
    let path = |name: &str| around.path().join(name).display().to_string();
    let out = path("out");
    let bank = top().join("examples/policy/bank").display().to_string();
    for (key, certificate, says) in [
        ("own.key", "ca.pem", "does not belong"),
        ("own.pem", "own.pem", "no `PRIVATE KEY`"),
        ("own.key", "own.key", "no `CERTIFICATE`"),
        ("nothing", "own.pem", "cannot read"),
    ] {
        let (key, certificate) = (path(key), path(certificate));
        let (outcome, output) = program(&[
            "emit",
            &bank,
            "--out",
            &out,
            "--sign-key",
            &key,
            "--sign-certificate",
            &certificate,
        ]);
        assert_eq!(outcome, Outcome::Usage);
        assert!(output.talk.contains(says), "{}", output.talk);
    }
    assert!(!Path::new(&out).exists());
}

#[test]
fn what_is_wrong_is_not_emitted() {
    let around = tempfile::tempdir().unwrap();
    let bank = top().join("examples/policy/bank").display().to_string();
    let out = around.path().join("out").display().to_string();
    for (arguments, says) in [
        (&["--target", "profiles"][..], "no target `profiles`"),
        (&["--cohort", "nobody"], "no cohort `nobody`"),
    ] {
        let (outcome, output) = program(&[&["emit", &bank, "--out", &out], arguments].concat());
        assert_eq!(outcome, Outcome::Usage);
        assert!(output.talk.contains(says), "{}", output.talk);
    }
    let policy = around.path().join("policy");
    fs::create_dir_all(policy.join("baseline")).unwrap();
    let wrong = "organisation.name = 'X'\n[cohorts.all]\ndefault = true\n";
    fs::write(policy.join("policy.toml"), wrong).unwrap();
    fs::write(policy.join("baseline/requirements.toml"), "allowed_approval_policies = []\n")
        .unwrap();
    let (outcome, output) = program(&["emit", &policy.display().to_string(), "--out", &out]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(output.talk.contains("nothing was written"), "{}", output.talk);
    assert!(!Path::new(&out).exists());
    // A folder that holds something else is left alone.
    let (outcome, output) =
        program(&["emit", &bank, "--out", &policy.display().to_string(), "--cohort", "ci"]);
    assert_eq!(outcome, Outcome::Internal);
    assert!(output.talk.contains("is not a folder of"), "{}", output.talk);
}
