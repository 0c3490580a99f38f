//! `codex-config requirements` is the offline twin of Codex's own answer: whole documents are
//! compared, not parts of them.

use codex_agreement::predict::evaluation;
use codex_compiler::compose::startup_json::Secrets;
use codex_oracle::{World, WorldSpec, install, isolated, require_or_announce};
use codex_schema::version::Version;
use serde_json::Value as Json;

const POLICIES: &[&str] = &[
    "",
    "allowed_approval_policies = [\"on-request\"]\nallow_appshots = false\n[features]\nhooks = true\n",
    "experimental_network = { enabled = true, domains = { \"a.example\" = \"allow\" } }\n",
    "allowed_sandbox_modes = [\"workspace-write\"]\n",
    "allowed_approval_policies = [\"Never\"]\n",
    "x = = 1\n",
];

#[test]
fn the_whole_answer_is_that_of_codex() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let answers = isolated(|isolation| {
        let ask = |policy: &&str| {
            let spec = WorldSpec::new().file("/etc/codex/requirements.toml", policy);
            let world = World::build(isolation, &binary, &spec).unwrap();
            let finished = world.run(&["app-server", "--print-startup-config"]).unwrap();
            let line = finished.stdout.lines().find(|line| line.starts_with('{')).unwrap();
            (spec, finished.code, serde_json::from_str::<Json>(line).unwrap())
        };
        POLICIES.iter().map(ask).collect::<Vec<_>>()
    });
    let Some(answers) = require_or_announce(answers) else { return };
    for (spec, code, codex) in answers {
        let model = evaluation(&spec, Version::NEWEST).config_requirements(Secrets::AsCodexPrints);
        match model {
            Ok(ours) => {
                assert_eq!(code, 0, "{codex}");
                assert_eq!(Some(&ours), codex.get("configRequirements"));
                // The order of the fields is Codex's too.
                let theirs = codex["configRequirements"].to_string();
                assert_eq!(ours.to_string(), theirs);
            }
            Err(ours) => {
                assert_eq!(code, 1, "{codex}");
                assert_eq!(ours, codex);
            }
        }
    }
}
