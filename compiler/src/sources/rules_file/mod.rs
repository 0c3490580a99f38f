//! Reads Codex `.rules` files: Starlark text in, exec policy rules out. No I/O, no clock.
//!
//! Reading order: this file (the public types), `lexer`, `syntax`, `parser` and `expressions`
//! (text to tree), `names` (every name must exist), `interpreter`, `calls`, `comprehensions`,
//! `operations`, `sequences`, `builtins`, `methods` and `formatting` (the language), `rule_calls`
//! (the three functions Codex adds),
//! `examples` and `shell_words` (`match=` / `not_match=`), `evaluate` (what a command gets).
//!
//! **Why an own interpreter.** The parser of the `starlark` crate alone brings 138 packages and
//! 110 s of processor time to a cold build, for a language of which rule files use a corner; and
//! its tree is dropped and run by recursion on what the file says. Here every recursion is
//! counted, so hostile text ends in a [`ProblemKind::Limit`] instead of a dead process. What the
//! language has and we do not (types in signatures, integers over 64 bits, a few rare functions)
//! is answered with [`ProblemKind::Unsupported`], never guessed.
//!
//! **Source of facts.** Behaviour and messages are those of `codex execpolicy check`, 0.169.0,
//! recorded in `fixtures/execpolicy.json`; `tests.rs` compares every case.

mod builtins;
mod calls;
mod comprehensions;
mod evaluate;
mod examples;
mod expressions;
mod formatting;
mod interpreter;
mod lexer;
mod methods;
mod names;
mod operations;
mod parser;
mod rule_calls;
mod sequences;
pub(crate) mod shell_words;
mod syntax;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::ops::Range;

pub use evaluate::{Evaluation, RuleMatch, evaluate};
pub(crate) use rule_calls::plain_path;
pub(crate) use shell_words::join as join_words;

/// Holds the rules of one file, in the order in which the file makes them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RulesFile {
    /// The `prefix_rule` calls.
    pub prefix_rules: Vec<PrefixRule>,
    /// The `host_executable` calls; a later one replaces an earlier one of the same name.
    pub host_executables: Vec<HostExecutable>,
    /// The `network_rule` calls.
    pub network_rules: Vec<NetworkRule>,
}

/// Says where in the file a rule was made: the innermost call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Position {
    /// Byte range of the call in the text given to [`read`].
    pub span: Range<usize>,
    /// Line of the call's first character, from 1.
    pub line: usize,
    /// Column of that character, from 1, in characters.
    pub column: usize,
}

/// One `prefix_rule(...)` call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrefixRule {
    /// What the first words of the command must be; never empty.
    pub pattern: Vec<Token>,
    /// What the rule answers.
    pub decision: Decision,
    /// Why, in the author's words; never blank.
    pub justification: Option<String>,
    /// The `canonical_matching` argument; it changes nothing in `execpolicy check` 0.169.0.
    pub canonical_matching: bool,
    /// Where the call stands.
    pub position: Position,
}

/// One place of a pattern.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Token {
    /// Exactly this word.
    One(String),
    /// Any of these words; at least two.
    AnyOf(Vec<String>),
}

impl Token {
    /// Lists the words that this place accepts, in the order written.
    #[must_use]
    pub fn alternatives(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::AnyOf(words) => words,
        }
    }
}

/// What a rule answers, mildest first: the greatest of all matches wins.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Decision {
    /// Runs without asking, outside the sandbox.
    Allow,
    /// Asks for approval.
    Prompt,
    /// Is refused.
    Forbidden,
}

impl Decision {
    /// The word Codex uses in files and in its output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Prompt => "prompt",
            Self::Forbidden => "forbidden",
        }
    }
}

/// One `host_executable(...)` call: which absolute paths count as the bare name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostExecutable {
    /// Bare executable name.
    pub name: String,
    /// Absolute paths, `.` and `..` taken out, without repetitions; may be empty (none counts).
    pub paths: Vec<String>,
    /// Where the call stands.
    pub position: Position,
}

/// One `network_rule(...)` call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NetworkRule {
    /// Host as Codex keeps it: lower case, no port, no brackets, no final dot.
    pub host: String,
    /// Which traffic the rule is about.
    pub protocol: NetworkProtocol,
    /// What the rule answers; `deny` in the file is [`Decision::Forbidden`].
    pub decision: Decision,
    /// Why, in the author's words; never blank.
    pub justification: Option<String>,
    /// Where the call stands.
    pub position: Position,
}

/// Protocol of a network rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NetworkProtocol {
    /// `http`.
    Http,
    /// `https`, also written `https_connect` or `http-connect`.
    Https,
    /// `socks5_tcp`.
    Socks5Tcp,
    /// `socks5_udp`.
    Socks5Udp,
}

/// Bounds on what a file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest text, in bytes.
    pub bytes: usize,
    /// Deepest nesting of brackets, blocks and operators in the text, in levels.
    pub nesting: usize,
    /// Work of the evaluation: one step per statement, expression and copied element.
    pub steps: u64,
    /// Deepest evaluation, in nested expressions and statements over all open calls.
    pub evaluation_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, nesting: 64, steps: 1_000_000, evaluation_depth: 250 }
    }
}

/// Why a file was not read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RulesProblem {
    /// Whether Codex refuses the file too.
    pub kind: ProblemKind,
    /// What is wrong, in the words of Codex where it is the one who refuses.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
    /// What to write instead, if we know.
    pub help: Option<String>,
}

/// Who refuses a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProblemKind {
    /// Codex refuses the file, and then drops every rule file of the machine.
    Refused,
    /// Codex may accept the file; this reader does not know that part of the language.
    Unsupported,
    /// The file is larger, deeper or more work than [`Limits`] allows.
    Limit,
}

impl fmt::Display for RulesProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for RulesProblem {}

/// Reads one file that stands alone.
///
/// # Errors
/// The first problem, as Codex meets it: syntax, then unknown names, then evaluation, then
/// examples.
pub fn read(text: &str, limits: &Limits) -> Result<RulesFile, RulesProblem> {
    read_after(text, &[], limits)
}

/// Reads one file that Codex loads after `earlier` ones: their host executables count when the
/// examples of this file are checked (fixture `example-host-other-file`).
///
/// # Errors
/// As [`read`].
pub fn read_after(
    text: &str,
    earlier: &[RulesFile],
    limits: &Limits,
) -> Result<RulesFile, RulesProblem> {
    read_inner(text, earlier, limits).map_err(|fault| {
        let (line, column) = line_and_column(text, fault.at);
        let Fault { kind, message, at: _, help } = fault;
        RulesProblem { kind, message, line, column, help: help.map(str::to_owned) }
    })
}

fn read_inner(text: &str, earlier: &[RulesFile], limits: &Limits) -> Result<RulesFile, Fault> {
    if text.len() > limits.bytes {
        let message = format!("rules file has {} bytes, more than {}", text.len(), limits.bytes);
        return Err(Fault::limit(0, message));
    }
    let module = parser::parse(text, limits.nesting)?;
    names::check(&module)?;
    let mut collected = interpreter::run(&module, limits)?;
    collected.fill_positions(text);
    examples::check(&collected, earlier)?;
    Ok(collected.rules)
}

/// A problem before its offset is turned into a line.
#[derive(Clone, Debug)]
struct Fault {
    kind: ProblemKind,
    message: String,
    at: usize,
    help: Option<&'static str>,
}

impl Fault {
    fn refused(at: usize, message: impl Into<String>) -> Self {
        Self { kind: ProblemKind::Refused, message: message.into(), at, help: None }
    }

    fn unsupported(at: usize, what: &str) -> Self {
        let message = format!("{what} in a rules file: not understood by this reader");
        let help = Some("write it without: plain calls, lists, loops and functions are enough");
        Self { kind: ProblemKind::Unsupported, message, at, help }
    }

    fn limit(at: usize, message: impl Into<String>) -> Self {
        let help = Some("a rules file should be a short list of plain calls");
        Self { kind: ProblemKind::Limit, message: message.into(), at, help }
    }

    fn with_help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

/// Line and column, both from 1, of a byte offset.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |found| found + 1);
    (line, before.get(start..).unwrap_or_default().chars().count() + 1)
}
