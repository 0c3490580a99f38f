//! The machine of a cohort: one that has the cohort's policy and nothing else.

use std::sync::Arc;

use codex_schema::source::{Channel, ConfigTier};
use codex_schema::span::SourceId;
use codex_schema::types::policy::{Date, Delivery, System};
use codex_schema::value::Table;
use codex_schema::version::Version;

use super::Evaluation;
use crate::authoring::{Cache, EffectivePolicy, effective};
use crate::files::{Content, MemoryFiles};
use crate::gather::{BundleState, Gathered, RuleDocument, arguments};
use crate::layers::{ConfigLayer, Layer, RequirementLayer};
use crate::machine::{Machine, Os};
use crate::repository::{Cohort, Repository};

/// The operating system that questions about a cohort are answered for: the first it names.
pub fn system_of(cohort: &Cohort) -> Os {
    let systems = cohort.systems.as_deref().unwrap_or_default();
    systems
        .iter()
        .copied()
        .find(|system| *system == System::Linux)
        .or(systems.first().copied())
        .map_or(Os::Linux, Os::from)
}

/// A machine of a cohort, with nobody's own settings on it.
pub fn machine_of(cohort: &Cohort, version: Version) -> Machine {
    let os = system_of(cohort);
    let home = match os {
        Os::Linux => "/home/user",
        Os::Macos => "/Users/user",
        Os::Windows => "C:\\Users\\user",
    };
    let below = |name: &str| match os {
        Os::Windows => format!("{home}\\{name}"),
        Os::Linux | Os::Macos => format!("{home}/{name}"),
    };
    Machine {
        os,
        hostname: "localhost".to_owned(),
        home: home.to_owned(),
        codex_home: below(".codex"),
        cwd: below("project"),
        version,
    }
}

/// Evaluates a machine that has a cohort's policy and nothing else, with the arguments that a
/// person would give to Codex. Places are places of the repository.
pub fn of_policy(
    repository: &Repository,
    cohort: &Cohort,
    policy: &EffectivePolicy,
    machine: Machine,
    codex: &[String],
) -> Evaluation {
    let mut documents = repository.documents.clone();
    let mut given = arguments::read(codex, &mut documents);
    let base = machine.os.system_folder();
    let source = repository.manifest.source.unwrap_or(SourceId(0));
    let layer = |base: &str, source: SourceId, root: &Table| Layer {
        source,
        base: base.to_owned(),
        root: root.clone(),
        syntax: Vec::new(),
    };
    let (channel, tier, folder) = if cohort.deliveries.contains(&Delivery::Mdm) {
        (Channel::Mdm, ConfigTier::System, base)
    } else if cohort.deliveries.contains(&Delivery::System) {
        (Channel::System, ConfigTier::System, base)
    } else {
        (Channel::Cloud, ConfigTier::Cloud, machine.codex_home.as_str())
    };
    let config_layer = |tier: ConfigTier, layer: Layer| ConfigLayer {
        tier,
        layer,
        detail: None,
        not_loaded: None,
    };
    let mut config = vec![config_layer(tier, layer(folder, source, &policy.config))];
    for (source, root) in std::mem::take(&mut given.overrides) {
        config.push(config_layer(ConfigTier::CommandLine, layer(&machine.cwd, source, &root)));
    }
    let rules = policy.rules.iter().map(|voice| RuleDocument {
        source: voice.source,
        tier: ConfigTier::System,
        not_loaded: None,
    });
    let gathered = Gathered {
        requirements: vec![RequirementLayer {
            channel,
            layer: layer(folder, source, &policy.requirements),
        }],
        config,
        arguments: given,
        broken: Vec::new(),
        bundle: BundleState::None,
        trust: None,
        rules: rules.collect(),
        provenance: Arc::new(Content::Absent),
        documents,
    };
    Evaluation::of_gathered(machine, gathered, &MemoryFiles::default())
}

/// Evaluates a machine with what a cohort gets on a day: on the version that is named, else on the
/// newest that the cohort uses.
pub fn of_cohort(
    repository: &Repository,
    cohort: &Cohort,
    today: Date,
    version: Option<Version>,
    codex: &[String],
) -> Evaluation {
    let policy = effective(repository, cohort, today, &mut Cache::default());
    let newest = cohort.versions.last().copied().unwrap_or(Version::NEWEST);
    let machine = machine_of(cohort, version.unwrap_or(newest));
    of_policy(repository, cohort, &policy, machine, codex)
}
