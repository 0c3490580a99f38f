//! `keys`: making keys, and signing together.

use std::path::Path;

use codex_schema::diagnostic::Severity;
use codex_schema::types::policy::Date;
use codex_trust::document::{Document, Envelope, Root};
use codex_trust::keys::{PublicKey, Signer};
use codex_trust::organisation::Approvers;
use ring::rand::SystemRandom;
use serde_json::json;

use super::arguments::{
    DocumentStatus, JoinDocuments, Keys, KeysCommand, NewKey, NextRoot, PassphraseArgs, ShowKey,
    SignDocument, Signing, WhoSignsArgs,
};
use super::explain::usage;
use super::world::{Twice, passphrase, read_file, today};
use super::{Outcome, Output};
use crate::files::RealFiles;
use crate::keys::ceremony::{Context, Holders, Quorum, holders, next_root, quorums};
use crate::keys::key_file::{self, Readers, write_new};
use crate::keys::signer;
use crate::keys::trust_file::{TRUST_FILE, Trust};
use crate::release::Signatories;
use crate::replace::replace;

/// Runs one of the commands.
pub(super) fn keys(arguments: &Keys, output: &mut Output) -> Outcome {
    let done = match &arguments.command {
        KeysCommand::New(arguments) => new(arguments, output),
        KeysCommand::Show(arguments) => show(arguments, output),
        KeysCommand::Root(arguments) => root(arguments, output),
        KeysCommand::Sign(arguments) => sign(arguments, output),
        KeysCommand::Join(arguments) => join(arguments, output),
        KeysCommand::Status(arguments) => status(arguments, output),
    };
    match done {
        Ok(outcome) => outcome,
        Err(Stop::Usage(problem)) => usage(output, &problem),
        Err(Stop::Refused(problem)) => {
            output.talk.push_str(&format!("error: {problem}\n"));
            Outcome::Findings
        }
        Err(Stop::System(problem)) => {
            output.talk.push_str(&format!("error: {problem}\n"));
            Outcome::Internal
        }
    }
}

/// Why a command stopped.
enum Stop {
    /// The arguments are wrong.
    Usage(String),
    /// What was asked for is not to be had.
    Refused(String),
    /// The system failed.
    System(String),
}

impl Stop {
    fn refused(problem: impl std::fmt::Display) -> Self {
        Self::Refused(problem.to_string())
    }
}

fn new(arguments: &NewKey, output: &mut Output) -> Result<Outcome, Stop> {
    let NewKey { name, out, passphrase: from } = arguments;
    // Asked before the passphrase; whoever comes between finds that nothing is overwritten.
    if out.symlink_metadata().is_ok() {
        return Err(Stop::Usage(format!(
            "{} is there already; a key is never overwritten",
            out.display()
        )));
    }
    let ask = passphrase(from.passphrase_file.as_deref(), Twice::Yes);
    let given = ask(&out.display().to_string()).map_err(Stop::Usage)?;
    let (public, text) = key_file::make(name, &given, &SystemRandom::new())
        .map_err(|error| Stop::Usage(error.to_string()))?;
    write(out, text.as_bytes(), Readers::Owner)?;
    output.data = format!("{name} = \"{public}\"\n");
    output.talk.push_str(&format!(
        "wrote {}: the encrypted private key; keep a copy of it and of the passphrase apart\n\
         the line for [keys] of {TRUST_FILE}:\n",
        out.display()
    ));
    Ok(Outcome::Fine)
}

fn show(arguments: &ShowKey, output: &mut Output) -> Result<Outcome, Stop> {
    let ask = passphrase(arguments.passphrase.passphrase_file.as_deref(), Twice::No);
    let public = signer::public(&arguments.key, &*ask).map_err(Stop::refused)?;
    output.data = format!("public {public}\nid {}\n", public.id());
    Ok(Outcome::Fine)
}

fn root(arguments: &NextRoot, output: &mut Output) -> Result<Outcome, Stop> {
    let NextRoot { repository, out, previous, today: day } = arguments;
    let day = day.unwrap_or_else(today);
    let trust = trust(repository, day)?;
    let previous = previous.as_deref().map(document).transpose()?;
    let next = next_root(&trust, previous.as_ref(), day).map_err(Stop::refused)?;
    write(out, &next.bytes(), Readers::Anybody)?;
    let root: Root = next.document().map_err(Stop::refused)?;
    output.talk.push_str(&format!(
        "wrote {}: root {}, until {}, signed by nobody yet\n",
        out.display(),
        root.version,
        root.expires
    ));
    let context = Context { previous: previous.as_ref(), trust: Some(&trust), role: None };
    let quorums = quorums(&next, context).map_err(Stop::refused)?;
    output.data =
        content(&next, previous.as_ref(), Some(&trust))? + &report(&quorums, Some(&trust));
    Ok(Outcome::Fine)
}

fn sign(arguments: &SignDocument, output: &mut Output) -> Result<Outcome, Stop> {
    let SignDocument { file, signing, who } = arguments;
    let who = Who::look(who)?;
    let (mut envelope, before) = document_and_bytes(file)?;
    // First of all whether anybody's signature is wanted, then passphrases.
    let groups = who.quorums(&envelope)?;
    for key in open(&signing.key, &signing.passphrase).map_err(Stop::refused)? {
        let public = key.public();
        if !groups.iter().any(|group| group.has(&public)) {
            let name = who.name(&public);
            return Err(Stop::Refused(format!(
                "{name} has no role in this document: its signature would count for nothing"
            )));
        }
        envelope.sign(&*key).map_err(Stop::refused)?;
    }
    put(file, &before, &envelope)?;
    told(&envelope, &who, output)
}

fn join(arguments: &JoinDocuments, output: &mut Output) -> Result<Outcome, Stop> {
    let JoinDocuments { file, others, who } = arguments;
    let who = Who::look(who)?;
    let (mut envelope, before) = document_and_bytes(file)?;
    for other in others {
        let copy = document(other)?;
        envelope.join(&copy).map_err(|_| {
            Stop::Refused(format!(
                "{} is another document than {}",
                other.display(),
                file.display()
            ))
        })?;
    }
    put(file, &before, &envelope)?;
    told(&envelope, &who, output)
}

fn status(arguments: &DocumentStatus, output: &mut Output) -> Result<Outcome, Stop> {
    let DocumentStatus { file, who, json } = arguments;
    let who = Who::look(who)?;
    let envelope = document(file)?;
    let groups = who.quorums(&envelope)?;
    let complete = groups.iter().all(Quorum::is_complete);
    output.data = if *json {
        machine_readable(&groups, &who)
    } else {
        content(&envelope, who.previous.as_ref(), who.trust.as_ref())?
            + &report(&groups, who.trust.as_ref())
    };
    Ok(if complete { Outcome::Fine } else { Outcome::Findings })
}

/// Says how far a document is. What was asked for is done, complete or not.
fn told(envelope: &Envelope, who: &Who, output: &mut Output) -> Result<Outcome, Stop> {
    output.data = report(&who.quorums(envelope)?, who.trust.as_ref());
    Ok(Outcome::Fine)
}

/// Opens the keys that arguments name.
fn open(keys: &[String], from: &PassphraseArgs) -> Result<Vec<Box<dyn Signer>>, signer::OpenError> {
    let ask = passphrase(from.passphrase_file.as_deref(), Twice::No);
    keys.iter().map(|spec| signer::open(spec, &*ask)).collect()
}

/// The keys that other commands sign with.
pub(super) fn signers(signing: &Signing) -> Result<Vec<Box<dyn Signer>>, String> {
    open(&signing.key, &signing.passphrase).map_err(|error| error.to_string())
}

/// Who signs what by `trust.toml`, as a release needs it.
pub(super) fn signatories(top: &Path, today: Date) -> Result<Signatories, String> {
    let trust = trust(top, today).map_err(|stop| match stop {
        Stop::Usage(words) | Stop::Refused(words) | Stop::System(words) => words,
    })?;
    let teams = trust.teams().iter().map(|(team, role)| (team.clone(), role.authority()));
    Ok(Signatories {
        targets: trust.targets().authority(),
        organisation: trust.organisation().authority(),
        teams: teams.collect(),
        loosen: Approvers {
            keys: trust.loosen().keys().to_vec(),
            threshold: trust.loosen().threshold(),
        },
        snapshot_days: trust.snapshot().expires_days(),
        timestamp_days: trust.timestamp().expires_days(),
    })
}

/// What is known about who signs.
struct Who {
    previous: Option<Envelope>,
    trust: Option<Trust>,
    role: Option<String>,
}

impl Who {
    fn look(arguments: &WhoSignsArgs) -> Result<Self, Stop> {
        let WhoSignsArgs { previous, repository, role } = arguments;
        Ok(Self {
            previous: previous.as_deref().map(document).transpose()?,
            trust: repository.as_deref().map(|top| trust(top, today())).transpose()?,
            role: role.clone(),
        })
    }

    fn quorums(&self, envelope: &Envelope) -> Result<Vec<Quorum>, Stop> {
        let context = Context {
            previous: self.previous.as_ref(),
            trust: self.trust.as_ref(),
            role: self.role.as_deref(),
        };
        quorums(envelope, context).map_err(|error| Stop::Usage(error.to_string()))
    }

    fn name(&self, key: &PublicKey) -> String {
        name(key, self.trust.as_ref())
    }
}

fn name(key: &PublicKey, trust: Option<&Trust>) -> String {
    let known = trust.and_then(|trust| trust.name_of(key)).map(str::to_owned);
    known.unwrap_or_else(|| key.to_string())
}

fn names(keys: &[PublicKey], trust: Option<&Trust>) -> Vec<String> {
    let mut names: Vec<String> = keys.iter().map(|key| name(key, trust)).collect();
    names.sort_unstable();
    names
}

/// What a root says, for those who are about to sign it; nothing for other documents.
fn content(
    envelope: &Envelope,
    previous: Option<&Envelope>,
    trust: Option<&Trust>,
) -> Result<String, Stop> {
    if envelope.kind() != Root::TYPE {
        return Ok(String::new());
    }
    let root: Root = envelope.document().map_err(Stop::refused)?;
    let mut text = format!("root {}, until {}\n", root.version, root.expires);
    for held in holders(envelope, previous).map_err(Stop::refused)? {
        let Holders { role, threshold, keys, new, gone } = held;
        let list = names(&keys, trust).join(", ");
        text.push_str(&format!("  {role}: {threshold} of {list}\n"));
        for (sign, keys) in [("+", new), ("-", gone)] {
            for name in names(&keys, trust) {
                text.push_str(&format!("    {sign} {name}\n"));
            }
        }
    }
    Ok(text)
}

fn report(groups: &[Quorum], trust: Option<&Trust>) -> String {
    let mut text = String::new();
    for group in groups {
        let state = match group.lacking() {
            0 => "complete".to_owned(),
            lacking => format!("{lacking} missing"),
        };
        let (signed, threshold) = (group.signed.len(), group.threshold);
        text.push_str(&format!("{}: {signed} of {threshold}, {state}\n", group.of));
        for name in names(&group.signed, trust) {
            text.push_str(&format!("  signed    {name}\n"));
        }
        let word = if group.is_complete() { "unneeded  " } else { "can sign  " };
        for name in names(&group.others, trust) {
            text.push_str(&format!("  {word}{name}\n"));
        }
    }
    text
}

fn machine_readable(groups: &[Quorum], who: &Who) -> String {
    let key = |key: &PublicKey| json!({ "key": key, "name": who.trust.as_ref().and_then(|it| it.name_of(key)) });
    let one = |group: &Quorum| {
        json!({
            "of": group.of,
            "threshold": group.threshold,
            "complete": group.is_complete(),
            "signed": group.signed.iter().map(key).collect::<Vec<_>>(),
            "others": group.others.iter().map(key).collect::<Vec<_>>(),
        })
    };
    let complete = groups.iter().all(Quorum::is_complete);
    let whole =
        json!({ "complete": complete, "groups": groups.iter().map(one).collect::<Vec<_>>() });
    let text = serde_json::to_string_pretty(&whole);
    text.map_or_else(|error| error.to_string(), |text| text + "\n")
}

/// What a repository's `trust.toml` says.
fn trust(top: &Path, today: Date) -> Result<Trust, Stop> {
    let name = top.display().to_string();
    let repository = crate::repository::read_some(
        &RealFiles::new(None),
        &name,
        today,
        // Nobody's policy is needed.
        &mut |_, _| Some(std::collections::BTreeSet::new()),
    );
    if let Some(trust) = repository.trust {
        return Ok(trust);
    }
    let errors: Vec<String> = repository
        .diagnostics
        .iter()
        .filter(|one| one.severity == Severity::Error)
        .map(|one| {
            format!(
                "\n  {} {}: {}",
                repository.documents.place(one.primary.span),
                one.code,
                one.message
            )
        })
        .collect();
    if errors.is_empty() {
        return Err(Stop::Usage(format!("there is no `{TRUST_FILE}` in {name}")));
    }
    let help = format!("see `codex-config check {name}`");
    Err(Stop::Refused(format!("{TRUST_FILE} cannot be used; {help}{}", errors.concat())))
}

fn document(path: &Path) -> Result<Envelope, Stop> {
    Ok(document_and_bytes(path)?.0)
}

fn document_and_bytes(path: &Path) -> Result<(Envelope, Vec<u8>), Stop> {
    let (name, bytes) = read_file(path).map_err(Stop::Usage)?;
    let envelope =
        Envelope::read(&bytes).map_err(|error| Stop::Refused(format!("{name}: {error}")))?;
    Ok((envelope, bytes))
}

fn put(path: &Path, before: &[u8], envelope: &Envelope) -> Result<(), Stop> {
    let after = envelope.bytes();
    if after == before {
        return Ok(());
    }
    replace(path, before, &after)
        .map_err(|error| Stop::System(format!("{}: {error}", path.display())))
}

fn write(path: &Path, text: &[u8], readers: Readers) -> Result<(), Stop> {
    write_new(path, text, readers).map_err(|error| {
        let name = path.display();
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            Stop::Usage(format!("{name} is there already; it is never overwritten"))
        } else {
            Stop::System(format!("cannot write {name}: {error}"))
        }
    })
}
