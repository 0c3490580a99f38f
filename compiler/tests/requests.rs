//! What somebody at a machine asks for, through the program: left for the agent, answered, refused.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use codex_fleet::request::{ANSWER_FOLDER, DROP_FOLDER, Request, Said, Wanted};

const POLICY: &str = r#"
allowed_approval_policies = ["on-request"]
allowed_sandbox_modes = ["read-only", "workspace-write"]

[experimental_network]
enabled = true
managed_allowed_domains_only = true

[experimental_network.domains]
"docs.example" = "allow"

[rules]
prefix_rules = [{ pattern = [{ token = "kubectl" }], decision = "forbidden", justification = "No." }]
"#;

/// A machine in a folder, with the folders that its agent makes.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for folder in [DROP_FOLDER, ANSWER_FOLDER, "etc/codex", "home"] {
            fs::create_dir_all(machine.0.path().join(folder)).unwrap();
        }
        fs::write(machine.0.path().join("etc/codex/requirements.toml"), POLICY).unwrap();
        machine
    }

    fn run(&self, words: &[&str], code: i32) -> Output {
        let root = self.0.path();
        let done = Command::new(env!("CARGO_BIN_EXE_codex-config"))
            .arg("request")
            .args(words)
            .args(["--cwd", "/", "--wait", "1s", "--root"])
            .arg(root)
            .arg("--codex-home")
            .arg(root.join("home"))
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(code), "{words:?}: {done:?}");
        done
    }

    fn refused(&self, words: &[&str], code: i32, because: &str) {
        let talk = String::from_utf8(self.run(words, code).stderr).unwrap();
        assert!(talk.contains(because), "{words:?}: {talk}");
        assert_eq!(self.left(), Vec::<PathBuf>::new(), "{words:?}");
    }

    fn left(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.0.path().join(DROP_FOLDER)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The agent: waits for a request, and answers it.
    fn answer(&self, said: Said) -> std::thread::JoinHandle<Request> {
        let root = self.0.path().to_owned();
        std::thread::spawn(move || {
            let begun = Instant::now();
            loop {
                assert!(begun.elapsed() < Duration::from_secs(30), "nobody asked");
                for entry in fs::read_dir(root.join(DROP_FOLDER)).unwrap() {
                    let path = entry.unwrap().path();
                    if path.extension().is_none_or(|end| end != "json") {
                        continue;
                    }
                    let request = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                    let answer = root.join(ANSWER_FOLDER).join(path.file_name().unwrap());
                    fs::write(answer, serde_json::to_vec(&said).unwrap()).unwrap();
                    fs::remove_file(path).unwrap();
                    return request;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        })
    }
}

const WHY: [&str; 4] = ["--for", "14d", "--reason", "a migration reads there"];

fn ask<'words>(what: &'words [&'words str]) -> Vec<&'words str> {
    [what, &WHY].concat()
}

#[test]
fn a_request_reaches_the_agent_and_its_answer_comes_back() {
    let machine = Machine::new();
    let agent = machine.answer(Said::Filed { number: 7 });
    let done = machine.run(&ask(&["domain:files.example"]), 0);
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(
        shown.contains("as request 7") && shown.contains("now        deny: no entry allows it"),
        "{shown}"
    );
    let asked = agent.join().unwrap();
    assert_eq!(asked.wants, Wanted::Domain { host: "files.example".to_owned() });
    assert_eq!((asked.days, asked.reason.as_str()), (14, "a migration reads there"));

    let agent = machine.answer(Said::Refused { why: "too\u{1b}[2J many".to_owned() });
    let done = machine.run(&ask(&["command:kubectl get pods"]), 1);
    let shown = String::from_utf8(done.stdout).unwrap();
    assert!(shown.contains("refused: too [2J many"), "{shown:?}");
    let words = ["kubectl", "get", "pods"].map(str::to_owned).to_vec();
    assert_eq!(agent.join().unwrap().wants, Wanted::Command { words });

    let agent = machine.answer(Said::Waits { why: Some("no route".to_owned()) });
    let done = machine.run(&ask(&["approval_policy=never", "--json"]), 0);
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(shown.pointer("/said/why"), Some(&"no route".into()), "{shown}");
    let wants = Wanted::Setting { key: "approval_policy".to_owned(), value: "never".into() };
    assert_eq!(agent.join().unwrap().wants, wants);
    let name = shown.get("name").and_then(serde_json::Value::as_str).unwrap();
    let later = machine.run(&["--status", name], 0);
    assert!(String::from_utf8(later.stdout).unwrap().contains("tries again: no route"));
}

#[test]
fn without_an_answer_it_says_where_the_request_is() {
    let machine = Machine::new();
    let done = machine.run(&ask(&["domain:files.example", "--json"]), 4);
    let shown: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(shown.get("said"), Some(&serde_json::Value::Null), "{shown}");
    assert!(String::from_utf8(done.stderr).unwrap().contains("codex-agent status"));
    assert_eq!(machine.left().len(), 1);
    let name = shown.get("name").and_then(serde_json::Value::as_str).unwrap();
    machine.run(&["--status", name], 4);
}

#[test]
fn what_is_no_request_leaves_nothing() {
    let machine = Machine::new();
    machine.refused(&ask(&["docs.example"]), 2, "none of domain:HOST, command:WORDS and KEY=VALUE");
    machine.refused(&ask(&["domain:https://files.example/x"]), 2, "is no host");
    machine.refused(&ask(&["command:"]), 2, "1 to 32 words");
    machine.refused(&ask(&["aproval_policy=never"]), 2, "did you mean `approval_policy`?");
    machine.refused(&ask(&["domain:docs.example"]), 1, "policy allows it already");
    let days = ["domain:files.example", "--for", "91d", "--reason", "x"];
    machine.refused(&days, 2, "an exception ends");
    let days = ["domain:files.example", "--for", "soon", "--reason", "x"];
    machine.refused(&days, 2, "no number of days like 14d");
    machine.refused(&["domain:files.example", "--for", "1d"], 2, "--reason");
    machine.refused(&["domain:files.example", "--for", "1d", "--reason", " "], 2, "`reason`");
    machine.refused(&["--status", "../../etc/passwd"], 2, "no name of a request");
    machine.refused(&["--status", &"0".repeat(32)], 4, "no request of yours");
    fs::remove_dir(machine.0.path().join(DROP_FOLDER)).unwrap();
    machine.run(&ask(&["domain:files.example"]), 4);
}
