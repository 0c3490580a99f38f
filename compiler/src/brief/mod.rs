//! What the agent may do, in at most forty lines, for the agent itself.
//!
//! A model that knows the policy does not try what is denied, and does not try it again in other
//! words. The text is made from the policy in force, never written by hand: every name in it was
//! put to the decision engine first, and what the engine answers otherwise is left out.
//!
//! Reading order: this file (the parts and their form), `commands`, `access` (hosts, files,
//! servers), `session` (sandbox, approvals, features, login).
//!
//! **Invariants.** At most [`MOST_LINES`] lines, whatever the policy is. No value of a secret key.
//! The same policy gives the same bytes.

mod access;
mod commands;
mod session;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::decide::answer::Verdict;
use crate::decide::question::Question;
use crate::evaluate::Evaluation;

/// The most lines of the text.
pub const MOST_LINES: usize = 40;

/// The most names in one line; further ones are counted.
const MOST_NAMES: usize = 12;

/// The most columns that names take in one line.
const MOST_COLUMNS: usize = 240;

/// What the agent may do.
#[derive(Clone, Debug, Serialize)]
pub struct Brief {
    /// The form: `brief-1`.
    pub schema: &'static str,
    /// The version of Codex.
    pub codex: String,
    /// Why Codex starts no session at all, where it does not.
    pub refusal: Option<String>,
    /// The parts.
    pub sections: Vec<Section>,
}

/// What is said of one subject.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// The subject.
    pub title: &'static str,
    /// The statements.
    pub statements: Vec<Statement>,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// What happens to what is named; `None` for a plain sentence.
    pub verdict: Option<Verdict>,
    /// What is said of the names, or the whole sentence.
    pub text: String,
    /// What it is said of.
    pub names: Vec<Name>,
    /// How many more there are that are not named.
    pub more: usize,
    /// Why, in the author's words.
    pub reason: Option<String>,
}

/// Something that is named.
#[derive(Clone, Debug, Serialize)]
pub struct Name {
    /// The name.
    pub name: String,
    /// A question that the decision engine answers as the statement says.
    #[serde(skip)]
    pub witness: Question,
}

impl Statement {
    /// A sentence without names.
    fn sentence(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { verdict: None, text, names: Vec::new(), more: 0, reason: None }
    }

    /// What happens to some names, as many as fit into a line.
    fn of(verdict: Verdict, text: impl Into<String>, mut names: Vec<Name>) -> Self {
        let total = names.len();
        let mut columns = 0;
        let fits = names.iter().take(MOST_NAMES).take_while(|name| {
            columns += name.name.chars().count() + 4;
            columns <= MOST_COLUMNS
        });
        // A single name stays, however long it is.
        let kept = fits.count().max(1).min(total);
        names.truncate(kept);
        Self { verdict: Some(verdict), text: text.into(), names, more: total - kept, reason: None }
    }

    fn because(mut self, reason: Option<&str>) -> Self {
        self.reason = reason.map(one_line).filter(|reason| !reason.is_empty());
        self
    }
}

/// A text of the policy's author on one line, and not a long one.
fn one_line(text: &str) -> String {
    const MOST: usize = 160;
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = crate::render::paint::harmless(&words.join(" "));
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Makes the brief of a machine, or of the machine of a cohort.
pub fn brief(evaluation: &Evaluation) -> Brief {
    let refusal = crate::codex_answers::startup_refusal(evaluation).map(|refusal| refusal.text);
    let refusal = refusal.or_else(|| evaluation.session().refusal);
    let mut sections = Vec::new();
    if refusal.is_none() {
        for (title, statements) in [
            ("Sandbox and approvals", session::sandbox(evaluation)),
            ("Commands", commands::statements(evaluation)),
            ("Hosts", access::hosts(evaluation)),
            ("Files", access::files(evaluation)),
            ("MCP servers", access::servers(evaluation)),
            ("Features", session::features(evaluation)),
            ("Signing in", session::login(evaluation)),
        ] {
            if !statements.is_empty() {
                sections.push(Section { title, statements });
            }
        }
    }
    let version = evaluation.machine.version.to_string();
    let refusal = refusal.as_deref().map(one_line);
    let mut brief = Brief { schema: "brief-1", codex: version, refusal, sections };
    brief.fit();
    brief
}

impl Brief {
    /// Leaves out the last statements of the longest parts until the text fits.
    fn fit(&mut self) {
        while self.text().lines().count() > MOST_LINES {
            let longest = self.sections.iter_mut().rev().max_by_key(|it| it.statements.len());
            let Some(section) = longest.filter(|section| section.statements.len() > 1) else {
                return;
            };
            // The last line says how many are left out; it stays the last one.
            let left_out = |it: &Statement| it.verdict.is_none() && it.more > 0;
            let counted = section.statements.pop_if(|it| left_out(it));
            let dropped = section.statements.pop();
            let before = counted.map_or(0, |it| it.more);
            let names = dropped.map_or(0, |it| (it.names.len() + it.more).max(1));
            let mut rest = Statement::sentence("further entries of the policy are not listed here");
            rest.more = before + names;
            section.statements.push(rest);
        }
    }

    /// The text, in Markdown.
    pub fn text(&self) -> String {
        let mut out = format!(
            "# Policy for this session (Codex {})\n\
             Made from the policy in force by codex-config. A denial is policy: do not retry it in \
             another way (other words, tools, shells, hosts or flags).\n\
             Tell the user what was denied, and to run `codex-config why-blocked -- COMMAND` (or \
             --domain, --path, --mcp) to see the rule and its owner.\n",
            self.codex
        );
        if let Some(refusal) = &self.refusal {
            out.push_str(&format!("Codex starts no session with this policy: {refusal}\n"));
        } else if self.sections.is_empty() {
            out.push_str("No policy restricts this session.\n");
        }
        for section in &self.sections {
            out.push_str(&format!("## {}\n", section.title));
            for statement in &section.statements {
                out.push_str(&line(statement));
            }
        }
        out
    }
}

fn line(statement: &Statement) -> String {
    let Statement { verdict: _, text, names, more, reason } = statement;
    let mut out = format!("- {text}");
    if !names.is_empty() {
        let names: Vec<String> = names.iter().map(|name| code(&name.name)).collect();
        out.push_str(&format!(": {}", names.join(", ")));
    }
    match (*more, names.is_empty()) {
        (0, _) => {}
        (more, true) => out.push_str(&format!(": {more}")),
        (more, false) => out.push_str(&format!(" and {more} more")),
    }
    if let Some(reason) = reason {
        out.push_str(&format!(" ({reason})"));
    }
    out.push('\n');
    out
}

/// A name as code; a backtick in it must not end it.
fn code(name: &str) -> String {
    let name = crate::render::paint::harmless(name);
    if name.contains('`') { format!("`` {name} ``") } else { format!("`{name}`") }
}
