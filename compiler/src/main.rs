//! The program `codex-config`.
use std::io::Write;
use codex_compiler::compose::startup_json::Secrets;
use codex_compiler::evaluate::evaluate;
use codex_compiler::files::RealFiles;
use codex_compiler::gather::Extra;
use codex_compiler::machine::{Machine, Os};
use codex_schema::version::Version;
fn main() -> std::process::ExitCode {
    let home = std::env::var("HOME").unwrap_or_default();
    let machine = Machine { os: Os::HERE, hostname: "x".into(), codex_home: std::env::var("CODEX_HOME").unwrap_or(format!("{home}/.codex")), home, cwd: std::env::current_dir().unwrap_or_default().display().to_string(), version: Version::NEWEST };
    let files = RealFiles::new(std::env::args().nth(1).map(Into::into));
    let answer = evaluate(machine, &files, &Extra::default()).startup_answer(Secrets::AsCodexPrints);
    let (Ok(json) | Err(json)) = &answer;
    let done = writeln!(std::io::stdout(), "{json}");
    if answer.is_ok() && done.is_ok() { 0 } else { 1 }.into()
}
