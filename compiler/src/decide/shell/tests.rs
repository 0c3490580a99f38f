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
        ("ls &&", "it is not complete, or not a valid script"),
    ] {
        assert_eq!(plain(script), Err(why.to_owned()), "{script}");
    }
}

/// Text that is meant to hurt ends in an answer all the same.
#[test]
fn hostile_scripts_are_answered() {
    let many = |what: &str, times: usize| what.repeat(times);
    let one_word = format!("echo {}", many("x", 1 << 20));
    for unit in [
        "a;",
        ";",
        "(",
        "$(",
        "{ ",
        "\"$(",
        "if a; then ",
        "a <<E\n",
        "`",
        "'",
        "a ",
        "a&&",
        "a|",
        "[[ ( ",
        "${a:-",
        "\\",
        "\0",
        "a\0b ",
        "=(",
        "case a in ",
        "a=(",
        &one_word,
    ] {
        for times in [1, 1 + 6_000 / unit.len(), 100_000] {
            let script = if unit.len() > 20 { unit.to_owned() } else { many(unit, times) };
            let read = read(&script, ShellReading::Literal, &mut Budget::default());
            assert_eq!(
                read.unread,
                script.len() > 12 << 10 || times > 1_000 && unit == "a|",
                "{unit}"
            );
        }
    }
    // 6,000 commands and a word of 12,000 bytes are nothing special.
    assert_eq!(plain(&many("a;", 6_000)).map(|all| all.len()), Ok(6_000));
    assert_eq!(plain(&format!("echo {}", many("x", 12_000))).map(|all| all.len()), Ok(1));
}

#[test]
fn removal_with_force_is_dangerous_however_wrapped() {
    let of = |command: &str| {
        let shell = ["bash", "-c", command].map(str::to_owned);
        danger::of(&shell, ShellReading::Literal, &mut Budget::default())
    };
    for command in
        ["rm -f a", "env A=1 rm -rf a", "trap 'rm --force a' EXIT", "a \"$(/bin/rm a -vf)\""]
    {
        assert_eq!(of(command), Some(danger::Danger::ForcedRemoval), "{command}");
    }
    for command in
        ["rm a", "rm -- -f", "timeout 1 rm -f a", "echo 'rm -f a'", "rm -f*", "\\rm -f a"]
    {
        assert_eq!(of(command), None, "{command}");
    }
    assert_eq!(of(&("env ".repeat(9) + "true")), Some(danger::Danger::TooDeep));
    let nested = (0..40).fold("true".to_owned(), |inner, _| format!("bash -c \"{inner}\""));
    assert_eq!(of(&nested), None, "the quotes end one another");
}

#[test]
fn harmless_commands_are_those_of_older_versions() {
    let is = |command: &str| harmless::is_harmless(&words(command), &mut Budget::default());
    for command in [
        "ls",
        "/bin/cat a",
        "git status",
        "git branch -a",
        "git log -p",
        "sed -n 1,5p a",
        "sed -n 5p",
        "find . -name a",
        "rg a",
        "base64 a",
    ] {
        assert!(is(command), "{command}");
    }
    for command in [
        "touch a",
        "git -C . status",
        "git branch b",
        "git log --output=a",
        "sed -n 1,p a",
        "sed -n 1p a b",
        "find . -delete",
        "rg --pre=a b",
        "base64 -oa",
        "git push",
    ] {
        assert!(!is(command), "{command}");
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
