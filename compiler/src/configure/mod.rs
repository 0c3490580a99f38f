//! Configuration layers merged as Codex merges `config.toml`, system, project and command line.

pub mod denied;
pub mod origins;
pub(crate) mod reconcile;

use codex_schema::key::Text;
use codex_schema::lookup::{CONFIG, Spot};
use codex_schema::source::ConfigTier;
use codex_schema::value::{Table, Value};
use codex_schema::version::Version;

use crate::compose::fold::fold_plain;
use crate::compose::paths;
use crate::era::Era;
use crate::layers::{ConfigLayer, Layer, NotLoaded};
use crate::machine::Machine;

/// One layer in the form in which it is merged and in which Codex lists it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its rank.
    pub tier: ConfigTier,
    /// The document and what it says, with paths made absolute and forbidden keys taken out.
    pub layer: Layer,
    /// The profile or the `.codex` folder.
    pub detail: Option<String>,
    /// Why it is not merged.
    pub not_loaded: Option<NotLoaded>,
    /// Keys a project may not set, as Codex lists them.
    pub denied: Vec<&'static str>,
}

/// The merged configuration, before requirements touch it.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// All layers, lowest first; the arguments of a command line are one layer.
    pub layers: Vec<Prepared>,
    /// What they come to.
    pub merged: Table,
}

impl Configuration {
    /// The layers that count, lowest first.
    pub fn loaded(&self) -> impl DoubleEndedIterator<Item = &Prepared> {
        self.layers.iter().filter(|layer| layer.not_loaded.is_none())
    }
}

/// Merges the layers of a machine, given lowest first.
pub fn merge(layers: &[ConfigLayer], machine: &Machine, era: &Era) -> Configuration {
    let mut prepared: Vec<Prepared> = Vec::new();
    for layer in layers {
        let next = prepare(layer, machine, era);
        match prepared.last_mut() {
            // Later arguments are laid over earlier ones; together they are one layer.
            Some(last) if last.tier == ConfigTier::CommandLine && next.tier == last.tier => {
                fold_plain(&mut last.layer.root, next.layer.root);
            }
            _ => prepared.push(next),
        }
    }
    prepared.sort_by_key(|layer| era.config_rank(layer.tier));
    let mut merged = Table::default();
    for layer in prepared.iter().filter(|layer| layer.not_loaded.is_none()) {
        let mut above = layer.layer.root.clone();
        reconcile::environment_policy(&mut merged, &mut above);
        if era.joins_switches() {
            reconcile::switches(&mut merged, &mut above);
        }
        fold_plain(&mut merged, above);
    }
    if era.lifts_plugin_apps() {
        reconcile::plugin_apps(&mut merged);
    }
    Configuration { layers: prepared, merged }
}

fn prepare(layer: &ConfigLayer, machine: &Machine, era: &Era) -> Prepared {
    let mut own = layer.layer.clone();
    let denied = if layer.tier == ConfigTier::Project {
        denied::take_out(&mut own.root, era)
    } else {
        Vec::new()
    };
    resolve_paths(&mut own.root, CONFIG.root(), &own.base, machine);
    respell(&mut own.root, era);
    Prepared {
        tier: layer.tier,
        layer: own,
        detail: layer.detail.clone(),
        not_loaded: layer.not_loaded,
        denied,
    }
}

/// From 0.157 on Codex replaces two values by their present spelling when it loads a layer. 0.138
/// does the opposite with the reviewer, whose later name it knows already.
fn respell(root: &mut Table, era: &Era) {
    let present: &[(&str, &str, &str)] = &[
        ("approval_policy", "on-failure", "on-request"),
        ("approvals_reviewer", "guardian_subagent", "auto_review"),
    ];
    let former: &[(&str, &str, &str)] =
        &[("approvals_reviewer", "auto_review", "guardian_subagent")];
    let pairs = match era.respells_layers() {
        true => present,
        false if era.version() >= Version::of(138) => former,
        false => &[],
    };
    for &(key, old, new) in pairs {
        if let Some(node) = root.get_mut(key)
            && node.value.as_str() == Some(old)
        {
            node.value = Value::String(new.into());
        }
    }
}

fn resolve_paths(table: &mut Table, spot: &Spot, base: &str, machine: &Machine) {
    let names: Vec<String> = table.iter().map(|entry| entry.key.value.to_string()).collect();
    for name in names {
        let (Some(child), Some(node)) = (spot.child(&name), table.get_mut(&name)) else { continue };
        match (child.key.map(|key| key.text), &mut node.value) {
            (Some(Text::Path), Value::String(path)) => {
                *path = paths::absolute(path, base, &machine.home).into();
            }
            (Some(Text::Paths), Value::Array(elements)) => {
                for element in elements {
                    if let Value::String(path) = &mut element.value {
                        *path = paths::absolute(path, base, &machine.home).into();
                    }
                }
            }
            (None, Value::Table(below)) => resolve_paths(below, child, base, machine),
            _ => {}
        }
    }
}
