//! The services as they are shipped, under a systemd of their own: the machine's files below an
//! overlay, namespaces for the rest. By hand, since it boots a system:
//! `cargo test -p codex-agent-sync --test systemd -- --ignored --nocapture`.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

#[path = "support/fleet.rs"]
mod fleet;
#[path = "../../schema/trust/tests/support/mod.rs"]
mod trust;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use codex_agent_sync::status::Status;
use codex_oracle::{install, require_or_announce};
use fleet::{Fleet, Machine, TOKEN, finished};
use trust::STRICT;

/// Makes a machine out of this one and starts systemd in it. Nothing that it writes stays.
const BOOT: &str = r#"
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cgroups=$(stat -fc %T /sys/fs/cgroup)
mkdir -p "$1/root/mnt/given"
cp "$2/token" "$2/root.json" "$1/root/mnt/given"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
if [ "$cgroups" = cgroup2fs ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
    for one in pids memory devices; do
        mkdir "sys/fs/cgroup/$one"
        mount -t cgroup -o "$one" cgroup "sys/fs/cgroup/$one"
    done
fi
mount -t tmpfs tmpfs dev
for one in null zero full random urandom tty; do
    touch "dev/$one"
    mount --bind "/dev/$one" "dev/$one"
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs dev/shm
mount -t tmpfs tmpfs run
mkdir -p mnt/old
pivot_root . mnt/old
umount -l mnt/old 2>/dev/null || umount -l /mnt/old
cd /
exec unshare --cgroup env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --log-target=journal --unit=basic.target
"#;

/// As the agent's README says it.
const INSTALL: &str = r#"
set -e
install -m 755 "$1" /usr/bin/codex-agent
install -m 644 "$2/codex-agent.sysusers" /usr/lib/sysusers.d/codex-agent.conf
systemd-sysusers
install -m 644 "$2"/*.service "$2"/*.socket /etc/systemd/system/
shift 2
codex-agent enroll --organisation "Example Bank" --host pay-17.bank.example --fetch-user codex-agent "$@"
systemctl enable --now codex-agent-fetch codex-agent-install codex-agent-probe.socket
"#;

struct Booted {
    unshare: Child,
    first: String,
}

impl Booted {
    /// `given` holds what an administrator brings to the machine.
    fn start(folder: &Path, given: &Path) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--mount", "--ipc", "--uts", "--fork", "--kill-child"]);
        command.args(["bash", "-c", BOOT, "boot"]).arg(folder).arg(given);
        let unshare = command.stdin(Stdio::null()).spawn().unwrap();
        let children = format!("/proc/{0}/task/{0}/children", unshare.id());
        let mut booted = Self { unshare, first: String::new() };
        let began = Instant::now();
        loop {
            std::fs::read_to_string(&children).unwrap().trim().clone_into(&mut booted.first);
            let (_, state, _) = booted.run("systemctl is-system-running", &[]);
            if ["running", "degraded"].contains(&state.trim()) {
                return booted;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "systemd does not start: {state}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn run(&self, script: &str, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new("timeout");
        command.args(["-s", "KILL", "60", "nsenter", "-a", "-r", "-w", "-t", &self.first]);
        finished({
            command.args(["bash", "-c", script, "sh"]).args(arguments);
            command
        })
    }

    /// Waits until the agent's word is as it should be.
    fn wait(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let began = Instant::now();
        loop {
            let (_, text, _) = self.run("cat /var/lib/codex-agent/status.json", &[]);
            let status = serde_json::from_str::<Status>(&text).ok();
            match status {
                Some(status) if wanted(&status) => return status,
                _ if began.elapsed() < Duration::from_mins(1) => {
                    std::thread::sleep(Duration::from_millis(100));
                }
                other => {
                    let (_, log, _) = self.run("journalctl --no-pager -u 'codex-agent*'", &[]);
                    panic!("{other:#?}\n{log}");
                }
            }
        }
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        drop(self.unshare.kill());
        drop(self.unshare.wait());
    }
}

#[test]
#[ignore = "it boots a system"]
fn the_services_as_shipped_install_prove_and_repair() {
    let codex = require_or_announce(install("0.169.0")).unwrap();
    let (fleet, machine) = (Fleet::new(), Machine::new());
    let policy = format!(
        "{STRICT}\n[rules]\nprefix_rules = [{{ pattern = [{{ token = \"paymentctl\" }}], decision = \
         \"forbidden\" }}]\n[mcp_servers.docs.identity]\ncommand = \"docs-server\"\n\
         [permissions.filesystem]\ndeny_read = [\"~/.ssh\", \"/etc/hostname\"]\n"
    );
    fleet.publish(&policy);
    std::fs::write(machine.path("token"), TOKEN).unwrap();
    std::fs::write(machine.path("root.json"), trust::root(1, 0)).unwrap();
    std::fs::create_dir(machine.path("boot")).unwrap();

    let booted = Booted::start(&machine.path("boot"), &machine.path(""));
    let services = concat!(env!("CARGO_MANIFEST_DIR"), "/services/systemd");
    let (code, _, said) = booted.run(
        INSTALL,
        &[
            env!("CARGO_BIN_EXE_codex-agent"),
            services,
            "--server",
            &fleet.address,
            "--token-file",
            "/mnt/given/token",
            "--trust-root",
            "/mnt/given/root.json",
            "--codex",
            &codex.path().to_string_lossy(),
        ],
    );
    assert_eq!(code, 0, "{said}");

    let status = booted.wait(|status| status.enforced);
    let codex = status.codex.first().unwrap();
    let proved =
        ["rules (1 tried)", "mcp_servers (2 tried)", "permissions.filesystem.deny_read (2 tried)"];
    assert_eq!(codex.proved, proved, "{codex:#?}");
    assert_eq!(codex.not_asked, [] as [String; 0]);
    eprintln!("{}", status.human(status.at));

    let file = "/etc/codex/requirements.toml";
    booted.run("echo >> $1", &[file]);
    let began = Instant::now();
    while booted.run("cat $1", &[file]).1 != policy {
        assert!(began.elapsed() < Duration::from_secs(5), "it is not repaired");
    }
    eprintln!("repaired within {:?}", began.elapsed());
    // What is looked at ends with its answer: nothing of it stays.
    let (_, left, _) = booted.run("systemctl list-units --plain --no-legend 'codex-agent*'", &[]);
    assert!(!left.contains("codex-agent-probe@") && left.contains("codex-agent-probe.socket"));
    assert!(!left.contains("failed"), "{left}");
}
