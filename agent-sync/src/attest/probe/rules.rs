//! Prefix rules: a session with a model of ours calls the commands that the rules name, and Codex
//! says what it decides about each.
//!
//! A command that Codex would let through finds no program: the session's path of programs is an
//! empty folder, and a command that the shell itself would carry out is not asked about.

use codex_schema::types::rule::{Decision, RequirementsExecPolicyPrefixRuleToml as Rule};
use codex_schema::value::Table;
use serde_json::{Value as Json, json};

use super::{Installed, Key, Probed, quoted};
use crate::attest::ask::Asker;
use crate::attest::find::Program;
use crate::attest::model::{Model, Told};
use crate::attest::session::Session;

const KEY: Key = Key::Rules;

/// The most commands of one session.
const MOST: usize = 32;

/// The name of the model's provider.
const PROVIDER: &str = "codex-agent-probe";

/// What a shell carries out without a program, and what Codex itself brings along.
const OF_THE_SHELL: &[&str] = &[
    "alias",
    "apply_patch",
    "applypatch",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "rg",
    "select",
    "set",
    "setopt",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
    "zmodload",
];

/// A command, and what the policy says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The command, as a shell would read it.
    pub command: String,
    /// What the strictest of the rules that match it decides.
    pub wanted: Decision,
}

/// What a session shows of one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is decided as the policy says, or more strictly.
    Held,
    /// It is decided more loosely; how.
    Looser(&'static str),
    /// That cannot be seen; why.
    Unclear(String),
}

/// Asks, where the policy has rules.
pub(super) fn probe(
    program: &Program,
    policy: &Table,
    installed: Installed<'_>,
    asker: &Asker,
) -> Option<Probed> {
    let rules = policy.at(&["rules", "prefix_rules"])?;
    let Ok(rules) = codex_schema::de::from_node::<Vec<Rule>>(rules) else {
        return Some(Probed::nothing(KEY, "the rules cannot be read"));
    };
    if rules.is_empty() {
        return None;
    }
    let (questions, not_asked) = questions(&rules);
    let mut probed = Probed { not_asked, ..Probed::new(KEY) };
    if questions.is_empty() {
        return Some(probed);
    }
    let heard = harmless(policy, installed).and_then(|()| session(program, &questions, asker));
    let told = match heard {
        Ok(told) => told,
        Err(reason) => {
            probed.not_asked.push(reason);
            return Some(probed);
        }
    };
    for (number, question) in questions.iter().enumerate() {
        let command = &question.command;
        match judge(question.wanted, told.get(&number).map(String::as_str)) {
            Answer::Held => probed.proved += 1,
            Answer::Looser(how) => {
                let wanted = words(question.wanted);
                let text = format!("`{command}` is {wanted} by the policy, and Codex {how}");
                probed.differences.push(text);
            }
            Answer::Unclear(why) => probed.not_asked.push(format!("`{command}`: {why}")),
        }
    }
    Some(probed)
}

fn words(decision: Decision) -> &'static str {
    match decision {
        Decision::Allow => "allowed",
        Decision::Prompt | Decision::PromptUser => "not run without asking",
        Decision::Forbidden => "forbidden",
    }
}

/// The commands that show what rules decide: each alternative of each word once. With them what
/// cannot be asked.
pub fn questions(rules: &[Rule]) -> (Vec<Question>, Vec<String>) {
    let (mut asked, mut not_asked) = (Vec::<Question>::new(), Vec::new());
    let mut left_off = 0_usize;
    for (number, rule) in rules.iter().enumerate() {
        let Some(pattern) = alternatives(rule) else {
            not_asked.push(format!("rule {} has a word without a choice", number + 1));
            continue;
        };
        let first: Vec<&str> = pattern.iter().filter_map(|words| words.first().copied()).collect();
        let mut commands = vec![first.clone()];
        for (place, words) in pattern.iter().enumerate() {
            for word in words.iter().skip(1) {
                let mut other = first.clone();
                other.iter_mut().skip(place).take(1).for_each(|it| *it = word);
                commands.push(other);
            }
        }
        for command in commands {
            let shown = command.join(" ");
            if asked.iter().any(|one| one.command == shown) {
            } else if let Err(reason) = may_be_tried(&command) {
                not_asked.push(format!("{}: {reason}", quoted(&shown)));
            } else if asked.len() == MOST {
                left_off += 1;
            } else if let Some(wanted) = strictest(rules, &command) {
                asked.push(Question { command: shown, wanted });
            }
        }
    }
    if left_off > 0 {
        not_asked.push(format!("{left_off} commands more than the {MOST} of one session"));
    }
    (asked, not_asked)
}

/// The choices for each word of a rule.
fn alternatives(rule: &Rule) -> Option<Vec<Vec<&str>>> {
    let choices = rule.pattern.iter().map(|word| match (&word.token, &word.any_of) {
        (Some(token), None) => Some(vec![token.as_str()]),
        (None, Some(any)) if !any.is_empty() => Some(any.iter().map(String::as_str).collect()),
        _ => None,
    });
    choices.collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())
}

fn strictest(rules: &[Rule], command: &[&str]) -> Option<Decision> {
    let matches = |rule: &&Rule| {
        alternatives(rule).is_some_and(|pattern| {
            pattern.len() <= command.len()
                && pattern.iter().zip(command).all(|(words, word)| words.contains(word))
        })
    };
    rules.iter().filter(matches).filter_map(|rule| rule.decision).max()
}

/// Whether a command is plain words, the first of which could only be a program's name.
fn may_be_tried(command: &[&str]) -> Result<(), &'static str> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./:@+,".contains(letter);
    if !command.iter().all(|word| !word.is_empty() && word.chars().all(plain)) {
        return Err("a shell does not read it as plain words");
    }
    let name = command.first().copied().unwrap_or_default();
    if name.contains('/') {
        return Err("it names a program by its path, which would run");
    }
    if OF_THE_SHELL.contains(&name) || name.starts_with("codex") || !name.contains(is_letter) {
        return Err("the shell or Codex would carry it out without a program");
    }
    Ok(())
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphabetic()
}

/// Whether a session would start nothing but itself, and talk to nobody but our model.
fn harmless(policy: &Table, installed: Installed<'_>) -> Result<(), String> {
    let pinned =
        policy.at(&["features", "hooks"]).or_else(|| policy.at(&["feature_requirements", "hooks"]));
    let keeps_hooks = pinned.and_then(|node| node.value.as_bool()) == Some(true);
    if keeps_hooks && policy.at(&["hooks"]).is_some() {
        return Err("a session would run the hooks of the policy, which it pins".to_owned());
    }
    if policy.at(&["otel"]).is_some() {
        return Err("a session would be exported to the policy's collector".to_owned());
    }
    for text in installed.configuration {
        let read = codex_schema::reader::read_toml(text, codex_schema::span::SourceId(0));
        for key in ["mcp_servers", "otel", "notify"] {
            if read.root.get(key).is_some() {
                return Err(format!("a session would start what `{key}` of the policy names"));
            }
        }
    }
    Ok(())
}

/// A session in which the model calls the commands: what Codex told it of each.
fn session(program: &Program, questions: &[Question], asker: &Asker) -> Result<Told, String> {
    let model = Model::start(questions.iter().map(|one| one.command.clone()).collect())?;
    let config = format!(
        "model_provider = \"{PROVIDER}\"\nmodel = \"gpt-5\"\nnotify = []\n\
         [features]\nhooks = false\n[analytics]\nenabled = false\n\
         [model_providers.{PROVIDER}]\nname = \"{PROVIDER}\"\nbase_url = \"{}\"\n\
         wire_api = \"responses\"\nrequest_max_retries = 0\nstream_max_retries = 0\n",
        model.address()
    );
    let home = asker.home(program, &[("config.toml", &config), ("programs/none", "")])?;
    let mut command = home.command(&program.path);
    command.env("PATH", home.path.join("programs"));
    let mut session = Session::start(command)?;
    let place = home.path.to_string_lossy();
    let thread = session.call("thread/start", Some(json!({ "cwd": place })))?;
    // Whoever pins another provider would have it hear of this.
    if thread.get("modelProvider").and_then(Json::as_str) != Some(PROVIDER) {
        return Err("its model provider is pinned, and is not asked".to_owned());
    }
    let input = json!([{ "type": "text", "text": "go" }]);
    let turn = json!({ "threadId": thread.pointer("/thread/id"), "input": input });
    session.call("turn/start", Some(turn))?;
    session.wait_for("turn/completed")?;
    let told = model.told();
    if told.is_empty() {
        return Err("the session came to no command".to_owned());
    }
    Ok(told)
}

/// What the text that Codex tells its model shows of a command. Whoever is asked declines, and what
/// is asked about did not run: by a rule or by a stricter approval policy.
pub fn judge(wanted: Decision, told: Option<&str>) -> Answer {
    let Some(told) = told else { return Answer::Unclear("Codex told nothing of it".to_owned()) };
    let is_asked = told.contains("rejected by user") || told.contains("approval request failed");
    if told.contains("Process exited with code") {
        Answer::Looser("lets it run")
    } else if is_asked && wanted == Decision::Forbidden {
        Answer::Looser("only asks")
    } else if is_asked || told.contains("Rejected(") {
        Answer::Held
    } else {
        Answer::Unclear(format!("Codex told {}", quoted(told)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rules: &str) -> (Vec<(String, Decision)>, Vec<String>) {
        let read = codex_schema::reader::read_toml(
            &format!("rules = {rules}\n"),
            codex_schema::span::SourceId(0),
        );
        let rules: Vec<Rule> =
            codex_schema::de::from_node(read.root.get("rules").unwrap()).unwrap();
        let (questions, not_asked) = questions(&rules);
        (questions.into_iter().map(|one| (one.command, one.wanted)).collect(), not_asked)
    }

    #[test]
    fn every_choice_is_asked_once_and_the_strictest_rule_counts() {
        let (asked, not_asked) = asked(
            "[{pattern=[{token='a1'},{any_of=['x','y']}],decision='prompt'},\
              {pattern=[{token='a1'},{token='y'}],decision='forbidden'}]",
        );
        let expected =
            [("a1 x".to_owned(), Decision::Prompt), ("a1 y".to_owned(), Decision::Forbidden)];
        assert_eq!((asked.as_slice(), not_asked.len()), (&expected[..], 0));
    }

    #[test]
    fn what_would_run_without_the_rule_is_never_tried() {
        for harmful in ["kill", "eval", "/bin/rm", "./x", "$(x)", "a b", "[", "rg", "codex"] {
            let rule = format!("[{{pattern=[{{token='{harmful}'}}],decision='forbidden'}}]");
            let (asked, not_asked) = asked(&rule);
            assert!(asked.is_empty() && not_asked.len() == 1, "{harmful}: {asked:?}");
        }
        let words = (0..40).map(|number| format!("'w{number}'")).collect::<Vec<_>>().join(",");
        let (asked, not_asked) =
            asked(&format!("[{{pattern=[{{any_of=[{words}]}}],decision='prompt'}}]"));
        assert_eq!(asked.len(), MOST);
        assert_eq!(not_asked, ["8 commands more than the 32 of one session"]);
    }

    #[test]
    fn a_session_that_would_start_or_tell_others_is_not_begun() {
        let judged = |policy: &str, configuration: &str| {
            let read = codex_schema::reader::read_toml(policy, codex_schema::span::SourceId(0));
            harmless(
                &read.root,
                Installed { requirements: policy, configuration: &[configuration] },
            )
        };
        assert_eq!(judged("[hooks]\nmanaged_dir = '/x'\n", "model = 'm'\n"), Ok(()));
        assert!(judged("features.hooks = true\n[hooks]\nmanaged_dir = '/x'\n", "").is_err());
        assert!(judged("otel.environment = 'x'\n", "").is_err());
        assert!(judged("", "[mcp_servers.x]\ncommand = 'x'\n").is_err());
        assert!(judged("", "notify = ['x']\n").is_err());
    }
}
