//! Holds a document against the key table the way Codex does when it reads it, but reports every
//! mistake instead of the first.

use crate::de::TypeProblem;
use crate::key::{Key, TableCheck, Unknown};
use crate::lookup::{Spot, Tree};
use crate::span::{Sourced, Span};
use crate::value::{Entry, Node, Table, Value};
use crate::version::Version;

/// What holding a document against the table found.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// Values Codex refuses, in the order of the file: it stops at the first.
    pub refused: Vec<TypeProblem>,
    /// Names no row of this version knows.
    pub unknown: Vec<UnknownKey>,
    /// Keys written under a former or second name.
    pub renamed: Vec<RenamedKey>,
}

/// A name that Codex does not know.
#[derive(Clone, Debug)]
pub struct UnknownKey {
    /// Its dotted path.
    pub path: Vec<String>,
    /// Where the name stands.
    pub span: Span,
    /// What Codex does with it.
    pub fate: Unknown,
    /// The row of a newer or older version that knows it.
    pub row: Option<&'static Key>,
    /// The known name it is closest to.
    pub meant: Option<&'static str>,
}

/// A key under a name that is not its own.
#[derive(Clone, Debug)]
pub struct RenamedKey {
    /// The path as written.
    pub path: Vec<String>,
    /// Where the name stands.
    pub span: Span,
    /// The path it stands for.
    pub stands_for: &'static str,
}

/// Inspects a document.
pub fn inspect(root: &Table, tree: &Tree, version: Version) -> Inspection {
    let mut walk = Walk { version, path: Vec::new(), named: None, found: Inspection::default() };
    walk.table(root, tree.root(), None);
    walk.found
}

struct Walk {
    version: Version,
    path: Vec<String>,
    /// How much of the path serde still names, once it has begun to buffer.
    named: Option<usize>,
    found: Inspection,
}

impl Walk {
    fn refuse(&mut self, message: impl Into<String>, span: Option<Span>) {
        let keys = self.named_path().to_vec();
        self.found.refused.push(TypeProblem { message: message.into(), keys, span });
    }

    fn named_path(&self) -> &[String] {
        self.named.and_then(|length| self.path.get(..length)).unwrap_or(&self.path)
    }

    /// `whole` is the place of the table itself, `None` for the document.
    fn table(&mut self, table: &Table, spot: &Spot, whole: Option<Span>) {
        let outer = self.named;
        let before = self.found.refused.len();
        let mut seen: Vec<&str> = Vec::new();
        let buffered = spot.section.filter(|section| section.buffered);
        if let Some(section) = buffered {
            let direct = table.iter().filter(|entry| section.reads_directly(&entry.key.value));
            for entry in direct {
                self.entry(entry, spot, &mut seen);
            }
            self.named = outer.or(Some(self.path.len()));
        }
        for entry in table {
            if buffered.is_none_or(|section| !section.reads_directly(&entry.key.value)) {
                self.entry(entry, spot, &mut seen);
            }
        }
        for required in spot.section.map_or(&[][..], |section| section.required) {
            if table.get(required).is_none() {
                self.refuse(format!("missing field `{required}`"), whole);
            }
        }
        if self.found.refused.len() == before
            && let Some(Err(problem)) = spot.section.map(|section| (section.check)(table))
        {
            self.refuse(problem.message, problem.span.or(whole));
        }
        self.named = outer;
    }

    fn entry<'table>(&mut self, entry: &'table Entry, spot: &Spot, seen: &mut Vec<&'table str>) {
        let name = &*entry.key.value;
        let known = spot.child(name).filter(|child| child.known_to(self.version));
        let Some(child) = known else {
            self.unknown(entry, spot, spot.child(name));
            return;
        };
        let own = child.alias_of().and_then(|path| path.rsplit('.').next()).unwrap_or(name);
        self.alias(entry, child);
        if seen.contains(&own) {
            let field = spot.child(own).and_then(|child| child.section).map(|row| row.field);
            let field = field.filter(|field| !field.is_empty()).unwrap_or(own);
            self.refuse(format!("duplicate field `{field}`"), Some(entry.key.span));
        }
        if !spot.is_map() {
            seen.push(own);
        }
        self.path.push(name.to_owned());
        match child.section.and_then(|section| section.nested) {
            Some(first) => self.nested(&entry.node, child, first),
            None => self.value(&entry.node, child),
        }
        self.path.pop();
    }

    /// A table that Codex reads as a document of its own.
    fn nested(&mut self, node: &Node, spot: &Spot, first: TableCheck) {
        if let Some(Err(problem)) = node.value.as_table().map(first) {
            self.refuse(problem.message, Some(node.span));
            return;
        }
        if !matches!(node.value, Value::Table(_)) {
            let message = format!("invalid type: {}, expected a map", unexpected(&node.value));
            self.refuse(message, Some(node.span));
            return;
        }
        let version = self.version;
        let mut inner =
            Self { version, path: Vec::new(), named: None, found: Inspection::default() };
        inner.value(node, spot);
        for problem in inner.found.refused {
            self.refuse(problem.as_codex_prints(), problem.span);
        }
        for mut unknown in inner.found.unknown {
            unknown.path.splice(0..0, self.path.iter().cloned());
            self.found.unknown.push(unknown);
        }
        self.found.renamed.extend(inner.found.renamed);
    }

    fn alias(&mut self, entry: &Entry, child: &Spot) {
        if let Some(stands_for) = child.alias_of() {
            let mut path = self.path.clone();
            path.push(entry.key.value.to_string());
            self.found.renamed.push(RenamedKey { path, span: entry.key.span, stands_for });
        }
    }

    fn unknown(&mut self, entry: &Entry, parent: &Spot, other_version: Option<&Spot>) {
        let fate = parent.section.map_or(Unknown::Ignored, |section| section.unknown);
        let name = &*entry.key.value;
        if fate == Unknown::Refused {
            let mut fields: Vec<String> = parent
                .fields()
                .filter(|(_, spot)| spot.known_to(self.version))
                .map(|(field, _)| format!("`{field}`"))
                .collect();
            let list = match fields.len() {
                0 => "there are no fields".to_owned(),
                1 => format!("expected {}", fields.remove(0)),
                2 => format!("expected {}", fields.join(" or ")),
                _ => format!("expected one of {}", fields.join(", ")),
            };
            self.refuse(format!("unknown field `{name}`, {list}"), Some(entry.key.span));
            return;
        }
        let mut path = self.path.clone();
        path.push(name.to_owned());
        self.found.unknown.push(UnknownKey {
            path,
            span: entry.key.span,
            fate,
            row: other_version.and_then(|spot| spot.key),
            meant: parent.closest(name),
        });
    }

    fn value(&mut self, node: &Node, spot: &Spot) {
        if let Some(key) = spot.key {
            self.leaf(node, key);
            return;
        }
        match &node.value {
            Value::Table(table) => self.table(table, spot, Some(node.span)),
            Value::Array(elements) if takes_lists(spot) => self.positional(node, elements, spot),
            other => {
                let expected = spot.section.map_or("a map", |section| section.expecting);
                let message = format!("invalid type: {}, expected {expected}", unexpected(other));
                self.refuse(message, Some(node.span));
            }
        }
    }

    fn leaf(&mut self, node: &Node, key: &Key) {
        let verdict = key.ty.check(node);
        if self.named.is_some() {
            // The buffer is stricter about enums written as tables, and has words of its own.
            let compound = matches!(node.value, Value::Array(_) | Value::Table(_));
            if (compound || verdict.is_err())
                && let Err(words) = key.ty.buffered(node)
            {
                let span = verdict.err().and_then(|problem| problem.span);
                self.refuse(words.message, span.or(Some(node.span)));
            }
            return;
        }
        let Err(problem) = verdict else { return };
        let span = problem.span.or(Some(node.span));
        let mut keys = self.path.clone();
        keys.extend(problem.keys);
        let mut message = problem.message;
        if key.path == "model_providers.*.auth.cwd" {
            // Found while the layer's paths are made absolute, not while it is read.
            message = format!("{}: {message}", keys.join("."));
            keys.clear();
        }
        self.found.refused.push(TypeProblem { message, keys, span });
    }

    /// A struct table written as the list of its fields: a quirk of serde that Codex inherits.
    fn positional(&mut self, node: &Node, elements: &[Node], spot: &Spot) {
        let hidden = spot.section.map_or(&[][..], |section| section.hidden);
        let fields: Vec<(&str, Option<&Spot>)> = spot
            .fields()
            .filter(|(_, field)| field.known_to(self.version))
            .map(|(name, field)| (name, Some(field)))
            .chain(hidden.iter().map(|name| (*name, None)))
            .collect();
        let before = self.found.refused.len();
        for (element, (_, field)) in elements.iter().zip(&fields) {
            if let Some(field) = field {
                self.value(element, field);
            }
        }
        let expected = spot.section.map_or("a map", |section| section.expecting);
        let defaulted = spot.section.map_or(&[][..], |section| section.defaulted);
        let missing = fields
            .iter()
            .enumerate()
            .skip(elements.len())
            .find(|(_, (name, _))| !defaulted.contains(name));
        if elements.len() > fields.len() {
            let length = elements.len();
            let message = format!("invalid length {length}, expected fewer elements in array");
            self.refuse(message, Some(node.span));
        } else if let Some((index, _)) = missing {
            let count = fields.len();
            let plural = if count == 1 { "" } else { "s" };
            let message =
                format!("invalid length {index}, expected {expected} with {count} element{plural}");
            self.refuse(message, Some(node.span));
        }
        if self.found.refused.len() == before
            && let Some(section) = spot.section
        {
            let mut table = Table::default();
            for ((name, _), element) in fields.iter().zip(elements) {
                table
                    .insert(Sourced { value: (*name).into(), span: element.span }, element.clone());
            }
            if let Err(problem) = (section.check)(&table) {
                self.refuse(problem.message, problem.span.or(Some(node.span)));
            }
        }
    }
}

/// Whether a table may be written as the list of its fields: not where its names are free or where
/// serde buffers it.
pub fn takes_lists(spot: &Spot) -> bool {
    !spot.is_map() && spot.section.is_none_or(|section| !section.buffered)
}

/// A value in serde's words for something unexpected.
pub fn unexpected(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Datetime(text) => format!("string {text:?}"),
        Value::Integer(number) => format!("integer `{number}`"),
        Value::Float(number) => {
            let digits = number.to_string();
            let point = if digits.contains(['.', 'e', 'n', 'i']) { "" } else { ".0" };
            format!("floating point `{digits}{point}`")
        }
        Value::Boolean(flag) => format!("boolean `{flag}`"),
        Value::Array(_) => "sequence".to_owned(),
        Value::Table(_) => "map".to_owned(),
    }
}
