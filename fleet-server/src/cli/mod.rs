//! The program: arguments in, data on standard output, talk on standard error, an exit code.

mod access;
mod arguments;

use std::fs::OpenOptions;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::arguments::{
    AdminToken, Arguments, Audit, BackupArgs, ById, Command, Config as ConfigCommand, ConfigArgs,
    ConfigToken, CreateToken, Device, Init, ListArgs, Session, Token,
};
use crate::config::Config;
use crate::error::ServeError;
use crate::fleet::{Fleet, NoHolds};
use crate::issue::{self, Wanted};
use crate::server::serve;
use crate::setup;
use crate::store::head::{self, Deed};
use crate::store::sql::StoreError;
use crate::store::tokens::{Grant, Rules, Scope, accesses, enrolments, revoke};
use crate::store::{Store, devices, dump};
use crate::telemetry;
use crate::world::{now, read};

/// Who does something at the console, for the audit log.
const CONSOLE: &str = "console";

/// Why a command did not do what it was asked to.
enum Ended {
    /// It found something.
    Findings(String),
    /// It was used wrongly.
    Usage(String),
    /// Something cannot be read or written.
    Unreadable(String),
}

impl<E: Into<ServeError>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Unreadable(error.into().to_string())
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return told(&error.to_string(), 70),
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(data) => print(&data),
        Err(Ended::Findings(text)) => told(&text, 1),
        Err(Ended::Usage(text)) => told(&text, 2),
        Err(Ended::Unreadable(text)) => told(&text, 4),
    }
}

fn told(text: &str, code: u8) -> ExitCode {
    // Where standard error is closed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "codex-fleet-server: {text}"));
    ExitCode::from(code)
}

fn say(text: &str) {
    drop(writeln!(std::io::stderr(), "{text}"));
}

fn print(data: &str) -> ExitCode {
    match std::io::stdout().write_all(data.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => told(&format!("cannot write: {error}"), 4),
    }
}

async fn run(command: Command) -> Result<String, Ended> {
    match command {
        Command::Init(arguments) => init(&arguments),
        Command::Run(arguments) => serve_until_told(&arguments).await,
        Command::Token(Token::Create(arguments)) => create_token(arguments).await,
        Command::Token(Token::List(arguments)) => list_tokens(&arguments).await,
        Command::Token(Token::Revoke(arguments))
        | Command::AdminToken(AdminToken::Revoke(arguments))
        | Command::ConfigToken(ConfigToken::Revoke(arguments)) => revoke_token(arguments).await,
        Command::AdminToken(AdminToken::Create { config, role, name, seconds }) => {
            if !codex_fleet::identity::is_name(&name, 64) {
                return Err(Ended::Usage("a name has 1 to 64 characters".to_owned()));
            }
            let store = store(&config)?;
            let grant = (Grant::Admin(role.into()), name.as_str());
            let (token, secret) = issue::access(&store, grant, seconds, CONSOLE).await?;
            say(&format!("token {}: it is shown once", token.id));
            Ok(format!("{}\n", secret.text()))
        }
        Command::ConfigToken(ConfigToken::Create { config, cohort, device, without_rules }) => {
            let rules = if without_rules { Rules::LeftOut } else { Rules::Needed };
            access::config_token(&config, (cohort, device), rules).await
        }
        Command::Device(Device::List(arguments)) => list_devices(&arguments).await,
        Command::Device(Device::Revoke(arguments)) => revoke_device(arguments).await,
        Command::Session(Session::List(arguments)) => access::list_sessions(&arguments).await,
        Command::Session(Session::End(arguments)) => access::end_session(arguments).await,
        Command::Audit(Audit::Verify(arguments)) => verify_audit(&arguments).await,
        Command::Audit(Audit::List(arguments)) => list_audit(&arguments).await,
        Command::Backup(arguments) => backup(arguments).await,
        Command::Restore(arguments) => restore(arguments).await,
        Command::Config(ConfigCommand::Check(arguments)) => check(&arguments).await,
    }
}

fn store(arguments: &ConfigArgs) -> Result<Store, Ended> {
    let config = load(&arguments.config)?;
    Ok(Store::open(&config.database)?)
}

fn load(path: &Path) -> Result<Config, Ended> {
    Config::load(path).map_err(|error| Ended::Unreadable(error.to_string()))
}

fn init(arguments: &Init) -> Result<String, Ended> {
    let root = read(&arguments.root, 1_000_000)?;
    let wanted = setup::Wanted {
        organisation: &arguments.organisation,
        root: &root,
        names: &arguments.names,
        listen: &arguments.listen,
        database: arguments.database.as_deref(),
    };
    let config = setup::init(&arguments.dir, &wanted)?;
    say(&format!(
        "made {}. Give {} to whoever talks to the server; keep the keys here",
        config.display(),
        arguments.dir.join(setup::AUTHORITY).display()
    ));
    Ok(format!("{}\n", config.display()))
}

async fn serve_until_told(arguments: &ConfigArgs) -> Result<String, Ended> {
    let config = load(&arguments.config)?;
    let (records, exporter) = match &config.telemetry {
        Some(settings) => telemetry::open(settings).map(|(one, other)| (Some(one), Some(other)))?,
        None => (None, None),
    };
    let filter = EnvFilter::try_from_env("CODEX_FLEET_LOG").unwrap_or_else(|_| "info".into());
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    tracing_subscriber::registry().with(filter).with(log).with(records).init();
    let running = serve(config, Arc::new(NoHolds)).await?;
    if let Some(exporter) = exporter {
        exporter.start(&running.fleet);
    }
    let mut lines = String::new();
    for address in &running.tls {
        lines += &format!("https://{address}\n");
    }
    for address in &running.plain {
        lines += &format!("http://{address}\n");
    }
    // Whoever started it waits for this.
    let mut out = std::io::stdout();
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
    let snapshot = running.fleet.snapshot();
    tracing::info!(release = snapshot.tree.version, revision = snapshot.head.revision, "serving");
    signalled().await;
    tracing::info!("ending: requests under way are answered");
    running.stop().await;
    Ok(String::new())
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut interrupt), Ok(_hangup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        // Who sends this wants files to be read again: the certificate is, in any case.
        signal(SignalKind::hangup()),
    ) else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    drop(tokio::signal::ctrl_c().await);
}

async fn create_token(arguments: CreateToken) -> Result<String, Ended> {
    let CreateToken { config, team, environment, groups, hosts, seconds, uses } = arguments;
    let (groups, hosts) = (groups.into_iter().collect(), hosts.into_iter().collect());
    let scope = Scope { team, environment, groups, hosts };
    issue::check_scope(&scope).map_err(Ended::Usage)?;
    if uses == 0 {
        return Err(Ended::Usage("`--uses` must be at least 1".to_owned()));
    }
    let store = store(&config)?;
    let wanted = Wanted { scope, seconds, uses };
    let (token, secret) = issue::enrolment(&store, wanted, CONSOLE).await?;
    say(&format!("token {}: it is shown once", token.id));
    Ok(format!("{}\n", secret.text()))
}

fn day(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map_or_else(|_| "?".to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn lines<T: Serialize>(values: &[T]) -> Result<String, Ended> {
    let line = |value| {
        serde_json::to_string(value)
            .map(|text| text + "\n")
            .map_err(|error| Ended::Unreadable(error.to_string()))
    };
    values.iter().map(line).collect()
}

async fn list_tokens(arguments: &ListArgs) -> Result<String, Ended> {
    let store = store(&arguments.config)?;
    let (enrolment, access) = store
        .read(|tx| Ok((enrolments(tx)?, accesses(tx)?.into_values().collect::<Vec<_>>())))
        .await?;
    if arguments.json {
        return Ok(lines(&enrolment)? + &lines(&access)?);
    }
    let state = |revoked: Option<i64>, expires: Option<i64>| match (revoked, expires) {
        (Some(at), _) => format!("revoked {}", day(at)),
        (None, Some(at)) if at <= now().as_millisecond() => format!("expired {}", day(at)),
        (None, Some(at)) => format!("until {}", day(at)),
        (None, None) => "for good".to_owned(),
    };
    let mut text = String::new();
    for token in enrolment {
        let Scope { team, environment, groups, hosts } = &token.scope;
        let listed = |names: &std::collections::BTreeSet<String>| match names.len() {
            0 => "-".to_owned(),
            _ => names.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        };
        text += &format!(
            "{}  enrolment  {}/{} used  {}  team {}  environment {}  groups {}  hosts {}\n",
            token.id,
            token.used,
            token.uses,
            state(token.revoked, Some(token.expires)),
            team.as_deref().unwrap_or("-"),
            environment.as_deref().unwrap_or("-"),
            listed(groups),
            listed(hosts),
        );
    }
    for token in access {
        let about = match &token.grant {
            Grant::Admin(role) => format!("{}  {}", role.word(), token.name),
            Grant::Config { cohort, rules: Rules::Needed } => format!("config  {cohort}"),
            Grant::Config { cohort, rules: Rules::LeftOut } => {
                format!("config  {cohort}, without rules")
            }
            Grant::Device { device, rules: Rules::Needed } => format!("config  device {device}"),
            Grant::Device { device, rules: Rules::LeftOut } => {
                format!("config  device {device}, without rules")
            }
        };
        text += &format!("{}  {about}  {}\n", token.id, state(token.revoked, token.expires));
    }
    Ok(text)
}

async fn revoke_token(arguments: ById) -> Result<String, Ended> {
    let store = store(&arguments.config)?;
    let (id, at) = (arguments.id.clone(), now());
    let revoked = store
        .write(move |tx| {
            let revoked = revoke(tx, &id, at)?;
            if revoked {
                head::log(tx, &deed("token revoked", &id))?;
            }
            Ok(revoked)
        })
        .await?;
    ended_well(revoked, "no token of this number is in use")
}

fn deed(action: &'static str, subject: &str) -> Deed {
    Deed {
        at: now(),
        actor: CONSOLE.to_owned(),
        action,
        subject: subject.to_owned(),
        detail: String::new(),
    }
}

fn ended_well(is_done: bool, otherwise: &str) -> Result<String, Ended> {
    if is_done { Ok(String::new()) } else { Err(Ended::Findings(otherwise.to_owned())) }
}

/// How many machines one question asks for.
const PAGE: i64 = 1_000;

async fn list_devices(arguments: &ListArgs) -> Result<String, Ended> {
    let store = store(&arguments.config)?;
    let (mut text, mut after) = (String::new(), String::new());
    loop {
        let from = after.clone();
        let page = store.read(move |tx| devices::list(tx, &from, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(text) };
        after.clone_from(&last.device);
        if arguments.json {
            text += &lines(&page)?;
            continue;
        }
        for one in page {
            let generation = one.generation.map_or_else(|| "-".to_owned(), |one| one.to_string());
            text += &format!(
                "{}  {}  {}  {} generation {generation}  {}  {}\n",
                one.device,
                one.claims.host,
                one.claims.team.as_deref().unwrap_or("-"),
                one.cohort.as_deref().unwrap_or("-"),
                one.state.as_deref().unwrap_or("-"),
                match (one.revoked, one.seen) {
                    (Some(at), _) => format!("revoked {}", day(at)),
                    (None, Some(at)) => format!("seen {}", day(at)),
                    (None, None) => "never seen".to_owned(),
                },
            );
        }
    }
}

async fn revoke_device(arguments: ById) -> Result<String, Ended> {
    let id = codex_fleet::identity::DeviceId::try_from(arguments.id)
        .map_err(|error| Ended::Usage(error.to_string()))?;
    let store = store(&arguments.config)?;
    let revoked = store
        .write(move |tx| {
            let revoked = devices::revoke(tx, &id, now())?;
            if revoked {
                head::log(tx, &deed("device revoked", id.as_str()))?;
            }
            Ok(revoked)
        })
        .await?;
    ended_well(revoked, "no such machine is enrolled")
}

async fn verify_audit(arguments: &ConfigArgs) -> Result<String, Ended> {
    match store(arguments)?.read(|tx| head::verify(tx)).await? {
        Ok(count) => {
            say(&format!("{count} entries, each as it was written"));
            Ok(String::new())
        }
        Err(broken) => Err(Ended::Findings(format!("the audit log was changed: {broken}"))),
    }
}

async fn list_audit(arguments: &ConfigArgs) -> Result<String, Ended> {
    let store = store(arguments)?;
    let (mut text, mut after) = (String::new(), 0);
    loop {
        let page = store.read(move |tx| head::entries(tx, after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(text) };
        after = i64::try_from(last.seq).unwrap_or(i64::MAX);
        text += &lines(&page)?;
    }
}

fn refused(error: dump::DumpError) -> StoreError {
    match error {
        dump::DumpError::Store(error) => error,
        other => StoreError::Refused(other.to_string()),
    }
}

async fn backup(arguments: BackupArgs) -> Result<String, Ended> {
    let store = store(&arguments.config)?;
    let path = arguments.file.clone();
    let rows = store
        .read(move |tx| {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path).map_err(|error| refused(error.into()))?;
            let mut out = GzEncoder::new(BufWriter::new(file), Compression::new(6));
            let rows = dump::backup(tx, &mut out).map_err(refused)?;
            let done = out.finish().and_then(|out| {
                out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
            });
            done.map_err(|error| refused(error.into()))?;
            Ok(rows)
        })
        .await?;
    say(&format!("{rows} rows. Keys are not in it: keep the folder of the configuration, too"));
    Ok(String::new())
}

async fn restore(arguments: BackupArgs) -> Result<String, Ended> {
    let store = store(&arguments.config)?;
    let path = arguments.file.clone();
    let rows = store
        .write(move |tx| {
            let file = std::fs::File::open(&path).map_err(|error| refused(error.into()))?;
            let mut from = BufReader::new(GzDecoder::new(BufReader::new(file)));
            // An error voids the transaction: all of it or nothing.
            let rows = dump::restore(tx, &mut from).map_err(refused)?;
            head::log(tx, &deed("backup restored", "database"))?;
            Ok(rows)
        })
        .await?;
    say(&format!("{rows} rows"));
    Ok(String::new())
}

async fn check(arguments: &ConfigArgs) -> Result<String, Ended> {
    let config = load(&arguments.config)?;
    let (chain, key) = (config.listen.certificate.clone(), config.listen.key.clone());
    let fleet = Fleet::open(config, Arc::new(NoHolds)).await?;
    let chain = crate::authority::certificates(&read(&chain, 1_000_000)?)?;
    let key = crate::authority::private_key(&read(&key, 1_000_000)?, "server key")?;
    let authority = fleet.authority().certificate().clone();
    let grace = std::time::Duration::from_secs(0);
    let shows = Arc::new(crate::tls::Shows::new(chain, key)?);
    crate::tls::config(crate::tls::Tls { shows, authority, grace })?;
    let trouble = fleet.trouble();
    if !trouble.is_empty() {
        return Err(Ended::Findings(trouble.join("; ")));
    }
    let snapshot = fleet.snapshot();
    say(&format!(
        "root version {}, release {}, revision {}",
        setup::version_of(fleet.root()).unwrap_or(0),
        snapshot.tree.version,
        snapshot.head.revision
    ));
    Ok(String::new())
}
