//! The list of MCP servers: in a home with servers that the policy does not let through, Codex says
//! which of them it would start. It starts none for that.

use codex_schema::value::{Table, Value};
use serde_json::Value as Json;

use super::{Key, Probed, quoted};
use crate::attest::ask::{Asker, run};
use crate::attest::find::Program;

const KEY: Key = Key::Servers;

/// A name and a program that nobody lists.
const STRANGER: &str = "codex-agent-probe";

/// The most servers that are asked about.
const MOST: usize = 32;

/// A server that must not start, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Asks, where the policy has a list.
pub(super) fn probe(program: &Program, policy: &Table, asker: &Asker) -> Option<Probed> {
    let list = policy.at(&["mcp_servers"])?;
    let Some(list) = list.value.as_table() else {
        return Some(Probed::nothing(KEY, "the list cannot be read"));
    };
    let (foreign, not_asked) = questions(list);
    let mut probed = Probed { not_asked, ..Probed::new(KEY) };
    match listed(program, &foreign, asker) {
        Err(reason) => probed.not_asked.push(reason),
        Ok(shown) => judge(list, &foreign, &shown, &mut probed),
    }
    Some(probed)
}

/// Servers that the list refuses: one with a name of its own, and for every name that it has one
/// with another program. With them what cannot be asked.
pub fn questions(list: &Table) -> (Vec<Foreign>, Vec<String>) {
    let what = "it is not on the list";
    let mut foreign = vec![Foreign { name: STRANGER.to_owned(), what }];
    let mut not_asked = Vec::new();
    for entry in list {
        let name = &*entry.key.value;
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let identity = entry.node.at(&["identity"]);
        let is_plain = match identity.and_then(|it| it.at(&["command"])).map(|it| &it.value) {
            // Only addresses are let through under this name.
            None => identity.is_some_and(|it| it.at(&["url"]).is_some()),
            Some(Value::String(_)) => true,
            Some(_) => {
                let program = identity.and_then(|it| it.at(&["command", "executable"]));
                program.is_some_and(|program| program.value.as_str().is_some())
            }
        };
        if name.is_empty() || !name.chars().all(plain) {
            not_asked.push(format!("{}: Codex takes no server of that name", quoted(name)));
        } else if !is_plain {
            not_asked.push(format!("{}: it has no program of one name", quoted(name)));
        } else if foreign.len() == MOST {
            not_asked.push(format!("more than {MOST} servers"));
            break;
        } else {
            let what = "it is another program than the list has";
            foreign.push(Foreign { name: name.to_owned(), what });
        }
    }
    (foreign, not_asked)
}

fn listed(program: &Program, foreign: &[Foreign], asker: &Asker) -> Result<Json, String> {
    let one = |it: &Foreign| format!("[mcp_servers.{}]\ncommand = \"{STRANGER}\"\n", it.name);
    let config: String = foreign.iter().map(one).collect();
    let home = asker.home(program, &[("config.toml", &config)])?;
    let said = run(program, &home, &["mcp", "list", "--json"])?;
    serde_json::from_str::<Json>(&said.stdout).ok().filter(Json::is_array).ok_or_else(|| {
        let line = said.stderr.lines().rfind(|line| line.contains("rror")).unwrap_or_default();
        format!("it lists no servers: {}", quoted(line))
    })
}

/// Holds what Codex lists against the list of the policy.
fn judge(list: &Table, foreign: &[Foreign], shown: &Json, probed: &mut Probed) {
    let servers = shown.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |server: &Json, key: &str| {
        server.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    for one in foreign {
        let found = servers.iter().find(|server| text(server, "name") == one.name);
        let Some(server) = found else {
            probed.not_asked.push(format!("`{}`: Codex does not list it", one.name));
            continue;
        };
        let enabled = server.get("enabled").and_then(Json::as_bool);
        if enabled == Some(false) && text(server, "disabled_reason").starts_with("requirements") {
            probed.proved += 1;
        } else if enabled == Some(true) {
            let (name, what) = (&one.name, one.what);
            let text = format!("Codex would start an MCP server `{name}` although {what}");
            probed.differences.push(text);
        } else {
            let reason = quoted(&text(server, "disabled_reason"));
            probed
                .not_asked
                .push(format!("`{}`: it is off for another reason: {reason}", one.name));
        }
    }
    // Those of the system's configuration, which nobody asked about.
    for server in servers {
        let name = text(server, "name");
        let is_ours = foreign.iter().any(|one| one.name == name);
        let is_on = server.get("enabled").and_then(Json::as_bool) == Some(true);
        if !is_ours && is_on && list.get(&name).is_none() {
            let name = quoted(&name);
            probed.differences.push(format!("Codex would start {name}, which is not on the list"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_match_another_program_is_not_asked_about() {
        let list = "[docs.identity]\ncommand = 'docs'\n[web.identity]\nurl = 'https://x.example'\n\
                    [args.identity.command]\nexecutable = 'run'\nargs = []\n\
                    [any.identity.command]\nexecutable = { match = 'regex', expression = '.*' }\n\
                    ['a b'.identity]\ncommand = 'x'\n";
        let read = codex_schema::reader::read_toml(list, codex_schema::span::SourceId(0));
        let (foreign, not_asked) = questions(&read.root);
        let names: Vec<&str> = foreign.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, [STRANGER, "docs", "web", "args"]);
        assert_eq!(not_asked.len(), 2, "{not_asked:?}");
    }
}
