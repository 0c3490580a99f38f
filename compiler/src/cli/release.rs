//! `release`: what a published release says, and whether a machine would take it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use codex_trust::audience::Claims;
use codex_trust::bundle::Bundle;
use codex_trust::document::{Document, keys_of};
use codex_trust::guards::{Endpoint, loosened};
use codex_trust::refresh::{Limits, refresh};
use codex_trust::store::MemoryStore;
use codex_trust::transport::Transport;
use codex_trust::verify::verify as verify_for;
use codex_trust::write::{Published, target_name};
use zeroize::Zeroizing;

use super::arguments::{Approve, ReleaseCommand, ReleaseDiff, ServerArgs, Show, Verify};
use super::keys::signers;
use super::sign::{Ended, ended};
#[cfg(feature = "buckets")]
use super::world::environment;
use super::world::{now, read_file};
use super::{Outcome, Output};
use crate::fleet::{Client, Reach};
#[cfg(feature = "buckets")]
use crate::release::bucket::{Bucket, Settings};
use crate::release::folder::Folder;
use crate::release::home::Home;
use crate::release::publish::{published, statement};
use crate::release::server::Server;
use crate::release::stage::Stage;

/// Runs one of the commands.
pub(super) fn release(command: &ReleaseCommand, output: &mut Output) -> Outcome {
    let result = match command {
        ReleaseCommand::Show(arguments) => show(arguments, output),
        ReleaseCommand::Verify(arguments) => verify(arguments, output),
        ReleaseCommand::Diff(arguments) => diff(arguments, output),
        ReleaseCommand::Approve(arguments) => approve(arguments, output),
    };
    ended(result, output)
}

/// Where a release is: in a bucket or on a fleet server where the name is an address, or else in a
/// folder.
pub(super) fn home(place: &Path, server: &ServerArgs) -> Result<Home, Ended> {
    match place.to_string_lossy().split_once("://") {
        None => Ok(Home::Folder(Folder::new(place))),
        Some(("s3" | "gs" | "az", _)) => bucket(place, server),
        Some(_) => Ok(Home::Server(Server::new(client(place, server)?))),
    }
}

#[cfg(feature = "buckets")]
fn bucket(place: &Path, server: &ServerArgs) -> Result<Home, Ended> {
    let address = place.to_string_lossy();
    if server.server_token.is_some() {
        let words = format!(
            "{address} is a bucket: its credentials come from the environment, not from \
             --server-token"
        );
        return Err(Ended::Usage(words));
    }
    let settings = Settings { environment: environment(), authorities: authorities(server)? };
    let bucket = Bucket::new(&address, &settings);
    Ok(Home::Bucket(bucket.map_err(|error| Ended::Usage(error.to_string()))?))
}

#[cfg(not(feature = "buckets"))]
fn bucket(place: &Path, _: &ServerArgs) -> Result<Home, Ended> {
    Err(Ended::Usage(format!(
        "{} is a bucket, and this codex-config was built without them: `cargo install --features \
         buckets`",
        place.display()
    )))
}

/// The authorities that a server's certificate may come from, where the command line names some.
fn authorities(server: &ServerArgs) -> Result<Option<Vec<u8>>, Ended> {
    let file = server.server_authority.as_ref();
    file.map(|file| Ok(read_file(file).map_err(Ended::Usage)?.1)).transpose()
}

/// The fleet server at an address.
pub(super) fn client(place: &Path, server: &ServerArgs) -> Result<Client, Ended> {
    let address = place.to_string_lossy();
    let Some(token) = &server.server_token else {
        let words = format!("{address} is a fleet server: name the file with your --server-token");
        return Err(Ended::Usage(words));
    };
    let (name, token) = read_file(token).map_err(Ended::Usage)?;
    let token = String::from_utf8(token)
        .map_err(|_| Ended::Usage(format!("{name} is no file with a token")))?;
    let authorities = authorities(server)?;
    let reach = Reach {
        address: address.into_owned(),
        token: Zeroizing::new(token.trim().to_owned()),
        authorities,
    };
    Client::new(&reach).map_err(|error| Ended::Usage(error.to_string()))
}

fn opened(home: &Home, root: &Path) -> Result<Published, Ended> {
    let (_, root) = read_file(root).map_err(Ended::Usage)?;
    if !home.has_release()? {
        return Err(Ended::Unreadable("there is no release at this place".to_owned()));
    }
    Ok(published(home, &root)?)
}

fn show(arguments: &Show, output: &mut Output) -> Result<Outcome, Ended> {
    let published = opened(&home(&arguments.release, &arguments.server)?, &arguments.root)?;
    output.data = if arguments.print.json {
        serde_json::to_string_pretty(&json(&published)).unwrap_or_default() + "\n"
    } else {
        text(&published)
    };
    Ok(Outcome::Fine)
}

fn json(published: &Published) -> serde_json::Value {
    let cohorts: BTreeMap<String, serde_json::Value> = published
        .bundles()
        .map(|(path, target, label)| {
            let entry = serde_json::json!({
                "path": path,
                "bytes": target.length,
                "bundle": target.digest(),
                "generation": label.generation,
                "policy": label.digest,
                "plan": label.plan,
                "audience": label.audience,
            });
            (label.cohort, entry)
        })
        .collect();
    let roles: BTreeMap<&String, serde_json::Value> = published
        .roles
        .iter()
        .map(|(name, role)| {
            let document = &role.document;
            let entry = serde_json::json!({
                "version": document.version,
                "expires": document.expires,
            });
            (name, entry)
        })
        .collect();
    serde_json::json!({
        "schema": "codex-config release 1",
        "root": published.root.document.version,
        "snapshot": published.snapshot.as_ref().map(Document::version),
        "timestamp": published.timestamp.as_ref().map(Document::version),
        "expires": published.timestamp.as_ref().map(Document::expires),
        "roles": roles,
        "cohorts": cohorts,
    })
}

fn text(published: &Published) -> String {
    let mut lines = Vec::new();
    let root = &published.root.document;
    lines.push(vec!["ROLE".into(), "VERSION".into(), "EXPIRES".into(), "KEYS".into()]);
    let mut role = |name: &str, version: u64, expires: jiff::Timestamp, keys: String| {
        lines.push(vec![name.to_owned(), version.to_string(), expires.to_string(), keys]);
    };
    let of_root = |name: &str| {
        root.roles.get(name).map_or(String::new(), |role| {
            let keys = keys_of(&root.keys, &role.keyids).len();
            format!("{} of {keys}", role.threshold)
        })
    };
    role("root", root.version, root.expires, of_root("root"));
    if let Some(timestamp) = &published.timestamp {
        role("timestamp", timestamp.version, timestamp.expires, of_root("timestamp"));
    }
    if let Some(snapshot) = &published.snapshot {
        role("snapshot", snapshot.version, snapshot.expires, of_root("snapshot"));
    }
    let targets = published.roles.get("targets");
    let delegated = targets.and_then(|role| role.document.delegations.clone()).unwrap_or_default();
    for (name, one) in &published.roles {
        let keys = match delegated.roles.iter().find(|role| role.name == *name) {
            Some(role) => format!("{} of {}", role.threshold, role.keyids.len()),
            None => of_root(name),
        };
        role(name, one.document.version, one.document.expires, keys);
    }
    let mut out = crate::release::table(&lines);
    let mut cohorts = vec![vec![
        "COHORT".to_owned(),
        "GENERATION".to_owned(),
        "POLICY".to_owned(),
        "BUNDLE".to_owned(),
        "BYTES".to_owned(),
    ]];
    for (_, target, label) in published.bundles() {
        let short = |digest: &str| -> String {
            digest.trim_start_matches("sha256:").chars().take(12).collect()
        };
        cohorts.push(vec![
            label.cohort,
            label.generation.to_string(),
            short(&label.digest),
            short(target.sha256()),
            target.length.to_string(),
        ]);
    }
    out.push('\n');
    out + &crate::release::table(&cohorts)
}

fn verify(arguments: &Verify, output: &mut Output) -> Result<Outcome, Ended> {
    let (_, root) = read_file(&arguments.root).map_err(Ended::Usage)?;
    let transport: Arc<dyn Transport> = Arc::new(home(&arguments.release, &arguments.server)?);
    let store = Arc::new(MemoryStore::with_root(&root));
    let mut session = refresh(Arc::clone(&transport), store, now(), Limits::default())?;
    for alarm in session.alarms() {
        output.talk.push_str(&format!("alarm: {alarm}\n"));
    }
    let Some(claims) = &arguments.claims else {
        let published = Published::read(&transport, &root)?;
        let mut count = 0_usize;
        for (path, _, _) in published.bundles() {
            let missing = || Ended::Refused(format!("`{path}` is listed and not there"));
            session.fetch(path)?.ok_or_else(missing)?;
            count += 1;
        }
        output.data = format!("verified: {count} bundles, every role and every digest\n");
        return Ok(Outcome::Fine);
    };
    let (name, bytes) = read_file(claims).map_err(Ended::Usage)?;
    let claims: Claims = serde_json::from_slice(&bytes)
        .map_err(|error| Ended::Unreadable(format!("{name}: {error}")))?;
    let endpoint = Endpoint { claims: &claims, installed: None, codex: &arguments.codex_version };
    let verified = verify_for(&mut session, &*transport, &endpoint)?;
    let bundle = verified.value();
    output.data = format!(
        "verified: cohort {}, generation {}, {}\n",
        bundle.cohort,
        bundle.generation,
        verified.digest()
    );
    Ok(Outcome::Fine)
}

fn diff(arguments: &ReleaseDiff, output: &mut Output) -> Result<Outcome, Ended> {
    let sides = [&arguments.from, &arguments.to];
    let [from, to] = sides.map(|side| bundles(&home(side, &arguments.server)?, &arguments.root));
    let (from, to) = (from?, to?);
    let mut cohorts: Vec<&String> = from.keys().chain(to.keys()).collect();
    cohorts.sort();
    cohorts.dedup();
    for cohort in cohorts {
        let line = match (from.get(cohort), to.get(cohort)) {
            (Some(_), None) => format!("{cohort}: gone\n"),
            (None, Some(now)) => format!("{cohort}: new, generation {}\n", now.generation),
            (Some(before), Some(now)) => {
                let looser = loosened(&before.files, &now.files)?;
                let tighter = loosened(&now.files, &before.files)?;
                changed(cohort, before, now, (&looser, &tighter))
            }
            (None, None) => String::new(),
        };
        output.data.push_str(&line);
    }
    Ok(if output.data.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

fn changed(
    cohort: &str,
    before: &Bundle,
    now: &Bundle,
    (looser, tighter): (&[String], &[String]),
) -> String {
    if before.generation == now.generation && before.files == now.files {
        return String::new();
    }
    let mut text = format!("{cohort}: generation {} to {}\n", before.generation, now.generation);
    for key in looser {
        let word = if tighter.contains(key) { "other" } else { "looser" };
        text.push_str(&format!("  {word:8} {key}\n"));
    }
    for key in tighter.iter().filter(|key| !looser.contains(key)) {
        text.push_str(&format!("  {:8} {key}\n", "tighter"));
    }
    text
}

/// The bundles of a release by their cohorts.
fn bundles(home: &Home, root: &Path) -> Result<BTreeMap<String, Bundle>, Ended> {
    let published = opened(home, root)?;
    let mut found = BTreeMap::new();
    for (path, target, label) in published.bundles() {
        let missing = || Ended::Unreadable(format!("`{path}` is not as it is listed"));
        let name = format!("targets/{}", target_name(path, target.sha256()));
        let bytes = home.read(&name, target.length)?.ok_or_else(missing)?;
        if codex_trust::document::Target::of(&bytes, target.custom.clone()) != *target {
            return Err(missing());
        }
        let bundle: Bundle = serde_json::from_slice(&bytes).map_err(|_| missing())?;
        found.insert(label.cohort, bundle);
    }
    Ok(found)
}

fn approve(arguments: &Approve, output: &mut Output) -> Result<Outcome, Ended> {
    let mut stage = Stage::read(&arguments.stage)?;
    let signers = signers(&arguments.signing).map_err(Ended::Usage)?;
    let keys = signers.iter().map(|signer| signer.public());
    let approvers = &stage.about.approvers.keys;
    if let Some(other) = keys.into_iter().find(|key| !approvers.contains(key)) {
        return Err(Ended::Refused(format!("{other} may not approve what loosens")));
    }
    if signers.is_empty() {
        return Err(Ended::Usage("name the --key that approves".to_owned()));
    }
    let mut done = 0_usize;
    for (cohort, staged) in stage.about.changed.clone() {
        let wanted = arguments.cohort.is_empty() || arguments.cohort.contains(&cohort);
        if staged.loosens.is_empty() || !wanted {
            continue;
        }
        let path = stage.draft.changed.get(&cohort).map(|change| change.path.clone());
        let bytes = path.and_then(|path| stage.draft.files.get(&path));
        let bytes = bytes.ok_or_else(|| Ended::Unreadable(format!("`{cohort}` is not staged")))?;
        let bundle: Bundle = serde_json::from_slice(bytes)?;
        let statement = statement(&bundle.organisation, &cohort, &staged, &arguments.reason);
        let digest = staged.to.trim_start_matches("sha256:").to_owned();
        let mut approval = stage
            .approvals
            .remove(&digest)
            .filter(|approval| approval.says(&statement))
            .unwrap_or_else(|| codex_trust::approval::Approval::new(&statement));
        for signer in &signers {
            approval.sign(&**signer)?;
        }
        stage.approvals.insert(digest, approval);
        for (from, keys) in &staged.loosens {
            let line = format!("approved: {cohort} loosens {} against {from}\n", keys.join(", "));
            output.data.push_str(&line);
        }
        done += 1;
    }
    stage.write(&arguments.stage)?;
    if done == 0 {
        output.talk.push_str("nothing to approve: nothing loosens\n");
    }
    Ok(Outcome::Fine)
}
