//! What the OpenAPI document says is what the server does: asked by schemathesis, a foreign program,
//! with thousands of requests that the document allows and thousands that it does not.
//!
//! `SCHEMATHESIS` names the program where it is not on the path (`pip install schemathesis`);
//! `SCHEMATHESIS_EXAMPLES` sets how many requests are made up for each operation.

use std::path::{Path, PathBuf};
use std::process::Command;

use codex_fleet_server::store::tokens::Role;
use codex_oracle::{CannotRun, require_or_announce};

use crate::support::{Bank, Machine, Publisher, STRICT};

const CONFIG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fleet/fixtures/schemathesis.toml");

/// What was known to hold when this was written; a newer one may find more.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_schema_conformance,negative_data_rejection,positive_data_acceptance,\
     missing_required_header,unsupported_method,allow_header_conformance";

fn program() -> Result<PathBuf, CannotRun> {
    let program = std::env::var_os("SCHEMATHESIS").map_or("schemathesis".into(), PathBuf::from);
    let is_there = Command::new(&program).arg("--version").output().is_ok();
    let missing =
        CannotRun::MissingTool { tool: "schemathesis", purpose: "ask what the document says" };
    is_there.then_some(program).ok_or(missing)
}

/// Asks for the operations that a pattern of paths names.
fn ask(program: &Path, bank: &Bank, (paths, more): (&str, &str), words: &[&str]) {
    let examples = std::env::var("SCHEMATHESIS_EXAMPLES").unwrap_or_else(|_| "15".to_owned());
    let authority = bank.folder.path().join("authority.pem");
    let done = Command::new(program)
        .args(["--config-file", CONFIG, "run"])
        .arg(format!("{}/v1/openapi.json", bank.fleet.url()))
        .args(["--checks", &format!("{CHECKS}{more}"), "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", &examples, "--seed", "1", "--continue-on-failure"])
        .args(["--warnings", "off", "--include-path-regex", paths, "--tls-verify"])
        .arg(&authority)
        .args(words)
        .current_dir(bank.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{paths}: {said}{}", String::from_utf8_lossy(&done.stderr));
    println!("{}", said.lines().rev().take(12).collect::<Vec<_>>().join("\n"));
}

#[test]
#[ignore = "by hand, pip is not everywhere: pip install schemathesis"]
fn the_document_says_what_the_server_does() {
    let Some(program) = require_or_announce(program()) else { return };
    // Who waits for news is answered when a heartbeat is due.
    let bank = Bank::with(|config| config.pace.heartbeat_seconds = 1);
    let operator = bank.operator();
    for (name, bytes) in Publisher::default().release(STRICT) {
        assert!(operator.put(&format!("/v1/admin/release/{name}"), &bytes).status < 300, "{name}");
    }
    let token = bank.fleet.admin_token(Role::Admin).unwrap();
    let bearer = format!("Authorization: Bearer {token}");
    let administrators = "^/(v1/admin|metrics|healthz|readyz|v1/openapi|v1/enrol)";
    ask(&program, &bank, (administrators, ",ignored_auth"), &["-H", &bearer]);
    let machine = Machine::enrol(&bank.fleet, &bank.payments_token(), "host.bank.example");
    let file = |name: &str, text: &str| {
        let path = bank.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (certificate, key) =
        (file("machine.pem", &machine.certificate), file("machine.key", &machine.key));
    let shown = ["--request-cert", &certificate, "--request-cert-key", &key];
    // It shows its certificate in every request, so that it cannot ask what happens without; and what
    // is for a sign-in is not there without a provider.
    let machines = r"^/(v1/(renew|check-in|wait|requests)|release|codex/\{)";
    ask(&program, &bank, (machines, ""), &shown);
}
