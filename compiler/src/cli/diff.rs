//! `diff`: what changes from one policy to another.

use std::path::Path;

use codex_schema::types::policy::Date;

use super::arguments::{Diff, DiffForm, PrintArgs};
use super::explain::usage;
use super::world::{paint, today};
use super::{Outcome, Output};
use crate::files::{Content, Files, RealFiles};
use crate::plan::diff::{Status, diff as compare};
use crate::plan::source::Policies;
use crate::render::plan::{Compared, human, json, markdown, plain};
use crate::repository::MANIFEST_FILE;
use crate::revision;

/// What a revision is written with.
const REVISION: &str = "git:";

/// Why one side could not be opened.
pub(super) enum NotOpened {
    /// The words do not name anything.
    Usage(String),
    /// It is there and cannot be read.
    Unreadable(String),
}

/// One side.
pub(super) struct Opened {
    /// What it says.
    pub(super) policies: Policies,
    /// The commit, where it is a revision.
    pub(super) commit: Option<String>,
}

/// Opens what an argument names.
pub(super) fn open(name: &str, repository: &Path, today: Date) -> Result<Opened, NotOpened> {
    let opened = |policies: Policies| Opened { policies, commit: None };
    if let Some(name) = name.strip_prefix(REVISION) {
        if name.is_empty() {
            return Err(NotOpened::Usage("name a revision: git:main".to_owned()));
        }
        let revision = revision::read(repository, name)
            .map_err(|error| NotOpened::Unreadable(error.to_string()))?;
        let policies = Policies::read(&revision.files, revision::TOP, today);
        if policies.repository.manifest.source.is_none() {
            return Err(NotOpened::Unreadable(format!(
                "there is no {MANIFEST_FILE} in `{}` at {name}: name the policy repository with \
                 --repository",
                repository.display()
            )));
        }
        return Ok(Opened { policies, commit: Some(revision.commit) });
    }
    let path = Path::new(name);
    let files = RealFiles::new(None);
    if path.is_dir() {
        let policies = Policies::read(&files, name, today);
        if policies.repository.manifest.source.is_none() {
            let words =
                format!("there is no {MANIFEST_FILE} in `{name}`: that is no policy repository");
            return Err(NotOpened::Unreadable(words));
        }
        return Ok(opened(policies));
    }
    match files.read(name) {
        Content::Bytes(bytes) => match String::from_utf8(bytes) {
            Ok(text) => {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
                Ok(opened(Policies::of_text(name, text, today)))
            }
            Err(_) => Err(NotOpened::Unreadable(format!("{name} is not UTF-8"))),
        },
        Content::Absent => Err(NotOpened::Usage(format!(
            "there is no file or folder `{name}`; revisions are written git:{name}"
        ))),
        Content::Unreadable(reason) => {
            Err(NotOpened::Unreadable(format!("cannot read {name}: {reason}")))
        }
    }
}

/// Tells why a side could not be opened.
pub(super) fn not_opened(reason: &NotOpened, output: &mut Output) -> Outcome {
    match reason {
        NotOpened::Usage(words) => usage(output, words),
        NotOpened::Unreadable(words) => {
            output.talk.push_str(&format!("codex-config: {words}\n"));
            Outcome::Partial
        }
    }
}

/// Compares two policies.
pub(super) fn diff(arguments: &Diff, output: &mut Output) -> Outcome {
    let today = arguments.today.unwrap_or_else(today);
    let sides = [&arguments.from, &arguments.to];
    let folder = sides.into_iter().map(Path::new).find(|path| path.is_dir());
    let repository = arguments.repository.as_deref().or(folder).unwrap_or(Path::new("."));
    let [from, to] = sides.map(|name| open(name, repository, today));
    let (mut from, mut to) = match (from, to) {
        (Ok(from), Ok(to)) => (from.policies, to.policies),
        (Err(reason), _) | (_, Err(reason)) => return not_opened(&reason, output),
    };
    let mut broken = false;
    for (name, side) in sides.into_iter().zip([&from, &to]) {
        for problem in side.unread() {
            broken = true;
            output.talk.push_str(&format!("{name}: {problem}\n"));
        }
    }
    if let Some(cohort) = &arguments.cohort {
        let known = |side: &Policies| side.repository.manifest.cohorts.contains_key(cohort);
        if !known(&from) && !known(&to) {
            return usage(output, &format!("neither side has a cohort `{cohort}`"));
        }
    }
    let cohorts = compare(&mut from, &mut to, arguments.cohort.as_deref());
    let compared = Compared { from: &arguments.from, to: &arguments.to, cohorts: &cohorts };
    output.data = shown(compared, arguments.format, &arguments.print);
    // Taking megabytes of policy apart piece by piece is of no use.
    std::mem::forget((from, to));
    match cohorts.iter().all(|cohort| cohort.status == Status::Same) {
        _ if broken => Outcome::Partial,
        true => Outcome::Fine,
        false => Outcome::Findings,
    }
}

fn shown(compared: Compared<'_>, form: Option<DiffForm>, print: &PrintArgs) -> String {
    let usual = match (print.json, print.plain) {
        (true, _) => DiffForm::Json,
        (_, true) => DiffForm::Plain,
        _ => DiffForm::Human,
    };
    match form.unwrap_or(usual) {
        DiffForm::Human => human(compared, paint(print)),
        DiffForm::Plain => plain(compared),
        DiffForm::Json => json(compared),
        DiffForm::Markdown => markdown(compared),
    }
}
