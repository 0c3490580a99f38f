//! What is in force on a machine, and why: one record per setting, with every voice that had a
//! say in it. This is data; `render` shows it.

mod advice;
mod channels;
mod outcome;
mod problems;
mod setting;
mod subjects;

use codex_schema::path::WrittenPath;
use codex_schema::source::{Channel, ConfigTier};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;
pub(crate) use setting::place_in;

use crate::evaluate::Evaluation;
use crate::origins::Origin;

/// The version of this document's form.
pub const FORM: &str = "codex-config/explain/1";

/// Everything that `explain` knows.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// The form of this document: `codex-config/explain/1`.
    pub schema: &'static str,
    /// The Codex whose behaviour is told.
    pub codex: CodexInfo,
    /// The machine.
    pub machine: MachineInfo,
    /// Where policy came from, and whether Codex accepts it.
    pub policy: PolicyInfo,
    /// One record per setting, by key.
    pub settings: Vec<Setting>,
    /// Mistakes and cautions that are about no single setting.
    pub problems: Vec<Problem>,
    /// Whether something could not be read, so that this may not be the whole truth.
    pub partial: bool,
}

/// The Codex whose behaviour is told.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CodexInfo {
    /// Its version.
    pub version: String,
    /// How the version is known.
    pub how: VersionOrigin,
}

/// How the version is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionOrigin {
    /// The newest one this program knows.
    Newest,
    /// Named on the command line.
    Given,
    /// Told by the installed program.
    Asked,
}

/// The machine.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct MachineInfo {
    /// Host name.
    pub hostname: String,
    /// Operating system.
    pub os: String,
    /// Working folder.
    pub cwd: String,
    /// `CODEX_HOME`.
    pub codex_home: String,
}

/// Where policy came from, and whether Codex accepts it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PolicyInfo {
    /// The channels, highest first.
    pub channels: Vec<ChannelInfo>,
    /// Why Codex refuses, in its words; the first is what it says. Empty when it runs.
    pub refusals: Vec<RefusalInfo>,
}

/// One channel of requirements.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChannelInfo {
    /// `mdm`, `legacy_mdm`, `legacy_file`, `cloud` or `system`.
    pub kind: String,
    /// What is known of it.
    pub state: ChannelState,
    /// Its documents, highest first.
    pub documents: Vec<String>,
    /// What a reader must know about it.
    pub note: Option<String>,
}

/// What is known of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// It speaks.
    Present,
    /// It says nothing.
    Absent,
    /// It is there and cannot be used.
    Broken,
    /// It is a copy that the user can rewrite: not to be trusted.
    UserWritable,
}

/// Why Codex refuses.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RefusalInfo {
    /// `syntax`, `start` or `session`: how far Codex gets.
    pub stage: String,
    /// Its words.
    pub says: String,
    /// Where the cause stands.
    pub place: Option<Place>,
}

/// A place in a document; line and column count from 1, the column in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// The document, by the name the machine knows it under.
    pub document: String,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
    /// The line itself, redacted where it holds a secret.
    pub text: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.document.starts_with("argument ") {
            return formatter.write_str(&self.document);
        }
        write!(formatter, "{}:{}:{}", self.document, self.line, self.column)
    }
}

/// One setting and everyone who had a say in it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Setting {
    /// Dotted key as TOML writes it: of the configuration, or of the requirements where nothing
    /// in the configuration corresponds to it.
    pub key: String,
    /// The names that lead to it.
    #[serde(skip)]
    pub(crate) path: Vec<String>,
    /// One sentence about it.
    pub about: String,
    /// What a session runs with; absent where nobody says anything and there is no default.
    pub effective: Option<Json>,
    /// What the configuration asks for, where anybody asks.
    pub wanted: Option<Json>,
    /// What Codex uses where nobody asks.
    pub default: Option<Json>,
    /// How the effective value came about.
    pub status: Status,
    /// Whether a requirement holds it: changing the configuration cannot change it freely.
    pub locked: bool,
    /// The requirement that changed the value, where it is another key than this one's own list.
    pub locked_by: Option<Lock>,
    /// What requirements allow, where they list it.
    pub allowed: Option<Json>,
    /// Whether the values are redacted.
    pub sensitive: bool,
    /// All configuration layers that say something, highest first.
    pub candidates: Vec<Candidate>,
    /// All requirement layers that say something, highest first.
    pub requirements: Vec<Voice>,
    /// What Codex tells the user about it, where it does.
    pub codex_says: Option<String>,
    /// What the user can do.
    pub actions: Vec<String>,
}

/// The requirement that changed a value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Lock {
    /// Its key.
    pub key: String,
    /// Where it stands.
    pub place: Option<Place>,
}

/// How an effective value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Built in.
    Default,
    /// As asked.
    AsWanted,
    /// Another value than asked: the asked one is not allowed.
    Clamped,
    /// The built-in value is not allowed, and nobody asked for another.
    DefaultReplaced,
    /// Fixed by a requirement, whatever was asked.
    Fixed,
    /// Policy of its own.
    Policy,
    /// Read by other clients; Codex's server ignores it.
    Hint,
    /// Not allowed to run.
    Disabled,
    /// Only in layers that are not loaded.
    NotLoaded,
}

/// What a configuration layer says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Candidate {
    /// The layer's rank.
    pub layer: String,
    /// Its value.
    pub value: Json,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it did not win.
    pub reason: Option<Reason>,
    /// Where it stands.
    pub place: Option<Place>,
    /// Where it came from in the policy repository, as far as the machine knows.
    pub origins: Vec<Origin>,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is in force.
    Won,
    /// A higher layer says something else.
    Lost,
    /// It won, and a requirement changed it.
    Clamped,
    /// It is part of a value that several layers make up.
    Merged,
    /// Its layer is not loaded.
    NotLoaded,
}

/// Why a value did not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A higher layer has the key.
    LowerPrecedence,
    /// The project's folder is not trusted.
    Untrusted,
    /// A project may not set this key.
    NotForProjects,
    /// Requirements do not allow it.
    NotAllowed,
    /// Requirements fix another value.
    FixedByRequirement,
    /// With a list of allowed permission profiles Codex ignores this key.
    IgnoredWithProfiles,
}

/// What a requirement layer says.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Voice {
    /// The channel.
    pub channel: String,
    /// The document.
    pub document: String,
    /// The requirement's key.
    pub key: String,
    /// Its value.
    pub value: Json,
    /// What became of it.
    pub outcome: Outcome,
    /// Where it stands.
    pub place: Option<Place>,
    /// Where it came from in the policy repository, as far as the machine knows.
    pub origins: Vec<Origin>,
}

/// A mistake or a caution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to do.
    pub help: Option<String>,
    /// What Codex makes of it.
    pub effect: Option<String>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something does not do what its author wants.
    Error,
    /// Something to know.
    Caution,
}

/// The rank of a configuration layer in words.
pub fn tier_name(tier: ConfigTier) -> &'static str {
    match tier {
        ConfigTier::System => "system",
        ConfigTier::Cloud => "cloud config",
        ConfigTier::User => "user",
        ConfigTier::Profile => "profile",
        ConfigTier::Project => "project",
        ConfigTier::CommandLine => "command line",
        ConfigTier::LegacyFile => "managed_config.toml",
        ConfigTier::LegacyMdm => "MDM (legacy)",
    }
}

/// A channel in words.
pub fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::System => "system",
        Channel::Cloud => "cloud",
        Channel::LegacyFile => "legacy file",
        Channel::LegacyMdm => "legacy MDM",
        Channel::Mdm => "MDM",
    }
}

/// Explains everything that anybody says something about, and with `all` also what nobody touched.
pub fn explain(evaluation: &Evaluation, how: VersionOrigin, scope: Scope<'_>) -> Explanation {
    let machine = &evaluation.machine;
    let policy = channels::policy(evaluation);
    Explanation {
        schema: FORM,
        codex: CodexInfo { version: machine.version.to_string(), how },
        machine: MachineInfo {
            hostname: machine.hostname.clone(),
            os: format!("{:?}", machine.os).to_lowercase(),
            cwd: machine.cwd.clone(),
            codex_home: machine.codex_home.clone(),
        },
        settings: setting::settings(evaluation, scope),
        problems: problems::of(evaluation),
        partial: !evaluation.gathered.broken.is_empty() || !policy.refusals.is_empty(),
        policy,
    }
}

/// One setting alone, by a key as people write it; `None` where no key of this name is known.
pub(crate) fn setting(evaluation: &Evaluation, key: &str) -> Option<Setting> {
    let asked = WrittenPath::new(key);
    let found = setting::settings(evaluation, Scope::Key(key));
    found.into_iter().find(|one| asked.is(&one.path))
}

/// Which settings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'key> {
    /// What somebody says something about.
    Said,
    /// Every key of the table.
    All,
    /// One key and what stands below it.
    Key(&'key str),
}
