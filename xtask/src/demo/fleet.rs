//! The whole loop: a policy in git, a signed release, a fleet server, two machines with agents, and
//! the real Codex that enforces what arrives. All of it in namespaces of its own, without a network.

mod machine;
mod organisation;
mod server;

use std::fs;
use std::path::Path;
use std::time::Instant;

use codex_oracle::{CodexBinary, Isolation, install, isolated};

use super::Programs;
use crate::bench::fresh_folder;
use crate::talk::{Problem, say};
pub(crate) use machine::{Machine, Service, finished, wait_for};
pub(crate) use organisation::Organisation;
pub(crate) use server::start_server;

/// The Codex that the machines run.
pub(crate) const CODEX: &str = "0.169.0";
/// What the proxy of Codex says of a host that is on no list.
const NOT_ALLOWED: &str = "not on the allowlist";
/// Where the server listens.
pub(crate) const ADDRESS: &str = "https://localhost:8443";

/// Shows the loop. What it needs that this machine does not have is an error, not a shorter show.
pub(super) fn show(programs: &Programs) -> Result<(), Problem> {
    let codex = install(CODEX)?;
    let place = fresh_folder("demo/fleet")?;
    // A problem goes from thread to thread as its words.
    let shown = isolated(|isolation| {
        let stage = Stage { programs, codex: &codex, isolation, place: &place };
        stage.play().map_err(|problem| problem.to_string())
    })?;
    fs::remove_dir_all(&place)?;
    Ok(shown?)
}

struct Stage<'stage> {
    programs: &'stage Programs,
    codex: &'stage CodexBinary,
    isolation: &'stage Isolation,
    place: &'stage Path,
}

impl Stage<'_> {
    fn play(&self) -> Result<(), Problem> {
        let begun = Instant::now();
        let secret = self.place.join("secrets/ledger.txt");
        fs::create_dir_all(self.place.join("secrets"))?;
        fs::write(&secret, "a secret of the bank\n")?;
        heading("1. A policy as code, signed");
        let organisation = Organisation::found(self.programs, self.place, &secret)?;
        organisation.first_release()?;

        heading("2. A fleet server, and two machines of different teams");
        // New generations wait for a rollout, and the planner looks often.
        let rollouts = "[rollouts]\nunplanned = \"nobody\"\nstep_milliseconds = 500\n";
        let _server = start_server(self.programs, self.place, &organisation.name, rollouts)?;
        organisation.publish("stage", ADDRESS, None)?;
        let machines = self.machines(&organisation)?;
        let _agents: Vec<Service> = machines.iter().map(Machine::keep).collect::<Result<_, _>>()?;
        for machine in &machines {
            let took = wait_for("the first policy is enforced", || machine.enforces(1))?;
            say(&format!(
                "{}: generation 1 enforced, {took:.1?} after its agent began",
                machine.name
            ));
        }
        let [payments, platform] = &machines;
        payments.show("status")?;

        heading("3. The real Codex, whose user wants everything");
        self.sessions(payments, platform, &secret)?;

        heading("4. A change of the policy arrives");
        self.change(&organisation, payments, platform)?;

        heading("5. Somebody changes a file on a machine");
        payments.tamper()?;

        heading("6. A developer asks for a host");
        self.request(&organisation, payments)?;

        heading("7. Why is it so?");
        payments.explain(&self.programs.config, "rules.prefix_rules")?;
        organisation.show("rollout status")?;
        say(&format!(
            "\nThe dashboard of this server was at {ADDRESS}/ for as long as the demonstration \
             ran.\nAll of it took {:.0?}, and nothing is left of it.",
            begun.elapsed()
        ));
        Ok(())
    }

    fn machines(&self, organisation: &Organisation) -> Result<[Machine; 2], Problem> {
        let enrolled = |team: &str, host: &str| -> Result<Machine, Problem> {
            let words = ["token", "create", "--team", team, "--config", "fleet/fleet.toml"];
            let token = finished(&self.programs.server, self.place, &words)?;
            let machine = Machine::new(&self.programs.agent, self.place, host)?;
            machine.enrol(&organisation.name, ADDRESS, &token, self.codex.path())?;
            Ok(machine)
        };
        Ok([
            enrolled("payments", "pay-17.bank.example")?,
            enrolled("platform", "plat-3.bank.example")?,
        ])
    }

    /// What Codex does for a model that tries what policy forbids.
    fn sessions(
        &self,
        payments: &Machine,
        platform: &Machine,
        secret: &Path,
    ) -> Result<(), Problem> {
        let cat = format!("cat {}", secret.display());
        let tries = [
            ("paymentctl transfer 100", "It moves money"),
            (cat.as_str(), "Permission denied"),
            ("curl -sS -m 6 http://files.evil.example/", "denied by policy"),
            ("echo allowed", "allowed"),
        ];
        say("on a machine of the payments team:");
        let words: Vec<&str> = tries.iter().map(|(command, _)| *command).collect();
        let told = payments.turn(self.isolation, self.codex, &words)?;
        for ((command, wanted), (status, text)) in tries.iter().zip(&told) {
            say(&format!("  $ {command}\n      {status}: {}", machine::line(text)));
            if !text.contains(wanted) {
                return Err(format!("`{command}` ended otherwise than policy says: {text}").into());
            }
        }
        say("on a machine of the platform team, which may run it:");
        let told = platform.turn(self.isolation, self.codex, &["paymentctl transfer 100"])?;
        for (status, text) in &told {
            say(&format!("  $ paymentctl transfer 100\n      {status}: {}", machine::line(text)));
            if text.contains("It moves money") {
                return Err("a rule of the payments team holds for another team".into());
            }
        }
        Ok(())
    }

    /// From a developer's wish to what Codex does: asked, merged, signed, enforced.
    fn request(&self, organisation: &Organisation, payments: &Machine) -> Result<(), Problem> {
        const HOST: &str = "files.partner.example";
        let tries = format!("curl -sS -m 6 http://{HOST}/");
        let blocked = |machine: &Machine| -> Result<bool, Problem> {
            let told = machine.turn(self.isolation, self.codex, &[&tries])?;
            let (status, text) = told.first().ok_or("the session told of no command")?;
            say(&format!("  $ {tries}\n      {status}: {}", machine::line(text)));
            Ok(text.contains(NOT_ALLOWED))
        };
        if !blocked(payments)? {
            return Err(format!("{HOST} is not blocked before anybody asks").into());
        }
        let begun = Instant::now();
        let config = &self.programs.config;
        let number = payments.ask(config, &format!("domain:{HOST}"), "a migration reads there")?;
        say(&format!("# an operator makes an exception of request {number}"));
        let told = organisation.request(number)?;
        let part = |name: &str| {
            let text = told.pointer(name).and_then(serde_json::Value::as_str);
            text.ok_or_else(|| format!("the server has no {name} for the request: {told}"))
        };
        let plan = organisation.grant(part("/file/path")?, part("/file/text")?, ADDRESS)?;
        organisation.publish("granted", ADDRESS, Some(&plan))?;
        organisation.show(
            "rollout start payments --generation 3 --strategy all-at-once --bake 1s \
             --minimum-sample 1 --reason granted",
        )?;
        wait_for("what was asked is enforced", || payments.enforces(3))?;
        let took = begun.elapsed();
        say(&format!("from the request to its enforcement: {took:.1?} (goal: a minute)"));
        if took.as_secs() >= 60 {
            return Err("it took longer than a minute".into());
        }
        if blocked(payments)? {
            return Err(format!("{HOST} is still blocked").into());
        }
        Ok(())
    }

    fn change(
        &self,
        organisation: &Organisation,
        payments: &Machine,
        platform: &Machine,
    ) -> Result<(), Problem> {
        let plan = organisation.forbid_more(ADDRESS)?;
        organisation.publish("next", ADDRESS, Some(&plan))?;
        say("published; machines that have a policy wait for the rollout");
        let words = "rollout start payments --generation 2 --strategy all-at-once --bake 1s \
                     --minimum-sample 1 --reason demonstration";
        let begun = Instant::now();
        organisation.show(words)?;
        wait_for("the push has arrived and is enforced", || payments.enforces(2))?;
        let took = begun.elapsed();
        say(&format!(
            "{}: generation 2 enforced {took:.1?} after the rollout began",
            payments.name
        ));
        if !platform.enforces(1) {
            return Err("a change of one team reached another one".into());
        }
        organisation.show("rollout wait payments --timeout 2m")?;
        let told = payments.turn(self.isolation, self.codex, &["kubectl delete namespace prod"])?;
        for (status, text) in &told {
            say(&format!(
                "  $ kubectl delete namespace prod\n      {status}: {}",
                machine::line(text)
            ));
            if !text.contains("Not from a laptop") {
                return Err(format!("the new rule does not hold: {text}").into());
            }
        }
        Ok(())
    }
}

fn heading(text: &str) {
    say(&format!("\n━━ {text} ━━"));
}
