//! `trust.toml`: who may sign what, reviewed in git like the policy itself.

use std::collections::{BTreeMap, BTreeSet};

use codex_schema::diagnostic::{Code, Diagnostic, Severity};
use codex_schema::lookup::closest;
use codex_schema::span::{SourceId, Sourced, Span};
use codex_schema::value::{Node, Table, Value};
use codex_trust::keys::PublicKey;
use codex_trust::write::Authority;

use crate::repository::Repository;

/// The name of the file, at the top of a policy repository.
pub const TRUST_FILE: &str = "trust.toml";

/// The roles that every `trust.toml` gives to somebody, in the order of their importance, with the
/// days that their signatures count where the file does not say; `None` where they do not end.
const ROLES: [(&str, Option<u32>); 6] = [
    ("root", Some(365)),
    ("targets", Some(120)),
    ("organisation", Some(90)),
    ("loosen", None),
    ("snapshot", Some(7)),
    ("timestamp", Some(2)),
];

/// Days that a team's signatures count where the file does not say.
const TEAM_DAYS: u32 = 90;

/// The roles whose keys lie on the machine that publishes.
const ONLINE: [&str; 2] = ["snapshot", "timestamp"];

/// Keys, and how many of them must sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    keys: Vec<PublicKey>,
    threshold: u32,
}

impl Signers {
    /// The keys, each once, in the order of the file.
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// How many of them must sign: from 1 to their number.
    pub fn threshold(&self) -> u32 {
        self.threshold
    }
}

/// Who signs for a role, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    signers: Signers,
    expires_days: u32,
}

impl Role {
    /// Who signs.
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    /// The keys, each once, in the order of the file.
    pub fn keys(&self) -> &[PublicKey] {
        &self.signers.keys
    }

    /// How many of them must sign: from 1 to their number.
    pub fn threshold(&self) -> u32 {
        self.signers.threshold
    }

    /// Days until a signature ends, from 1 to 3650.
    pub fn expires_days(&self) -> u32 {
        self.expires_days
    }

    /// The same as the writer of releases wants it.
    pub fn authority(&self) -> Authority {
        let Signers { keys, threshold } = &self.signers;
        Authority { keys: keys.clone(), threshold: *threshold, days: self.expires_days }
    }
}

/// What a `trust.toml` without a single error says. There is no other maker than the reader of a
/// repository, after its checks: no key counts twice, every threshold can be met, no online key
/// holds an offline role, nobody approves the loosening of what they sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    names: BTreeMap<PublicKey, String>,
    root: Role,
    targets: Role,
    organisation: Role,
    loosen: Signers,
    snapshot: Role,
    timestamp: Role,
    teams: BTreeMap<String, Role>,
}

impl Trust {
    /// Says who holds all other roles.
    pub fn root(&self) -> &Role {
        &self.root
    }

    /// Says which teams there are, and what holds for all of them.
    pub fn targets(&self) -> &Role {
        &self.targets
    }

    /// Signs policy of cohorts without a team.
    pub fn organisation(&self) -> &Role {
        &self.organisation
    }

    /// Approves what loosens policy. Approvals do not end.
    pub fn loosen(&self) -> &Signers {
        &self.loosen
    }

    /// Says which versions belong together; online.
    pub fn snapshot(&self) -> &Role {
        &self.snapshot
    }

    /// Says which release is in force; online.
    pub fn timestamp(&self) -> &Role {
        &self.timestamp
    }

    /// The teams, each of which signs its own policy. Every team with cohorts is there.
    pub fn teams(&self) -> &BTreeMap<String, Role> {
        &self.teams
    }

    /// The name that the file gives to a key.
    pub fn name_of(&self, key: &PublicKey) -> Option<&str> {
        self.names.get(key).map(String::as_str)
    }

    /// Who signs for a role of the file, by its name there: `root`, `loosen`, `teams/NAME`.
    pub fn signers(&self, role: &str) -> Option<&Signers> {
        let role = match role {
            "root" => &self.root,
            "targets" => &self.targets,
            "organisation" => &self.organisation,
            "snapshot" => &self.snapshot,
            "timestamp" => &self.timestamp,
            "loosen" => return Some(&self.loosen),
            other => self.teams.get(other.strip_prefix("teams/")?)?,
        };
        Some(&role.signers)
    }
}

/// A `trust.toml` as far as it could be read. What is of the wrong type counts as absent: it is
/// reported elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    source: SourceId,
    keys: BTreeMap<String, Sourced<Option<PublicKey>>>,
    /// There is no table of keys at all.
    names_nobody: bool,
    /// Where the roles begin; without any, that one thing is reported, and elsewhere.
    roles_at: Option<Span>,
    /// Names of roles that there are not: reported elsewhere.
    misspelt: Vec<String>,
    roles: Vec<DraftRole>,
}

/// A role as far as it could be read.
#[derive(Clone, Debug)]
struct DraftRole {
    /// `root`, `teams/payments`.
    name: String,
    /// Where the role is given.
    span: Span,
    keys: Vec<Sourced<String>>,
    threshold: Option<Sourced<u32>>,
    expires_days: Option<u32>,
}

/// Reads a `trust.toml`.
pub(crate) fn read(source: SourceId, root: &Table) -> Draft {
    let table = |key: &str| root.get(key).and_then(|node| node.value.as_table());
    let entries = |key: &str| table(key).into_iter().flat_map(Table::iter);
    let keys = entries("keys")
        .map(|entry| {
            let key = entry.node.value.as_str().and_then(|text| text.parse().ok());
            (entry.key.value.to_string(), Sourced { value: key, span: entry.key.span })
        })
        .collect();
    let (mut roles, mut misspelt) = (Vec::new(), Vec::new());
    for (group, prefix) in [("roles", ""), ("teams", "teams/")] {
        for entry in entries(group) {
            let name = format!("{prefix}{}", entry.key.value);
            if group == "teams" || ROLES.iter().any(|(known, _)| *known == name) {
                roles.push(draft_role(name, entry.key.span, &entry.node));
            } else {
                misspelt.push(name);
            }
        }
    }
    let roles_at = root.iter().find(|entry| &*entry.key.value == "roles").map(|one| one.key.span);
    let names_nobody = table("keys").is_none();
    Draft { source, keys, names_nobody, roles_at, misspelt, roles }
}

fn draft_role(name: String, span: Span, node: &Node) -> DraftRole {
    let number = |key: &str| {
        let node = node.at(&[key])?;
        let Value::Integer(value) = node.value else { return None };
        Some(Sourced { value: u32::try_from(value).ok()?, span: node.span })
    };
    let default = ROLES.iter().find(|(known, _)| *known == name).map_or(Some(TEAM_DAYS), |it| it.1);
    let given = number("expires_days").map(|days| days.value);
    // Where there are no keys at all, that one thing is reported, and elsewhere.
    let threshold = node.at(&["keys"]).and_then(|_| number("threshold"));
    DraftRole {
        keys: crate::repository::manifest::texts(node.at(&["keys"])),
        threshold,
        expires_days: given.or(default),
        name,
        span,
    }
}

/// Checks what a `trust.toml` says.
pub(crate) fn check(draft: &Draft, repository: &Repository) -> Vec<Diagnostic> {
    let mut found = missing_roles(draft);
    found.extend(shared_keys(draft));
    for role in &draft.roles {
        found.extend(unknown_keys(draft, role));
        found.extend(repeated_keys(role));
        found.extend(threshold(role));
    }
    found.extend(two_hats(draft));
    found.extend(teams(draft, repository));
    found
}

/// What a draft without errors says.
pub(crate) fn trust(draft: &Draft) -> Option<Trust> {
    let signers = |name: &str| {
        let role = draft.role(name)?;
        let keys: Option<Vec<PublicKey>> =
            role.keys.iter().map(|key| draft.keys.get(&key.value)?.value).collect();
        let threshold = role.threshold.as_ref()?.value;
        Some(Signers { keys: keys?, threshold })
    };
    let role = |name: &str| {
        let expires_days = draft.role(name)?.expires_days?;
        Some(Role { signers: signers(name)?, expires_days })
    };
    let team = |one: &DraftRole| {
        let name = one.name.strip_prefix("teams/")?.to_owned();
        Some((name, role(&one.name)?))
    };
    let is_team = |role: &&DraftRole| role.name.starts_with("teams/");
    let teams: Option<BTreeMap<String, Role>> =
        draft.roles.iter().filter(is_team).map(team).collect();
    let names =
        |(name, key): (&String, &Sourced<Option<PublicKey>>)| Some((key.value?, name.clone()));
    Some(Trust {
        names: draft.keys.iter().filter_map(names).collect(),
        root: role("root")?,
        targets: role("targets")?,
        organisation: role("organisation")?,
        loosen: signers("loosen")?,
        snapshot: role("snapshot")?,
        timestamp: role("timestamp")?,
        teams: teams?,
    })
}

impl Draft {
    fn role(&self, name: &str) -> Option<&DraftRole> {
        self.roles.iter().find(|role| role.name == name)
    }
}

fn missing_roles(draft: &Draft) -> Vec<Diagnostic> {
    let Some(roles_at) = draft.roles_at else { return Vec::new() };
    let meant = |name: &str| closest(name, ROLES.iter().map(|(known, _)| *known));
    // A misspelt role is one mistake, not two.
    let meant: Vec<&str> = draft.misspelt.iter().filter_map(|name| meant(name)).collect();
    let missing =
        ROLES.iter().filter(|(name, _)| draft.role(name).is_none() && !meant.contains(name));
    let one = |(name, _): &(&str, Option<u32>)| {
        let message = format!("nobody holds the role `{name}`");
        let help = format!("add `[roles.{name}]` with `keys` and `threshold`");
        Diagnostic::new(Code::RoleMissing, message, roles_at).help(help)
    };
    missing.map(one).collect()
}

fn shared_keys(draft: &Draft) -> Vec<Diagnostic> {
    let mut seen: BTreeMap<PublicKey, (&String, Span)> = BTreeMap::new();
    let mut in_order: Vec<_> = draft.keys.iter().collect();
    in_order.sort_by_key(|(_, key)| key.span.start);
    let mut found = Vec::new();
    for (name, key) in in_order {
        let Some(public) = key.value else { continue };
        if let Some((first, span)) = seen.get(&public) {
            let message = format!("`{name}` is the same key as `{first}`");
            found.push(
                Diagnostic::new(Code::SignerTwice, message, key.span)
                    .beside(*span, "first given here")
                    .help("remove one of the names, or give its holder a key of their own"),
            );
        } else {
            seen.insert(public, (name, key.span));
        }
    }
    found
}

fn unknown_keys(draft: &Draft, role: &DraftRole) -> Vec<Diagnostic> {
    // Without the table of keys, that one thing is reported, and elsewhere.
    let named = if draft.names_nobody { &[] } else { role.keys.as_slice() };
    let unknown = named.iter().filter(|key| !draft.keys.contains_key(&key.value));
    let one = |key: &Sourced<String>| {
        let message = format!("there is no key `{}`", key.value);
        let diagnostic = Diagnostic::new(Code::SignerUnknown, message, key.span);
        match closest(&key.value, draft.keys.keys().map(String::as_str)) {
            Some(meant) => {
                let mut diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
                diagnostic.suggestion = Some(meant.to_owned());
                diagnostic
            }
            None => diagnostic.help("add its public key under `[keys]`"),
        }
    };
    unknown.map(one).collect()
}

fn repeated_keys(role: &DraftRole) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let repeated = role.keys.iter().filter(|key| !seen.insert(&key.value));
    let one = |key: &Sourced<String>| {
        let message = format!("`{}` is in `{}` twice", key.value, role.name);
        Diagnostic::new(Code::SignerTwice, message, key.span).help("remove it")
    };
    repeated.map(one).collect()
}

fn threshold(role: &DraftRole) -> Option<Diagnostic> {
    let Sourced { value, span } = role.threshold.as_ref()?;
    let distinct: BTreeSet<&String> = role.keys.iter().map(|key| &key.value).collect();
    let count = u32::try_from(distinct.len()).unwrap_or(u32::MAX);
    let found = if count == 0 {
        let message = format!("`{}` has no keys", role.name);
        Diagnostic::new(Code::SignerThreshold, message, *span).help("name the keys that sign")
    } else if *value == 0 {
        let message = format!("with a threshold of 0 nobody has to sign for `{}`", role.name);
        Diagnostic::new(Code::SignerThreshold, message, *span)
            .help(format!("write a number from 1 to {count}"))
    } else if *value > count {
        let keys = if count == 1 { "1 key".to_owned() } else { format!("{count} keys") };
        let message = format!("`{}` has {keys}, and {value} must sign", role.name);
        Diagnostic::new(Code::SignerThreshold, message, *span)
            .help(format!("write a number from 1 to {count}, or name more keys"))
    } else if *value == 1 && ["root", "targets"].contains(&role.name.as_str()) {
        let message = format!("one key alone can sign for `{}`", role.name);
        Diagnostic::new(Code::ThresholdOne, message, *span)
            .help("name at least three keys and a threshold of 2")
    } else {
        return None;
    };
    Some(found)
}

/// Keys in two roles that one person must not have.
fn two_hats(draft: &Draft) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let is_online = |role: &&DraftRole| ONLINE.contains(&role.name.as_str());
    let (online, offline): (Vec<_>, Vec<_>) = draft.roles.iter().partition(is_online);
    for role in online {
        for here in &role.keys {
            let others = offline.iter().filter_map(|other| Some((other, draft.same(here, other)?)));
            let others: Vec<(&&DraftRole, Span)> = others.collect();
            if others.is_empty() {
                continue;
            }
            let names: Vec<String> =
                others.iter().map(|(other, _)| format!("`{}`", other.name)).collect();
            let (key, role, names) = (&here.value, &role.name, names.join(", "));
            let message =
                format!("`{key}` signs for `{role}` on the server, and holds {names} too");
            let mut diagnostic = Diagnostic::new(Code::SignerOnline, message, here.span)
                .help(format!("give `{role}` a key of its own"));
            for (_, there) in others {
                diagnostic = diagnostic.beside(there, "here");
            }
            found.push(diagnostic);
        }
    }
    let signs = |role: &&DraftRole| role.name == "organisation" || role.name.starts_with("teams/");
    let Some(loosen) = draft.role("loosen") else { return found };
    for other in draft.roles.iter().filter(signs) {
        for here in &loosen.keys {
            let Some(there) = draft.same(here, other) else { continue };
            let message = format!(
                "`{}` approves what loosens policy, and signs policy of `{}`",
                here.value, other.name
            );
            found.push(
                Diagnostic::new(Code::SignerApproves, message, here.span)
                    .beside(there, "here")
                    .help("let somebody approve who signs no policy"),
            );
        }
    }
    found
}

impl Draft {
    /// Where a role has a key, whatever it is called there.
    fn same(&self, name: &Sourced<String>, role: &DraftRole) -> Option<Span> {
        let key = |name: &Sourced<String>| self.keys.get(&name.value)?.value;
        let wanted = key(name)?;
        role.keys.iter().find(|there| key(there) == Some(wanted)).map(|there| there.span)
    }
}

/// Teams that are signed for and not there, and teams that are there and not signed for.
fn teams(draft: &Draft, repository: &Repository) -> Vec<Diagnostic> {
    let cohorts = &repository.manifest.cohorts;
    let with_cohorts: BTreeMap<&str, Span> = cohorts
        .values()
        .filter_map(|cohort| cohort.team.as_ref())
        .map(|team| (team.value.as_str(), team.span))
        .collect();
    let folders = repository.layers.keys().filter_map(|layer| layer.team());
    let known: BTreeSet<&str> = folders.chain(with_cohorts.keys().copied()).collect();
    let signed: BTreeSet<&str> =
        draft.roles.iter().filter_map(|role| role.name.strip_prefix("teams/")).collect();
    let mut found = Vec::new();
    for role in &draft.roles {
        let Some(team) = role.name.strip_prefix("teams/") else { continue };
        if !known.contains(team) {
            let message = format!("there is no team `{team}`");
            let diagnostic = Diagnostic::new(Code::UnknownLayer, message, role.span);
            found.push(match closest(team, known.iter().copied()) {
                Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                None => diagnostic.help("remove it, or add the folder of the team"),
            });
        }
    }
    for (team, span) in with_cohorts {
        if !signed.contains(team) {
            let message = format!("nobody signs the policy of the team `{team}`");
            let help =
                format!("add `[teams.{team}]` with `keys` and `threshold` to `{TRUST_FILE}`");
            found.push(Diagnostic::new(Code::TeamUnsigned, message, span).help(help));
        }
    }
    found
}

/// Whether there is an error among findings about one document.
pub(crate) fn has_error(found: &[Diagnostic], draft: &Draft) -> bool {
    found.iter().any(|one| {
        let about = one.primary.span.source == draft.source || one.code == Code::TeamUnsigned;
        about && one.severity == Severity::Error
    })
}

#[cfg(test)]
mod tests;
