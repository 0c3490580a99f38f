//! A process of its own for what is tried. The installing half of a service has neither a loopback
//! nor may anything below it make namespaces: it hands its questions to a service that has both, and
//! neither privileges, files nor a network.
//!
//! One question is one connection: a document each way, and each side closes behind its own.
//!
//! **Invariants.** What is answered is somebody else's word: it ends by size and by time, and is
//! looked at as text alone. What is not answered counts as nothing.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_schema::value::Table;
use codex_schema::version::Version;
use serde::{Deserialize, Serialize};

use super::{Installed, Key, Probed, plain, probe};
use crate::attest::ask::Asker;
use crate::attest::find::Program;

/// How long everything that is tried of one program may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// The most bytes of a question: two texts of a policy, and what JSON adds.
const LARGEST_QUESTION: u64 = 8_000_000;

/// The most bytes of an answer.
const LARGEST_ANSWER: u64 = 256_000;

/// The most sentences that are taken of one kind of question.
const MOST: usize = 64;

/// What is to be tried.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    program: PathBuf,
    version: Version,
    requirements: String,
    configuration: Vec<String>,
}

/// Has a policy tried by whoever listens at a socket.
pub(super) fn tried(
    socket: &Path,
    program: &Program,
    version: Version,
    installed: Installed<'_>,
    policy: &Table,
) -> Vec<Probed> {
    let question = Question {
        program: program.path.clone(),
        version,
        requirements: installed.requirements.to_owned(),
        configuration: installed.configuration.iter().map(|text| (*text).to_owned()).collect(),
    };
    let heard = ask(socket, &question).map(|bytes| serde_json::from_slice::<Vec<Probed>>(&bytes));
    match heard {
        Ok(Ok(answer)) => answered(answer),
        Ok(Err(_)) => nothing(policy, "the service that tries it answers what cannot be read"),
        Err(problem) => {
            nothing(policy, &format!("the service that tries it does not answer: {problem}"))
        }
    }
}

/// An answer as far as it may be believed: each kind once, and text that is only text.
fn answered(answer: Vec<Probed>) -> Vec<Probed> {
    let texts = |texts: Vec<String>| -> Vec<String> {
        texts.iter().take(MOST).map(|text| plain(text)).collect()
    };
    let mut known: Vec<Probed> = Vec::new();
    for one in answer {
        if known.iter().all(|other| other.key != one.key) {
            let Probed { key, proved, differences, not_asked } = one;
            let (differences, not_asked) = (texts(differences), texts(not_asked));
            known.push(Probed { key, proved, differences, not_asked });
        }
    }
    known
}

fn nothing(policy: &Table, reason: &str) -> Vec<Probed> {
    let named = Key::ALL.into_iter().filter(|key| key.is_in(policy));
    named.map(|key| Probed::nothing(key, reason)).collect()
}

fn ask(socket: &Path, question: &Question) -> std::io::Result<Vec<u8>> {
    let deadline = Instant::now() + PATIENCE;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&serde_json::to_vec(question)?)?;
    stream.shutdown(Shutdown::Write)?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    let mut limited = stream.try_clone()?.take(LARGEST_ANSWER);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match limited.read(&mut part) {
            Ok(0) => return Ok(answer),
            Ok(length) => answer.extend_from_slice(part.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Tries what a question asks, and answers: the whole of the service behind the socket. Its scratch
/// homes are made in a folder.
///
/// # Errors
/// When the question cannot be read, names no program, or nobody takes the answer.
pub fn serve(question: impl Read, mut answer: impl Write, scratch: &Path) -> Result<(), String> {
    let mut bytes = Vec::new();
    let read = question.take(LARGEST_QUESTION).read_to_end(&mut bytes);
    read.map_err(|error| format!("no question can be read: {error}"))?;
    let question: Question =
        serde_json::from_slice(&bytes).map_err(|error| format!("that is no question: {error}"))?;
    let Question { program, version, requirements, configuration } = &question;
    let program = Program::at(program)
        .ok_or_else(|| format!("{} is no program that can be started here", program.display()))?;
    let configuration: Vec<&str> = configuration.iter().map(String::as_str).collect();
    let installed = Installed { requirements, configuration: &configuration };
    let probed = probe(&program, *version, installed, &Asker::new(scratch.to_owned()));
    let told = serde_json::to_vec(&probed).map_err(|error| error.to_string())?;
    answer.write_all(&told).map_err(|error| format!("nobody takes the answer: {error}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    const POLICY: &str = "mcp_servers = {}\n[rules]\nprefix_rules = []\n";

    /// What is made of the answer of somebody who says this, and reads the question or does not.
    fn told(answer: &'static [u8]) -> (Vec<Probed>, String) {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let other = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = String::new();
            stream.read_to_string(&mut question).unwrap();
            // Who answers too much is not listened to until the end.
            let _sent = stream.write_all(answer);
            question
        });
        let program = Program::at(&std::env::current_exe().unwrap()).unwrap();
        let policy = codex_schema::reader::read_toml(POLICY, codex_schema::span::SourceId(0));
        let installed = Installed { requirements: POLICY, configuration: &["model = 'm'"] };
        let heard = tried(&socket, &program, Version::of(169), installed, &policy.root);
        (heard, other.join().unwrap())
    }

    #[test]
    fn an_answer_is_taken_as_text_and_each_kind_once() {
        let (heard, question) = told(
            br#"[{"key":"rules","proved":2,"differences":["a\u001b[2Jb"],"not_asked":[]},
                 {"key":"rules","proved":9,"differences":[],"not_asked":[]}]"#,
        );
        let differences = vec!["a[2Jb".to_owned()];
        let expected = Probed { key: Key::Rules, proved: 2, differences, not_asked: Vec::new() };
        assert_eq!(heard, [expected]);
        let asked: Question = serde_json::from_str(&question).unwrap();
        assert_eq!((asked.requirements.as_str(), asked.version), (POLICY, Version::of(169)));
        assert_eq!(asked.configuration, ["model = 'm'"]);
    }

    #[test]
    fn what_is_no_answer_proves_nothing_of_anything_that_the_policy_has() {
        let nonsense: &'static [u8] = vec![b'['; 300_000].leak();
        let unknown = br#"[{"key":"hooks","proved":1,"differences":[],"not_asked":[]}]"#;
        for answer in [b"" as &[u8], b"[{}]", unknown, nonsense] {
            let (heard, _) = told(answer);
            let keys: Vec<Key> = heard.iter().map(|one| one.key).collect();
            assert_eq!(keys, [Key::Rules, Key::Servers]);
            let is_nothing = |one: &Probed| one.proved == 0 && one.not_asked.len() == 1;
            assert!(heard.iter().all(is_nothing), "{heard:?}");
        }
    }

    #[test]
    fn what_is_no_question_is_not_answered() {
        let scratch = tempfile::tempdir().unwrap();
        let gone = br#"{"program":"/nowhere/codex","version":"0.169.0","requirements":"",
                       "configuration":[]}"#;
        for question in [b"" as &[u8], b"{}", gone] {
            let mut answer = Vec::new();
            assert!(serve(question, &mut answer, scratch.path()).is_err());
            assert_eq!(answer, b"");
        }
    }
}
