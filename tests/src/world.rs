//! A scratch machine: its files, its config server, and how Codex is started on it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use crate::config_server::{ConfigServer, bundle_answer};
use crate::error::OracleError;
use crate::install::CodexBinary;
use crate::isolation::{Isolation, end, spawn};
use crate::spec::{Cache, FileSpec, HttpAnswer, SpecialFile, WorldSpec};

/// How long one Codex command may take.
const COMMAND_PATIENCE: Duration = Duration::from_mins(1);

/// What a finished command left behind, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// The exit code; `-1` when a signal ended the command.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error without the two notices that depend on the machine and not on the policy.
    pub stderr: String,
}

/// A built world. Dropping it removes its files and stops its server.
#[derive(Debug)]
pub struct World<'a> {
    isolation: &'a Isolation,
    binary: &'a CodexBinary,
    spec: WorldSpec,
    folder: PathBuf,
    /// Where the program is started from.
    program: PathBuf,
    /// What Codex finds at `/etc/codex`, where that is not the world's own folder.
    system: Option<PathBuf>,
    server: Option<ConfigServer>,
}

impl<'a> World<'a> {
    /// Builds the files, starts the config server, and primes the cache if asked to.
    ///
    /// # Errors
    ///
    /// [`OracleError::Harness`] when a path is outside the world or a file cannot be made;
    /// [`OracleError::Refused`] when Codex refused while the cache was primed.
    pub fn build(
        isolation: &'a Isolation,
        binary: &'a CodexBinary,
        spec: &WorldSpec,
    ) -> Result<Self, OracleError> {
        let failed = |error: io::Error| OracleError::harness("world", error);
        let folder = isolation.new_folder().map_err(failed)?;
        let program = match spec.user {
            Some(_) => isolation.for_everybody(binary.path()).map_err(failed)?,
            None => binary.path().to_owned(),
        };
        let mut world = Self {
            isolation,
            binary,
            spec: spec.clone(),
            folder,
            program,
            system: None,
            server: None,
        };
        for part in ["etc", "home", "cwd", "user"] {
            fs::create_dir(world.folder.join(part)).map_err(failed)?;
        }
        world.start_server().map_err(failed)?;
        for (path, file) in &spec.files {
            world.put(path, file)?;
        }
        world.add_server_table()?;
        if let Some(cache) = spec.cache {
            world.prime_cache(cache)?;
        }
        Ok(world)
    }

    /// Shows Codex another folder at `/etc/codex` from now on, one that an agent keeps.
    pub fn govern(&mut self, system: &Path) {
        self.system = Some(system.to_owned());
    }

    /// Returns the version of the Codex that is asked.
    pub fn codex_version(&self) -> &str {
        self.binary.version()
    }

    /// Writes one file, after the world was built.
    ///
    /// # Errors
    ///
    /// [`OracleError::Harness`] when the path is outside the world or cannot be written.
    pub fn put(&self, path: &str, file: &FileSpec) -> Result<(), OracleError> {
        let place = self.place(path)?;
        self.write(&place, file)
            .map_err(|error| OracleError::harness(&format!("cannot write `{path}`"), error))
    }

    /// Returns a file's text, normalised; empty when there is none.
    pub fn text(&self, path: &str) -> Result<String, OracleError> {
        let place = self.place(path)?;
        match fs::read(&place) {
            Ok(bytes) => Ok(self.normalise(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(OracleError::harness(&format!("cannot read `{path}`"), error)),
        }
    }

    /// Replaces `$CWD`, `$CODEX_HOME` and `$USER_HOME` by the world's real folders. `$HOME` stays
    /// for the shell.
    pub fn expand(&self, text: &str) -> String {
        text.replace("$CWD", &self.part("cwd"))
            .replace("$CODEX_HOME", &self.part("home"))
            .replace("$USER_HOME", &self.part("user"))
    }

    /// Replaces the world's real folders by their names and takes colours out.
    pub fn normalise(&self, text: &str) -> String {
        let named = text
            .replace(&self.part("cwd"), "$CWD")
            .replace(&self.part("home"), "$CODEX_HOME")
            .replace(&self.part("user"), "$HOME")
            .replace(&*self.folder.to_string_lossy(), "$WORLD");
        without_colours(&named)
    }

    /// Returns the path of a world file as this process sees it.
    ///
    /// # Errors
    ///
    /// [`OracleError::Harness`] when the path starts with none of the world's roots.
    pub fn place(&self, path: &str) -> Result<PathBuf, OracleError> {
        [("/etc/codex/", "etc"), ("$CODEX_HOME/", "home"), ("$CWD/", "cwd"), ("$HOME/", "user")]
            .into_iter()
            .find_map(|(root, part)| Some(self.folder.join(part).join(path.strip_prefix(root)?)))
            .filter(|place| place.components().all(|part| part.as_os_str() != ".."))
            .ok_or_else(|| OracleError::harness("outside the world", path))
    }

    /// Returns the paths that the config server was asked for, or nothing without a server.
    pub fn server_requests(&self) -> Option<Vec<String>> {
        self.server.as_ref().map(ConfigServer::requests)
    }

    /// Runs Codex to its end.
    ///
    /// # Errors
    ///
    /// [`OracleError::Harness`] when it cannot be started or does not end within a minute.
    pub fn run(&self, args: &[&str]) -> Result<Finished, OracleError> {
        let mut running = self.start(args)?;
        drop(running.stdin.take());
        let deadline = Instant::now() + COMMAND_PATIENCE;
        let outcome = running.stdout.collect(deadline).zip(running.stderr.collect(deadline));
        let Some((stdout, stderr)) = outcome else {
            return Err(OracleError::harness("codex did not end in time", args.join(" ")));
        };
        let status = running.child.wait().map_err(|error| OracleError::harness("codex", error))?;
        let machine = ["PATH aliases", "could not find bubblewrap"];
        let stderr = self.normalise(&stderr);
        let kept: Vec<&str> =
            stderr.lines().filter(|line| !machine.iter().any(|part| line.contains(part))).collect();
        Ok(Finished {
            code: status.code().unwrap_or(-1),
            stdout: self.normalise(&stdout),
            stderr: kept.join("\n"),
        })
    }

    /// Starts Codex with pipes to all three streams.
    pub(crate) fn start(&self, args: &[&str]) -> Result<Running, OracleError> {
        let failed = |error: io::Error| OracleError::harness("cannot start codex", error);
        let mut command = self.command(args);
        let etc = self.system.clone().unwrap_or_else(|| self.folder.join("etc"));
        let hostname = self.spec.hostname.as_deref();
        let mut child = spawn(self.isolation, &mut command, &etc, hostname).map_err(failed)?;
        let stdin = child.stdin.take();
        let stdout = Pipe::read(child.stdout.take());
        let stderr = Pipe::read(child.stderr.take());
        Ok(Running { child, stdin, stdout, stderr })
    }

    fn command(&self, args: &[&str]) -> Command {
        let tools = self.isolation.tools();
        let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut command = Command::new(&self.program);
        command
            .args(self.spec.args.iter().map(|arg| self.expand(arg)))
            .args(args)
            .current_dir(self.folder.join("cwd"))
            // Nothing of the developer's own environment may decide a test.
            .env_clear()
            .env("PATH", format!("{}:{system}", tools.display()))
            .env("CODEX_HOME", self.part("home"))
            .env("HOME", self.part("user"))
            .env("SHELL", "/bin/bash")
            .env("TERM", "xterm")
            .env("RUST_BACKTRACE", "0")
            // Every session tries to fetch a plugin catalogue; let git fail before it dials.
            .env("GIT_ALLOW_PROTOCOL", "file")
            .env("SSL_CERT_FILE", self.isolation.authority_file())
            .envs(self.spec.env.iter().map(|(name, value)| (name, self.expand(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        #[cfg(unix)]
        if let Some(user) = self.spec.user {
            use std::os::unix::process::CommandExt;
            command.uid(user).gid(user);
        }
        command
    }

    /// Gives the world a `CODEX_HOME` that has been used before, which halves the start of
    /// `app-server`: databases (sessions and logs, no policy) and Codex's own skills.
    pub(crate) fn seed_home(&self, make: impl FnOnce(&World<'a>) -> Result<(), OracleError>) {
        let seed = self.isolation.seed(self.binary.path(), |seed| {
            let empty = World::build(self.isolation, self.binary, &WorldSpec::new()).ok()?;
            make(&empty).ok()?;
            copy_used_home(&empty.folder.join("home"), seed).ok()
        });
        if let Some(seed) = seed {
            let home = self.folder.join("home");
            // A start in an empty home is slower, not wrong.
            drop(copy_used_home(&seed, &home).and_then(|()| self.hand_over(&home)));
        }
    }

    fn part(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    fn start_server(&mut self) -> io::Result<()> {
        let answer = match (&self.spec.http, &self.spec.bundle) {
            (Some(answer), _) => answer.clone(),
            (None, Some(bundle)) => bundle_answer(bundle, |text| self.expand(text)),
            (None, None) => return Ok(()),
        };
        self.server = Some(ConfigServer::start(self.isolation.tls(), answer)?);
        Ok(())
    }

    fn add_server_table(&self) -> Result<(), OracleError> {
        const REQUIREMENTS: &str = "/etc/codex/requirements.toml";
        let Some(server) = &self.server else { return Ok(()) };
        let text = match self.spec.files.get(REQUIREMENTS) {
            Some(FileSpec::Text(text)) => text.trim_end_matches('\n'),
            Some(FileSpec::Special(_)) => {
                return Err(OracleError::harness("a config server needs a text", REQUIREMENTS));
            }
            None => "",
        };
        self.put(REQUIREMENTS, &FileSpec::Text(format!("{text}\n{}", server.toml())))
    }

    fn write(&self, place: &Path, file: &FileSpec) -> io::Result<()> {
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        match file {
            FileSpec::Text(text) => fs::write(place, self.expand(text))?,
            FileSpec::Special(SpecialFile::Directory {}) => fs::create_dir_all(place)?,
            FileSpec::Special(SpecialFile::Symlink(target)) => {
                #[cfg(unix)]
                std::os::unix::fs::symlink(self.expand(target), place)?;
                #[cfg(not(unix))]
                return Err(io::Error::other(format!("no symbolic link to {target} here")));
            }
            FileSpec::Special(SpecialFile::Unreadable(text)) => {
                fs::write(place, self.expand(text))?;
                #[cfg(unix)]
                fs::set_permissions(place, std::os::unix::fs::PermissionsExt::from_mode(0o000))?;
            }
            FileSpec::Special(SpecialFile::Base64(text)) => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text);
                fs::write(place, bytes.map_err(io::Error::other)?)?;
            }
        }
        ["home", "cwd", "user"].iter().try_for_each(|part| self.hand_over(&self.folder.join(part)))
    }

    /// Makes the world's user the owner of `folder` and of all that is in it.
    fn hand_over(&self, folder: &Path) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(user) = self.spec.user {
            std::os::unix::fs::lchown(folder, Some(user), Some(user))?;
            if fs::symlink_metadata(folder)?.is_dir() {
                for entry in fs::read_dir(folder)? {
                    self.hand_over(&entry?.path())?;
                }
            }
        }
        Ok(())
    }

    /// Lets Codex fetch once, puts the cache file into the wanted state, and takes the server away.
    fn prime_cache(&self, cache: Cache) -> Result<(), OracleError> {
        let failed = |detail: &str| OracleError::harness("cannot prime the cache", detail);
        let server = self.server.as_ref().ok_or_else(|| failed("there is no config server"))?;
        crate::oracle::ask(self, &crate::oracle::Oracle::Startup)?;
        let home = self.folder.join("home");
        let file = fs::read_dir(&home)
            .map_err(|error| failed(&error.to_string()))?
            .filter_map(Result::ok)
            .find(|entry| entry.file_name().to_string_lossy().starts_with("managed-config-"))
            .ok_or_else(|| failed("codex wrote none"))?
            .path();
        if cache == Cache::Tampered {
            tamper(&file).map_err(|error| failed(&error.to_string()))?;
        }
        server.answer_from_now(HttpAnswer { status: 404, body: json!({}) });
        Ok(())
    }
}

impl Drop for World<'_> {
    fn drop(&mut self) {
        // The scratch file system goes away with its thread; this only frees memory earlier.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A started Codex; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Pipe,
    pub(crate) stderr: Pipe,
}

impl Running {
    pub(crate) fn send(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{line}\n").as_bytes())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A stream that a thread reads, so that reading it can have a deadline.
#[derive(Debug)]
pub(crate) struct Pipe {
    chunks: Receiver<Vec<u8>>,
    pending: Vec<u8>,
}

/// What became of waiting for a line.
#[derive(Debug)]
pub(crate) enum Line {
    Text(String),
    End,
    Late,
}

impl Pipe {
    fn read(stream: Option<impl Read + Send + 'static>) -> Self {
        let (sender, chunks) = channel();
        if let Some(mut stream) = stream {
            std::thread::spawn(move || {
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(length) = stream.read(&mut buffer) {
                    let chunk = buffer.get(..length).unwrap_or_default().to_vec();
                    if chunk.is_empty() || sender.send(chunk).is_err() {
                        return;
                    }
                }
            });
        }
        Self { chunks, pending: Vec::new() }
    }

    /// Waits for the next line.
    pub(crate) fn line(&mut self, deadline: Instant) -> Line {
        use std::sync::mpsc::RecvTimeoutError;
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Line::Text(String::from_utf8_lossy(&line).into_owned());
            }
            match self.chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(chunk) => self.pending.extend(chunk),
                Err(RecvTimeoutError::Disconnected) => return Line::End,
                Err(RecvTimeoutError::Timeout) => return Line::Late,
            }
        }
    }

    /// Reads to the end of the stream; nothing when that takes too long.
    pub(crate) fn collect(&mut self, deadline: Instant) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.line(deadline) {
                Line::Text(line) => text.push_str(&line),
                Line::End => {
                    text.push_str(&String::from_utf8_lossy(&self.pending));
                    return Some(text);
                }
                Line::Late => return None,
            }
        }
    }
}

fn copy_used_home(from: &Path, to: &Path) -> io::Result<()> {
    let skills = from.join("skills");
    if skills.is_dir() && !to.join("skills").exists() {
        link_all(&skills, &to.join("skills"))?;
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // Shared-memory files belong to live processes; SQLite makes them anew.
        let text = name.to_string_lossy();
        if text.contains(".sqlite") && !text.ends_with("-shm") {
            fs::copy(entry.path(), to.join(&name))?;
        }
    }
    Ok(())
}

/// Copies a tree by hard links: Codex replaces these files and never writes into them.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            link_all(&entry.path(), &target)?;
        } else {
            fs::hard_link(entry.path(), target)?;
        }
    }
    Ok(())
}

fn tamper(file: &Path) -> io::Result<()> {
    let mut document: Value = serde_json::from_slice(&fs::read(file)?)?;
    let fragments = document
        .pointer_mut("/signed_payload/bundle/requirements_toml/enterprise_managed")
        .and_then(Value::as_array_mut)
        .ok_or_else(|| io::Error::other("no requirement fragments in it"))?;
    for fragment in fragments {
        if let Some(contents) = fragment.get_mut("contents") {
            *contents = contents.as_str().map(|text| text.replace("false", "true")).into();
        }
    }
    fs::write(file, document.to_string())
}

/// Takes out the escape sequences that set colours (`ESC [ digits and semicolons m`).
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';');
        match rest.strip_prefix('m') {
            Some(rest) => plain.push_str(rest),
            None => plain.extend(["\u{1b}[", part]),
        }
    }
    plain
}
