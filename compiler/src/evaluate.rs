//! One evaluation of a machine: gather, merge, compose, clamp. Pure over [`Files`].

pub mod policy;
mod refusals;

pub(crate) use refusals::strictly;

use std::sync::OnceLock;

use codex_schema::path::{dotted, parts};
use codex_schema::reader::read_toml;
use codex_schema::source::{Channel, ConfigTier, Documents};
use codex_schema::span::SourceId;
use codex_schema::value::Table;
use codex_schema::version::Version;
use serde_json::{Value as Json, json};

use crate::codex_answers::startup_refusal;
use crate::compose::refusals::layers::bad_hosts;
use crate::compose::startup_json::{Secrets, requirements};
use crate::compose::{Composition, Phase, Refusal, Setting, Shown, Stage, compose_in};
use crate::configure::{self, Configuration, Prepared};
use crate::effective::{Inputs, Session, session};
use crate::era::Era;
use crate::files::{Files, MemoryFiles};
use crate::gather::{self, BundleState, Extra, Gathered, gather};
use crate::layers::{ConfigLayer, Layer, RequirementLayer, Role};
use crate::machine::Machine;
use crate::origins::Origins;

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
    /// The files that requirements and roles of agents name, as they were found.
    named: MemoryFiles,
    /// The user's file, where this is a load that passes over it.
    aside: Option<Layer>,
    /// Where the values of the system's files came from, once somebody has asked.
    origins: OnceLock<Result<Option<Origins>, String>>,
}

/// Evaluates a machine.
pub fn evaluate(machine: Machine, files: &dyn Files, extra: &Extra) -> Evaluation {
    let gathered = gather(&machine, files, extra);
    Evaluation::of_gathered(machine, gathered, files)
}

fn named(
    configuration: &Configuration,
    composition: &Composition,
    files: &dyn Files,
) -> MemoryFiles {
    let catalogs =
        composition.layers.iter().filter_map(|layer| layer.root.get("model_catalog_json"));
    let tables = configuration.layers.iter().filter_map(|layer| layer.layer.root.get("agents"));
    let roles = tables.filter_map(|node| node.value.as_table()).flat_map(Table::iter);
    let paths = catalogs.chain(roles.filter_map(|role| role.node.at(&["config_file"])));
    let mut named = MemoryFiles::default();
    for path in paths.filter_map(|node| node.value.as_str()) {
        named.copy(path, files);
    }
    named
}

impl Evaluation {
    /// Evaluates what was gathered; `files` has what requirements name.
    pub fn of_gathered(machine: Machine, gathered: Gathered, files: &dyn Files) -> Self {
        let era = Era::of(machine.version);
        let configuration = configure::merge(&gathered.config, &machine, &era);
        let setting = Setting {
            machine: &machine,
            documents: &gathered.documents,
            config: &configuration.merged,
            files: Some(files),
        };
        let composition = compose_in(gathered.requirements.iter().collect(), &setting);
        let refusals = refusals::in_order(&gathered, &composition, &setting);
        let named = named(&configuration, &composition, files);
        Self {
            machine,
            gathered,
            configuration,
            composition,
            refusals,
            named,
            aside: None,
            origins: OnceLock::new(),
        }
    }

    /// Where the values of the system's files came from, as far as the machine knows.
    ///
    /// # Errors
    /// What is wrong with the map that is there, in a sentence.
    pub fn origins(&self) -> Result<Option<&Origins>, &str> {
        let read = self.origins.get_or_init(|| {
            let texts: Vec<(&'static str, &str)> = self
                .gathered
                .system_files()
                .filter_map(|(file, source)| Some((file, &*self.documents().get(source)?.text)))
                .collect();
            Origins::read(&self.gathered.provenance, &texts)
        });
        read.as_ref().map(Option::as_ref).map_err(String::as_str)
    }

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
        // Nor does it look again at requirements that cannot be read.
        let unreadable = |layer: &RequirementLayer| {
            let mut composed = self.composition.layers.iter();
            let own = composed.find(|one| one.source == layer.layer.source);
            !layer.layer.syntax.is_empty() || own.is_some_and(|own| bad_hosts(own).is_some())
        };
        let readable = |layer: &RequirementLayer| {
            matches!(layer.channel, Channel::LegacyFile | Channel::LegacyMdm) || !unreadable(layer)
        };
        gathered.requirements.retain(|layer| layer.channel != Channel::Cloud && readable(layer));
        gathered.broken.retain(|broken| match broken.role {
            Role::Config(tier) => shared(tier),
            Role::Bundle | Role::Requirements(Channel::System | Channel::Mdm) => false,
            _ => true,
        });
        let user = self.gathered.config.iter().find(|layer| layer.tier == ConfigTier::User);
        let aside = user.map(|layer| layer.layer.clone());
        Self { aside, ..self.reduced(gathered) }
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
            files: Some(files.unwrap_or(&self.named)),
        };
        let composition = compose_in(gathered.requirements.iter().collect(), &setting);
        let refusals = refusals::in_order(&gathered, &composition, &setting);
        let named = self.named.clone();
        Self {
            machine,
            gathered,
            configuration,
            composition,
            refusals,
            named,
            aside: None,
            origins: OnceLock::new(),
        }
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
        let named = MemoryFiles::default();
        let refusals = Vec::new();
        Self {
            machine,
            gathered,
            configuration,
            composition,
            refusals,
            named,
            aside: None,
            origins: OnceLock::new(),
        }
    }

    /// The same machine where a person asks for a value on the command line; `None` for a value
    /// that TOML cannot say.
    #[must_use]
    pub fn with_wish(&self, key: &str, value: &Json) -> Option<Self> {
        let value = toml::Value::try_from(value).ok()?;
        let mut gathered = self.gathered.clone();
        let text = format!("{} = {value}", dotted(&parts(key).collect::<Vec<_>>()));
        let wish = read_toml(&text, SourceId::BUILT_IN);
        let arguments = gather::arguments::given(&wish.root);
        let given = gather::arguments::read(&arguments, &mut gathered.documents);
        for (source, root) in given.overrides {
            let base = self.machine.cwd.clone();
            let layer = Layer { source, base, root, syntax: Vec::new() };
            let tier = ConfigTier::CommandLine;
            gathered.config.push(ConfigLayer { tier, layer, detail: None, not_loaded: None });
        }
        gathered.config.sort_by_key(|layer| layer.tier);
        Some(self.with(gathered, None))
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

    /// The files that requirements and roles of agents name.
    pub(crate) fn named(&self) -> &dyn Files {
        &self.named
    }

    /// The layers in which Codex looks for the place of a mistake, lowest first: even a load that
    /// passes over the user's file looks into it.
    pub(crate) fn searched(&self) -> Vec<&Layer> {
        let written = |layer: &&Prepared| layer.tier != ConfigTier::CommandLine;
        let loaded = self.configuration.loaded().filter(written);
        let mut all: Vec<(ConfigTier, &Layer)> =
            loaded.map(|layer| (layer.tier, &layer.layer)).collect();
        all.extend(self.aside.as_ref().map(|layer| (ConfigTier::User, layer)));
        all.sort_by_key(|(tier, _)| *tier);
        all.into_iter().map(|(_, layer)| layer).collect()
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
        match startup_refusal(self) {
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
