//! One evaluation of a machine: gather, merge, compose, clamp. Pure over [`Files`].

mod refusals;

use codex_schema::source::{Channel, ConfigTier, Documents};
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use crate::codex_answers::startup_refusal;
use crate::compose::startup_json::{Secrets, requirements};
use crate::compose::{Composition, Phase, Refusal, Setting, Shown, Stage, compose_in};
use crate::configure::{self, Configuration};
use crate::effective::{Inputs, Session, session};
use crate::era::Era;
use crate::files::Files;
use crate::gather::{BundleState, Extra, Gathered, gather};
use crate::layers::{RequirementLayer, Role};
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
    let documents = &gathered.documents;
    let setting =
        Setting { machine: &machine, documents, config: &configuration.merged, files: Some(files) };
    let composition = compose_in(gathered.requirements.iter().collect(), &setting);
    let refusals = refusals::in_order(&gathered, &composition, &setting);
    Evaluation { machine, gathered, configuration, composition, refusals }
}

impl Evaluation {
    /// The same machine with what is on it for everybody alone: no user, no project, no bundle.
    /// Codex's server falls back to this when the whole is wrong, and starts if this is right.
    #[must_use]
    pub fn for_everybody(&self) -> Self {
        let mut gathered = self.gathered.clone();
        let shared = |tier: ConfigTier| {
            !matches!(
                tier,
                ConfigTier::User | ConfigTier::Profile | ConfigTier::Project | ConfigTier::Cloud
            )
        };
        gathered.config.retain(|layer| shared(layer.tier));
        // Nor does it look again at requirements that are no TOML.
        let readable = |layer: &RequirementLayer| {
            layer.layer.syntax.is_empty()
                || matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm)
        };
        gathered.requirements.retain(|layer| layer.channel != Channel::Cloud && readable(layer));
        gathered.broken.retain(|broken| match broken.role {
            Role::Config(tier) => shared(tier),
            Role::Bundle | Role::Requirements(Channel::System | Channel::Mdm) => false,
            _ => true,
        });
        let mut reduced = self.reduced(gathered);
        // The one check inside a value that only sessions make.
        let late = "application.network.domains requires";
        reduced.refusals.retain(|refusal| !refusal.text.contains(late));
        reduced
    }

    /// The same machine before a bundle was fetched.
    #[must_use]
    pub fn without_bundle(&self) -> Self {
        let mut gathered = self.gathered.clone();
        gathered.config.retain(|layer| layer.tier != ConfigTier::Cloud);
        gathered.requirements.retain(|layer| layer.channel != Channel::Cloud);
        gathered.broken.retain(|broken| broken.role != Role::Bundle);
        self.reduced(gathered)
    }

    /// The same machine before anybody worked on it: no user, no project, no arguments.
    #[must_use]
    pub fn without_people(&self, files: &dyn Files) -> Self {
        let mut gathered = self.gathered.clone();
        gathered.config.retain(|layer| layer.tier.is_for_everybody());
        gathered.broken.retain(|broken| match broken.role {
            Role::Config(tier) => tier.is_for_everybody(),
            _ => true,
        });
        self.with(gathered, Some(files))
    }

    fn reduced(&self, mut gathered: Gathered) -> Self {
        gathered.bundle = BundleState::None;
        self.with(gathered, None)
    }

    /// The same machine with other documents.
    fn with(&self, gathered: Gathered, files: Option<&dyn Files>) -> Self {
        let machine = self.machine.clone();
        let configuration = configure::merge(&gathered.config, &machine, &Era::of(machine.version));
        let setting = Setting {
            machine: &machine,
            documents: &gathered.documents,
            config: &configuration.merged,
            files,
        };
        let composition = compose_in(gathered.requirements.iter().collect(), &setting);
        let refusals = refusals::in_order(&gathered, &composition, &setting);
        Self { machine, gathered, configuration, composition, refusals }
    }

    /// The same machine without any of its files: what the command line says alone.
    #[must_use]
    pub fn for_arguments(&self) -> Self {
        let mut gathered = self.gathered.clone();
        gathered.config.retain(|layer| layer.tier == ConfigTier::CommandLine);
        gathered.requirements.clear();
        gathered.broken.clear();
        gathered.bundle = BundleState::None;
        gathered.trust = None;
        let machine = self.machine.clone();
        let configuration = configure::merge(&gathered.config, &machine, &Era::of(machine.version));
        let composition = Composition::default();
        Self { machine, gathered, configuration, composition, refusals: Vec::new() }
    }

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
        let found = |text: String| {
            let known = self.refusals.iter().find(|refusal| refusal.text == text);
            known.cloned().unwrap_or_else(|| Refusal::start(text, None))
        };
        match startup_refusal(self).map(found) {
            None => Ok(json!({
                "requirements": requirements(
                    &self.composition.merged,
                    &self.configuration.merged,
                    &self.machine,
                    secrets,
                ),
            })),
            Some(refusal) => Err(startup_error(&refusal)),
        }
    }

    /// The same as Codex prints it under `configRequirements`, with what it says of itself.
    ///
    /// # Errors
    /// The error document that Codex prints instead.
    pub fn config_requirements(&self, secrets: Secrets) -> Result<Json, Json> {
        let answer = self.startup_answer(secrets)?;
        let mut whole = serde_json::Map::new();
        // Printed by 0.169.0 whatever the policy is; older versions were not looked at.
        if self.machine.version >= Version::of(169) {
            whole.insert("supportsIndependentSpeedModes".to_owned(), Json::Bool(true));
        }
        whole.extend(answer.as_object().cloned().unwrap_or_default());
        Ok(Json::Object(whole))
    }
}

impl Evaluation {
    /// The answer of Codex's server to `configRequirements/read`.
    ///
    /// # Errors
    /// The text of its error, or the one with which the server refuses to start.
    pub fn requirements_read(&self, secrets: Secrets) -> Result<Json, String> {
        let late = Era::of(self.machine.version).refuses_at_start();
        // What only concerns a session does not keep older servers from answering.
        let matters = |refusal: &&Refusal| match refusal.phase {
            Phase::Session => false,
            Phase::Config => refusal.stage == Stage::Syntax,
            phase => late || phase < Phase::Derived || phase == Phase::Bundle,
        };
        match self.refusals.iter().find(matters) {
            None => Ok(json!({
                "requirements": requirements(
                    &self.composition.merged,
                    &self.configuration.merged,
                    &self.machine,
                    secrets,
                ),
            })),
            Some(refusal) if late && refusal.stage == Stage::Start => {
                Err(format!("Error: {}", refusal.text))
            }
            Some(refusal) => Err(format!("failed to read configuration layers: {}", refusal.text)),
        }
    }
}

/// The error document of `--print-startup-config`. Codex fills file, line and column for
/// configuration, never for requirements.
pub fn startup_error(refusal: &Refusal) -> Json {
    let detail = &refusal.text;
    let mut data = match &refusal.shown {
        Shown::Text => {
            json!({"reason": "configLoad", "filePath": null, "line": null, "column": null})
        }
        Shown::Place { file, position } => json!({
            "reason": "configLoad",
            "filePath": file,
            "line": position.line,
            "column": position.column,
        }),
        Shown::Bundle(failure) => json!({"reason": "cloudConfigBundle", "errorCode": failure.code}),
    };
    if let Some(object) = data.as_object_mut() {
        object.insert("detail".to_owned(), json!(detail));
        if let Shown::Bundle(failure) = &refusal.shown {
            object.extend(failure.status.map(|status| ("statusCode".to_owned(), json!(status))));
            object.extend(failure.action.map(|action| ("action".to_owned(), json!(action))));
        }
    }
    let message = format!("failed to load configuration: {detail}");
    json!({"error": {"code": -32600, "data": data, "message": message}})
}
