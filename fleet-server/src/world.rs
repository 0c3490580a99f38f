//! The clock, the dice and the files: the only place of this crate that looks at them.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use jiff::Timestamp;
use ring::rand::{SecureRandom as _, SystemRandom};

/// What the system did not do.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A file.
    #[error("cannot {action} {path}: {error}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// Which one.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is longer than it may be.
    #[error("{path} has more than {most} bytes")]
    TooLong {
        /// Which one.
        path: String,
        /// The limit.
        most: u64,
    },
    /// The dice.
    #[error("the system gives no random numbers")]
    Random,
}

/// The time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Random bytes, fit for secrets.
///
/// # Errors
/// When the system has none.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], WorldError> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes).map_err(|_| WorldError::Random)?;
    Ok(bytes)
}

/// The text of a file that is not too long.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, WorldError> {
    let name = path.display().to_string();
    let failed = |error| WorldError::File { action: "read", path: name.clone(), error };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
        return Err(WorldError::TooLong { path: name, most });
    }
    Ok(bytes)
}

/// Writes a new file that only its owner can read; one that is there is left alone.
///
/// # Errors
/// When it is there already or cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WorldError> {
    let failed =
        |error| WorldError::File { action: "write", path: path.display().to_string(), error };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)
}
