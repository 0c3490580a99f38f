//! The real world, turned into arguments: the only place that looks at the environment.

use std::io::{IsTerminal, Read};
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use codex_schema::types::policy::Date;
use codex_schema::version::Version;

use super::arguments::{Color, MachineArgs, PrintArgs, SurroundingArgs};
use crate::check::Surroundings;
use crate::evaluate::{Evaluation, evaluate};
use crate::explain::VersionOrigin;
use crate::files::{Content, Files, RealFiles};
use crate::gather::Extra;
use crate::gather::bundle::BundleAnswer;
use crate::keys::key_file::Passphrase;
use crate::keys::signer::Ask;
use crate::machine::{Machine, Os};
use crate::render::paint::Paint;

/// An evaluated machine and how its Codex version is known.
pub(super) struct World {
    /// Never dropped: the process ends with the answer, and taking megabytes of rules apart piece
    /// by piece costs a sixth of the run.
    pub(super) evaluation: ManuallyDrop<Evaluation>,
    pub(super) how: VersionOrigin,
    pub(super) home: String,
}

/// Looks at the machine that the arguments describe.
///
/// # Errors
/// A sentence about what is wrong with the arguments or the surroundings.
pub(super) fn look(arguments: &MachineArgs, codex: &[String]) -> Result<World, String> {
    let home = home().unwrap_or_default();
    let (version, how) = version(arguments)?;
    let cwd = arguments.cwd.clone().map_or_else(std::env::current_dir, Ok);
    let cwd = absolute(&cwd.map_err(|error| format!("cannot tell the current folder: {error}"))?);
    let given = arguments.codex_home.clone();
    let from_environment = || std::env::var_os("CODEX_HOME").filter(|value| !value.is_empty());
    let codex_home = given
        .or_else(|| from_environment().map(PathBuf::from))
        .unwrap_or_else(|| Path::new(&home).join(".codex"));
    let machine = Machine {
        os: arguments.os.unwrap_or(Os::HERE),
        hostname: arguments.hostname.clone().unwrap_or_else(hostname),
        home: home.clone(),
        codex_home: absolute(&codex_home),
        cwd: codex_folder(&cwd, codex),
        version,
    };
    let files = RealFiles::new(arguments.root.clone());
    let extra = Extra {
        bundle: given_file(arguments.bundle.as_deref())?
            .map(|(name, bytes)| (name, BundleAnswer::Body(bytes))),
        preferences: given_file(arguments.mdm.as_deref())?,
        arguments: codex.to_vec(),
    };
    let evaluation = ManuallyDrop::new(evaluate(machine, &files, &extra));
    Ok(World { evaluation, how, home })
}

/// `--cd DIR` among Codex's own arguments moves the session.
fn codex_folder(cwd: &str, codex: &[String]) -> String {
    let mut documents = codex_schema::source::Documents::default();
    match crate::gather::arguments::read(codex, &mut documents).cwd {
        Some(folder) => absolute(&Path::new(cwd).join(folder)),
        None => cwd.to_owned(),
    }
}

fn given_file(path: Option<&Path>) -> Result<Option<(String, Vec<u8>)>, String> {
    path.map(read_file).transpose()
}

/// Reads a file that an argument names, with the name to show for it.
///
/// # Errors
/// A sentence about a file that cannot be read.
pub(super) fn read_file(path: &Path) -> Result<(String, Vec<u8>), String> {
    let name = path.display().to_string();
    match RealFiles::new(None).read(&name) {
        Content::Bytes(bytes) => Ok((name, bytes)),
        Content::Absent => Err(format!("there is no file {name}")),
        Content::Unreadable(reason) => Err(format!("cannot read {name}: {reason}")),
    }
}

/// The documents of other channels.
///
/// # Errors
/// A sentence about a file that cannot be read.
pub(super) fn surroundings(arguments: &SurroundingArgs) -> Result<Surroundings, String> {
    let SurroundingArgs { cloud, mdm } = arguments;
    Ok(Surroundings { cloud: given_file(cloud.as_deref())?, mdm: given_file(mdm.as_deref())? })
}

/// The path with links resolved as far as it exists: Codex compares real paths.
fn absolute(path: &Path) -> String {
    let resolved = path.canonicalize().or_else(|_| std::path::absolute(path));
    resolved.unwrap_or_else(|_| path.to_owned()).display().to_string()
}

fn home() -> Option<String> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var(name).ok().filter(|home| !home.is_empty())
}

/// The host name as the kernel reports it.
fn hostname() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let variable = || std::env::var("COMPUTERNAME").or_else(|_| std::env::var("HOSTNAME")).ok();
    let command = || {
        let output = Process::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    kernel.or_else(variable).or_else(command).unwrap_or_default().trim().to_owned()
}

fn version(arguments: &MachineArgs) -> Result<(Version, VersionOrigin), String> {
    match (arguments.codex_version, arguments.live) {
        (Some(version), _) => Ok((version, VersionOrigin::Given)),
        (None, true) => Ok((ask_codex()?, VersionOrigin::Asked)),
        (None, false) => Ok((Version::NEWEST, VersionOrigin::Newest)),
    }
}

/// The environment, as far as it is text.
#[cfg(feature = "buckets")]
pub(super) fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// The folder in which this program keeps what it fetched.
#[cfg(feature = "against")]
pub(super) fn cache_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_CACHE_HOME").filter(|value| !value.is_empty());
    let folder = given.map(PathBuf::from).or_else(|| Some(Path::new(&home()?).join(".cache")))?;
    Some(folder.join("codex-config"))
}

/// The program on PATH and its version, where there is one.
#[cfg(feature = "against")]
pub(super) fn installed_codex() -> Option<(Version, PathBuf)> {
    let folders = std::env::var_os("PATH")?;
    let path = std::env::split_paths(&folders)
        .map(|folder| folder.join("codex"))
        .find(|path| path.is_file())?;
    Some((ask_codex().ok()?, path))
}

/// Asks the installed program; this is all that `--live` does.
fn ask_codex() -> Result<Version, String> {
    let output = Process::new("codex")
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run codex to ask for its version: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split_whitespace().last().unwrap_or_default();
    word.parse().map_err(|error| format!("codex --version says `{}`: {error}", text.trim()))
}

/// The time now, in whole seconds: signed documents know no others.
pub(super) fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// The present day, in UTC.
pub(super) fn today() -> Date {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Date::of_unix_seconds(since.map_or(0, |time| time.as_secs()))
}

/// Whether a person types a passphrase twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twice {
    /// For a new key: a typing mistake would lose it.
    Yes,
    /// For a key that is there.
    No,
}

/// Where passphrases come from: a file, else the environment, else the person at the terminal.
pub(super) fn passphrase(file: Option<&Path>, twice: Twice) -> Box<Ask<'_>> {
    Box::new(move |name| {
        let given = match file {
            Some(path) => first_line(path)?,
            None => match std::env::var("CODEX_CONFIG_PASSPHRASE") {
                Ok(text) => Passphrase::new(text),
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err("CODEX_CONFIG_PASSPHRASE is not UTF-8".to_owned());
                }
                Err(std::env::VarError::NotPresent) => typed(name, twice)?,
            },
        };
        if given.is_empty() { Err("the passphrase is empty".to_owned()) } else { Ok(given) }
    })
}

/// A file of this many bytes holds something else.
const LONGEST_PASSPHRASE: usize = 4096;

fn first_line(path: &Path) -> Result<Passphrase, String> {
    let name = path.display();
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(LONGEST_PASSPHRASE));
    // Not only regular files: `<(…)` and pipes of a store of secrets keep it off the disk.
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST_PASSPHRASE as u64).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {name}: {error}"))?;
    if bytes.len() == LONGEST_PASSPHRASE {
        return Err(format!("{name} is too long for a passphrase"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("{name} is not UTF-8"))?;
    Ok(Passphrase::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn typed(name: &str, twice: Twice) -> Result<Passphrase, String> {
    let ask = |words: &str| {
        let text = rpassword::prompt_password(format!("{words} {name}: "));
        text.map(Passphrase::new).map_err(|_| {
            "there is no terminal to ask on: give --passphrase-file or CODEX_CONFIG_PASSPHRASE"
                .to_owned()
        })
    };
    let first = ask("passphrase for")?;
    match twice {
        Twice::Yes if !ask("the same again for")?.is(&first) => {
            Err("the two passphrases differ".to_owned())
        }
        Twice::Yes | Twice::No => Ok(first),
    }
}

/// How to write for the reader.
pub(super) fn paint(print: &PrintArgs) -> Paint {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced =
        std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0" && !value.is_empty());
    let color = match print.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto => forced || std::io::stdout().is_terminal(),
    };
    let width = print.width.or_else(terminal_width).unwrap_or(100).clamp(40, 400);
    Paint { color: color && !print.plain, ascii: print.ascii, width }
}

fn terminal_width() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size()?;
    Some(usize::from(width).min(120))
}
