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

/// How a version looks at the words of shell scripts, and at commands that no rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShellReading {
    /// Words count as they are written, a here-document is passed over, and there are short lists
    /// of dangerous and of harmless commands.
    AsWritten,
    /// Words that the shell would still change make a script opaque; dangerous commands are found
    /// inside of any script; no command is harmless.
    Literal,
}

/// First version known to read layers in two steps; 0.138.0 does not.
const FOLDED: Version = Version::of(157);

/// The values a key had in a range of versions.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    /// Top-level keys on the way to the value, in requirements or in the legacy file.
    pub path: &'static [&'static str],
    /// First version.
    pub from: Version,
    /// First later version.
    pub until: Version,
    /// The values as that version lists them.
    pub values: &'static [&'static str],
}

/// Measured at 0.98.0, 0.118.0, 0.138.0 and 0.157.1; where a boundary lies between two of them,
/// the later one is taken.
const CHOICES: &[Choices] = &[
    Choices {
        path: &["apps", "*", "tools", "*", "approval_mode"],
        from: Version::of(0),
        until: Version::of(157),
        values: &["auto", "prompt", "approve"],
    },
    Choices {
        path: &["allowed_approval_policies"],
        from: Version::of(0),
        until: Version::of(118),
        values: &["untrusted", "on-failure", "on-request", "never"],
    },
    Choices {
        path: &["approval_policy"],
        from: Version::of(0),
        until: Version::of(118),
        values: &["untrusted", "on-failure", "on-request", "never"],
    },
    Choices {
        path: &["allowed_web_search_modes"],
        from: Version::of(0),
        until: Version::of(157),
        values: &["disabled", "cached", "live"],
    },
    Choices {
        path: &["experimental_network", "unix_sockets"],
        from: Version::of(0),
        until: Version::of(138),
        values: &["allow", "none"],
    },
];

/// The same of configuration. Measured at 0.118.0 and 0.138.0.
const CONFIG_CHOICES: &[Choices] = &[
    Choices {
        path: &["apps", "*", "tools", "*", "approval_mode"],
        from: Version::of(118),
        until: Version::of(157),
        values: &["auto", "prompt", "approve"],
    },
    Choices {
        path: &["permissions", "*", "network", "unix_sockets"],
        from: Version::of(118),
        until: Version::of(138),
        values: &["allow", "none"],
    },
    Choices {
        path: &["realtime", "version"],
        from: Version::of(118),
        until: Version::of(157),
        values: &["v1", "v2"],
    },
    Choices {
        path: &["realtime", "voice"],
        from: Version::of(138),
        until: Version::of(158),
        values: &[
            "alloy", "arbor", "ash", "ballad", "breeze", "cedar", "coral", "cove", "echo", "ember",
            "juniper", "maple", "marin", "sage", "shimmer", "sol", "spruce", "vale", "verse",
        ],
    },
    Choices {
        path: &["model_reasoning_effort"],
        from: Version::of(118),
        until: Version::of(138),
        values: &["none", "minimal", "low", "medium", "high", "xhigh"],
    },
    Choices {
        path: &["approvals_reviewer"],
        from: Version::of(118),
        until: Version::of(138),
        values: &["user", "guardian_subagent"],
    },
    Choices {
        path: &["service_tier"],
        from: Version::of(118),
        until: Version::of(138),
        values: &["fast", "flex"],
    },
];

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

    /// Whether a key and its second name in different layers are one key. Measured: not at 0.138.0,
    /// at 0.157.1.
    pub fn folds_second_names(&self) -> bool {
        self.version >= FOLDED
    }

    /// Whether type errors quote the line, as syntax errors do. Measured: at 0.138.0, not at
    /// 0.157.1, which reads a layer in two steps.
    pub fn quotes_type_errors(&self) -> bool {
        self.version < FOLDED
    }

    /// Whether the server refuses to start on bad requirements. Before, it started with defaults
    /// and refused every request. Measured: not at 0.138.0, at 0.157.1.
    pub fn refuses_at_start(&self) -> bool {
        self.version >= FOLDED
    }

    /// Whether `on-failure` is printed, and meant, as `on-request`. Measured: not at 0.138.0, at
    /// 0.157.1, which also refuses `untrusted` in configuration.
    pub fn retires_old_approval(&self) -> bool {
        self.version >= FOLDED
    }

    /// Whether `profile = "…"` in configuration is refused. Measured: not at 0.118.0, at 0.138.0.
    pub fn retires_first_profiles(&self) -> bool {
        self.version >= Version::of(138)
    }

    /// Whether `experimental_thread_store_endpoint` is refused. Measured: not at 0.118.0, at
    /// 0.138.0.
    pub fn retires_thread_store(&self) -> bool {
        self.version >= Version::of(138)
    }

    /// Whether a feature's flag and its table are joined when layers are merged. Measured at
    /// 0.169.0.
    pub fn joins_switches(&self) -> bool {
        self.version > Version::patched(157, 1)
    }

    /// Whether `plugins.P.apps` count as `apps`. Measured at 0.169.0.
    pub fn lifts_plugin_apps(&self) -> bool {
        self.version > Version::patched(157, 1)
    }

    /// Whether `never` with a forbidden `danger-full-access` is refused instead of weakened.
    /// Measured: not at 0.118.0, at 0.138.0.
    pub fn refuses_never_with_danger(&self) -> bool {
        self.version >= Version::of(138)
    }

    /// How the reviewing model is printed. Measured at 0.138.0 and 0.157.1.
    pub fn reviewer_name(&self) -> &'static str {
        if self.version < FOLDED { "guardian_subagent" } else { "auto_review" }
    }

    /// The words before an error in a layer.
    pub fn layer_error(&self, name: &str) -> String {
        if self.requirement_merge() == RequirementMerge::FirstSets {
            format!("Error parsing requirements file {name}: ")
        } else {
            format!("failed to parse requirements layer {name}: ")
        }
    }

    /// What a list of sandbox modes allows, in the words of an error.
    pub fn sandbox_policy_name(&self) -> &'static str {
        if self.requirement_merge() == RequirementMerge::FirstSets {
            "SandboxPolicy"
        } else {
            "PermissionProfile"
        }
    }

    /// The decisions that rules in requirements may have, in the words of an error. `prompt-user`
    /// is missing at 0.157.1 and there at 0.169.0.
    pub fn rule_decisions(&self) -> &'static str {
        if self.version < Version::of(158) {
            "'prompt' or 'forbidden'"
        } else {
            "'prompt', 'prompt-user', or 'forbidden'"
        }
    }

    /// Whether legacy `approvals_reviewer` is a requirement. Measured: not at 0.118.0, at 0.138.0.
    pub fn legacy_reviewer_counts(&self) -> bool {
        self.version >= Version::of(138)
    }

    /// Values of keys that had other choices in this version, in the order of its error texts.
    pub fn choices(&self) -> impl Iterator<Item = &'static Choices> {
        let version = self.version;
        CHOICES.iter().filter(move |choices| choices.from <= version && version < choices.until)
    }

    /// Values of configuration keys that had other choices in this version.
    pub fn config_choices(&self) -> impl Iterator<Item = &'static Choices> {
        let version = self.version;
        let lives = move |one: &&Choices| one.from <= version && version < one.until;
        CONFIG_CHOICES.iter().filter(lives)
    }

    /// Whether network patterns that cannot be hosts stop a session. Measured: not at 0.157.1.
    pub fn checks_host_syntax(&self) -> bool {
        self.version >= Version::of(158)
    }

    /// Whether a right to a path that requirements deny is refused, and a denied path with braces.
    /// Measured: not at 0.138.0, at 0.157.1.
    pub fn refuses_rights_below_denied(&self) -> bool {
        self.version >= Version::of(157)
    }

    /// Whether a session fails over a denied path whose folder is missing too. Measured: not at
    /// 0.138.0, in part at 0.157.1, at 0.169.0.
    pub fn bars_missing_folders(&self) -> bool {
        self.version >= Version::of(158)
    }

    /// Names at the top of a writable folder that stay read-only. Measured at 0.138.0, 0.157.1 and
    /// 0.169.0.
    pub fn kept_names(&self) -> &'static [&'static str] {
        if self.version < Version::of(158) {
            &[".git", ".agents", ".codex"]
        } else {
            &[".git", ".agents", ".aws", ".codex"]
        }
    }

    /// Whether a pattern of denied paths begins at its own folder; before, it was read as a line of
    /// an ignore file in the working folder. Measured: not at 0.157.1, at 0.169.0.
    pub fn globs_begin_at_their_folder(&self) -> bool {
        self.version >= Version::of(158)
    }

    /// How shell scripts are read. Measured at 0.138.0 and 0.157.1; the change came between them.
    pub fn shell_reading(&self) -> ShellReading {
        if self.version < FOLDED { ShellReading::AsWritten } else { ShellReading::Literal }
    }

    /// Whether `never` lets dangerous commands run where there is no sandbox. Measured: at 0.138.0,
    /// not at 0.157.1.
    pub fn trusts_outside_sandbox(&self) -> bool {
        self.version < FOLDED
    }

    /// Whether sessions of versions like this one were asked about commands.
    pub fn measured_on_commands(&self) -> bool {
        self.version >= Version::of(138)
    }

    /// Whether a granular approval policy without `sandbox_approval` refuses dangerous commands that
    /// no rule names. Measured: at 0.157.1; 0.169.0 asks about them all the same.
    pub fn refuses_danger_by_kind(&self) -> bool {
        self.version <= Version::patched(157, 1)
    }

    /// Whether rules of requirements survive a `.rules` file that cannot be read. Measured: not at
    /// 0.138.0, at 0.157.1.
    pub fn keeps_required_rules(&self) -> bool {
        self.version >= FOLDED
    }

    /// Whether `auto_review.ignore_rules` is known. Measured: not at 0.138.0, at 0.157.1.
    pub fn ignores_rules_of_models(&self) -> bool {
        self.version >= FOLDED
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
