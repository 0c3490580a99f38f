//! What a session on the machine really runs with: the configuration after requirements clamped
//! it, with the words in which Codex tells (or does not tell) about it.

pub mod approval;
pub mod mcp;
pub mod profiles;
pub mod sandbox;
pub mod web_search;

use codex_schema::span::Span;
use codex_schema::value::{Node, Table};
use codex_schema::version::Version;

use crate::compose::Composition;
use crate::configure::Configuration;
use crate::era::Era;
use crate::gather::Gathered;
use crate::machine::Machine;

/// The inputs of every clamp.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// Everything read from it.
    pub gathered: &'a Gathered,
    /// The merged configuration.
    pub configuration: &'a Configuration,
    /// The composed requirements.
    pub composition: &'a Composition,
}

impl<'a> Inputs<'a> {
    /// The behaviour of the Codex version.
    pub fn era(&self) -> Era {
        Era::of(self.machine.version)
    }

    /// What a person asked for on the command line outside the configuration.
    pub fn request(&self, key: &str) -> Option<&'a Node> {
        let requests = &self.gathered.arguments.requests;
        requests.iter().rev().find(|(name, _)| *name == key).map(|(_, node)| node)
    }

    /// What is wanted for a top-level key: the request, else the merged configuration.
    pub fn wanted(&self, key: &str) -> Option<&'a Node> {
        self.of_profile(key)
            .or_else(|| self.request(key))
            .or_else(|| self.configuration.merged.get(key))
    }

    /// Before 0.138 `profile = "NAME"` put `[profiles.NAME]` over everything, even over managed
    /// configuration and the command line.
    fn of_profile(&self, key: &str) -> Option<&'a Node> {
        if self.machine.version >= Version::of(138) {
            return None;
        }
        let name = self.configuration.merged.get("profile")?.value.as_str()?;
        self.configuration.merged.get("profiles")?.at(&[name, key])
    }

    /// A requirement by path.
    pub fn requirement(&self, path: &[&str]) -> Option<&'a Node> {
        let (first, rest) = path.split_first()?;
        self.composition.merged.get(first)?.at(rest)
    }

    /// `SOURCE` in `(set by SOURCE)`.
    pub fn set_by(&self, key: &str) -> String {
        self.composition.origin_text(key, &self.gathered.documents)
    }
}

/// One value after the clamps.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamped<T> {
    /// What the session runs with.
    pub value: T,
    /// Why it is not what was wanted, when it is not.
    pub clamp: Option<Clamp>,
}

/// A requirement that changed a wanted value.
#[derive(Clone, Debug, PartialEq)]
pub struct Clamp {
    /// The requirement key that did it.
    pub by: &'static str,
    /// Where it stands.
    pub span: Option<Span>,
    /// What Codex tells the user; `None` where it changes the value in silence.
    pub warning: Option<String>,
}

/// What a session runs with.
#[derive(Clone, Debug)]
pub struct Session {
    /// When Codex asks.
    pub approval_policy: Clamped<serde_json::Value>,
    /// Who answers.
    pub approvals_reviewer: Clamped<String>,
    /// What commands may touch.
    pub sandbox: Clamped<sandbox::Sandbox>,
    /// Whether the model may search the web.
    pub web_search: Clamped<String>,
    /// Why no session starts, in Codex's words.
    pub refusal: Option<String>,
}

/// Predicts a session in the machine's working folder.
pub fn session(inputs: &Inputs<'_>) -> Session {
    let approval_policy = approval::policy(inputs);
    let sandbox = sandbox::resolve(inputs);
    let refusal = approval::refused(inputs).or_else(|| sandbox::refused(inputs));
    Session {
        approvals_reviewer: approval::reviewer(inputs),
        web_search: web_search::resolve(inputs),
        approval_policy,
        sandbox,
        refusal,
    }
}

/// The strings of a list of requirements.
fn listed(node: &Node) -> impl Iterator<Item = &str> {
    node.value.as_array().unwrap_or_default().iter().filter_map(|one| one.value.as_str())
}

/// A top-level table of the merged configuration.
fn config_table<'a>(inputs: &Inputs<'a>, key: &str) -> Option<&'a Table> {
    inputs.configuration.merged.get(key).and_then(|node| node.value.as_table())
}
