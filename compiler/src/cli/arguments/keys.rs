//! The arguments of `keys`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use codex_schema::types::policy::Date;

use super::day;

/// `keys`.
#[derive(Debug, Args)]
pub struct Keys {
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Makes a key, and prints its line for trust.toml.
    New(NewKey),
    /// Prints a key's public half and its identifier.
    Show(ShowKey),
    /// Makes the next root of a policy repository's trust.toml, for its holders to sign.
    Root(NextRoot),
    /// Adds signatures to a document; needs no network and no repository.
    Sign(SignDocument),
    /// Adds the signatures that other copies of a document have.
    Join(JoinDocuments),
    /// Tells who has signed a document and who has to: exit 0 complete, 1 not yet.
    Status(DocumentStatus),
}

/// `keys new`.
#[derive(Debug, Args)]
pub struct NewKey {
    /// The name in trust.toml: a person, a machine, a service.
    #[arg(value_name = "NAME", value_parser = key_name)]
    pub name: String,
    /// The file of the encrypted private key; never overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// The passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

fn key_name(text: &str) -> Result<String, String> {
    let name = codex_schema::types::policy::Name::parse(text);
    name.map(|name| name.as_str().to_owned())
        .ok_or_else(|| "write letters, digits, `-` and `_`, at most 64".to_owned())
}

/// Where the passphrase of a key file comes from.
#[derive(Debug, Args)]
pub struct PassphraseArgs {
    /// A file whose first line is the passphrase [default: $CODEX_CONFIG_PASSPHRASE, or asked].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub passphrase_file: Option<PathBuf>,
}

/// Keys to sign with.
#[derive(Debug, Args)]
pub struct SigningArgs {
    /// A key: a file, or `command:PROGRAM ARG…` for one that a program keeps (it is asked `public`
    /// and `sign`); repeatable.
    #[arg(long, value_name = "KEY", required = true, help_heading = "Signing")]
    pub key: Vec<String>,
    /// The passphrase.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// `keys show`.
#[derive(Debug, Args)]
pub struct ShowKey {
    /// A key: a file, or `command:PROGRAM ARG…`.
    #[arg(value_name = "KEY")]
    pub key: String,
    /// The passphrase; asked only where the file does not name its public key.
    #[command(flatten)]
    pub passphrase: PassphraseArgs,
}

/// `keys root`.
#[derive(Debug, Args)]
pub struct NextRoot {
    /// The policy repository: the folder with trust.toml.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub repository: PathBuf,
    /// The file of the new root; never overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// The root that endpoints trust now; without it the new root is the first.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub previous: Option<PathBuf>,
    /// The day from which the root's days are counted [default: today, in UTC].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub today: Option<Date>,
}

/// What tells who must sign.
#[derive(Debug, Args)]
pub struct WhoSignsArgs {
    /// For a root the one before it, for other documents the root in force.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Who signs")]
    pub previous: Option<PathBuf>,
    /// A policy repository, whose trust.toml has names for keys.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Who signs")]
    pub repository: Option<PathBuf>,
    /// The role in that trust.toml that signs the document: teams/NAME, targets, organisation.
    #[arg(long, value_name = "ROLE", requires = "repository", help_heading = "Who signs")]
    pub role: Option<String>,
}

/// `keys sign`.
#[derive(Debug, Args)]
pub struct SignDocument {
    /// The document; changed in place.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// The keys.
    #[command(flatten)]
    pub signing: SigningArgs,
    /// Who signs.
    #[command(flatten)]
    pub who: WhoSignsArgs,
}

/// `keys join`.
#[derive(Debug, Args)]
pub struct JoinDocuments {
    /// The document; changed in place.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Copies of it that others have signed.
    #[arg(value_name = "OTHER", value_hint = ValueHint::FilePath, required = true)]
    pub others: Vec<PathBuf>,
    /// Who signs.
    #[command(flatten)]
    pub who: WhoSignsArgs,
}

/// `keys status`.
#[derive(Debug, Args)]
pub struct DocumentStatus {
    /// The document.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// Who signs.
    #[command(flatten)]
    pub who: WhoSignsArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
