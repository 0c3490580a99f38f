//! Codex's own list of dangerous commands: `rm` with force, however it is wrapped.

use super::{Budget, Script, ShellReading, read, script_of};

/// Why a command is dangerous to Codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    /// It removes files with force.
    ForcedRemoval,
    /// It is wrapped too deeply to be looked into.
    TooDeep,
    /// It is dangerous, and Codex does not say why.
    Unsaid,
}

/// How many wrappers Codex looks through.
const WRAPPERS: usize = 8;

/// Judges one command.
pub(crate) fn of(command: &[String], reading: ShellReading, budget: &mut Budget) -> Option<Danger> {
    match reading {
        ShellReading::AsWritten => as_written(command, budget).then_some(Danger::Unsaid),
        ShellReading::Literal => literal(command, 0, budget),
    }
}

/// Judges a shell whose script was read before and is opaque, without reading it again.
pub(crate) fn of_script(
    script: &Script,
    reading: ShellReading,
    budget: &mut Budget,
) -> Option<Danger> {
    match reading {
        // Nothing is found in what does not fall apart.
        ShellReading::AsWritten => None,
        ShellReading::Literal => {
            script.literal.iter().find_map(|command| literal(command, 1, budget))
        }
    }
}

fn literal(command: &[String], depth: usize, budget: &mut Budget) -> Option<Danger> {
    if depth > WRAPPERS {
        return Some(Danger::TooDeep);
    }
    if let Some(danger) = program(command, depth, budget) {
        return Some(danger);
    }
    let script = read(script_of(command)?, ShellReading::Literal, budget);
    script.literal.iter().find_map(|command| literal(command, depth + 1, budget))
}

fn program(command: &[String], depth: usize, budget: &mut Budget) -> Option<Danger> {
    let (program, arguments) = command.split_first()?;
    match program.rsplit('/').next()? {
        "rm" => forces(arguments).then_some(Danger::ForcedRemoval),
        "sudo" => literal(arguments, depth + 1, budget),
        "env" => literal(after_environment(arguments), depth + 1, budget),
        "trap" => {
            let action = match arguments {
                [dashes, rest @ ..] if dashes == "--" => rest.first(),
                all => all.first(),
            };
            let action = action.filter(|action| !action.starts_with('-'))?;
            let shell = ["sh", "-c", action.as_str()].map(str::to_owned);
            literal(&shell, depth + 1, budget)
        }
        _ => None,
    }
}

/// What `env` runs, for the few of its options that Codex knows.
fn after_environment(arguments: &[String]) -> &[String] {
    let passed = |argument: &String| {
        let sets = argument
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && !name.starts_with('-'));
        sets || matches!(argument.as_str(), "-i" | "--ignore-environment")
    };
    let at = arguments.iter().position(|argument| !passed(argument)).unwrap_or(arguments.len());
    match arguments.get(at..).unwrap_or_default() {
        [dashes, rest @ ..] if dashes == "--" => rest,
        rest => rest,
    }
}

fn forces(arguments: &[String]) -> bool {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    options.into_iter().any(|option| {
        let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-'));
        option == "--force" || letters.is_some_and(|letters| letters.contains('f'))
    })
}

/// As 0.138.0 judges: `rm -f` and `rm -rf` in just this spelling.
fn as_written(command: &[String], budget: &mut Budget) -> bool {
    if removes(command) {
        return true;
    }
    let script = script_of(command).map(|script| read(script, ShellReading::AsWritten, budget));
    let commands = script.and_then(|script| script.plain.ok()).unwrap_or_default();
    commands.iter().any(|command| removes(command))
}

fn removes(command: &[String]) -> bool {
    let mut command = command;
    while let [sudo, rest @ ..] = command {
        if sudo != "sudo" {
            break;
        }
        command = rest;
    }
    matches!(command, [program, option, ..]
        if program == "rm" && matches!(option.as_str(), "-f" | "-rf"))
}
