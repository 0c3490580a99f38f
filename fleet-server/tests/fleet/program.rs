//! The program, as somebody at a console uses it.

use std::path::Path;
use std::process::Command;

use crate::support::root;

/// What a command printed, what it said, and how it ended.
fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_codex-fleet-server"))
        .args(arguments.split(' ').filter(|word| !word.is_empty()))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
}

fn made() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("root.json"), root()).unwrap();
    let init = "init --dir . --organisation Bank --root root.json --name localhost";
    // The root is copied to where it stands already.
    std::fs::rename(place.path().join("root.json"), place.path().join("1.root.json")).unwrap();
    let (code, out, told) = run(place.path(), &init.replace("root.json", "1.root.json"));
    assert_eq!((code, out.as_str()), (0, "./fleet.toml\n"), "{told}");
    place
}

#[test]
fn init_makes_what_can_be_run_and_never_writes_over_anything() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = made();
    for entry in std::fs::read_dir(place.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        let name = entry.file_name().into_string().unwrap();
        assert!(name == "1.root.json" || mode == 0o600, "{name}: {mode:o}");
    }
    let (code, out, told) = run(place.path(), "config check");
    assert_eq!((code, out.as_str()), (0, ""), "{told}");
    assert!(told.contains("root version 1, release 0"), "{told}");
    let again = "init --dir . --organisation Bank --root 1.root.json --name localhost";
    let (code, _, told) = run(place.path(), again);
    assert_eq!(code, 4);
    assert!(told.contains("fleet.toml is there already"), "{told}");
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let place = made();
    let (code, token, _) =
        run(place.path(), "token create --team payments --group laptops --for 2h");
    assert!(code == 0 && token.starts_with("ccenrol_"), "{token}");
    let (_, admin, _) = run(place.path(), "admin-token create --role viewer --name ana --for 30d");
    assert!(admin.starts_with("ccadmin_"), "{admin}");
    let (_, config, told) = run(place.path(), "config-token create --cohort payments");
    assert!(config.starts_with("/codex/ccconfig_") && told.contains("base_url"), "{config}{told}");
    let (_, list, _) = run(place.path(), "token list");
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.contains("team payments") && list.contains("viewer  ana"), "{list}");
    for secret in [&token, &admin, &config.replace("/codex/", "")] {
        assert!(!list.contains(secret.trim()), "{list}");
    }
    let (_, json, _) = run(place.path(), "token list --json");
    let id = serde_json::from_str::<serde_json::Value>(json.lines().next().unwrap()).unwrap();
    let id = id["id"].as_str().unwrap().to_owned();
    assert_eq!(run(place.path(), &format!("token revoke {id}")).0, 0);
    let (code, _, told) = run(place.path(), &format!("token revoke {id}"));
    assert_eq!(code, 1, "{told}");
    let (_, list, _) = run(place.path(), "token list");
    assert!(list.contains("revoked 20"), "{list}");
    let (code, _, told) = run(place.path(), "audit verify");
    assert_eq!(code, 0);
    assert!(told.contains("4 entries"), "{told}");
    let (_, log, _) = run(place.path(), "audit list");
    assert!(log.lines().count() == 4 && !log.contains(token.trim()), "{log}");
}

#[test]
fn what_was_backed_up_is_restored_into_another_server() {
    let (one, two) = (made(), made());
    run(one.path(), "token create --team payments");
    let file = two.path().join("fleet.backup").display().to_string();
    let (code, _, told) = run(one.path(), &format!("backup {file}"));
    assert_eq!(code, 0, "{told}");
    assert_eq!(run(one.path(), &format!("backup {file}")).0, 4, "not over another one");
    assert_eq!(run(two.path(), "restore fleet.backup").0, 0);
    let (code, _, told) = run(two.path(), "restore fleet.backup");
    assert_eq!(code, 4);
    assert!(told.contains("not empty"), "{told}");
    let (_, list, _) = run(two.path(), "token list");
    assert!(list.contains("team payments"), "{list}");
    assert_eq!(run(two.path(), "audit verify").0, 0);
}

#[test]
fn wrong_use_and_wrong_files_are_told_apart() {
    let place = made();
    assert_eq!(run(place.path(), "token create --for never").0, 2);
    assert_eq!(run(place.path(), "token create --uses 0").0, 2);
    assert_eq!(run(place.path(), "device revoke 7").0, 2);
    let unknown = "0123456789abcdef0123456789abcdef";
    assert_eq!(run(place.path(), &format!("device revoke {unknown}")).0, 1);
    assert_eq!(run(place.path(), "run --config missing.toml").0, 4);
    let config = place.path().join("fleet.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("[pace]", "[pase]")).unwrap();
    let (code, _, told) = run(place.path(), "config check");
    assert_eq!(code, 4);
    assert!(told.contains("fleet.toml:") && told.contains("unknown field `pase`"), "{told}");
    std::fs::write(&config, &text).unwrap();
    std::fs::write(place.path().join("authority.key"), "no key").unwrap();
    let (code, _, told) = run(place.path(), "config check");
    assert_eq!(code, 4);
    assert!(told.contains("enrolment key"), "{told}");
}
