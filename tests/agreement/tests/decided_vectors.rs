//! The recorded vectors about sandboxes and hosts, answered by the decision engine: no Codex is
//! asked here.

use std::collections::BTreeSet;

use codex_agreement::predict::evaluation;
use codex_compiler::decide::answer;
use codex_compiler::decide::answer::{Answer, Verdict};
use codex_compiler::decide::question::{Access, Question};
use codex_oracle::{FileSpec, Oracle, Vector, VectorFile, WorldSpec};
use codex_schema::version::Version;

const CONFIG: &str = "$CODEX_HOME/config.toml";

/// Where the answer to a question shows in a vector.
enum Shows {
    /// The text at a pointer has these words exactly where the verdict is to deny.
    DeniedBy(&'static str, &'static str),
    /// The same where the verdict is to allow.
    AllowedBy(&'static str, &'static str),
    /// Codex's words stand at a pointer.
    Words(&'static str),
    /// The host is in the list of those that were asked about.
    Asked(&'static str),
    /// Codex's words are the error.
    Error,
}

fn read(path: &str) -> Question {
    Question::Path { path: path.to_owned(), access: Access::Read }
}

fn write(path: &str) -> Question {
    Question::Path { path: path.to_owned(), access: Access::Write }
}

fn host(host: &str) -> Question {
    Question::Host(host.to_owned())
}

/// The questions that vectors answer, by their names.
fn questions(name: &str) -> Vec<(Question, Shows)> {
    use Shows::{AllowedBy, Asked, DeniedBy, Error, Words};
    const DENIED: &str = "Permission denied";
    match name {
        "perm-same-name-user-conflict" | "perm-glob-write-refused" => vec![(read("f"), Error)],
        "sandbox-cmd-include-managed" => vec![(write("/world/home/x"), DeniedBy("/rc", "1"))],
        "perm-workspace-roots-scoped" => vec![
            (write("ok"), AllowedBy("/stdout", "w1")),
            (write("sub/n"), DeniedBy("/stdout", "sub-ro")),
            (read(".env"), DeniedBy("/stdout", "\nenv-denied")),
            (read("a/.env"), DeniedBy("/stdout", "aenv-denied")),
            (read("sub/f"), AllowedBy("/stdout", "SUB")),
        ],
        "run-deny-read" => vec![
            (read("s.txt"), DeniedBy("/commands/0/text", DENIED)),
            (read("sub/f"), DeniedBy("/commands/1/text", DENIED)),
            (read("ok.txt"), AllowedBy("/commands/2/text", "OK")),
        ],
        "run-deny-read-union-across-layers" => vec![
            (read("a.txt"), DeniedBy("/commands/0/text", DENIED)),
            (read("b.txt"), DeniedBy("/commands/1/text", DENIED)),
            (read("c.txt"), AllowedBy("/commands/2/text", "C")),
        ],
        "run-user-allow-rule-held-by-deny_read" => {
            vec![(write("/world/home/escaped"), DeniedBy("/commands/0/exit", "1"))]
        }
        "run-net-deny-over-review-over-allow" => vec![
            (host("rev.example"), Asked("/asks")),
            (host("bad.example"), Words("/commands/1/text")),
        ],
        "run-net-managed-only-blocks" => vec![(host("foo.example"), Words("/commands/0/text"))],
        "run-net-user-profile-domain-managed-only" => {
            vec![(host("user.example"), Words("/commands/0/text"))]
        }
        // What resolves to nothing counts as local: the list was passed.
        "run-net-user-profile-domain-extends-allowlist" => {
            vec![(host("user.example"), AllowedBy("/commands/0/text", "local/private"))]
        }
        "run-net-domains-without-enabled-do-nothing" => {
            vec![(host("other.example"), AllowedBy("/commands/0/text", "proxy="))]
        }
        "run-net-danger-full-access-no-proxy" => {
            vec![(host("other.example"), AllowedBy("/commands/0/text", "proxy="))]
        }
        _ => Vec::new(),
    }
}

/// The world of a vector, with the profile that `codex sandbox -P` names as the chosen one.
fn world(vector: &Vector) -> WorldSpec {
    let Oracle::Sandbox { profile: Some(profile), .. } = &vector.oracle else {
        return vector.world.clone();
    };
    let own = match vector.world.files.get(CONFIG) {
        Some(FileSpec::Text(text)) => text.clone(),
        _ => String::new(),
    };
    if own.contains("default_permissions") {
        return vector.world.clone();
    }
    vector.world.clone().file(CONFIG, &format!("default_permissions = '{profile}'\n{own}"))
}

fn agrees(vector: &Vector, said: &Answer, shows: &Shows) -> bool {
    let text = |pointer: &str| match vector.expect.get(pointer) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let says = said.codex_says.clone().unwrap_or_default();
    match shows {
        Shows::DeniedBy(pointer, words) => {
            said.verdict == Verdict::Deny && text(pointer).contains(words)
        }
        Shows::AllowedBy(pointer, words) => {
            said.verdict <= Verdict::Allow && text(pointer).contains(words)
        }
        Shows::Words(pointer) => {
            let words = text(pointer).replace("\\\"", "\"");
            said.verdict == Verdict::Deny && !says.is_empty() && words.contains(&says)
        }
        Shows::Asked(pointer) => {
            said.verdict == Verdict::Prompt && text(pointer).contains(&said.subject)
        }
        Shows::Error => {
            let words = vector.error.clone().unwrap_or_default();
            said.verdict == Verdict::Deny && !words.is_empty() && says.contains(&words)
        }
    }
}

#[test]
fn recorded_sandboxes_and_networks_are_answered() {
    let file = VectorFile::codex_0_169_0().unwrap();
    let (mut wrong, mut missing) = (Vec::new(), BTreeSet::new());
    for vector in &file.vectors {
        let asked = questions(&vector.name);
        let concerns = matches!(vector.oracle, Oracle::Sandbox { .. })
            || vector.name.starts_with("run-net-") && vector.name != "run-net-patterns"
            || vector.name.starts_with("run-deny-read");
        if concerns && asked.is_empty() {
            missing.insert(vector.name.clone());
        }
        let evaluation = evaluation(&world(vector), Version::NEWEST);
        for (question, shows) in asked {
            let said = answer(&evaluation, &question);
            if !agrees(vector, &said, &shows) {
                wrong.push(format!("{}: {question}: {said:?}", vector.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(missing.is_empty(), "answered nowhere: {missing:?}");
}
