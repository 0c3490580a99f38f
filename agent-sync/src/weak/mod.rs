//! What on this machine weakens the policy although every file of it is in its place.
//!
//! Reading order: this file (facts become sentences; nothing is looked at), `gather` (the facts).
//!
//! The words of others, such as names of files, are in these sentences: whoever shows them treats
//! them as any text of a machine.

pub mod gather;

use codex_schema::reader::read_toml;
use codex_schema::span::SourceId;
use codex_schema::value::Table;
use jiff::{SignedDuration, Timestamp};

/// For how long Codex itself lets a cache of cloud policy live.
const CACHE: SignedDuration = SignedDuration::from_hours(1);

/// The most that is told.
const MOST: usize = 64;

/// The keys of managed preferences that Codex reads.
pub const PREFERENCES: [&str; 2] = ["config_toml_base64", "requirements_toml_base64"];

/// What was found on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Caches of cloud policy.
    pub caches: Vec<Cache>,
    /// Preference files outside of the folder that management alone writes to, with a policy in
    /// them.
    pub unforced: Vec<String>,
    /// Every Codex, with its version.
    pub programs: Vec<(String, Option<String>)>,
    /// Files of rules that are no part of the policy, with the number of their rules that allow, or
    /// may.
    pub allowing: Vec<(String, usize)>,
}

/// A cache of cloud policy in somebody's home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// The file.
    pub path: String,
    /// Whose it is.
    pub owner: u32,
    /// Until when it says that it is good.
    pub expires: Option<Timestamp>,
}

/// What weakens a policy: sentences, sorted.
pub fn weaknesses(facts: &Facts, requirements: &str, now: Timestamp) -> Vec<String> {
    let Facts { caches, unforced, programs, allowing } = facts;
    let mut found: Vec<String> = caches.iter().filter_map(|one| cache(one, now)).collect();
    found.extend(unforced.iter().map(|path| {
        format!(
            "{path}: preferences that no management forces; a Codex that is old enough takes them \
             for policy"
        )
    }));
    if programs.len() > 1 {
        let named = programs.iter().map(|(path, version)| {
            format!("{} {path}", version.as_deref().unwrap_or("unknown version"))
        });
        let named = named.collect::<Vec<_>>().join(", ");
        found.push(format!("{} programs are Codex here: {named}", programs.len()));
    }
    let policy = read_toml(requirements, SourceId(0)).root;
    if restricts(&policy) && !denies_reading(&policy) {
        found.extend(allowing.iter().map(|(path, count)| {
            format!(
                "{path}: {count} rules that allow; such commands run outside of the sandbox, because \
                 the policy has no `permissions.filesystem.deny_read`"
            )
        }));
    }
    let plain = |letter: char| if letter.is_control() { '?' } else { letter };
    let mut found: Vec<String> =
        found.into_iter().map(|text| text.chars().map(plain).collect()).collect();
    found.sort();
    found.dedup();
    found.truncate(MOST);
    found
}

/// A cache is in use until it expires. Codex knows it by a signature with a key that everybody has,
/// so that its owner can write what they like.
fn cache(cache: &Cache, now: Timestamp) -> Option<String> {
    let Cache { path, owner, expires } = cache;
    let until = expires.filter(|until| *until > now)?;
    let longest = now.checked_add(CACHE).unwrap_or(Timestamp::MAX);
    let note = if until > longest {
        "; Codex itself gives an hour, so that somebody has written it"
    } else {
        ""
    };
    Some(format!("{path}: cloud policy that user {owner} can rewrite, in use until {until}{note}"))
}

/// Whether a policy demands a sandbox, or has a say in the network.
fn restricts(policy: &Table) -> bool {
    let modes = policy.get("allowed_sandbox_modes").and_then(|node| node.value.as_array());
    let is_free = |modes: &[codex_schema::value::Node]| {
        modes.iter().any(|mode| mode.value.as_str() == Some("danger-full-access"))
    };
    modes.is_some_and(|modes| !is_free(modes))
        || ["allowed_permission_profiles", "experimental_network", "network_proxy"]
            .iter()
            .any(|key| policy.get(key).is_some())
        || policy.at(&["permissions", "network"]).is_some()
}

fn denies_reading(policy: &Table) -> bool {
    let denied = policy.at(&["permissions", "filesystem", "deny_read"]);
    denied.and_then(|node| node.value.as_array()).is_some_and(|denied| !denied.is_empty())
}

/// How many rules of a file allow, or may: a decision that is no plain word counts, since rules may
/// be made by functions. Comments do not count.
pub fn allowing(rules: &str) -> usize {
    let code: String = rules.lines().map(without_comment).collect::<Vec<_>>().join("\n");
    code.split("prefix_rule").skip(1).filter(|call| may_allow(call)).count()
}

/// A line up to its comment; a `#` between quotes begins none.
fn without_comment(line: &str) -> &str {
    let (mut quote, mut escaped) = (None, false);
    for (at, letter) in line.char_indices() {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), letter) if letter == open => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '#') => return line.get(..at).unwrap_or(line),
            (_, _) => {}
        }
    }
    line
}

/// Whether a call, from its opening parenthesis on, is one that does not say it asks or forbids.
fn may_allow(call: &str) -> bool {
    let squeezed: String = call.chars().filter(|letter| !letter.is_whitespace()).collect();
    if !squeezed.starts_with('(') {
        return false;
    }
    let says = |decision: &str| {
        squeezed.contains(&format!("decision=\"{decision}\""))
            || squeezed.contains(&format!("decision='{decision}'"))
    };
    !(says("prompt") || says("forbidden"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOXED: &str = "allowed_sandbox_modes = ['read-only']\n";
    const HELD: &str = "[permissions.filesystem]\ndeny_read = ['~/.ssh']\n";

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_machine_with_one_codex_and_nothing_else_weakens_nothing() {
        let programs = vec![("/usr/bin/codex".to_owned(), Some("0.169.0".to_owned()))];
        let facts = Facts { programs, ..Facts::default() };
        assert_eq!(weaknesses(&facts, BOXED, now()), [] as [String; 0]);
    }

    #[test]
    fn a_cache_counts_while_it_is_in_use_and_a_long_life_is_told() {
        let found = |minutes: i64| {
            let expires = Some(now() + SignedDuration::from_mins(minutes));
            let cache = Cache { path: "/home/ana/.codex/c.json".to_owned(), owner: 1000, expires };
            weaknesses(&Facts { caches: vec![cache], ..Facts::default() }, "", now())
        };
        let used = found(30);
        assert!(used.len() == 1 && used[0].contains("that user 1000 can rewrite"), "{used:?}");
        assert!(!used[0].contains("somebody has written it"));
        assert!(found(90)[0].contains("somebody has written it"));
        assert_eq!(found(-1), [] as [String; 0]);
        let cache = Cache { path: String::new(), owner: 1000, expires: None };
        let facts = Facts { caches: vec![cache], ..Facts::default() };
        assert_eq!(weaknesses(&facts, "", now()), [] as [String; 0]);
    }

    #[test]
    fn preferences_that_nobody_forces_and_a_second_codex_are_told() {
        let facts = Facts {
            unforced: vec!["/Library/Preferences/com.openai.codex.plist".to_owned()],
            programs: vec![("/a".to_owned(), Some("0.169.0".to_owned())), ("/b".to_owned(), None)],
            ..Facts::default()
        };
        let found = weaknesses(&facts, BOXED, now());
        assert_eq!(found[1], "2 programs are Codex here: 0.169.0 /a, unknown version /b");
        assert!(found[0].contains("no management forces"), "{found:?}");
    }

    #[test]
    fn rules_that_allow_weaken_a_sandbox_that_no_deny_read_holds() {
        let allowing = vec![("/home/ana/.codex/rules/default.rules".to_owned(), 2)];
        let facts = Facts { allowing, ..Facts::default() };
        let escape = vec![("/home/ana/.codex/rules/\u{1b}[2J.rules".to_owned(), 1)];
        let escaped = Facts { allowing: escape, ..Facts::default() };
        assert!(weaknesses(&escaped, BOXED, now())[0].contains("/?[2J.rules"));
        let found = weaknesses(&facts, BOXED, now());
        assert!(found.len() == 1 && found[0].contains("2 rules that allow"), "{found:?}");
        let network = "[experimental_network]\nenabled = true\n";
        assert_eq!(weaknesses(&facts, network, now()).len(), 1);
        let nothing: [String; 0] = [];
        assert_eq!(weaknesses(&facts, &format!("{BOXED}{HELD}"), now()), nothing);
        assert_eq!(weaknesses(&facts, "allow_appshots = false\n", now()), nothing);
        let free = "allowed_sandbox_modes = ['read-only', 'danger-full-access']\n";
        assert_eq!(weaknesses(&facts, free, now()), nothing);
        let empty = format!("{BOXED}[permissions.filesystem]\ndeny_read = []\n");
        assert_eq!(weaknesses(&facts, &empty, now()).len(), 1);
    }

    #[test]
    fn only_rules_that_surely_ask_or_forbid_do_not_allow() {
        assert_eq!(allowing("prefix_rule(pattern=[\"git\"], decision=\"allow\")"), 1);
        assert_eq!(allowing("prefix_rule(pattern=['git'])\nprefix_rule(['a'], 'allow')"), 2);
        assert_eq!(allowing("prefix_rule(\n  pattern=['a'],\n  decision = 'prompt',\n)"), 0);
        assert_eq!(allowing("prefix_rule(pattern=['a'], decision='forbidden')"), 0);
        assert_eq!(allowing("# prefix_rule(pattern=['a'])\nhost_executable(name='x')"), 0);
        assert_eq!(allowing("prefix_rule(pattern=['#'], decision='allow') # decision='prompt'"), 1);
        assert_eq!(allowing("d = 'al' + 'low'\nprefix_rule(pattern=['a'], decision=d)"), 1);
        assert_eq!(allowing("for x in y: f = prefix_rule"), 0);
    }
}
