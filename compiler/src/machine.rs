//! What is known about the machine that is asked about. Everything is an argument: nothing below
//! this looks at the real world.

use codex_schema::version::Version;

/// The operating system whose rules apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
}

impl From<codex_schema::types::policy::System> for Os {
    fn from(system: codex_schema::types::policy::System) -> Self {
        use codex_schema::types::policy::System;
        match system {
            System::Linux => Self::Linux,
            System::Macos => Self::Macos,
            System::Windows => Self::Windows,
        }
    }
}

impl Os {
    /// The system this program was built for.
    pub const HERE: Self = if cfg!(target_os = "macos") {
        Self::Macos
    } else if cfg!(target_os = "windows") {
        Self::Windows
    } else {
        Self::Linux
    };

    /// The folder of system-wide policy and configuration.
    pub fn system_folder(self) -> &'static str {
        match self {
            Self::Linux | Self::Macos => "/etc/codex",
            Self::Windows => "C:\\ProgramData\\OpenAI\\Codex",
        }
    }

    /// A file in the system folder.
    pub fn system_file(self, name: &str) -> String {
        let separator = if self == Self::Windows { '\\' } else { '/' };
        format!("{}{separator}{name}", self.system_folder())
    }
}

/// The machine, the person's session on it, and the Codex whose behaviour is predicted.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Operating system.
    pub os: Os,
    /// Host name as the kernel reports it.
    pub hostname: String,
    /// The user's home folder.
    pub home: String,
    /// `CODEX_HOME`.
    pub codex_home: String,
    /// The folder Codex would be started in.
    pub cwd: String,
    /// The Codex version.
    pub version: Version,
}
