//! A private key as an argument names it: `FILE`, or `command:PROGRAM ARG…`.

use codex_trust::keys::{PublicKey, Signer};
use zeroize::Zeroizing;

use super::command::{CommandError, CommandKey, Limits};
use super::key_file::{self, KeyError, Passphrase};
use crate::files::{Content, Files, RealFiles};
use crate::sources::rules_file::shell_words;

/// How a program instead of a file is named.
const COMMAND: &str = "command:";

/// Gives the passphrase of a file, by the file's name; an error says why there is none.
pub type Ask<'ask> = dyn Fn(&str) -> Result<Passphrase, String> + 'ask;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is not there or cannot be read.
    #[error("{0}")]
    File(String),
    /// The file holds no key, or the passphrase is another one.
    #[error("{name}: {problem}")]
    Key {
        /// The file.
        name: String,
        /// What is wrong with it.
        problem: KeyError,
    },
    /// There is no passphrase.
    #[error("there is no passphrase for {name}: {problem}")]
    NoPassphrase {
        /// The file.
        name: String,
        /// Why there is none.
        problem: String,
    },
    /// The program is not named as a program is.
    #[error("write `command:PROGRAM ARG…`, with quotes as in a shell")]
    Words,
    /// The program gives no key.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Opens a key. `passphrase` is asked for files only, and only when the file holds a key.
///
/// # Errors
/// When there is no key, or it cannot be opened.
pub fn open(spec: &str, passphrase: &Ask<'_>) -> Result<Box<dyn Signer>, OpenError> {
    if let Some(line) = spec.strip_prefix(COMMAND) {
        return Ok(Box::new(command(line)?));
    }
    let text = text_of(spec)?;
    let name = spec.to_owned();
    if let Err(problem) = key_file::encrypted(&text) {
        return Err(OpenError::Key { name, problem });
    }
    let passphrase = match passphrase(spec) {
        Ok(passphrase) => passphrase,
        Err(problem) => return Err(OpenError::NoPassphrase { name, problem }),
    };
    match key_file::open(&text, &passphrase) {
        Ok(key) => Ok(Box::new(key)),
        Err(problem) => Err(OpenError::Key { name, problem }),
    }
}

/// The public key. A file that names it in clear is believed; others need the passphrase.
///
/// # Errors
/// When there is no key, or it cannot be opened.
pub fn public(spec: &str, passphrase: &Ask<'_>) -> Result<PublicKey, OpenError> {
    if let Some(line) = spec.strip_prefix(COMMAND) {
        return Ok(command(line)?.public());
    }
    let text = text_of(spec)?;
    if let Err(problem) = key_file::encrypted(&text) {
        return Err(OpenError::Key { name: spec.to_owned(), problem });
    }
    match key_file::public(&text) {
        Some(public) => Ok(public),
        None => Ok(open(spec, passphrase)?.public()),
    }
}

fn command(line: &str) -> Result<CommandKey, OpenError> {
    let words = shell_words::split(line).filter(|words| !words.is_empty());
    Ok(CommandKey::ask(words.ok_or(OpenError::Words)?, Limits::default())?)
}

fn text_of(name: &str) -> Result<Zeroizing<String>, OpenError> {
    /// No key file is longer.
    const LIMIT: usize = 64 * 1024;
    let text = match RealFiles::new(None).read(name) {
        Content::Bytes(bytes) if bytes.len() <= LIMIT => String::from_utf8(bytes).ok(),
        Content::Bytes(_) => None,
        Content::Absent => return Err(OpenError::File(format!("there is no file {name}"))),
        Content::Unreadable(reason) => {
            return Err(OpenError::File(format!("cannot read {name}: {reason}")));
        }
    };
    text.map(Zeroizing::new)
        .ok_or_else(|| OpenError::Key { name: name.to_owned(), problem: KeyError::NoKey })
}
