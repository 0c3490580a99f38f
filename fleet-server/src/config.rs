//! The one file that says how a server runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::oidc;
use crate::rollout::Unplanned;
use crate::store::Place;
use crate::world::{WorldError, read};

/// The most bytes of the file.
const MAX_BYTES: u64 = 65_536;

/// How a server runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The organisation, as its root and its certificates name it.
    pub organisation: String,
    /// The database.
    pub database: Place,
    /// The root that releases are held against.
    pub root: PathBuf,
    /// How many releases back are served: endpoints may be in the middle of one.
    pub keep_releases: u32,
    /// Who may read the release over TLS.
    pub release_readers: ReleaseReaders,
    /// Where it listens.
    pub listen: Listen,
    /// Who becomes part of the fleet.
    pub enrolment: Enrolment,
    /// How often endpoints come.
    pub pace: Pace,
    /// The most of everything.
    pub limits: Limits,
    /// How rollouts go.
    pub rollouts: Rollouts,
    /// Where a line of the policy can be read, with `{commit}`, `{path}` and `{line}`.
    pub policy_link: Option<String>,
    /// How people and Codex are known by an identity provider; none where they are not.
    pub oidc: Option<oidc::Settings>,
    /// Who is told how the server fares; nobody where there is none.
    pub telemetry: Option<Telemetry>,
}

/// An OpenTelemetry collector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Its address, such as `https://collector.bank.example:4318`; `/v1/metrics` and `/v1/logs` are
    /// below it.
    pub endpoint: String,
    /// The authority behind it, PEM; those of the Mozilla programme where there is none.
    pub authority: Option<PathBuf>,
    /// A file with the value of the header `authorization`.
    pub authorization: Option<PathBuf>,
    /// How often figures are sent, in seconds.
    #[serde(default = "fifteen")]
    pub seconds: u64,
}

fn fifteen() -> u64 {
    15
}

/// How rollouts go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rollouts {
    /// Who gets a bundle for which no rollout was started.
    pub unplanned: Unplanned,
    /// How often the planner looks, in milliseconds.
    pub step_milliseconds: u64,
}

impl Default for Rollouts {
    fn default() -> Self {
        Self { unplanned: Unplanned::Everybody, step_milliseconds: 15_000 }
    }
}

/// Who may read the release over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReleaseReaders {
    /// Enrolled machines and administrators: a policy tells what a company protects, and how.
    #[default]
    Fleet,
    /// Anybody: a public mirror.
    Anyone,
}

/// Where a server listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Addresses with TLS, for endpoints, administrators and Codex.
    pub tls: Vec<SocketAddr>,
    /// Addresses without, for a proxy or a scraper on this machine: the release, health and metrics.
    #[serde(default)]
    pub plain: Vec<SocketAddr>,
    /// The certificates that the server shows, its own first, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// Who becomes part of the fleet.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The certificate of the enrolment authority, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// The key that signs answers to check-ins, PEM.
    pub freshness_key: PathBuf,
    /// For how many days a certificate is good.
    #[serde(default = "thirty")]
    pub days: u16,
    /// For how many days after that it can still be renewed, and nothing else.
    #[serde(default = "thirty")]
    pub grace_days: u16,
}

fn thirty() -> u16 {
    30
}

/// How often endpoints come.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// In how many seconds an endpoint checks in again.
    pub again_seconds: u64,
    /// After how many seconds at most the push channel says that it is alive.
    pub heartbeat_seconds: u64,
    /// Over how many milliseconds endpoints spread when a server has gone, and at most after a hint.
    pub spread_milliseconds: u64,
    /// How many endpoints come within a second of a hint: few of them need not spread.
    pub hinted_per_second: u64,
    /// How often the database is asked whether another server changed something, in milliseconds.
    pub poll_milliseconds: u64,
    /// For how many seconds a server that ends lets requests finish.
    pub drain_seconds: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            again_seconds: 900,
            heartbeat_seconds: 60,
            spread_milliseconds: 2_000,
            hinted_per_second: 1_000,
            poll_milliseconds: 1_000,
            drain_seconds: 10,
        }
    }
}

/// The most of everything, in one process.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections.
    pub connections: usize,
    /// Push channels among them.
    pub push_channels: usize,
    /// Requests that wait for a change.
    pub waiting: usize,
    /// Seconds for a TLS handshake.
    pub handshake_seconds: u64,
    /// Seconds until the head of a request is there; an idle connection has as long.
    pub head_seconds: u64,
    /// Seconds until the body of a request is there.
    pub body_seconds: u64,
    /// Seconds that a write may stand still.
    pub stall_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            push_channels: 18_000,
            waiting: 4_000,
            handshake_seconds: 10,
            head_seconds: 10,
            body_seconds: 10,
            stall_seconds: 10,
        }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    organisation: String,
    database: String,
    root: PathBuf,
    #[serde(default = "ten")]
    keep_releases: u32,
    #[serde(default)]
    release_readers: ReleaseReaders,
    listen: Listen,
    enrolment: Enrolment,
    #[serde(default)]
    pace: Pace,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    rollouts: Rollouts,
    policy_link: Option<String>,
    oidc: Option<oidc::Settings>,
    telemetry: Option<Telemetry>,
}

fn ten() -> u32 {
    10
}

/// Why a server cannot be run from a file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error(transparent)]
    World(#[from] WorldError),
    /// It is no TOML, or has a name or value that it cannot have.
    #[error("{path}:{line}:{column}: {problem}")]
    Form {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// What it says cannot be. All problems at once.
    #[error("{}", .0.join("\n"))]
    Meaning(Vec<String>),
}

impl Config {
    /// Reads a file. Relative paths in it start from its folder.
    ///
    /// # Errors
    /// When it cannot be read, or says what cannot be.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let bytes = read(path, MAX_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|error| ConfigError::Form {
            path: path.display().to_string(),
            line: 1,
            column: 1,
            problem: error.to_string(),
        })?;
        Self::parse(&text, path)
    }

    /// The configuration of a text that stands in a file.
    ///
    /// # Errors
    /// When it says what cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            ConfigError::Form {
                path: path.display().to_string(),
                line: before.matches('\n').count() + 1,
                column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
                problem: error.message().to_owned(),
            }
        })?;
        let problems = problems(&written);
        if !problems.is_empty() {
            let name = path.display();
            let lines = problems.into_iter().map(|problem| format!("{name}: {problem}"));
            return Err(ConfigError::Meaning(lines.collect()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let inside = |path: PathBuf| folder.join(path);
        let Written {
            organisation,
            database,
            root,
            keep_releases,
            release_readers,
            listen,
            enrolment,
            pace,
            limits,
            rollouts,
            policy_link,
            oidc,
            telemetry,
        } = written;
        let database = match Place::of(&database) {
            Place::File(path) => Place::File(inside(path)),
            Place::Address(address) => Place::Address(address),
        };
        Ok(Self {
            organisation,
            database,
            root: inside(root),
            keep_releases,
            release_readers,
            listen: Listen {
                certificate: inside(listen.certificate),
                key: inside(listen.key),
                ..listen
            },
            enrolment: Enrolment {
                certificate: inside(enrolment.certificate),
                key: inside(enrolment.key),
                freshness_key: inside(enrolment.freshness_key),
                ..enrolment
            },
            pace,
            limits,
            rollouts,
            policy_link,
            oidc: oidc.map(|settings| settings.inside(folder)),
            telemetry: telemetry.map(|telemetry| Telemetry {
                authority: telemetry.authority.map(inside),
                authorization: telemetry.authorization.map(inside),
                ..telemetry
            }),
        })
    }
}

/// All that cannot be.
fn problems(written: &Written) -> Vec<String> {
    let Written { organisation, keep_releases, listen, enrolment, pace, limits, .. } = written;
    let Written { rollouts, policy_link, telemetry, .. } = written;
    let mut problems = Vec::new();
    let mut wrong = |is_wrong: bool, problem: &str| {
        if is_wrong {
            problems.push(problem.to_owned());
        }
    };
    wrong(
        !codex_fleet::identity::is_name(organisation, codex_fleet::identity::MAX_CLAIM),
        "`organisation` must have 1 to 255 characters, none of them a control character",
    );
    wrong(*keep_releases == 0, "`keep_releases` must be at least 1");
    wrong(
        listen.tls.is_empty(),
        "`listen.tls` names no address: write for example `[\"[::]:8443\"]`",
    );
    wrong(enrolment.days == 0, "`enrolment.days` must be at least 1");
    wrong(!(60..=86_400).contains(&pace.again_seconds), "`pace.again_seconds` must be 60 to 86400");
    wrong(
        !(1..=3_600).contains(&pace.heartbeat_seconds),
        "`pace.heartbeat_seconds` must be 1 to 3600",
    );
    wrong(
        pace.spread_milliseconds > codex_fleet::push::MAX_SPREAD,
        "`pace.spread_milliseconds` must be 3600000 at most",
    );
    wrong(pace.hinted_per_second == 0, "`pace.hinted_per_second` must be at least 1");
    wrong(
        !(50..=10_000).contains(&pace.poll_milliseconds),
        "`pace.poll_milliseconds` must be 50 to 10000",
    );
    wrong(
        !(100..=300_000).contains(&rollouts.step_milliseconds),
        "`rollouts.step_milliseconds` must be 100 to 300000",
    );
    wrong(
        policy_link.as_ref().is_some_and(|link| !link.starts_with("https://")),
        "`policy_link` must begin with `https://`",
    );
    if let Some(Telemetry { endpoint, seconds, authority: _, authorization }) = telemetry {
        wrong(
            !endpoint.starts_with("https://") && !endpoint.starts_with("http://"),
            "`telemetry.endpoint` must begin with `https://` or `http://`",
        );
        wrong(
            authorization.is_some() && !endpoint.starts_with("https://"),
            "`telemetry.authorization` is a secret: it needs an `endpoint` with `https://`",
        );
        wrong(!(1..=3_600).contains(seconds), "`telemetry.seconds` must be 1 to 3600");
    }
    wrong(pace.drain_seconds > 600, "`pace.drain_seconds` must be 600 at most");
    wrong(limits.connections == 0, "`limits.connections` must be at least 1");
    for (name, value) in [
        ("handshake_seconds", limits.handshake_seconds),
        ("head_seconds", limits.head_seconds),
        ("body_seconds", limits.body_seconds),
        ("stall_seconds", limits.stall_seconds),
    ] {
        wrong(!(1..=15).contains(&value), &format!("`limits.{name}` must be 1 to 15"));
    }
    problems.extend(written.oidc.iter().flat_map(oidc::Settings::problems));
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "organisation = 'Example Bank'\ndatabase = 'fleet.sqlite'\nroot = 'root.json'\n\
        [listen]\ntls = ['127.0.0.1:0']\ncertificate = 'server.pem'\nkey = 'server.key'\n\
        [enrolment]\ncertificate = 'ca.pem'\nkey = 'ca.key'\nfreshness_key = 'freshness.key'\n";

    fn problem(text: &str) -> String {
        Config::parse(text, Path::new("fleet.toml")).expect_err("is wrong").to_string()
    }

    #[test]
    fn paths_start_from_the_file() {
        let config = Config::parse(GOOD, Path::new("/srv/fleet/fleet.toml")).expect("is right");
        assert_eq!(config.listen.key, Path::new("/srv/fleet/server.key"));
        assert_eq!(config.database, Place::File("/srv/fleet/fleet.sqlite".into()));
    }

    #[test]
    fn an_unknown_name_has_its_place() {
        let text = format!("{GOOD}[limits]\nconections = 3\n");
        assert!(
            problem(&text).starts_with("fleet.toml:13:1: unknown field `conections`"),
            "{}",
            problem(&text)
        );
        assert!(problem("a = [").starts_with("fleet.toml:1:"));
    }

    #[test]
    fn all_that_cannot_be_is_said_at_once() {
        let text = format!(
            "keep_releases = 0\n{GOOD}[pace]\nagain_seconds = 1\n[limits]\nhead_seconds = 60\n"
        );
        let lines = problem(&text);
        assert_eq!(lines.lines().count(), 3, "{lines}");
        assert!(lines.contains("`limits.head_seconds` must be 1 to 15"), "{lines}");
    }

    #[test]
    fn an_identity_provider_is_looked_at_with_the_rest() {
        let table = "[oidc]\nissuer = 'https://id.example'\nurl = 'https://fleet.example'\n\
                     client_id = 'fleet'\nclient_secret_file = 'oidc.secret'\n";
        let good = format!("{GOOD}{table}roles = {{ chiefs = 'admin' }}\n");
        let config = Config::parse(&good, Path::new("/srv/fleet/fleet.toml")).expect("is right");
        let settings = config.oidc.expect("is there");
        assert_eq!(settings.client_secret_file, Some("/srv/fleet/oidc.secret".into()));
        let lines = problem(&format!("keep_releases = 0\n{GOOD}{table}"));
        assert_eq!(lines.lines().count(), 2, "{lines}");
        assert!(lines.contains("`oidc` lets nobody in"), "{lines}");
        let chief = good.replace("'admin'", "'chief'");
        assert!(problem(&chief).contains("unknown variant `chief`"), "{}", problem(&chief));
    }
}
