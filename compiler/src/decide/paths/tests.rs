use codex_schema::version::Version;

use super::disk::{Disk, MemoryDisk, Stands, Unseen};
use super::*;
use crate::decide::question::Question;
use crate::decide::{answer as answer_unseen, answer_on};
use crate::evaluate::evaluate;
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::machine::Machine;

const CWD: &str = "/home/u/work";

fn machine(os: Os) -> Machine {
    let (home, cwd) = match os {
        Os::Linux | Os::Macos => ("/home/u", CWD),
        Os::Windows => ("C:\\Users\\u", "C:\\Users\\u\\work"),
    };
    Machine {
        os,
        hostname: "localhost".to_owned(),
        home: home.to_owned(),
        codex_home: format!("{home}/.codex"),
        cwd: cwd.to_owned(),
        version: Version::NEWEST,
    }
}

fn evaluation(os: Os, requirements: &str, config: &str) -> Evaluation {
    let machine = machine(os);
    let mut files = MemoryFiles::default();
    files.put(os.system_file("requirements.toml"), requirements);
    files.put(os.system_file("config.toml"), config);
    evaluate(machine, &files, &Extra::default())
}

fn asked(evaluation: &Evaluation, path: &str, access: Access, disk: &dyn Disk) -> Answer {
    answer_on(evaluation, &Question::Path { path: path.to_owned(), access }, disk)
}

const DENY: &str =
    "[permissions.filesystem]\ndeny_read = ['/srv/keys', '~/.ssh', '/srv/**/*.pem']\n";
const WRITE: &str = "sandbox_mode = 'workspace-write'\n";

#[test]
fn the_deciding_entry_is_named_with_its_place() {
    let evaluation = evaluation(Os::Linux, DENY, WRITE);
    let answer = asked(&evaluation, "~/.ssh/id", Access::Read, &Unseen);
    assert_eq!(answer.verdict, Verdict::Deny);
    assert_eq!(answer.subject, "/home/u/.ssh/id");
    assert_eq!(answer.codex_says.as_deref(), Some("Permission denied"));
    let entry = answer.entries.first().unwrap();
    assert_eq!(entry.key, "permissions.filesystem.deny_read");
    let documents = evaluation.documents();
    assert_eq!(documents.place(entry.span), "/etc/codex/requirements.toml:2:27");
}

#[test]
fn writing_needs_a_folder_that_may_be_written() {
    let evaluation = evaluation(Os::Linux, "", WRITE);
    for (path, access, verdict) in [
        ("a/f", Access::Write, Verdict::Allow),
        ("./a/../f", Access::Write, Verdict::Allow),
        ("../other/f", Access::Write, Verdict::Deny),
        ("/etc/passwd", Access::Write, Verdict::Deny),
        ("/etc/passwd", Access::Read, Verdict::Allow),
        ("/tmp/x", Access::Write, Verdict::Allow),
        (".git/config", Access::Write, Verdict::Deny),
        (".git/config", Access::Read, Verdict::Allow),
        ("sub/.git/config", Access::Write, Verdict::Allow),
        (".aws/x", Access::Write, Verdict::Deny),
        ("/dev/null", Access::Write, Verdict::Allow),
        ("/proc/self/comm", Access::Read, Verdict::Allow),
    ] {
        let answer = asked(&evaluation, path, access, &Unseen);
        assert_eq!(answer.verdict, verdict, "{access:?} {path}: {}", answer.because);
        assert_eq!(answer.codex_says.is_some(), verdict == Verdict::Deny, "{path}");
    }
}

#[test]
fn without_a_sandbox_nothing_decides() {
    let evaluation = evaluation(Os::Linux, "", "sandbox_mode = 'danger-full-access'\n");
    let question = Question::Path { path: "/etc/shadow".to_owned(), access: Access::Write };
    assert_eq!(answer_unseen(&evaluation, &question).verdict, Verdict::Unmanaged);
}

#[test]
fn what_is_no_path_is_said_to_be_none() {
    let evaluation = evaluation(Os::Linux, DENY, WRITE);
    for (path, words) in
        [("", "empty"), ("a\0b", "NUL"), (&"a/".repeat(4000), "4095"), (&"a".repeat(256), "255")]
    {
        let answer = asked(&evaluation, path, Access::Read, &Unseen);
        assert_eq!(answer.verdict, Verdict::Deny);
        assert!(answer.because.contains(words), "{}", answer.because);
    }
    let answer = asked(&evaluation, "~other/x", Access::Read, &Unseen);
    assert!(answer.notes.iter().any(|note| note.contains("~name")), "{:?}", answer.notes);
}

#[test]
fn links_are_followed_where_somebody_looks() {
    let evaluation = evaluation(Os::Linux, DENY, WRITE);
    let mut disk = MemoryDisk::default();
    disk.put("/srv/keys/k", Stands::File);
    disk.put("/home/u/.ssh/id", Stands::File);
    disk.put("/home/u/work/l", Stands::Link("/srv/keys".to_owned()));
    let answer = asked(&evaluation, "l/k", Access::Read, &disk);
    assert_eq!((answer.verdict, &*answer.subject), (Verdict::Deny, "/srv/keys/k"));
    assert!(answer.notes.iter().any(|note| note.contains("is a link")), "{:?}", answer.notes);
    let answer = asked(&evaluation, "/srv/keys/../x", Access::Read, &disk);
    assert!(answer.because.contains("the way leads through"), "{}", answer.because);
}

#[test]
fn near_entries_tell_where_they_differ() {
    let evaluation = evaluation(Os::Linux, DENY, WRITE);
    let answer = asked(&evaluation, "/srv/kexs/k", Access::Read, &Unseen);
    assert_eq!(answer.verdict, Verdict::Allow);
    let near = answer.near.first().unwrap();
    assert_eq!(near.differs, "differs in segment 2: `keys` is not `kexs`");
}

#[test]
fn entries_that_stop_every_session_are_named() {
    let mut disk = MemoryDisk::default();
    disk.put("/srv/keys/inner/k", Stands::File);
    disk.put("/srv/keys/a.pem", Stands::File);
    disk.put("/home/u/work/f", Stands::File);
    disk.put("/home/u/.codex/config.toml", Stands::File);
    for (denied, words) in [
        ("'/srv/keys', '/srv/keys/inner'", "denied already"),
        ("'/srv/keys', '/srv/**/*.pem'", "denied already"),
        ("'/'", "no command runs"),
        ("'/**/*.pem'", "right below `/`"),
        ("'/srv/{a,b}'", "braces"),
        ("'~'", "Codex must read its own folder"),
    ] {
        let requirements = format!("[permissions.filesystem]\ndeny_read = [{denied}]\n");
        let evaluation = evaluation(Os::Linux, &requirements, WRITE);
        let answer = asked(&evaluation, "/etc/hosts", Access::Read, &disk);
        assert_eq!(answer.verdict, Verdict::Deny, "{denied}");
        assert!(answer.because.contains(words), "{denied}: {}", answer.because);
        assert!(answer.codex_says.is_some() && !answer.entries.is_empty(), "{denied}");
    }
}

#[test]
fn a_policy_that_codex_refuses_lets_nothing_happen() {
    let evaluation = evaluation(Os::Linux, "allowed_approval_policies = []\n", "");
    let answer = asked(&evaluation, "/etc/hosts", Access::Read, &Unseen);
    assert_eq!(answer.verdict, Verdict::Deny);
    assert!(answer.codex_says.unwrap().contains("cannot be empty"));
}

#[test]
fn paths_of_windows_are_compared_without_case() {
    let requirements = "[permissions.filesystem]\ndeny_read = ['C:\\Keys', '~\\.ssh']\n";
    let evaluation = evaluation(Os::Windows, requirements, WRITE);
    for (path, verdict) in
        [("c:\\keys\\K", Verdict::Deny), ("C:/KEYS", Verdict::Deny), ("C:\\Keysx", Verdict::Allow)]
    {
        let answer = asked(&evaluation, path, Access::Read, &Unseen);
        assert_eq!(answer.verdict, verdict, "{path}: {} {}", answer.subject, answer.because);
        assert!(answer.notes.iter().any(|note| note.contains("not measured")));
    }
}
