//! People and Codex, known by an identity provider; and those who are not who they say they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use codex_fleet_server::oidc::Settings;
use codex_fleet_server::store::tokens::Scope;
use codex_fleet_server::testing::TestFleet;
use ring::hmac;
use serde_json::{Value, json};

use crate::issuer::{AUDIENCE, CLIENT, Change, Issuer, Key, Manner, encoded, pairs, tls_of};
use crate::support::{Bank, Client, Machine, Publisher, Reply, STRICT, run};

/// Where browsers reach the server, as far as the issuer knows.
const URL: &str = "https://localhost:8443";

const PULL: &str = "/codex/config/bundle";

/// The settings of a server that knows an issuer; `more` stands before its tables.
pub(crate) fn settings(issuer: &str, url: &str, more: &str) -> Settings {
    let text = format!(
        "issuer = '{issuer}'\nname = 'Bank ID'\nurl = '{url}'\nclient_id = '{}'\n\
         audience = '{AUDIENCE}'\n{more}\n\
         [roles]\nfleet-viewers = 'viewer'\nfleet-operators = 'operator'\nfleet-admins = 'admin'\n\
         [cohorts]\nteam-payments = 'payments'\npayments-leads = 'payments'\n\
         everybody-else = 'developers'\nold = 'no-such-cohort'\n",
        CLIENT.0
    );
    let settings: Settings = toml::from_str(&text).unwrap();
    assert_eq!(settings.problems(), [""; 0]);
    settings
}

/// A server with a release, and its issuer.
fn bank() -> (Bank, Issuer) {
    bank_with("")
}

fn bank_with(more: &str) -> (Bank, Issuer) {
    let issuer = Issuer::start();
    let bank = Bank::with(|config| config.oidc = Some(settings(&issuer.url, URL, more)));
    assert_eq!(bank.operator().publish(&Publisher::default().release(STRICT)).status, 200);
    (bank, issuer)
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}

/// What Codex is answered with a token: never an empty policy.
fn pull(client: &Client, token: &str) -> (u16, String) {
    let reply = client.with_token(token).get(PULL);
    assert!(reply.body.len() > 20, "an empty answer would be an empty policy");
    (reply.status, text(&reply))
}

fn refused(client: &Client, token: &str, why: &str) {
    let (status, body) = pull(client, token);
    assert_eq!(status, 401, "{why}: {body}");
    assert!(body.contains(why), "{why}: {body}");
}

#[test]
fn a_bearer_token_gives_the_policy_of_its_one_cohort() {
    let (bank, issuer) = bank();
    let client = bank.client();
    for number in 0..3 {
        let key = issuer.key(number);
        let token = key.token(&json!({}), &issuer.claims(&["team-payments", "others"]));
        let (status, body) = pull(&client, &token);
        assert_eq!(status, 200, "{}: {body}", key.name);
        let body: Value = serde_json::from_str(&body).unwrap();
        let given = &body["requirements_toml"]["enterprise_managed"][0]["contents"];
        assert_eq!(given, STRICT, "{}", key.name);
    }
    assert_eq!(issuer.asked("/keys"), 1, "keys are kept");
    let both = issuer.bearer(&["team-payments", "payments-leads"]);
    assert_eq!(pull(&client, &both).0, 200, "two groups of one cohort");
    let one = issuer.bearer(&["everybody-else"]);
    assert!(pull(&client, &one).1.contains("enterprise_managed"));
    let mut alone = issuer.claims(&[]);
    alone["groups"] = json!("team-payments");
    assert_eq!(pull(&client, &issuer.key(0).token(&json!({}), &alone)).0, 200, "a single text");
    let access =
        issuer.key(0).token(&json!({ "typ": "at+jwt" }), &issuer.claims(&["team-payments"]));
    assert_eq!(pull(&client, &access).0, 200, "RFC 9068");
}

#[test]
fn no_cohort_two_cohorts_and_no_token_are_errors_and_never_an_empty_policy() {
    let (bank, issuer) = bank();
    let client = bank.client();
    for (groups, status, why) in [
        (&["others"][..], 403, "none of the token's groups has a cohort"),
        (&[], 403, "none of the token's groups has a cohort"),
        (&["Team-Payments"], 403, "none of the token's groups"),
        (&["team-payments", "everybody-else"], 403, "several cohorts"),
        (&["old"], 503, "no such cohort"),
    ] {
        let (found, body) = pull(&client, &issuer.bearer(groups));
        assert_eq!(found, status, "{groups:?}: {body}");
        assert!(body.contains(why), "{groups:?}: {body}");
    }
    let absent = {
        let mut claims = issuer.claims(&[]);
        claims.as_object_mut().unwrap().remove("groups");
        claims
    };
    assert_eq!(pull(&client, &issuer.key(0).token(&json!({}), &absent)).0, 403);
    assert_eq!(client.get(PULL).error(), "token_needed");
    let basic = client.request("GET", PULL, "Authorization: Basic YTpi\r\n", b"");
    assert_eq!((basic.status, basic.error().as_str()), (401, "token_needed"));
    let admin = bank.admin().token.unwrap();
    refused(&client, &admin, "no signed token");
    // A server without an issuer has nothing there, whoever asks.
    let without = Bank::new();
    let reply = without.client().with_token(&issuer.bearer(&["team-payments"])).get(PULL);
    assert_eq!(reply.status, 404, "{}", text(&reply));
    // A cohort with rule files is looser without them: only where somebody has said so.
    let rules = ("rules/git.rules", "prefix_rule(pattern = ['git'], decision = 'forbidden')\n");
    for (more, status) in [("", 503), ("without_rules = ['payments']", 200)] {
        let (bank, issuer) = bank_with(more);
        let mut publisher = Publisher::default();
        publisher.release(STRICT);
        let files = [("requirements.toml", STRICT), rules];
        let release = publisher.release_of(&files, jiff::Timestamp::now());
        assert_eq!(bank.operator().publish(&release).status, 200);
        let (found, body) = pull(&bank.client(), &issuer.bearer(&["team-payments"]));
        assert_eq!(found, status, "{more}: {body}");
    }
}

#[test]
fn tokens_that_nobody_signed_open_nothing() {
    let (bank, issuer) = bank();
    let client = bank.client();
    let (key, claims) = (issuer.key(0), issuer.claims(&["team-payments"]));
    let body = encoded(claims.to_string().as_bytes());
    let head = |header: Value| encoded(header.to_string().as_bytes());

    for alg in ["none", "None", "NONE"] {
        let unsigned = format!("{}.{body}.", head(json!({ "alg": alg, "kid": "rsa" })));
        refused(&client, &unsigned, "not signed with RS256");
    }
    // The public key as the secret of HMAC: as it is published, and as bytes.
    let published = key.published();
    let secrets =
        [published.to_string(), published["n"].as_str().unwrap().to_owned(), String::new()];
    for secret in secrets {
        for alg in ["HS256", "RS256"] {
            let signed = format!("{}.{body}", head(json!({ "alg": alg, "kid": "rsa" })));
            let tag = hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
                signed.as_bytes(),
            );
            let token = format!("{signed}.{}", encoded(tag.as_ref()));
            let why = if alg == "HS256" { "not signed with RS256" } else { "signature is wrong" };
            refused(&client, &token, why);
        }
    }
    for alg in ["RS512", "PS256", "ES384", "HS512", "ES256K"] {
        refused(&client, &key.token(&json!({ "alg": alg }), &claims), "not signed with RS256");
    }
    // A key of one kind for the algorithm of another.
    refused(&client, &key.token(&json!({ "kid": "ec" }), &claims), "publishes no key");
    refused(&client, &key.token(&json!({ "alg": "ES256" }), &claims), "publishes no key");
    // A stranger's key under a name that is known; and one that the token brings along.
    let stranger = Key::ec("ec");
    refused(&client, &stranger.token(&json!({}), &claims), "signature is wrong");
    let brought = stranger.token(&json!({ "jwk": stranger.published() }), &claims);
    refused(&client, &brought, "signature is wrong");
    // What was signed is changed, or cut.
    let good = key.token(&json!({}), &claims);
    let mut richer = claims.clone();
    richer["groups"] = json!(["everybody-else"]);
    let parts: Vec<&str> = good.split('.').collect();
    let swapped = format!("{}.{}.{}", parts[0], encoded(richer.to_string().as_bytes()), parts[2]);
    refused(&client, &swapped, "signature is wrong");
    for broken in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.x"),
        format!("{good}="),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "eyJhbGciOiJSUzI1NiJ9..".to_owned(),
    ] {
        assert_eq!(pull(&client, &broken).0, 401, "{broken}");
    }
    refused(&client, &key.token(&json!({ "crit": ["exp"] }), &claims), "critical parts");
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt"] {
        refused(&client, &key.token(&json!({ "typ": typ }), &claims), "another kind");
    }
    let long = "a".repeat(12_300);
    refused(&client, &format!("{long}.b.c"), "longer than a token may be");
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    refused(&client, &format!("{}.b.c", encoded(deep.as_bytes())), "no signed token");
}

#[test]
fn tokens_for_others_from_others_or_for_another_time_open_nothing() {
    let (bank, issuer) = bank();
    let client = bank.client();
    let now = jiff::Timestamp::now().as_second();
    let (ours, theirs) = (issuer.url.clone(), format!("{}/", issuer.url));
    let cases: Vec<(&str, Value, &str)> = vec![
        ("iss", json!("https://id.evil.example"), "another issuer"),
        ("iss", json!(theirs), "another issuer"),
        ("iss", json!([ours]), "another issuer"),
        ("iss", Value::Null, "another issuer"),
        ("aud", json!("another-resource"), "another audience"),
        ("aud", json!(format!("{AUDIENCE}-2")), "another audience"),
        ("aud", json!([]), "another audience"),
        ("aud", json!(CLIENT.0), "another audience"),
        ("aud", json!({ "0": AUDIENCE }), "does not say whom it is for"),
        ("aud", json!([AUDIENCE, 7]), "its audience is no text"),
        ("aud", Value::Null, "does not say whom it is for"),
        ("aud", json!([AUDIENCE, "another-resource"]), "oidc.bearer_clients"),
        ("exp", json!(now - 120), "has expired"),
        ("exp", json!(0), "has expired"),
        ("exp", json!(-1), "has expired"),
        ("exp", Value::Null, "a time that it says is no time"),
        ("exp", json!((now + 600).to_string()), "a time that it says is no time"),
        ("exp", json!(1e300), "a time that it says is no time"),
        ("nbf", json!(now + 120), "not valid yet"),
        ("nbf", json!((now + 120).to_string()), "a time that it says is no time"),
        ("iat", json!(now + 120), "made in the future"),
        ("sub", json!(""), "names nobody"),
        ("sub", json!("a\nb"), "names nobody"),
        ("sub", Value::Null, "names nobody"),
        ("groups", json!({ "team-payments": true }), "no list of names"),
        ("groups", json!(["team-payments", 7]), "no list of names"),
        ("nonce", json!("x"), "an ID token, which opens nothing"),
    ];
    let with = |claim: &str, value: &Value| {
        let mut claims = issuer.claims(&["team-payments"]);
        claims[claim] = value.clone();
        issuer.key(2).token(&json!({}), &claims)
    };
    for (claim, value, why) in &cases {
        refused(&client, &with(claim, value), why);
    }
    for claim in ["iss", "aud", "exp", "sub"] {
        let mut claims = issuer.claims(&["team-payments"]);
        claims.as_object_mut().unwrap().remove(claim);
        assert_eq!(pull(&client, &issuer.key(2).token(&json!({}), &claims)).0, 401, "no {claim}");
    }
    // Clocks may differ by a little.
    for (claim, value) in [("exp", now - 30), ("nbf", now + 30), ("iat", now + 30)] {
        assert_eq!(pull(&client, &with(claim, &json!(value))).0, 200, "{claim}");
    }
    assert_eq!(pull(&client, &with("exp", &json!(4e9 + 0.5))).0, 200, "a fraction");
    // Where clients are named, no other may have asked for it.
    let (bank, issuer) = bank_with("bearer_clients = ['codex-cli']");
    let client = bank.client();
    for (audience, asker, status) in [
        (json!(AUDIENCE), json!("codex-cli"), 200),
        (json!([AUDIENCE, "another-resource"]), json!("codex-cli"), 200),
        (json!(AUDIENCE), json!("another-client"), 401),
        (json!(AUDIENCE), json!(["codex-cli"]), 401),
        (json!([AUDIENCE, "another-resource"]), json!("another-client"), 401),
    ] {
        let mut claims = issuer.claims(&["team-payments"]);
        claims["aud"] = audience.clone();
        claims["azp"] = asker.clone();
        let (found, body) = pull(&client, &issuer.key(1).token(&json!({}), &claims));
        assert_eq!(found, status, "{audience} {asker}: {body}");
    }
}

#[test]
fn new_keys_are_fetched_when_they_are_needed_and_not_at_anybodys_word() {
    let (bank, issuer) = bank();
    let client = bank.client();
    assert_eq!(pull(&client, &issuer.bearer(&["team-payments"])).0, 200);
    // The issuer turns its keys over.
    let fresh = Key::ec("fresh");
    let old = issuer.with(|state| std::mem::replace(&mut state.keys, vec![Arc::clone(&fresh)]));
    let token = fresh.token(&json!({}), &issuer.claims(&["team-payments"]));
    assert_eq!(pull(&client, &token).0, 200);
    assert_eq!(issuer.asked("/keys"), 2);
    let gone = old[0].token(&json!({}), &issuer.claims(&["team-payments"]));
    refused(&client, &gone, "publishes no key");
    // Whoever makes up names of keys makes us ask no more, alone or in a crowd.
    let crowd: Vec<_> = (0..4)
        .map(|one| {
            let (client, claims) = (client.clone(), issuer.claims(&["team-payments"]));
            std::thread::spawn(move || {
                for number in 0..10 {
                    let header = json!({ "kid": format!("made-up-{one}-{number}") });
                    let token = Key::ed("x").token(&header, &claims);
                    refused(&client, &token, "publishes no key");
                }
            })
        })
        .collect();
    crowd.into_iter().for_each(|one| one.join().unwrap());
    assert_eq!(issuer.asked("/keys"), 2, "once a minute at most");
    assert_eq!(pull(&client, &token).0, 200, "and those who are known are served");
}

#[test]
fn an_issuer_that_is_down_leaves_its_keys_and_says_so_at_logins() {
    let (bank, issuer) = bank();
    let client = bank.client();
    let token = issuer.bearer(&["team-payments"]);
    assert_eq!(pull(&client, &token).0, 200);
    let path = "/.well-known/openid-configuration";
    for place in [path, "/keys", "/token"] {
        issuer.with(|state| state.manners.insert(place, Manner::Status(500)));
    }
    assert_eq!(pull(&client, &token).0, 200, "the keys are known");
    let (cookie, location) = leave(&client, "/ui/sign-in");
    let reply = come_back(&client, &issuer.authorise(&location), &cookie);
    assert_eq!(reply.status, 403, "{}", text(&reply));
    assert!(text(&reply).contains("status 500"), "{}", text(&reply));
    // A server that never heard of it asks once, and not at every request.
    drop(bank);
    let bank = Bank::with(|config| config.oidc = Some(settings(&issuer.url, URL, "")));
    let client = bank.client();
    let before = issuer.asked(path);
    for _ in 0..5 {
        let (status, body) = pull(&client, &token);
        assert_eq!(status, 503);
        assert!(body.contains("cannot be used now: it answered 500"), "{body}");
        let login = client.get("/ui/sign-in");
        assert_eq!(login.status, 503);
        let page = text(&login);
        assert!(page.contains("identity provider cannot be used now"), "{page}");
        assert!(page.contains("Access token"), "the other way in is still there: {page}");
    }
    assert_eq!(issuer.asked(path), before + 1);
}

#[test]
fn what_the_issuer_sends_has_limits() {
    let path = "/.well-known/openid-configuration";
    let deep = format!("{{\"keys\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let many = json!({ "keys": vec![Key::ed("x").published(); 65] }).to_string();
    let wide = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300_000));
    let cases = [
        ("/keys", Manner::Endless, "more than 262144 bytes"),
        ("/keys", Manner::Instead(wide.into_bytes()), "more than 262144 bytes"),
        ("/keys", Manner::Instead(deep.into_bytes()), "no set of JSON Web Keys"),
        ("/keys", Manner::Instead(many.into_bytes()), "more keys than 64"),
        ("/keys", Manner::Instead(b"<html>".to_vec()), "no set of JSON Web Keys"),
        ("/keys", Manner::Slow, "within 5 seconds"),
        (path, Manner::Slow, "within 5 seconds"),
        (path, Manner::Endless, "more than 262144 bytes"),
        (path, Manner::Elsewhere("http://localhost:1/".to_owned()), "it answered 302"),
        ("/keys", Manner::Elsewhere("/other-keys".to_owned()), "it answered 302"),
    ];
    for (place, manner, why) in cases {
        let issuer = Issuer::start();
        let bank = Bank::with(|config| config.oidc = Some(settings(&issuer.url, URL, "")));
        let token = issuer.bearer(&["team-payments"]);
        issuer.with(|state| state.manners.insert(place, manner.clone()));
        let began = Instant::now();
        let (status, body) = pull(&bank.client(), &token);
        assert_eq!(status, 503, "{place} {why}: {body}");
        assert!(body.contains(why), "{place} {why}: {body}");
        assert!(began.elapsed() < Duration::from_secs(9), "{place} {why}: {:?}", began.elapsed());
    }
    // A document of somebody else, to the letter.
    let changes: Vec<(Change, &str)> = vec![
        (Arc::new(|one| one["issuer"] = json!("https://id.evil.example")), "another issuer"),
        (
            Arc::new(|one| {
                let url = one["issuer"].as_str().unwrap().to_owned();
                one["issuer"] = json!(url + "/");
            }),
            "another issuer",
        ),
        (Arc::new(|one| one["jwks_uri"] = json!("http://10.0.0.1/keys")), "must begin with"),
        (Arc::new(|one| one["jwks_uri"] = json!("file:///etc/passwd")), "`jwks_uri`"),
    ];
    for (change, why) in changes {
        let issuer = Issuer::start();
        let bank = Bank::with(|config| config.oidc = Some(settings(&issuer.url, URL, "")));
        issuer.with(|state| state.discovery = change);
        let (status, body) = pull(&bank.client(), &issuer.bearer(&["team-payments"]));
        assert_eq!(status, 503, "{why}");
        assert!(body.contains(why), "{why}: {body}");
    }
}

#[test]
fn an_issuer_under_a_private_authority_is_believed_by_that_authority_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(TestFleet::start(folder.path(), crate::support::BANK, &crate::support::root()).unwrap());
    let issuer = Issuer::start_with(Some(tls_of(folder.path())));
    for (more, status) in [("authorities = 'authority.pem'", 503), ("", 503)] {
        let settings = settings(&issuer.url, URL, more).inside(folder.path());
        let fleet = run(folder.path(), |config| config.oidc = Some(settings));
        let (found, body) = pull(&Client::of(&fleet), &issuer.bearer(&["team-payments"]));
        assert_eq!(found, status, "{body}");
        // Nothing was released: that is what somebody hears who is known.
        let is_known = body.contains("nothing was released");
        assert_eq!(is_known, !more.is_empty(), "{more}: {body}");
    }
    std::fs::write(folder.path().join("none.pem"), "nothing").unwrap();
    let broken = settings(&issuer.url, URL, "authorities = 'none.pem'").inside(folder.path());
    let holds = Arc::new(codex_fleet_server::fleet::NoHolds);
    let refused = TestFleet::run(folder.path(), |config| config.oidc = Some(broken), holds);
    assert!(refused.unwrap_err().to_string().contains("has no certificate in PEM"));
}

/// Begins a sign-in; gives the cookie and where the browser is sent.
fn leave(client: &Client, path: &str) -> (String, String) {
    let reply = client.get(path);
    assert_eq!(reply.status, 303, "{}", text(&reply));
    let cookie = reply.header("set-cookie").unwrap();
    for needed in
        ["__Host-", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax", "; Max-Age=600"]
    {
        assert!(cookie.contains(needed), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (cookie, reply.header("location").unwrap().to_owned())
}

/// Comes back from the issuer with a cookie.
fn come_back(client: &Client, place: &str, cookie: &str) -> Reply {
    let path = place.strip_prefix(URL).expect("to this server");
    assert!(path.starts_with("/ui/signed-in?"), "{path}");
    client.request("GET", path, &format!("Cookie: {cookie}\r\n"), b"")
}

/// The cookie of a session that has begun.
fn session(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", text(reply));
    let mut cookies = reply.head.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("set-cookie").then_some(value)
    });
    let cookie = cookies.find(|one| one.starts_with("__Host-codex-fleet=")).expect("a session");
    for needed in ["; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
        assert!(cookie.contains(needed), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

fn has_no_session(reply: &Reply) {
    assert!(!reply.head.contains("__Host-codex-fleet="), "{}", reply.head);
}

/// Signs somebody in and gives their session's cookie.
fn sign_in(bank: &Bank, issuer: &Issuer) -> String {
    let client = bank.client();
    let (cookie, location) = leave(&client, "/ui/sign-in");
    session(&come_back(&client, &issuer.authorise(&location), &cookie))
}

fn see(client: &Client, path: &str, cookie: &str) -> Reply {
    client.request("GET", path, &format!("Cookie: {cookie}\r\n"), b"")
}

#[test]
fn a_person_signs_in_and_the_log_says_who_it_was() {
    for secret in [true, false] {
        let issuer = Issuer::start();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("oidc.secret"), format!("{}\n", CLIENT.1)).unwrap();
        let more = if secret { "client_secret_file = 'oidc.secret'" } else { "" };
        let settings = settings(&issuer.url, URL, more).inside(folder.path());
        let bank = Bank::with(|config| config.oidc = Some(settings));
        let client = bank.client();
        let login = text(&client.get("/ui/login?next=/ui/audit"));
        assert!(login.contains("Sign in with Bank ID"), "{login}");
        assert!(login.contains("href=\"/ui/sign-in?next=/ui/audit\""), "{login}");
        assert!(login.contains("Access token"), "{login}");
        assert_eq!(client.get("/ui/audit").header("location"), Some("/ui/login?next=/ui/audit"));

        let (cookie, location) = leave(&client, "/ui/sign-in?next=/ui/audit");
        let asked = pairs(location.split_once('?').unwrap().1);
        assert_eq!(asked["redirect_uri"], format!("{URL}/ui/signed-in"));
        assert_eq!(asked["scope"], "openid profile email");
        let reply = come_back(&client, &issuer.authorise(&location), &cookie);
        let own = session(&reply);
        assert!(text(&reply).contains("content=\"0;url=/ui/audit\""), "{}", text(&reply));
        assert!(reply.head.contains("__Host-codex-fleet-login=; "), "the other one is gone");
        let audit = text(&see(&client, "/ui/audit", &own));
        assert!(audit.contains("person ana@bank.example (248289761001)"), "{audit}");

        let (form, authorization) = issuer.with(|state| state.forms[0].clone());
        assert_eq!(authorization.starts_with("Basic "), secret);
        assert!(form["code_verifier"].len() >= 43, "{form:?}");
        assert_eq!(form.contains_key("client_id"), !secret, "{form:?}");
        assert!(!form.contains_key("client_secret"), "{form:?}");
    }
}

#[test]
fn the_highest_role_counts_and_whoever_has_none_is_told_which_groups_do() {
    let (bank, issuer) = bank();
    let client = bank.client();
    let decide = |cookie: &str| {
        let page = text(&see(&client, "/ui", cookie));
        let start = page.find("name=\"csrf\" value=\"").unwrap() + 19;
        let csrf = page[start..].split('"').next().unwrap().to_owned();
        let form = format!("csrf={csrf}&bundle=1%3Apayments&strategy=canary&volunteers=&reason=x");
        let headers = format!("Cookie: {cookie}\r\nOrigin: https://localhost\r\n");
        client.request("POST", "/ui/rollouts", &headers, form.as_bytes())
    };
    for (groups, may) in [
        (json!(["fleet-viewers"]), false),
        (json!(["fleet-viewers", "fleet-operators", "x"]), true),
        (json!("fleet-admins"), true),
    ] {
        issuer.with(|state| state.person["groups"] = groups.clone());
        let reply = decide(&sign_in(&bank, &issuer));
        assert_eq!(reply.status != 403, may, "{groups}: {} {}", reply.status, text(&reply));
    }
    for groups in [json!(["Fleet-Admins"]), json!([]), Value::Null, json!(["team-payments"])] {
        issuer.with(|state| state.person["groups"] = groups.clone());
        let (cookie, location) = leave(&client, "/ui/sign-in");
        let reply = come_back(&client, &issuer.authorise(&location), &cookie);
        assert_eq!(reply.status, 403, "{groups}");
        has_no_session(&reply);
        let page = text(&reply);
        assert!(page.contains("ana@bank.example: you are in no group"), "{page}");
        for group in ["fleet-viewers", "fleet-operators", "fleet-admins"] {
            assert!(page.contains(&format!("<code>{group}</code>")), "{page}");
        }
    }
}

#[test]
fn a_login_that_was_begun_elsewhere_or_used_before_signs_nobody_in() {
    let (bank, issuer) = bank();
    issuer.with(|state| state.is_lax = true);
    let client = bank.client();
    let refused = |reply: &Reply, why: &str| {
        assert_eq!(reply.status, 403, "{why}: {}", text(reply));
        assert!(text(reply).contains(why), "{why}: {}", text(reply));
        has_no_session(reply);
    };
    // Login CSRF: the attacker's answer in somebody else's browser, with no cookie or their own.
    let (mine, location) = leave(&client, "/ui/sign-in");
    let answer = issuer.authorise(&location);
    refused(&come_back(&client, &answer, ""), "not begun in this browser");
    let (theirs, their_location) = leave(&client, "/ui/sign-in");
    let stray = come_back(&client, &answer, &theirs);
    refused(&stray, "not begun in this browser");
    assert!(stray.header("set-cookie").is_none(), "and their own sign-in goes on: {}", stray.head);
    // A code of one login in the answer of another: the issuer is lax, the nonce is not.
    let their_answer = issuer.authorise(&their_location);
    let code = |answer: &str| pairs(answer.split_once('?').unwrap().1)["code"].clone();
    let mixed = their_answer
        .replace(&format!("code={}&", code(&their_answer)), &format!("code={}&", code(&answer)));
    refused(&come_back(&client, &mixed, &theirs), "it is of another login");
    // And an issuer that is not lax holds the code against the verifier.
    issuer.with(|state| state.is_lax = false);
    let (third, third_location) = leave(&client, "/ui/sign-in");
    let third_answer = issuer.authorise(&third_location);
    let (fourth, fourth_location) = leave(&client, "/ui/sign-in");
    let fourth_answer = issuer.authorise(&fourth_location);
    let mixed = third_answer.replace(
        &format!("code={}&", code(&third_answer)),
        &format!("code={}&", code(&fourth_answer)),
    );
    refused(&come_back(&client, &mixed, &third), "invalid_grant");
    session(&come_back(&client, &fourth_answer, &fourth));
    issuer.with(|state| state.is_lax = true);
    // Replay: once, and never again, also after the session was ended.
    let own = session(&come_back(&client, &answer, &mine));
    refused(&come_back(&client, &answer, &mine), "used already");
    let page = text(&see(&client, "/ui", &own));
    let start = page.find("name=\"csrf\" value=\"").unwrap() + 19;
    let csrf = page[start..].split('"').next().unwrap().to_owned();
    let headers = format!("Cookie: {own}\r\nOrigin: https://localhost\r\n");
    let out = client.request("POST", "/ui/logout", &headers, format!("csrf={csrf}").as_bytes());
    assert_eq!(out.status, 303);
    assert_eq!(see(&client, "/ui", &own).status, 303, "the session has ended");
    refused(&come_back(&client, &answer, &mine), "used already");
    // An answer that says no, or nothing, or comes from another issuer.
    for (more, why) in [
        ("error=access_denied", "access_denied"),
        ("error=%3Cscript%3E", "no code"),
        ("code=", "no code"),
        ("x=y", "no code"),
    ] {
        let (cookie, location) = leave(&client, "/ui/sign-in");
        let state = &pairs(location.split_once('?').unwrap().1)["state"];
        let place = format!("{URL}/ui/signed-in?{more}&state={state}");
        refused(&come_back(&client, &place, &cookie), why);
    }
    let (cookie, location) = leave(&client, "/ui/sign-in");
    let good = issuer.authorise(&location);
    let (place, named) = good.split_once("&iss=").unwrap();
    for other in [format!("{place}&iss={named}%2F"), place.to_owned()] {
        refused(&come_back(&client, &other, &cookie), "of another issuer");
    }
    session(&come_back(&client, &good, &cookie));
}

#[test]
fn id_tokens_that_are_not_for_this_login_sign_nobody_in() {
    let (bank, issuer) = bank();
    let client = bank.client();
    let now = jiff::Timestamp::now().as_second();
    let cases: Vec<(&str, Value, &str)> = vec![
        ("nonce", json!("another"), "it is of another login"),
        ("nonce", Value::Null, "it is of another login"),
        ("aud", json!("another-client"), "another audience"),
        ("aud", json!(AUDIENCE), "another audience"),
        ("aud", json!([CLIENT.0, "another-client"]), "asked for by another client"),
        ("azp", json!("another-client"), "asked for by another client"),
        ("azp", json!([CLIENT.0]), "asked for by another client"),
        ("iss", json!("https://id.evil.example"), "another issuer"),
        ("exp", json!(now - 120), "has expired"),
        ("nbf", json!(now + 120), "not valid yet"),
        ("iat", json!(now + 120), "made in the future"),
        ("iat", Value::Null, "a time that it says is no time"),
        ("header", json!({ "alg": "none" }), "not signed with RS256"),
        ("header", json!({ "typ": "at+jwt" }), "an access token, which signs nobody in"),
        ("header", json!({ "kid": "made-up" }), "publishes no key"),
    ];
    for (claim, value, why) in cases {
        issuer.with(|state| {
            let (claim, value) = (claim.to_owned(), value.clone());
            state.change = Arc::new(move |claims| claims[&claim] = value.clone());
        });
        let (cookie, location) = leave(&client, "/ui/sign-in");
        let reply = come_back(&client, &issuer.authorise(&location), &cookie);
        assert_eq!(reply.status, 403, "{claim} {value}: {}", text(&reply));
        assert!(text(&reply).contains(why), "{claim} {value}: {}", text(&reply));
        has_no_session(&reply);
    }
    for claims in [json!({ "aud": [CLIENT.0, "b"], "azp": CLIENT.0 }), json!({ "azp": CLIENT.0 })] {
        issuer.with(|state| {
            state.change = Arc::new(move |all| {
                all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
            });
        });
        sign_in(&bank, &issuer);
    }
    // What signs in opens nothing else, and what opens something signs nobody in.
    issuer.with(|state| state.change = Arc::new(|_| {}));
}

#[test]
fn nobody_is_sent_to_another_site() {
    let (bank, issuer) = bank();
    let client = bank.client();
    for evil in [
        "https://evil.example",
        "//evil.example",
        "/ui//evil.example",
        "/%5Cevil.example",
        "/ui%0D%0Alocation:%20x",
        "/v1/admin/tokens",
        "javascript:alert(1)",
    ] {
        let (cookie, location) = leave(&client, &format!("/ui/sign-in?next={evil}"));
        let reply = come_back(&client, &issuer.authorise(&location), &cookie);
        session(&reply);
        assert!(text(&reply).contains("content=\"0;url=/ui\""), "{evil}: {}", text(&reply));
        let login = text(&client.get(&format!("/ui/login?next={evil}")));
        assert!(!login.contains("evil") && !login.contains("alert"), "{evil}: {login}");
        let role = codex_fleet_server::store::tokens::Role::Viewer;
        let token = bank.fleet.admin_token(role).unwrap();
        let form = format!("token={token}&next={evil}");
        let headers = "Origin: https://localhost\r\n";
        let reply = client.request("POST", "/ui/login", headers, form.as_bytes());
        assert_eq!(reply.header("location"), Some("/ui"), "{evil}");
    }
    // The host of a request says nothing of where the issuer sends people back to.
    let head = "GET /ui/sign-in HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let reply = client.raw(head.as_bytes()).unwrap();
    let asked = pairs(reply.header("location").unwrap().split_once('?').unwrap().1);
    assert_eq!(asked["redirect_uri"], format!("{URL}/ui/signed-in"));
    // A server whose people do not sign in so has no such way.
    let plain = Bank::new();
    assert_eq!(plain.client().get("/ui/sign-in").status, 404);
    assert!(!text(&plain.client().get("/ui/login")).contains("/ui/sign-in"));
}

#[test]
fn a_session_is_known_on_every_server_and_ends_on_all_of_them() {
    let (bank, issuer) = bank();
    let other = run(bank.folder.path(), |config| {
        config.oidc = Some(settings(&issuer.url, URL, ""));
    });
    let (first, second) = (bank.client(), Client::of(&other));
    // Begun at one server, come back at the other, and used at both.
    let (cookie, location) = leave(&first, "/ui/sign-in");
    let own = session(&come_back(&second, &issuer.authorise(&location), &cookie));
    for client in [&first, &second] {
        assert_eq!(see(client, "/ui", &own).status, 200);
    }
    let program = |arguments: &str| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_codex-fleet-server"))
            .args(arguments.split(' '))
            .current_dir(bank.folder.path())
            .output()
            .unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
    };
    let (code, list) = program("session list");
    assert_eq!((code, list.lines().count()), (0, 1), "{list}");
    assert!(list.contains("person ana@bank.example (248289761001)"), "{list}");
    let value = own.split_once('=').unwrap().1;
    assert!(!list.contains(value), "a list is no key");
    let id = list.split("  ").next().unwrap();
    assert_eq!(program(&format!("session end {id}")).0, 0);
    for client in [&first, &second] {
        assert_eq!(see(client, "/ui", &own).status, 303, "on all servers, at once");
    }
    assert_eq!(program(&format!("session end {id}")).0, 1);
    let own = sign_in(&bank, &issuer);
    assert_eq!(see(&second, "/ui", &own).status, 200);
    // What a group may do is looked up every time: a server that is told less lets in less.
    other.stop();
    let less = run(bank.folder.path(), |config| {
        let mut less = settings(&issuer.url, URL, "");
        less.roles.remove("fleet-operators");
        config.oidc = Some(less);
    });
    assert_eq!(see(&Client::of(&less), "/ui", &own).status, 303);
    assert_eq!(see(&first, "/ui", &own).status, 200);
}

#[test]
fn a_machines_token_follows_the_machine_and_ends_with_it() {
    let bank = Bank::new();
    assert_eq!(bank.operator().publish(&Publisher::default().release(STRICT)).status, 200);
    let payments = Machine::enrol(&bank.fleet, &bank.payments_token(), "pay-1.bank.example");
    let nobody = bank.fleet.enrolment_token(Scope::default()).unwrap();
    let other = Machine::enrol(&bank.fleet, &nobody, "dev-1.bank.example");
    drop((payments, other));
    let devices = bank.admin().get("/v1/admin/devices").json();
    let device = |host: &str| {
        let all = devices["devices"].as_array().unwrap().iter();
        let mut found = all.filter(|one| one["claims"]["host"] == host);
        found.next().unwrap()["device"].as_str().unwrap().to_owned()
    };
    let program = |arguments: &str| {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_codex-fleet-server"))
            .args(arguments.split(' '))
            .current_dir(bank.folder.path())
            .output()
            .unwrap();
        let text = String::from_utf8(done.stdout).unwrap().trim().to_owned();
        (done.status.code().unwrap(), text)
    };
    let given = |path: &str| {
        let reply = bank.client().get(&format!("{path}{PULL}"));
        (reply.status, text(&reply))
    };
    let mut paths = Vec::new();
    for (host, strict) in [("pay-1.bank.example", true), ("dev-1.bank.example", false)] {
        let (code, path) = program(&format!("config-token create --device {}", device(host)));
        assert!(code == 0 && path.starts_with("/codex/ccconfig_"), "{path}");
        let deadline = Instant::now() + Duration::from_secs(10);
        while given(&path).0 == 404 {
            assert!(Instant::now() < deadline, "the server hears of it");
            std::thread::sleep(Duration::from_millis(50));
        }
        let (status, body) = given(&path);
        assert_eq!(status, 200, "{host}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let contents = &body["requirements_toml"]["enterprise_managed"][0]["contents"];
        assert_eq!(*contents == STRICT, strict, "{host}: {body}");
        paths.push(path);
    }
    let (_, list) = program("token list");
    assert!(list.contains(&format!("config  device {}", device("pay-1.bank.example"))), "{list}");
    // The machine goes, and its token with it; nobody else's.
    let gone = format!("/v1/admin/devices/{}", device("pay-1.bank.example"));
    assert_eq!(bank.admin().request("DELETE", &gone, "", b"").status, 200);
    assert_eq!(given(&paths[0]).0, 404);
    assert_eq!(given(&paths[1]).0, 200);
    let revoked = format!("config-token create --device {}", device("pay-1.bank.example"));
    assert_eq!(program(&revoked).0, 1, "not for a machine that was revoked");
    for (wrong, code) in [
        ("config-token create --device 7", 2),
        ("config-token create", 2),
        ("config-token create --device 0123456789abcdef0123456789abcdef", 1),
        ("config-token create --cohort a --device 0123456789abcdef0123456789abcdef", 2),
    ] {
        assert_eq!(program(wrong).0, code, "{wrong}");
    }
}
