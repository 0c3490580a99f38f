//! From a request to an exception file that is ready for review: the server loosens nothing itself.
//!
//! The file goes into `exceptions/` of the policy repository by the way that every change goes:
//! review, compile, approval, release. What cannot be granted by an exception is said here, with
//! what to do instead, and not found out by the reviewer.

use codex_fleet::request::{Filed, Wanted};
use codex_schema::key::{Effect, Key};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, closest};
use codex_schema::path::parts;
use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::{Table, Value};
use jiff::civil::Date;
use jiff::{Span, ToSpan as _};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Value as Written};

/// Who makes the file, when, and against what.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'desk> {
    /// Who answers for the exception.
    pub owner: &'desk str,
    /// The day.
    pub today: Date,
    /// The requirements that are in force for the cohort.
    pub requirements: &'desk str,
}

/// A file of the policy repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionFile {
    /// Where it goes, from the repository's top.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Why no exception can grant what is asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Codex has no such key.
    #[error("`{key}` is no key of policy{}", meant.as_ref().map_or_else(String::new, |meant| format!(": did you mean `{meant}`?")))]
    Key {
        /// The key.
        key: String,
        /// One that may be meant.
        meant: Option<String>,
    },
    /// It is allowed.
    #[error("`{0}` is allowed already: nothing has to change")]
    Allowed(String),
    /// A pattern denies the host, and denying wins.
    #[error(
        "`{host}` is denied by `{pattern}`, and denying wins over allowing: that entry itself has to \
         change"
    )]
    Denied {
        /// The host.
        host: String,
        /// The entry.
        pattern: String,
    },
    /// No requirement speaks of the command.
    #[error(
        "no rule of the requirements is about `{0}`: a rule file or the sandbox stops it, which \
         exceptions do not change; change `rules/` in the repository"
    )]
    NoRule(String),
    /// The requirements cannot be read.
    #[error("the requirements in force cannot be read")]
    Unreadable,
    /// A value that TOML has no form for.
    #[error("`null` is no value of policy")]
    Null,
}

/// Makes the exception that a request asks for.
///
/// # Errors
/// Why there is none.
pub fn exception_file(filed: &Filed, desk: &Desk<'_>) -> Result<ExceptionFile, Unfit> {
    let read = read_toml(desk.requirements, SourceId(0));
    if !read.problems.is_empty() {
        return Err(Unfit::Unreadable);
    }
    let in_force = &read.root;
    let mut document = DocumentMut::new();
    let Filed { number, device: _, host, cohort, at, request } = filed;
    document.insert("target", text(&format!("cohorts/{cohort}")));
    document.insert("owner", text(desk.owner));
    document.insert("reason", text(request.reason.trim()));
    document.insert("ticket", text(&format!("request {number}")));
    let days: Span = i64::from(request.days).days();
    let expires = desk.today.saturating_add(days);
    document.insert("expires", text(&expires.to_string()));
    match &request.wants {
        Wanted::Setting { key, value } => setting(&mut document, in_force, key, value)?,
        Wanted::Domain { host } => domain(&mut document, in_force, host)?,
        Wanted::Command { words } => command(&mut document, in_force, words)?,
    }
    // What a person wrote stands in strings; this comment is made of checked names alone.
    let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
    let name = file_name(*number, &request.wants);
    let user = request.user.as_ref().map_or_else(String::new, |user| format!("{user} at "));
    let from = printable(&format!("{user}{host}"));
    let text = format!("# Request {number} from {from} on {day}.\n{document}");
    Ok(ExceptionFile { path: format!("exceptions/{name}.toml"), text })
}

fn text(value: &str) -> Item {
    Item::Value(Written::from(value))
}

fn printable(value: &str) -> String {
    value.chars().filter(|one| !one.is_control()).collect()
}

/// A name that says what it is about.
fn file_name(number: u64, wants: &Wanted) -> String {
    let about = match wants {
        Wanted::Setting { key, value: _ } => key.clone(),
        Wanted::Domain { host } => host.clone(),
        Wanted::Command { words } => words.join("-"),
    };
    let mut slug = String::new();
    for letter in about.chars().take(60) {
        let kept = letter.is_ascii_alphanumeric() || letter == '_';
        if kept {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    format!("request-{number}-{}", slug.trim_end_matches('-')).trim_end_matches('-').to_owned()
}

/// Puts a value at a path below `requirements` or `config`.
fn put(document: &mut DocumentMut, section: &str, path: &[&str], value: Written) {
    let mut table = document.as_table_mut();
    let (last, above) = path.split_last().unwrap_or((&section, &[]));
    for name in std::iter::once(&section).chain(above) {
        let item = table.entry(name).or_insert_with(|| {
            let mut below = toml_edit::Table::new();
            below.set_implicit(true);
            Item::Table(below)
        });
        match item.as_table_mut() {
            Some(below) => table = below,
            None => return,
        }
    }
    table.insert(last, Item::Value(value));
}

fn setting(
    document: &mut DocumentMut,
    in_force: &Table,
    key: &str,
    value: &serde_json::Value,
) -> Result<(), Unfit> {
    let path: Vec<&str> = parts(key).collect();
    let required = REQUIREMENTS.key_of(&path).is_some();
    let configured = CONFIG.key_of(&path).is_some();
    if !required && !configured {
        let names = REQUIREMENTS.keys().iter().chain(CONFIG.keys()).map(|key| key.path);
        let meant = closest(key, names).map(str::to_owned);
        return Err(Unfit::Key { key: key.to_owned(), meant });
    }
    // One name may be a requirement itself and be constrained by another, `default_permissions` is.
    let own = (required && (in_force.at(&path).is_some() || !configured)).then(|| path.clone());
    let constraining = REQUIREMENTS
        .keys()
        .iter()
        .filter(|one| configured && is_about(one, &path))
        // A row of a map is about its entries: the map itself is what has one more.
        .map(|one| parts(one.path).filter(|part| *part != "*").collect::<Vec<_>>())
        .filter(|path| in_force.at(path).is_some());
    let mut locks: Vec<Vec<&str>> = own.into_iter().chain(constraining).collect();
    locks.sort_unstable();
    locks.dedup();
    let mut allowed = None;
    let mut changed = 0;
    for lock in &locks {
        match require(document, in_force, lock, key, value) {
            Err(Unfit::Allowed(said)) => allowed = Some(Unfit::Allowed(said)),
            Err(other) => return Err(other),
            Ok(()) => changed += 1,
        }
    }
    match allowed {
        Some(allowed) if changed == 0 => Err(allowed),
        Some(_) => Ok(()),
        None if locks.is_empty() => {
            put(document, "config", &path, written_json(value)?);
            Ok(())
        }
        None => Ok(()),
    }
}

/// Whether a requirement decides about a key of the configuration.
fn is_about(requirement: &Key, path: &[&str]) -> bool {
    match requirement.effect {
        Effect::Constrains(of) | Effect::Fixes(of) => parts(of).eq(path.iter().copied()),
        Effect::None | Effect::Pins(_) | Effect::Allows(_) | Effect::Adds | Effect::Hints => false,
    }
}

/// Lets a requirement have a value: one more in a list of what is allowed, else instead of what is
/// there.
fn require(
    document: &mut DocumentMut,
    in_force: &Table,
    path: &[&str],
    key: &str,
    value: &serde_json::Value,
) -> Result<(), Unfit> {
    let said = || Unfit::Allowed(format!("{key} = {value}"));
    let wanted = written_json(value)?;
    match in_force.at(path).map(|node| &node.value) {
        Some(Value::Array(have)) if !value.is_array() => {
            let mut list: Array = have.iter().map(|one| as_toml(&one.value)).collect();
            if list.iter().any(|one| same(one, &wanted)) {
                return Err(said());
            }
            list.push(wanted);
            put(document, "requirements", path, Written::Array(list));
        }
        Some(Value::Table(have)) if value.is_string() => {
            let name = value.as_str().unwrap_or_default();
            if have.get(name).and_then(|node| node.value.as_bool()) == Some(true) {
                return Err(said());
            }
            let below: Vec<&str> = path.iter().copied().chain([name]).collect();
            put(document, "requirements", &below, Written::from(true));
        }
        Some(other) if same(&as_toml(other), &wanted) => return Err(said()),
        Some(_) | None => put(document, "requirements", path, wanted),
    }
    Ok(())
}

fn domain(document: &mut DocumentMut, in_force: &Table, host: &str) -> Result<(), Unfit> {
    const DOMAINS: [&str; 2] = ["experimental_network", "domains"];
    let host = host.to_ascii_lowercase();
    let entries = in_force.at(&DOMAINS).and_then(|node| node.value.as_table());
    for entry in entries.into_iter().flatten() {
        let pattern = entry.key.value.to_string();
        let exact = pattern.eq_ignore_ascii_case(&host);
        if !exact && !covers(&pattern.to_ascii_lowercase(), &host) {
            continue;
        }
        match entry.node.value.as_str() {
            Some("allow") => return Err(Unfit::Allowed(host)),
            Some("deny") if !exact => return Err(Unfit::Denied { host, pattern }),
            Some(_) | None => {}
        }
    }
    let [network, domains] = DOMAINS;
    put(document, "requirements", &[network, domains, &host], Written::from("allow"));
    Ok(())
}

/// Whether a pattern covers a host: `*.` is for what is below, `**.` for that and the name itself.
fn covers(pattern: &str, host: &str) -> bool {
    let below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
    match (pattern.strip_prefix("**."), pattern.strip_prefix("*.")) {
        (Some(name), _) => host == name || below(name),
        (None, Some(name)) => below(name),
        (None, None) => pattern == "*",
    }
}

/// Lifts every rule that is about a command: the strictest decides, so one that stays would.
fn command(document: &mut DocumentMut, in_force: &Table, words: &[String]) -> Result<(), Unfit> {
    let rules = in_force.at(&["rules", "prefix_rules"]).and_then(|node| node.value.as_array());
    let mut lifts = toml_edit::ArrayOfTables::new();
    for rule in rules.unwrap_or_default() {
        let pattern = rule.at(&["pattern"]).and_then(|node| node.value.as_array());
        let pattern = pattern.unwrap_or_default();
        let matches = !pattern.is_empty()
            && pattern.len() <= words.len()
            && pattern.iter().zip(words).all(|(one, word)| is_word(&one.value, word));
        if matches {
            let mut lift = toml_edit::Table::new();
            lift.insert("key", text("rules.prefix_rules"));
            lift.insert("value", Item::Value(as_toml(&rule.value)));
            lifts.push(lift);
        }
    }
    if lifts.is_empty() {
        return Err(Unfit::NoRule(words.join(" ")));
    }
    document.insert("lift", Item::ArrayOfTables(lifts));
    Ok(())
}

fn is_word(pattern: &Value, word: &str) -> bool {
    let Some(table) = pattern.as_table() else { return false };
    let token = table.get("token").and_then(|node| node.value.as_str());
    let any = table.get("any_of").and_then(|node| node.value.as_array()).unwrap_or_default();
    token == Some(word) || any.iter().any(|one| one.value.as_str() == Some(word))
}

fn same(one: &Written, other: &Written) -> bool {
    one.to_string().trim() == other.to_string().trim()
}

/// A value as TOML writes it in one line.
pub fn as_toml(value: &Value) -> Written {
    match value {
        Value::String(text) => Written::from(text.as_str()),
        Value::Integer(number) => Written::from(*number),
        Value::Float(number) => Written::from(*number),
        Value::Boolean(truth) => Written::from(*truth),
        Value::Datetime(text) => text
            .parse::<toml_edit::Datetime>()
            .map_or_else(|_| Written::from(text.as_str()), Written::from),
        Value::Array(list) => Written::Array(list.iter().map(|one| as_toml(&one.value)).collect()),
        Value::Table(table) => {
            let entries =
                table.iter().map(|entry| (entry.key.value.as_str(), as_toml(&entry.node.value)));
            Written::InlineTable(entries.collect::<InlineTable>())
        }
    }
}

fn written_json(value: &serde_json::Value) -> Result<Written, Unfit> {
    use serde_json::Value as Json;
    Ok(match value {
        Json::Null => return Err(Unfit::Null),
        Json::Bool(truth) => Written::from(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Written::from(whole),
            (None, Some(broken)) => Written::from(broken),
            (None, None) => return Err(Unfit::Null),
        },
        Json::String(text) => Written::from(text.as_str()),
        Json::Array(list) => {
            Written::Array(list.iter().map(written_json).collect::<Result<Array, _>>()?)
        }
        Json::Object(map) => {
            let entries = map.iter().map(|(key, value)| Ok((key.as_str(), written_json(value)?)));
            Written::InlineTable(entries.collect::<Result<InlineTable, _>>()?)
        }
    })
}
