//! `doctor`: one screen of everything that has to work, and what to do where it does not.

use std::time::Duration;

use codex_trust::transport::{Resource, Transport as _};

use crate::attest::FIRST_TO_SAY;
use crate::attest::ask::Asker;
use crate::attest::find::programs;
use crate::config::Config;
use crate::courier::Courier as _;
use crate::identity::enrolment;
use crate::install::Installer;
use crate::layout::Layout;
use crate::shell::now;
use crate::status::Status;

use super::{End, Failure, print, run};

/// How old a status may be while the agent runs.
const ALIVE: Duration = Duration::from_mins(45);

/// What was found.
#[derive(Default)]
struct Findings {
    wrong: usize,
}

/// Says that something is as it should be.
fn well(about: &str, text: &str) {
    print(&format!("✓ {about:<9}{text}\n"));
}

impl Findings {
    fn wrong(&mut self, about: &str, text: &str, what_to_do: &str) {
        self.wrong += 1;
        print(&format!("✗ {about:<9}{text}\n           {what_to_do}\n"));
    }

    fn told<T>(
        &mut self,
        about: &str,
        found: Result<T, String>,
        text: impl Fn(&T) -> String,
        what_to_do: &str,
    ) -> Option<T> {
        match found {
            Ok(found) => {
                well(about, &text(&found));
                Some(found)
            }
            Err(problem) => {
                self.wrong(about, &problem, what_to_do);
                None
            }
        }
    }
}

pub(super) fn doctor(layout: &Layout) -> End {
    let mut findings = Findings::default();
    let config = findings.told(
        "settings",
        run::config(layout).map_err(words),
        |config| config.organisation.clone(),
        "enrol the machine: `codex-agent enroll --help`",
    );
    let root = crate::config::read(&layout.trust_root()).map_err(|error| error.to_string());
    let root = root.and_then(|root| {
        codex_trust::refresh::check_root(&root).map_err(|error| error.to_string())
    });
    let what = "put the organisation's root there, from a source that you trust";
    findings.told("trust", root, |()| "the root is signed by its keys".to_owned(), what);
    let enrolled = enrolment(layout).map_err(|error| error.to_string());
    let enrolled = enrolled.and_then(|found| found.ok_or_else(|| "not enrolled".to_owned()));
    findings.told(
        "identity",
        enrolled,
        |found| format!("{} as {}", found.identity.device, found.identity.claims.host),
        "enrol the machine with a new token",
    );
    if let Some(config) = &config {
        network(layout, config, &mut findings);
    }
    clock(layout, &mut findings);
    files(layout, &mut findings);
    codex(layout, config.as_ref(), &mut findings);
    weak(layout, &mut findings);
    if findings.wrong == 0 { End::Well } else { End::Findings }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Usage(text) | Failure::Locked(text) | Failure::Unreadable(text) => text,
    }
}

fn network(layout: &Layout, config: &Config, findings: &mut Findings) {
    let address = config.server.as_ref().or(config.release.as_ref());
    if let Some(proxy) = address.and_then(|address| config.proxy_of(address)) {
        let from = if config.proxy.is_some() { "agent.toml" } else { "the environment" };
        well("proxy", &format!("{} of {from}", proxy.shown()));
    }
    let reached = run::direct(layout, config)
        .map_err(words)
        .and_then(|mut direct| direct.release())
        .and_then(|release| {
            let found = release.get(Resource::Metadata("timestamp.json"), 16_384);
            found
                .map_err(|error| error.to_string())?
                .ok_or_else(|| "no release is there".to_owned())
        });
    let what = "look at `server`, `proxy` and `authorities` in agent.toml, and at the network; where \
                the identity belongs to the fetching half, ask as its user";
    findings.told("network", reached, |_| "the release can be reached".to_owned(), what);
}

fn clock(layout: &Layout, findings: &mut Findings) {
    let Some(status) = Status::read(layout) else {
        let what = "run `codex-agent once`, or start the service";
        return findings.wrong("agent", "it has not run here yet", what);
    };
    let silent = now().wall.duration_since(status.at);
    if silent.unsigned_abs() > ALIVE {
        let text = format!("its last word is of {}, this clock shows {}", status.at, now().wall);
        return findings.wrong("agent", &text, "start the service, and look at the clock");
    }
    well("agent", &format!("its last word is of {}", status.at));
    match status.heard {
        Some(heard) if !status.stale => {
            well("fresh", &format!("the release was last heard of at {heard}"));
        }
        heard => {
            let text = heard.map_or("never heard of the release".to_owned(), |at| {
                format!("the release was last heard of at {at}: too long ago")
            });
            findings.wrong("fresh", &text, "see `network`");
        }
    }
}

fn files(layout: &Layout, findings: &mut Findings) {
    if !layout.installed().exists() {
        return findings.wrong("files", "nothing is installed", "run `codex-agent once`");
    }
    let looked = Installer::looking(layout)
        .and_then(|installer| Ok((installer.current()?, installer.drift()?, installer.beside()?)));
    let (current, drift, beside) = match looked {
        Ok(found) => found,
        Err(error) => {
            let what = "run as root, and see who can write to the folders";
            return findings.wrong("files", &error.to_string(), what);
        }
    };
    let Some((current, generation)) = current else {
        return findings.wrong("files", "nothing is installed", "run `codex-agent once`");
    };
    for one in &drift {
        let what = "the service repairs this; without it, `codex-agent once` does";
        findings.wrong("files", &format!("{}: {}", one.path, one.what), what);
    }
    if drift.is_empty() {
        let count = generation.planned(current.which).len();
        well("files", &format!("{count} are as they were installed"));
    }
    for one in beside {
        let text = format!("{}: {}", one.path, one.what);
        findings.wrong("files", &text, "remove it, or put it into the policy repository");
    }
}

fn codex(layout: &Layout, config: Option<&Config>, findings: &mut Findings) {
    let named = config.map(|config| config.codex.clone()).unwrap_or_default();
    let found = programs(layout, &named);
    if found.is_empty() {
        let what = "name it in `codex` of agent.toml";
        return findings.wrong("codex", "none was found", what);
    }
    let asker = Asker::of(layout);
    for program in found {
        let path = program.path.display();
        match asker.version(&program) {
            None => {
                let text = format!("{path} does not say its version");
                findings.wrong("codex", &text, "reinstall it, or remove it");
            }
            Some(version) if version < FIRST_TO_SAY => {
                let text = format!("{version} {path} cannot be asked what it enforces");
                findings.wrong("codex", &text, &format!("upgrade it to {FIRST_TO_SAY} or later"));
            }
            Some(version) => well("codex", &format!("{version} {path}")),
        }
    }
}

/// What the agent found last: it looks every minute.
fn weak(layout: &Layout, findings: &mut Findings) {
    let Some(status) = Status::read(layout) else { return };
    for one in &status.weak {
        let what = "see `What weakens a policy` in the README of codex-agent";
        findings.wrong("weak", one, what);
    }
    if status.weak.is_empty() {
        well("weak", "nothing was found on this machine that weakens the policy");
    }
}
