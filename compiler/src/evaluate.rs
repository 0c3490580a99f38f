//! One evaluation of a machine: gather, merge, compose, clamp. Pure over [`Files`].

use codex_schema::source::{ConfigTier, Documents};
use codex_schema::value::Table;
use serde_json::{Value as Json, json};

use crate::compose::startup_json::{Secrets, requirements};
use crate::compose::{Composition, Refusal, Stage, compose, short_syntax_text};
use crate::configure::{self, Configuration};
use crate::effective::{Inputs, Session, session};
use crate::era::Era;
use crate::files::Files;
use crate::gather::{Extra, Gathered, gather};
use crate::layers::{Broken, Role};
use crate::machine::Machine;

/// Everything known about a machine after one look at it.
#[derive(Debug)]
pub struct Evaluation {
    /// The machine.
    pub machine: Machine,
    /// What was read.
    pub gathered: Gathered,
    /// The merged configuration.
    pub configuration: Configuration,
    /// The composed requirements.
    pub composition: Composition,
    /// Why Codex refuses, in the order in which it finds out; empty when it runs.
    pub refusals: Vec<Refusal>,
}

/// Evaluates a machine.
pub fn evaluate(machine: Machine, files: &dyn Files, extra: &Extra) -> Evaluation {
    let gathered = gather(&machine, files, extra);
    let era = Era::of(machine.version);
    let configuration = configure::merge(&gathered.config, &machine, &era);
    let composition =
        compose(&gathered.requirements, &configuration.merged, &machine, &gathered.documents);
    let refusals = ordered_refusals(&gathered, &composition);
    Evaluation { machine, gathered, configuration, composition, refusals }
}

impl Evaluation {
    /// The inputs of clamps.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            machine: &self.machine,
            gathered: &self.gathered,
            configuration: &self.configuration,
            composition: &self.composition,
        }
    }

    /// What a session runs with.
    pub fn session(&self) -> Session {
        session(&self.inputs())
    }

    /// The documents of this evaluation.
    pub fn documents(&self) -> &Documents {
        &self.gathered.documents
    }

    /// The configuration before requirements.
    pub fn config(&self) -> &Table {
        &self.configuration.merged
    }

    /// Codex's own answer to `--print-startup-config`: the requirements, or why there are none.
    ///
    /// # Errors
    /// The error document that Codex prints instead.
    pub fn startup_answer(&self, secrets: Secrets) -> Result<Json, Json> {
        match self.refusals.iter().find(|refusal| refusal.stage != Stage::Session) {
            None => Ok(json!({
                "requirements": requirements(&self.composition.merged, self.machine.version, secrets),
            })),
            Some(refusal) => Err(startup_error(&refusal.text)),
        }
    }
}

/// The error document of `--print-startup-config`. Codex never fills file, line and column.
pub fn startup_error(detail: &str) -> Json {
    json!({"error": {
        "code": -32600,
        "data": {
            "reason": "configLoad",
            "filePath": null,
            "line": null,
            "column": null,
            "detail": detail,
        },
        "message": format!("failed to load configuration: {detail}"),
    }})
}

/// Broken files and broken layers in the order in which Codex meets them: the system's
/// configuration is read after requirements were type-checked and before they are parsed for
/// syntax, odd as that is (measured pair by pair).
fn ordered_refusals(gathered: &Gathered, composition: &Composition) -> Vec<Refusal> {
    let mut all: Vec<Refusal> = gathered.broken.iter().filter_map(of_broken).collect();
    let (early, late): (Vec<_>, Vec<_>) = composition
        .refusals
        .iter()
        .cloned()
        .partition(|refusal| refusal.text.contains("in `") || refusal.text.contains("duplicate field"));
    let system = of_system_config(gathered);
    if early.is_empty() {
        all.extend(system);
        all.extend(late);
    } else {
        all.extend(early);
        all.extend(system);
        all.extend(late);
    }
    all
}

fn of_broken(broken: &Broken) -> Option<Refusal> {
    let says = broken.codex_says.clone()?;
    let text = match broken.role {
        Role::Requirements(codex_schema::source::Channel::System) => {
            format!("Failed to read requirements file {}: {says}", broken.name)
        }
        _ => says,
    };
    Some(Refusal { stage: Stage::Syntax, text, span: None, related: None })
}

fn of_system_config(gathered: &Gathered) -> Option<Refusal> {
    let layer = gathered.config.iter().find(|layer| layer.tier == ConfigTier::System)?;
    let first = layer.layer.syntax.first()?;
    let document = gathered.documents.get(layer.layer.source)?;
    let text = short_syntax_text(document, &layer.layer.syntax);
    Some(Refusal { stage: Stage::Start, text, span: Some(first.span), related: None })
}
