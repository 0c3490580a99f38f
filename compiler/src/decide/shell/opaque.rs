//! Why a script cannot be taken apart, in words.

use tree_sitter::Node;

/// The first thing in a script that makes it opaque.
#[derive(Debug, Default)]
pub(super) struct Finding<'tree> {
    first: Option<Node<'tree>>,
}

impl<'tree> Finding<'tree> {
    /// Keeps a node if it stands before what was found so far; of two that begin together, the
    /// outer one.
    pub(super) fn offer(&mut self, node: Node<'tree>) {
        // Says nothing by itself: the redirection in it does.
        if node.kind() == "redirected_statement" {
            return;
        }
        let place = |node: &Node<'_>| (node.start_byte(), std::cmp::Reverse(node.end_byte()));
        let named = |node: &Node<'_>| !node.is_named();
        let earlier = self
            .first
            .is_none_or(|first| (place(&node), named(&node)) < (place(&first), named(&first)));
        if earlier {
            self.first = Some(node);
        }
    }

    /// The reason, where there is one.
    pub(super) fn reason(&self, text: &str) -> Option<String> {
        let node = self.first?;
        let shown = shown(text.get(node.byte_range()).unwrap_or_default());
        Some(format!("{} ({shown})", what(node.kind())))
    }
}

/// What a kind of node does in a script.
fn what(kind: &str) -> &'static str {
    match kind {
        "file_redirect" => "it redirects input or output",
        "heredoc_redirect" | "heredoc_body" | "heredoc_start" => "it has a here-document",
        "herestring_redirect" => "it has a here-string",
        "simple_expansion" | "expansion" | "special_variable_name" => "it expands a variable",
        "command_substitution" => "it puts the output of one command into another",
        "process_substitution" => "it hands a command to another as a file",
        "arithmetic_expansion" => "it calculates",
        "variable_assignment" | "variable_assignments" => "it sets a variable",
        "declaration_command" | "unset_command" => "it declares or unsets a variable",
        "subshell" => "it runs a subshell",
        "compound_statement" => "it groups commands",
        "if_statement" | "case_statement" => "it decides what to run",
        "for_statement" | "c_style_for_statement" | "while_statement" => "it repeats commands",
        "function_definition" => "it defines a function",
        "test_command" => "it tests a condition",
        "negated_command" => "it negates a command",
        "comment" => "it has a comment",
        "ansi_c_string" | "translated_string" => "it has a quote of a special kind",
        "brace_expression" | "extglob_pattern" | "regex" | "word" | "number" => {
            "the shell would still change a word"
        }
        "&" => "it runs a command in the background",
        "|&" => "it pipes errors as well",
        ";;" | "(" | ")" | "{" | "}" | "!" => "it is more than commands in a row",
        _ => "it has something other than plain commands",
    }
}

/// Why the words of a command cannot be taken as they stand.
pub(super) fn of_word(node: Node<'_>, text: &str) -> String {
    let shown = shown(text.get(node.byte_range()).unwrap_or_default());
    match node.kind() {
        "command_name" => format!("the name of a program is quoted ({shown})"),
        "concatenation" => format!("a word is empty or put together ({shown})"),
        _ => format!("a quoted word has escapes in it ({shown})"),
    }
}

/// Why a script is not valid: the first place at which the grammar gave up.
pub(super) fn of_error(root: Node<'_>, text: &str) -> String {
    let mut first: Option<Node<'_>> = None;
    let mut stack = vec![root];
    let mut cursor = root.walk();
    while let Some(node) = stack.pop() {
        if (node.is_error() || node.is_missing())
            && first.is_none_or(|first| node.start_byte() < first.start_byte())
        {
            first = Some(node);
        }
        stack.extend(node.children(&mut cursor).filter(Node::has_error));
    }
    let rest = first.and_then(|node| text.get(node.start_byte()..)).unwrap_or_default();
    if rest.is_empty() {
        "it is not complete, or not a valid script".to_owned()
    } else {
        format!("it is not complete, or not a valid script, from {}", shown(rest))
    }
}

/// The beginning of a text on one line, between backticks.
fn shown(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut line = String::new();
    for next in text.chars().take(LONGEST) {
        if next.is_control() { line.extend(next.escape_debug()) } else { line.push(next) }
    }
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    format!("`{line}`")
}
