//! What one Codex says, in a clean environment and within limits: it may be anybody's program.

use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use codex_schema::version::Version;
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use serde_json::{Value as Json, json};

use super::find::Program;
use super::session::Session;
use crate::layout::{Layout, STATE};

/// First version that prints what it starts with; the servers of earlier ones tell it.
const FIRST_TO_PRINT: Version = Version::of(164);

/// How long one question may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The most bytes that are taken of an answer.
pub(super) const LARGEST: u64 = 8_000_000;

/// Who is asked as, where the program belongs to root: nobody in particular.
const NOBODY: u32 = 65_534;

/// Asks programs.
#[derive(Clone, Debug)]
pub struct Asker {
    /// A folder in which a fresh home is made for every question.
    scratch: PathBuf,
    /// The socket of a process that tries what this one may not.
    elsewhere: Option<PathBuf>,
}

/// What was heard.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// What Codex starts with.
    Document(Json),
    /// Nothing that could be used; why.
    Nothing(String),
}

impl Asker {
    /// One that asks everything itself, and makes its scratch homes in a folder.
    pub fn new(scratch: PathBuf) -> Self {
        Self { scratch, elsewhere: None }
    }

    /// The one of a machine's agent: where a service listens for what is to be tried, it is tried
    /// there.
    pub fn of(layout: &Layout) -> Self {
        let scratch = layout.below(STATE).join("probe");
        Self { scratch, elsewhere: Some(layout.probes()) }
    }

    /// Where questions to a program are tried, if not here. A program of somebody's own stays here: it
    /// is asked as its owner, which takes root, and lies where the service does not get at.
    pub(super) fn elsewhere(&self, program: &Program) -> Option<&Path> {
        let socket = self.elsewhere.as_deref()?;
        (program.owner == 0 && socket.exists()).then_some(socket)
    }

    /// The version that a program says it has.
    pub fn version(&self, program: &Program) -> Option<Version> {
        let home = self.home(program, &[]).ok()?;
        let said = run(program, &home, &["--version"]).ok()?;
        said.stdout.split_whitespace().find_map(|word| word.parse().ok())
    }

    /// What a program of a version starts with, in the form in which the newest ones print it.
    pub fn startup(&self, program: &Program, version: Version) -> Heard {
        let asked = if version < FIRST_TO_PRINT {
            self.requirements(program)
        } else {
            self.printed(program)
        };
        asked.map_or_else(Heard::Nothing, Heard::Document)
    }

    fn printed(&self, program: &Program) -> Result<Json, String> {
        let home = self.home(program, &[])?;
        let said = run(program, &home, &["app-server", "--print-startup-config"])?;
        let line = said.stdout.lines().find(|line| line.starts_with('{'));
        let document = line.and_then(|line| serde_json::from_str::<Json>(line).ok());
        let document = document.ok_or("it prints nothing that could be read")?;
        match document.pointer("/error/message").and_then(Json::as_str) {
            Some(refusal) => Err(format!("it refuses to start: {refusal}")),
            None => Ok(document),
        }
    }

    /// The same of one that does not print it: its server tells.
    fn requirements(&self, program: &Program) -> Result<Json, String> {
        let home = self.home(program, &[])?;
        let mut session = Session::start(home.command(&program.path))?;
        let told = session.call("configRequirements/read", None)?;
        Ok(json!({ "configRequirements": told }))
    }

    /// A home for a question to a program, with these files; it is gone with the value.
    pub(super) fn home(&self, program: &Program, files: &[(&str, &str)]) -> Result<Home, String> {
        Home::make(&self.scratch, user_for(program), files)
    }
}

/// Runs a program to its end.
pub(super) fn run(program: &Program, home: &Home, arguments: &[&str]) -> Result<Said, String> {
    let mut command = home.command(&program.path);
    command.args(arguments);
    finished(command)
}

/// Runs something to its end.
pub(super) fn finished(mut command: Command) -> Result<Said, String> {
    let child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    Running(child).finish()
}

/// Whom to ask as. Root never runs what others could have written: a program of somebody's is
/// asked as that somebody, one of root's as nobody, and as root only where nobody but root
/// could start it or have changed it.
fn user_for(program: &Program) -> Option<u32> {
    if !geteuid().is_root() {
        return None;
    }
    if program.owner != 0 {
        return Some(program.owner);
    }
    (!is_roots_alone(&program.path)).then_some(NOBODY)
}

/// Whether others than root can neither reach a program nor have changed it.
fn is_roots_alone(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let modes: Option<Vec<(u32, u32)>> = path
        .ancestors()
        .map(|part| std::fs::metadata(part).ok().map(|about| (about.uid(), about.mode())))
        .collect();
    let Some(modes) = modes else { return false };
    let untouched = modes.iter().all(|(owner, mode)| *owner == 0 && mode & 0o022 == 0);
    let reachable = modes.iter().all(|(_, mode)| mode & 0o001 != 0);
    untouched && !reachable
}

/// A folder of the user who is asked, and of nobody else; it is gone afterwards.
pub(super) struct Home {
    pub(super) path: PathBuf,
    user: Option<u32>,
}

impl Home {
    fn make(scratch: &Path, user: Option<u32>, files: &[(&str, &str)]) -> Result<Self, String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = scratch.join(format!("home-{}-{number}", std::process::id()));
        let failed = |error: std::io::Error| format!("no home for it can be made: {error}");
        // One that a kill left.
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(scratch).map_err(failed)?;
        // Whatever the umask of the service is, the user who is asked has to get through.
        let through = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(scratch, through).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        let home = Self { path, user };
        // Nobody else gets in before everything is there: only then is the home given away.
        let shut = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&home.path, shut).map_err(failed)?;
        for (name, text) in files {
            home.put(name, text).map_err(failed)?;
        }
        home.give(&home.path, 0o700).map_err(failed)?;
        Ok(home)
    }

    /// Anything that runs in it, as its user: nothing of anybody's environment may decide the
    /// answer.
    pub(super) fn command(&self, executable: &Path) -> Command {
        let mut command = Command::new(executable);
        command
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &self.path)
            .env("CODEX_HOME", &self.path)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
    }

    fn put(&self, name: &str, text: &str) -> std::io::Result<()> {
        let mut place = self.path.clone();
        let mut parts = Path::new(name).components().peekable();
        while let Some(Component::Normal(part)) = parts.next() {
            place.push(part);
            if parts.peek().is_none() {
                std::fs::write(&place, text)?;
                self.give(&place, 0o600)?;
            } else if !place.is_dir() {
                std::fs::create_dir(&place)?;
                self.give(&place, 0o700)?;
            }
        }
        Ok(())
    }

    fn give(&self, place: &Path, mode: u32) -> std::io::Result<()> {
        std::fs::set_permissions(place, std::fs::Permissions::from_mode(mode))?;
        match self.user {
            None => Ok(()),
            Some(_) => std::os::unix::fs::lchown(place, self.user, self.user),
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left is removed before the next question.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

/// What a program said.
pub(super) struct Said {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A child with everything that it started; ended when it is dropped.
pub(super) struct Running(pub(super) Child);

impl Running {
    fn finish(mut self) -> Result<Said, String> {
        let deadline = Instant::now() + PATIENCE;
        let stdout = read(self.0.stdout.take());
        let stderr = read(self.0.stderr.take());
        let stdout = collect(&stdout, deadline)?;
        let stderr = collect(&stderr, deadline)?;
        loop {
            match self.0.try_wait() {
                Ok(Some(_)) => break,
                Ok(None) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Ok(None) => return Err(too_slow()),
                Err(error) => return Err(error.to_string()),
            }
        }
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Said { stdout: text(stdout), stderr: text(stderr) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None))
            && let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
        {
            // Fails only where it is gone already.
            let _gone = kill_process_group(group, Signal::KILL);
        }
        drop(self.0.wait());
    }
}

pub(super) fn too_slow() -> String {
    format!("it did not answer within {} seconds", PATIENCE.as_secs())
}

fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read until then is judged; an answer that broke off is no JSON.
            let _whole = pipe.take(LARGEST).read_to_end(&mut bytes);
        }
        // Nobody listens any more once the deadline has passed.
        let _heard = sender.send(bytes);
    });
    receiver
}

fn collect(pipe: &Receiver<Vec<u8>>, deadline: Instant) -> Result<Vec<u8>, String> {
    let left = deadline.saturating_duration_since(Instant::now());
    pipe.recv_timeout(left).map_err(|_| too_slow())
}
