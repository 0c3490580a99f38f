//! The row of the key table: everything known about one key of Codex's policy or configuration.
//!
//! A row states facts about the real Codex. What a customer may loosen is not here, and neither
//! are rules that span keys.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::de::{TypeProblem, from_buffered_node, from_node};
use crate::value::{Node, Table};
use crate::version::Version;

/// One key. `path` is dotted; `*` stands for any key of a map (`features.*`).
///
/// The rows of one parent are written in the order in which Codex's own struct has the fields:
/// Codex accepts a table written as a list of its fields in that order.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Dotted path, unique in its table: the deepest level that Codex treats as one value.
    pub path: &'static str,
    /// What the value may be.
    pub ty: Ty,
    /// How Codex combines values of several layers.
    pub merge: Merge,
    /// Which way is stricter.
    pub tighter: Tighter,
    /// Where no value at all stands in that order.
    pub unset: Unset,
    /// First version that knows the key; [`Version::of`]`(0)` where it is older than our matrix.
    pub since: Version,
    /// First version that no longer knows it.
    pub until: Option<Version>,
    /// Which channels Codex honours it from.
    pub channels: Channels,
    /// What the value does to a user's configuration.
    pub effect: Effect,
    /// How Codex reads the text.
    pub text: Text,
    /// Whether the order in which the entries of a map are written means anything.
    pub order: Order,
    /// Former or other names, as full dotted paths.
    pub was: &'static [&'static str],
    /// Whether the value must never be printed.
    pub secret: Secret,
    /// What the compiler fills in.
    pub placeholder: Placeholder,
    /// One plain sentence: what the key does. No full stop needed by renderers: they print it as is.
    pub doc: &'static str,
    /// A TOML value that parses, validates and survives emitting.
    pub example: &'static str,
    /// What Codex uses where nobody sets a configuration key, as a TOML value; empty where there
    /// is nothing or where it is not shown.
    pub default: &'static str,
}

/// The defaults of a row; a row states only what is unusual.
pub const KEY: Key = Key {
    path: "",
    ty: Ty::of::<serde_json::Value>(),
    merge: Merge::Replace,
    tighter: Tighter::Fixed,
    unset: Unset::Loosest,
    since: Version::of(0),
    until: None,
    channels: Channels::All,
    effect: Effect::None,
    text: Text::Plain,
    order: Order::AsWritten,
    was: &[],
    secret: Secret::No,
    placeholder: Placeholder::None,
    doc: "",
    example: "",
    default: "",
};

/// What the compiler puts into the text of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// Nothing: the text is as it was written.
    None,
    /// The policy's name where the text says `{policy}`: what Codex reports names its policy then.
    Policy,
}

/// A table on the way to keys: what Codex expects there and what it does with names it does not
/// know. Written only where it differs from an ordinary struct table.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// Dotted path; the empty path is the document.
    pub path: &'static str,
    /// What serde says it expected when the value is not a table, such as `struct FeedbackToml`
    /// or `a map`.
    pub expecting: &'static str,
    /// What happens to a name that no row knows.
    pub unknown: Unknown,
    /// Fields that must be there, with the text serde uses for them.
    pub required: &'static [&'static str],
    /// First version that knows the table; its keys may be younger.
    pub since: Version,
    /// Former or second names, as full dotted paths.
    pub was: &'static [&'static str],
    /// First version that knows the second names.
    pub was_since: Version,
    /// serde's own name of the field, where it is not the last part of the path: it stands in
    /// `duplicate field` messages.
    pub field: &'static str,
    /// Whether serde reads the table into a buffer first (flattened, untagged): its messages then
    /// stop naming the path here, and wrong enums are described in other words.
    pub buffered: bool,
    /// Fields of a buffered table that serde reads directly, and before everything else in it.
    pub direct: &'static [&'static str],
    /// The only fields of a buffered table that go through the buffer, where they are few: all
    /// others are direct.
    pub flattened: &'static [&'static str],
    /// Fields with a default of their own: only these may be left out at the end of a table
    /// written as a list of its fields.
    pub defaulted: &'static [&'static str],
    /// Further fields, known only to be refused.
    pub hidden: &'static [&'static str],
    /// Whether Codex reads the table as a document of its own: a message then shows the path
    /// inside the table, and below it the path to the table. The check comes first.
    pub nested: Option<TableCheck>,
    /// What Codex checks when all fields of the table are read.
    pub check: TableCheck,
}

impl Section {
    /// Whether serde reads a field of this buffered table directly.
    pub fn reads_directly(&self, field: &str) -> bool {
        let few = !self.flattened.is_empty();
        self.direct.contains(&field) || few && !self.flattened.contains(&field)
    }
}

/// A check of a whole table; its error bears no path.
pub type TableCheck = fn(&Table) -> Result<(), TypeProblem>;

/// The defaults of a section row.
pub const SECTION: Section = Section {
    path: "",
    expecting: "a map",
    unknown: Unknown::Ignored,
    required: &[],
    since: Version::of(0),
    was: &[],
    was_since: Version::of(0),
    field: "",
    buffered: false,
    direct: &[],
    flattened: &[],
    defaulted: &[],
    hidden: &[],
    nested: None,
    check: |_| Ok(()),
};

/// What Codex does with a name it does not know in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Ignores it, and names it in a start-up warning.
    Ignored,
    /// Ignores it without any message.
    Silent,
    /// Refuses the whole file.
    Refused,
}

/// How Codex combines the values that several layers give to a key. A fact, never our taste.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// Tables key by key, anything else: the highest layer that has it wins whole.
    Replace,
    /// The highest layer that has it wins whole, even where the value is a table.
    Whole,
    /// Lists are concatenated, the highest layer first.
    Append,
    /// Lists are united without repetitions, the highest layer first.
    Union,
    /// Layers must say the same, else nothing starts.
    MustAgree,
    /// Used up inside its own layer.
    Consumed,
}

/// Which way of changing a value makes a policy stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tighter {
    /// Values cannot be compared.
    Fixed,
    /// Fewer elements are stricter: a list of what is allowed.
    Subset,
    /// More elements are stricter: a list of what is denied.
    Superset,
    /// `true` is stricter.
    True,
    /// `false` is stricter.
    False,
    /// A smaller number is stricter.
    Lower,
    /// From strict to loose.
    Order(&'static [&'static str]),
}

/// Where "nobody said anything" stands in a key's order of strictness. It decides whether a value
/// where there was none restricts or permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unset {
    /// Nothing is restricted: every value is at least as strict.
    Loosest,
    /// Codex's own default is the strictest value: every other value permits something.
    Strictest,
    /// Between the ends of [`Tighter::Order`]: the strict end restricts, the loose one permits.
    Between,
    /// The map is a list of what is allowed. Without the map everything is; with it, an entry that
    /// is not in it is refused. The number of path parts up to the map.
    Listed(usize),
}

/// The channels Codex honours a key from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Every channel.
    All,
    /// Only channels on the machine itself; dropped without a word from cloud fragments.
    Local,
    /// Only channels on the machine itself; a cloud fragment that has it makes the bundle invalid.
    LocalOrRefused,
}

/// What a requirement does to the configuration below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that the configuration shows.
    None,
    /// Only the listed values are allowed for this configuration key.
    Constrains(&'static str),
    /// Replaces this configuration key's value; writing it is refused.
    Fixes(&'static str),
    /// Pins entries of this configuration map.
    Pins(&'static str),
    /// Lists what of this configuration map may be used.
    Allows(&'static str),
    /// Adds policy of its own.
    Adds,
    /// Read by other clients only; Codex's own server ignores it.
    Hints,
}

/// How Codex reads a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// As it stands.
    Plain,
    /// A path: `~/` is expanded, relative ones start at the layer's own folder.
    Path,
    /// A list of paths or globs.
    Paths,
}

/// What the order of a map's entries means to people and to Codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is kept: the author may mean something by it.
    AsWritten,
    /// Nothing: every entry is looked up by its name, and the strictest or only match decides.
    Free,
}

/// Whether a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// It may.
    No,
    /// It is redacted in every output.
    Yes,
}

/// A Rust type, erased to what the table needs of it.
#[derive(Clone, Copy)]
pub struct Ty {
    name: fn() -> &'static str,
    check: fn(&Node) -> Result<(), TypeProblem>,
    canonical: fn(&Node) -> Result<serde_json::Value, TypeProblem>,
    buffered: fn(&Node) -> Result<(), TypeProblem>,
    schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl Ty {
    /// Erases a type. Its `Deserialize` says what Codex accepts and with which words it refuses;
    /// its `Serialize` says how Codex prints it.
    pub const fn of<T: DeserializeOwned + Serialize + schemars::JsonSchema>() -> Self {
        Self {
            name: std::any::type_name::<T>,
            check: |node| from_node::<T>(node).map(drop),
            canonical: |node| {
                let value: T = from_node(node)?;
                serde_json::to_value(value).map_err(|error| TypeProblem::at(node, &error))
            },
            buffered: |node| from_buffered_node::<T>(node),
            schema: |generator| generator.subschema_for::<T>(),
        }
    }

    /// Whether Codex accepts a value.
    ///
    /// # Errors
    /// The words Codex uses for a value of another type, with the exact place.
    pub fn check(&self, node: &Node) -> Result<(), TypeProblem> {
        (self.check)(node)
    }

    /// Reads a value as serde does below a flattened or untagged table: the verdict is that of
    /// [`Ty::canonical`], the words are those of serde's buffer.
    ///
    /// # Errors
    /// The words Codex uses there; the place is the whole value.
    pub fn buffered(&self, node: &Node) -> Result<(), TypeProblem> {
        (self.buffered)(node)
    }

    /// Reads a value as this type and gives it back as Codex would print it.
    ///
    /// # Errors
    /// The words Codex uses for a value of another type, with the exact place.
    pub fn canonical(&self, node: &Node) -> Result<serde_json::Value, TypeProblem> {
        (self.canonical)(node)
    }

    /// The JSON Schema of the type.
    pub fn schema(&self, generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        (self.schema)(generator)
    }
}

impl std::fmt::Debug for Ty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str((self.name)())
    }
}
