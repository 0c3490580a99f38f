//! Codex itself, on machines without an agent, whose policy comes from the server.

use codex_fleet_server::testing::TestFleet;
use codex_oracle::{
    Isolation, Oracle, OracleError, World, WorldSpec, ask, install, isolated, require_or_announce,
};
use serde_json::Value;

use crate::support::{BANK, Client, Publisher, root};

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
