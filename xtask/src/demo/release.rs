//! The demonstration's signed release: keys, a root, a release of an example, a machine that
//! verifies it. Everything is made anew in a folder below `target/`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::target_folder;
use crate::talk::{Problem, say};

/// Who signs in the demonstration. Real organisations give every role to people of its own.
const TRUST: &str = r#"
[roles]
root = { keys = ["ana", "ben", "cyd"], threshold = 2 }
targets = { keys = ["ana", "ben"], threshold = 2 }
organisation = { keys = ["org"], threshold = 1 }
loosen = { keys = ["cyd"], threshold = 1 }
snapshot = { keys = ["server"], threshold = 1 }
timestamp = { keys = ["server"], threshold = 1 }

[teams]
data-science = { keys = ["data"], threshold = 1 }
payments = { keys = ["pay"], threshold = 1 }
platform = { keys = ["plat"], threshold = 1 }

[keys]
"#;

const KEYS: [&str; 8] = ["ana", "ben", "cyd", "org", "data", "pay", "plat", "server"];

const CLAIMS: &str = r#"{"organisation": "Example Bank", "team": "payments",
  "environment": "workstations", "os": "linux", "host": "pay-17.bank.example"}
"#;

/// Signs and publishes a policy, and verifies it as a machine of the payments team.
pub(super) fn show(program: &Path, policy: &Path) -> Result<(), Problem> {
    let place = target_folder().join("demo/release");
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place)?;
    let desk = Desk { program: program.to_owned(), place: place.canonicalize()? };
    copy(policy, &desk.place.join("policy"))?;
    fs::write(desk.place.join("passphrase"), "a demonstration, no secret\n")?;
    fs::set_permissions(desk.place.join("passphrase"), fs::Permissions::from_mode(0o600))?;
    let mut trust = TRUST.to_owned();
    say("\n━━ sign, publish and verify a release ━━");
    for name in KEYS {
        trust.push_str(&desk.quiet(&format!("keys new {name} --out {name}.key"))?);
    }
    fs::write(desk.place.join("policy/trust.toml"), trust)?;
    fs::write(desk.place.join("claims.json"), CLAIMS)?;
    desk.run("keys root policy --out 1.root.json", false)?;
    desk.run("keys sign 1.root.json --repository policy --key ana.key --key ben.key", true)?;
    let keys =
        "--key ana.key --key ben.key --key org.key --key data.key --key pay.key --key plat.key";
    desk.run(&format!("sign policy --root 1.root.json --out stage {keys}"), true)?;
    desk.run("publish stage --to published --key server.key", true)?;
    desk.run("release show published --root 1.root.json", false)?;
    desk.run("release verify published --root 1.root.json --claims claims.json", false)
}

struct Desk {
    program: PathBuf,
    place: PathBuf,
}

impl Desk {
    /// Runs the program and shows what it says.
    fn run(&self, words: &str, signs: bool) -> Result<(), Problem> {
        say(&format!("\n$ codex-config {words}"));
        let passphrase = if signs { " --passphrase-file passphrase" } else { "" };
        let status = self.command(&format!("{words}{passphrase}")).status()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("`codex-config {words}` ended with {:?}", status.code()).into())
    }

    /// Runs the program and takes what it prints.
    fn quiet(&self, words: &str) -> Result<String, Problem> {
        let mut command = self.command(&format!("{words} --passphrase-file passphrase"));
        let done = command.stderr(Stdio::null()).output()?;
        if done.status.success() {
            return Ok(String::from_utf8(done.stdout)?);
        }
        Err(format!("`codex-config {words}` ended with {:?}", done.status.code()).into())
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words.split(' ')).current_dir(&self.place);
        command
    }
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) -> Result<(), Problem> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let there = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy(&path, &there)?;
        } else {
            fs::copy(&path, &there)?;
        }
    }
    Ok(())
}
