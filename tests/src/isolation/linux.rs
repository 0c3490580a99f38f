//! Isolation by Linux namespaces. Needs root (`CAP_SYS_ADMIN`) and iproute2.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, geteuid, sethostname};

use crate::error::CannotRun;

/// Where Codex looks for the machine's policy.
const SYSTEM_FOLDER: &str = "/etc/codex";

fn failed<D: ToString + ?Sized>(step: &'static str, detail: &D) -> CannotRun {
    CannotRun::Isolation { step, detail: detail.to_string() }
}

/// Moves the calling thread into private namespaces; returns its empty scratch folder.
pub(super) fn enter() -> Result<PathBuf, CannotRun> {
    if !geteuid().is_root() {
        return Err(CannotRun::NotRoot);
    }
    // Only a mount point: what is in the real folder is neither read nor written.
    fs::create_dir_all(SYSTEM_FOLDER)
        .map_err(|error| failed("make the mount point /etc/codex", &error))?;
    let namespaces =
        || ["mnt", "net"].map(|kind| fs::read_link(format!("/proc/thread-self/ns/{kind}")).ok());
    let before = namespaces();
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
        .map_err(|error| failed("leave the machine's namespaces", &error))?;
    let left = before.iter().zip(&namespaces()).all(|(old, new)| new.is_some() && old != new);
    if !left {
        // Everything below would otherwise happen to the machine itself.
        return Err(failed("leave the machine's namespaces", "still in the old ones"));
    }
    no_propagation().map_err(|error| failed("make its mounts private", &error))?;
    raise_loopback()?;
    let scratch = scratch_folder().map_err(|error| failed("mount a scratch folder", &error))?;
    // Without it names fail after five seconds instead of at once, so failing here is no error.
    drop(no_name_servers(&scratch));
    Ok(scratch)
}

/// Codex looks its own host name up. No name server can be reached from here, so ask none.
fn no_name_servers(scratch: &Path) -> io::Result<()> {
    let file = scratch.join("resolv.conf");
    fs::write(&file, "nameserver 127.0.0.1\noptions timeout:0 attempts:1\n")?;
    let target = "/etc/resolv.conf";
    mount::<Path, str, str, str>(Some(&file), target, None, MsFlags::MS_BIND, None)?;
    Ok(())
}

/// Cuts the tie that would carry mounts made here back to the machine.
fn no_propagation() -> nix::Result<()> {
    mount::<str, str, str, str>(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None)
}

fn raise_loopback() -> Result<(), CannotRun> {
    let output = Command::new("ip").args(["link", "set", "lo", "up"]).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            Err(failed("bring loopback up", String::from_utf8_lossy(&output.stderr).trim()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(CannotRun::MissingTool { tool: "ip", purpose: "bring loopback up (iproute2)" })
        }
        Err(error) => Err(failed("bring loopback up", &error)),
    }
}

/// Mounts a file system in memory: Codex syncs its databases to disk 60 times per start, and a
/// killed test leaves nothing behind. Sandboxes replace `/dev/shm`, and in `/tmp` they leave
/// folders named `.git` and `.codex`, which make it a project around every world: so neither.
fn scratch_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(format!("/var/tmp/codex-oracle-{}-{number}", std::process::id()));
    fs::create_dir(&folder)?;
    let options = Some("mode=0755,size=1g");
    mount(Some("codex-oracle"), &folder, Some("tmpfs"), MsFlags::empty(), options)?;
    Ok(folder)
}

/// Shows the folder around a program's own folder at another place, on this thread alone.
pub(super) fn show(from: &Path, at: &Path) -> io::Result<()> {
    fs::create_dir(at)?;
    Ok(mount::<Path, Path, str, str>(Some(from), at, None, MsFlags::MS_BIND, None)?)
}

/// Whether every folder on the way to a file can be passed by anybody.
pub(super) fn is_reachable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    const PASS_OTHERS: u32 = 0o001;
    let mut folders = file.ancestors().skip(1);
    folders.all(|folder| {
        fs::metadata(folder).is_ok_and(|facts| facts.permissions().mode() & PASS_OTHERS != 0)
    })
}

/// Removes the scratch folder of [`enter`].
pub(super) fn leave(scratch: &Path) {
    // Best effort: the mount dies with the thread, and an empty folder there harms nobody.
    let _ = umount2(scratch, MntFlags::MNT_DETACH);
    drop(fs::remove_dir(scratch));
}

/// Starts `command` under a mount namespace of its own. Must be called on a thread that ends next.
pub(super) fn spawn(
    command: &mut Command,
    etc: &Path,
    hostname: Option<&str>,
) -> io::Result<Child> {
    let mut flags = CloneFlags::CLONE_NEWNS;
    if hostname.is_some() {
        flags |= CloneFlags::CLONE_NEWUTS;
    }
    unshare(flags)?;
    mount::<Path, str, str, str>(Some(etc), SYSTEM_FOLDER, None, MsFlags::MS_BIND, None)?;
    if let Some(hostname) = hostname {
        sethostname(hostname)?;
    }
    command.process_group(0).spawn()
}

/// Kills the process group that `leader` started.
pub(super) fn kill_group(leader: u32) {
    if let Ok(leader) = i32::try_from(leader) {
        // Fails when nothing of the group is left, which is what is wanted.
        let _ = killpg(Pid::from_raw(leader), Signal::SIGKILL);
    }
}
