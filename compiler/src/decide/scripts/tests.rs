use crate::decide::answer::{Answer, Placement, Verdict};
use crate::decide::question::Question;
use crate::evaluate::{Evaluation, evaluate};
use crate::files::MemoryFiles;
use crate::gather::Extra;
use crate::machine::{Machine, Os};

/// A machine with requirements, a user's configuration and a user's rules.
fn machine(requirements: &str, config: &str, rules: &str, version: &str) -> Evaluation {
    let machine = Machine {
        os: Os::Linux,
        hostname: "host".to_owned(),
        home: "/home/user".to_owned(),
        codex_home: "/home/user/.codex".to_owned(),
        cwd: "/home/user/project".to_owned(),
        version: version.parse().unwrap(),
    };
    let mut files = MemoryFiles::default();
    files.put("/etc/codex/requirements.toml", requirements);
    files.put("/home/user/.codex/config.toml", config);
    files.put("/home/user/.codex/rules/own.rules", rules);
    evaluate(machine, &files, &Extra::default())
}

fn script(evaluation: &Evaluation, script: &str) -> Answer {
    crate::decide::answer(evaluation, &Question::Script(script.to_owned()))
}

/// Everything that an answer says, line by line.
fn shown(evaluation: &Evaluation, answer: &Answer) -> String {
    let mut lines =
        vec![format!("{} {:?}: {}", answer.verdict.word(), answer.placement, answer.because)];
    let entry = |entry: &crate::decide::answer::EntrySaid| {
        let place = evaluation.documents().place(entry.span);
        format!("{} `{}` {} at {place}", entry.key, entry.text, entry.verdict.word())
    };
    for part in &answer.parts {
        let opaque = part.opaque.as_deref().unwrap_or("plain");
        lines.push(format!(
            "part {:?} {} by {} ({opaque})",
            part.words,
            part.verdict.word(),
            part.by
        ));
    }
    lines.extend(answer.entries.iter().map(|one| format!("entry {}", entry(one))));
    lines.extend(
        answer.near.iter().map(|near| format!("near {}: {}", entry(&near.entry), near.differs)),
    );
    lines.extend(answer.codex_says.iter().map(|text| format!("says {text}")));
    lines.extend(answer.notes.iter().map(|text| format!("note {text}")));
    lines.extend(answer.advice.iter().map(|text| format!("advice {text}")));
    lines.join("\n") + "\n"
}

const PUSH: &str = "[rules]\nprefix_rules = [\n\
    {pattern = [{token = 'git'}, {token = 'push'}, {any_of = ['--force', '-f']}], decision = 'forbidden', justification = 'open a pull request'},\n\
    {pattern = [{token = 'git'}, {token = 'push'}], decision = 'prompt'},\n]\n";

#[test]
fn a_forbidden_command_names_its_rule_and_what_the_rule_does_not_cover() {
    let machine = machine(PUSH, "approval_policy = 'on-request'\n", "", "0.169.0");
    let answer = script(&machine, "cd api && git push --force");
    assert_eq!(shown(&machine, &answer), "\
deny None: the rule `git push [--force|-f]` forbids `git push --force` in it
part [\"cd\", \"api\"] allow by no rule (plain)
part [\"git\", \"push\", \"--force\"] deny by the rule `git push [--force|-f]` (plain)
entry rules.prefix_rules `git push [--force|-f]` deny at /etc/codex/requirements.toml:3:1
entry rules.prefix_rules `git push` prompt at /etc/codex/requirements.toml:4:1
says `/bin/bash -lc 'cd api && git push --force'` rejected: open a pull request
note no rule stops the same command spelt as `git push --force > /dev/null`, `\"git\" push --force`, \
`env git push --force`, `sh -c 'git push --force'`: rules guide the model, the sandbox is the boundary
advice ask whoever wrote the rule, or use what its reason suggests
advice a rule on `bash` and `sh` as well catches every script that cannot be taken apart
");
}

#[test]
fn a_near_miss_says_where_it_differs() {
    let machine = machine(PUSH, "approval_policy = 'on-request'\n", "", "0.169.0");
    for (text, near) in [
        ("git push origin", "differs in word 3: `origin` is not `--force` or `-f`"),
        ("git push", "ends before word 3, `--force` or `-f`"),
        ("git pull", "differs in word 2: `pull` is not `push`"),
        ("env A=1 git push -f", "would match without `env A=1` before it"),
        ("timeout 5 git push -f", "would match without `timeout 5` before it"),
        ("bash -lc 'git push -f'", "would match without `bash -lc` around it"),
        (
            "GIT=1 git push -f",
            "would match `git push -f` if the script were plain: it sets a variable (`GIT=1`)",
        ),
        (
            "git push -f > log",
            "would match `git push -f` if the script were plain: it redirects input or output (`> log`)",
        ),
        (
            "\"git\" push -f",
            "would match `git push -f` if the script were plain: the name of a program is quoted (`\"git\"`)",
        ),
    ] {
        let answer = script(&machine, text);
        assert_eq!(answer.near.first().map(|near| &*near.differs), Some(near), "{text}");
    }
}

#[test]
fn folders_that_do_not_count_are_named() {
    let rules = "host_executable(name = 'git', paths = ['/usr/bin/git'])\n";
    let machine = machine(PUSH, "", rules, "0.169.0");
    let answer = script(&machine, "/opt/git push -f");
    assert_eq!(answer.verdict, Verdict::Allow);
    assert_eq!(
        answer.near.first().map(|near| &*near.differs),
        Some("`/opt/git` is not among the paths that `host_executable` lists for `git`")
    );
    assert_eq!(script(&machine, "/usr/bin/git push -f").verdict, Verdict::Deny);
}

#[test]
fn allowed_commands_leave_the_sandbox_unless_something_holds_them() {
    let rules = "prefix_rule(['make'])\n";
    let placed = |requirements: &str, text: &str| {
        let machine = machine(requirements, "model = 'gpt-5'\n", rules, "0.169.0");
        let answer = script(&machine, text);
        (answer.placement, answer.notes)
    };
    let outside = "it runs outside the sandbox and past the managed network, whatever those say";
    assert_eq!(placed("", "make"), (Some(Placement::OutsideSandbox), vec![outside.to_owned()]));
    assert_eq!(placed("", "make && ls"), (Some(Placement::Sandboxed), vec![]));
    let held =
        "`permissions.filesystem.deny_read` keeps it in the sandbox, although a rule allows it";
    let denied = "[permissions.filesystem]\ndeny_read = ['/srv']\n";
    assert_eq!(placed(denied, "make"), (Some(Placement::Sandboxed), vec![held.to_owned()]));
    let ignored = "for the model `gpt-5` rules that allow do not count";
    let review = "[auto_review]\nignore_rules = ['gpt-5']\n";
    assert_eq!(placed(review, "make"), (Some(Placement::Sandboxed), vec![ignored.to_owned()]));
}

#[test]
fn a_broken_file_takes_all_files_of_rules_with_it() {
    let machine =
        machine("", "", "prefix_rule(['ls'], decision = 'forbidden')\nprefix_rule(\n", "0.169.0");
    let answer = script(&machine, "ls");
    assert_eq!(
        shown(&machine, &answer),
        "\
allow Some(Sandboxed): no rule says anything about it
part [\"ls\"] allow by no rule (plain)
note /home/user/.codex/rules/own.rules:3:1: Parse error: unexpected new line, expected expression; \
one file that cannot be read switches all `.rules` files off
advice mend the `.rules` file; rules in requirements cannot be lost so
"
    );
}

/// An older version loses the rules of requirements as well, and says so.
#[test]
fn an_older_version_loses_required_rules_too() {
    let broken = |version: &str| {
        let machine = machine(PUSH, "", "prefix_rule(\n", version);
        script(&machine, "git push -f")
    };
    assert_eq!(broken("0.157.1").verdict, Verdict::Deny);
    let lost = broken("0.138.0");
    assert_eq!(lost.verdict, Verdict::Allow);
    assert!(lost.notes.iter().any(|note| note.contains("rules of requirements")), "{lost:?}");
}

#[test]
fn an_opaque_script_says_so() {
    let machine = machine(PUSH, "approval_policy = 'never'\n", "", "0.169.0");
    assert_eq!(shown(&machine, &script(&machine, "rm -rf $DIR > log")), "\
deny None: Codex itself takes it for dangerous, as it removes files with force
part [\"/bin/bash\", \"-lc\", \"rm -rf $DIR > log\"] deny by Codex's own list of dangerous commands \
(it expands a variable (`$DIR`): rules see only the shell, not what it runs)
says `/bin/bash -lc 'rm -rf $DIR > log'` rejected: rm -f style commands are not permitted. Use a safer approach
note the script cannot be taken apart, as it expands a variable (`$DIR`): rules see only the shell, \
not what it runs
advice an approval policy that may ask would let somebody decide
");
    let long = format!("echo {}", "x".repeat(1 << 20));
    let answer = script(&machine, &long);
    assert_eq!(answer.verdict, Verdict::Allow);
    assert!(answer.notes.iter().any(|note| note.contains("12 KiB")), "{:?}", answer.notes);
}

#[test]
fn words_are_taken_apart_only_behind_a_shell() {
    let machine = machine(PUSH, "", "", "0.169.0");
    let words = |words: &[&str]| {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        crate::decide::answer(&machine, &Question::Command(words)).verdict
    };
    assert_eq!(words(&["git", "push", "-f"]), Verdict::Deny);
    for shell in ["bash", "/bin/bash", "sh", "zsh", "/tmp/bash.exe"] {
        assert_eq!(words(&[shell, "-lc", "cd api && git push -f"]), Verdict::Deny, "{shell}");
        assert_eq!(words(&[shell, "-ec", "git push -f"]), Verdict::Allow, "{shell}");
    }
    assert_eq!(words(&["dash", "-c", "git push -f"]), Verdict::Allow);
    assert_eq!(words(&["bash", "-c", "bash -c 'git push -f'"]), Verdict::Allow);
    assert_eq!(words(&["git push -f"]), Verdict::Allow);
    assert_eq!(words(&[]), Verdict::Allow);
    assert_eq!(words(&["a\0b"]), Verdict::Allow);
}
