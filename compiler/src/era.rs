//! How Codex versions differ in composing policy, as data. Measured against the binaries; see the
//! vectors of each version under `tests/vectors`.

use codex_schema::source::{Channel, ConfigTier};
use codex_schema::version::Version;

/// How one version combines layers.
#[derive(Clone, Copy, Debug)]
pub struct Era {
    version: Version,
}

/// How requirement layers are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequirementMerge {
    /// The highest layer that sets a top-level key wins it whole.
    FirstSets,
    /// Tables key by key, with special rules for some lists.
    ByKey,
}

impl Era {
    /// The era of a version.
    pub fn of(version: Version) -> Self {
        Self { version }
    }

    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }

    /// How requirement layers are combined. Measured at 0.98.0, 0.118.0 and 0.138.0; the change
    /// came between the last two.
    pub fn requirement_merge(&self) -> RequirementMerge {
        if self.version < Version::of(138) {
            RequirementMerge::FirstSets
        } else {
            RequirementMerge::ByKey
        }
    }

    /// The rank of a requirement channel, lowest first.
    pub fn channel_rank(&self, channel: Channel) -> u8 {
        let old = self.version < Version::of(138);
        match channel {
            Channel::LegacyFile if old => 0,
            Channel::LegacyMdm if old => 1,
            Channel::System => 2,
            // Before 0.138 the macOS value stood between the cloud and the system file; read in
            // public documentation, not measured.
            Channel::Mdm if old => 3,
            Channel::Cloud => 4,
            Channel::LegacyFile => 5,
            Channel::LegacyMdm => 6,
            Channel::Mdm => 7,
        }
    }

    /// The rank of a configuration layer, lowest first.
    pub fn config_rank(&self, tier: ConfigTier) -> u8 {
        match tier {
            ConfigTier::System => 0,
            ConfigTier::Cloud => 1,
            ConfigTier::User => 2,
            ConfigTier::Profile => 3,
            ConfigTier::Project => 4,
            ConfigTier::CommandLine => 5,
            ConfigTier::LegacyFile => 6,
            ConfigTier::LegacyMdm => 7,
        }
    }

    /// Whether this era takes a key out of project configuration, `since` being the first version
    /// that does.
    pub fn project_denies(&self, since: u32) -> bool {
        Version::of(since) <= self.version
    }

    /// Whether trust given by `managed_config.toml` decides which project configuration is loaded.
    /// Measured: not at 0.138.0, yes at 0.157.1. It sets the default sandbox in every version.
    pub fn legacy_trusts_projects(&self) -> bool {
        Version::patched(157, 1) <= self.version
    }

    /// Whether former spellings of values are replaced when a configuration layer is loaded.
    /// Measured: at 0.157.1, not at 0.138.0.
    pub fn respells_layers(&self) -> bool {
        Version::patched(157, 1) <= self.version
    }
}
