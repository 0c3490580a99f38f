//! The targets: bytes in, a panic when a promise is broken.

use codex_compiler::check::{Scope, Surroundings, check_repository};
use codex_compiler::compile::history::NoHistory;
use codex_compiler::compile::{Compiler, REQUIREMENTS_FILE};
use codex_compiler::compose::startup_json::Secrets;
use codex_compiler::decide;
use codex_compiler::decide::answer::Verdict;
use codex_compiler::decide::question::Question;
use codex_compiler::evaluate::evaluate;
use codex_compiler::files::MemoryFiles;
use codex_compiler::gather::{Extra, arguments as command_line, bundle as fragments};
use codex_compiler::machine::{Machine, Os};
use codex_compiler::repository;
use codex_compiler::sources::{mdm, rules_file};
use codex_schema::reader::{read_toml, read_toml_value};
use codex_schema::source::Documents;
use codex_schema::span::SourceId;
use codex_schema::types::policy::Date;
use codex_schema::version::Version;

/// A target, by name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: &[Target] = &[
    ("toml", toml),
    ("preferences", preferences),
    ("bundle", bundle),
    ("cache", cache),
    ("rules", rules),
    ("scripts", scripts),
    ("arguments", arguments),
    ("machine", machine),
    ("tree", tree),
];

/// The byte between the parts of a machine.
pub const PART: u8 = 0x1e;

/// Reads a TOML document: every problem lies inside the text, and a text without problems reads
/// the same twice.
pub fn toml(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document = read_toml(text, SourceId(0));
    for problem in &document.problems {
        let (start, end) = (problem.span.start as usize, problem.span.end as usize);
        assert!(start <= end && end <= text.len(), "a problem at {start}..{end} is outside");
    }
    // What `-c key=value` reads never panics either.
    drop(read_toml_value(text, SourceId(0)));
}

/// Reads managed preferences and profiles: the reader's own invariants hold.
pub fn preferences(data: &[u8]) {
    assert!(mdm::fuzz_entry(data), "an invariant of managed preferences does not hold");
}

/// Reads the answer of a configuration server.
pub fn bundle(data: &[u8]) {
    drop(fragments::read_answer(data, &mut Documents::default()));
}

/// Reads the copy of such an answer in `CODEX_HOME`.
pub fn cache(data: &[u8]) {
    drop(fragments::read_cache(data, &mut Documents::default()));
}

/// Reads a rules file: a problem has a place inside the text.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(problem) = rules_file::read(text, &rules_file::Limits::default()) {
        let lines = text.split('\n').count();
        assert!(problem.line >= 1 && problem.line as usize <= lines + 1, "{problem} is outside");
    }
}

/// Asks what becomes of a shell script, the first part, on a machine with these requirements and
/// rules, the second and third: every part of the answer has words, and a refusal says why.
pub fn scripts(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == PART).map(String::from_utf8_lossy);
    let mut next = || parts.next().unwrap_or_default().into_owned();
    let (script, requirements, rules) = (next(), next(), next());
    let mut files = MemoryFiles::default();
    files.put("/etc/codex/requirements.toml", requirements);
    files.put("/etc/codex/rules/a.rules", rules);
    let machine = Machine {
        os: Os::Linux,
        hostname: "host".to_owned(),
        home: "/home/user".to_owned(),
        codex_home: "/home/user/.codex".to_owned(),
        cwd: "/home/user/project".to_owned(),
        version: Version::NEWEST,
    };
    let evaluation = evaluate(machine, &files, &Extra::default());
    let answer = decide::answer(&evaluation, &Question::Script(script));
    assert!(answer.parts.iter().all(|part| !part.words.is_empty()), "a part without words");
    assert!(answer.verdict != Verdict::Deny || answer.codex_says.is_some(), "a silent refusal");
}

/// Reads command-line arguments, one per line.
pub fn arguments(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words: Vec<String> = text.split('\n').map(str::to_owned).collect();
    drop(command_line::read(&words, &mut Documents::default()));
}

/// Checks and compiles a policy repository: what is written can be read, and says the same when it
/// is compiled again. Parts are separated by [`PART`]: manifest, baseline, team, exception, rules.
pub fn tree(data: &[u8]) {
    let today = Date { year: 2026, month: 11, day: 25 };
    let mut files = MemoryFiles::default();
    let paths = [
        "policy.toml",
        "baseline/requirements.toml",
        "teams/pay/requirements.toml",
        "exceptions/one.toml",
        "baseline/rules/default.rules",
    ];
    for (path, part) in paths.into_iter().zip(data.split(|byte| *byte == PART)) {
        files.put(format!("/p/{path}"), part);
    }
    let surroundings = Surroundings::default();
    let scope = Scope { today, wanted: &|_| true, surroundings: &surroundings };
    let compiler = Compiler::new(&NoHistory);
    let repository = repository::read(&files, "/p", today);
    drop(check_repository(repository, &scope, &|repository, cohort, policy| {
        let compiled = compiler.cohort(repository, cohort, policy);
        if let Some(text) = compiled.files.get(REQUIREMENTS_FILE) {
            let read = read_toml(text, SourceId(0));
            assert!(read.problems.is_empty(), "what was written is no TOML: {text}");
        }
    }));
}

/// Evaluates a whole machine: every question gets an answer or a reason, and the same answer
/// twice. Parts are separated by [`PART`]: version, system requirements, user configuration,
/// legacy file, system configuration, project configuration, bundle, arguments.
pub fn machine(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == PART);
    let mut part = || parts.next().unwrap_or_default().to_vec();
    let versions = [98, 118, 138, 157, 169];
    let choice = part().first().map_or(4, |byte| usize::from(*byte) % versions.len());
    let machine = Machine {
        os: Os::Linux,
        hostname: "ci-1".to_owned(),
        home: "/home/u".to_owned(),
        codex_home: "/home/u/.codex".to_owned(),
        cwd: "/work/project".to_owned(),
        version: Version::of(versions.get(choice).copied().unwrap_or(169)),
    };
    let mut files = MemoryFiles::default();
    for path in [
        "/etc/codex/requirements.toml",
        "/home/u/.codex/config.toml",
        "/etc/codex/managed_config.toml",
        "/etc/codex/config.toml",
        "/work/project/.codex/config.toml",
    ] {
        let content = part();
        if !content.is_empty() {
            files.put(path, content);
        }
    }
    let bundle = Some(part()).filter(|bytes| !bytes.is_empty());
    let extra = Extra {
        bundle: bundle.map(|bytes| ("bundle".to_owned(), fragments::BundleAnswer::Body(bytes))),
        preferences: None,
        arguments: String::from_utf8_lossy(&part()).lines().map(str::to_owned).collect(),
    };
    let answer = || {
        let evaluation = evaluate(machine.clone(), &files, &extra);
        drop(evaluation.session());
        evaluation.startup_answer(Secrets::AsCodexPrints)
    };
    assert_eq!(answer(), answer(), "the same machine has two answers");
}
