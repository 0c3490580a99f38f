//! Where the agent's own things are, all of them below one root, so that a test or a
//! demonstration has a machine of its own in a folder.

use std::path::{Path, PathBuf};

use crate::disk::{DiskError, Folder, Missing};

/// The agent's folder of settings, below the root.
pub const SETTINGS: &str = "etc/codex-agent";

/// The agent's folder of state, below the root.
pub const STATE: &str = "var/lib/codex-agent";

/// The paths of one machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The paths below a root; `/` is the machine itself.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// An absolute path of the machine, below the root.
    pub fn below(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    fn settings(&self, name: &str) -> PathBuf {
        self.root.join(SETTINGS).join(name)
    }

    fn state(&self, name: &str) -> PathBuf {
        self.root.join(STATE).join(name)
    }

    /// The settings.
    pub fn config(&self) -> PathBuf {
        self.settings("agent.toml")
    }

    /// The root of trust that the machine was given.
    pub fn trust_root(&self) -> PathBuf {
        self.settings("root.json")
    }

    /// Who the machine is by its enrolment, as the installing half believes it.
    pub fn enrolment(&self) -> PathBuf {
        self.settings("enrolment.json")
    }

    /// What was verified: metadata and floors.
    pub fn trust(&self) -> PathBuf {
        self.state("trust")
    }

    /// Generations that were installed, the journal and the state of the agent.
    pub fn installed(&self) -> PathBuf {
        self.state("installed")
    }

    /// What the fetching half has fetched: nobody believes it before it is verified.
    pub fn spool(&self) -> PathBuf {
        self.state("spool")
    }

    /// What the installing half asks of the fetching half.
    pub fn outbox(&self) -> PathBuf {
        self.state("outbox")
    }

    /// The socket of the service that tries what Codex does not show, where there is one.
    pub fn probes(&self) -> PathBuf {
        self.below("/run/codex-agent/probe.socket")
    }

    /// The machine's key and certificate.
    pub fn identity(&self) -> PathBuf {
        self.state("identity")
    }

    /// Makes the folders of settings and state.
    ///
    /// # Errors
    /// When one is a link or in others' hands, or cannot be made.
    pub fn prepare(&self) -> Result<(), DiskError> {
        let root = Folder::root(&self.root)?;
        root.walk(Path::new(SETTINGS), Missing::Make)?;
        root.walk(Path::new(STATE), Missing::Make)?;
        Ok(())
    }
}
