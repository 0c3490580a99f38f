//! Refreshes a trust store from a release in a folder and prints what was found. The driver of
//! injected faults runs it, and it shows the whole of the client's work without a network.
//!
//! `refresh_folder STORE RELEASE TIME [TARGET…]`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use codex_agent_sync::store::FileStore;
use codex_agent_sync::transport::DirectoryTransport;
use codex_trust::refresh::{Limits, refresh};

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [store, release, now, targets @ ..] = arguments else {
        return Err("refresh_folder STORE RELEASE TIME [TARGET…]".into());
    };
    let store = FileStore::open(Path::new(store), Duration::from_secs(5))?;
    let transport = DirectoryTransport::new(release.into());
    let (transport, store) = (Arc::new(transport), Arc::new(store));
    let mut session = refresh(transport, store, now.parse()?, Limits::default())?;
    for target in targets {
        session.fetch(target)?.ok_or_else(|| format!("there is no target `{target}`"))?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "what went wrong")]
            {
                eprintln!("refresh_folder: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
