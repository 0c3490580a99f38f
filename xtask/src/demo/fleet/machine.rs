//! A machine: a folder that stands for it, an agent that keeps its policy, and a Codex that obeys.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_oracle::{CodexBinary, Isolation, Oracle, TurnScript, World, WorldSpec, ask};
use serde_json::{Map, Value};

use crate::talk::{Problem, say};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// What the user of the machine would like.
const WISHES: &str = "sandbox_mode = 'danger-full-access'\napproval_policy = 'never'\n";

/// A program that runs until it is dropped.
pub(crate) struct Service(Child);

impl Service {
    /// Starts a program; what it says goes into a file.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self, Problem> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        Ok(Self(child))
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A machine.
pub(crate) struct Machine {
    /// Its name.
    pub(super) name: String,
    agent: PathBuf,
    folder: PathBuf,
}

impl Machine {
    pub(crate) fn new(agent: &Path, place: &Path, name: &str) -> Result<Self, Problem> {
        let folder = place.join("machines").join(name);
        fs::create_dir_all(folder.join("etc/codex"))?;
        Ok(Self { name: name.to_owned(), agent: agent.to_owned(), folder })
    }

    /// Gets it a certificate.
    pub(crate) fn enrol(
        &self,
        organisation: &str,
        address: &str,
        token: &str,
        codex: &Path,
    ) -> Result<(), Problem> {
        fs::write(self.folder.join("token"), token)?;
        let [folder, codex] = [self.folder.as_path(), codex].map(Path::to_string_lossy);
        let words = [
            "--root",
            &folder,
            "enroll",
            "--organisation",
            organisation,
            "--server",
            address,
            "--token-file",
            "token",
            "--trust-root",
            "../../1.root.json",
            "--authorities",
            "../../fleet/authority.pem",
            "--host",
            &self.name,
            "--codex",
            &codex,
        ];
        say(&format!("$ codex-agent enroll --server {address} --host {} …", self.name));
        finished(&self.agent, &self.folder, &words)?;
        fs::remove_file(self.folder.join("token"))?;
        Ok(())
    }

    /// Starts the agent where `/etc/codex` is this machine's: both halves in one process.
    pub(super) fn keep(&self) -> Result<Service, Problem> {
        self.start("agent", &["run"])
    }

    /// Starts both halves as the services do: the one that fetches, the one that installs.
    pub(crate) fn keep_as_halves(&self) -> Result<[Service; 2], Problem> {
        // The folder between them is made when the agent is installed.
        fs::create_dir_all(self.folder.join("var/lib/codex-agent/spool"))?;
        let half = |name: &str, role: &str| self.start(name, &["run", "--role", role]);
        Ok([half("fetches", "fetch")?, half("installs", "install")?])
    }

    fn start(&self, name: &str, words: &[&str]) -> Result<Service, Problem> {
        let script = "mount --bind \"$1\" /etc/codex && shift && exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
        command.arg(self.folder.join("etc/codex")).arg(&self.agent);
        command.arg("--root").arg(&self.folder).args(words);
        Service::start(name, command, &self.folder.join(format!("{name}.log")))
    }

    /// Whether its status says that a generation is enforced, as Codex itself has said.
    pub(crate) fn enforces(&self, generation: u64) -> bool {
        let status = fs::read(self.folder.join("var/lib/codex-agent/status.json")).ok();
        let status: Option<Value> = status.and_then(|text| serde_json::from_slice(&text).ok());
        status.is_some_and(|status| {
            status.get("enforced") == Some(&Value::Bool(true))
                && status.pointer("/in_force/bundle/generation") == Some(&generation.into())
        })
    }

    /// Whether the requirements that are installed have a text.
    pub(crate) fn requires(&self, text: &str) -> bool {
        let requirements = fs::read_to_string(self.folder.join("etc/codex/requirements.toml"));
        requirements.is_ok_and(|requirements| requirements.contains(text))
    }

    /// Runs a command of the agent, and shows what it says.
    pub(super) fn show(&self, command: &str) -> Result<(), Problem> {
        say(&format!("$ codex-agent {command}"));
        let folder = self.folder.to_string_lossy();
        say(finished(&self.agent, &self.folder, &["--root", &folder, command])?.trim_end());
        Ok(())
    }

    /// What Codex does with each command of a model, and what it tells the model.
    pub(super) fn turn(
        &self,
        isolation: &Isolation,
        codex: &CodexBinary,
        commands: &[&str],
    ) -> Result<Vec<(String, String)>, Problem> {
        let spec = WorldSpec::new().file("$CODEX_HOME/config.toml", WISHES);
        let mut world = World::build(isolation, codex, &spec)?;
        world.govern(&self.folder.join("etc/codex"));
        let script = TurnScript {
            cmds: commands.iter().map(|one| (*one).to_owned()).collect(),
            decision: None,
            tool: Map::new(),
        };
        let told = ask(&world, &Oracle::Turn(script))?;
        let text = |value: &Value, name: &str| {
            value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let commands = told.get("commands").and_then(Value::as_array);
        let commands = commands.ok_or("the session told nothing of its commands")?;
        Ok(commands.iter().map(|one| (text(one, "status"), text(one, "text"))).collect())
    }

    /// Changes a file of the policy, and waits for the repair.
    pub(super) fn tamper(&self) -> Result<(), Problem> {
        let path = self.folder.join("etc/codex/requirements.toml");
        let before = fs::read(&path)?;
        say(&format!("$ echo > /etc/codex/requirements.toml   # on {}", self.name));
        fs::write(&path, "\n")?;
        let repaired = || fs::read(&path).is_ok_and(|now| now == before);
        let took = wait_for("the file is repaired", repaired)?;
        say(&format!("repaired after {took:.1?}"));
        Ok(())
    }

    /// What somebody asks at the machine; the number that the server gives it.
    pub(super) fn ask(&self, config: &Path, what: &str, reason: &str) -> Result<u64, Problem> {
        say(&format!("$ codex-config request {what} --for 14d --reason '{reason}'"));
        let folder = self.folder.to_string_lossy();
        let ask = ["request", what, "--for", "14d", "--reason", reason, "--json"];
        let here = ["--root", &folder, "--codex-home", "/nonexistent", "--cwd", "/"];
        let told = finished(config, &self.folder, &[&ask[..], &here].concat())?;
        let told: Value = serde_json::from_str(&told)?;
        say(&format!("now {}", told.get("now").and_then(Value::as_str).unwrap_or_default()));
        let number = told.pointer("/said/number").and_then(Value::as_u64);
        number.ok_or_else(|| format!("the server did not take the request: {told}").into())
    }

    /// What a developer sees who asks why.
    pub(super) fn explain(&self, config: &Path, key: &str) -> Result<(), Problem> {
        say(&format!("$ codex-config explain {key}"));
        let folder = self.folder.to_string_lossy();
        let words =
            ["explain", key, "--root", &folder, "--codex-home", "/nonexistent", "--cwd", "/"];
        say(finished(config, &self.folder, &words)?.trim_end());
        Ok(())
    }
}

/// Waits until something holds; gives how long that took.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> bool) -> Result<Duration, Problem> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > PATIENCE {
            return Err(format!("in {PATIENCE:?} it did not come about that {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(begun.elapsed())
}

/// Runs a program to its end; what it prints, or why it failed.
pub(crate) fn finished(program: &Path, place: &Path, words: &[&str]) -> Result<String, Problem> {
    let done =
        Command::new(program).args(words).current_dir(place).stdin(Stdio::null()).output()?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let [out, said] = [&done.stdout, &done.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    Err(format!("`{name} {}` ended with {:?}: {said}{out}", words.join(" "), done.status.code())
        .into())
}

/// The first line that says something.
pub(super) fn line(text: &str) -> &str {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or("(nothing)")
}
