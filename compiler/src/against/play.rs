//! A cohort's files become a machine, and its cases become questions to a Codex on it.

use std::collections::BTreeMap;
use std::path::Path;

use codex_oracle::{Oracle, SpecialFile, TurnScript, WorldSpec};
use codex_schema::version::Version;
use serde_json::Value as Json;

use super::{Real, Row};
use crate::authoring::{Cache, EffectivePolicy, effective};
use crate::cases::{Asked, Machines, Selection, Told};
use crate::compile::history::NoHistory;
use crate::compile::{Compiler, PROVENANCE_FILE};
use crate::compose::startup_json::Secrets;
use crate::decide::question::{Access, Launch, Question};
use crate::gather::arguments;
use crate::repository::{Case, Cohort, Repository, case};

/// Keys that keep a session from a model on this machine (login, provider and where it is), and
/// those that start programs of their own. None of them has a say in a decision.
const AWAY: &[&str] = &[
    "allowed_login_methods",
    "allowed_chatgpt_workspaces",
    "forced_login_method",
    "forced_chatgpt_workspace_id",
    "cli_auth_credentials_store",
    "chatgpt_base_url",
    "openai_base_url",
    "model_provider",
    "model_providers",
    "enforce_residency",
    "guardian_extra_policy",
    "hooks",
    "mcp_servers",
    "notify",
    "otel",
    "shell_environment_policy",
];

/// A user that owns nothing on the machine.
const NOBODY: u32 = 65_534;

/// Programs that put questions, under names that no rule has.
const PROBES: [(&str, &str); 3] = [(CONNECT, "curl"), (READ, "cat"), (WRITE, "touch")];
const CONNECT: &str = "codex-config-connect";
const READ: &str = "codex-config-read";
const WRITE: &str = "codex-config-write";

/// Everything that is asked of one version.
pub(super) struct Plan<'repository> {
    pub(super) sessions: Vec<Session>,
    pub(super) rows: Vec<Pending<'repository>>,
}

/// One start of Codex.
pub(super) struct Session {
    pub(super) world: WorldSpec,
    pub(super) question: Oracle,
    pub(super) parts: Vec<Part>,
}

/// Which row an answer is for, and what of the answer.
pub(super) struct Part {
    pub(super) row: usize,
    pub(super) kind: Kind,
}

/// What of an answer tells what became of a question.
pub(super) enum Kind {
    /// The command at this place of a turn.
    Command(usize),
    /// The connection at this place of a turn.
    Host(usize, String),
    /// The access at this place of a turn.
    Path(usize),
    /// This server of a list.
    Server(String),
    /// This feature of a list, after the person set it so.
    Feature(String, bool),
    /// This field of a started thread, and the value that is wanted.
    Setting(&'static str, Option<Json>),
    /// This field of the requirements that Codex prints, and what the model says it prints.
    Requirement(String, Option<Json>),
}

/// A row whose answers are still coming.
pub(super) struct Pending<'repository> {
    case: &'repository Case,
    model: Asked,
    not_asked: Option<String>,
    pub(super) shown: Vec<super::judge::Shown>,
}

impl<'repository> Pending<'repository> {
    pub(super) fn finish(self) -> Row<'repository> {
        let Self { case, model, not_asked, shown } = self;
        let codex = match not_asked {
            Some(why) => Real::NotAsked(why),
            None => super::judge::together(&shown, case, &model),
        };
        Row { case, model, codex }
    }
}

/// Plans what is asked of a version.
pub(super) fn plan<'repository>(
    repository: &'repository Repository,
    selection: &Selection<'_>,
    version: Version,
) -> Plan<'repository> {
    let mut plan = Plan { sessions: Vec::new(), rows: Vec::new() };
    let cases: Vec<&Case> =
        repository.cases.iter().filter(|case| selection.wants(&case.name.value)).collect();
    let cohorts = || repository.manifest.cohorts.values();
    let mut cache = Cache::of(repository, cohorts());
    for cohort in cohorts() {
        let policy = effective(repository, cohort, selection.today, &mut cache);
        let own: Vec<&Case> =
            cases.iter().copied().filter(|case| case.scope.selects(cohort)).collect();
        let mut of_cohort = OfCohort {
            plain: world(repository, cohort, &policy),
            at_work: world(repository, cohort, &at_work(&policy)),
            machines: Machines::new(repository, cohort, &policy),
            turns: BTreeMap::new(),
            features: BTreeMap::new(),
        };
        for case in own {
            of_cohort.add(case, version, &mut plan);
        }
        of_cohort.finish(&mut plan);
    }
    plan
}

/// A policy under which a scripted model can work.
fn at_work(policy: &EffectivePolicy) -> EffectivePolicy {
    let mut policy = policy.clone();
    for table in [&mut policy.requirements, &mut policy.config] {
        table.retain(|field| !AWAY.contains(&&*field.key.value));
    }
    policy
}

/// A machine with a cohort's files.
fn world(repository: &Repository, cohort: &Cohort, policy: &EffectivePolicy) -> WorldSpec {
    let compiled = Compiler::new(&NoHistory).cohort(repository, cohort, policy);
    let mut files = compiled.files;
    files.remove(PROVENANCE_FILE);
    files.iter().fold(WorldSpec::new(), |world, (path, text)| {
        world.file(&format!("/etc/codex/{path}"), text)
    })
}

/// The sessions of one cohort, as they grow.
struct OfCohort<'run> {
    plain: WorldSpec,
    at_work: WorldSpec,
    machines: Machines<'run>,
    /// Turns by what the person has configured.
    turns: BTreeMap<Vec<String>, Turn>,
    /// Lists of features by what the person has configured.
    features: BTreeMap<Vec<String>, Vec<(usize, String)>>,
}

#[derive(Default)]
struct Turn {
    commands: Vec<String>,
    files: Vec<String>,
    parts: Vec<Part>,
}

impl OfCohort<'_> {
    fn add<'repository>(
        &mut self,
        case: &'repository Case,
        version: Version,
        plan: &mut Plan<'repository>,
    ) {
        let model = self.machines.ask(case, version);
        let row = plan.rows.len();
        let not_asked = self.question(case, &model, version, row, &mut plan.sessions).err();
        plan.rows.push(Pending { case, model, not_asked, shown: Vec::new() });
    }

    /// Puts a case's question into a session.
    ///
    /// # Errors
    /// Why it cannot be asked.
    fn question(
        &mut self,
        case: &Case,
        model: &Asked,
        version: Version,
        row: usize,
        sessions: &mut Vec<Session>,
    ) -> Result<(), String> {
        let given = arguments::given(&case.session);
        match &case.asked {
            case::Asked::Decision(Question::Host(host)) => {
                let url = literal(&format!("http://{host}/"))?;
                let line = format!("{CONNECT} -sS -m 6 {url}");
                let host = crate::decide::domains::normal_host(host).into_owned();
                self.turn(&given, row, &line, |at| Kind::Host(at, host));
                Ok(())
            }
            case::Asked::Decision(Question::Command(words)) => {
                let words: Result<Vec<String>, String> =
                    words.iter().map(|word| literal(word)).collect();
                self.command(&given, row, &words?.join(" "), model)
            }
            case::Asked::Decision(Question::Script(text)) => self.command(&given, row, text, model),
            case::Asked::Decision(Question::Path { path, access }) => {
                self.path(&given, row, path, *access)
            }
            case::Asked::Decision(Question::Server { name, launch }) => {
                let world = with(self.plain.clone(), &given);
                let world = match launch {
                    Some(launch) => {
                        world.file("$CODEX_HOME/config.toml", &configured(name, launch))
                    }
                    None => world,
                };
                let parts = vec![Part { row, kind: Kind::Server(name.clone()) }];
                put(sessions, Session { world, question: Oracle::Mcp, parts });
                Ok(())
            }
            case::Asked::Decision(Question::Feature(name)) => {
                self.features.entry(given).or_default().push((row, name.clone()));
                Ok(())
            }
            case::Asked::Decision(Question::Setting { key, value }) => {
                let field = super::judge::thread_field(key)?;
                let toml = toml::Value::try_from(value).map_err(|error| error.to_string())?;
                let given = [given, vec!["-c".to_owned(), format!("{key}={toml}")]].concat();
                let world = with(self.plain.clone(), &given);
                let parts = vec![Part { row, kind: Kind::Setting(field, Some(value.clone())) }];
                put(sessions, Session { world, question: Oracle::thread(), parts });
                Ok(())
            }
            case::Asked::Setting(key) => {
                let field = super::judge::thread_field(key)?;
                let world = with(self.plain.clone(), &given);
                let parts = vec![Part { row, kind: Kind::Setting(field, None) }];
                put(sessions, Session { world, question: Oracle::thread(), parts });
                Ok(())
            }
            case::Asked::Requirement(key) => {
                let top = super::judge::printed_name(key);
                let printed =
                    self.machines.of(case, version).startup_answer(Secrets::AsCodexPrints);
                let printed = printed.ok().and_then(|all| all.get("requirements").cloned());
                let printed = printed.and_then(|all| all.get(&top).cloned());
                if printed.as_ref().is_none_or(Json::is_null) {
                    return Err("Codex does not print this requirement".to_owned());
                }
                let question = if version >= Version::of(164) {
                    Oracle::Startup
                } else {
                    Oracle::RequirementsRead
                };
                let world = with(self.plain.clone(), &given);
                let parts = vec![Part { row, kind: Kind::Requirement(top, printed) }];
                put(sessions, Session { world, question, parts });
                Ok(())
            }
        }
    }

    fn turn(&mut self, given: &[String], row: usize, line: &str, kind: impl FnOnce(usize) -> Kind) {
        let turn = self.turns.entry(given.to_vec()).or_default();
        // Codex may put a question of its own first, and so lose the first answer.
        let at = turn.commands.len() + 1;
        turn.commands.push(line.to_owned());
        turn.parts.push(Part { row, kind: kind(at) });
    }

    fn command(
        &mut self,
        given: &[String],
        row: usize,
        line: &str,
        model: &Asked,
    ) -> Result<(), String> {
        if let Some(program) = by_path(line, &model.told) {
            return Err(format!("`{program}` would really run: name programs without a path"));
        }
        self.turn(given, row, line, Kind::Command);
        Ok(())
    }

    fn path(
        &mut self,
        given: &[String],
        row: usize,
        path: &str,
        access: Access,
    ) -> Result<(), String> {
        let plain = |part: &str| {
            let fine = |one: char| one.is_ascii_alphanumeric() || "._-/".contains(one);
            part.chars().all(fine) && part.split('/').all(|name| name != "..")
        };
        let (place, written) = match path.strip_prefix("~/") {
            // Codex takes a tilde for something that a shell must take apart.
            Some(rest) if plain(rest) => (format!("$HOME/{rest}"), format!("$USER_HOME/{rest}")),
            None if !path.starts_with('/') && plain(path) => {
                (format!("$CWD/{path}"), path.to_owned())
            }
            _ => return Err("only plain paths in the home and the project can be made".to_owned()),
        };
        let probe = match access {
            Access::Read => READ,
            Access::Write => WRITE,
        };
        self.turn(given, row, &format!("{probe} {written}"), Kind::Path);
        if let Some(turn) = self.turns.get_mut(given) {
            turn.files.push(place);
        }
        Ok(())
    }

    fn finish(self, plan: &mut Plan<'_>) {
        for (given, turn) in self.turns {
            let mut world = with(self.at_work.clone(), &given)
                .file("$CODEX_HOME/config.toml", "approvals_reviewer = 'user'\n")
                .env("PATH", "$CODEX_HOME/probes")
                .user(NOBODY);
            for (name, program) in PROBES {
                if let Some(path) = program_named(program) {
                    let link = format!("$CODEX_HOME/probes/{name}");
                    world = world.special(&link, SpecialFile::Symlink(path));
                }
            }
            world = turn.files.iter().fold(world, |world, file| world.file(file, "content\n"));
            let first = std::iter::once("true".to_owned());
            let cmds = first.chain(turn.commands).collect();
            let script = TurnScript { cmds, decision: None, tool: serde_json::Map::new() };
            let question = Oracle::Turn(script);
            plan.sessions.push(Session { world, question, parts: turn.parts });
        }
        for (given, features) in self.features {
            for wish in [true, false] {
                let mut config = "[features]\n".to_owned();
                let mut names: Vec<&String> = features.iter().map(|(_, name)| name).collect();
                names.sort();
                names.dedup();
                names.iter().for_each(|name| config.push_str(&format!("{name} = {wish}\n")));
                let world =
                    with(self.plain.clone(), &given).file("$CODEX_HOME/config.toml", &config);
                let part = |(row, name): &(usize, String)| Part {
                    row: *row,
                    kind: Kind::Feature(name.clone(), wish),
                };
                let parts = features.iter().map(part).collect();
                plan.sessions.push(Session { world, question: Oracle::Features, parts });
            }
        }
    }
}

/// Adds a session; what is asked on the same machine already is asked once.
fn put(sessions: &mut Vec<Session>, session: Session) {
    let same =
        |known: &&mut Session| known.question == session.question && known.world == session.world;
    match sessions.iter_mut().find(same) {
        Some(known) => known.parts.extend(session.parts),
        None => sessions.push(session),
    }
}

fn with(world: WorldSpec, given: &[String]) -> WorldSpec {
    world.args(given.iter().map(String::as_str))
}

/// A program of the machine by its name.
fn program_named(name: &str) -> Option<String> {
    ["/usr/bin", "/bin"]
        .iter()
        .map(|folder| format!("{folder}/{name}"))
        .find(|path| Path::new(path).exists())
}

/// A word as the shell takes it literally.
fn literal(word: &str) -> Result<String, String> {
    if word.chars().any(char::is_control) {
        return Err("control characters are not put into a shell".to_owned());
    }
    let fine = |one: char| one.is_ascii_alphanumeric() || "_-./:=@%+,".contains(one);
    if !word.is_empty() && word.chars().all(fine) {
        return Ok(word.to_owned());
    }
    Ok(format!("'{}'", word.replace('\'', "'\\''")))
}

/// A program that is named by its path: nothing would keep it from running.
fn by_path(line: &str, told: &Told) -> Option<String> {
    let parts = match told {
        Told::Decided(answer, _) => answer.parts.as_slice(),
        Told::Value(..) | Told::Refused(_) => &[],
    };
    let programs = parts.iter().filter(|part| part.opaque.is_none());
    let mut programs = programs.filter_map(|part| part.words.first()).map(String::as_str);
    let looks = |word: &&str| word.contains('/');
    if let Some(program) = programs.find(|word| looks(word)) {
        return Some(program.to_owned());
    }
    let clean = |word: &str| word.trim_matches(|one: char| "'\"`()$;&|{}".contains(one)).to_owned();
    let words: Vec<String> = line.split_whitespace().map(clean).collect();
    let first = words.first().filter(|word| word.contains('/')).cloned();
    let below = |word: &&String| word.contains("/bin/") || word.contains("/sbin/");
    first.or_else(|| words.iter().find(below).cloned())
}

/// A user's configuration with a server.
fn configured(name: &str, launch: &Launch) -> String {
    let mut server = toml::Table::new();
    let text = |text: &str| toml::Value::String(text.to_owned());
    match launch {
        Launch::Program(words) => {
            if let Some((program, arguments)) = words.split_first() {
                server.insert("command".to_owned(), text(program));
                let list = arguments.iter().map(|argument| text(argument)).collect();
                server.insert("args".to_owned(), toml::Value::Array(list));
            }
        }
        Launch::Address(url) => drop(server.insert("url".to_owned(), text(url))),
    }
    let mut servers = toml::Table::new();
    servers.insert(name.to_owned(), toml::Value::Table(server));
    let mut whole = toml::Table::new();
    whole.insert("mcp_servers".to_owned(), toml::Value::Table(servers));
    whole.to_string()
}
