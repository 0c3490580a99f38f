//! The settings of a machine's agent: `/etc/codex-agent/agent.toml`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::layout::Layout;
use crate::proxy::{NONE, Proxies, ProxyAddress};
use crate::transport::{ClientIdentity, Pace, Settings};

/// The most bytes of settings, of a root and of authorities.
const LARGEST: u64 = 1_000_000;

/// Settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The organisation.
    pub organisation: String,
    /// The fleet server's address; none where only a release is followed.
    #[serde(default)]
    pub server: Option<String>,
    /// Where the release lies, where that is not the server: an address, or a folder.
    #[serde(default)]
    pub release: Option<String>,
    /// A proxy's address, or [`NONE`]. Where this is not said, the environment is asked.
    #[serde(default)]
    pub proxy: Option<ProxyAddress>,
    /// Authorities for the server's certificate, PEM: the only ones then.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// Programs that are Codex, beside those in the usual places; or folders that npm filled.
    #[serde(default)]
    pub codex: Vec<PathBuf>,
    /// What the environment says of proxies: whoever starts the program reads it.
    #[serde(skip)]
    pub proxies: Proxies,
}

/// Why settings are not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ConfigError {
    path: String,
    problem: String,
}

impl ConfigError {
    fn at(path: &Path, problem: &impl ToString) -> Self {
        Self { path: path.display().to_string(), problem: problem.to_string() }
    }
}

/// Where a release lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// On a web server.
    Web(Box<Settings>),
    /// In a folder.
    Folder(PathBuf),
}

impl Config {
    /// Reads the settings of a machine.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that is none; with the place.
    pub fn read(layout: &Layout) -> Result<Self, ConfigError> {
        let path = layout.config();
        let bytes = read(&path)?;
        let text = String::from_utf8(bytes).map_err(|error| ConfigError::at(&path, &error))?;
        Self::parse(&text).map_err(|problem| ConfigError::at(&path, &problem))
    }

    /// Reads settings from a text.
    ///
    /// # Errors
    /// A sentence with the place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if config.server.is_none() && config.release.is_none() {
            return Err("say where the policy comes from: `server = \"https://…\"`, or `release` \
                        with an address or a folder"
                .to_owned());
        }
        let relative = config.codex.iter().find(|path| !path.is_absolute());
        match relative {
            Some(path) => {
                Err(format!("`codex` has `{}`, which is no absolute path", path.display()))
            }
            None => Ok(config),
        }
    }

    /// Where the release lies.
    ///
    /// # Errors
    /// When the file of authorities cannot be read.
    pub fn source(&self, identity: Option<ClientIdentity>) -> Result<Source, ConfigError> {
        let place = self.release.clone();
        if let Some(folder) = place.as_ref().filter(|place| place.starts_with('/')) {
            return Ok(Source::Folder(PathBuf::from(folder)));
        }
        let server = self.server.clone().unwrap_or_default();
        let base = place.unwrap_or_else(|| format!("{}/release", server.trim_end_matches('/')));
        self.settings(&base, identity).map(|settings| Source::Web(Box::new(settings)))
    }

    /// How a base address is reached.
    ///
    /// # Errors
    /// When the file of authorities cannot be read.
    pub fn settings(
        &self,
        base: &str,
        identity: Option<ClientIdentity>,
    ) -> Result<Settings, ConfigError> {
        let base = base.trim_end_matches('/');
        Ok(Settings {
            metadata: format!("{base}/metadata"),
            targets: format!("{base}/targets"),
            proxy: self.proxy_of(base),
            authorities: self.authorities.as_deref().map(read).transpose()?,
            identity,
            pace: Pace::default(),
        })
    }

    /// The proxy for an address: settings come before the environment.
    pub fn proxy_of(&self, address: &str) -> Option<ProxyAddress> {
        match &self.proxy {
            Some(proxy) if proxy.as_str() == NONE => None,
            Some(proxy) => Some(proxy.clone()),
            None => self.proxies.of_address(address),
        }
    }

    /// The settings as a file.
    pub fn text(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut out = "# The agent's settings: see `codex-agent --help`.\n".to_owned();
        let lines = [
            ("organisation", Some(self.organisation.as_str())),
            ("server", self.server.as_deref()),
            ("release", self.release.as_deref()),
            ("proxy", self.proxy.as_ref().map(ProxyAddress::as_str)),
            ("authorities", self.authorities.as_deref().and_then(Path::to_str)),
        ];
        for (name, value) in lines {
            out.extend(value.map(|value| format!("{name} = {}\n", quoted(value))));
        }
        let codex: Vec<String> =
            self.codex.iter().map(|path| quoted(&path.display().to_string())).collect();
        if !codex.is_empty() {
            out.push_str(&format!("codex = [{}]\n", codex.join(", ")));
        }
        out
    }
}

/// Reads a file of an administrator's, up to a limit.
///
/// # Errors
/// When it cannot be read, or is longer.
pub fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| ConfigError::at(path, &error))?;
    let mut bytes = Vec::new();
    let taken = file.take(LARGEST + 1).read_to_end(&mut bytes);
    taken.map_err(|error| ConfigError::at(path, &error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(ConfigError::at(path, &format!("it has more than {LARGEST} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_the_same_after_writing_and_reading() {
        let config = Config {
            organisation: "Example \"Bank\"".to_owned(),
            server: Some("https://fleet.bank.example".to_owned()),
            release: None,
            proxy: Some("http://proxy.bank.example:3128".to_owned().into()),
            authorities: Some("/etc/codex-agent/ca.pem".into()),
            codex: vec!["/opt/codex".into()],
            proxies: Proxies::default(),
        };
        assert_eq!(Config::parse(&config.text()), Ok(config));
    }

    #[test]
    fn a_proxy_of_settings_comes_before_that_of_the_environment_and_none_is_none() {
        let address = "https://fleet.bank.example";
        let of = |line: &str| {
            let text = format!("organisation = 'B'\nserver = '{address}'\n{line}");
            let mut config = Config::parse(&text).unwrap();
            config.proxies = Proxies::of(|name| {
                (name == "HTTPS_PROXY").then(|| "http://environment.example:1".to_owned())
            });
            config.settings(address, None).unwrap().proxy.map(|one| one.as_str().to_owned())
        };
        assert_eq!(of("").as_deref(), Some("http://environment.example:1"));
        assert_eq!(of("proxy = 'http://own.example:1'").as_deref(), Some("http://own.example:1"));
        assert_eq!(of("proxy = 'none'"), None);
        let config = Config::parse(
            "organisation = 'B'\nserver = 's'\nproxy = 'http://ana:secret@proxy.example'\n",
        );
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let problem = |text: &str| Config::parse(text).unwrap_err();
        assert!(problem("organisation = 'B'\nsever = 'x'\n").contains("line 2, column 1"));
        assert!(problem("organisation = 'B'\n").contains("server = "));
        assert!(problem("organisation = 'B'\nserver = 's'\ncodex = ['bin']\n").contains("`bin`"));
    }
}
