use super::{Budget, ShellReading, danger, harmless, is_shell, read, script_of};

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn plain(script: &str) -> Result<Vec<Vec<String>>, String> {
    read(script, ShellReading::Literal, &mut Budget::default()).plain
}

#[test]
fn plain_scripts_fall_apart() {
    for (script, commands) in [
        ("ls", "ls"),
        ("ls -l && pwd; id | wc -l\nls\t-a || true", "ls -l/pwd/id/wc -l/ls -a/true"),
        ("echo 'a'\"b\" 12 c'd'", "echo ab 12 cd"),
        ("ls;", "ls"),
        ("git push 2", "git push 2"),
    ] {
        let expected: Vec<_> = commands.split('/').map(words).collect();
        assert_eq!(plain(script), Ok(expected), "{script}");
    }
    assert_eq!(plain("echo \"a\\n\""), Ok(vec![vec!["echo".to_owned(), "a\\n".to_owned()]]));
}

#[test]
fn opaque_scripts_say_why() {
    for (script, why) in [
        ("ls > /dev/null", "it redirects input or output (`> /dev/null`)"),
        ("ls 2>&1", "it redirects input or output (`2>&1`)"),
        ("echo $HOME; (ls)", "it expands a variable (`$HOME`)"),
        ("echo \"a $HOME\"", "it expands a variable (`$HOME`)"),
        ("echo $(ls)", "it puts the output of one command into another (`$(ls)`)"),
        ("FOO=1 ls", "it sets a variable (`FOO=1`)"),
        ("(ls)", "it runs a subshell (`(ls)`)"),
        ("{ ls; }", "it groups commands (`{ ls; }`)"),
        ("ls &", "it runs a command in the background (`&`)"),
        ("ls # all", "it has a comment (`# all`)"),
        ("if true; then ls; fi", "it decides what to run (`if true; then ls; fi`)"),
        ("! ls", "it negates a command (`! ls`)"),
        ("cat <<E\nx\nE", "it has a here-document (`<<E\\nx\\nE`)"),
        ("ls *.rs", "the shell would still change a word (`*.rs`)"),
        ("c\\url", "the shell would still change a word (`c\\url`)"),
        ("\"ls\" -l", "the name of a program is quoted (`\"ls\"`)"),
        ("echo \"a\\\"b\"", "a quoted word has escapes in it (`\"a\\\"b\"`)"),
        ("", "there is no command in it"),
        ("echo \"a", "it is not complete, or not a valid script, from `\"a`"),
        ("ls &&", "it is not complete, or not a valid script, from `&&`"),
    ] {
        assert_eq!(plain(script), Err(why.to_owned()), "{script}");
    }
}

/// Text that is meant to hurt ends in an answer all the same.
#[test]
fn hostile_scripts_are_answered() {
    let many = |what: &str, times: usize| what.repeat(times);
    for script in [
        many("a;", 100_000),
        many(";", 100_000),
        many("(", 100_000),
        many("$(", 100_000),
        many("{ ", 100_000),
        many("\"$(", 50_000),
        many("if a; then ", 50_000),
        many("a <<E\n", 5_000),
        many("`", 100_001),
        many("'", 100_001),
        many("a ", 500_000),
        many("a&&", 100_000),
        many("a|", 100_000),
        many("[[ ( ", 50_000),
        many("${a:-", 50_000),
        many("\\", 1_000_001),
        many("\0", 1000),
        many("a\0b ", 1000),
        many("=(", 50_000),
        many("case a in ", 30_000),
        format!("echo {}", many("x", 1 << 20)),
    ] {
        let begun = std::time::Instant::now();
        let read = read(&script, ShellReading::Literal, &mut Budget::default());
        let begin: String = script.chars().take(12).collect();
        println!("{begin:?} {:?} {} {:?}", begun.elapsed(), read.unread, read.plain.as_ref().map(Vec::len));
    }
}

#[test]
fn shells_are_known_by_name() {
    for shell in ["bash", "/tmp/bash", "bash.exe", "zsh.a.b", "./sh", "/tmp/bash/.", "sh."] {
        assert!(is_shell(shell), "{shell}");
    }
    for other in [".bash", "dash", "bash-5", "ba.sh", "BASH", "", ".", "sh/..", "..bash", "./.sh"] {
        assert!(!is_shell(other), "{other}");
    }
    assert_eq!(script_of(&["sh", "-lc", "ls"].map(str::to_owned)), Some("ls"));
    assert_eq!(script_of(&["sh", "-ec", "ls"].map(str::to_owned)), None);
    assert_eq!(script_of(&["sh", "-c", "ls", "a"].map(str::to_owned)), None);
}
