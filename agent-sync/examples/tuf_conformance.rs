//! The client that the conformance suite of The Update Framework drives (its `CLIENT-CLI.md`), on
//! the store, the transport and the cryptography that endpoints use.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use codex_agent_sync::address::encoded;
use codex_agent_sync::store::FileStore;
use codex_agent_sync::transport::{HttpTransport, Pace, Settings};
use codex_trust::refresh::{Limits, Session, refresh};
use codex_trust::store::MetadataStore as _;

type Failure = Box<dyn std::error::Error>;

/// How long another run is waited for.
const WAIT: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Arguments {
    metadata_dir: Option<PathBuf>,
    metadata_url: Option<String>,
    target_names: Vec<String>,
    target_base_url: Option<String>,
    target_dir: Option<PathBuf>,
    words: Vec<String>,
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, Failure> {
    let mut arguments = Arguments::default();
    while let Some(word) = given.next() {
        if !word.starts_with("--") {
            arguments.words.push(word);
            continue;
        }
        let value = given.next().ok_or_else(|| format!("`{word}` wants a value"))?;
        match word.as_str() {
            "--metadata-dir" => arguments.metadata_dir = Some(value.into()),
            "--metadata-url" => arguments.metadata_url = Some(value),
            "--target-name" => arguments.target_names.push(value),
            "--target-base-url" => arguments.target_base_url = Some(value),
            "--target-dir" => arguments.target_dir = Some(value.into()),
            _ => return Err(format!("there is no `{word}`").into()),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let folder = arguments.metadata_dir.as_deref().ok_or("`--metadata-dir` is missing")?;
    let store = FileStore::open(folder, WAIT)?;
    let words: Vec<&str> = arguments.words.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["init", root] => {
            let root = std::fs::read(root)?;
            codex_trust::refresh::check_root(&root)?;
            Ok(store.store("root.json", &root)?)
        }
        ["refresh"] => session(arguments, store).map(drop),
        ["download"] => {
            let mut session = session(arguments, store)?;
            let into = arguments.target_dir.as_deref().ok_or("`--target-dir` is missing")?;
            arguments.target_names.iter().try_for_each(|name| download(&mut session, name, into))
        }
        _ => Err("one of `init ROOT`, `refresh`, `download`".into()),
    }
}

fn session(arguments: &Arguments, store: FileStore) -> Result<Session, Failure> {
    let metadata = arguments.metadata_url.clone().ok_or("`--metadata-url` is missing")?;
    let transport = HttpTransport::new(&Settings {
        targets: arguments.target_base_url.clone().unwrap_or_else(|| metadata.clone()),
        metadata,
        proxy: None,
        authorities: None,
        identity: None,
        pace: Pace::default(),
    })?;
    let now = jiff::Timestamp::now();
    Ok(refresh(Arc::new(transport), Arc::new(store), now, Limits::default())?)
}

fn download(session: &mut Session, name: &str, into: &Path) -> Result<(), Failure> {
    let fetched = session.fetch(name)?.ok_or_else(|| format!("there is no target `{name}`"))?;
    let file = into.join(encoded(name));
    // The suite tells by the time of a file whether its content is new.
    if std::fs::read(&file).ok().as_deref() != Some(&*fetched.bytes) {
        std::fs::write(file, fetched.bytes)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "what went wrong, for who reads the suite")]
            {
                eprintln!("tuf_conformance: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
