//! XML property lists to trees, with the byte range of everything.
//!
//! Stricter than the readers of other projects on purpose: own entities, stray text and values
//! without a key are errors with a place, because macOS and the tools around it disagree on them.

use super::model::Limits;
use super::problem::{ByteRange, MdmProblem, ProblemKind, Refusal};
use super::tree::{Data, Entry, Node};
use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, Event};

/// Parses the text of an XML property list; `base` is where it begins in the document.
///
/// # Errors
///
/// The first problem that makes the whole document unreadable.
pub(super) fn parse(text: &str, base: usize, limits: &Limits) -> Result<Node, Refusal> {
    if let Some(at) = text.bytes().position(|byte| byte < 0x20 && !b"\t\n\r".contains(&byte)) {
        return Err(MdmProblem::error(
            ProblemKind::XmlSyntax,
            "a control character stands in the xml",
            "remove it: xml allows tab and line end only",
        )
        .at(base.saturating_add(at)..base.saturating_add(at).saturating_add(1))
        .into());
    }
    let mut builder = Builder::new(limits);
    let end_of_text = base.saturating_add(text.len());
    let mut reader = Reader::from_str(text);
    let mut start = base;
    loop {
        let event = reader.read_event();
        let end = usize::try_from(reader.buffer_position())
            .map_or(end_of_text, |read| read.saturating_add(base))
            .clamp(start, end_of_text);
        let range = start..end;
        start = end;
        let event = event.map_err(|error| syntax(&error.to_string(), range.clone()))?;
        if matches!(event, Event::Eof) {
            return builder.finish(end_of_text);
        }
        builder.event(&event, range)?;
    }
}

fn syntax(error: &str, range: ByteRange) -> Refusal {
    MdmProblem::error(
        ProblemKind::XmlSyntax,
        format!("the xml is not well-formed: {}", super::problem::shown(error)),
        "export the profile again, or correct the xml; `xmllint --noout FILE` shows more",
    )
    .at(range)
    .into()
}

fn structure(message: impl Into<String>, range: ByteRange) -> Refusal {
    MdmProblem::error(
        ProblemKind::PlistStructure,
        message,
        "a property list is one `<dict>` inside `<plist version=\"1.0\">`, each `<key>` followed \
         by its value",
    )
    .at(range)
    .into()
}

/// A leaf element that is open.
#[derive(Debug)]
struct Leaf {
    tag: &'static str,
    element_start: usize,
    content_start: usize,
    text: String,
}

/// A container that is open.
#[derive(Debug)]
struct Frame {
    start: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Dictionary { entries: Vec<Entry>, key: Option<(String, ByteRange)> },
    Array(Vec<Node>),
}

/// Where the reader is, seen from the `<plist>` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Before,
    Inside,
    After,
}

struct Builder<'a> {
    limits: &'a Limits,
    objects: usize,
    stage: Stage,
    stack: Vec<Frame>,
    leaf: Option<Leaf>,
    root: Option<Node>,
}

impl<'a> Builder<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self { limits, objects: 0, stage: Stage::Before, stack: Vec::new(), leaf: None, root: None }
    }

    fn event(&mut self, event: &Event<'_>, range: ByteRange) -> Result<(), Refusal> {
        match event {
            Event::Start(start) => {
                let name = start.name();
                self.open(name.as_ref(), range)
            }
            Event::Empty(start) => {
                let name = start.name();
                let end = range.end;
                self.open(name.as_ref(), range)?;
                self.close(name.as_ref(), end..end)
            }
            Event::End(end) => {
                let name = end.name();
                self.close(name.as_ref(), range)
            }
            Event::Text(text) => self.text(text, range),
            Event::CData(text) => self.text(text, range),
            Event::GeneralRef(reference) => self.reference(reference, range),
            Event::Decl(declaration) => check_encoding(declaration, range),
            Event::DocType(declaration) => check_doctype(declaration, range),
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, name: &str, range: ByteRange) -> Result<(), Refusal> {
        if let Some(leaf) = &self.leaf {
            let message = format!("an element stands inside `<{}>`", leaf.tag);
            return Err(structure(message, range));
        }
        if name == "plist" {
            if self.stage != Stage::Before {
                return Err(structure("a second `<plist>` element", range));
            }
            self.stage = Stage::Inside;
            return Ok(());
        }
        if self.stage != Stage::Inside {
            return Err(structure("an element stands outside of `<plist>`", range));
        }
        let Some(tag) = known_tag(name) else {
            let shown = super::problem::shown(name);
            return Err(structure(format!("`<{shown}>` is no element of property lists"), range));
        };
        self.count(&range)?;
        self.check_order(tag, &range)?;
        let content = match tag {
            "dict" => Content::Dictionary { entries: Vec::new(), key: None },
            "array" => Content::Array(Vec::new()),
            _ => {
                let ByteRange { start: element_start, end: content_start } = range;
                let text = String::new();
                self.leaf = Some(Leaf { tag, element_start, content_start, text });
                return Ok(());
            }
        };
        if self.stack.len() >= self.limits.max_depth {
            return Err(too_deep(self.limits.max_depth, range));
        }
        self.stack.push(Frame { start: range.start, content });
        Ok(())
    }

    fn count(&mut self, range: &ByteRange) -> Result<(), Refusal> {
        self.objects = self.objects.saturating_add(1);
        if self.objects > self.limits.max_objects {
            return Err(too_many(self.limits.max_objects, range.clone()));
        }
        Ok(())
    }

    /// Keys and values alternate in a dictionary, and keys stand nowhere else.
    fn check_order(&self, tag: &str, range: &ByteRange) -> Result<(), Refusal> {
        let message = match self.stack.last().map(|frame| &frame.content) {
            Some(Content::Dictionary { key: None, .. }) if tag != "key" => {
                "a value in a `<dict>` has no `<key>` before it"
            }
            Some(Content::Dictionary { key: Some(_), .. }) if tag == "key" => {
                "a `<key>` follows a `<key>`: the first one has no value"
            }
            Some(Content::Array(_)) | None if tag == "key" => "a `<key>` outside of a `<dict>`",
            None if self.root.is_some() => "a second value at the top of the property list",
            Some(Content::Dictionary { .. } | Content::Array(_)) | None => return Ok(()),
        };
        Err(structure(message, range.clone()))
    }

    fn text(&mut self, text: &str, range: ByteRange) -> Result<(), Refusal> {
        if let Some(leaf) = &mut self.leaf {
            leaf.text.push_str(text);
            return Ok(());
        }
        if text.chars().all(|character| matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{feff}'))
        {
            return Ok(());
        }
        Err(structure("text stands outside of a value", range))
    }

    fn reference(&mut self, name: &BytesRef<'_>, range: ByteRange) -> Result<(), Refusal> {
        let resolved = match name.resolve_char_ref() {
            Ok(Some(character)) => Some(character),
            Ok(None) => match &**name {
                "amp" => Some('&'),
                "lt" => Some('<'),
                "gt" => Some('>'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                _ => None,
            },
            Err(_) => None,
        };
        let Some(character) = resolved else {
            let shown = super::problem::shown(name);
            return Err(MdmProblem::error(
                ProblemKind::UnknownEntity,
                format!("the entity `&{shown};` is not defined"),
                "write the character itself; xml defines amp, lt, gt, quot and apos only",
            )
            .at(range)
            .into());
        };
        self.text(character.encode_utf8(&mut [0; 4]), range)
    }

    fn close(&mut self, name: &str, range: ByteRange) -> Result<(), Refusal> {
        if let Some(leaf) = self.leaf.take() {
            return self.close_leaf(leaf, range);
        }
        if name == "plist" {
            self.stage = Stage::After;
            let empty = self.root.is_none();
            let problem = || structure("the property list is empty", range);
            return if empty { Err(problem()) } else { Ok(()) };
        }
        let Some(Frame { start, content }) = self.stack.pop() else {
            return Err(structure("an element is closed that is not open", range));
        };
        let data = match content {
            Content::Dictionary { key: Some((key, key_range)), .. } => {
                let shown = super::problem::shown(&key);
                return Err(structure(format!("the key `{shown}` has no value"), key_range));
            }
            Content::Dictionary { entries, key: None } => Data::Dictionary(entries),
            Content::Array(items) => Data::Array(items),
        };
        self.put(Node { range: start..range.end, data });
        Ok(())
    }

    fn close_leaf(&mut self, leaf: Leaf, range: ByteRange) -> Result<(), Refusal> {
        let Leaf { tag, element_start, content_start, text } = leaf;
        let content = content_start..range.start.max(content_start);
        if tag == "key" {
            if let Some(Frame { content: Content::Dictionary { key, .. }, .. }) =
                self.stack.last_mut()
            {
                *key = Some((text, content));
            }
            return Ok(());
        }
        if let Some(message) = leaf_fault(tag, text.trim()) {
            return Err(structure(message, element_start..range.end));
        }
        let data = match tag {
            "string" => Data::String(text),
            "date" => Data::Date(text.trim().to_owned()),
            "integer" => text.trim().parse().map_or(Data::Other(tag), Data::Integer),
            _ => Data::Other(tag),
        };
        let inside = matches!(data, Data::String(_));
        let place = if inside { content } else { element_start..range.end };
        self.put(Node { range: place, data });
        Ok(())
    }

    fn put(&mut self, value: Node) {
        match self.stack.last_mut().map(|frame| &mut frame.content) {
            Some(Content::Dictionary { entries, key }) => {
                if let Some((key, key_range)) = key.take() {
                    entries.push(Entry { key, key_range, value });
                }
            }
            Some(Content::Array(items)) => items.push(value),
            None => self.root = Some(value),
        }
    }

    fn finish(self, length: usize) -> Result<Node, Refusal> {
        let open = self
            .leaf
            .map(|leaf| (leaf.tag, leaf.element_start..length))
            .or_else(|| self.stack.last().map(|frame| ("container", frame.start..length)));
        if let Some((name, range)) = open {
            return Err(syntax(&format!("the file ends inside of a {name}"), range));
        }
        match (self.stage, self.root) {
            (Stage::After, Some(root)) => Ok(root),
            (Stage::Inside, _) => Err(syntax("the file ends before `</plist>`", length..length)),
            (Stage::Before | Stage::After, _) => {
                Err(structure("there is no `<plist>` element", 0..length))
            }
        }
    }
}

fn known_tag(name: &str) -> Option<&'static str> {
    const TAGS: [&str; 10] =
        ["dict", "array", "key", "string", "data", "date", "integer", "real", "true", "false"];
    TAGS.into_iter().find(|tag| *tag == name)
}

/// Says what is wrong with the text of a leaf that must have a form.
fn leaf_fault(tag: &str, text: &str) -> Option<String> {
    let good = match tag {
        "true" | "false" => text.is_empty(),
        "integer" => match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).is_ok(),
            None => text.parse::<i128>().is_ok(),
        },
        "real" => text.parse::<f64>().is_ok(),
        "data" => {
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/= \t\r\n".contains(&byte))
        }
        _ => true,
    };
    (!good).then(|| format!("the text of this `<{tag}>` is not a {tag}"))
}

fn check_encoding(declaration: &BytesDecl<'_>, range: ByteRange) -> Result<(), Refusal> {
    let name = match declaration.encoding() {
        None => return Ok(()),
        Some(Ok(name)) => name.to_string(),
        Some(Err(error)) => return Err(syntax(&error.to_string(), range)),
    };
    if ["utf-8", "utf8", "us-ascii", "ascii"].contains(&name.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    let shown = super::problem::shown(&name);
    Err(MdmProblem::error(
        ProblemKind::DeclaredEncoding,
        format!("the xml declares the encoding `{shown}`"),
        "save the file as UTF-8 and write `encoding=\"UTF-8\"`",
    )
    .at(range)
    .into())
}

/// Refuses own entities: they can expand without bound, and readers differ on them.
fn check_doctype(declaration: &str, range: ByteRange) -> Result<(), Refusal> {
    if !declaration.contains('[') {
        return Ok(());
    }
    Err(MdmProblem::error(
        ProblemKind::EntityDeclaration,
        "the document type declares entities of its own",
        "write `<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">` with nothing in brackets",
    )
    .at(range)
    .into())
}

pub(super) fn too_deep(limit: usize, range: ByteRange) -> Refusal {
    MdmProblem::error(
        ProblemKind::TooDeep,
        format!("dictionaries and arrays are nested more than {limit} deep"),
        "a profile needs about eight levels: check what generated this file",
    )
    .at(range)
    .into()
}

pub(super) fn too_many(limit: usize, range: ByteRange) -> Refusal {
    MdmProblem::error(
        ProblemKind::TooManyObjects,
        format!("the property list has more than {limit} values or expands too far"),
        "deliver the Codex preferences in a profile of their own",
    )
    .at(range)
    .into()
}
