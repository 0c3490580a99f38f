//! All refusals of a machine in the order in which Codex finds them in one pass: files that cannot
//! be read, the types of requirements, the bundle, the content of requirements, configuration
//! files, the configuration as a whole. Measured pair by pair. Where the whole is wrong Codex
//! makes a second pass over what is there for everybody, and tells of that first.

use codex_schema::features::canonical;
use codex_schema::inspect::inspect;
use codex_schema::lookup::CONFIG;
use codex_schema::source::{Channel, ConfigTier, Source};
use codex_schema::span::Span;
use codex_schema::value::Table;
use codex_schema::version::Version;

use crate::compose::{
    Composition, Phase, Refusal, Setting, Shown, Stage, at_place, compose_in, short_syntax,
};
use crate::gather::bundle::BundleFailure;
use crate::gather::{BundleState, Gathered};
use crate::layers::{Broken, ConfigLayer, Role};

/// All refusals, the one that Codex reports first.
pub(super) fn in_order(
    gathered: &Gathered,
    full: &Composition,
    setting: &Setting<'_>,
) -> Vec<Refusal> {
    let mut all = of_bundle(gathered, setting);
    all.extend(full.refusals.iter().cloned());
    all.extend(gathered.broken.iter().filter_map(|broken| of_broken(broken, gathered)));
    all.extend(of_system_config(gathered));
    let version = setting.machine.version;
    all.extend(gathered.config.iter().filter_map(|layer| of_config(layer, gathered, version)));
    // The merge of a document that cannot be read is not looked at.
    if all.iter().any(|refusal| refusal.phase == Phase::Syntax) {
        all.retain(|refusal| !refusal.text.starts_with("failed to parse merged requirements"));
    }
    let fetched = all.iter().any(|refusal| refusal.phase == Phase::Bundle);
    all.sort_by_key(|refusal| rank(refusal, fetched));
    // What the machine refuses by itself it refuses again with the bundle: said once.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|refusal| seen.insert((refusal.text.clone(), refusal.span.map(|span| span.start))));
    let (sessions, starts): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|refusal| refusal.phase >= Phase::Login);
    starts.into_iter().chain(sessions).collect()
}

/// When a refusal is found, within one pass.
fn rank(refusal: &Refusal, fetched: bool) -> (u8, Phase) {
    let phase = refusal.phase;
    let step = match phase {
        // Types are only looked at once the bundle is there.
        Phase::Types if fetched => 2,
        _ if phase <= Phase::Syntax => 0,
        Phase::Bundle => 1,
        Phase::Content => 2,
        Phase::Derived if refusal.text.starts_with("model_providers") => 3,
        // Files have a place, values of the configuration as a whole have none.
        Phase::Config if refusal.stage == Stage::Syntax => 4,
        Phase::Config if refusal.shown != Shown::Text => 5,
        _ => 6,
    };
    (step, phase)
}

/// Fragments are validated before anything local is laid below or above them.
fn of_bundle(gathered: &Gathered, setting: &Setting<'_>) -> Vec<Refusal> {
    let cloud_config = gathered.config.iter().filter(|layer| layer.tier == ConfigTier::Cloud);
    let mut found: Vec<Refusal> = cloud_config
        .filter_map(|layer| layer.layer.syntax.first())
        .map(|first| Refusal::bundle(BundleFailure::invalid("invalid TOML"), Some(first.span)))
        .collect();
    let layers = gathered.requirements.iter().filter(|layer| layer.channel == Channel::Cloud);
    let alone = compose_in(layers.collect(), setting).refusals;
    found.extend(alone.into_iter().filter_map(|refusal| match refusal.phase {
        Phase::Bundle => Some(refusal),
        Phase::Types => {
            Some(Refusal::bundle(BundleFailure::invalid("invalid requirements"), refusal.span))
        }
        // Of the content only model providers are validated here.
        Phase::Derived if refusal.text.starts_with("model_providers") => {
            let failure = BundleFailure::invalid("invalid model provider configuration");
            Some(Refusal::bundle(failure, refusal.span))
        }
        _ => None,
    }));
    found
}

fn of_broken(broken: &Broken, gathered: &Gathered) -> Option<Refusal> {
    let says = broken.codex_says.clone()?;
    let name = &broken.name;
    let refusal = match (broken.role, &gathered.bundle) {
        (Role::Bundle, BundleState::Failed(failure)) => Refusal::bundle(failure.clone(), None),
        (Role::Requirements(Channel::System), _) => {
            let text = format!("Failed to read requirements file {name}: {says}");
            Refusal::start(text, None).in_phase(Phase::Syntax)
        }
        (Role::Requirements(Channel::LegacyFile), _) => {
            Refusal::start(says, None).in_phase(Phase::LegacySyntax)
        }
        (Role::Config(tier), _) => {
            let phase =
                if tier == ConfigTier::System { Phase::SystemConfig } else { Phase::Config };
            let text = format!("Failed to read config file {name}: {says}");
            Refusal::start(text, None).in_phase(phase)
        }
        // One bad rule file switches the others off; everything starts.
        (Role::Rules, _) => return None,
        _ => Refusal::start(says, None).in_phase(Phase::Types),
    };
    Some(Refusal { stage: Stage::Syntax, ..refusal })
}

fn of_system_config(gathered: &Gathered) -> Option<Refusal> {
    let layer = gathered.config.iter().find(|layer| layer.tier == ConfigTier::System)?;
    let refusal = of_syntax(layer, gathered)?;
    Some(refusal.in_phase(Phase::SystemConfig))
}

fn of_syntax(layer: &ConfigLayer, gathered: &Gathered) -> Option<Refusal> {
    let first = layer.layer.syntax.first()?;
    let document = gathered.documents.get(layer.layer.source)?;
    let (text, shown) = short_syntax(document, &layer.layer.syntax);
    let refusal = Refusal { shown, ..Refusal::start(text, Some(first.span)) };
    Some(refusal.in_phase(Phase::Config))
}

/// What `--strict-config` refuses: arguments and every file are held against the key table as they
/// are read, the legacy file first, the others lowest first, and one that is no TOML ends this.
pub(crate) fn strictly(gathered: &Gathered, version: Version) -> Option<Refusal> {
    let mut read: Vec<&ConfigLayer> =
        gathered.config.iter().filter(|layer| layer.not_loaded.is_none()).collect();
    read.sort_by_key(|layer| match layer.tier {
        ConfigTier::CommandLine => 0,
        ConfigTier::LegacyFile => 1,
        _ => 2,
    });
    let whole = read.into_iter().take_while(|layer| layer.layer.syntax.is_empty());
    let mut whole = whole.filter(|_| gathered.arguments.strict);
    whole.find_map(|layer| of_config(layer, gathered, version))
}

/// Names of features are looked at after those of all other fields.
fn unknown_feature(root: &Table, version: Version) -> Option<(String, Span)> {
    let names = root.get("features")?.value.as_table()?.iter().map(|entry| &entry.key);
    let unknown = names.into_iter().find(|name| canonical(&name.value, version).is_none())?;
    Some((format!("features.{}", unknown.value), unknown.span))
}

/// The first thing wrong with a configuration file.
fn of_config(layer: &ConfigLayer, gathered: &Gathered, version: Version) -> Option<Refusal> {
    let reported_before =
        matches!(layer.tier, ConfigTier::System | ConfigTier::LegacyFile | ConfigTier::Cloud);
    if layer.not_loaded.is_some() {
        return None;
    }
    if !layer.layer.syntax.is_empty() {
        let syntax = of_syntax(layer, gathered).filter(|_| !reported_before);
        return syntax.map(|refusal| Refusal { stage: Stage::Syntax, ..refusal });
    }
    let document = gathered.documents.get(layer.layer.source)?;
    let inspection = inspect(&layer.layer.root, &CONFIG, version);
    let unknown = inspection.unknown.first().map(|found| (found.path.join("."), found.span));
    let unknown = unknown.or_else(|| unknown_feature(&layer.layer.root, version));
    let unknown = unknown.filter(|_| gathered.arguments.strict);
    // Types of arguments are looked at with the merged whole.
    let typed = !(gathered.arguments.strict && layer.tier == ConfigTier::CommandLine);
    let refused = inspection.refused.first().filter(|_| typed);
    let (message, span) = match (refused, unknown) {
        (Some(problem), _) => (problem.message.clone(), problem.span?),
        (None, Some((path, span))) => (format!("unknown configuration field `{path}`"), span),
        (None, None) => return None,
    };
    let (text, shown) = match &document.source {
        Source::Fragment { id, name } if gathered.arguments.strict => {
            (format!("invalid cloud config fragment {name} ({id}): {message}"), Shown::Text)
        }
        Source::Argument { .. } if gathered.arguments.strict => {
            (format!("{message} in -c/--config override"), Shown::Text)
        }
        _ => at_place(document, span.start, &message),
    };
    let refusal = Refusal { shown, ..Refusal::start(text, Some(span)) };
    Some(refusal.in_phase(Phase::Config))
}
