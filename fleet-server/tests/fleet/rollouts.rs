//! Rollouts as operators, machines and people at the dashboard see them.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet::check_in::Answer;
use codex_fleet_server::store::tokens::Role;
use serde_json::{Value, json};

use crate::support::{Bank, Client, LOOSE, Machine, Publisher, Reply, STRICT};

/// A machine with what it would remember.
pub(crate) struct Laptop {
    pub(crate) machine: Machine,
    number: u64,
    held: Option<u64>,
}

impl Laptop {
    pub(crate) fn enrol(bank: &Bank, token: &str, number: usize) -> Self {
        let machine = Machine::enrol(&bank.fleet, token, &format!("pay-{number:03}.bank.example"));
        Self { machine, number: 0, held: None }
    }

    fn about(generation: u64) -> Value {
        json!({ "cohort": "payments", "generation": generation, "digest": "sha256:00" })
    }

    pub(crate) fn held(&self) -> Option<u64> {
        self.held
    }

    /// Checks in, with a transition if there is one to tell.
    pub(crate) fn look(&mut self, told: Option<(u64, &str, Value)>) -> Answer {
        let transitions = told.map(|(generation, state, reasons)| {
            self.number += 1;
            json!([{
                "at": jiff::Timestamp::now(),
                "number": self.number,
                "about": Self::about(generation),
                "state": state,
                "reasons": reasons,
            }])
        });
        let body = json!({
            "nonce": STANDARD.encode([7; 32]),
            "agent": "0.1.0",
            "codex": ["0.169.0"],
            "installed": self.held.map(Self::about),
            "transitions": transitions.unwrap_or_else(|| json!([])),
        });
        let reply = self.machine.client.post("/v1/check-in", &body);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        serde_json::from_slice(&reply.body).unwrap()
    }

    pub(crate) fn enforce(&mut self, generation: u64) {
        self.held = Some(generation);
        self.look(Some((generation, "enforced", json!([]))));
    }
}

/// A bank whose planner looks ten times a second, with the first generation on all machines.
pub(crate) fn bank(machines: usize) -> (Bank, Publisher, Vec<Laptop>) {
    let bank = Bank::with(|config| config.rollouts.step_milliseconds = 100);
    let mut publisher = Publisher::default();
    let published = bank.operator().publish(&publisher.release(LOOSE));
    assert_eq!(published.status, 200, "{}", String::from_utf8_lossy(&published.body));
    let token = bank.payments_token();
    let mut laptops: Vec<Laptop> =
        (0..machines).map(|number| Laptop::enrol(&bank, &token, number)).collect();
    laptops.iter_mut().for_each(|one| one.enforce(1));
    (bank, publisher, laptops)
}

pub(crate) fn publish(bank: &Bank, publisher: &mut Publisher, requirements: &str) {
    let reply = bank.operator().publish(&publisher.release(requirements));
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
}

fn start(client: &Client, generation: u64) -> Reply {
    let body = json!({
        "cohort": "payments", "generation": generation, "strategy": "canary",
        "bake_seconds": 0, "minimum_sample": 3,
    });
    client.post("/v1/admin/rollouts", &body)
}

fn act(client: &Client, act: &str) -> Reply {
    client.post("/v1/admin/rollouts/payments", &json!({ "cohort": "payments", "act": act }))
}

fn state(client: &Client) -> Value {
    client.get("/v1/admin/rollouts/payments").json()
}

/// Waits until a rollout is as it should be, and tells how it is.
fn until(client: &Client, what: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let now = state(client);
        if what(&now) {
            return now;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{now:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_rollout_goes_from_one_machine_to_all() {
    let (bank, mut publisher, mut laptops) = bank(40);
    publish(&bank, &mut publisher, STRICT);
    let operator = bank.operator();
    assert!(
        laptops.iter_mut().all(|one| one.look(None).hold.is_none()),
        "no rollout, nobody waits"
    );

    let started = start(&operator, 2);
    assert_eq!(started.status, 201, "{}", String::from_utf8_lossy(&started.body));
    let mut revision = 0;
    for (stage, may) in [(1, 1), (2, 2), (3, 10), (4, 40)] {
        let status = until(&operator, |now| now["stage"] == stage && now["state"] == "running");
        assert_eq!(status["figures"]["known"], may, "{status:#}");
        let mut admitted = 0;
        for one in &mut laptops {
            let answer = one.look(None);
            assert!(matches!(answer.hold, None | Some(1)), "{:?}", answer.hold);
            assert!(answer.revision >= revision, "machines are told to look again");
            revision = answer.revision;
            if answer.hold.is_none() {
                admitted += 1;
                if one.held == Some(1) {
                    one.enforce(2);
                }
            }
        }
        assert_eq!(admitted, may, "stage {stage}");
    }
    until(&operator, |now| now["state"] == "promoted");
    // Figures that are shown may be two seconds old.
    until(&operator, |now| now["figures"]["enforced"] == 40);
    let audit = bank.admin().get("/v1/admin/audit").json();
    let moved = audit["entries"].as_array().unwrap().iter();
    let moved =
        moved.filter(|one| one["action"] == "rollout moved" && one["actor"] == "automation");
    assert!(moved.count() >= 9, "{audit:#}");
    // A server that is started again knows it still.
    let refused = start(&operator, 2);
    assert_eq!(refused.status, 409);
    assert!(refused.json()["message"].as_str().unwrap().contains("what everybody has already"));
}

#[test]
fn failures_pause_it_and_nobody_is_sent_back() {
    let (bank, mut publisher, mut laptops) = bank(10);
    publish(&bank, &mut publisher, STRICT);
    let operator = bank.operator();
    assert_eq!(start(&operator, 2).status, 201);
    until(&operator, |now| now["stage"] == 1);
    let canary = laptops.iter_mut().position(|one| one.look(None).hold.is_none()).unwrap();
    laptops[canary].look(Some((2, "refused", json!(["codex 0.110.0 does not know `a`"]))));
    let paused = until(&operator, |now| now["state"] == "paused");
    assert_eq!(paused["reasons"][0]["text"], "codex 0.110.0 does not know `a`");
    // Machines that nobody asked yet may say what they like: nothing becomes older or looser.
    for (number, one) in laptops.iter_mut().enumerate() {
        let answer = one.look(Some((2, "refused", json!(["stolen"]))));
        assert_eq!(answer.hold, (number != canary).then_some(1));
    }
    assert_eq!(state(&operator)["state"], "paused");
    assert_eq!(act(&operator, "pause").status, 409, "it is paused already");
    assert_eq!(act(&operator, "resume").status, 200);
    assert_eq!(act(&operator, "resume").status, 409, "not twice");
    assert_eq!(act(&operator, "abort").status, 200);
    assert!(laptops.iter_mut().all(|one| one.look(None).hold == Some(1)));
    // The way back is forward: the old content as a new generation. It loosens nothing for those who
    // have the first one; a machine that has the second refuses it by itself, unless it is approved.
    publish(&bank, &mut publisher, LOOSE);
    assert_eq!(start(&operator, 2).status, 409, "endpoints never go back");
    assert_eq!(start(&operator, 3).status, 201);
}

#[test]
fn a_loosening_that_nobody_approved_is_not_rolled_out() {
    let (bank, mut publisher, mut laptops) = bank(3);
    publish(&bank, &mut publisher, STRICT);
    let operator = bank.operator();
    assert_eq!(start(&operator, 2).status, 201);
    assert_eq!(act(&operator, "promote").status, 200);
    laptops.iter_mut().for_each(|one| one.enforce(2));
    publish(&bank, &mut publisher, LOOSE);
    let refused = start(&operator, 3);
    assert_eq!(refused.status, 409);
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("loosens allowed_sandbox_modes"), "{message}");
    assert!(message.contains("there is no approval of that"), "{message}");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    let (bank, mut publisher, _) = bank(1);
    let operator = bank.operator();
    let viewer = bank.client().with_token(&bank.fleet.admin_token(Role::Viewer).unwrap());
    let message = |reply: Reply| {
        assert_eq!(reply.status, 409);
        reply.json()["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(start(&viewer, 1).status, 403);
    assert_eq!(viewer.get("/v1/admin/rollouts/payments").status, 404);
    assert!(message(act(&operator, "resume")).contains("has no rollout"));
    publish(&bank, &mut publisher, STRICT);
    assert!(message(start(&operator, 9)).contains("there is no generation 9"));
    let body = json!({ "cohort": "nobody", "generation": 1, "strategy": "canary" });
    assert!(message(operator.post("/v1/admin/rollouts", &body)).contains("publish one first"));
    let body = json!({ "cohort": "", "generation": 1, "strategy": "canary" });
    assert_eq!(operator.post("/v1/admin/rollouts", &body).status, 422);
    let body = json!({ "cohort": "payments", "generation": 1, "strategy": "yolo" });
    assert_eq!(operator.post("/v1/admin/rollouts", &body).status, 400);
    assert_eq!(start(&operator, 2).status, 201);
    assert!(message(start(&operator, 2)).contains("promote or abort it first"));
    let other = json!({ "cohort": "developers", "act": "pause" });
    assert_eq!(operator.post("/v1/admin/rollouts/payments", &other).status, 422);
    assert_eq!(act(&viewer, "pause").status, 403);
    assert_eq!(act(&operator, "pause").status, 200);
}

#[test]
fn requests_land_with_the_operators_and_reports_know_the_machines() {
    let (bank, _, mut laptops) = bank(3);
    let operator = bank.operator();
    let ask = |wants: Value| {
        let body = json!({ "wants": wants, "days": 14, "reason": "the fixtures are there" });
        laptops[0].machine.client.post("/v1/requests", &body)
    };
    let filed = ask(json!({ "kind": "domain", "host": "files.example" }));
    assert_eq!(filed.status, 201, "{}", String::from_utf8_lossy(&filed.body));
    assert_eq!(filed.json()["number"], 1);
    assert_eq!(ask(json!({ "kind": "domain", "host": "*.example" })).status, 422);
    for _ in 1..20 {
        assert_eq!(ask(json!({ "kind": "domain", "host": "files.example" })).status, 201);
    }
    assert_eq!(ask(json!({ "kind": "domain", "host": "files.example" })).status, 429);
    let listed = operator.get("/v1/admin/requests").json();
    let first = listed["requests"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first["filed"]["host"], "pay-000.bank.example");
    assert_eq!(first["filed"]["cohort"], "payments");
    let one = operator.get("/v1/admin/requests?number=1").json();
    assert_eq!(one["filed"]["number"], 1);
    let file = &one["file"];
    assert!(file["path"].as_str().unwrap().starts_with("exceptions/request-1-"), "{one}");
    assert!(file["text"].as_str().unwrap().contains("\"files.example\" = \"allow\""), "{one}");
    assert_eq!(operator.get("/v1/admin/requests?number=999").status, 404);
    assert_eq!(operator.get("/v1/admin/requests?number=x").status, 400);
    assert_eq!(bank.client().post("/v1/requests", &json!({})).status, 401, "machines alone");

    laptops[1].look(Some((1, "drifted", json!(["requirements.toml was changed"]))));
    let report = operator.get("/v1/admin/report").json();
    assert_eq!(report["endpoints"], 3, "{report:#}");
    let table = operator.get("/v1/admin/endpoints.csv");
    let text = String::from_utf8(table.body).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("requirements.toml was changed"), "{text}");
}

/// A browser as far as cookies and forms go.
pub(crate) struct Browser {
    client: Client,
    cookie: String,
}

impl Browser {
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.client.request("GET", path, &format!("Cookie: {}\r\n", self.cookie), b"")
    }

    fn post(&self, path: &str, origin: &str, body: &str) -> Reply {
        let headers = format!("Cookie: {}\r\nOrigin: {origin}\r\n", self.cookie);
        self.client.request("POST", path, &headers, body.as_bytes())
    }

    fn csrf(&self) -> String {
        let page = String::from_utf8(self.get("/ui").body).unwrap();
        let start = page.find("name=\"csrf\" value=\"").unwrap() + 19;
        page[start..].split('"').next().unwrap().to_owned()
    }

    pub(crate) fn sign_in(bank: &Bank, role: Role) -> Self {
        let mut browser = Self { client: bank.client(), cookie: String::new() };
        let token = bank.fleet.admin_token(role).unwrap();
        let reply = browser.post("/ui/login", "https://localhost", &format!("token={token}"));
        assert_eq!((reply.status, reply.header("location")), (303, Some("/ui")));
        let cookie = reply.header("set-cookie").unwrap();
        for needed in ["__Host-", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(needed), "{cookie}");
        }
        cookie.split(';').next().unwrap().clone_into(&mut browser.cookie);
        browser
    }
}

#[test]
fn the_dashboard_lets_in_who_has_a_token_and_takes_its_own_forms_alone() {
    let (bank, mut publisher, _) = bank(2);
    publish(&bank, &mut publisher, STRICT);
    let stranger = Browser { client: bank.client(), cookie: "__Host-codex-fleet=abc".to_owned() };
    for path in ["/ui", "/ui/rollouts", "/ui/audit", "/ui/endpoints.csv", "/ui/report.json"] {
        let reply = stranger.get(path);
        let to = if path == "/ui" { "/ui/login".into() } else { format!("/ui/login?next={path}") };
        assert_eq!((reply.status, reply.header("location")), (303, Some(to.as_str())), "{path}");
    }
    let wrong = stranger.post("/ui/login", "https://localhost", "token=ccadmin_wrong");
    assert_eq!(wrong.status, 403);
    assert!(String::from_utf8_lossy(&wrong.body).contains("not known here"));

    let operator = Browser::sign_in(&bank, Role::Operator);
    for path in [
        "/ui",
        "/ui/rollouts",
        "/ui/endpoints",
        "/ui/endpoints?q=pay",
        "/ui/releases",
        "/ui/releases/payments",
        "/ui/releases/payments/1",
        "/ui/requests",
        "/ui/audit",
        "/ui/audit?before=2",
    ] {
        let reply = operator.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", String::from_utf8_lossy(&reply.body));
        assert_eq!(
            reply.header("content-security-policy"),
            Some(codex_fleet_server::pages::POLICY)
        );
        assert_eq!(reply.header("x-frame-options").or(Some("none")), Some("none"));
        assert!(reply.header("content-type").unwrap().starts_with("text/html"), "{path}");
    }
    for path in ["/ui/nothing", "/ui/rollouts/nobody", "/ui/endpoints/00", "/ui/requests/9"] {
        assert_eq!(operator.get(path).status, 404, "{path}");
    }
    let release = String::from_utf8(operator.get("/ui/releases/payments/2").body).unwrap();
    assert!(release.contains("tighter") && release.contains("allowed_sandbox_modes"), "{release}");

    let audit = String::from_utf8(operator.get("/ui/audit").body).unwrap();
    assert!(audit.contains("signed in"), "whoever signs in is in the log");

    let csrf = operator.csrf();
    let form = format!("csrf={csrf}&bundle=2%3Apayments&strategy=canary&volunteers=&reason=");
    let post = |browser: &Browser, origin, form: &str| browser.post("/ui/rollouts", origin, form);
    assert_eq!(post(&operator, "https://evil.example", &form).status, 403, "another origin");
    let bare = operator.client.request(
        "POST",
        "/ui/rollouts",
        &format!("Cookie: {}\r\n", operator.cookie),
        form.as_bytes(),
    );
    assert_eq!(bare.status, 403, "no origin");
    let forged = form.replace(&csrf, "0000");
    assert_eq!(post(&operator, "https://localhost", &forged).status, 403, "no proof");
    let viewer = Browser::sign_in(&bank, Role::Viewer);
    let mine = form.replace(&csrf, &viewer.csrf());
    assert_eq!(post(&viewer, "https://localhost", &mine).status, 403, "may not decide");
    let started = post(&operator, "https://localhost", &form);
    assert_eq!((started.status, started.header("location")), (303, Some("/ui/rollouts/payments")));
    let again = post(&operator, "https://localhost", &form);
    assert_eq!(again.status, 409);
    assert!(String::from_utf8_lossy(&again.body).contains("romote or abort it first"));

    let out = operator.post("/ui/logout", "https://localhost", &format!("csrf={csrf}"));
    assert_eq!(out.status, 303);
    assert_eq!(operator.get("/ui").header("location"), Some("/ui/login"), "the session has ended");
}

#[test]
fn a_token_that_is_revoked_is_out_at_once() {
    let (bank, _, _) = bank(1);
    let admin = bank.admin();
    let operator = Browser::sign_in(&bank, Role::Operator);
    assert_eq!(operator.get("/ui").status, 200);
    let tokens = admin.get("/v1/admin/tokens").json();
    let all = tokens.as_object().unwrap().values().filter_map(Value::as_array).flatten();
    for token in all.filter(|one| one["grant"] == json!({ "admin": "operator" })) {
        let id = token["id"].as_str().unwrap();
        assert_eq!(admin.request("DELETE", &format!("/v1/admin/tokens/{id}"), "", b"").status, 200);
    }
    assert_eq!(operator.get("/ui").header("location"), Some("/ui/login"));
}

/// What `codex-config rollout …` does, with its exit code.
fn program(bank: &Bank, token: &std::path::Path, arguments: &[&str]) -> (u8, String, String) {
    use clap::Parser as _;
    use codex_compiler::cli::{Cli, Output, run};

    let authority = bank.folder.path().join("authority.pem");
    std::fs::write(&authority, bank.fleet.authority().unwrap()).unwrap();
    let url = bank.fleet.url();
    let server =
        ["--server", &url, "--server-token", token.to_str().unwrap(), "--server-authority"];
    let all = ["codex-config", "rollout"].iter().chain(arguments).chain(&server).copied();
    let cli = Cli::try_parse_from(all.chain([authority.to_str().unwrap()])).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome.code(), output.data, output.talk)
}

#[test]
fn a_pipeline_starts_a_rollout_and_waits_for_it() {
    let (bank, mut publisher, mut laptops) = bank(4);
    publish(&bank, &mut publisher, STRICT);
    let token = bank.folder.path().join("operator.token");
    std::fs::write(&token, bank.fleet.admin_token(Role::Operator).unwrap()).unwrap();
    let run = |arguments: &[&str]| program(&bank, &token, arguments);

    let none = run(&["status", "payments"]);
    assert_eq!(none.0, 1);
    assert!(none.2.contains("this cohort has no rollout"), "{}", none.2);
    let wrong = run(&["start", "payments", "--generation", "9"]);
    assert_eq!(wrong.0, 1);
    assert!(wrong.2.contains("there is no generation 9"), "{}", wrong.2);
    let started = run(&[
        "start",
        "payments",
        "--generation",
        "2",
        "--strategy",
        "all-at-once",
        "--bake",
        "0s",
        "--reason",
        "ticket 7",
    ]);
    assert_eq!(started.0, 0, "{}", started.2);
    assert!(started.1.starts_with("payments: generation 1 to 2, all-at-once"), "{}", started.1);
    assert!(started.1.contains("(ticket 7)"), "{}", started.1);
    assert_eq!(run(&["pause", "payments"]).0, 0);
    let stuck = run(&["wait", "payments", "--timeout", "1s"]);
    assert_eq!(stuck.0, 1, "a pipeline stops where a rollout stands still");
    assert!(stuck.1.contains("paused until a person"), "{}", stuck.1);
    assert_eq!(run(&["resume", "payments"]).0, 0);
    until(&bank.operator(), |now| now["stage"] == 1);
    laptops.iter_mut().for_each(|one| one.enforce(2));
    let done = run(&["wait", "payments", "--timeout", "1s", "--json"]);
    assert_eq!(done.0, 0, "{}", done.1);
    let status: Value = serde_json::from_str(&done.1).unwrap();
    assert_eq!(status["state"], "promoted");
    assert_eq!(run(&["abort", "payments"]).0, 1, "it is over");
}
