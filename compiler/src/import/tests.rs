//! Machines as repositories, told in texts.

use super::*;
use crate::evaluate::evaluate;
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::gather::bundle::BundleAnswer;
use crate::machine::{Machine, Os};
use codex_schema::version::Version;

fn imported(files: &[(&str, &str)], bundle: Option<&str>) -> Result<Imported, ImportError> {
    let mut memory = MemoryFiles::default();
    for (path, text) in files {
        memory.put(*path, *text);
    }
    let machine = Machine {
        os: Os::Linux,
        hostname: "host-1".to_owned(),
        home: "/home/kim".to_owned(),
        codex_home: "/home/kim/.codex".to_owned(),
        cwd: "/srv".to_owned(),
        version: Version::NEWEST,
    };
    let bundle =
        bundle.map(|text| ("answer".to_owned(), BundleAnswer::Body(text.as_bytes().to_vec())));
    let extra = Extra { bundle, ..Extra::default() };
    import(&evaluate(machine, &memory, &extra), &memory, "Example".to_owned())
}

const SYSTEM: &str = "/etc/codex/requirements.toml";

fn bundle(requirements: &[&str]) -> String {
    let fragments: Vec<serde_json::Value> = requirements
        .iter()
        .enumerate()
        .map(
            |(at, text)| serde_json::json!({"id": format!("f{at}"), "name": "F", "contents": text}),
        )
        .collect();
    serde_json::json!({"requirements_toml": {"enterprise_managed": fragments}}).to_string()
}

#[test]
fn a_single_file_is_taken_as_it_is() {
    let text = "# why\nallow_appshots = false # and here\n\n[permissions.filesystem]\n\
                deny_read = ['~/.ssh', 'relative']\n";
    let files = [(SYSTEM, text), ("/etc/codex/rules/a.rules", "# nothing\n")];
    let imported = imported(&files, None).unwrap();
    let taken = &imported.texts["baseline/requirements.toml"];
    assert!(taken.ends_with(text), "{taken}");
    assert_eq!(imported.texts["baseline/rules/a.rules"], "# nothing\n");
    assert_eq!(imported.notes, [""; 0]);
}

#[test]
fn paths_of_one_person_are_paths_of_everybody() {
    let files = [(SYSTEM, "[permissions.filesystem]\ndeny_read = ['~/.ssh', '/srv', 'x']\n")];
    let bundle = bundle(&["[permissions.filesystem]\ndeny_read = ['own', '~']\n"]);
    let imported = imported(&files, Some(&bundle)).unwrap();
    let text = &imported.texts["baseline/requirements.toml"];
    let expect = "deny_read = [\"~/.codex/own\", \"~\", \"~/.ssh\", \"/srv\", \"/etc/codex/x\"]\n";
    assert!(text.contains(expect), "{text}");
}

#[test]
fn every_host_keeps_its_sandbox_modes() {
    let entry = |host: &str, modes: &str| {
        format!(
            "remote_sandbox_config = [{{hostname_patterns=['{host}'], allowed_sandbox_modes=[{modes}]}}]\n"
        )
    };
    let low = format!("allowed_sandbox_modes = ['read-only']\n{}", entry("z-*", "'read-only'"));
    let middle = format!(
        "allowed_sandbox_modes = ['read-only', 'workspace-write']\n{}",
        entry("b-*", "'read-only'")
    );
    let high = entry("a-*", "'read-only', 'danger-full-access'");
    let imported = imported(&[(SYSTEM, &low)], Some(&bundle(&[&high, &middle]))).unwrap();
    let text = &imported.texts["baseline/requirements.toml"];
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"));
    assert!(at("a-*") < at("b-*"), "{text}");
    assert!(!text.contains("z-*"), "no host gets that far: {text}");
    at("allowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n");
}

#[test]
fn what_is_lost_or_weaker_is_told() {
    let files = [
        (SYSTEM, "zzz = 1\n[config_server]\nbase_url = 'https://policy.example/b'\n"),
        ("/etc/codex/managed_config.toml", "model = 'm'\napproval_policy = 'on-request'\n"),
        ("/etc/codex/hooks.json", "{}"),
    ];
    let bundle =
        bundle(&["cli_auth_credentials_store = 'keyring'\n[otel]\nexporter = { otlp-http = { \
                           endpoint = 'https://o.example', protocol = 'json', headers = { \
                           authorization = 'Bearer x' } } }\n"]);
    let imported = imported(&files, Some(&bundle)).unwrap();
    let expect = [
        "baseline/requirements.toml holds secrets (line 11)",
        "left out `zzz`, which Codex 0.169.0 does not know (/etc/codex/requirements.toml:1:1)",
        "left out `cli_auth_credentials_store`, which Codex ignores in a bundle",
        "managed_config.toml overrode what people set for `model`;",
        "left out `config_server`",
        "/etc/codex/hooks.json is not part of a repository",
    ];
    assert_eq!(imported.notes.len(), expect.len(), "{:#?}", imported.notes);
    for (note, expect) in imported.notes.iter().zip(expect) {
        assert!(note.starts_with(expect), "{note}");
    }
}

#[test]
fn what_codex_refuses_or_nobody_wrote_is_not_imported() {
    let refused = |files: &[(&str, &str)]| imported(files, None).unwrap_err().to_string();
    assert!(
        refused(&[(SYSTEM, "allowed_sandbox_modes = ['workspace-write']\n")])
            .starts_with("Codex 0.169.0 refuses this policy, so nothing was imported: ")
    );
    assert!(refused(&[(SYSTEM, "allow_appshots = \n")]).contains("refuses this policy"));
    assert!(refused(&[(SYSTEM, "# nothing\n")]).starts_with("there is no policy"));
    assert!(refused(&[]).starts_with("there is no policy"));
    // A person's own mistakes are not the policy's.
    let own = ("/home/kim/.codex/config.toml", "model = \n");
    assert!(imported(&[(SYSTEM, "allow_appshots = false\n"), own], None).is_ok());
}
