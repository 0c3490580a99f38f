//! What depends on versions, sizes and spelling.

use std::fmt::Write as _;

use codex_schema::diagnostic::{Edit, Outcome};

use super::*;

#[test]
fn versions_are_asked_one_by_one() {
    let versions = [Version::of(128), Version::patched(157, 1), Version::of(169)];
    let requirements = "allowed_web_search_modes = [\"indexed\"]\n[otel]\nenvironment = \"prod\"\n\
                        [mcp_servers.a.identity]\ncommand = { executable = \"a\", args = [] }\n";
    let found = Policy { requirements, versions: &versions, ..GOOD }.ask(versions_gate);
    let listed: Vec<(Code, bool)> = found
        .iter()
        .map(|one| {
            let refuses =
                |outcome| matches!(outcome, Outcome::RefusesToStart | Outcome::RefusesSessions);
            (one.code, one.effects.iter().any(|effect| refuses(effect.outcome)))
        })
        .collect();
    let expected =
        [(Code::ValueRefused, true), (Code::KeyTooNew, false), (Code::ValueRefused, true)];
    assert_eq!(listed, expected, "{found:#?}");
    let newest = Policy { requirements, versions: &[Version::of(169)], ..GOOD };
    assert!(newest.ask(versions_gate).is_empty());
}

#[test]
fn the_pin_of_hooks_has_the_name_that_every_version_reads() {
    let codes = |versions: &[Version]| Policy { versions, ..GOOD }.codes();
    assert_eq!(codes(&[Version::of(128), Version::of(169)]), [Code::HooksNotPinned]);
    assert!(codes(&[Version::of(129), Version::of(169)]).is_empty());
}

#[test]
fn fixes_are_written_under_the_names_of_their_document() {
    let fixes = |requirements| -> Vec<Vec<Edit>> {
        let found = Policy { requirements, ..GOOD }.ask(lint);
        found.into_iter().filter_map(|one| Some(one.fix?.edits)).collect()
    };
    let set = |path: &[&str]| {
        let path = path.iter().map(|name| (*name).to_owned()).collect();
        vec![Edit::Set { source: SourceId(0), path, value: "true".to_owned() }]
    };
    let hooks = "[[hooks.Stop]]\nhooks = [{ type = \"prompt\" }]\n";
    assert_eq!(fixes(hooks), [set(&["features", "hooks"])]);
    let former = format!("[feature_requirements]\nmemories = false\n{hooks}");
    assert!(fixes(&former).is_empty());
    let domains = "[network_proxy.domains]\n\"a.example\" = \"deny\"\n";
    assert_eq!(fixes(domains), [set(&["network_proxy", "enabled"])]);
    let shared = "[permissions.network.domains]\n\"a.example\" = \"deny\"\n";
    assert_eq!(fixes(shared), [set(&["permissions", "network", "enabled"])]);
}

/// A policy with rules and denied hosts.
fn large(rules: usize, domains: usize) -> String {
    let mut text =
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n".to_owned();
    for number in 0..domains {
        writeln!(text, "\"host{number}.example\" = \"deny\"").unwrap();
    }
    text.push_str("[rules]\nprefix_rules = [\n");
    for number in 0..rules {
        writeln!(text, "{{ pattern = [{{ token = \"tool{number}\" }}], decision = \"prompt\" }},")
            .unwrap();
    }
    text.push_str("]\n[permissions.filesystem]\ndeny_read = [\"/srv/x\"]\n");
    text
}

#[test]
fn large_policies_cost_time_at_every_start() {
    let codes = |rules, domains| {
        let requirements = large(rules, domains);
        Policy { requirements: &requirements, ..GOOD }.codes()
    };
    assert!(codes(100, 1_000).is_empty());
    assert_eq!(codes(5_000, 10_000), [Code::StartupCost]);
}

/// Dead rules are found without comparing every rule with every other.
#[test]
fn twenty_thousand_rules_are_compared_in_time() {
    let requirements = large(20_000, 0);
    let begun = std::time::Instant::now();
    assert_eq!(Policy { requirements: &requirements, ..GOOD }.codes(), [Code::StartupCost]);
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
