//! Whether and with which words Codex refuses a question: the same mistake is told differently
//! depending on who asks and on how far Codex gets.

mod session;

use codex_schema::de::TypeProblem;
use codex_schema::inspect::inspect;
use codex_schema::lookup::CONFIG;
use codex_schema::source::ConfigTier;
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;
pub(crate) use session::is_matcher;

use super::features::{flag_refusal, pin_refusal};
use crate::compose::choices;
use crate::compose::refusals::config::percentage;
use crate::compose::{Phase, Refusal, Shown, Stage, at_place, short_syntax, syntax_text};
use crate::effective::approval;
use crate::era::Era;
use crate::evaluate::{Evaluation, strictly};
use crate::gather::BundleState;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `config/read`.
    Read,
    /// `thread/start`.
    Thread,
    /// A command such as `features list`.
    Command,
}

/// Codex's refusal, if it refuses.
pub(super) fn refusal(evaluation: &Evaluation, question: Question) -> Option<String> {
    if let Some(problem) = evaluation.gathered.arguments.problems.first() {
        return Some(format!("Error: {}", problem.value));
    }
    if let Some(text) = flag_refusal(evaluation) {
        return Some(format!("Error: {text}"));
    }
    if let Some(text) = first_load(evaluation, question) {
        return Some(format!("Error: {}", text.replace('\n', " ")));
    }
    let own = told(evaluation, question)?;
    if let Some(text) = defaults_refused(evaluation, question).filter(|_| !own.late) {
        return Some(text);
    }
    if question == Question::Command || own.late {
        return Some(own.text);
    }
    if falls_back_to_nothing(evaluation, &own) {
        return Some(format!("Error: {}", own.start.unwrap_or(own.raw).replace('\n', " ")));
    }
    let bare =
        server_stops(evaluation).then(|| told(&evaluation.for_everybody(), question)).flatten();
    match bare {
        Some(Told { start: Some(start), raw, .. }) => {
            // What is wrong with the bundle alone is found in a later load, with its own words.
            let later =
                fetched(evaluation) && told(&evaluation.without_bundle(), question).is_none();
            Some(if later {
                format!("Error: error loading default config after config error: {raw}")
            } else {
                format!("Error: {}", start.replace('\n', " "))
            })
        }
        _ => Some(own.text),
    }
}

/// Servers before 0.157 start with nothing but their arguments when the whole is wrong, and stop
/// when even that is.
fn defaults_refused(evaluation: &Evaluation, question: Question) -> Option<String> {
    if server_stops(evaluation) || question == Question::Command {
        return None;
    }
    let start = told(&evaluation.for_arguments(), question)?.start?;
    let text = start.replace('\n', " ");
    Some(format!("Error: error loading default config after config error: {text}"))
}

/// The first load knows no bundle. Where it fails, what is there for everybody has to do.
fn first_load(evaluation: &Evaluation, question: Question) -> Option<String> {
    if !fetched(evaluation) || !server_stops(evaluation) || question == Question::Command {
        return None;
    }
    let own = told(&evaluation.without_bundle(), Question::Read)?;
    if falls_back_to_nothing(evaluation, &own) {
        return Some(own.start.unwrap_or(own.raw));
    }
    told(&evaluation.for_everybody(), Question::Read)?.start
}

/// Whether Codex gives up over a mistake instead of trying what is there for everybody.
fn falls_back_to_nothing(evaluation: &Evaluation, own: &Told) -> bool {
    server_stops(evaluation)
        && (evaluation.gathered.arguments.strict
            || approval::refused(&evaluation.inputs()).is_some_and(|text| text == own.raw))
}

/// Whether Codex loads a second time, with a bundle.
fn fetched(evaluation: &Evaluation) -> bool {
    !matches!(evaluation.gathered.bundle, BundleState::None)
}

/// The refusal of `configRequirements/read`: it reads the layers only, and answers where no more
/// than the configuration's content is wrong.
pub fn requirements_refusal(evaluation: &Evaluation) -> Option<String> {
    if let Some(text) = flag_refusal(evaluation) {
        return Some(format!("Error: {text}"));
    }
    let whole = told(evaluation, Question::Read);
    if let Some(own) = whole.as_ref().filter(|own| falls_back_to_nothing(evaluation, own)) {
        let text = own.start.as_ref().unwrap_or(&own.raw);
        return Some(format!("Error: {}", text.replace('\n', " ")));
    }
    if let Some(text) = whole.as_ref().and_then(|_| defaults_refused(evaluation, Question::Read)) {
        return Some(text);
    }
    if server_stops(evaluation) && whole.is_some() {
        let bare = told(&evaluation.for_everybody(), Question::Read).and_then(|bare| bare.start);
        if let Some(text) = bare {
            return Some(format!("Error: {}", text.replace('\n', " ")));
        }
    }
    let own = of_requirements(evaluation, Question::Read).filter(|own| !own.derived);
    // Old versions do not look into the project for this.
    let project = evaluation.machine.version < Version::of(138);
    let syntax =
        || of_syntax(evaluation, Question::Read).filter(|own| !project || own.start.is_some());
    own.or_else(syntax).map(|own| own.text)
}

/// A mistake as it is told.
struct Told {
    /// To the one who asked.
    text: String,
    /// By `--print-startup-config`.
    raw: String,
    /// What its document says beside that.
    shown: Shown,
    /// When the server stops over it; `None` where it never does.
    start: Option<String>,
    /// Whether it concerns the configuration as a whole.
    derived: bool,
    /// Whether only sessions stop.
    late: bool,
}

impl Told {
    /// A mistake as all questions are told of it, and with which servers start.
    fn of(refusal: &Refusal) -> Self {
        let raw = refusal.text.clone();
        let shown = refusal.shown.clone();
        Self { text: raw.clone(), raw, shown, start: None, derived: false, late: false }
    }

    /// A mistake that concerns the configuration as a whole.
    fn whole(raw: String, question: Question, version: Version) -> Self {
        let text = of_whole(&raw, question, version);
        let start = Some(raw.clone());
        Self { text, raw, shown: Shown::Text, start, derived: true, late: false }
    }
}

/// What `--print-startup-config` refuses with, without its prefix: what is wrong with the machine
/// for everybody where the whole is wrong, because Codex then tries that and tells of that.
pub fn startup_refusal(evaluation: &Evaluation) -> Option<Refusal> {
    let first = if fetched(evaluation) {
        told(&evaluation.without_bundle(), Question::Read)
    } else {
        told(evaluation, Question::Read)
    };
    let own = match first {
        Some(own) if falls_back_to_nothing(evaluation, &own) => Some(own),
        Some(_) => {
            let mut bare = evaluation.for_everybody();
            // Whether anybody could log in is not asked here.
            bare.refusals.retain(|refusal| refusal.phase != Phase::Login);
            told(&bare, Question::Read)
        }
        None => None,
    };
    let Told { raw, shown, .. } = own.or_else(|| told(evaluation, Question::Read))?;
    let known = evaluation.refusals.iter().find(|refusal| refusal.text == raw).cloned();
    Some(Refusal { shown, ..known.unwrap_or_else(|| Refusal::start(raw, None)) })
}

fn told(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let own = of_requirements(evaluation, question);
    let (derived, own) = (own.as_ref().is_some_and(|own| own.derived), own);
    let (first, later) = if derived { (None, own) } else { (own, None) };
    let new = server_stops(evaluation);
    first
        .or_else(|| if new { of_unreadable(evaluation, question) } else { None })
        .or_else(|| if new { of_strict(evaluation, question) } else { None })
        .or_else(|| of_syntax(evaluation, question))
        .or_else(|| of_types(evaluation, question))
        .or_else(|| if new { None } else { removed(evaluation, question) })
        .or_else(|| if new { None } else { pins(evaluation, question) })
        .or(later)
        .or_else(|| of_session(evaluation, question))
        .or_else(|| of_login(evaluation, question))
        .or_else(|| late(evaluation, question))
}

/// Whether the server itself stops where a policy file is wrong.
fn server_stops(evaluation: &Evaluation) -> bool {
    evaluation.machine.version >= Version::of(157)
}

/// A mistake that is found while the layers are read.
fn of_layers(text: &str, question: Question, version: Version) -> String {
    match question {
        Question::Read => format!("failed to read configuration layers: {text}"),
        Question::Thread => of_thread(text, version),
        Question::Command => {
            let indented = text.replace('\n', "\n    ");
            format!("Error: failed to load bootstrap configuration\n\nCaused by:\n    {indented}")
        }
    }
}

fn of_thread(text: &str, version: Version) -> String {
    if version < Version::of(118) {
        format!("error deriving config: {text}")
    } else {
        format!("failed to load configuration: {text}")
    }
}

/// A mistake found while a session's configuration is worked out.
fn of_whole(text: &str, question: Question, version: Version) -> String {
    match question {
        Question::Command => {
            format!("Error: failed to load configuration\n\nCaused by:\n    {text}")
        }
        Question::Read if version < Version::of(138) => of_layers(text, question, version),
        Question::Read => format!("failed to resolve feature override precedence: {text}"),
        Question::Thread => of_thread(text, version),
    }
}

fn of_requirements(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let version = evaluation.machine.version;
    // Configuration files are told of below, with the words of each question.
    let own = |refusal: &&Refusal| {
        refusal.stage != Stage::Session
            && !matches!(
                refusal.phase,
                Phase::Config | Phase::SystemConfig | Phase::LegacySyntax | Phase::Session
            )
    };
    let (refusal, derived) = if server_stops(evaluation) {
        let first = evaluation.refusals.first()?.phase;
        if matches!(first, Phase::LegacySyntax | Phase::SystemConfig) {
            return None;
        }
        // What the configuration as a whole decides comes after its files; providers come before.
        let strict = strictly(&evaluation.gathered, version).is_some();
        let early = |refusal: &&Refusal| match refusal.phase {
            Phase::Content => !strict,
            Phase::Derived => !strict && refusal.text.starts_with("model_providers"),
            phase => phase != Phase::Login,
        };
        (evaluation.refusals.iter().filter(own).find(early)?, false)
    } else {
        let refusal = evaluation.refusals.iter().find(own)?;
        // Profiles are resolved with the session's configuration, all else with the layers.
        let derived = matches!(refusal.phase, Phase::Content | Phase::Derived)
            && ["requirements.toml ", "config defines `[permissions]`", "permissions profile "]
                .iter()
                .any(|start| refusal.text.starts_with(start));
        (refusal, derived)
    };
    let never = matches!(refusal.phase, Phase::Syntax | Phase::Bundle);
    let text = if derived {
        of_whole(&refusal.text, question, version)
    } else {
        of_layers(&refusal.text, question, version)
    };
    let start = (!never && refusal.stage == Stage::Start).then(|| refusal.text.clone());
    Some(Told { text, start, derived, ..Told::of(refusal) })
}

/// Whether anybody could log in is asked last.
fn of_login(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let refusal = evaluation.refusals.iter().find(|refusal| refusal.phase == Phase::Login)?;
    let text = of_layers(&refusal.text, question, evaluation.machine.version);
    Some(Told { text, start: Some(refusal.text.clone()), ..Told::of(refusal) })
}

/// A configuration file that is there and cannot be read.
fn of_unreadable(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let refusal = evaluation.refusals.iter().find(|refusal| {
        refusal.stage == Stage::Syntax
            && (refusal.phase == Phase::LegacySyntax
                || refusal.text.starts_with("Failed to read config file "))
    })?;
    let text = of_layers(&refusal.text, question, evaluation.machine.version);
    Some(Told { text, start: Some(refusal.text.clone()), ..Told::of(refusal) })
}

/// What `--strict-config` finds in the files of the configuration.
fn of_strict(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let version = evaluation.machine.version;
    let refusal = strictly(&evaluation.gathered, version)?;
    let text = of_layers(&refusal.text, question, version);
    Some(Told { text, start: Some(refusal.text.clone()), ..Told::of(&refusal) })
}

fn of_syntax(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let version = evaluation.machine.version;
    let layers = &evaluation.configuration.layers;
    // The legacy file is read before every other.
    let legacy = layers.iter().filter(|layer| layer.tier == ConfigTier::LegacyFile);
    let broken = legacy
        .filter(|_| server_stops(evaluation))
        .chain(layers)
        .find(|layer| layer.not_loaded.is_none() && !layer.layer.syntax.is_empty())?;
    let document = evaluation.documents().get(broken.layer.source)?;
    let problems = &broken.layer.syntax;
    let whole = syntax_text(document, problems);
    let (raw, shown, start) = if broken.tier == ConfigTier::Project {
        let text = format!("Error parsing project config file {}: {whole}", document.source);
        (text, Shown::Text, None)
    } else {
        let (text, shown) = short_syntax(document, problems);
        let start = format!("{text} Caused by: {}", one_line(&whole));
        (text, shown, Some(start))
    };
    let text = of_layers(&raw, question, version);
    Some(Told { text, raw, shown, start, derived: false, late: false })
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_types(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let version = evaluation.machine.version;
    let mut merged = inspect(evaluation.config(), &CONFIG, version);
    choices::of_config(&mut merged, evaluation.config(), Era::of(version));
    let problem = merged.refused.first();
    let words = problem.map(codex_schema::de::TypeProblem::as_codex_prints);
    let words = words.or_else(|| transports(evaluation.config()))?;
    // Codex then reads every file alone to find the one that is wrong by itself.
    let place = evaluation.searched().into_iter().find_map(|layer| {
        let root = &layer.root;
        let document = evaluation.documents().get(layer.source)?;
        if !layer.syntax.is_empty() {
            return Some(short_syntax(document, &layer.syntax));
        }
        let mut alone = inspect(root, &CONFIG, version);
        choices::of_config(&mut alone, root, Era::of(version));
        let problem = alone.refused.into_iter().next()?;
        let span = buffered_place(&problem, root).or(problem.span)?;
        let own = problem.as_codex_prints();
        let words = toml_words(own.lines().next().unwrap_or_default());
        Some(at_place(document, span.start, words))
    });
    let (placed, shown) = place.clone().unwrap_or_else(|| (one_line(&words), Shown::Text));
    let text = match question {
        Question::Command => of_layers(&words, question, version),
        Question::Read if version >= Version::of(138) => format!("invalid configuration: {words}"),
        _ => of_layers(&placed, question, version),
    };
    // Trust in projects is looked up while the layers are read.
    let trust =
        problem.is_some_and(|problem| problem.keys.first().is_some_and(|key| key == "projects"));
    let text = if trust && question == Question::Read {
        of_layers(&placed, question, version)
    } else {
        text
    };
    let start = match place {
        Some(_) => format!("{placed} Caused by: {}", one_line(&words)),
        None => one_line(&words),
    };
    Some(Told { text, raw: placed, shown, start: Some(start), derived: false, late: false })
}

/// Below a table that serde buffers a mistake has the place of that table.
fn buffered_place(problem: &TypeProblem, root: &Table) -> Option<Span> {
    let keys: Vec<&str> = problem.keys.iter().map(String::as_str).collect();
    let section = CONFIG.find(&keys)?.section.filter(|section| section.buffered);
    // Switches are read without the buffer.
    let (first, rest) = keys.split_first().filter(|(first, _)| **first != "features")?;
    let node = root.get(first)?.at(rest)?;
    (section.is_some() && node.value.as_table().is_some()).then_some(node.span)
}

/// A mistake in the words of the TOML library, which speaks where a place is named.
fn toml_words(words: &str) -> &str {
    match words {
        "invalid type: unit variant, expected string only" => "wanted string or table",
        other => other,
    }
}

/// Servers that mix the two ways of being reached.
fn transports(config: &Table) -> Option<String> {
    let servers = config.get("mcp_servers")?.value.as_table()?;
    servers.sorted().into_iter().find_map(|entry| {
        let has = |name: &str| entry.node.at(&[name]).is_some();
        let words = match (has("command"), has("url")) {
            (true, true) => "url is not supported for stdio",
            (false, false) => "invalid transport",
            _ => return None,
        };
        Some(format!("{words}\nin `mcp_servers.{}`\n", entry.key.value))
    })
}

/// Pins that old versions refuse, before they look at profiles.
fn pins(evaluation: &Evaluation, question: Question) -> Option<Told> {
    let text = pin_refusal(&evaluation.inputs())?;
    Some(Told::whole(text, question, evaluation.machine.version))
}

/// A key that is only known to say that it is gone.
fn removed(evaluation: &Evaluation, question: Question) -> Option<Told> {
    const GONE: &str = "experimental_thread_store_endpoint";
    let version = evaluation.machine.version;
    evaluation.config().get(GONE).filter(|_| version >= Version::of(138))?;
    let text = format!("`{GONE}` is no longer supported; remove it from config.toml");
    Some(Told::whole(text, question, version))
}

/// What is wrong with a session's configuration as a whole.
fn of_session(evaluation: &Evaluation, question: Question) -> Option<Told> {
    Some(Told::whole(whole(evaluation)?, question, evaluation.machine.version))
}

/// The first of the mistakes in a configuration taken as a whole, in Codex's order.
fn whole(evaluation: &Evaluation) -> Option<String> {
    let inputs = evaluation.inputs();
    let found = evaluation.composition.refusals.iter().find(|refusal| {
        refusal.stage == Stage::Start && matches!(refusal.phase, Phase::Derived | Phase::Config)
    });
    let text = found.map(|refusal| refusal.text.clone());
    let reserved = "uses a reserved built-in profile prefix";
    let names = |text: &String| text.starts_with("requirements.toml ") || text.ends_with(reserved);
    session::thread_store(&inputs)
        .or_else(|| percentage(evaluation.config(), evaluation.machine.version))
        .or_else(|| session::legacy_profile(&inputs))
        .or_else(|| text.clone().filter(names))
        .or_else(|| session::same_name(&inputs))
        .or_else(|| session::permissions(&inputs))
        .or(text)
        .or_else(|| session::derivation(&inputs))
}

/// Mistakes that stop sessions only.
fn late(evaluation: &Evaluation, question: Question) -> Option<Told> {
    if question != Question::Thread {
        return None;
    }
    let refusal = evaluation.refusals.iter().find(|refusal| refusal.stage == Stage::Session);
    let text = match refusal {
        // The proxy fails later than the configuration, and in words of its own.
        Some(refusal) if refusal.text.starts_with("error creating thread: ") => {
            refusal.text.clone()
        }
        Some(refusal) => of_thread(&refusal.text, evaluation.machine.version),
        None => session::sockets(evaluation).or_else(|| session::hooks(evaluation))?,
    };
    let shown = Shown::Text;
    Some(Told { raw: text.clone(), text, shown, start: None, derived: false, late: true })
}
