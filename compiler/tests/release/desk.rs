//! The desk at which releases are made.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// A folder in which people work.
pub(crate) struct Desk {
    place: tempfile::TempDir,
    /// What the program finds in its environment besides.
    pub(crate) environment: Vec<(&'static str, String)>,
}

const TRUST: &str = r#"
[roles]
root = { keys = ["ana", "ben"], threshold = 2 }
targets = { keys = ["tgt1", "tgt2"], threshold = 2 }
organisation = { keys = ["org"], threshold = 1 }
loosen = { keys = ["sec"], threshold = 1 }
snapshot = { keys = ["snap"], threshold = 1 }
timestamp = { keys = ["time"], threshold = 1 }

[teams]
pay = { keys = ["pay"], threshold = 1 }

[keys]
"#;

pub(crate) const POLICY: &str = r#"
organisation.name = "Example"
release.floor = "floor.toml"
release.fresh_for_days = 14

[cohorts.all]
default = true

[cohorts.pay]
team = "pay"
"#;

impl Desk {
    /// A repository with keys and a root. The keys are kept by a program, as a KMS keeps them.
    pub(crate) fn new() -> Self {
        let desk = Self { place: tempfile::tempdir().unwrap(), environment: Vec::new() };
        desk.write("policy/policy.toml", POLICY);
        desk.write(
            "policy/floor.toml",
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n",
        );
        desk.write(
            "policy/baseline/requirements.toml",
            "allowed_sandbox_modes = ['read-only', 'workspace-write']\n",
        );
        desk.write("policy/teams/pay/requirements.toml", "allowed_sandbox_modes = ['read-only']\n");
        desk.write("pass", "correct horse battery staple\n");
        fs::set_permissions(desk.path().join("pass"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut trust = TRUST.to_owned();
        for name in ["ana", "ben", "tgt1", "tgt2", "org", "sec", "snap", "time", "pay"] {
            let key = format!("{name}.key");
            let made =
                desk.run(&["keys", "new", name, "--out", &key, "--passphrase-file", "pass"], 0);
            trust.push_str(&String::from_utf8(made.stdout).unwrap());
        }
        desk.write("policy/trust.toml", &trust);
        desk.commit();
        desk.run(&["keys", "root", "policy", "--out", "1.root.json"], 0);
        for name in ["ana.key", "ben.key"] {
            desk.run(&["keys", "sign", "1.root.json", "--key", name], -1);
        }
        desk
    }

    pub(crate) fn path(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn commit(&self) {
        let git = |words: &[&str]| {
            let done = Command::new("git")
                .current_dir(self.path().join("policy"))
                .args(["-c", "user.name=Ana", "-c", "user.email=ana@corp.example"])
                .args(words)
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        git(&["init", "--quiet"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "policy"]);
    }

    /// Runs the program; a negative code is any.
    pub(crate) fn run(&self, words: &[&str], code: i32) -> Output {
        let signs = words.contains(&"--key") && !words.contains(&"--passphrase-file");
        let done = Command::new(env!("CARGO_BIN_EXE_codex-config"))
            .current_dir(self.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(words)
            .args(if signs { &["--passphrase-file", "pass"][..] } else { &[] })
            .output()
            .unwrap();
        assert!(code < 0 || done.status.code() == Some(code), "{words:?}: {done:?}");
        done
    }

    /// Runs the program, which must refuse with these words.
    pub(crate) fn refused(&self, words: &[&str], code: i32, because: &str) {
        let done = self.run(words, code);
        let talk = String::from_utf8(done.stderr).unwrap();
        assert!(talk.contains(because), "{words:?}: {talk}");
    }

    pub(crate) fn plan(&self) -> String {
        let done = self.run(&["plan", "policy", "--base", "git:HEAD~1", "--json"], -1);
        let plan: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        plan.get("hash").unwrap().as_str().unwrap().to_owned()
    }

    pub(crate) fn first_release(&self) {
        self.publish_to("release");
    }

    /// Signs the first release on two machines and publishes it in a place.
    pub(crate) fn publish_to(&self, place: &str) {
        let words = ["sign", "policy", "--root", "1.root.json", "--out", "stage"];
        let keys = ["--key", "tgt1.key", "--key", "org.key", "--key", "pay.key"];
        self.refused(&[&words[..], &keys].concat(), 1, "`targets` has 1 of 2 signatures");
        let online = ["--key", "snap.key", "--key", "time.key"];
        let publish = ["publish", "stage", "--to", place];
        self.refused(&[&publish[..], &online].concat(), 1, "`targets` has 1 of 2 signatures");
        assert!(!self.path().join("release").exists());
        self.run(&["sign", "stage", "--key", "tgt2.key"], 0);
        self.refused(&[&publish[..], &["--key", "snap.key"]].concat(), 2, "`timestamp`");
        self.run(&[&publish[..], &online].concat(), 0);
    }
}
