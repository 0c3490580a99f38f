//! `sign` and `publish`: from a policy repository to a stage, from a stage to a release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use codex_trust::document::{Targets, keys_of};
use codex_trust::keys::Signer;
use codex_trust::organisation::{FORM, Organisation};
use codex_trust::write::{Content, Next, Online, Published, draft};

use super::arguments::{Publish, Sign};
use super::check::shown;
use super::diff::open;
use super::explain::usage;
use super::keys::{signatories, signers};
use super::release::home;
use super::world::{now, read_file, today};
use super::{Outcome, Output};
use crate::authoring::{EffectivePolicy, stale};
use crate::check::{Scope, Surroundings, check_repository};
use crate::compile::history::{Git, History};
use crate::compile::{Compiler, input_paths};
use crate::emit::stamp::{Changes, Stamp};
use crate::files::RealFiles;
use crate::plan::planned::{Checks, Terms, plan as make_plan};
use crate::plan::source::Policies;
use crate::release::home::Home;
use crate::release::publish::{
    checked, loosening, publish as put, published, published_organisation,
};
use crate::release::stage::{self, Stage};
use crate::release::{NoBundle, Signatories, bundle, when_stale};
use crate::repository::{self, Cohort, Manifest, Repository};
use crate::suppress::suppress;

/// Why a command ended early: wrong use, something unreadable, or a refusal.
pub(super) enum Ended {
    /// The command line is wrong.
    Usage(String),
    /// Something cannot be read.
    Unreadable(String),
    /// It is refused.
    Refused(String),
    /// The policy has findings; they are shown already.
    Findings,
}

impl<E: std::error::Error> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Refused(error.to_string())
    }
}

/// Ends a command.
pub(super) fn ended(result: Result<Outcome, Ended>, output: &mut Output) -> Outcome {
    let (words, outcome) = match result {
        Ok(outcome) => return outcome,
        Err(Ended::Usage(words)) => return usage(output, &words),
        Err(Ended::Findings) => return Outcome::Findings,
        Err(Ended::Refused(words)) => (words, Outcome::Findings),
        Err(Ended::Unreadable(words)) => (words, Outcome::Partial),
    };
    output.talk.push_str(&format!("refused: {words}\n"));
    outcome
}

/// Makes a stage, or adds signatures to one.
pub(super) fn sign(arguments: &Sign, output: &mut Output) -> Outcome {
    let result = if Stage::is_at(&arguments.source) {
        add(arguments, output)
    } else {
        begin(arguments, output)
    };
    ended(result, output)
}

fn add(arguments: &Sign, output: &mut Output) -> Result<Outcome, Ended> {
    let stage = Stage::read(&arguments.source)?;
    let published = follows(before_at(arguments)?.as_ref(), &stage.root)?;
    finish(stage, &published, arguments, &arguments.source, output)
}

/// Where the release is that this one follows.
fn before_at(arguments: &Sign) -> Result<Option<Home>, Ended> {
    arguments.release.as_deref().map(|place| home(place, &arguments.server)).transpose()
}

fn follows(release: Option<&Home>, root: &[u8]) -> Result<Published, Ended> {
    Ok(match release {
        Some(release) => published(release, root)?,
        None => Published::nothing(root)?,
    })
}

fn begin(arguments: &Sign, output: &mut Output) -> Result<Outcome, Ended> {
    let top = &arguments.source;
    let name = top.display().to_string();
    let (Some(out), Some(root)) = (&arguments.out, &arguments.root) else {
        return Err(Ended::Usage(
            "to make a release, name --root (the root that is trusted) and --out (where the stage \
             goes)"
                .to_owned(),
        ));
    };
    if Stage::is_at(out) {
        return Err(Ended::Usage(format!("there is a stage at {} already", out.display())));
    }
    let (_, root) = read_file(root).map_err(Ended::Usage)?;
    let release = before_at(arguments)?;
    let before = follows(release.as_ref(), &root)?;
    let today = arguments.today.unwrap_or_else(today);
    let plan = planned(arguments, &before, today)?;
    let signatories = signatories(top, today).map_err(Ended::Unreadable)?;
    let (manifest, bundles) = bundles(arguments, today, output)?;
    let said = match &release {
        Some(release) => published_organisation(release, &before)?,
        None => None,
    };
    let mut organisation = organisation(&manifest, &name, &signatories, &before)?;
    if let Some(said) = said {
        called_off(&mut organisation, said);
    }
    let content = Content {
        organisation: &organisation,
        bundles,
        targets: &signatories.targets,
        shared: &signatories.organisation,
        teams: &signatories.teams,
        plan: plan.as_deref(),
    };
    let draft = draft(&before, content, now())?;
    let days = (signatories.snapshot_days, signatories.timestamp_days);
    let loosens = match &release {
        Some(release) => loosening(release, &draft)?,
        None => BTreeMap::new(),
    };
    let terms = stage::Terms { plan, days, approvers: organisation.loosen.clone(), loosens };
    let stage = Stage::new(&before, draft, terms);
    finish(stage, &before, arguments, out, output)
}

/// The hash of the plan, after holding the repository against it.
fn planned(
    arguments: &Sign,
    before: &Published,
    today: codex_schema::types::policy::Date,
) -> Result<Option<String>, Ended> {
    let (base, wanted) = match (&arguments.base, &arguments.plan) {
        (Some(base), Some(plan)) => (base, plan),
        _ if before.timestamp.is_none() => return Ok(None),
        _ => {
            return Err(Ended::Usage(
                "this release follows another one: name --base (what is in force) and --plan (the \
                 hash that `codex-config plan` printed)"
                    .to_owned(),
            ));
        }
    };
    let opened = open(base, &arguments.source, today).map_err(|reason| match reason {
        super::diff::NotOpened::Usage(words) => Ended::Usage(words),
        super::diff::NotOpened::Unreadable(words) => Ended::Unreadable(words),
    })?;
    let files = RealFiles::new(None);
    let top = arguments.source.display().to_string();
    let (mut from, mut to) = (opened.policies, Policies::read(&files, &top, today));
    let history = Git::open(&arguments.source);
    let terms = Terms {
        base,
        base_commit: opened.commit.as_deref(),
        inventory: None,
        history: &history,
        recent: None,
        percent: crate::plan::brake::USUAL_PERCENT,
        approved: Some(wanted),
        checks: Checks { errors: 0, warnings: 0 },
    };
    let plan = make_plan(&mut from, &mut to, &terms);
    wanted.verify(&plan.hash)?;
    Ok(Some(wanted.to_string()))
}

/// Checks and compiles a repository: the bundles of all cohorts. Nothing is signed when anything
/// is wrong.
fn bundles(
    arguments: &Sign,
    today: codex_schema::types::policy::Date,
    output: &mut Output,
) -> Result<(Manifest, Vec<Next>), Ended> {
    let name = arguments.source.display().to_string();
    let history = Git::open(&arguments.source);
    let state = history.state();
    let changes = Changes::of(history.touched(), state.changed.clone());
    let repository = repository::read(&RealFiles::new(None), &name, today);
    let known: BTreeSet<String> =
        repository.documents.iter().map(|document| document.source.to_string()).collect();
    let compiler = Compiler::new(&history);
    let made: Mutex<BTreeMap<String, Result<Next, NoBundle>>> = Mutex::default();
    let surroundings = Surroundings::default();
    let scope = Scope { today, wanted: &|_| true, surroundings: &surroundings };
    let one = |repository: &Repository, cohort: &Cohort, policy: &EffectivePolicy| {
        let compiled = compiler.cohort(repository, cohort, policy);
        let below = |folder: &str| -> Vec<String> {
            let known = known.range(folder.to_owned()..);
            known.take_while(|path| path.starts_with(folder)).cloned().collect()
        };
        let paths = input_paths(repository, cohort, today, below).into_iter().collect();
        let stamp = Stamp::of(&repository.manifest, cohort, &compiled.digest, &changes, &paths);
        let next = bundle(&repository.manifest, cohort, &stamp, &compiled.files).map(|mut next| {
            if let Some(stale) = stale(repository, policy) {
                next.bundle.on_stale = when_stale(&compiler.cohort(repository, cohort, &stale));
            }
            next
        });
        let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
        made.insert(cohort.name.clone(), next);
    };
    let mut tree = check_repository(repository, &scope, &one);
    tree.report = suppress(tree.report, today);
    let tree = match tree.checked() {
        Ok(tree) => tree,
        Err(tree) => {
            output.data = shown(&tree.report, &arguments.print);
            output.talk.push_str("nothing was signed: the policy has errors\n");
            return Err(Ended::Findings);
        }
    };
    let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    let bundles = made.into_values().collect::<Result<Vec<_>, _>>()?;
    Ok((tree.repository.manifest.clone(), bundles))
}

/// What was called off once stays so: a line that is taken out of `policy.toml` brings nothing back.
fn called_off(organisation: &mut Organisation, said: Organisation) {
    organisation.void.extend(said.void);
    for (cohort, generation) in said.minimum_generations {
        let minimum = organisation.minimum_generations.entry(cohort).or_default();
        *minimum = generation.max(*minimum);
    }
}

/// What the organisation says by the repository: the floor, who approves, which teams are gone, what
/// is called off.
fn organisation(
    manifest: &Manifest,
    top: &str,
    signatories: &Signatories,
    before: &Published,
) -> Result<Organisation, Ended> {
    let floor = manifest.floor.as_ref().map(|floor| {
        let path = Path::new(top).join(floor);
        let (name, bytes) = read_file(&path).map_err(Ended::Unreadable)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Ended::Unreadable(format!("{name} is not UTF-8")))?;
        let problems = crate::release::floor_problems(&name, &text);
        if problems.is_empty() { Ok(text) } else { Err(Ended::Unreadable(problems)) }
    });
    let now: BTreeSet<String> = signatories.teams.keys().cloned().collect();
    let deleted = before
        .snapshot
        .iter()
        .flat_map(|snapshot| snapshot.meta.keys())
        .filter_map(|name| name.strip_prefix("team-")?.strip_suffix(".json"))
        .filter(|team| !now.contains(*team))
        .map(str::to_owned)
        .collect();
    Ok(Organisation {
        form: FORM.to_owned(),
        organisation: manifest.organisation.clone(),
        floor: floor.transpose()?,
        loosen: signatories.loosen.clone(),
        minimum_generations: manifest
            .minimum_generations
            .iter()
            .map(|(cohort, generation)| (cohort.clone(), generation.value))
            .collect(),
        void: manifest.void.iter().map(|digest| digest.value.clone()).collect(),
        deleted_teams: deleted,
        longest_pause_hours: manifest.longest_pause_hours,
    })
}

/// Signs what the keys at hand hold, writes the stage, and tells what is missing.
fn finish(
    mut stage: Stage,
    published: &Published,
    arguments: &Sign,
    out: &Path,
    output: &mut Output,
) -> Result<Outcome, Ended> {
    let signers = signers(&arguments.signing).map_err(Ended::Usage)?;
    let mut used = vec![false; signers.len()];
    let holders = holders(&stage, published)?;
    for (role, envelope) in &mut stage.draft.roles {
        let holders = holders.get(role).map(Vec::as_slice).unwrap_or_default();
        for (signer, used) in signers.iter().zip(&mut used) {
            if holders.contains(&signer.public()) {
                envelope.sign(&**signer)?;
                *used = true;
            }
        }
    }
    for (signer, used) in signers.iter().zip(used) {
        if !used {
            let line = format!("note: {} holds no role that is to be signed\n", signer.public());
            output.talk.push_str(&line);
        }
    }
    stage.write(out)?;
    output.data = crate::release::stage_text(&stage);
    if let Err(missing) = stage.draft.signed(published) {
        output.talk.push_str(&format!("not complete yet: {missing}\n"));
        return Ok(Outcome::Findings);
    }
    Ok(Outcome::Fine)
}

/// The keys that may sign each staged document.
fn holders(
    stage: &Stage,
    published: &Published,
) -> Result<BTreeMap<String, Vec<codex_trust::keys::PublicKey>>, Ended> {
    let root = &published.root.document;
    let mut holders = BTreeMap::from([(
        "targets".to_owned(),
        keys_of(&root.keys, &root.role("targets")?.keyids),
    )]);
    let targets = match stage.draft.roles.get("targets") {
        Some(envelope) => Some(envelope.document::<Targets>()?),
        None => published.roles.get("targets").map(|role| role.document.clone()),
    };
    let delegations = targets.and_then(|targets| targets.delegations).unwrap_or_default();
    for role in &delegations.roles {
        holders.insert(role.name.clone(), keys_of(&delegations.keys, &role.keyids));
    }
    Ok(holders)
}

/// Publishes a stage.
pub(super) fn publish(arguments: &Publish, output: &mut Output) -> Outcome {
    let result = publish_stage(arguments, output);
    ended(result, output)
}

fn publish_stage(arguments: &Publish, output: &mut Output) -> Result<Outcome, Ended> {
    let stage = Stage::read(&arguments.stage)?;
    let home = home(&arguments.to, &arguments.server)?;
    let before = published(&home, &stage.root)?;
    if before.timestamp.is_some() && arguments.plan.is_none() {
        let words = "name the --plan that is carried out: another one is refused";
        return Err(Ended::Usage(words.to_owned()));
    }
    checked(&home, &before, &stage, arguments.plan.as_ref())?;
    let signers = signers(&arguments.signing).map_err(Ended::Usage)?;
    let root = &before.root.document;
    let holder = |role: &'static str| -> Result<&dyn Signer, Ended> {
        let keys = keys_of(&root.keys, &root.role(role)?.keyids);
        let found = signers.iter().find(|signer| keys.contains(&signer.public()));
        let missing = || Ended::Usage(format!("no --key holds the role `{role}` in the root"));
        Ok(&**found.ok_or_else(missing)?)
    };
    let (snapshot_days, timestamp_days) = stage.about.days;
    let online = Online {
        snapshot: holder("snapshot")?,
        snapshot_days,
        timestamp: holder("timestamp")?,
        timestamp_days,
    };
    let commit = put(&home, &before, &stage, online, now())?;
    // What machines will see is what was meant: read it as they do.
    let after = published(&home, &stage.root)?;
    output.data = format!(
        "published {} of {} cohorts as release {} in {}\n",
        stage.draft.changed.len(),
        after.bundles().count(),
        commit.snapshot_version,
        arguments.to.display(),
    );
    Ok(Outcome::Fine)
}
