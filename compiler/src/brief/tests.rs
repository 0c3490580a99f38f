//! The brief is short, says nothing secret, and nothing that the decision engine does not say.

use proptest::prelude::*;

use super::{Brief, MOST_LINES, brief};
use crate::decide;
use crate::evaluate::{Evaluation, evaluate};
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::machine::{Machine, Os};

fn machine(requirements: &str) -> Evaluation {
    let machine = Machine {
        os: Os::Linux,
        hostname: "host".to_owned(),
        home: "/home/kim".to_owned(),
        codex_home: "/home/kim/.codex".to_owned(),
        cwd: "/home/kim/src".to_owned(),
        version: codex_schema::version::Version::NEWEST,
    };
    let mut files = MemoryFiles::default();
    files.put("/etc/codex/requirements.toml", requirements);
    evaluate(machine, &files, &Extra::default())
}

/// Every name is put to the engine again.
fn assert_true(evaluation: &Evaluation, brief: &Brief) {
    for statement in brief.sections.iter().flat_map(|section| &section.statements) {
        for name in &statement.names {
            let answer = decide::answer(evaluation, &name.witness);
            assert_eq!(Some(answer.verdict), statement.verdict, "{name:?} {answer:?}");
        }
    }
    assert!(brief.text().lines().count() <= MOST_LINES, "{}", brief.text());
}

#[test]
fn what_it_says_is_true() {
    let evaluation = machine(
        "allowed_approval_policies = ['on-request']\n\
         mcp_servers = { docs = { identity = { url = 'https://docs.example' } } }\n\
         [experimental_network]\nenabled = true\nmanaged_allowed_domains_only = true\n\
         [experimental_network.domains]\n'*.good.example' = 'allow'\n'bad.good.example' = 'deny'\n\
         'lost.bad.example' = 'allow'\n'**.bad.example' = 'deny'\n\
         [permissions.filesystem]\ndeny_read = ['~/.ssh']\n[features]\nmemories = false\n\
         [rules]\nprefix_rules = [\n\
         { pattern = [{ token = 'sudo' }], decision = 'forbidden', justification = 'no' },\n\
         { pattern = [{ token = 'sudo' }, { token = 'ls' }], decision = 'prompt', justification = 'x' },\n\
         { pattern = [{ token = 'git' }, { any_of = ['push', 'tag'] }], decision = 'prompt' },\n]\n",
    );
    let brief = brief(&evaluation);
    assert_true(&evaluation, &brief);
    let text = brief.text();
    for line in [
        "- Denied: `sudo` (no)",
        "- Asked about first: `git push|tag`",
        "- Denied, and cannot be approved: `bad.good.example`, `**.bad.example`",
        "- Allowed: `*.good.example`\n",
        "- Any other host is denied",
        "- Never read, whoever approves it: `~/.ssh`",
        "- Allowed, as the policy describes them: `docs`",
        "- Off, whatever is configured: `memories`",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // A forbidden program is not also asked about, and a denied host is not also allowed.
    assert!(!text.contains("sudo ls") && !text.contains("lost.bad.example"), "{text}");
}

#[test]
fn no_policy_is_said_to_be_none() {
    let text = brief(&machine("")).text();
    assert!(text.contains("This session runs in the permission profile `:read-only`"), "{text}");
}

#[test]
fn a_refused_policy_is_said_to_be_refused() {
    let made = brief(&machine("allowed_sandbox_modes = ['workspace-write']\n"));
    assert!(made.refusal.is_some() && made.sections.is_empty());
    assert!(made.text().contains("Codex starts no session with this policy"));
}

#[test]
fn no_secret_is_in_it() {
    let evaluation = machine(
        "[otel]\nexporter = { otlp-http = { endpoint = 'https://t.example', protocol = 'binary', \
         headers = { authorization = 'Bearer hunter2' } } }\n\
         [mcp_servers.docs]\nidentity = { url = 'https://docs.example/?token=hunter2' }\n",
    );
    let made = brief(&evaluation);
    assert!(!made.text().contains("hunter2"), "{}", made.text());
    assert!(!serde_json::to_string(&made).unwrap().contains("hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However large a policy is and whatever its texts are.
    #[test]
    fn it_is_short_and_true(
        hosts in prop::collection::btree_map("(\\*\\*?\\.)?[a-c]{1,2}(\\.[a-c]{1,2}){0,2}", any::<bool>(), 0..60),
        rules in prop::collection::vec(
            (prop::collection::vec("[a-c]{1,2}", 1..4), 0..3_usize, "[ -~\u{e4}\n]{0,300}"), 0..60),
        reads in prop::collection::btree_set("~/[a-c]{1,3}(/[a-c]{1,3})?", 0..40),
        enabled: bool,
        only: bool,
    ) {
        let mut text = format!(
            "[experimental_network]\nenabled = {enabled}\nmanaged_allowed_domains_only = {only}\n\
             [experimental_network.domains]\n"
        );
        for (host, allow) in &hosts {
            text += &format!("'{host}' = '{}'\n", if *allow { "allow" } else { "deny" });
        }
        let reads: Vec<&String> = reads.iter().collect();
        text += &format!("[permissions.filesystem]\ndeny_read = {reads:?}\n");
        if !rules.is_empty() {
            text += "[rules]\nprefix_rules = [\n";
        }
        for (words, decision, reason) in &rules {
            let words: Vec<String> = words.iter().map(|word| format!("{{token = '{word}'}}")).collect();
            let decision = ["prompt", "forbidden", "prompt-user"][*decision];
            let reason = toml::Value::String(format!("x{reason}"));
            let reason = reason.to_string();
            let reason = if reason.contains('\n') { "'x'".to_owned() } else { reason };
            text += &format!(
                "{{pattern = [{}], decision = '{decision}', justification = {reason}}},\n",
                words.join(", ")
            );
        }
        if !rules.is_empty() {
            text += "]\n";
        }
        let evaluation = machine(&text);
        prop_assert!(evaluation.refusals.is_empty(), "{:?}\n{text}", evaluation.refusals);
        assert_true(&evaluation, &brief(&evaluation));
    }
}
