//! What `init` makes: a folder with everything that a server needs.

use std::path::{Path, PathBuf};

use codex_trust::document::{Envelope, Root};
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;

use crate::authority::{Authority, new_authority};
use crate::error::ServeError;
use crate::store::{Place, Store};
use crate::world::{now, write_private};

/// What a server is to be.
#[derive(Clone, Debug)]
pub struct Wanted<'all> {
    /// The organisation.
    pub organisation: &'all str,
    /// The root that releases are held against.
    pub root: &'all [u8],
    /// The names and addresses that endpoints will use.
    pub names: &'all [String],
    /// Where it listens with TLS.
    pub listen: &'all str,
    /// The database, where it is no file in the folder.
    pub database: Option<&'all str>,
}

/// The name of the configuration in the folder.
pub const CONFIG: &str = "fleet.toml";

/// The name of the authority's certificate, which endpoints and administrators are given.
pub const AUTHORITY: &str = "authority.pem";

/// Makes the folder. Nothing that is there is written over.
///
/// # Errors
/// When the root is none, or something cannot be made.
pub fn init(folder: &Path, wanted: &Wanted<'_>) -> Result<PathBuf, ServeError> {
    let Wanted { organisation, root, names, listen, database } = wanted;
    codex_trust::refresh::check_root(root)
        .map_err(|error| ServeError::Key(format!("the root cannot be used: {error}")))?;
    // A folder of which others can change the files is no place for keys.
    let made = std::fs::create_dir_all(folder);
    made.map_err(|error| ServeError::Key(format!("cannot make {}: {error}", folder.display())))?;
    let config = folder.join(CONFIG);
    if config.exists() {
        return Err(ServeError::Key(format!("{} is there already", config.display())));
    }
    let now = now();
    let pair = new_authority(organisation, now)?;
    let server = Authority::new(&pair)?.server(names, now)?;
    let freshness = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| ServeError::Key("no key can be made".to_owned()))?;
    let text = text(organisation, database.unwrap_or("fleet.sqlite"), listen);
    crate::config::Config::parse(&text, &config)?;
    for (name, content) in [
        ("root.json", *root),
        (AUTHORITY, pair.certificate.as_bytes()),
        ("authority.key", pair.key.as_bytes()),
        ("server.pem", format!("{}{}", server.certificate, pair.certificate).as_bytes()),
        ("server.key", server.key.as_bytes()),
        ("freshness.key", pem(freshness.as_ref()).as_bytes()),
    ] {
        write_private(&folder.join(name), content)?;
    }
    if database.is_none() {
        write_private(&folder.join("fleet.sqlite"), b"")?;
    }
    Store::open(&match database {
        Some(address) => Place::of(address),
        None => Place::File(folder.join("fleet.sqlite")),
    })?;
    // Last: a folder with a configuration is complete.
    write_private(&config, text.as_bytes())?;
    Ok(config)
}

fn pem(key: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(key);
    let lines: Vec<String> =
        body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"))
}

fn text(organisation: &str, database: &str, listen: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    format!(
        "# The fleet server of {comment}. `codex-fleet-server config check` holds it against what can be.\n\
         organisation = {organisation}\n\
         # A file, or postgres://USER@HOST/DATABASE where several servers share one.\n\
         database = {database}\n\
         # The root that every release is held against.\n\
         root = \"root.json\"\n\
         # How many releases back are served: endpoints may be in the middle of one.\n\
         keep_releases = 10\n\
         # Who may read the release over TLS: \"fleet\" (machines and administrators) or \"anyone\".\n\
         release_readers = \"fleet\"\n\
         \n\
         [listen]\n\
         tls = [{listen}]\n\
         # Without TLS, behind a proxy: the release, /healthz and /readyz, and nothing else.\n\
         plain = []\n\
         certificate = \"server.pem\"\n\
         key = \"server.key\"\n\
         \n\
         [enrolment]\n\
         certificate = \"authority.pem\"\n\
         key = \"authority.key\"\n\
         freshness_key = \"freshness.key\"\n\
         # A certificate is good for so many days, and can be renewed for so many days after.\n\
         days = 30\n\
         grace_days = 30\n\
         \n\
         [pace]\n\
         again_seconds = 900\n\
         heartbeat_seconds = 60\n\
         # After a hint so many endpoints come within a second, and all within so many\n\
         # milliseconds, over which they also spread when a server has gone.\n\
         hinted_per_second = 1000\n\
         spread_milliseconds = 2000\n\
         \n\
         [limits]\n\
         connections = 20000\n\
         push_channels = 18000\n",
        comment = organisation.replace(char::is_control, " "),
        organisation = quoted(organisation),
        database = quoted(database),
        listen = quoted(listen),
    )
}

/// The version of a root, for people.
pub fn version_of(root: &[u8]) -> Option<u64> {
    Some(Envelope::read(root).ok()?.document::<Root>().ok()?.version)
}
