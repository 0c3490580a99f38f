//! What requirements say about a command: the prefix rules of `rules.prefix_rules`.
//!
//! Measured on 0.169.0: a rule matches when the command begins with its words, letter by letter;
//! the strictest decision of all rules that match wins; the reason shown is that of the longest
//! pattern among the strictest, of equal ones the last. A program given with its path is looked up
//! by its whole path first and, when no rule begins with that, by its name.

pub(crate) mod policy;
pub(crate) mod trie;
pub(crate) mod words;

pub use codex_schema::types::rule::Decision;

use codex_schema::span::Span;
use codex_schema::value::{Node, Table};

use trie::{NodeId, RuleIndex, Trie};
use words::{SetId, Words};

/// The prefix rules of a policy, ready to be asked. Building it takes time linear in the rules.
#[derive(Debug, Default)]
pub struct CommandRules<'policy> {
    rules: Vec<PrefixRule<'policy>>,
    words: Words<'policy>,
    trie: Trie,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct PrefixRule<'policy> {
    /// What happens to a command that begins with the pattern.
    pub decision: Decision,
    /// Why, as the rule says it.
    pub justification: Option<&'policy str>,
    /// Where the rule was written.
    pub span: Span,
    /// Whether the rule asks for the command to be brought into a normal form first. In every case
    /// tried on 0.169.0 it made no difference.
    pub canonical: bool,
    /// Its place in the list of rules, from 0.
    pub position: usize,
    pub(crate) pattern: Vec<SetId>,
    /// Whether a list of alternatives names one of them twice.
    pub(crate) repeats: bool,
}

impl PrefixRule<'_> {
    /// The number of words in the pattern.
    pub fn word_count(&self) -> usize {
        self.pattern.len()
    }
}

/// What the rules say about a command.
#[derive(Clone, Debug, Default)]
pub struct CommandAnswer<'rules> {
    /// All rules that match, in the order of the list.
    pub matches: Vec<&'rules PrefixRule<'rules>>,
}

impl<'rules> CommandAnswer<'rules> {
    /// The strictest decision; nothing when no rule matches.
    pub fn decision(&self) -> Option<Decision> {
        self.matches.iter().map(|rule| rule.decision).max()
    }

    /// The rule whose reason Codex shows.
    pub fn shown(&self) -> Option<&'rules PrefixRule<'rules>> {
        self.matches.iter().copied().max_by_key(|rule| (rule.decision, rule.word_count()))
    }
}

impl<'policy> CommandRules<'policy> {
    /// Reads the rules of composed requirements. Rules that Codex refuses are left out.
    pub fn of(requirements: &'policy Table) -> Self {
        let mut rules = Self::read(requirements);
        for (rule, index) in rules.rules.iter().zip(0..) {
            rules.trie.insert(&rule.pattern, index, &rules.words);
        }
        rules
    }

    /// The same without the tree: nothing can be asked yet.
    pub(crate) fn read(requirements: &'policy Table) -> Self {
        let mut rules = Self::default();
        for (position, node) in nodes(requirements).iter().enumerate() {
            rules.rules.extend(read_rule(node, position, &mut rules.words));
        }
        rules
    }

    /// The rules, in the order of the list.
    pub fn rules(&self) -> &[PrefixRule<'policy>] {
        &self.rules
    }

    /// Takes the parts apart: the rules, their words, and the tree.
    pub(crate) fn into_parts(self) -> (Vec<PrefixRule<'policy>>, Words<'policy>, Trie) {
        (self.rules, self.words, self.trie)
    }

    /// What happens to one command, given as its words.
    pub fn decide<W: AsRef<str>>(&self, command: &[W]) -> CommandAnswer<'_> {
        let Some((program, arguments)) = command.split_first() else {
            return CommandAnswer::default();
        };
        let program = program.as_ref();
        let whole = self.matching(program, arguments);
        if !whole.matches.is_empty() {
            return whole;
        }
        match program.rsplit_once('/') {
            Some((_, name)) => self.matching(name, arguments),
            None => whole,
        }
    }

    /// The rules that begin with these very words, whatever the program.
    pub(crate) fn matching<W: AsRef<str>>(
        &self,
        program: &str,
        arguments: &[W],
    ) -> CommandAnswer<'_> {
        let mut found: Vec<RuleIndex> = Vec::new();
        let mut here: Vec<NodeId> = vec![Trie::ROOT];
        let mut next = Vec::new();
        let words = std::iter::once(program).chain(arguments.iter().map(AsRef::as_ref));
        for text in words {
            let Some(word) = self.words.find(text) else { break };
            for node in &here {
                self.trie.step(*node, word, &mut next);
            }
            std::mem::swap(&mut here, &mut next);
            next.clear();
            if here.is_empty() {
                break;
            }
            found.extend(here.iter().flat_map(|node| self.trie.ends(*node)));
        }
        found.sort_unstable();
        let rule = |index: &RuleIndex| self.rules.get(usize::try_from(*index).ok()?);
        CommandAnswer { matches: found.iter().filter_map(rule).collect() }
    }
}

/// Where the list is.
pub(crate) const PATH: [&str; 2] = ["rules", "prefix_rules"];

/// The list as it is written.
pub(crate) fn nodes(requirements: &Table) -> &[Node] {
    requirements.at(&PATH).and_then(|list| list.value.as_array()).unwrap_or_default()
}

fn read_rule<'policy>(
    node: &'policy Node,
    position: usize,
    words: &mut Words<'policy>,
) -> Option<PrefixRule<'policy>> {
    let table = node.value.as_table()?;
    let decision = match table.get("decision")?.value.as_str()? {
        "prompt" => Decision::Prompt,
        "prompt-user" => Decision::PromptUser,
        "forbidden" => Decision::Forbidden,
        // `allow` and anything else is refused.
        _ => return None,
    };
    let mut pattern = Vec::new();
    let mut repeats = false;
    let written = table.get("pattern")?.value.as_array()?;
    pattern.reserve_exact(written.len());
    for word in written {
        let word = word.value.as_table()?;
        let set = match (word.get("token"), word.get("any_of")) {
            (Some(token), None) => {
                let word = words.intern(token.value.as_str()?);
                words.single(word)
            }
            (None, Some(list)) => {
                let list = list.value.as_array()?;
                let texts = list.iter().map(|node| node.value.as_str());
                let members =
                    texts.map(|text| Some(words.intern(text?))).collect::<Option<Vec<_>>>()?;
                if members.is_empty() {
                    return None;
                }
                let set = words.set(members);
                repeats |= words.members(set).len() < list.len();
                set
            }
            _ => return None,
        };
        pattern.push(set);
    }
    let flag = |key: &str| table.get(key).and_then(|node| node.value.as_bool());
    let rule = PrefixRule {
        decision,
        justification: table.get("justification").and_then(|node| node.value.as_str()),
        span: node.span,
        canonical: flag("canonical_matching") == Some(true),
        position,
        pattern,
        repeats,
    };
    (!rule.pattern.is_empty()).then_some(rule)
}
