//! `completions` and `shell-init`.

use clap::CommandFactory;

use super::arguments::{Cli, Completions, InitShell, ShellInit};
use super::{Outcome, Output};

/// Prints a completion script.
pub(super) fn completions(arguments: &Completions, output: &mut Output) -> Outcome {
    let mut script = Vec::new();
    let mut command = Cli::command();
    clap_complete::generate(arguments.shell, &mut command, "codex-config", &mut script);
    output.data = String::from_utf8_lossy(&script).into_owned();
    Outcome::Fine
}

/// `codex config explain …` goes to this program, everything else to the real codex: Codex itself
/// has no way to add sub-commands and would take `config` for a prompt.
const POSIX: &str = r#"codex() {
    if [ "${1-}" = "config" ]; then
        shift
        command codex-config "$@"
    else
        command codex "$@"
    fi
}
"#;

const FISH: &str = r#"function codex --wraps codex --description "codex, with codex config"
    if test (count $argv) -gt 0; and test "$argv[1]" = config
        command codex-config $argv[2..-1]
    else
        command codex $argv
    end
end
"#;

const POWERSHELL: &str = r"function codex {
    if ($args.Count -gt 0 -and $args[0] -eq 'config') {
        $rest = @($args | Select-Object -Skip 1)
        & (Get-Command codex-config -CommandType Application | Select-Object -First 1) @rest
    } else {
        & (Get-Command codex -CommandType Application, ExternalScript | Select-Object -First 1) @args
    }
}
";

/// Prints the function that makes `codex config explain` work.
pub(super) fn init(arguments: &ShellInit, output: &mut Output) -> Outcome {
    let (script, usage) = match arguments.shell {
        InitShell::Bash => {
            (POSIX, "# add to ~/.bashrc:  eval \"$(codex-config shell-init bash)\"\n")
        }
        InitShell::Zsh => (POSIX, "# add to ~/.zshrc:  eval \"$(codex-config shell-init zsh)\"\n"),
        InitShell::Fish => (FISH, "# add to config.fish:  codex-config shell-init fish | source\n"),
        InitShell::Powershell => (
            POWERSHELL,
            "# add to $PROFILE:  codex-config shell-init powershell | Out-String | Invoke-Expression\n",
        ),
    };
    output.data = format!("{usage}{script}");
    Outcome::Fine
}
