//! Collects everything that speaks on a machine into layers. Reads only; what cannot be read is
//! kept as a [`Broken`] document with its reason, so that the rest can still be shown.

pub mod arguments;
pub mod bundle;
mod preferences;
pub mod project;

use std::sync::Arc;

use codex_schema::reader::read_toml;
use codex_schema::source::{Channel, ConfigTier, Documents, Source};
use codex_schema::span::SourceId;
use codex_schema::value::Table;

use crate::compile::{CONFIG_FILE, PROVENANCE_FILE, REQUIREMENTS_FILE};
use crate::compose::fold::fold_plain;
use crate::era::Era;
use crate::files::{Content, Files, Unreadable};
use crate::layers::{Broken, ConfigLayer, Layer, NotLoaded, RequirementLayer, Role};
use crate::machine::{Machine, Os};
use arguments::Arguments;
use bundle::{Bundle, BundleAnswer, BundleFailure, Cached};

/// Documents that do not come from the machine's own files.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// An answer of the cloud or a configuration server, with the name to show for it.
    pub bundle: Option<(String, BundleAnswer)>,
    /// Managed preferences or a configuration profile, with the name to show for it.
    pub preferences: Option<(String, Vec<u8>)>,
    /// The arguments a person would give to Codex.
    pub arguments: Vec<String>,
}

/// Where the bundle came from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BundleState {
    /// None is known.
    None,
    /// Given as a file; its name.
    Given(String),
    /// The copy in `CODEX_HOME`: the user can rewrite it.
    UserWritableCache {
        /// The file.
        path: String,
        /// What it says about its age.
        cached: Option<Cached>,
    },
    /// Codex cannot have one although one is configured.
    Failed(BundleFailure),
}

/// Everything that speaks on a machine.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// All documents.
    pub documents: Documents,
    /// Requirement layers, lowest first.
    pub requirements: Vec<RequirementLayer>,
    /// Configuration layers, lowest first.
    pub config: Vec<ConfigLayer>,
    /// The command line.
    pub arguments: Arguments,
    /// What is there and cannot be used.
    pub broken: Vec<Broken>,
    /// Where the bundle came from.
    pub bundle: BundleState,
    /// The trust level of the working folder, where one is set.
    pub trust: Option<String>,
    /// Files of command rules, with the role of their folder.
    pub rules: Vec<RuleDocument>,
    /// What the agent has put beside the system's files: where their values came from. It is read
    /// when somebody asks.
    pub provenance: Arc<Content>,
}

impl Gathered {
    /// The system's own files that there are, by their names.
    pub fn system_files(&self) -> impl Iterator<Item = (&'static str, SourceId)> {
        let requirements = self.requirements.iter().filter(|one| one.channel == Channel::System);
        let requirements = requirements.map(|one| (REQUIREMENTS_FILE, one.layer.source));
        let config = self.config.iter().filter(|one| one.tier == ConfigTier::System);
        requirements.chain(config.map(|one| (CONFIG_FILE, one.layer.source)))
    }
}

/// A file of command rules.
#[derive(Clone, Debug)]
pub struct RuleDocument {
    /// The document.
    pub source: SourceId,
    /// Whose folder it lies in.
    pub tier: ConfigTier,
    /// Whether Codex loads it.
    pub not_loaded: Option<NotLoaded>,
}

/// Collects the layers of a machine.
pub fn gather(machine: &Machine, files: &dyn Files, extra: &Extra) -> Gathered {
    let mut gatherer = Gatherer {
        machine,
        files,
        found: Gathered {
            documents: Documents::default(),
            requirements: Vec::new(),
            config: Vec::new(),
            arguments: Arguments::default(),
            broken: Vec::new(),
            bundle: BundleState::None,
            trust: None,
            rules: Vec::new(),
            provenance: Arc::new(Content::Absent),
        },
    };
    gatherer.found.arguments = arguments::read(&extra.arguments, &mut gatherer.found.documents);
    gatherer.system();
    gatherer.preferences(extra);
    gatherer.bundle(extra);
    gatherer.user();
    gatherer.command_line();
    gatherer.projects();
    gatherer.rules();
    gatherer.found.requirements.sort_by_key(|layer| layer.channel);
    gatherer.found.config.sort_by_key(|layer| layer.tier);
    gatherer.found
}

struct Gatherer<'world> {
    machine: &'world Machine,
    files: &'world dyn Files,
    found: Gathered,
}

impl Gatherer<'_> {
    fn system(&mut self) {
        let os = self.machine.os;
        let base = os.system_folder().to_owned();
        self.found.provenance = Arc::new(self.files.read(&os.system_file(PROVENANCE_FILE)));
        let requirements = os.system_file("requirements.toml");
        if let Some(layer) = self.file(&requirements, &base, Role::Requirements(Channel::System)) {
            self.requirement(Channel::System, layer);
        }
        let config = os.system_file("config.toml");
        if let Some(layer) = self.file(&config, &base, Role::Config(ConfigTier::System)) {
            self.configuration(ConfigTier::System, layer, None, None);
        }
        if os == Os::Windows {
            return;
        }
        let legacy = os.system_file("managed_config.toml");
        if let Some(layer) = self.file(&legacy, &base, Role::Requirements(Channel::LegacyFile)) {
            self.requirement(Channel::LegacyFile, layer.clone());
            self.configuration(ConfigTier::LegacyFile, layer, None, None);
        }
    }

    fn user(&mut self) {
        let home = self.machine.codex_home.clone();
        let path = format!("{home}/config.toml");
        if let Some(layer) = self.file(&path, &home, Role::Config(ConfigTier::User)) {
            self.configuration(ConfigTier::User, layer, None, None);
        }
        let Some(profile) = self.found.arguments.profile.clone() else { return };
        let path = format!("{home}/{}.config.toml", profile.value);
        if let Some(layer) = self.file(&path, &home, Role::Config(ConfigTier::Profile)) {
            self.configuration(ConfigTier::Profile, layer, Some(profile.value), None);
        }
    }

    fn command_line(&mut self) {
        for (source, root) in std::mem::take(&mut self.found.arguments.overrides) {
            let base = self.machine.cwd.clone();
            let layer = Layer { source, base, root, syntax: Vec::new() };
            self.configuration(ConfigTier::CommandLine, layer, None, None);
        }
    }

    /// Projects come last: the other layers say which folders are trusted.
    fn projects(&mut self) {
        let mut layers: Vec<&ConfigLayer> = self.found.config.iter().collect();
        layers.sort_by_key(|layer| layer.tier);
        let mut merged = Table::default();
        for layer in layers {
            fold_plain(&mut merged, layer.layer.root.clone());
        }
        let Machine { cwd, codex_home, .. } = self.machine;
        self.found.trust = project::trust_of(self.files, cwd, &merged);
        let mut trusting = merged;
        if !Era::of(self.machine.version).legacy_trusts_projects() {
            trusting = Table::default();
            let own = |layer: &&ConfigLayer| {
                !matches!(layer.tier, ConfigTier::LegacyFile | ConfigTier::LegacyMdm)
            };
            let mut layers: Vec<&ConfigLayer> = self.found.config.iter().filter(own).collect();
            layers.sort_by_key(|layer| layer.tier);
            for layer in layers {
                fold_plain(&mut trusting, layer.layer.root.clone());
            }
        }
        for folder in project::folders(self.files, cwd, codex_home, &trusting) {
            let path = format!("{}/config.toml", folder.dot_codex);
            let role = Role::Config(ConfigTier::Project);
            let not_loaded = (!folder.trusted).then_some(NotLoaded::Untrusted);
            let layer = self.file(&path, &folder.dot_codex, role).unwrap_or_else(|| Layer {
                source: self.found.documents.add(Source::File { path }, ""),
                base: folder.dot_codex.clone(),
                root: Table::default(),
                syntax: Vec::new(),
            });
            self.configuration(ConfigTier::Project, layer, Some(folder.dot_codex), not_loaded);
        }
    }

    fn rules(&mut self) {
        let system = format!("{}/rules", self.machine.os.system_folder());
        let user = format!("{}/rules", self.machine.codex_home);
        self.rule_folder(&system, ConfigTier::System, None);
        self.rule_folder(&user, ConfigTier::User, None);
        let projects: Vec<_> = self
            .found
            .config
            .iter()
            .filter(|layer| layer.tier == ConfigTier::Project)
            .filter_map(|layer| Some((layer.detail.clone()?, layer.not_loaded)))
            .collect();
        for (dot_codex, not_loaded) in projects {
            self.rule_folder(&format!("{dot_codex}/rules"), ConfigTier::Project, not_loaded);
        }
    }

    fn rule_folder(&mut self, folder: &str, tier: ConfigTier, not_loaded: Option<NotLoaded>) {
        let is_rules = |name: &String| {
            std::path::Path::new(name).extension().is_some_and(|ending| ending == "rules")
        };
        for name in self.files.list(folder).into_iter().filter(is_rules) {
            let path = format!("{folder}/{name}");
            if let Some(text) = self.text(&path, Role::Rules) {
                let source = self.found.documents.add(Source::File { path }, text);
                self.found.rules.push(RuleDocument { source, tier, not_loaded });
            }
        }
    }

    fn bundle(&mut self, extra: &Extra) {
        let given = extra.bundle.as_ref();
        let cached = if given.is_none() { self.cached_bundle() } else { None };
        let kept = bundle::kept_from_asking(&self.found.requirements);
        let (name, read, state) = match (kept, given, cached) {
            (_, None, Some(cached)) => cached,
            (Some(failure), given, None) => {
                let name = given.map_or_else(
                    || "the configuration server".to_owned(),
                    |(name, _)| name.clone(),
                );
                return self.no_bundle(name, failure.text.clone(), failure);
            }
            (None, Some((name, BundleAnswer::Body(bytes))), _) => {
                let read = bundle::read_answer(bytes, &mut self.found.documents);
                (name.clone(), read, BundleState::Given(name.clone()))
            }
            (None, Some((name, failed)), _) => {
                let status = match failed {
                    BundleAnswer::Status(status) => Some(*status),
                    BundleAnswer::Body(_) | BundleAnswer::Unreachable => None,
                };
                if let Some(failure) = bundle::unanswered(&self.found.requirements, status) {
                    self.no_bundle(name.clone(), failure.text.clone(), failure);
                }
                return;
            }
            _ => return,
        };
        match read {
            Ok(bundle) => {
                self.found.bundle = match state {
                    BundleState::UserWritableCache { path, .. } => {
                        BundleState::UserWritableCache { path, cached: bundle.cached.clone() }
                    }
                    other => other,
                };
                self.fragments(bundle);
            }
            Err(reason) => self.no_bundle(name, reason, BundleFailure::request(None)),
        }
    }

    fn no_bundle(&mut self, name: String, reason: String, failure: BundleFailure) {
        self.found.broken.push(Broken {
            name,
            role: Role::Bundle,
            reason,
            help: Some("Codex refuses to start without its bundle".to_owned()),
            codex_says: Some(failure.text.clone()),
        });
        self.found.bundle = BundleState::Failed(failure);
    }

    /// The copy Codex keeps. Which of several belongs to the configured server cannot be told
    /// from outside, so several are reported and none is used.
    fn cached_bundle(&mut self) -> Option<(String, Result<Bundle, String>, BundleState)> {
        let home = &self.machine.codex_home;
        let names: Vec<String> = self
            .files
            .list(home)
            .into_iter()
            .filter(|name| {
                name == "cloud-config-bundle-cache.json"
                    || (name.starts_with("managed-config-")
                        && std::path::Path::new(name)
                            .extension()
                            .is_some_and(|ending| ending == "json"))
            })
            .collect();
        let [name] = names.as_slice() else { return None };
        let path = format!("{home}/{name}");
        let Content::Bytes(bytes) = self.files.read(&path) else { return None };
        let read = bundle::read_cache(&bytes, &mut self.found.documents);
        let state = BundleState::UserWritableCache { path: path.clone(), cached: None };
        Some((path, read, state))
    }

    fn fragments(&mut self, bundle: Bundle) {
        let base = self.machine.codex_home.clone();
        // The answer lists the highest fragment first; layers are kept lowest first.
        for fragment in bundle.requirements.into_iter().rev() {
            let layer = self.layer(fragment.source, base.clone());
            self.requirement(Channel::Cloud, layer);
        }
        for fragment in bundle.config.into_iter().rev() {
            let layer = self.layer(fragment.source, base.clone());
            self.configuration(ConfigTier::Cloud, layer, Some(fragment.id), None);
        }
    }

    fn requirement(&mut self, channel: Channel, layer: Layer) {
        self.found.requirements.push(RequirementLayer { channel, layer });
    }

    fn configuration(
        &mut self,
        tier: ConfigTier,
        layer: Layer,
        detail: Option<String>,
        not_loaded: Option<NotLoaded>,
    ) {
        self.found.config.push(ConfigLayer { tier, layer, detail, not_loaded });
    }

    fn file(&mut self, path: &str, base: &str, role: Role) -> Option<Layer> {
        let text = self.text(path, role)?;
        let source = self.found.documents.add(Source::File { path: path.to_owned() }, text);
        Some(self.layer(source, base.to_owned()))
    }

    fn layer(&mut self, source: SourceId, base: String) -> Layer {
        let text = self.found.documents.get(source).map(|document| Arc::clone(&document.text));
        let document = read_toml(text.as_deref().unwrap_or_default(), source);
        Layer { source, base, root: document.root, syntax: document.problems }
    }

    /// The text of a file; what is there and cannot be used becomes a broken document.
    fn text(&mut self, path: &str, role: Role) -> Option<String> {
        let (reason, codex_says) = match self.files.read(path) {
            Content::Absent => return None,
            Content::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => return Some(text),
                Err(error) => {
                    let words = error.utf8_error().to_string();
                    (format!("it is not UTF-8: {words}"), words)
                }
            },
            Content::Unreadable(Unreadable::NotAFile) => {
                (Unreadable::NotAFile.to_string(), format!("path `{path}` is not a file"))
            }
            Content::Unreadable(reason) => (reason.to_string(), reason.to_string()),
        };
        let help = Some(format!("make {path} a readable UTF-8 file, or remove it"));
        let name = path.to_owned();
        self.found.broken.push(Broken { name, role, reason, help, codex_says: Some(codex_says) });
        None
    }
}
