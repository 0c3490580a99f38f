//! Answers about MCP servers, features and settings, as text.

use serde_json::json;

use super::answer;
use super::question::{Launch, Question};
use crate::evaluate::evaluate;
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::machine::{Machine, Os};
use codex_schema::version::Version;

/// What becomes of a question on a machine with these requirements and this configuration.
fn told(requirements: &str, config: &str, question: &Question) -> String {
    let mut files = MemoryFiles::default();
    files.put("/etc/codex/requirements.toml", requirements);
    files.put("/home/kim/.codex/config.toml", config);
    let machine = Machine {
        os: Os::Linux,
        hostname: "host".to_owned(),
        home: "/home/kim".to_owned(),
        codex_home: "/home/kim/.codex".to_owned(),
        cwd: "/home/kim".to_owned(),
        version: Version::NEWEST,
    };
    let evaluation = evaluate(machine, &files, &Extra::default());
    let answer = answer(&evaluation, question);
    let mut text = format!("{}: {}\n", answer.verdict.word(), answer.because);
    for entry in &answer.entries {
        let place = evaluation.documents().place(entry.span);
        text.push_str(&format!("  {} {} at {place}\n", entry.key, entry.text));
    }
    for near in &answer.near {
        text.push_str(&format!("  near {}: {}\n", near.entry.text, near.differs));
    }
    text
}

fn server(name: &str, launch: Option<Launch>) -> Question {
    Question::Server { name: name.to_owned(), launch }
}

const SERVERS: &str = "[mcp_servers.docs.identity]\nurl = 'https://docs.example/mcp'\n\
    [mcp_servers.build.identity]\ncommand = { executable = 'npx', args = [\n\
    { match = 'exact', value = '-y' }, { match = 'prefix', value = 'bui' }] }\n";

#[test]
fn servers_are_held_against_the_list() {
    let address = |url: &str| Some(Launch::Address(url.to_owned()));
    let program = |words: &[&str]| {
        Some(Launch::Program(words.iter().map(|word| (*word).to_owned()).collect()))
    };
    let ask = |name: &str, launch| told(SERVERS, "", &server(name, launch));
    assert!(ask("docs", address("https://docs.example/mcp")).starts_with("allow: "));
    assert!(ask("docs", address("https://evil.example/mcp")).starts_with("deny: the list has"));
    assert!(ask("build", program(&["npx", "-y", "build"])).starts_with("allow: "));
    assert!(ask("build", program(&["npx", "-y", "other"])).starts_with("deny: the list has"));
    assert_eq!(
        ask("dosc", None),
        "deny: it is not on the list of allowed servers\n  \
         mcp_servers 2 servers at /etc/codex/requirements.toml:1:14\n  \
         near docs = {\"url\":\"https://docs.example/mcp\"}: `docs` is not `dosc`\n"
    );
    assert!(told("", "", &server("docs", None)).starts_with("unmanaged: "));
    let off = "[mcp_servers.docs]\nurl = 'https://docs.example/mcp'\nenabled = false\n";
    assert!(told(SERVERS, off, &server("docs", None)).contains("switches it off"));
    let other = "[mcp_servers.docs]\nurl = 'https://evil.example/mcp'\n";
    assert!(told(SERVERS, other, &server("docs", None)).starts_with("deny: "));
}

#[test]
fn features_tell_who_holds_them() {
    let ask = |requirements: &str, config: &str, name: &str| {
        told(requirements, config, &Question::Feature(name.to_owned()))
    };
    assert_eq!(
        ask("[features]\nmemories = false\n", "[features]\nmemories = true\n", "memories"),
        "deny: the policy pins it off, whatever is configured\n  \
         features memories = false at /etc/codex/requirements.toml:2:1\n"
    );
    assert!(
        ask("", "[features]\nmemories = true\n", "memories").starts_with("unmanaged: it is on")
    );
    assert!(ask("[features]\ncodex_hooks = true\n", "", "hooks").starts_with("allow: "));
    assert!(ask("", "", "no_such_feature").starts_with("deny: Codex 0.169.0 has no such feature"));
}

#[test]
fn settings_are_tried() {
    let ask = |requirements: &str, key: &str, value| {
        let key = key.to_owned();
        told(requirements, "", &Question::Setting { key, value })
    };
    let policies = "allowed_approval_policies = ['on-request']\n";
    assert_eq!(
        ask(policies, "approval_policy", json!("never")),
        "deny: the policy does not allow it: Codex uses \"on-request\" instead\n  \
         allowed_approval_policies [\"on-request\"] at /etc/codex/requirements.toml:1:29\n"
    );
    assert!(ask(policies, "approval_policy", json!("on-request")).starts_with("allow: "));
    assert!(ask(policies, "model", json!("x")).starts_with("unmanaged: "));
    assert!(ask(policies, "modle", json!("x")).starts_with("unmanaged: Codex knows no such key"));
    let pinned = "log_dir = '/var/log/codex'\n";
    assert!(ask(pinned, "log_dir", json!("/tmp")).starts_with("deny: "));
}

#[test]
fn a_refused_policy_answers_everything() {
    let refused = told("allowed_approval_policies = []\n", "", &server("docs", None));
    assert!(refused.starts_with("deny: Codex refuses its policy"), "{refused}");
}
