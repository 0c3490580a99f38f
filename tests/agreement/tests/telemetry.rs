//! What the real Codex reports names its policy: a cohort's compiled requirements, a session, and a
//! collector of telemetry on loopback.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use codex_compiler::authoring::{Cache, effective};
use codex_compiler::compile::Compiler;
use codex_compiler::compile::history::NoHistory;
use codex_compiler::files::MemoryFiles;
use codex_compiler::repository;
use codex_oracle::{
    Oracle, TurnScript, World, WorldSpec, ask, install, isolated, require_or_announce,
};
use codex_schema::types::policy::Date;

/// A collector of logs and traces: every body that it was sent.
fn collector() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || take_all(stream.unwrap(), &kept));
        }
    });
    (port, bodies)
}

/// Takes request after request from a connection.
fn take_all(stream: TcpStream, kept: &Mutex<Vec<String>>) {
    let mut answers = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0_usize;
        let mut line = String::new();
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        kept.lock().unwrap().push(String::from_utf8_lossy(&body).into_owned());
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// What a cohort gets by a repository of one policy, and the digest of that.
fn compiled(port: u16) -> (String, String) {
    let today = Date::parse("2026-11-26").unwrap();
    let exporter = |signal: &str| {
        format!(
            "{{ otlp-http = {{ endpoint = 'http://127.0.0.1:{port}/v1/{signal}', protocol = 'json' }} }}"
        )
    };
    let requirements = format!(
        "allowed_sandbox_modes = ['read-only', 'workspace-write']\n[otel]\nenvironment = 'prod {{policy}}'\n\
         exporter = {}\ntrace_exporter = {}\n[otel.span_attributes]\n'codex.policy' = '{{policy}}'\n",
        exporter("logs"),
        exporter("traces"),
    );
    let manifest = "organisation.name = 'Bank'\n[cohorts.pay]\ndefault = true\n";
    let mut files = MemoryFiles::default();
    files.put("policy/policy.toml", manifest);
    files.put("policy/baseline/requirements.toml", requirements);
    let repository = repository::read(&files, "policy", today);
    assert!(repository.diagnostics.is_empty(), "{:?}", repository.diagnostics);
    let cohort = repository.manifest.cohorts.get("pay").unwrap();
    let policy = effective(&repository, cohort, today, &mut Cache::default());
    let compiled = Compiler::new(&NoHistory).cohort(&repository, cohort, &policy);
    (compiled.files.get("requirements.toml").unwrap().clone(), compiled.digest)
}

#[test]
fn what_codex_reports_names_its_policy() {
    let Some(binary) = require_or_announce(install("0.169.0")) else { return };
    let heard = isolated(|isolation| {
        let (port, bodies) = collector();
        let (requirements, digest) = compiled(port);
        // A user who wants another name does not get it.
        let config = "sandbox_mode = 'workspace-write'\n[otel]\nenvironment = 'mine'\n";
        let spec = WorldSpec::new()
            .file("/etc/codex/requirements.toml", &requirements)
            .file("$CODEX_HOME/config.toml", config);
        let world = World::build(isolation, &binary, &spec).unwrap();
        // Traces go out every five seconds, and the first ones are late.
        let script = TurnScript {
            cmds: vec!["sleep 12".to_owned()],
            decision: None,
            tool: serde_json::Map::default(),
        };
        ask(&world, &Oracle::Turn(script)).unwrap();
        let bodies = bodies.lock().unwrap().clone();
        (bodies, digest)
    });
    let Some((bodies, digest)) = require_or_announce(heard) else { return };
    let name = format!("pay@{}", digest.get(7..19).unwrap());
    let logs = bodies.iter().filter(|body| body.contains("resourceLogs"));
    let traces = bodies.iter().filter(|body| body.contains("resourceSpans"));
    let (logs, traces): (Vec<_>, Vec<_>) = (logs.collect(), traces.collect());
    assert!(!logs.is_empty() && !traces.is_empty(), "{} bodies", bodies.len());
    for log in logs {
        assert!(log.contains(&format!("prod {name}")), "{name}: {log}");
        assert!(!log.contains("\"mine\""), "{log}");
    }
    let attribute = |body: &&String| body.contains("codex.policy\"") && body.contains(&name);
    assert!(traces.iter().all(attribute), "{name}: {traces:?}");
}
