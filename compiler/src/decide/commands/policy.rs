//! All rules of a machine together: those of requirements and those of `.rules` files.
//!
//! Measured on 0.138.0, 0.157.1 and 0.169.0: rules of files come first, those of requirements
//! after them, and all of them are asked as one list. A rule that names the program as it is
//! written hides those that name it without its folder; `host_executable` says which folders count.

use std::collections::BTreeMap;

use codex_schema::span::{SourceId, Span};
use codex_schema::types::rule::Decision;
use codex_schema::value::Node;

use super::{CommandRules, nodes};
use crate::decide::answer::{EntrySaid, Verdict};
use crate::era::Era;
use crate::evaluate::Evaluation;
use crate::machine::Os;
use crate::sources::rules_file::{self, Limits, ProblemKind, RulesFile, plain_path};

/// The rules of a machine, ready to be asked. Building it takes time linear in the rules.
#[derive(Debug)]
pub(crate) struct CommandPolicy<'machine> {
    requirements: CommandRules<'machine>,
    written: &'machine [Node],
    files: Vec<(SourceId, RulesFile)>,
    /// By name, the paths that count as the name.
    hosts: BTreeMap<String, Vec<String>>,
    /// The working folder, to which paths of programs are relative.
    cwd: &'machine str,
    names: BTreeMap<SourceId, String>,
    /// Why files of rules do not count, each with its place.
    pub(crate) dropped: Vec<DroppedRules>,
    /// The model whose saved permissions are ignored.
    pub(crate) ignoring: Option<String>,
}

/// A file of rules that cannot be read.
#[derive(Clone, Debug)]
pub(crate) struct DroppedRules {
    /// Where it went wrong, as people write places.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
    /// Whether Codex refuses it as well, and with it all files of rules.
    pub(crate) kind: ProblemKind,
}

/// A rule that matches, or nearly does.
#[derive(Clone, Debug)]
pub(crate) struct RuleSaid {
    /// What it decides.
    pub(crate) decision: Decision,
    /// Its words; a place may have several.
    pub(crate) pattern: Vec<Vec<String>>,
    /// The words of the command that it covers; the program without its folder if the rule names
    /// it so.
    pub(crate) covered: Vec<String>,
    /// The rule, to be shown.
    pub(crate) entry: EntrySaid,
}

/// Who a program is to rules.
enum Known {
    /// As it is written, and nobody else.
    AsWritten,
    /// By its name too.
    ByName(String),
    /// Its folder is not among those that `host_executable` lists for the name.
    Elsewhere(String),
}

impl<'machine> CommandPolicy<'machine> {
    /// Collects the rules of a machine.
    pub(crate) fn of(evaluation: &'machine Evaluation) -> Self {
        let requirements = &evaluation.composition.merged;
        let mut policy = Self {
            requirements: CommandRules::of(requirements),
            written: nodes(requirements),
            files: Vec::new(),
            hosts: BTreeMap::new(),
            cwd: &evaluation.machine.cwd,
            names: BTreeMap::new(),
            dropped: Vec::new(),
            ignoring: ignoring(evaluation),
        };
        policy.read_files(evaluation);
        policy
    }

    /// One file that Codex refuses takes all others with it.
    fn read_files(&mut self, evaluation: &Evaluation) {
        let mut read: Vec<RulesFile> = Vec::new();
        let mut sources = Vec::new();
        let loaded = evaluation.gathered.rules.iter().filter(|file| file.not_loaded.is_none());
        for file in loaded {
            let Some(document) = evaluation.documents().get(file.source) else { continue };
            self.names.insert(file.source, document.source.to_string());
            match rules_file::read_after(&document.text, &read, &Limits::default()) {
                Ok(rules) => {
                    read.push(rules);
                    sources.push(file.source);
                }
                Err(problem) => self.dropped.push(DroppedRules {
                    place: format!("{}:{}:{}", document.source, problem.line, problem.column),
                    message: problem.message,
                    kind: problem.kind,
                }),
            }
        }
        if self.dropped.iter().any(|file| file.kind == ProblemKind::Refused) {
            if !Era::of(evaluation.machine.version).keeps_required_rules() {
                self.requirements = CommandRules::default();
                self.written = &[];
            }
            return;
        }
        for host in read.iter().flat_map(|file| &file.host_executables) {
            self.hosts.insert(host.name.clone(), host.paths.clone());
        }
        self.files = sources.into_iter().zip(read).collect();
    }

    /// The rules that match a command, in the order in which Codex looks at them.
    pub(crate) fn matches(&self, command: &[String]) -> Vec<RuleSaid> {
        let Some((program, arguments)) = command.split_first() else { return Vec::new() };
        let exact = self.matching(program, arguments, Ignored::LeftOut);
        if !exact.is_empty() {
            return exact;
        }
        match self.known(program) {
            Known::ByName(name) => self.matching(&name, arguments, Ignored::LeftOut),
            Known::AsWritten | Known::Elsewhere(_) => exact,
        }
    }

    /// The rules that would match a command if only its words counted: `host_executable` and
    /// ignored permissions are passed over.
    pub(crate) fn would_match(&self, command: &[String]) -> Vec<RuleSaid> {
        let Some((program, arguments)) = command.split_first() else { return Vec::new() };
        let mut found = self.matching(program, arguments, Ignored::Kept);
        if let Known::ByName(name) | Known::Elsewhere(name) = self.known(program) {
            found.extend(self.matching(&name, arguments, Ignored::Kept));
        }
        found
    }

    /// The name of a program whose folder rules do not know.
    pub(crate) fn elsewhere(&self, program: &str) -> Option<String> {
        match self.known(program) {
            Known::Elsewhere(name) => Some(name),
            Known::AsWritten | Known::ByName(_) => None,
        }
    }

    /// Every rule, in the order in which Codex looks at them.
    pub(crate) fn all(&self) -> impl Iterator<Item = RuleSaid> {
        let files = self.files.iter().flat_map(|(source, file)| {
            file.prefix_rules.iter().map(|rule| self.of_file(*source, rule))
        });
        files.chain(self.requirements.rules().iter().map(|rule| self.of_requirements(rule)))
    }

    fn known(&self, program: &str) -> Known {
        if !program.contains('/') {
            return Known::AsWritten;
        }
        let path = if program.starts_with('/') {
            plain_path(program)
        } else {
            plain_path(&format!("{}/{program}", self.cwd))
        };
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        match self.hosts.get(&name) {
            _ if name.is_empty() => Known::AsWritten,
            Some(paths) if !paths.contains(&path) => Known::Elsewhere(name),
            _ => Known::ByName(name),
        }
    }

    fn matching(&self, program: &str, arguments: &[String], ignored: Ignored) -> Vec<RuleSaid> {
        let covered = |words: usize| {
            let rest = arguments.iter().take(words.saturating_sub(1)).cloned();
            std::iter::once(program.to_owned()).chain(rest).collect()
        };
        let mut found = Vec::new();
        for (source, file) in &self.files {
            let command: Vec<String> =
                std::iter::once(program.to_owned()).chain(arguments.iter().cloned()).collect();
            let matches = rules_file::evaluate(std::slice::from_ref(file), &command, false).matches;
            found.extend(matches.into_iter().map(|one| RuleSaid {
                covered: one.matched_prefix,
                ..self.of_file(*source, one.rule)
            }));
        }
        if ignored == Ignored::LeftOut && self.ignoring.is_some() {
            found.retain(|rule: &RuleSaid| rule.decision != Decision::Allow);
        }
        let required = self.requirements.matching(program, arguments).matches;
        found.extend(required.into_iter().map(|rule| RuleSaid {
            covered: covered(rule.word_count()),
            ..self.of_requirements(rule)
        }));
        found
    }

    fn of_file(&self, source: SourceId, rule: &rules_file::PrefixRule) -> RuleSaid {
        let decision = match rule.decision {
            rules_file::Decision::Allow => Decision::Allow,
            rules_file::Decision::Prompt => Decision::Prompt,
            rules_file::Decision::Forbidden => Decision::Forbidden,
        };
        let pattern = rule.pattern.iter().map(|token| token.alternatives().to_vec()).collect();
        let span = Span::new(source, rule.position.span.start, rule.position.span.end);
        let key = self.names.get(&source).cloned().unwrap_or_default();
        said(key, decision, pattern, rule.justification.clone(), span)
    }

    fn of_requirements(&self, rule: &super::PrefixRule<'_>) -> RuleSaid {
        let node = self.written.get(rule.position).and_then(|node| node.at(&["pattern"]));
        let places = node.and_then(|node| node.value.as_array()).unwrap_or_default();
        let pattern = places.iter().map(alternatives).collect();
        let reason = rule.justification.map(str::to_owned);
        said("rules.prefix_rules".to_owned(), rule.decision, pattern, reason, rule.span)
    }
}

/// Whether permissions that do not count are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ignored {
    LeftOut,
    Kept,
}

fn alternatives(place: &Node) -> Vec<String> {
    let text = |node: &Node| node.value.as_str().map(str::to_owned);
    let several = place.at(&["any_of"]).and_then(|node| node.value.as_array()).unwrap_or_default();
    place.at(&["token"]).and_then(text).into_iter().chain(several.iter().filter_map(text)).collect()
}

fn said(
    key: String,
    decision: Decision,
    pattern: Vec<Vec<String>>,
    reason: Option<String>,
    span: Span,
) -> RuleSaid {
    let verdict = match decision {
        Decision::Allow => Verdict::Allow,
        Decision::Prompt => Verdict::Prompt,
        Decision::PromptUser => Verdict::PromptUser,
        Decision::Forbidden => Verdict::Deny,
    };
    let words: Vec<String> = pattern
        .iter()
        .map(|words| match words.as_slice() {
            [one] => one.clone(),
            several => format!("[{}]", several.join("|")),
        })
        .collect();
    let entry = EntrySaid { key, text: words.join(" "), verdict, reason, span };
    RuleSaid { decision, pattern, covered: Vec::new(), entry }
}

/// The model of a session, where its permissions are ignored: names are compared letter by letter.
fn ignoring(evaluation: &Evaluation) -> Option<String> {
    let inputs = evaluation.inputs();
    if !Era::of(evaluation.machine.version).ignores_rules_of_models() {
        return None;
    }
    let requested = inputs.wanted("model")?.value.as_str()?;
    let listed = inputs.requirement(&["auto_review", "ignore_rules"])?.value.as_array()?;
    let named = listed.iter().any(|one| one.value.as_str() == Some(requested));
    named.then(|| requested.to_owned())
}

/// The command with which Codex runs a script: the shell of the machine, and whether it is a login
/// shell, which it is unless the model or the policy says otherwise.
pub(crate) fn shell_command(evaluation: &Evaluation, script: &str) -> Vec<String> {
    let inputs = evaluation.inputs();
    let login = inputs
        .requirement(&["allow_login_shell"])
        .or_else(|| evaluation.config().get("allow_login_shell"))
        .and_then(|node| node.value.as_bool());
    let flag = if login == Some(false) { "-c" } else { "-lc" };
    let words: &[&str] = match evaluation.machine.os {
        Os::Linux => &["/bin/bash", flag, script],
        Os::Macos => &["/bin/zsh", flag, script],
        Os::Windows => &["powershell.exe", "-Command", script],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
