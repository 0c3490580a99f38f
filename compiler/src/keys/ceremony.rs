//! Roots, and who still has to sign a document.
//!
//! A new root counts only when enough holders of the root before and enough holders of its own have
//! signed it: nobody can take the fleet over alone, and nobody can hand it to keys that nobody has.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::types::policy::Date;
use codex_trust::document::{Document, DocumentError, Envelope, RoleKeys, Root, keys_of};
use codex_trust::keys::PublicKey;
use jiff::{SignedDuration, Timestamp};

use super::trust_file::{Role, Trust};

/// Why there is no next root, or why nobody can say who has to sign.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The document is no document, or of another kind.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A root that is not in force is no ground for the next one.
    #[error(
        "root {version} is not signed by enough of its own holders: {signed} of {threshold}; \
         endpoints do not accept it, and nothing can follow it"
    )]
    PreviousUnsigned {
        /// Its version.
        version: u64,
        /// How many have signed.
        signed: usize,
        /// How many must.
        threshold: u32,
    },
    /// The root before is not at hand.
    #[error(
        "root {0} must also be signed by holders of the root before it: name that one with \
         `--previous`"
    )]
    PreviousMissing(u64),
    /// It is another root than the one before.
    #[error("`--previous` is root {previous}, which is not the one before root {version}")]
    NotBefore {
        /// The version of what was given.
        previous: u64,
        /// The version of the document.
        version: u64,
    },
    /// The document does not say by itself who signs it.
    #[error(
        "a `{0}` document does not say who signs it: name the root in force with `--previous`, or \
         the policy repository with `--repository` and the role with `--role`"
    )]
    WhoSigns(String),
    /// There is no such role.
    #[error("there is no role `{role}`; the roles are {known}")]
    NoRole {
        /// The role that was asked for.
        role: String,
        /// Those that there are.
        known: String,
    },
    /// Versions and dates end somewhere.
    #[error("the version or the date of the next root is out of range")]
    Range,
}

/// The next root: what a trust file says, one version after the root before. Nobody has signed it.
///
/// # Errors
/// When the root before is none, or is not signed by enough of its own holders.
pub fn next_root(
    trust: &Trust,
    previous: Option<&Envelope>,
    today: Date,
) -> Result<Envelope, CeremonyError> {
    let version = match previous {
        None => 1,
        Some(previous) => {
            let root: Root = previous.document()?;
            let own = own_quorum(previous, &root);
            if !own.is_complete() {
                return Err(CeremonyError::PreviousUnsigned {
                    version: root.version,
                    signed: own.signed.len(),
                    threshold: own.threshold,
                });
            }
            root.version.checked_add(1).ok_or(CeremonyError::Range)?
        }
    };
    let roles = [
        ("root", trust.root()),
        ("targets", trust.targets()),
        ("snapshot", trust.snapshot()),
        ("timestamp", trust.timestamp()),
    ];
    let keys: BTreeMap<String, serde_json::Value> = roles
        .iter()
        .flat_map(|(_, role)| role.keys())
        .map(|key| (key.id(), key.object()))
        .collect();
    let one = |(name, role): (&str, &Role)| {
        (name.to_owned(), RoleKeys::of(role.keys(), role.threshold()))
    };
    let root = Root {
        version,
        expires: expiry(today, trust.root().expires_days()).ok_or(CeremonyError::Range)?,
        keys,
        roles: roles.into_iter().map(one).collect(),
        consistent_snapshot: true,
    };
    Ok(Envelope::new(&root)?)
}

/// The end of what is signed on a day: the first second of a day in UTC.
pub fn expiry(today: Date, days: u32) -> Option<Timestamp> {
    let start = i64::try_from(today.unix_seconds()).ok()?;
    let length = SignedDuration::from_hours(i64::from(days) * 24);
    Timestamp::from_second(start).ok()?.checked_add(length).ok()
}

/// A group of whom enough must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// Who they are, in a few words.
    pub of: String,
    /// How many must sign.
    pub threshold: u32,
    /// Who has, by right signatures.
    pub signed: Vec<PublicKey>,
    /// Who has not.
    pub others: Vec<PublicKey>,
}

impl Quorum {
    fn of(of: String, envelope: &Envelope, keys: &[PublicKey], threshold: u32) -> Self {
        let signed: Vec<PublicKey> = envelope.signed_by(keys).into_iter().copied().collect();
        let others: BTreeSet<PublicKey> =
            keys.iter().filter(|key| !signed.contains(key)).copied().collect();
        Self { of, threshold: threshold.max(1), signed, others: others.into_iter().collect() }
    }

    /// How many signatures are missing.
    pub fn lacking(&self) -> usize {
        usize::try_from(self.threshold).unwrap_or(usize::MAX).saturating_sub(self.signed.len())
    }

    /// Whether enough have signed.
    pub fn is_complete(&self) -> bool {
        self.lacking() == 0
    }

    /// Whether a key belongs to it.
    pub fn has(&self, key: &PublicKey) -> bool {
        self.signed.contains(key) || self.others.contains(key)
    }
}

fn own_quorum(envelope: &Envelope, root: &Root) -> Quorum {
    let of = format!("the holders of root {} itself", root.version);
    root_quorum(of, envelope, root, "root")
}

fn root_quorum(of: String, envelope: &Envelope, root: &Root, role: &str) -> Quorum {
    match root.roles.get(role) {
        Some(role) => {
            let keys = keys_of(&root.keys, &role.keyids);
            Quorum::of(of, envelope, &keys, role.threshold)
        }
        // A root without the role is one that nobody can satisfy.
        None => Quorum::of(of, envelope, &[], 1),
    }
}

/// What a root says of one role, and how that differs from the root before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holders {
    /// The role.
    pub role: String,
    /// How many must sign.
    pub threshold: u32,
    /// Who holds it.
    pub keys: Vec<PublicKey>,
    /// Who did not hold it before; nobody where there is no root before.
    pub new: Vec<PublicKey>,
    /// Who holds it no longer.
    pub gone: Vec<PublicKey>,
}

/// What a root says, role by role: what its holders sign.
///
/// # Errors
/// When one of the two is no root.
pub fn holders(
    envelope: &Envelope,
    previous: Option<&Envelope>,
) -> Result<Vec<Holders>, CeremonyError> {
    let root: Root = envelope.document()?;
    let previous: Option<Root> = previous.map(Envelope::document).transpose()?;
    let keys = |root: &Root, role: &str| {
        let keyids = root.roles.get(role).map(|role| role.keyids.as_slice());
        keys_of(&root.keys, keyids.unwrap_or_default())
    };
    let one = |(role, held): (&String, &RoleKeys)| {
        let now = keys(&root, role);
        let before = previous.as_ref().map(|previous| keys(previous, role));
        let before = before.unwrap_or_else(|| now.clone());
        let only = |these: &[PublicKey], those: &[PublicKey]| {
            these.iter().filter(|key| !those.contains(key)).copied().collect()
        };
        let (new, gone) = (only(&now, &before), only(&before, &now));
        Holders { role: role.clone(), threshold: held.threshold, keys: now, new, gone }
    };
    Ok(root.roles.iter().map(one).collect())
}

/// What a person gives beside a document, to know who signs it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'context> {
    /// The root before, or for other documents the root in force.
    pub previous: Option<&'context Envelope>,
    /// What `trust.toml` says.
    pub trust: Option<&'context Trust>,
    /// The role in `trust.toml`, where it is not the document's kind.
    pub role: Option<&'context str>,
}

/// Who must sign a document; all of the groups.
///
/// # Errors
/// When that cannot be said with what is given.
pub fn quorums(envelope: &Envelope, context: Context<'_>) -> Result<Vec<Quorum>, CeremonyError> {
    let previous: Option<Root> = context.previous.map(Envelope::document).transpose()?;
    if envelope.kind() == Root::TYPE {
        let root: Root = envelope.document()?;
        let own = own_quorum(envelope, &root);
        return match previous {
            None if root.version == 1 => Ok(vec![own]),
            None => Err(CeremonyError::PreviousMissing(root.version)),
            Some(previous) if previous.version.checked_add(1) == Some(root.version) => {
                let of = format!("the holders of root {}, the one before", previous.version);
                Ok(vec![root_quorum(of, envelope, &previous, "root"), own])
            }
            Some(previous) => {
                Err(CeremonyError::NotBefore { previous: previous.version, version: root.version })
            }
        };
    }
    let kind = envelope.kind();
    match (previous, context.trust, context.role) {
        (_, Some(trust), Some(role)) => Ok(vec![trust_quorum(envelope, trust, role)?]),
        (Some(root), _, None) => {
            let of = format!("the holders of `{kind}` by root {}", root.version);
            Ok(vec![root_quorum(of, envelope, &root, kind)])
        }
        (_, _, Some(_)) | (None, _, None) => Err(CeremonyError::WhoSigns(kind.to_owned())),
    }
}

fn trust_quorum(envelope: &Envelope, trust: &Trust, role: &str) -> Result<Quorum, CeremonyError> {
    let signers = trust.signers(role).ok_or_else(|| {
        let teams = trust.teams().keys().map(|team| format!("`teams/{team}`"));
        let fixed = ["root", "targets", "organisation", "snapshot", "timestamp"];
        let known: Vec<String> =
            fixed.iter().map(|role| format!("`{role}`")).chain(teams).collect();
        CeremonyError::NoRole { role: role.to_owned(), known: known.join(", ") }
    })?;
    let of = format!("the holders of `{role}` by trust.toml");
    Ok(Quorum::of(of, envelope, signers.keys(), signers.threshold()))
}
