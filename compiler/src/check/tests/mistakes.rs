use super::seeded::MISTAKES;
use super::*;

#[test]
fn every_mistake_gives_exactly_its_one_diagnostic() {
    let mut wrong = Vec::new();
    for mistake in MISTAKES {
        let report = check_one(mistake.file, mistake.text, &[]);
        let found = listing(&report);
        let start = format!("{} {} ", mistake.code, mistake.at);
        let is_right = |one: &String| one.starts_with(&start) && one.contains(mistake.says);
        let fits = matches!(found.as_slice(), [one] if is_right(one));
        if !fits {
            wrong.push(format!(
                "{:?}\n  expected {start}…{}\n  found {found:#?}",
                mistake.text, mistake.says
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), MISTAKES.len(), wrong.join("\n"));
}

#[test]
fn a_good_file_gives_none() {
    for (file, text) in [
        ("requirements.toml", GOOD),
        // The folder of a person: no project's.
        ("/home/a/.codex/config.toml", "notify = [\"a\"]\n"),
        ("/root/.codex/config.toml", "notify = [\"a\"]\n"),
        ("/Users/a/.codex/config.toml", "notify = [\"a\"]\n"),
        ("default.rules", "prefix_rule(pattern = [\"git\", \"push\"], decision = \"prompt\")\n"),
        (
            "bundle.json",
            "{\"requirements_toml\":{\"enterprise_managed\":[{\"id\":\"a\",\"name\":\"n\",\
             \"contents\":\"allow_appshots = true\"}]}}",
        ),
    ] {
        assert_eq!(listing(&check_one(file, text, &[])), [""; 0], "{file}");
    }
    let plist = profile("requirements_toml_base64", &encoded(GOOD));
    assert_eq!(listing(&check_one("a.plist", plist, &[])), [""; 0]);
}

const GOOD: &str = r#"
allowed_approval_policies = ["on-request"]
allowed_sandbox_modes = ["read-only", "workspace-write"]
allowed_web_search_modes = ["cached"]
[features]
hooks = true
memories = false
[[hooks.PreToolUse]]
matcher = "^Bash$"
hooks = [{ type = "command", command = "/opt/hooks/check" }]
[rules]
prefix_rules = [
  { pattern = [{ token = "git" }, { any_of = ["push", "fetch"] }], decision = "prompt" },
]
[experimental_network]
enabled = true
[experimental_network.domains]
"**.example.com" = "allow"
"evil.example.com" = "deny"
[permissions.filesystem]
deny_read = ["~/.ssh"]
"#;

/// 25 mistakes in one file: nothing hides anything else.
const TWENTY_FIVE: &str = r#"
allowed_sandbox_mode = ["read-only"]
sandbox_mode = "read-only"
forced_login_method = "api"
allowed_permissions = [":read-only"]
allow_appshots = "yes"
allow_remote_control = 5
allowed_approval_policies = []
allowed_approvals_reviewers = ["robot"]
allowed_sandbox_modes = ["workspace-write"]
allowed_web_search_modes = ["cached", "cached"]
enforce_residency = "eu"
allowed_login_methods = ["password"]
default_permissions = ":workspace"
sqlite_home = 7
[features]
memries = true
hooks = "on"
[experimental_network]
enabled = true
http_port = "eighty"
[experimental_network.domains]
"*" = "deny"
"http://a.example" = "deny"
"b.example:443" = "allow"
[rules]
prefix_rules = [
  { pattern = [{ token = "git" }], decision = "allow" },
  { pattern = [], decision = "prompt" },
  { pattern = [{ token = "rm" }], decision = "forbid" },
]
[otel]
log_user_promt = false
[windows]
allowed_sandbox_implementations = []
"#;

#[test]
fn twenty_five_mistakes_in_one_file_give_twenty_five_diagnostics() {
    let report = check_one("requirements.toml", TWENTY_FIVE, &[]);
    let found = listing(&report);
    assert_eq!(found.len(), 25, "{found:#?}");
    for diagnostic in &report.diagnostics {
        assert!(diagnostic.primary.span.start < diagnostic.primary.span.end, "{diagnostic:?}");
        assert!(!diagnostic.effects.is_empty(), "{diagnostic:?}");
        assert!(diagnostic.help.is_some(), "{diagnostic:?}");
    }
}

#[test]
fn a_misspelt_key_says_what_was_meant_and_what_every_version_does() {
    let report = check_one("requirements.toml", "allowed_sandbox_mode = [\"read-only\"]\n", &[]);
    let [found] = report.diagnostics.as_slice() else { panic!("{:?}", listing(&report)) };
    assert_eq!(found.severity, Severity::Error);
    assert_eq!(found.suggestion.as_deref(), Some("allowed_sandbox_modes"));
    let effects: Vec<String> =
        found.effects.iter().map(codex_schema::diagnostic::Effect::sentence).collect();
    assert_eq!(
        effects,
        [
            "Codex 0.155 and older: ignores it without a word",
            "Codex 0.156 and newer: warns the developer and ignores it",
        ]
    );
}

#[test]
fn older_versions_of_interest_are_told_apart() {
    let old = |minor| Version::of(minor);
    for (text, version, expected) in [
        ("[permissions.filesystem]\ndeny_read = [\"/x\"]\n", old(110), "CX0301 1:2 "),
        ("allowed_web_search_modes = [\"indexed\"]\n", old(118), "CX0303 1:29 "),
        ("[features]\nmemories = true\n", old(98), "CX0301 1:2 "),
        ("[features]\nasync_compaction = true\n", old(118), "CX0210 2:1 "),
        (
            "[rules]\nprefix_rules = [{ pattern = [{ token = \"a\" }], \
             decision = \"prompt-user\" }]\n",
            old(138),
            "CX0303 2:",
        ),
    ] {
        let found = listing(&check_one("requirements.toml", text, &[version, Version::NEWEST]));
        assert!(
            matches!(found.as_slice(), [one] if one.starts_with(expected)),
            "{text}: {found:#?}"
        );
        assert_eq!(listing(&check_one("requirements.toml", text, &[])), [""; 0], "{text}");
    }
}

/// A version that does not know a control says nothing of what else is wrong with it.
#[test]
fn what_concerns_no_version_of_interest_is_not_said() {
    let text = "[[hooks.PreToolUse]]\nmatcher = \"(\"\nhooks = []\n";
    let found = listing(&check_one("requirements.toml", text, &[Version::of(118)]));
    assert!(matches!(found.as_slice(), [one] if one.starts_with("CX0301 1:3 ")), "{found:?}");
}
