//! A script taken apart.

use tree_sitter::{Node, Parser, Tree};

use super::ShellReading;
use super::opaque::{self, Finding};

/// Bytes that the scripts of one question may have together, nested ones counted again. Reading a
/// script that is not valid takes time that grows with the square of its length: 1 s for 8 KiB in
/// the worst of 1,000 random ones, 60 s for 120 KiB.
#[derive(Debug)]
pub(crate) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(48 << 10)
    }
}

/// Bytes of one script.
const LONGEST: usize = 12 << 10;

/// Pipes that a script may have: the parser's memory for what precedes a mistake grows with the
/// square of their number, to 700 MB for 8,000.
const PIPES: usize = 1_000;

/// What Codex sees in a script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The plain commands it is made of, at least one; or why it is opaque.
    pub(crate) plain: Result<Vec<Vec<String>>, String>,
    /// The literal words of every command in it, however deep, in the order in which Codex looks
    /// at them; nothing where the script is not valid.
    pub(crate) literal: Vec<Vec<String>>,
    /// The one command that a here-document is fed to.
    pub(crate) heredoc: Option<Vec<String>>,
    /// Whether it was too much to be read.
    pub(crate) unread: bool,
    /// Its length.
    pub(crate) bytes: usize,
}

impl Script {
    fn opaque(reason: String, bytes: usize) -> Self {
        Self { plain: Err(reason), literal: Vec::new(), heredoc: None, unread: false, bytes }
    }
}

/// Takes a script apart.
pub(crate) fn read(script: &str, reading: ShellReading, budget: &mut Budget) -> Script {
    let Some(tree) = parse(script, budget) else {
        let whole =
            Script::opaque("it is more than this program takes apart".to_owned(), script.len());
        return Script { unread: true, ..whole };
    };
    let root = tree.root_node();
    let reader = Reader { text: script, reading };
    if root.has_error() {
        return Script::opaque(opaque::of_error(root, script), script.len());
    }
    Script {
        plain: reader.plain(root),
        literal: reader.literal(root),
        heredoc: reader.heredoc(root),
        unread: false,
        bytes: script.len(),
    }
}

fn parse(script: &str, budget: &mut Budget) -> Option<Tree> {
    let pipes = script.bytes().filter(|byte| *byte == b'|').count();
    if script.len() > LONGEST || pipes > PIPES {
        return None;
    }
    budget.0 = budget.0.checked_sub(script.len())?;
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    parser.parse(script, None)
}

/// The named nodes of a script that falls apart.
const PLAIN: &[&str] = &[
    "program",
    "list",
    "pipeline",
    "command",
    "command_name",
    "word",
    "string",
    "string_content",
    "raw_string",
    "number",
    "concatenation",
];

/// The tokens of such a script.
const TOKENS: &[&str] = &["&&", "||", ";", "|", "\"", "'"];

struct Reader<'text> {
    text: &'text str,
    reading: ShellReading,
}

impl<'text> Reader<'text> {
    fn text_of(&self, node: Node<'_>) -> &'text str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn plain(&self, root: Node<'_>) -> Result<Vec<Vec<String>>, String> {
        let mut commands = Vec::new();
        let mut finding = Finding::default();
        let mut stack = vec![root];
        let mut cursor = root.walk();
        while let Some(node) = stack.pop() {
            let kind = node.kind();
            if node.is_named() {
                if !PLAIN.contains(&kind) || (is_word(kind) && !self.counts_as_written(node)) {
                    finding.offer(node);
                }
                if kind == "command" {
                    commands.push(node);
                }
            } else if !TOKENS.contains(&kind) && !kind.trim().is_empty() {
                finding.offer(node);
            }
            stack.extend(node.children(&mut cursor));
        }
        if let Some(reason) = finding.reason(self.text) {
            return Err(reason);
        }
        commands.sort_by_key(Node::start_byte);
        let mut all = Vec::with_capacity(commands.len());
        for command in commands {
            all.push(self.plain_command(command)?);
        }
        if all.is_empty() { Err("there is no command in it".to_owned()) } else { Ok(all) }
    }

    /// Whether a word of a plain script is taken as it stands.
    fn counts_as_written(&self, word: Node<'_>) -> bool {
        match self.reading {
            ShellReading::AsWritten => true,
            ShellReading::Literal => is_literal(word, self.text_of(word)),
        }
    }

    fn plain_command(&self, command: Node<'_>) -> Result<Vec<String>, String> {
        let mut words = Vec::new();
        let mut cursor = command.walk();
        for child in command.named_children(&mut cursor) {
            let word = match child.kind() {
                "command_name" => {
                    let name = child.named_child(0).filter(|name| name.kind() == "word");
                    name.map(|name| self.text_of(name).to_owned())
                }
                "concatenation" => joined(child, |part| self.plain_word(part)),
                _ => self.plain_word(child),
            };
            words.push(word.ok_or_else(|| opaque::of_word(child, self.text))?);
        }
        Ok(words)
    }

    fn plain_word(&self, node: Node<'_>) -> Option<String> {
        match node.kind() {
            kind if is_word(kind) => Some(self.text_of(node).to_owned()),
            "string" => self.double_quoted(node),
            "raw_string" => self.single_quoted(node),
            _ => None,
        }
    }

    fn double_quoted(&self, node: Node<'_>) -> Option<String> {
        let mut cursor = node.walk();
        if node.named_children(&mut cursor).any(|part| part.kind() != "string_content") {
            return None;
        }
        let inner = self.text_of(node).strip_prefix('"')?.strip_suffix('"')?;
        let escapes = |pair: &[u8]| matches!(pair, [b'\\', b'$' | b'`' | b'"' | b'\\' | b'\n']);
        let escaped = inner.as_bytes().windows(2).any(escapes);
        (self.reading == ShellReading::AsWritten || !escaped).then(|| inner.to_owned())
    }

    fn single_quoted(&self, node: Node<'_>) -> Option<String> {
        let inner = self.text_of(node).strip_prefix('\'')?.strip_suffix('\'')?;
        Some(inner.to_owned())
    }

    fn literal(&self, root: Node<'_>) -> Vec<Vec<String>> {
        let mut commands = Vec::new();
        let mut stack = vec![root];
        let mut cursor = root.walk();
        while let Some(node) = stack.pop() {
            if node.kind() == "command" {
                commands.extend(self.literal_command(node));
            }
            stack.extend(node.named_children(&mut cursor));
        }
        commands
    }

    /// The literal words of a command; words that are made at run time are left out.
    fn literal_command(&self, command: Node<'_>) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut cursor = command.walk();
        for child in command.named_children(&mut cursor) {
            if child.kind() == "command_name" {
                words.push(self.literal_word(child.named_child(0)?)?);
            } else if !words.is_empty() {
                words.extend(self.literal_word(child));
            }
        }
        (!words.is_empty()).then_some(words)
    }

    fn literal_word(&self, node: Node<'_>) -> Option<String> {
        let part_of = |node: Node<'_>| match node.kind() {
            kind if is_word(kind) => {
                let text = self.text_of(node);
                is_literal(node, text).then(|| text.to_owned())
            }
            "string" => self.double_quoted(node),
            "raw_string" => self.single_quoted(node),
            _ => None,
        };
        match node.kind() {
            "concatenation" => joined(node, part_of),
            _ => part_of(node),
        }
    }

    /// The one command of a script with a here-document and nothing else that is special.
    fn heredoc(&self, root: Node<'_>) -> Option<Vec<String>> {
        let (mut command, mut fed) = (None, false);
        let mut stack = vec![root];
        let mut cursor = root.walk();
        while let Some(node) = stack.pop() {
            match node.kind() {
                "heredoc_redirect" => fed = true,
                "file_redirect" => return None,
                "command" if command.replace(node).is_some() => return None,
                _ => {}
            }
            stack.extend(node.named_children(&mut cursor));
        }
        let command = command.filter(|_| fed)?;
        let mut words = Vec::new();
        let mut cursor = command.walk();
        for child in command.named_children(&mut cursor) {
            let word = match child.kind() {
                "command_name" => child.named_child(0)?,
                kind if is_word(kind) => child,
                "comment"
                | "heredoc_body"
                | "simple_heredoc_body"
                | "heredoc_redirect"
                | "herestring_redirect"
                | "redirected_statement" => continue,
                _ => return None,
            };
            if !is_word(word.kind()) || word.named_child_count() > 0 {
                return None;
            }
            words.push(self.text_of(word).to_owned());
        }
        (!words.is_empty()).then_some(words)
    }
}

/// The parts of a word put together; nothing where one is not literal, or there is nothing in it.
fn joined(node: Node<'_>, part_of: impl Fn(Node<'_>) -> Option<String>) -> Option<String> {
    let mut cursor = node.walk();
    let parts: Option<String> = node.named_children(&mut cursor).map(part_of).collect();
    parts.filter(|whole| !whole.is_empty())
}

fn is_word(kind: &str) -> bool {
    matches!(kind, "word" | "number")
}

/// Whether the shell leaves a word alone: no braces, patterns, escapes, tildes and the like.
fn is_literal(node: Node<'_>, text: &str) -> bool {
    const CHANGED: &[char] = &['{', '}', '*', '?', '[', ']', '\\', '~', '^', '#', '$', '`'];
    node.named_child_count() == 0 && !text.starts_with('=') && !text.contains(CHANGED)
}
