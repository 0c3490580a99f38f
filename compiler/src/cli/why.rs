//! `why-blocked`: what happens to one thing, and who says so.

use std::path::Path;

use codex_schema::diagnostic::Severity;
use codex_schema::lookup::closest;
use codex_schema::reader::read_toml_value;
use codex_schema::span::SourceId;
use serde_json::json;

use super::arguments::{MachineArgs, SessionArgs, WhyBlocked};
use super::explain::usage;
use super::world::{look, paint, today};
use super::{Outcome, Output};
use crate::compile::history::{Git, NoHistory};
use crate::decide::answer::Verdict;
use crate::decide::question::{Access, Launch, Question};
use crate::decide::{answer as decide, answer_on};
use crate::evaluate::policy::of_cohort;
use crate::files::RealFiles;
use crate::render::names::Names;
use crate::render::why as render;
use crate::repository::{self, Cohort, Repository};
use crate::why::{Asked, Why, why};

/// `why-blocked`.
pub(super) fn why_blocked(arguments: &WhyBlocked, output: &mut Output) -> Outcome {
    let question = match question(arguments) {
        Ok(question) => question,
        Err(problem) => return usage(output, &problem),
    };
    let told = match &arguments.policy {
        Some(top) => of_repository(arguments, top, &question),
        None => of_machine(&arguments.machine, &codex_arguments(&arguments.session), &question),
    };
    let (why, names) = match told {
        Ok(told) => told,
        Err(problem) => return usage(output, &problem),
    };
    output.data = if arguments.print.json {
        let text = serde_json::to_string_pretty(&why);
        text.map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |text| text + "\n")
    } else if arguments.print.plain {
        render::plain(&why)
    } else {
        render::draw(&why, paint(&arguments.print), &names)
    };
    if why.partial {
        output.talk.push_str("policy could not be read in full: see codex-config explain\n");
        return Outcome::Partial;
    }
    match why.verdict {
        Verdict::Unmanaged | Verdict::Allow => Outcome::Fine,
        Verdict::Prompt | Verdict::PromptUser | Verdict::Deny => Outcome::Findings,
    }
}

/// What is asked, of the one argument that asks.
fn question(arguments: &WhyBlocked) -> Result<Question, String> {
    let WhyBlocked { domain, path, write, mcp, launch, feature, set, command, .. } = arguments;
    if let Some(host) = domain {
        return Ok(Question::Host(host.clone()));
    }
    if let Some(path) = path {
        let access = if *write { Access::Write } else { Access::Read };
        return Ok(Question::Path { path: path.clone(), access });
    }
    if let Some(name) = mcp {
        let launch = match launch.as_deref() {
            None => None,
            Some(text) if text.contains("://") => Some(Launch::Address(text.to_owned())),
            Some(text) => {
                let words = text.split_whitespace().map(str::to_owned).collect();
                Some(Launch::Program(words))
            }
        };
        return Ok(Question::Server { name: name.clone(), launch });
    }
    if let Some(name) = feature {
        return Ok(Question::Feature(name.clone()));
    }
    if let Some(text) = set {
        let (key, value) = setting(text)?;
        return Ok(Question::Setting { key, value });
    }
    match command.as_slice() {
        [] => Err("ask about something: --domain, --path, --mcp, --feature, --set, or a command \
                   after --"
            .to_owned()),
        [script] => Ok(Question::Script(script.clone())),
        words => Ok(Question::Command(words.to_vec())),
    }
}

/// `KEY=VALUE`: what is no TOML value is text, as for Codex's own `-c`.
///
/// # Errors
/// What is missing.
pub(super) fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    let (key, value) =
        text.split_once('=').ok_or_else(|| format!("`{text}` sets nothing: write KEY=VALUE"))?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err(format!("`{text}` names no key: write KEY=VALUE"));
    }
    let node = read_toml_value(value, SourceId::BUILT_IN);
    let value = node.map_or_else(|| json!(value), |node| json!(node.value));
    Ok((key.to_owned(), value))
}

fn kind(question: &Question) -> &'static str {
    match question {
        Question::Command(_) | Question::Script(_) => "command",
        Question::Host(_) => "domain",
        Question::Path { .. } => "path",
        Question::Server { .. } => "mcp",
        Question::Feature(_) => "feature",
        Question::Setting { .. } => "setting",
    }
}

/// What a machine's policy says, with further arguments of Codex.
///
/// # Errors
/// A sentence about what is wrong with the arguments or the surroundings.
pub(super) fn of_machine(
    arguments: &MachineArgs,
    codex: &[String],
    question: &Question,
) -> Result<(Why, Names), String> {
    let world = look(arguments, codex)?;
    let machine = &world.evaluation.machine;
    let names = Names::of_machine(machine, &world.home);
    let asked = Asked {
        codex: machine.version.to_string(),
        of: machine.hostname.clone(),
        kind: kind(question),
        partial: !world.evaluation.gathered.broken.is_empty(),
    };
    let disk = RealFiles::new(arguments.root.clone());
    let answer = answer_on(&world.evaluation, question, &disk);
    Ok((why(asked, answer, world.evaluation.documents(), &NoHistory), names))
}

fn of_repository(
    arguments: &WhyBlocked,
    top: &Path,
    question: &Question,
) -> Result<(Why, Names), String> {
    let today = arguments.today.unwrap_or_else(today);
    let name = top.display().to_string();
    let repository = repository::read(&RealFiles::new(None), &name, today);
    let cohort = cohort(&repository, arguments.cohort.as_deref(), &name)?;
    let version = arguments.machine.codex_version;
    let codex = codex_arguments(&arguments.session);
    let evaluation = of_cohort(&repository, cohort, today, version, &codex);
    let machine = &evaluation.machine;
    let names = Names::of_machine(machine, &machine.home);
    let asked = Asked {
        codex: machine.version.to_string(),
        of: format!("cohort {}", cohort.name),
        kind: kind(question),
        partial: repository.diagnostics.iter().any(|one| one.severity == Severity::Error),
    };
    let answer = decide(&evaluation, question);
    Ok((why(asked, answer, evaluation.documents(), &Git::open(top)), names))
}

fn cohort<'repository>(
    repository: &'repository Repository,
    wanted: Option<&str>,
    top: &str,
) -> Result<&'repository Cohort, String> {
    let cohorts = &repository.manifest.cohorts;
    let names = || cohorts.keys().map(String::as_str);
    match (wanted, cohorts.len()) {
        (_, 0) => Err(format!("there are no cohorts in {top}: see `codex-config check {top}`")),
        (None, 1) => cohorts.values().next().ok_or_else(String::new),
        (None, _) => {
            let names: Vec<&str> = names().take(20).collect();
            Err(format!("name a cohort with --cohort: {}", names.join(", ")))
        }
        (Some(wanted), _) => cohorts.get(wanted).ok_or_else(|| {
            let meant = closest(wanted, names());
            let meant = meant.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
            format!("there is no cohort `{wanted}` in {top}{meant}")
        }),
    }
}

/// The session's own wishes as Codex's arguments.
fn codex_arguments(session: &SessionArgs) -> Vec<String> {
    let SessionArgs { sandbox, approval, config, profile } = session;
    let pairs = [("-s", sandbox), ("-a", approval), ("-p", profile)];
    let given = pairs.into_iter().filter_map(|(flag, value)| Some((flag, value.as_ref()?)));
    let config = config.iter().map(|value| ("-c", value));
    given.chain(config).flat_map(|(flag, value)| [flag.to_owned(), value.clone()]).collect()
}
