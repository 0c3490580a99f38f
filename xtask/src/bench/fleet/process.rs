//! Processes that are measured: what they say, and what they have used.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::talk::Problem;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// A process that says lines, and hears them. It ends when it is dropped.
pub(super) struct Talker {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Talker {
    pub(super) fn start(program: &Path, words: &[&str]) -> Result<Self, Problem> {
        let mut child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .env("CODEX_FLEET_LOG", "error")
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let output = child.stdout.take().ok_or("it says nothing")?;
        let (told, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if told.send(line).is_err() {
                    return;
                }
            }
        });
        let input = child.stdin.take();
        Ok(Self { child, input, lines })
    }

    /// The next line that it says.
    pub(super) fn line(&self) -> Result<String, Problem> {
        self.lines.recv_timeout(PATIENCE).map_err(|_| "a process said nothing more".into())
    }

    /// Waits for a line that begins so.
    pub(super) fn wait(&self, begins: &str) -> Result<String, Problem> {
        loop {
            let line = self.line()?;
            if line.starts_with(begins) {
                return Ok(line);
            }
        }
    }

    /// Has it say something to everybody.
    pub(super) fn tell(&mut self) -> Result<(), Problem> {
        Ok(self.input.as_mut().ok_or("it hears nothing")?.write_all(b"\n")?)
    }

    /// Ends it without a warning.
    pub(super) fn kill(&mut self) -> Result<(), Problem> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Waits until it has ended by itself, for so long at most.
    pub(super) fn ended(&mut self, patience: Duration) {
        let began = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && began.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(super) fn used(&self) -> Result<Used, Problem> {
        used(self.child.id())
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What processes have used.
#[derive(Clone, Copy, Default)]
pub(super) struct Used {
    /// Memory that is resident, shared parts divided, in KiB.
    pub(super) memory_kib: f64,
    /// Processor time, in microseconds.
    pub(super) cpu_us: f64,
}

/// What several processes have used together.
pub(super) fn used_by(all: &[Talker]) -> Result<Used, Problem> {
    all.iter().try_fold(Used::default(), |sum, one| {
        let Used { memory_kib, cpu_us } = one.used()?;
        Ok(Used { memory_kib: sum.memory_kib + memory_kib, cpu_us: sum.cpu_us + cpu_us })
    })
}

fn used(process: u32) -> Result<Used, Problem> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
    let memory = text.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next());
    let mut nanoseconds = 0.0;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        // It may have ended meanwhile.
        let text = std::fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        let on = text.split(' ').next().and_then(|text| text.parse::<f64>().ok());
        nanoseconds += on.unwrap_or(0.0);
    }
    let memory_kib = memory.ok_or("the system tells no memory")?.parse()?;
    Ok(Used { memory_kib, cpu_us: nanoseconds / 1_000.0 })
}

/// What a program says that ends by itself.
pub(super) fn finished(program: &Path, words: &[&str]) -> Result<String, Problem> {
    let output = Command::new(program).args(words).env("CODEX_FLEET_LOG", "error").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{} {}: {said}", program.display(), words.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The numbers of the line that begins with a word.
pub(super) fn numbers<const COUNT: usize>(text: &str, word: &str) -> Result<[f64; COUNT], Problem> {
    let mut words = text.lines().map(|line| line.split(' '));
    let line = words.find_map(|mut words| (words.next() == Some(word)).then_some(words));
    let line = line.ok_or_else(|| format!("there is no `{word}` in: {text}"))?;
    let numbers: Vec<f64> = line.map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| format!("`{word}` has other numbers in: {text}").into())
}
