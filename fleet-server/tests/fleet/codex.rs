//! Codex itself, on machines without an agent, whose policy comes from the server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use codex_fleet_server::testing::TestFleet;
use codex_oracle::{
    Isolation, Oracle, OracleError, World, WorldSpec, ask, install, isolated, require_or_announce,
};
use serde_json::Value;

use crate::issuer::{AUDIENCE, CODEX, Issuer, tls_of};
use crate::support::{BANK, Client, Publisher, root, run};

/// A policy and a managed default that show in what Codex starts with.
const POLICY: [(&str, &str); 2] = [
    (
        "requirements.toml",
        "allowed_approval_policies = ['on-request']\nallowed_sandbox_modes = ['read-only']\n",
    ),
    ("config.toml", "model = 'gpt-fleet'\n"),
];

/// What Codex says at its start in a world that asks this address.
fn asked(isolation: &Isolation, authority: &str, base: &str) -> Result<Value, OracleError> {
    let codex = install("0.169.0").expect("was installed before");
    let spec = WorldSpec::new()
        .file("/etc/codex/requirements.toml", &format!("[config_server]\nbase_url = '{base}'\n"))
        .file("$CODEX_HOME/authority.pem", authority)
        .file("$CODEX_HOME/config.toml", "approval_policy = 'never'\n");
    let world = World::build(isolation, &codex, &spec)?;
    let pem = world.place("$CODEX_HOME/authority.pem")?;
    let spec = spec.env("SSL_CERT_FILE", &pem.to_string_lossy());
    let again = World::build(isolation, &codex, &spec)?;
    ask(&again, &Oracle::Startup)
}

fn published(folder: &std::path::Path, files: &[(&str, &str)]) -> TestFleet {
    let fleet = TestFleet::start(folder, BANK, &root()).unwrap();
    let role = codex_fleet_server::store::tokens::Role::Operator;
    let operator = Client::of(&fleet).with_token(&fleet.admin_token(role).unwrap());
    let files = Publisher::default().release_of(files, jiff::Timestamp::now());
    assert_eq!(operator.publish(&files).status, 200);
    fleet
}

#[test]
fn the_real_codex_pulls_its_policy_and_enforces_it_and_stops_when_it_cannot() {
    if require_or_announce(install("0.169.0")).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let done = isolated(move |isolation| {
        // The server runs in the private network, too.
        let fleet = published(&place, &POLICY);
        let token = fleet.config_token("payments").unwrap();
        let authority = fleet.authority().unwrap();
        let base = |token: &str| format!("{}/codex/{token}", fleet.url());
        let enforced = asked(isolation, &authority, &base(&token)).unwrap();
        let text = enforced.to_string();
        assert!(text.contains("on-request") && text.contains("read-only"), "{text}");

        let missing = fleet.config_token("no-such-cohort").unwrap();
        for wrong in [base("ccconfig_wrong"), base(&missing)] {
            let refused = asked(isolation, &authority, &wrong);
            assert!(matches!(refused, Err(OracleError::Refused { .. })), "{wrong}: {refused:?}");
        }
        let gone = base(&token);
        fleet.stop();
        let refused = asked(isolation, &authority, &gone);
        assert!(matches!(refused, Err(OracleError::Refused { .. })), "{refused:?}");
    });
    require_or_announce(done);
}

#[test]
fn whatever_is_in_doubt_is_an_error_and_never_an_empty_policy() {
    let status = |files: &[(&str, &str)], cohort: &str| {
        let folder = tempfile::tempdir().unwrap();
        let fleet = published(folder.path(), files);
        let token = fleet.config_token(cohort).unwrap();
        let client = Client::of(&fleet);
        let reply = client.get(&format!("/codex/{token}/codex/config/bundle"));
        (reply.status, String::from_utf8(reply.body).unwrap())
    };
    let (given, body) = status(&POLICY, "payments");
    assert_eq!(given, 200);
    let body: Value = serde_json::from_str(&body).unwrap();
    let part =
        |name: &str| body[name]["enterprise_managed"][0]["contents"].as_str().unwrap().to_owned();
    assert_eq!([part("requirements_toml"), part("config_toml")], [POLICY[0].1, POLICY[1].1]);

    let rules = ("rules/git.rules", "prefix_rule(pattern = ['git'], decision = 'forbidden')\n");
    for (files, cohort, why) in [
        (&[("requirements.toml", "# nothing\n")][..], "payments", "says nothing"),
        (&[("config.toml", "model = 'x'\n")], "payments", "says nothing"),
        (&[POLICY[0], rules], "payments", "rule files"),
        (&POLICY, "platform", "no such cohort"),
    ] {
        let (status, body) = status(files, cohort);
        assert_eq!(status, 503, "{why}");
        assert!(body.contains(why), "{body}");
    }
    // Before the first release, and with tokens that are none.
    let bank = crate::support::Bank::new();
    let token = bank.fleet.config_token("payments").unwrap();
    let path = format!("/codex/{token}/codex/config/bundle");
    assert_eq!(bank.client().get(&path).error(), "no_policy");
    let role = codex_fleet_server::store::tokens::Role::Admin;
    let admin = bank.fleet.admin_token(role).unwrap();
    for token in [admin.as_str(), "x", "%00"] {
        let reply = bank.client().get(&format!("/codex/{token}/codex/config/bundle"));
        assert_eq!(reply.status, 404, "{token}");
    }
}

/// A keyring of the desktop on a bus of its own: without one, Codex keeps no sign-in.
struct Keyring {
    bus: Child,
    daemon: Child,
    address: String,
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Keyring {
    /// None where there is no keyring: said loudly, and an error in CI.
    fn start(home: &Path) -> Option<Self> {
        let bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut bus) = bus else { return Self::missing("dbus-daemon") };
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim().to_owned();
        let daemon = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("HOME", home)
            .env("XDG_RUNTIME_DIR", home)
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = daemon else {
            drop(bus.kill());
            drop(bus.wait());
            return Self::missing("gnome-keyring-daemon");
        };
        // The end of its input is the end of the password.
        daemon.stdin.take().unwrap().write_all(b"password").unwrap();
        Some(Self { bus, daemon, address })
    }

    fn missing(program: &str) -> Option<Self> {
        let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
        assert!(!in_ci, "`{program}` is needed for this test");
        eprintln!("NOT RUN: there is no `{program}`, so no Codex has signed in to a fleet server");
        None
    }
}

/// Makes Codex ask again: it keeps what it was given for an hour.
fn forget(world: &World<'_>) {
    let home = world.place("$CODEX_HOME/x").unwrap();
    for entry in std::fs::read_dir(home.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().contains("/managed-config-") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn the_real_codex_signs_in_without_chatgpt_and_pulls_with_a_bearer_token() {
    let Some(codex) = require_or_announce(install("0.169.0")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_owned();
    let done = isolated(move |isolation| {
        let Some(keyring) = Keyring::start(&place) else { return };
        drop(TestFleet::start(&place, BANK, &root()).unwrap());
        let issuer = Issuer::start_with(Some(tls_of(&place)));
        let settings = crate::oidc::settings(
            &issuer.url,
            "https://localhost:8443",
            &format!("authorities = 'authority.pem'\nbearer_clients = ['{CODEX}']"),
        );
        let fleet = run(&place, |config| config.oidc = Some(settings.inside(&place)));
        let role = codex_fleet_server::store::tokens::Role::Operator;
        let operator = Client::of(&fleet).with_token(&fleet.admin_token(role).unwrap());
        let files = Publisher::default().release_of(&POLICY, jiff::Timestamp::now());
        assert_eq!(operator.publish(&files).status, 200);

        // Without `oauth` there is no credential in what it sends, and no policy in what it gets.
        let bare = asked(isolation, &fleet.authority().unwrap(), &fleet.url());
        let said = bare.unwrap_err().message().to_owned();
        assert!(said.contains("Managed configuration sign-in is required"), "{said}");

        let browser = place.join("browser");
        std::fs::write(&browser, "#!/bin/sh\nexec curl -skL --max-time 20 \"$1\"\n").unwrap();
        std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o700)).unwrap();
        let (url, issued) = (fleet.url(), &issuer.url);
        let requirements = format!(
            "[config_server]\nbase_url = '{url}'\n[config_server.oauth]\n\
             authorization_url = '{issued}/authorize'\ntoken_url = '{issued}/token'\n\
             client_id = '{CODEX}'\nresource = '{AUDIENCE}'\nscopes = ['openid']\n"
        );
        let spec = WorldSpec::new()
            .file("/etc/codex/requirements.toml", &requirements)
            .file("$CODEX_HOME/config.toml", "approval_policy = 'never'\n")
            .env("SSL_CERT_FILE", &place.join("authority.pem").to_string_lossy())
            .env("BROWSER", &browser.to_string_lossy())
            .env("DBUS_SESSION_BUS_ADDRESS", &keyring.address);
        let world = World::build(isolation, &codex, &spec).unwrap();
        let said = ask(&world, &Oracle::Startup).unwrap_err().message().to_owned();
        assert!(said.contains("Sign in to the configuration server"), "{said}");
        assert_eq!(issuer.asked("/authorize"), 0);

        issuer.with(|state| state.codex = (vec!["team-payments"], 1));
        let login = world.run(&["login"]).unwrap();
        assert_eq!(login.code, 0, "{login:?}");
        let form = issuer.with(|state| state.forms[0].0.clone());
        let sent = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!((sent("client_id"), sent("resource")), (CODEX, AUDIENCE), "{form:?}");
        assert!(sent("code_verifier").len() >= 43, "{form:?}");
        let enforced = ask(&world, &Oracle::Startup).unwrap().to_string();
        assert!(enforced.contains("on-request") && enforced.contains("read-only"), "{enforced}");

        // The token has ended by its own word, and is made anew with whatever groups there are now.
        let ask_again = |groups: &[&'static str]| {
            forget(&world);
            std::thread::sleep(std::time::Duration::from_millis(1_100));
            issuer.with(|state| state.codex.0 = groups.to_vec());
            ask(&world, &Oracle::Startup)
        };
        // Codex tries a refusal again until its own 20 seconds are over: one is enough here.
        let refused = ask_again(&["team-payments", "everybody-else"]);
        assert!(matches!(refused, Err(OracleError::Refused { .. })), "{refused:?}");
        let again = ask_again(&["payments-leads"]).unwrap().to_string();
        assert!(again.contains("on-request") && again.contains("read-only"), "{again}");
        let renewed = |form: &std::collections::BTreeMap<String, String>| {
            form.get("grant_type").is_some_and(|grant| grant == "refresh_token")
        };
        let renewals =
            issuer.with(|state| state.forms.iter().filter(|(form, _)| renewed(form)).count());
        assert!(renewals >= 2, "{renewals}");
    });
    require_or_announce(done);
}
