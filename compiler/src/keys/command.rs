//! A private key that somebody else keeps: a program that talks to a key service or a token.
//!
//! `PROGRAM ARG… public` prints the public key; `PROGRAM ARG… sign` gets the message on its standard
//! input and prints the signature, 64 bytes in hexadecimal. No shell is between.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use codex_trust::keys::{PublicKey, SignError, Signer};
use codex_trust::provider::unhex;

/// What a program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Until it has answered.
    pub time: Duration,
    /// Bytes that it may print.
    pub output: usize,
}

impl Default for Limits {
    /// Enough for a person to touch a token.
    fn default() -> Self {
        Self { time: Duration::from_mins(2), output: 4096 }
    }
}

/// Why a program gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("`{program} {question}` {problem}{said}")]
pub struct CommandError {
    program: String,
    question: &'static str,
    problem: String,
    said: String,
}

/// A key that a program keeps.
#[derive(Debug)]
pub struct CommandKey {
    words: Vec<String>,
    public: PublicKey,
    limits: Limits,
}

impl CommandKey {
    /// Asks a program for its public key.
    ///
    /// # Errors
    /// When it gives none.
    pub fn ask(words: Vec<String>, limits: Limits) -> Result<Self, CommandError> {
        let answer = run(&words, "public", &[], limits)?;
        let public = answer.trim().parse::<PublicKey>().map_err(|problem| CommandError {
            program: words.join(" "),
            question: "public",
            problem: format!("prints no public key: {problem}"),
            said: String::new(),
        })?;
        Ok(Self { words, public, limits })
    }
}

impl Signer for CommandKey {
    fn public(&self) -> PublicKey {
        self.public
    }

    fn sign_unchecked(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let refused = |error: CommandError| SignError::Refused(error.to_string());
        let answer = run(&self.words, "sign", message, self.limits).map_err(refused)?;
        unhex(answer.trim()).filter(|bytes| bytes.len() == 64).ok_or_else(|| {
            let program = self.words.join(" ");
            SignError::Refused(format!(
                "`{program} sign` prints no signature: 64 bytes in hexadecimal are expected"
            ))
        })
    }
}

/// A running program, which does not outlive its use.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The standard output of a program that ended well.
fn run(
    words: &[String],
    question: &'static str,
    input: &[u8],
    limits: Limits,
) -> Result<String, CommandError> {
    let failed = |problem: String, said: &[u8]| CommandError {
        program: words.join(" "),
        question,
        problem,
        said: indented(said),
    };
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed("is not there".to_owned(), &[]));
    };
    let started = Command::new(program)
        .args(arguments)
        .arg(question)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Running(started.map_err(|error| failed(format!("cannot run: {error}"), &[]))?);
    let out = collect(child.0.stdout.take(), limits.output);
    let said = collect(child.0.stderr.take(), limits.output);
    if let Some(mut pipe) = child.0.stdin.take() {
        let input = input.to_vec();
        // A program that does not read all of it says so by its signature.
        std::thread::spawn(move || drop(pipe.write_all(&input)));
    }
    let deadline = Instant::now() + limits.time;
    let status = loop {
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let problem = format!("did not end within {} s", limits.time.as_secs_f32());
                return Err(failed(problem, &[]));
            }
            Err(error) => return Err(failed(format!("cannot be waited for: {error}"), &[])),
        }
    };
    // What it started itself may still hold the pipes; that is waited for no longer than for it.
    let rest = || deadline.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
    let said = said.recv_timeout(rest()).unwrap_or_default();
    if !status.success() {
        return Err(failed(format!("failed ({status})"), &said));
    }
    let out = out.recv_timeout(rest());
    let out = out.map_err(|_| failed("left its output open".to_owned(), &said))?;
    if out.len() > limits.output {
        return Err(failed(format!("prints more than {} bytes", limits.output), &[]));
    }
    String::from_utf8(out).map_err(|_| failed("prints no text".to_owned(), &said))
}

/// Reads a pipe to its end on a thread of its own, and keeps one byte more than the limit.
fn collect(pipe: Option<impl Read + Send + 'static>, limit: usize) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    if let Some(mut pipe) = pipe {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            drop(pipe.by_ref().take(limit).read_to_end(&mut kept));
            // The rest is read and dropped: a program that writes on must be able to end.
            drop(std::io::copy(&mut pipe, &mut std::io::sink()));
            drop(sender.send(kept));
        });
    }
    receiver
}

/// What a program said, for people: no control characters reach their terminal.
fn indented(said: &[u8]) -> String {
    String::from_utf8_lossy(said)
        .lines()
        .map(|line| line.chars().filter(|letter| !letter.is_control()).collect::<String>())
        .map(|line| format!("\n    {line}"))
        .collect()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), output: 300 };

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script, "keeper"].map(str::to_owned).to_vec()
    }

    fn refused(script: &str, limits: Limits) -> String {
        CommandKey::ask(shell(script), limits).unwrap_err().to_string()
    }

    #[test]
    fn a_program_that_gives_no_key_is_told_apart() {
        let told = refused("printf '\\033[31mno token\\n' >&2; exit 3", LIMITS);
        assert!(told.ends_with("failed (exit status: 3)\n    [31mno token"), "{told:?}");
        assert!(refused("echo hello", LIMITS).contains("prints no public key"));
        assert!(refused("yes | head -c 100000", LIMITS).contains("prints more than 300 bytes"));
        assert!(refused("printf '\\377'", LIMITS).contains("prints no text"));
        let absent = CommandKey::ask(vec!["/nonexistent/keeper".to_owned()], LIMITS);
        assert!(absent.unwrap_err().to_string().contains("cannot run"));
    }

    #[test]
    fn a_program_that_hangs_is_ended() {
        let limits = Limits { time: Duration::from_millis(200), ..LIMITS };
        let begun = Instant::now();
        let told = refused("exec sleep 60", limits);
        assert!(told.contains("did not end within 0.2 s"), "{told}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let key = codex_trust::keys::MemoryKey::from_seed(&[7; 32]).unwrap().public();
        let script = |answer: &str| {
            format!("case $1 in public) echo {key};; sign) cat > /dev/null; echo {answer};; esac")
        };
        for (answer, told) in
            [("00", "prints no signature"), (&*"00".repeat(64), "is not a signature by ed25519:")]
        {
            let keeper = CommandKey::ask(shell(&script(answer)), LIMITS).unwrap();
            // More than a pipe holds.
            let refused = keeper.sign(&vec![7; 1 << 20]).unwrap_err().to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }
}
