//! Revisions of real repositories, good ones and hostile ones.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::files::{Content, Files};

fn git(folder: &Path, words: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["-c", "user.name=Kim", "-c", "user.email=kim@bank.example"])
        .args(words)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn put(top: &Path, path: &str, text: &str) {
    let file = top.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

#[test]
fn a_revision_is_read_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let (top, policy) = (place.path(), place.path().join("policy"));
    git(top, &["init", "-q"]);
    put(&policy, "policy.toml", "one");
    put(&policy, "baseline/requirements.toml", "");
    put(&policy, "teams/a b/requirements.toml", "same");
    put(&policy, "teams/ä/requirements.toml", "same");
    put(&policy, "notes/large.bin", "not policy");
    put(top, "policy.toml", "another one");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", policy.join("baseline/config.toml")).unwrap();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "Begin"]);
    git(top, &["tag", "begin"]);
    put(&policy, "policy.toml", "two");
    std::fs::remove_dir_all(policy.join("teams/ä")).unwrap();
    git(top, &["add", "-A"]);
    git(top, &["commit", "-q", "-m", "Go on"]);
    put(&policy, "policy.toml", "not committed");

    let old = read(&policy, "begin").unwrap();
    let text = |revision: &Revision, path: &str| revision.files.read(&format!("{TOP}/{path}"));
    let is = |text: &str| Content::Bytes(text.as_bytes().to_vec());
    assert_eq!(text(&old, "policy.toml"), is("one"));
    assert_eq!(text(&old, "baseline/requirements.toml"), is(""));
    assert_eq!(old.files.list(&format!("{TOP}/teams")), ["a b", "ä"]);
    assert_eq!(text(&old, "teams/ä/requirements.toml"), is("same"));
    assert_eq!(text(&old, "notes/large.bin"), Content::Absent);
    if cfg!(unix) {
        let Content::Unreadable(reason) = text(&old, "baseline/config.toml") else { panic!() };
        assert!(reason.to_string().contains("link"), "{reason}");
    }
    let new = read(&policy, "HEAD").unwrap();
    assert_eq!(text(&new, "policy.toml"), is("two"));
    assert_eq!(new.files.list(&format!("{TOP}/teams")), ["a b"]);
    let since = commits_since(&policy, &old.commit).unwrap();
    assert_eq!(since, BTreeSet::from([new.commit.clone()]));
    assert_eq!(text(&read(top, "HEAD").unwrap(), "policy.toml"), is("another one"));
}

#[test]
fn what_is_no_revision_is_refused_in_words() {
    let place = tempfile::tempdir().unwrap();
    let words = |revision: &str| read(place.path(), revision).unwrap_err().to_string();
    assert!(words("HEAD").contains("git knows no revision `HEAD`"), "{}", words("HEAD"));
    git(place.path(), &["init", "-q"]);
    put(place.path(), "policy.toml", "one");
    git(place.path(), &["add", "-A"]);
    git(place.path(), &["commit", "-q", "-m", "Begin"]);
    let blob = git(place.path(), &["rev-parse", "HEAD:policy.toml"]);
    for revision in ["nothing", "--all", "-h", "", "a b", "HEAD^{tree}", "HEAD:", blob.trim()] {
        let words = words(revision);
        assert!(words.starts_with("git knows no revision `"), "{revision}: {words}");
    }
}

/// A tree that no checkout would accept: names that climb, and a blob that is too large.
#[test]
fn a_hostile_tree_harms_nothing() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path();
    git(top, &["init", "-q"]);
    put(top, "large", &"x".repeat(usize::try_from(SIZE_LIMIT).unwrap() + 1));
    let large = git(top, &["hash-object", "-w", "large"]);
    put(top, "small", "one");
    let small = git(top, &["hash-object", "-w", "small"]);
    let list = format!(
        "100644 blob {}\tpolicy.toml\n040000 tree {}\tbaseline\n",
        small.trim(),
        tree(top, &format!("100644 blob {}\trequirements.toml\n", large.trim())).trim()
    );
    let hostile = tree(top, &list);
    let commit = git(top, &["commit-tree", "-m", "x", hostile.trim()]);
    let revision = read(top, commit.trim()).unwrap();
    let large = revision.files.read(&format!("{TOP}/baseline/requirements.toml"));
    assert!(matches!(large, Content::Unreadable(Unreadable::TooLarge(_))), "{large:?}");
    for line in
        ["100644 blob abc 3\t../x", "100644 blob abc 3\ta/../b", "100644 blob abc 3\ta\u{1b}b"]
    {
        assert!(Entry::parse(line).is_none(), "{line:?}");
    }
    assert!(Entry::parse("100644 blob abc       3\tbaseline/a b").is_some());
}

fn tree(top: &Path, list: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("git")
        .arg("-C")
        .arg(top)
        .arg("mktree")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
