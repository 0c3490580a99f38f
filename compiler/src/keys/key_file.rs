//! A private key at rest: PKCS #8, encrypted (PBES2: scrypt and AES-256), in PEM, as `openssl pkey`
//! reads it too. The public key stands in clear above it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use codex_trust::keys::{MemoryKey, PublicKey, Signer};
use pkcs8::der::Decode;
use pkcs8::der::pem::{LineEnding, PemLabel};
use pkcs8::pkcs5::pbes2::{Kdf, Parameters};
use pkcs8::pkcs5::{EncryptionScheme, scrypt};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfo, ObjectIdentifier, PrivateKeyInfo};
use ring::rand::SecureRandom;
use zeroize::{Zeroize, Zeroizing};

use crate::emit::sign::blocks;

/// Ed25519, RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// How an Ed25519 seed begins within PKCS #8: an octet string of 32 bytes, RFC 8410.
const SEED_PREFIX: [u8; 2] = [0x04, 0x20];

/// What stands before the public key in the file.
const PUBLIC: &str = "Public-Key: ";

/// The work of scrypt: N = 2^14, r = 8, p = 5. OpenSSL refuses more memory than 32 MiB, so that a
/// larger N would make files that nothing else reads; p makes up for it.
const SCRYPT: (u8, u32, u32) = (14, 8, 5);

/// The most work that a file may ask of its reader: 1 GiB of memory, or seconds.
const SCRYPT_MEMORY_LIMIT: u64 = 1 << 30;
const SCRYPT_PARALLEL_LIMIT: u16 = 32;
const PBKDF2_LIMIT: u32 = 10_000_000;

/// Fewest characters of the passphrase of a new key.
pub const SHORTEST: usize = 12;

/// A passphrase; wiped when it is no longer needed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// A passphrase of a text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passphrase(redacted)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The system gave no random bytes.
    #[error("the system gives no random numbers")]
    NoRandomness,
    /// Guessing would be too easy.
    #[error("a passphrase has at least {SHORTEST} characters")]
    Short,
    /// The text has no encrypted key.
    #[error("it has no `ENCRYPTED PRIVATE KEY` in PEM form")]
    NoKey,
    /// The key lies open.
    #[error(
        "the private key in it is not encrypted; encrypt it with `openssl pkcs8 -topk8 -scrypt`"
    )]
    NotEncrypted,
    /// The text is no PKCS #8.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Reading it would take the machine's memory or time.
    #[error("it asks for more work to decrypt it than any key file should")]
    TooMuchWork,
    /// Another passphrase, or a damaged file: the two cannot be told apart.
    #[error("the passphrase is wrong, or the file is damaged")]
    Passphrase,
    /// Another kind of key.
    #[error("the key in it is no Ed25519 key; make one with `codex-config keys new`")]
    OtherKind,
    /// Somebody changed the part that is not encrypted.
    #[error(
        "it says that its public key is {said}, and the private key in it belongs to {is}; \
         somebody may have exchanged one of them"
    )]
    OtherPublic {
        /// What the file says.
        said: PublicKey,
        /// Whose the private key is.
        is: PublicKey,
    },
}

/// A new key, and the file that holds it. `label` is the holder's name, for people.
///
/// # Errors
/// When the passphrase is short, or there is no randomness.
pub fn make(
    label: &str,
    passphrase: &Passphrase,
    random: &dyn SecureRandom,
) -> Result<(PublicKey, String), KeyError> {
    if passphrase.0.chars().count() < SHORTEST {
        return Err(KeyError::Short);
    }
    let mut seed = Zeroizing::new([0; 32]);
    let (mut salt, mut start) = ([0; 16], [0; 16]);
    for bytes in [&mut seed[..], &mut salt, &mut start] {
        random.fill(bytes).map_err(|_| KeyError::NoRandomness)?;
    }
    let public = MemoryKey::from_seed(&seed).ok_or(KeyError::OtherKind)?.public();
    let (log_n, r, p) = SCRYPT;
    let work = scrypt::Params::new(log_n, r, p, 32);
    let work = work.map_err(|error| KeyError::Damaged(error.to_string()))?;
    let parameters = Parameters::scrypt_aes256cbc(work, &salt, &start);
    let parameters = parameters.map_err(|error| KeyError::Damaged(error.to_string()))?;
    let pem = encrypt(&seed, passphrase, parameters)?;
    Ok((public, format!("Name: {label}\n{PUBLIC}{public}\n{}", &*pem)))
}

fn encrypt(
    seed: &[u8; 32],
    passphrase: &Passphrase,
    parameters: Parameters<'_>,
) -> Result<Zeroizing<String>, KeyError> {
    let damaged = |error: &dyn std::fmt::Display| KeyError::Damaged(error.to_string());
    let octets = Zeroizing::new([&SEED_PREFIX[..], seed].concat());
    let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
    PrivateKeyInfo::new(algorithm, &octets)
        .encrypt_with_params(parameters, passphrase.0.as_bytes())
        .map_err(|error| damaged(&error))?
        .to_pem(EncryptedPrivateKeyInfo::PEM_LABEL, LineEnding::LF)
        .map_err(|error| damaged(&error))
}

/// The public key that a file names in clear; `None` where it was written by another program.
pub fn public(text: &str) -> Option<PublicKey> {
    let before = text.split("-----BEGIN").next()?;
    before.lines().find_map(|line| line.strip_prefix(PUBLIC)?.trim().parse().ok())
}

/// The key in a file.
///
/// # Errors
/// When there is none, or the passphrase is another one.
pub fn open(text: &str, passphrase: &Passphrase) -> Result<MemoryKey, KeyError> {
    let der = encrypted(text)?;
    let damaged = |error: &dyn std::fmt::Display| KeyError::Damaged(error.to_string());
    let info = EncryptedPrivateKeyInfo::from_der(&der).map_err(|error| damaged(&error))?;
    bounded(&info.encryption_algorithm)?;
    let document = info.decrypt(passphrase.0.as_bytes()).map_err(|_| KeyError::Passphrase)?;
    let inner: PrivateKeyInfo<'_> = document.decode_msg().map_err(|_| KeyError::Passphrase)?;
    if inner.algorithm.oid != ED25519 {
        return Err(KeyError::OtherKind);
    }
    let octets = inner.private_key.strip_prefix(&SEED_PREFIX).ok_or(KeyError::OtherKind)?;
    let mut seed: [u8; 32] = octets.try_into().map_err(|_| KeyError::OtherKind)?;
    let key = MemoryKey::from_seed(&seed);
    seed.zeroize();
    let key = key.ok_or(KeyError::OtherKind)?;
    // AES-CBC tells nobody that a byte was changed: the public key does.
    match public(text) {
        Some(said) if said != key.public() => Err(KeyError::OtherPublic { said, is: key.public() }),
        _ => Ok(key),
    }
}

/// Whether a text has a private key that can be opened at all: asked before the passphrase.
///
/// # Errors
/// When it has none.
pub fn encrypted(text: &str) -> Result<Vec<u8>, KeyError> {
    let mut found = blocks(text, EncryptedPrivateKeyInfo::PEM_LABEL);
    match found.next() {
        Some(Ok(der)) => Ok(der),
        Some(Err(())) => Err(KeyError::Damaged("it is no base64".to_owned())),
        None if text.contains("PRIVATE KEY-----") => Err(KeyError::NotEncrypted),
        None => Err(KeyError::NoKey),
    }
}

/// Nobody's file makes this process take all memory.
fn bounded(scheme: &EncryptionScheme<'_>) -> Result<(), KeyError> {
    let fits = match scheme {
        EncryptionScheme::Pbes2(parameters) => match &parameters.kdf {
            Kdf::Scrypt(work) => {
                let memory = work
                    .cost_parameter
                    .saturating_mul(u64::from(work.block_size))
                    .saturating_mul(128);
                memory <= SCRYPT_MEMORY_LIMIT && work.parallelization <= SCRYPT_PARALLEL_LIMIT
            }
            Kdf::Pbkdf2(work) => work.iteration_count <= PBKDF2_LIMIT,
            _ => false,
        },
        _ => return Err(KeyError::Damaged("it is encrypted by an outdated method".to_owned())),
    };
    if fits { Ok(()) } else { Err(KeyError::TooMuchWork) }
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner.
    Owner,
    /// Whoever the system lets.
    Anybody,
}

/// Writes a file that is not there yet, and makes it last: the file and its name are on the disk
/// when this returns.
///
/// # Errors
/// When there is something of that name, or the system refuses. Nothing is left behind then.
pub fn write_new(path: &Path, text: &[u8], readers: Readers) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _owner_alone_where_the_folder_says_so = readers;
    let mut file = options.open(path)?;
    let done = file.write_all(text).and_then(|()| file.sync_all()).and_then(|()| {
        if cfg!(unix) {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        }
        Ok(())
    });
    if done.is_err() {
        drop(std::fs::remove_file(path));
    }
    done
}

#[cfg(test)]
mod tests;
