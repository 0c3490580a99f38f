//! `prefix_rule`, `network_rule` and `host_executable`: arguments to rules, in the order of checks
//! and in the words of Codex 0.169.0 (fixtures named after each check).

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{refuse_extra, take_named};
use super::interpreter::Interpreter;
use super::values::{Arguments, Span, Value};
use super::{
    Decision, Fault, HostExecutable, NetworkProtocol, NetworkRule, Position, PrefixRule, RulesFile,
    Token, shell_words,
};

/// What a run has made so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) rules: RulesFile,
    /// The examples, checked when the whole file has run.
    pub(super) examples: Vec<Examples>,
}

/// The examples of one `prefix_rule` call.
#[derive(Debug)]
pub(super) struct Examples {
    /// Place of the rule in `rules.prefix_rules`.
    pub(super) rule: usize,
    pub(super) matching: Vec<Vec<String>>,
    pub(super) not_matching: Vec<Vec<String>>,
}

impl Collected {
    /// Turns offsets into lines and columns, in one walk over the text.
    pub(super) fn fill_positions(&mut self, text: &str) {
        let RulesFile { prefix_rules, host_executables, network_rules } = &mut self.rules;
        let mut positions: Vec<&mut Position> = vec![];
        positions.extend(prefix_rules.iter_mut().map(|rule| &mut rule.position));
        positions.extend(host_executables.iter_mut().map(|host| &mut host.position));
        positions.extend(network_rules.iter_mut().map(|rule| &mut rule.position));
        let wanted: BTreeSet<usize> = positions.iter().map(|place| place.span.start).collect();
        let mut known = BTreeMap::new();
        let (mut line, mut column) = (1, 1);
        for (offset, next) in text.char_indices() {
            if wanted.contains(&offset) {
                known.insert(offset, (line, column));
            }
            (line, column) = if next == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        for position in positions {
            if let Some((line, column)) = known.get(&position.span.start) {
                (position.line, position.column) = (*line, *column);
            }
        }
    }
}

fn position(span: Span) -> Position {
    Position { span: span.at..span.end, line: 0, column: 0 }
}

/// The arguments of one call, in the order of the parameters.
struct Bound<'a> {
    parameters: &'a [&'a str],
    values: Vec<Option<Value>>,
    at: usize,
}

/// Gives each parameter its argument; the first `required` must be there.
fn bind<'a>(
    callee: &str,
    parameters: &'a [&'a str],
    required: usize,
    arguments: Arguments,
    at: usize,
) -> Result<Bound<'a>, Fault> {
    let Arguments { positional, mut named } = arguments;
    let mut positional = positional.into_iter();
    let mut values = vec![];
    for parameter in parameters {
        let by_place = positional.next();
        let by_name = take_named(&mut named, parameter);
        if by_place.is_some() && by_name.is_some() {
            let message = format!("Argument `{parameter}` occurs more than once");
            return Err(Fault::refused(at, message));
        }
        values.push(by_place.or(by_name));
    }
    refuse_extra(callee, positional.count(), &[], at)?;
    for (parameter, value) in parameters.iter().zip(&values).take(required) {
        if value.is_none() {
            let message = format!("Missing parameter `{parameter}` for call to `{callee}`");
            return Err(Fault::refused(at, message));
        }
    }
    refuse_extra(callee, 0, &named, at)?;
    Ok(Bound { parameters, values, at })
}

impl Bound<'_> {
    fn value(&self, place: usize) -> Option<&Value> {
        self.values.get(place).and_then(Option::as_ref)
    }

    fn mismatch(&self, machine: &mut Interpreter, place: usize, expected: &str) -> Fault {
        let Some(value) = self.value(place) else { return Fault::refused(self.at, "no value") };
        let repr = match machine.repr(value, self.at) {
            Ok(repr) => repr,
            Err(fault) => return fault,
        };
        let name = self.parameters.get(place).copied().unwrap_or_default();
        let actual = value.type_name();
        let message = format!(
            "Type of parameter `{name}` doesn't match, \
             expected `{expected}`, actual `{actual} (repr: {repr})`"
        );
        let fault = Fault::refused(self.at, message);
        if matches!(value, Value::None) { fault.with_help("leave the argument out") } else { fault }
    }

    fn text(&self, machine: &mut Interpreter, place: usize) -> Result<Option<String>, Fault> {
        match self.value(place) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text.as_ref().to_owned())),
            Some(_) => Err(self.mismatch(machine, place, "str")),
        }
    }

    fn list(&self, machine: &mut Interpreter, place: usize) -> Result<Option<Vec<Value>>, Fault> {
        match self.value(place) {
            None => Ok(None),
            Some(value @ Value::List(_)) => machine.iterate(value, self.at).map(Some),
            Some(_) => Err(self.mismatch(machine, place, "list")),
        }
    }

    fn flag(&self, machine: &mut Interpreter, place: usize) -> Result<Option<bool>, Fault> {
        match self.value(place) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.mismatch(machine, place, "bool")),
        }
    }
}

impl Interpreter {
    pub(super) fn prefix_rule(&mut self, arguments: Arguments, span: Span) -> Result<Value, Fault> {
        const PARAMETERS: [&str; 6] =
            ["pattern", "decision", "match", "not_match", "justification", "canonical_matching"];
        let at = span.at;
        let bound = bind("prefix_rule", &PARAMETERS, 1, arguments, at)?;
        let pattern = bound.list(self, 0)?.unwrap_or_default();
        let decision = bound.text(self, 1)?;
        let matching = bound.list(self, 2)?.unwrap_or_default();
        let not_matching = bound.list(self, 3)?.unwrap_or_default();
        let justification = bound.text(self, 4)?;
        let canonical_matching = bound.flag(self, 5)?.unwrap_or(false);
        let decision = match decision {
            Some(word) => decision_from(&word, at)?,
            None => Decision::Allow,
        };
        let justification = not_blank(justification, at)?;
        let pattern = self.pattern(&pattern, at)?;
        let matching = self.examples(&matching, at)?;
        let not_matching = self.examples(&not_matching, at)?;
        let rule = self.collected.rules.prefix_rules.len();
        self.collected.examples.push(Examples { rule, matching, not_matching });
        let position = position(span);
        self.collected.rules.prefix_rules.push(PrefixRule {
            pattern,
            decision,
            justification,
            canonical_matching,
            position,
        });
        Ok(Value::None)
    }

    fn pattern(&mut self, items: &[Value], at: usize) -> Result<Vec<Token>, Fault> {
        let bad = |what: String| Fault::refused(at, format!("invalid pattern element: {what}"));
        let mut tokens = vec![];
        for item in items {
            let token = match item {
                Value::Text(word) => Token::One(word.as_ref().to_owned()),
                Value::List(_) => {
                    let mut words = vec![];
                    for word in self.iterate(item, at)? {
                        let Value::Text(word) = word else {
                            let got = word.type_name();
                            let what = format!("pattern alternative must be a string (got {got})");
                            return Err(bad(what));
                        };
                        words.push(word.as_ref().to_owned());
                    }
                    match words.as_slice() {
                        [] => return Err(bad("pattern alternatives cannot be empty".to_owned())),
                        [word] => Token::One(word.clone()),
                        _ => Token::AnyOf(words),
                    }
                }
                other => {
                    let got = other.type_name();
                    let what =
                        format!("pattern element must be a string or list of strings (got {got})");
                    return Err(bad(what));
                }
            };
            tokens.push(token);
        }
        if tokens.is_empty() {
            return Err(bad("pattern cannot be empty".to_owned()));
        }
        Ok(tokens)
    }

    fn examples(&mut self, items: &[Value], at: usize) -> Result<Vec<Vec<String>>, Fault> {
        let bad = |what: String| Fault::refused(at, format!("invalid example: {what}"));
        let mut examples = vec![];
        for item in items {
            let (words, empty) = match item {
                Value::Text(text) => {
                    self.charge(text.len() / 16, at)?;
                    let words = shell_words::split(text);
                    let words = words
                        .ok_or_else(|| bad("example string has invalid shell syntax".to_owned()))?;
                    (words, "string")
                }
                Value::List(_) => {
                    let mut words = vec![];
                    for word in self.iterate(item, at)? {
                        let Value::Text(word) = word else {
                            let got = word.type_name();
                            return Err(bad(format!("example tokens must be strings (got {got})")));
                        };
                        words.push(word.as_ref().to_owned());
                    }
                    (words, "list")
                }
                other => {
                    let got = other.type_name();
                    let what = format!("example must be a string or list of strings (got {got})");
                    return Err(bad(what));
                }
            };
            if words.is_empty() {
                return Err(bad(format!("example cannot be an empty {empty}")));
            }
            examples.push(words);
        }
        Ok(examples)
    }

    pub(super) fn network_rule(
        &mut self,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        const PARAMETERS: [&str; 4] = ["host", "protocol", "decision", "justification"];
        let at = span.at;
        let bound = bind("network_rule", &PARAMETERS, 3, arguments, at)?;
        let host = bound.text(self, 0)?.unwrap_or_default();
        let protocol = bound.text(self, 1)?.unwrap_or_default();
        let decision = bound.text(self, 2)?.unwrap_or_default();
        let justification = bound.text(self, 3)?;
        let protocol = protocol_from(&protocol, at)?;
        let decision = match decision.as_str() {
            "deny" => Decision::Forbidden,
            word => decision_from(word, at)?,
        };
        let justification = not_blank(justification, at)?;
        let host = network_host(&host).map_err(|what| {
            Fault::refused(at, format!("invalid rule: network_rule host {what}"))
        })?;
        let position = position(span);
        let rule = NetworkRule { host, protocol, decision, justification, position };
        self.collected.rules.network_rules.push(rule);
        Ok(Value::None)
    }

    pub(super) fn host_executable(
        &mut self,
        arguments: Arguments,
        span: Span,
    ) -> Result<Value, Fault> {
        let at = span.at;
        let bound = bind("host_executable", &["name", "paths"], 2, arguments, at)?;
        let name = bound.text(self, 0)?.unwrap_or_default();
        let values = bound.list(self, 1)?.unwrap_or_default();
        let bad =
            |what: String| Fault::refused(at, format!("invalid rule: host_executable {what}"));
        if name.is_empty() {
            return Err(bad("name cannot be empty".to_owned()));
        }
        if name.contains('/') || name == "." || name == ".." {
            return Err(bad(format!("name must be a bare executable name (got {name})")));
        }
        let mut paths = vec![];
        let mut seen = BTreeSet::new();
        for value in values {
            let Value::Text(raw) = value else {
                let got = value.type_name();
                return Err(bad(format!("paths must be strings (got {got})")));
            };
            if !raw.starts_with('/') {
                return Err(bad(format!("paths must be absolute (got {raw})")));
            }
            let path = plain_path(&raw);
            if path.rsplit('/').next() != Some(name.as_str()) {
                return Err(bad(format!("path `{raw}` must have basename `{name}`")));
            }
            if seen.insert(path.clone()) {
                paths.push(path);
            }
        }
        let position = position(span);
        let host = HostExecutable { name, paths, position };
        self.collected.rules.host_executables.push(host);
        Ok(Value::None)
    }
}

/// An absolute path without `.`, `..` and doubled slashes, by text alone.
pub(crate) fn plain_path(path: &str) -> String {
    let mut parts = vec![];
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn decision_from(word: &str, at: usize) -> Result<Decision, Fault> {
    match word {
        "allow" => Ok(Decision::Allow),
        "prompt" => Ok(Decision::Prompt),
        "forbidden" => Ok(Decision::Forbidden),
        other => {
            let fault = Fault::refused(at, format!("invalid decision: {other}"));
            Err(match other {
                "prompt-user" => fault.with_help("`prompt-user` is for requirement rules only"),
                "deny" => fault.with_help("write `forbidden`"),
                _ => fault.with_help("write `allow`, `prompt` or `forbidden`"),
            })
        }
    }
}

fn not_blank(justification: Option<String>, at: usize) -> Result<Option<String>, Fault> {
    match justification {
        Some(text) if text.trim().is_empty() => {
            Err(Fault::refused(at, "invalid rule: justification cannot be empty"))
        }
        other => Ok(other),
    }
}

fn protocol_from(word: &str, at: usize) -> Result<NetworkProtocol, Fault> {
    match word {
        "http" => Ok(NetworkProtocol::Http),
        "https" | "https_connect" | "http-connect" => Ok(NetworkProtocol::Https),
        "socks5_tcp" => Ok(NetworkProtocol::Socks5Tcp),
        "socks5_udp" => Ok(NetworkProtocol::Socks5Udp),
        other => {
            let message = format!(
                "invalid rule: network_rule protocol must be one of \
                 http, https, socks5_tcp, socks5_udp (got {other})"
            );
            Err(Fault::refused(at, message))
        }
    }
}

/// The host as Codex keeps it, or what is wrong with it.
fn network_host(raw: &str) -> Result<String, String> {
    let trimmed = raw.trim();
    let empty = "cannot be empty";
    if trimmed.is_empty() {
        return Err(empty.to_owned());
    }
    if trimmed.contains(['/', '?', '#']) {
        return Err("must be a hostname or IP literal (without scheme or path)".to_owned());
    }
    let digits = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let host = if let Some(bracketed) = trimmed.strip_prefix('[') {
        let Some((inside, rest)) = bracketed.split_once(']') else {
            return Err("has an invalid bracketed IPv6 literal".to_owned());
        };
        if !rest.is_empty() && !rest.strip_prefix(':').is_some_and(digits) {
            return Err(format!("contains an unsupported suffix: {raw}"));
        }
        inside
    } else {
        match trimmed.split_once(':') {
            Some((host, port)) if !host.is_empty() && digits(port) => host,
            _ => trimmed,
        }
    };
    let host = host.trim_end_matches('.').trim().to_ascii_lowercase();
    if host.is_empty() {
        return Err(empty.to_owned());
    }
    if host.contains('*') {
        return Err("must be a specific host; wildcards are not allowed".to_owned());
    }
    if host.contains(char::is_whitespace) {
        return Err("cannot contain whitespace".to_owned());
    }
    Ok(host)
}
