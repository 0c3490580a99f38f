//! Where it happens: programs, a signed release, and servers that have it.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use codex_trust::write::Published;
use jiff::Timestamp;

use super::super::release::{Keys, Mirror, bundles, release};
use super::super::{cargo, fresh_folder, target_folder};
use super::process::{Talker, finished};
use crate::talk::Problem;

/// The one cohort of the release.
pub(super) const COHORT: &str = "load";

/// Programs and a folder, which goes away with it.
pub(super) struct Site {
    /// The program `codex-fleet-server`.
    pub(super) server: PathBuf,
    /// The program of `fleet-server/examples/load`.
    pub(super) load: PathBuf,
    /// The folder.
    pub(super) place: PathBuf,
}

impl Site {
    /// Builds the programs, where they are not there, and signs a release with one file of 20 KB.
    pub(super) fn new(programs: Option<&Path>) -> Result<Self, Problem> {
        let programs = match programs {
            Some(folder) => folder.canonicalize()?,
            None => built()?,
        };
        let site = Self {
            server: programs.join("codex-fleet-server"),
            load: programs.join("examples/load"),
            place: fresh_folder("bench/fleet")?,
        };
        let at = Timestamp::now();
        let (keys, mirror) = (Keys::new()?, Mirror::default());
        let root = keys.root(at)?;
        let policy: String = (0..400).map(|n| format!("# {n:045}\n")).collect();
        let files = BTreeMap::from([("requirements.toml".to_owned(), policy)]);
        let bundles = bundles(&BTreeMap::from([(COHORT.to_owned(), files)]))?;
        release(&keys, &Published::nothing(&root)?, bundles, &mirror, at)?;
        fs::write(site.place.join("root.json"), &root)?;
        let mut all = mirror.files();
        all.insert("metadata/1.root.json".to_owned(), root);
        for (name, bytes) in all {
            let path = site.release().join(name);
            fs::create_dir_all(path.parent().unwrap_or(&site.place))?;
            fs::write(path, bytes)?;
        }
        Ok(site)
    }

    /// The folder with the files of the release.
    pub(super) fn release(&self) -> PathBuf {
        self.place.join("release")
    }

    /// A server in a folder of its own, in as many processes as are wanted.
    pub(super) fn fleet(&self, name: &str, processes: usize) -> Result<Servers<'_>, Problem> {
        let folder = self.place.join(name);
        let (tls, plain) = (port()?, port()?);
        let listen = format!("127.0.0.1:{tls}");
        let (at, root) = (folder.to_string_lossy(), self.place.join("root.json"));
        let root = root.to_string_lossy();
        let init = ["init", "--dir", &at, "--organisation", "Example", "--root", &root];
        let names = ["--name", "127.0.0.1", "--listen", &listen];
        finished(&self.server, &[&init[..], &names].concat())?;
        let config = folder.join("fleet.toml");
        let text = fs::read_to_string(&config)?
            .replace("plain = []", &format!("plain = [\"127.0.0.1:{plain}\"]"))
            .replace("release_readers = \"fleet\"", "release_readers = \"anyone\"")
            // No heartbeat comes between two rounds.
            .replace("heartbeat_seconds = 60", "heartbeat_seconds = 3600\npoll_milliseconds = 50");
        fs::write(&config, text)?;
        let mut servers = Servers { site: self, folder, tls, plain, running: Vec::new() };
        for (file, words) in [
            ("operator", &["admin-token", "create", "--role", "operator"][..]),
            ("enrolment", &["token", "create", "--team", COHORT, "--uses", "100"]),
        ] {
            let at = config.to_string_lossy();
            let token = finished(&self.server, &[words, &["--config", &at]].concat())?;
            fs::write(servers.folder.join(file), token)?;
        }
        for _ in 0..processes {
            servers.start()?;
        }
        Ok(servers)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        drop(fs::remove_dir_all(&self.place));
    }
}

/// The processes of a server.
pub(super) struct Servers<'site> {
    site: &'site Site,
    folder: PathBuf,
    /// The port with TLS.
    pub(super) tls: u16,
    /// The port without.
    pub(super) plain: u16,
    /// The processes.
    pub(super) running: Vec<Talker>,
}

impl Servers<'_> {
    /// Starts one process more, and waits until it answers.
    pub(super) fn start(&mut self) -> Result<(), Problem> {
        let config = self.config();
        let words = ["run", "--config", &config.to_string_lossy()];
        let one = Talker::start(&self.site.server, &words)?;
        one.wait("http://")?;
        self.running.push(one);
        Ok(())
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("fleet.toml")
    }

    pub(super) fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The token that enrols a machine.
    pub(super) fn token(&self) -> PathBuf {
        self.folder.join("enrolment")
    }

    /// A file of it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Publishes the release.
    pub(super) fn publish(&self) -> Result<(), Problem> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let address = format!("127.0.0.1:{}", self.tls);
        let (authority, token) = (text(&self.authority()), text(&self.file("operator")));
        let release = text(&self.site.release());
        finished(&self.site.load, &["publish", &address, &authority, &token, &release])?;
        Ok(())
    }

    /// Tells all processes that endpoints should look.
    pub(super) fn revise(&self) -> Result<(), Problem> {
        let database = self.file("fleet.sqlite");
        finished(&self.site.load, &["revise", &database.to_string_lossy()])?;
        Ok(())
    }
}

fn built() -> Result<PathBuf, Problem> {
    let words = ["build", "--release", "--locked", "--package", "codex-fleet-server"];
    let what = ["--bin", "codex-fleet-server", "--example", "load"];
    if !Command::new(cargo()).args(words).args(what).status()?.success() {
        return Err("the release build failed".into());
    }
    Ok(target_folder().join("release").canonicalize()?)
}

/// A port that is free now.
pub(super) fn port() -> Result<u16, Problem> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
