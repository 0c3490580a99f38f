//! `plan`: what a change of a policy repository would do, to whom, and whether it may.

use codex_schema::diagnostic::Severity;

use super::arguments::{Plan as Arguments, PlanForm, PrintArgs};
use super::diff::{NotOpened, not_opened, open};
use super::explain::usage;
use super::world::{paint, today};
use super::{Outcome, Output};
use crate::check::{Report, Scope, Surroundings, check_tree};
use crate::compile::history::{Git, History};
use crate::files::{Content, Files, RealFiles};
use crate::plan::fleet::{Endpoint, read_inventory};
use crate::plan::planned::{Checks, Plan, Terms, plan as make};
use crate::plan::source::Policies;
use crate::render::diagnostics::{Located, github, sarif};
use crate::render::plan::planned;
use crate::suppress::suppress;

/// Makes a plan and tells it.
pub(super) fn plan(arguments: &Arguments, output: &mut Output) -> Outcome {
    let today = arguments.today.unwrap_or_else(today);
    let top = arguments.repository.display().to_string();
    if !arguments.repository.is_dir() {
        return usage(output, &format!("there is no folder `{top}`"));
    }
    let base = match open(&arguments.base, &arguments.repository, today) {
        Ok(base) => base,
        Err(reason) => return not_opened(&reason, output),
    };
    let inventory = match arguments.inventory.as_deref().map(|path| inventory(path, output)) {
        None => None,
        Some(Ok(endpoints)) => Some(endpoints),
        Some(Err(reason)) => return not_opened(&reason, output),
    };
    let nothing_else = Surroundings::default();
    let scope = Scope { today, wanted: &|_| true, surroundings: &nothing_else };
    let tree = check_tree(&RealFiles::new(None), &top, &scope);
    let report = suppress(tree.report, today);
    let checks =
        Checks { errors: report.count(Severity::Error), warnings: report.count(Severity::Warning) };
    let (mut from, mut to) = (base.policies, Policies::of(tree.repository, today));
    let broken = tell_problems(&arguments.base, &from, output);
    let history = Git::open(&arguments.repository);
    let recent = base
        .commit
        .as_ref()
        .and_then(|commit| crate::revision::commits_since(&arguments.repository, commit));
    let terms = Terms {
        base: &arguments.base,
        base_commit: base.commit.as_deref(),
        inventory: inventory.as_deref(),
        history: &history,
        recent: recent.as_ref(),
        percent: arguments.brake_percent,
        approved: arguments.approve.as_ref(),
        checks,
    };
    let made = make(&mut from, &mut to, &terms);
    let told = Told { plan: &made, report: &report, top: &top };
    output.data = told.shown(&to, arguments);
    told.talk(&history, arguments, output);
    // Taking megabytes of policy apart piece by piece is of no use.
    std::mem::forget((from, to));
    match (broken, made.is_stopped()) {
        (true, _) => Outcome::Partial,
        (false, true) => Outcome::Findings,
        (false, false) => Outcome::Fine,
    }
}

/// What of the base could not be read: a comparison with half a policy proves nothing.
fn tell_problems(name: &str, policies: &Policies, output: &mut Output) -> bool {
    let problems = policies.unread();
    for problem in &problems {
        output.talk.push_str(&format!("{name}: {problem}\n"));
    }
    !problems.is_empty()
}

fn inventory(path: &std::path::Path, output: &mut Output) -> Result<Vec<Endpoint>, NotOpened> {
    let name = path.display().to_string();
    let bytes = match RealFiles::new(None).read(&name) {
        Content::Bytes(bytes) => bytes,
        Content::Absent => return Err(NotOpened::Usage(format!("there is no file `{name}`"))),
        Content::Unreadable(reason) => {
            return Err(NotOpened::Unreadable(format!("cannot read {name}: {reason}")));
        }
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| NotOpened::Unreadable(format!("{name} is not UTF-8")))?;
    read_inventory(text.strip_prefix('\u{feff}').unwrap_or(&text)).map_err(|problems| {
        for problem in &problems {
            let column = problem.column.map_or(String::new(), |column| format!(":{column}"));
            output
                .talk
                .push_str(&format!("{name}:{}{column}: {}\n", problem.line, problem.message));
        }
        NotOpened::Unreadable(format!("{name} is no inventory: one machine a line, as JSON"))
    })
}

/// A plan and what goes with it.
struct Told<'told> {
    plan: &'told Plan,
    report: &'told Report,
    top: &'told str,
}

impl Told<'_> {
    fn shown(&self, to: &Policies, arguments: &Arguments) -> String {
        let form = form(arguments.format, &arguments.print);
        let found = || {
            let mut report = self.report.clone();
            let own = planned::diagnostics(self.plan, &to.repository);
            report.diagnostics.extend(own);
            report
        };
        match form {
            PlanForm::Human => planned::human(self.plan, paint(&arguments.print)),
            PlanForm::Plain => planned::plain(self.plan),
            PlanForm::Json => planned::json(self.plan),
            PlanForm::Markdown => planned::markdown(self.plan, self.top),
            PlanForm::Sarif => sarif(Located { report: &found(), folder: self.top }),
            PlanForm::Github => github(Located { report: &found(), folder: self.top }),
        }
    }

    fn talk(&self, history: &Git, arguments: &Arguments, output: &mut Output) {
        if let Some(note) = history.state().note {
            output.talk.push_str(&format!("note: {note}\n"));
        }
        if self.plan.checks.errors > 0 {
            let line = format!("the policy has errors: see `codex-config check {}`\n", self.top);
            output.talk.push_str(&line);
        }
        if let Some(Err(problem)) =
            arguments.approve.as_ref().map(|one| one.verify(&self.plan.hash))
        {
            output.talk.push_str(&format!("not approved: {problem}\n"));
        }
    }
}

fn form(form: Option<PlanForm>, print: &PrintArgs) -> PlanForm {
    let usual = match (print.json, print.plain) {
        (true, _) => PlanForm::Json,
        (_, true) => PlanForm::Plain,
        _ => PlanForm::Human,
    };
    form.unwrap_or(usual)
}
