//! The dashboard in a real browser: headless Chromium, driven over WebDriver. Screenshots go to the
//! target folder's `tmp/dashboard`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codex_fleet_server::store::tokens::Role;
use serde_json::{Value, json};

use crate::rollouts::{Laptop, bank, publish};
use crate::support::{Bank, STRICT};

/// Whether pages may run scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scripts {
    Run,
    Blocked,
}

struct Driver(Child, u16);

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Driver {
    /// None where there is no browser: said loudly, and an error in CI.
    fn start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let started = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = started else {
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!in_ci, "`chromedriver` and `chromium` are needed for this test");
            eprintln!(
                "NOT RUN: there is no `chromedriver`, so the dashboard was seen by no browser"
            );
            return None;
        };
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        let port = port.expect("it says its port");
        // Whatever else it says must have somewhere to go.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self(child, port))
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        self.try_call(method, path, body).unwrap_or_else(|problem| panic!("{path}: {problem:#}"))
    }

    fn try_call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.1)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let text = body.map_or_else(String::new, Value::to_string);
        let length = text.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{text}",
            self.1
        )
        .unwrap();
        // It keeps the connection open whatever it is asked: the length says where the answer ends.
        let mut reader = BufReader::new(stream);
        let mut wanted = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                wanted = value.trim().parse().unwrap();
            }
            if line.trim().is_empty() {
                break;
            }
        }
        let mut answer = vec![0; wanted];
        reader.read_exact(&mut answer).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].clone();
        if value["error"].is_null() { Ok(value) } else { Err(value) }
    }
}

struct Page<'driver> {
    driver: &'driver Driver,
    session: String,
    url: String,
}

impl Drop for Page<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.driver.call("DELETE", &format!("/session/{}", self.session), None);
        }
    }
}

impl<'driver> Page<'driver> {
    fn open(driver: &'driver Driver, bank: &Bank, scripts: Scripts) -> Self {
        let javascript = if scripts == Scripts::Run { 1 } else { 2 };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1280,1500"],
                "prefs": { "profile.managed_default_content_settings.javascript": javascript },
            },
        } } });
        let made = driver.call("POST", "/session", Some(&capabilities));
        let session = made["sessionId"].as_str().unwrap().to_owned();
        Self { driver, session, url: bank.fleet.url() }
    }

    fn ask(&self, method: &str, what: &str, body: &Value) -> Value {
        let body = (method == "POST").then_some(body);
        self.driver.call(method, &format!("/session/{}/{what}", self.session), body)
    }

    fn go(&self, path: &str) {
        self.ask("POST", "url", &json!({ "url": format!("{}{path}", self.url) }));
    }

    fn element(&self, selector: &str) -> String {
        let found =
            self.ask("POST", "element", &json!({ "using": "css selector", "value": selector }));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("element/{element}/click"), &json!({}));
    }

    fn keys(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.ask("POST", &format!("element/{element}/value"), &json!({ "text": text }));
    }

    /// What can be read on the page; nothing while it changes.
    fn text(&self) -> String {
        let session = format!("/session/{}", self.session);
        let body = json!({ "using": "css selector", "value": "body" });
        let read = || {
            let found =
                self.driver.try_call("POST", &format!("{session}/element"), Some(&body)).ok()?;
            let element = found.as_object()?.values().next()?.as_str()?.to_owned();
            let place = format!("{session}/element/{element}/text");
            Some(self.driver.try_call("GET", &place, None).ok()?.as_str()?.to_owned())
        };
        read().unwrap_or_default()
    }

    fn script(&self, script: &str) -> Value {
        self.ask("POST", "execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a page says something, by itself.
    fn says(&self, wanted: &str) {
        let began = Instant::now();
        while !self.text().contains(wanted) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "no `{wanted}` in:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn sign_in(&self, bank: &Bank) {
        self.go("/ui");
        let token = bank.fleet.admin_token(Role::Operator).unwrap();
        // The field has the focus, and the return key sends the form: no mouse.
        let active = self.ask("GET", "element/active", &json!({}));
        let active = active.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        let text = format!("{token}\u{e007}");
        self.ask("POST", &format!("element/{active}/value"), &json!({ "text": text }));
        self.says("How endpoints stand");
    }

    fn shot(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dashboard");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = self.ask("GET", "screenshot", &json!({}));
        let bytes = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// What the browser complained of: blocked scripts, styles, unreachable files.
    fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", "se/log", &json!({ "type": "browser" }));
        let all = log.as_array().unwrap().iter();
        // What is on the level of debugging are hints, on forms with passwords for example.
        let said = all.filter(|entry| entry["level"] != "DEBUG");
        said.map(|entry| entry["message"].to_string()).collect()
    }
}

/// Machines that look again and again, and enforce what they may have.
fn look(laptops: &mut [Laptop], generation: u64) {
    for one in laptops {
        if one.held() < Some(generation) && one.look(None).hold.is_none() {
            one.enforce(generation);
        }
    }
}

#[test]
fn a_browser_drives_a_rollout_from_start_to_promotion() {
    let Some(driver) = Driver::start() else { return };
    let (bank, mut publisher, mut laptops) = bank(40);
    publish(&bank, &mut publisher, STRICT);
    let page = Page::open(&driver, &bank, Scripts::Run);
    page.sign_in(&bank);
    page.shot("overview");
    page.click("a[href='/ui/rollouts']");
    page.says("Start a rollout");
    page.click("#bundle option[value='2:payments']");
    page.click("input[value='canary']");
    page.keys("#bake", "0");
    page.keys("#why", "the first of the year");
    page.shot("start");
    page.click("button.main");
    page.says("payments: generation 1 → 2");
    page.says("1 endpoint may have it");
    // A person stops it and lets it go on; nobody reloads the page in between.
    page.keys("#reason", "lunch");
    page.click("button[value='pause']");
    page.says("Paused (lunch)");
    page.shot("paused");
    page.click("button[value='resume']");
    page.says("Resumed; 0 failures are accepted");
    let began = Instant::now();
    // Four fifths are enough: how many it were at that moment is a matter of time.
    while !page.text().contains("Promoted: ") {
        look(&mut laptops, 2);
        assert!(began.elapsed() < Duration::from_mins(3), "{}", page.text());
        std::thread::sleep(Duration::from_millis(200));
    }
    page.shot("promoted");
    assert_eq!(page.ask("GET", "title", &json!({})), "payments → 2: promoted · Example Bank");
    assert!(!page.text().contains("Decide"), "nothing is left to decide");
    page.go("/ui/audit");
    page.says("rollout moved");
    assert_eq!(page.complaints(), [""; 0], "the policy of the page blocks nothing of its own");
}

#[test]
fn everything_can_be_read_and_done_without_scripts() {
    let Some(driver) = Driver::start() else { return };
    let (bank, mut publisher, _laptops) = bank(4);
    publish(&bank, &mut publisher, STRICT);
    let page = Page::open(&driver, &bank, Scripts::Blocked);
    page.sign_in(&bank);
    page.go("/ui/rollouts");
    page.click("#bundle option[value='2:payments']");
    page.click("button.main");
    page.says("payments: generation 1 → 2");
    page.click("button[value='abort']");
    page.says("Aborted");
    for (path, says) in [
        ("/ui/endpoints", "pay-000.bank.example"),
        ("/ui/releases/payments/2", "tighter"),
        ("/ui/requests", "Nobody has asked"),
        ("/ui/audit", "rollout decided"),
    ] {
        page.go(path);
        page.says(says);
    }
}

#[test]
fn no_page_is_wider_than_a_phone_or_a_zoomed_window() {
    let Some(driver) = Driver::start() else { return };
    let (bank, mut publisher, mut laptops) = bank(4);
    publish(&bank, &mut publisher, STRICT);
    // What machines say may have words of any length.
    let word = "a".repeat(100);
    let why = format!("codex 0.110.0 does not know `{word}`: it would ignore that");
    laptops[0].look(Some((2, "refused", json!([why]))));
    let body = json!({
        "wants": { "kind": "domain", "host": "files.partner.example" },
        "days": 14, "reason": "the fixtures are only there",
    });
    assert_eq!(laptops[0].machine.client.post("/v1/requests", &body).status, 201);
    let page = Page::open(&driver, &bank, Scripts::Run);
    page.sign_in(&bank);
    page.go("/ui/endpoints");
    let device = page.script("return document.querySelector('tbody a').getAttribute('href')");
    let device = device.as_str().unwrap().to_owned();
    let paths = [
        "/ui",
        "/ui/rollouts",
        "/ui/endpoints",
        &device,
        "/ui/releases",
        "/ui/releases/payments/2",
        "/ui/requests",
        "/ui/requests/1",
        "/ui/audit",
    ];
    for width in [500, 640] {
        let size = json!({ "width": width, "height": 1400 });
        page.ask("POST", "window/rect", &size);
        for path in paths {
            page.go(path);
            let wide = page.script(
                "const inside = window.innerWidth; \
                 const wide = [...document.querySelectorAll('main *')] \
                     .filter(one => one.getBoundingClientRect().right > inside) \
                     .map(one => one.outerHTML.slice(0, 200)); \
                 return [document.documentElement.scrollWidth, inside, wide.slice(0, 3)]",
            );
            assert!(wide[0].as_u64() <= wide[1].as_u64(), "{path} at {width}: {wide}");
            page.shot(&format!("{}-{width}", path.trim_matches('/').replace('/', "-")));
        }
    }
    // The keyboard alone comes everywhere: everything that can be clicked can have the focus, and
    // shows that it has it.
    page.go("/ui/rollouts");
    let first = page.script(
        "document.querySelector('.skip').focus(); const one = document.activeElement; \
         return [one.className, getComputedStyle(one).left]",
    );
    assert_eq!(first[0], "skip");
    let hidden = page.script(
        "return [...document.querySelectorAll('[tabindex]')].filter(one => one.tabIndex !== 0).length",
    );
    assert_eq!(hidden, 0);
    assert_eq!(page.complaints(), [""; 0]);
}

/// Whether somebody likes it dark.
fn likes(page: &Page<'_>, scheme: &str) {
    let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
    let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": { "features": features } });
    page.ask("POST", "goog/cdp/execute", &body);
}

#[test]
fn a_browser_signs_in_through_an_identity_provider_with_and_without_scripts() {
    use crate::issuer::Issuer;

    let Some(driver) = Driver::start() else { return };
    let issuer = Issuer::start();
    // The issuer must know where to send people back to before the server listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let bank = Bank::with(|config| {
        config.listen.tls = vec![address];
        let url = format!("https://{address}");
        config.oidc = Some(crate::oidc::settings(&issuer.url, &url, ""));
    });
    for scripts in [Scripts::Run, Scripts::Blocked] {
        let page = Page::open(&driver, &bank, scripts);
        page.go("/ui/audit");
        page.says("Sign in with Bank ID");
        if scripts == Scripts::Run {
            for scheme in ["light", "dark"] {
                likes(&page, scheme);
                page.shot(&format!("sign-in-{scheme}"));
            }
        }
        // Somebody who is in no group that counts is told which ones do.
        issuer.with(|state| state.person["groups"] = json!(["others"]));
        page.click("a.button.main");
        page.says("you are in no group that may see this fleet");
        if scripts == Scripts::Run {
            for scheme in ["light", "dark"] {
                likes(&page, scheme);
                page.shot(&format!("no-group-{scheme}"));
            }
            for width in [500, 640] {
                page.ask("POST", "window/rect", &json!({ "width": width, "height": 1400 }));
                let wide =
                    page.script("return [document.documentElement.scrollWidth, window.innerWidth]");
                assert!(wide[0].as_u64() <= wide[1].as_u64(), "{width}: {wide}");
            }
        }
        issuer.with(|state| state.person["groups"] = json!(["fleet-operators"]));
        page.go("/ui/audit");
        page.click("a.button.main");
        // Over the issuer and back to the page that was asked for, by itself.
        page.says("person ana@bank.example (248289761001)");
        let at = page.ask("GET", "url", &json!({}));
        assert_eq!(at, format!("{}/ui/audit", bank.fleet.url()));
        page.says("Sign out");
        if scripts == Scripts::Run {
            let complaints = page.complaints();
            // The refusal's own status is the only thing that it may speak of.
            let others = complaints.iter().filter(|one| !one.contains("status of 403"));
            assert_eq!(others.count(), 0, "{complaints:?}");
        }
        page.click("header form button");
        page.says("Sign in with Bank ID");
        page.go("/ui");
        page.says("Sign in with Bank ID");
    }
}
