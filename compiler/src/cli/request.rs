//! `request`: somebody at a machine asks that policy allows something. The machine's agent carries it
//! to the operators; here nothing is allowed, and nothing is sent.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_fleet::request::{
    ANSWER_FOLDER, DROP_FOLDER, MAX_BYTES, Request as Asked, Said, Wanted, is_drop_name,
};
use codex_schema::lookup::{CONFIG, REQUIREMENTS, closest};
use codex_schema::path::parts;
use codex_trust::provider::hex;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;

use super::arguments::request::Request;
use super::sign::{Ended, ended};
use super::why::{of_machine, setting};
use super::{Outcome, Output};
use crate::decide::answer::Verdict;
use crate::decide::question::Question;

/// How often the answer is looked for.
const GLANCE: Duration = Duration::from_millis(100);

/// `request`.
pub(super) fn request(arguments: &Request, output: &mut Output) -> Outcome {
    let result = match &arguments.status {
        Some(name) => status(arguments, name, output),
        None => ask(arguments, output),
    };
    ended(result, output)
}

fn ask(arguments: &Request, output: &mut Output) -> Result<Outcome, Ended> {
    let (Some(what), Some(days), Some(reason)) =
        (&arguments.what, arguments.days, &arguments.reason)
    else {
        return Err(Ended::Usage("say what, --for how long and --reason why".to_owned()));
    };
    let wants = wanted(what).map_err(Ended::Usage)?;
    let asked = Asked { wants, days, reason: reason.clone(), user: None };
    asked.check().map_err(|bad| Ended::Usage(bad.to_string()))?;
    let drop = arguments.root().join(DROP_FOLDER);
    if !drop.is_dir() {
        return Err(Ended::Unreadable(format!(
            "there is no folder {}: no agent of a fleet takes requests at this machine",
            drop.display()
        )));
    }
    let now = now_says(arguments, &asked.wants)?;
    if let Some((Verdict::Allow | Verdict::Unmanaged, because)) = &now {
        return Err(Ended::Refused(format!("policy allows it already: {because}")));
    }
    let name = leave(&drop, &asked)?;
    let said = wait(&arguments.root(), &name, arguments.wait);
    let now = now.map(|(verdict, because)| format!("{}: {because}", verdict.word()));
    tell(arguments, &name, now.as_deref(), said.as_ref(), output)
}

fn status(arguments: &Request, name: &str, output: &mut Output) -> Result<Outcome, Ended> {
    if !is_drop_name(name) {
        return Err(Ended::Usage(format!("`{name}` is no name of a request")));
    }
    let said = answer(&arguments.root(), name);
    if said.is_none() && !waits(&arguments.root(), name) {
        return Err(Ended::Unreadable(format!("no request of yours has the name {name}")));
    }
    tell(arguments, name, None, said.as_ref(), output)
}

/// What is wanted, held against the key table.
fn wanted(what: &str) -> Result<Wanted, String> {
    if let Some(host) = what.strip_prefix("domain:") {
        return Ok(Wanted::Domain { host: host.trim().to_owned() });
    }
    if let Some(words) = what.strip_prefix("command:") {
        let words = words.split_whitespace().map(str::to_owned).collect();
        return Ok(Wanted::Command { words });
    }
    if !what.contains('=') {
        return Err(format!("`{what}` is none of domain:HOST, command:WORDS and KEY=VALUE"));
    }
    let (key, value) = setting(what)?;
    let path: Vec<&str> = parts(&key).collect();
    if REQUIREMENTS.key_of(&path).is_none() && CONFIG.key_of(&path).is_none() {
        let names = REQUIREMENTS.keys().iter().chain(CONFIG.keys()).map(|key| key.path);
        let meant = closest(&key, names).map(|name| format!("; did you mean `{name}`?"));
        return Err(format!("`{key}` is no key of Codex{}", meant.unwrap_or_default()));
    }
    Ok(Wanted::Setting { key, value })
}

/// What policy answers now, and why. Keys of requirements alone are no question to a session.
fn now_says(arguments: &Request, wants: &Wanted) -> Result<Option<(Verdict, String)>, Ended> {
    let question = match wants {
        Wanted::Domain { host } => Question::Host(host.clone()),
        Wanted::Command { words } => Question::Command(words.clone()),
        Wanted::Setting { key, value } => {
            let path: Vec<&str> = parts(key).collect();
            if CONFIG.key_of(&path).is_none() {
                return Ok(None);
            }
            Question::Setting { key: key.clone(), value: value.clone() }
        }
    };
    let (why, _) = of_machine(&arguments.machine, &[], &question).map_err(Ended::Usage)?;
    // What cannot be read in full proves nothing.
    Ok((!why.partial).then_some((why.verdict, why.because)))
}

/// Leaves a request in the folder: whole or not at all, under a name that nobody guesses.
fn leave(folder: &Path, asked: &Asked) -> Result<String, Ended> {
    let mut random = [0; 16];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| Ended::Unreadable("the system has no randomness".to_owned()))?;
    let name = hex(&random);
    let text = serde_json::to_vec(asked)?;
    if text.len() > MAX_BYTES {
        return Err(Ended::Usage(format!("a request has {MAX_BYTES} bytes at most")));
    }
    let aside = folder.join(format!(".{name}.new"));
    let left = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&aside)
        .and_then(|mut file| file.write_all(&text))
        .and_then(|()| fs::rename(&aside, folder.join(format!("{name}.json"))));
    left.map_err(|error| {
        Ended::Unreadable(format!("cannot leave a request in {}: {error}", folder.display()))
    })?;
    Ok(name)
}

/// The agent's answer, as soon as it is more than that the request waits.
fn wait(root: &Path, name: &str, patience: Duration) -> Option<Said> {
    let begun = Instant::now();
    loop {
        let said = answer(root, name);
        let settled = said.as_ref().is_some_and(|said| !matches!(said, Said::Waits { .. }));
        if settled || begun.elapsed() >= patience {
            return said;
        }
        std::thread::sleep(GLANCE);
    }
}

fn answer(root: &Path, name: &str) -> Option<Said> {
    let path: PathBuf = root.join(ANSWER_FOLDER).join(format!("{name}.json"));
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// Whether nobody has picked it up yet: a file of one's own can be looked at by its name.
fn waits(root: &Path, name: &str) -> bool {
    root.join(DROP_FOLDER).join(format!("{name}.json")).exists()
}

fn tell(
    arguments: &Request,
    name: &str,
    now: Option<&str>,
    said: Option<&Said>,
    output: &mut Output,
) -> Result<Outcome, Ended> {
    if arguments.print.json {
        let body = json!({
            "schema": "codex-config/request/1", "name": name, "now": now, "said": said,
        });
        output.data = serde_json::to_string_pretty(&body)? + "\n";
    } else {
        let mut text = now.map_or_else(String::new, |now| format!("now        {now}\n"));
        text.push_str(&format!("request    {name}\nit is      {}\n", words(said, name)));
        output.data = text;
    }
    Ok(match said {
        Some(Said::Refused { .. }) => Outcome::Findings,
        Some(Said::Filed { .. } | Said::Waits { .. }) => Outcome::Fine,
        None => {
            output.talk.push_str(
                "the agent has not picked it up: see `codex-agent status`; it takes it when it runs\n",
            );
            Outcome::Partial
        }
    })
}

fn words(said: Option<&Said>, name: &str) -> String {
    match said {
        Some(Said::Filed { number }) => format!(
            "with the operators of the policy, as request {number}; nothing is allowed before they \
             decide"
        ),
        Some(Said::Waits { why: None }) => {
            format!("with the agent, which hands it on; see `codex-config request --status {name}`")
        }
        Some(Said::Waits { why: Some(why) }) => {
            format!("with the agent, which tries again: {}", plain(why))
        }
        Some(Said::Refused { why }) => format!("refused: {}", plain(why)),
        None => "left for the agent".to_owned(),
    }
}

/// Without what would do something to a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { ' ' } else { one }).collect()
}
