//! What the shell looks at on its own machine: what Codex enforces, whether files were changed,
//! which Codex there is, and what weakens the policy.

use std::time::Duration;

use codex_trust::bundle::REQUIREMENTS;

use super::{Agent, LOOK, ShellError, now};
use crate::agent::Event;
use crate::attest::find::programs;
use crate::attest::probe::Installed;
use crate::attest::{Changed, attestation, processes, witnesses};
use crate::install::InstallError;
use crate::weak::gather::facts;
use crate::weak::weaknesses;

/// Files of a bundle that Codex reads as its configuration.
const CONFIGURATION: [&str; 2] = ["config.toml", "managed_config.toml"];

/// How many repairs may follow each other at once, before they are spread.
const QUICK_REPAIRS: u32 = 20;

impl Agent {
    /// Asks every Codex what it enforces.
    pub(super) fn attest(&mut self) -> Result<Event, ShellError> {
        let _changed = self.find_programs();
        let current = self.installer.current()?;
        let names = current.as_ref().map(|(current, generation)| generation.names(current.which));
        let text = |name: &str| names.and_then(|names| names.get(name)).map(String::as_str);
        let configuration: Vec<&str> = CONFIGURATION.into_iter().filter_map(text).collect();
        let requirements = text(REQUIREMENTS).unwrap_or_default();
        let installed = Installed { requirements, configuration: &configuration };
        self.witnesses = witnesses(&self.versions, installed, &self.asker);
        let paths = self.versions.programs().map(|(program, _)| program.path.clone()).collect();
        self.older = match &current {
            Some((current, _)) => processes::older_than(current.since, &paths),
            None => Vec::new(),
        };
        let mut notes: Vec<String> = match self.installer.beside() {
            Ok(beside) => beside.iter().map(|one| format!("{}: {}", one.path, one.what)).collect(),
            Err(error) => vec![error.to_string()],
        };
        let others = self.versions.programs().filter(|(program, _)| program.owner != 0);
        notes.extend(others.map(|(program, _)| {
            let (path, owner) = (program.path.display(), program.owner);
            format!("{path} belongs to user {owner}: what it says is that user's word")
        }));
        Ok(Event::Attested(attestation(&self.witnesses, &self.versions, &self.older, &notes)))
    }

    /// Looks for what nothing tells of: changed files, which are repaired, and changed programs.
    pub(super) fn look(&mut self) -> Result<Option<Event>, ShellError> {
        let drift = self.installer.drift()?;
        if !drift.is_empty() {
            let what: Vec<String> =
                drift.iter().map(|one| format!("{}: {}", one.path, one.what)).collect();
            self.repairs = self.repairs.saturating_add(1);
            if self.repairs > QUICK_REPAIRS {
                // Somebody writes in a loop: repair now and then, not as fast as they can.
                std::thread::sleep(Duration::from_secs(1));
            }
            return Ok(Some(match self.repair() {
                Ok(()) => {
                    self.unrepaired = false;
                    Event::Drifted(what)
                }
                // Said once; the next look tries again.
                Err(_) if std::mem::replace(&mut self.unrepaired, true) => return Ok(None),
                Err(error) => {
                    let problem = std::iter::once(format!("cannot be repaired: {error}"));
                    Event::Drifted(problem.chain(what).collect())
                }
            }));
        }
        self.repairs = self.repairs.saturating_sub(1);
        let asked = crate::desk::pick_up(&self.parts.layout, crate::desk::user_name, now().wall);
        if let Some(asked) = asked.ok().filter(|asked| !asked.is_empty()) {
            return Ok(Some(Event::Asked(asked)));
        }
        Ok(match self.find_programs() {
            Changed::Yes => Some(Event::CodexChanged),
            Changed::No => self.find_weaknesses()?.map(Event::Weak),
        })
    }

    /// What weakens the policy here, once in a while: it is in the hands of users, who must not
    /// keep the agent busy.
    fn find_weaknesses(&mut self) -> Result<Option<Vec<String>>, ShellError> {
        let now = now();
        if self.weak_at.is_some_and(|at| now.uptime.saturating_sub(at) < LOOK) {
            return Ok(None);
        }
        self.weak_at = Some(now.uptime);
        let Some((current, generation)) = self.installer.current()? else { return Ok(None) };
        let own: Vec<String> = generation.planned(current.which).into_keys().collect();
        let requirements = generation.names(current.which).get(REQUIREMENTS);
        let requirements = requirements.map(String::as_str).unwrap_or_default();
        let facts = facts(&self.parts.layout, &self.versions, &own);
        self.weak = weaknesses(&facts, requirements, now.wall);
        Ok(Some(self.weak.clone()))
    }

    fn repair(&mut self) -> Result<(), InstallError> {
        let Some((current, generation)) = self.installer.current()? else { return Ok(()) };
        let foreign = self.installer.install(&generation, current.which, now().wall)?;
        for name in foreign.into_iter().filter_map(|one| one.kept) {
            self.tell(&format!("what was found in its place is kept as `{name}`"));
        }
        Ok(())
    }

    pub(super) fn find_programs(&mut self) -> Changed {
        let found = programs(&self.parts.layout, &self.parts.codex);
        self.versions.update(found, &self.asker)
    }
}
