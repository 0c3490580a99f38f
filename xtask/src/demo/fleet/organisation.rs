//! The people: they write policy in git, sign it, and publish it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::machine::finished;
use crate::demo::Programs;
use crate::talk::{Problem, say};

const TRUST: &str = r#"
[roles]
root = { keys = ["ana", "ben", "cyd"], threshold = 2 }
targets = { keys = ["ana", "ben"], threshold = 2 }
organisation = { keys = ["org"], threshold = 1 }
loosen = { keys = ["cyd"], threshold = 1 }
snapshot = { keys = ["online"], threshold = 1 }
timestamp = { keys = ["online"], threshold = 1 }

[teams]
payments = { keys = ["pay"], threshold = 1 }
platform = { keys = ["plat"], threshold = 1 }

[keys]
"#;

const KEYS: [&str; 7] = ["ana", "ben", "cyd", "org", "pay", "plat", "online"];

const POLICY: &str = r#"
organisation.name = "Example Bank"
organisation.identifier = "example.bank"
codex.versions = ["0.169.0"]
endpoints.os = ["linux"]
release.fresh_for_days = 14

[cohorts.payments]
team = "payments"

[cohorts.platform]
team = "platform"

[cohorts.everybody]
default = true
"#;

const BASELINE: &str = r#"
allowed_approval_policies = ["on-request"]
allowed_permission_profiles = { ":read-only" = true, ":workspace" = true }
default_permissions = ":workspace"

[permissions.filesystem]
deny_read = ["SECRET"]

[experimental_network]
enabled = true
managed_allowed_domains_only = true

[experimental_network.domains]
"**.bank.example" = "allow"
"**.evil.example" = "deny"
"#;

const PAYMENTS: &str = r#"
[rules]
prefix_rules = [
  { pattern = [{ token = "paymentctl" }], decision = "forbidden", justification = "It moves money." },
]
"#;

const PAYMENTS_NEXT: &str = r#"
[rules]
prefix_rules = [
  { pattern = [{ token = "paymentctl" }], decision = "forbidden", justification = "It moves money." },
  { pattern = [{ token = "kubectl" }, { token = "delete" }], decision = "forbidden", justification = "Not from a laptop." },
]
"#;

/// An organisation in a folder.
pub(crate) struct Organisation {
    /// Its name.
    pub(crate) name: String,
    program: PathBuf,
    place: PathBuf,
    /// Whether what is done is shown.
    talks: bool,
}

impl Organisation {
    /// People with keys, a root that two of them have signed, and a policy in git.
    pub(crate) fn found(programs: &Programs, place: &Path, secret: &Path) -> Result<Self, Problem> {
        let one = Self {
            name: "Example Bank".to_owned(),
            program: programs.config.clone(),
            place: place.to_owned(),
            talks: true,
        };
        fs::write(place.join("passphrase"), "a demonstration, no secret\n")?;
        fs::set_permissions(place.join("passphrase"), fs::Permissions::from_mode(0o600))?;
        let mut trust = TRUST.to_owned();
        for name in KEYS {
            trust.push_str(&one.quiet(&format!("keys new {name} --out {name}.key"), Signs::Yes)?);
        }
        let baseline = BASELINE.replace("SECRET", &secret.to_string_lossy());
        for (file, text) in [
            ("policy.toml", POLICY),
            ("trust.toml", &trust),
            ("baseline/requirements.toml", &baseline),
            ("teams/payments/requirements.toml", PAYMENTS),
            ("teams/platform/README.md", "The team has no policy of its own.\n"),
        ] {
            one.write(file, text)?;
        }
        one.git(&["init", "--quiet"])?;
        one.commit("A policy for everybody, and one for payments")?;
        one.quiet("keys root policy --out 1.root.json", Signs::No)?;
        let sign = "keys sign 1.root.json --repository policy --key ana.key --key ben.key";
        one.quiet(sign, Signs::Yes)?;
        Ok(one)
    }

    /// The same one, of which nothing is shown any more.
    pub(crate) fn in_silence(self) -> Self {
        Self { talks: false, ..self }
    }

    /// Checks, compiles and signs the first release.
    pub(crate) fn first_release(&self) -> Result<(), Problem> {
        self.show_signed(&format!("sign policy --root 1.root.json --out stage {SIGNERS}"))
    }

    /// Publishes a stage on the server.
    pub(crate) fn publish(
        &self,
        stage: &str,
        address: &str,
        plan: Option<&str>,
    ) -> Result<(), Problem> {
        let plan = plan.map_or_else(String::new, |hash| format!(" --plan {hash}"));
        self.show_signed(&format!("publish {stage} --to {address} --key online.key{plan}{SERVER}"))
    }

    /// Changes the policy of a team, and signs what was planned; gives the plan's hash.
    pub(crate) fn forbid_more(&self, address: &str) -> Result<String, Problem> {
        self.write("teams/payments/requirements.toml", PAYMENTS_NEXT)?;
        self.sign_next("Nobody deletes from a laptop", address, "next")
    }

    /// Forbids the payments team one command more for each number up to this one, and signs what
    /// was planned as `STAGE`; gives the plan's hash.
    pub(crate) fn forbid_up_to(
        &self,
        number: usize,
        address: &str,
        stage: &str,
    ) -> Result<String, Problem> {
        let mut text = "[rules]\nprefix_rules = [\n".to_owned();
        for command in std::iter::once("paymentctl".to_owned())
            .chain((1..=number).map(|number| format!("payments-{number}")))
        {
            text.push_str(&format!(
                "  {{ pattern = [{{ token = \"{command}\" }}], decision = \"forbidden\", \
                 justification = \"It moves money.\" }},\n"
            ));
        }
        text.push_str("]\n");
        self.write("teams/payments/requirements.toml", &text)?;
        self.sign_next(&format!("Forbid {number} commands"), address, stage)
    }

    /// Makes a request an exception: a file in the policy, signed by those who may loosen, too.
    pub(super) fn grant(&self, file: &str, text: &str, address: &str) -> Result<String, Problem> {
        self.write(file, text)?;
        say(text.trim_end());
        let plan = self.sign_next("A request is granted", address, "granted")?;
        self.show_signed("release approve granted --reason granted --key cyd.key")?;
        Ok(plan)
    }

    fn sign_next(&self, subject: &str, address: &str, stage: &str) -> Result<String, Problem> {
        self.commit(subject)?;
        self.say(&format!("$ git commit -m '{subject}'"));
        let mut command = Command::new(&self.program);
        command.args(["plan", "policy", "--base", "git:HEAD~1", "--json"]);
        let planned = command.current_dir(&self.place).output()?;
        let planned: serde_json::Value = serde_json::from_slice(&planned.stdout)?;
        let hash = planned.get("hash").and_then(serde_json::Value::as_str);
        let hash = hash.ok_or("the plan has no hash")?.to_owned();
        let words = format!("sign policy --root 1.root.json --release {address} --out {stage}");
        let under = format!("--base git:HEAD~1 --plan {hash} --key pay.key");
        self.show_signed(&format!("{words} {under}{SERVER}"))?;
        Ok(hash)
    }

    /// A request as the server shows it to operators.
    pub(super) fn request(&self, number: u64) -> Result<serde_json::Value, Problem> {
        let token = fs::read_to_string(self.place.join("token"))?;
        let header = format!("authorization: Bearer {}\n", token.trim());
        fs::write(self.place.join("authorization"), header)?;
        let address = format!("{}/v1/admin/requests?number={number}", super::ADDRESS);
        let words = ["--silent", "--fail-with-body", "--cacert", "fleet/authority.pem"];
        let header = ["--header", "@authorization", &address];
        let told = finished(Path::new("curl"), &self.place, &[&words[..], &header].concat())?;
        Ok(serde_json::from_str(&told)?)
    }

    /// Runs a command that asks the server, and shows what it says.
    pub(super) fn show(&self, words: &str) -> Result<(), Problem> {
        say(&format!("$ codex-config {}", squeezed(words)));
        let words = format!("{words} --server {}{SERVER}", super::ADDRESS);
        say(self.quiet(&words, Signs::No)?.trim_end());
        Ok(())
    }

    fn show_signed(&self, words: &str) -> Result<(), Problem> {
        self.say(&format!("$ codex-config {}", squeezed(words)));
        self.say(self.quiet(words, Signs::Yes)?.trim_end());
        Ok(())
    }

    fn say(&self, text: &str) {
        if self.talks {
            say(text);
        }
    }

    fn quiet(&self, words: &str, signs: Signs) -> Result<String, Problem> {
        let mut words: Vec<&str> = words.split_whitespace().collect();
        if let Signs::Yes = signs {
            words.extend(["--passphrase-file", "passphrase"]);
        }
        finished(&self.program, &self.place, &words)
    }

    fn write(&self, file: &str, text: &str) -> Result<(), Problem> {
        let path = self.place.join("policy").join(file);
        fs::create_dir_all(path.parent().unwrap_or(&self.place))?;
        Ok(fs::write(path, text)?)
    }

    fn commit(&self, subject: &str) -> Result<(), Problem> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", subject])
    }

    fn git(&self, words: &[&str]) -> Result<(), Problem> {
        let who = ["-c", "user.name=Ana", "-c", "user.email=ana@bank.example"];
        let own = ["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"];
        finished(Path::new("git"), &self.place.join("policy"), &[&who[..], &own, words].concat())?;
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Signs {
    Yes,
    No,
}

const SIGNERS: &str = "--key ana.key --key ben.key --key org.key --key pay.key --key plat.key";
const SERVER: &str = " --server-token token --server-authority fleet/authority.pem";

fn squeezed(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}
