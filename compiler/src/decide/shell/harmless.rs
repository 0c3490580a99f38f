//! The commands that older versions let through unasked under `untrusted`. 0.157.1 has no such
//! list any more.

use super::{Budget, ShellReading, read, script_of};

/// Whether a command only reads, in the eyes of 0.138.0.
pub(crate) fn is_harmless(command: &[String], budget: &mut Budget) -> bool {
    // To this list `zsh` is `bash`.
    let command: Vec<String> = command
        .iter()
        .map(|word| if word == "zsh" { "bash".to_owned() } else { word.clone() })
        .collect();
    if reads(&command) {
        return true;
    }
    let script = script_of(&command).map(|script| read(script, ShellReading::AsWritten, budget));
    script.and_then(|script| script.plain.ok()).is_some_and(|all| all.iter().all(|one| reads(one)))
}

/// Programs that only read whatever their arguments are. The last two count on Linux only.
const READERS: &[&str] = &[
    "cat", "cd", "cut", "echo", "expr", "false", "grep", "head", "id", "ls", "nl", "paste", "pwd",
    "rev", "seq", "stat", "tail", "tr", "true", "uname", "uniq", "wc", "which", "whoami", "numfmt",
    "tac",
];

fn reads(command: &[String]) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    let Some(name) = super::file_name(program) else { return false };
    let none = |refused: &dyn Fn(&str) -> bool| !arguments.iter().any(|word| refused(word));
    match name {
        name if READERS.contains(&name) => true,
        "base64" => none(&|word| word.starts_with("-o") || is_option(word, &["--output"])),
        "find" => none(&|word| {
            let runs = ["-exec", "-execdir", "-ok", "-okdir", "-delete"];
            let writes = ["-fls", "-fprint", "-fprint0", "-fprintf"];
            runs.contains(&word) || writes.contains(&word)
        }),
        "rg" => none(&|word| {
            matches!(word, "--search-zip" | "-z") || is_option(word, &["--pre", "--hostname-bin"])
        }),
        "git" => git_reads(arguments),
        "sed" => match arguments {
            [quiet, lines] | [quiet, lines, _] => quiet == "-n" && prints_lines(lines),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a word is one of these long options, with or without a value.
fn is_option(word: &str, options: &[&str]) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    options.contains(&name)
}

/// `5p` or `5,9p`.
fn prints_lines(word: &str) -> bool {
    let Some(lines) = word.strip_suffix('p') else { return false };
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match lines.split_once(',') {
        Some((first, last)) => number(first) && number(last),
        None => number(lines),
    }
}

fn git_reads(arguments: &[String]) -> bool {
    // Options before the sub-command that take the next word as their value.
    const VALUED: &[&str] = &[
        "--config-env",
        "--exec-path",
        "--git-dir",
        "--namespace",
        "--super-prefix",
        "--work-tree",
    ];
    let mut rest = arguments.iter();
    let command = loop {
        let Some(word) = rest.next() else { return false };
        let changes = word.starts_with("-C") || word.starts_with("-c") || is_option(word, VALUED);
        if changes || matches!(word.as_str(), "-p" | "--paginate") {
            return false;
        }
        if !word.starts_with('-') {
            break word.as_str();
        }
    };
    let options: Vec<&str> = rest.map(String::as_str).collect();
    let quiet = !options.iter().any(|word| {
        matches!(*word, "--ext-diff" | "--textconv") || is_option(word, &["--output", "--exec"])
    });
    let lists = |word: &&str| {
        const LISTS: &[&str] = &[
            "--list",
            "-l",
            "--show-current",
            "-a",
            "--all",
            "-r",
            "--remotes",
            "-v",
            "-vv",
            "--verbose",
        ];
        LISTS.contains(word) || word.starts_with("--format=")
    };
    match command {
        "status" | "log" | "diff" | "show" => quiet,
        "branch" => quiet && options.iter().all(lists),
        _ => false,
    }
}
