//! What one Codex says, in a clean environment and within limits: it may be anybody's program.

use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use codex_schema::version::Version;
use rustix::process::{Pid, Signal, geteuid, kill_process_group};
use serde_json::Value as Json;

use super::find::Program;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The most bytes that are taken of an answer.
const LARGEST: u64 = 8_000_000;

/// Who is asked as, where the program belongs to root: nobody in particular.
const NOBODY: u32 = 65_534;

/// Asks programs.
#[derive(Clone, Debug)]
pub struct Asker {
    /// A folder in which a fresh home is made for every question.
    scratch: PathBuf,
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
    /// One that makes its scratch homes in a folder, which must exist.
    pub fn new(scratch: PathBuf) -> Self {
        Self { scratch }
    }

    /// The version that a program says it has.
    pub fn version(&self, program: &Program) -> Option<Version> {
        let said = self.run(program, &["--version"]).ok()?;
        said.stdout.split_whitespace().find_map(|word| word.parse().ok())
    }

    /// What a program starts with.
    pub fn startup(&self, program: &Program) -> Heard {
        let said = match self.run(program, &["app-server", "--print-startup-config"]) {
            Ok(said) => said,
            Err(problem) => return Heard::Nothing(problem),
        };
        let line = said.stdout.lines().find(|line| line.starts_with('{'));
        let Some(document) = line.and_then(|line| serde_json::from_str::<Json>(line).ok()) else {
            return Heard::Nothing("it prints nothing that could be read".to_owned());
        };
        match document.pointer("/error/message").and_then(Json::as_str) {
            Some(refusal) => Heard::Nothing(format!("it refuses to start: {refusal}")),
            None => Heard::Document(document),
        }
    }

    fn run(&self, program: &Program, arguments: &[&str]) -> Result<Said, String> {
        let user = user_for(program);
        let home = Home::make(&self.scratch, user)?;
        let mut command = Command::new(&program.path);
        command
            .args(arguments)
            .current_dir(&home.path)
            // Nothing of anybody's environment may decide the answer.
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &home.path)
            .env("CODEX_HOME", &home.path)
            .env("TERM", "dumb")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let child = command.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
        Running(child).finish()
    }
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

/// A folder that is gone afterwards.
struct Home {
    path: PathBuf,
}

impl Home {
    fn make(scratch: &Path, user: Option<u32>) -> Result<Self, String> {
        let path = scratch.join(format!("home-{}", std::process::id()));
        let failed = |error: std::io::Error| format!("no home for it can be made: {error}");
        // One that a kill left.
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(scratch).map_err(failed)?;
        // Whatever the umask of the service is, the user who is asked has to get through.
        let through = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(scratch, through).map_err(failed)?;
        std::fs::create_dir(&path).map_err(failed)?;
        if user.is_some() {
            std::os::unix::fs::chown(&path, user, user).map_err(failed)?;
        }
        Ok(Self { path })
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left is removed before the next question.
        drop(std::fs::remove_dir_all(&self.path));
    }
}

struct Said {
    stdout: String,
}

/// A child with everything that it started; ended when it is dropped.
struct Running(Child);

impl Running {
    fn finish(mut self) -> Result<Said, String> {
        let deadline = Instant::now() + PATIENCE;
        let stdout = read(self.0.stdout.take());
        let stderr = read(self.0.stderr.take());
        let stdout = collect(&stdout, deadline)?;
        // Only read so that it does not block.
        let _talk = collect(&stderr, deadline)?;
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
        Ok(Said { stdout: String::from_utf8_lossy(&stdout).into_owned() })
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

fn too_slow() -> String {
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
