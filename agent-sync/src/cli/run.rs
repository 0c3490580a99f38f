//! `run` and `once`.

use std::sync::mpsc::channel;
use std::time::Duration;

use crate::attest::probe::elsewhere;
use crate::config::Config;
use crate::courier::{Courier, Direct, Mailbox};
use crate::fetcher::{hints_to_loop, hints_to_spool, serve, watch_files, watch_requests};
use crate::identity::{Enrolment, enrolment};
use crate::install::Installer;
use crate::layout::Layout;
use crate::proxy::Proxies;
use crate::shell::{Agent, Parts, Until, Wake, now, random};

use super::{End, Failure, Role, say, unreadable};

/// How long another process may hold what this one needs.
const LOCK: Duration = Duration::from_secs(5);

pub(super) fn installer(layout: &Layout) -> Result<Installer, Failure> {
    Installer::open(layout, LOCK).map_err(unreadable)
}

pub(super) fn config(layout: &Layout) -> Result<Config, Failure> {
    let config = Config::read(layout).map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(Config { proxies: proxies(), ..config })
}

/// What the environment of this process says of proxies: nothing else of it is looked at.
pub(super) fn proxies() -> Proxies {
    Proxies::of(|name| std::env::var(name).ok())
}

fn enrolled(layout: &Layout) -> Result<Enrolment, Failure> {
    let missing =
        || Failure::Usage("this machine is not enrolled: `codex-agent enroll --help`".to_owned());
    enrolment(layout).map_err(unreadable)?.ok_or_else(missing)
}

pub(super) fn direct(layout: &Layout, config: &Config) -> Result<Direct, Failure> {
    Direct::open(layout, config).map_err(Failure::Usage)
}

fn parts(
    layout: &Layout,
    config: &Config,
    enrolment: Enrolment,
    courier: Box<dyn Courier>,
) -> Parts {
    Parts {
        layout: layout.clone(),
        claims: enrolment.identity.claims,
        freshness_key: config.server.as_ref().map(|_| enrolment.freshness_key),
        codex: config.codex.clone(),
        courier,
        tell: Box::new(|text| say(&format!("{} {text}", now().wall.strftime("%F %TZ")))),
    }
}

pub(super) fn once(layout: &Layout) -> Result<End, Failure> {
    let (config, enrolment) = (config(layout)?, enrolled(layout)?);
    layout.prepare().map_err(unreadable)?;
    let courier = Box::new(direct(layout, &config)?);
    let mut agent = Agent::open(parts(layout, &config, enrolment, courier)).map_err(unreadable)?;
    let (_sender, wake) = channel();
    agent.run(&wake, Until::Settled).map_err(unreadable)?;
    let state = agent.state();
    let is_well = state.failures() == 0 && state.kept.refused.is_none();
    Ok(if is_well && state.kept.installed.is_some() { End::Well } else { End::Findings })
}

pub(super) fn run(layout: &Layout, role: Option<Role>) -> Result<End, Failure> {
    if role == Some(Role::Probe) {
        return answer();
    }
    let (config, enrolment) = (config(layout)?, enrolled(layout)?);
    let (sender, wake) = channel::<Wake>();
    let courier: Box<dyn Courier> = match role {
        Some(Role::Fetch) => return fetch(layout, &config, &enrolment),
        Some(Role::Install | Role::Probe) => {
            layout.prepare().map_err(unreadable)?;
            let first = u64::from(u32::from_le_bytes(random::<4>().map_err(unreadable)?));
            Box::new(Mailbox::new(layout.clone(), first))
        }
        None => {
            layout.prepare().map_err(unreadable)?;
            let direct = direct(layout, &config)?;
            if let Some(client) = direct.client() {
                hints_to_loop(client, sender.clone());
            }
            Box::new(direct)
        }
    };
    watch_files(layout.clone(), sender.clone());
    watch_requests(layout, sender.clone());
    let mut agent = Agent::open(parts(layout, &config, enrolment, courier)).map_err(unreadable)?;
    agent.run(&wake, Until::Stopped).map_err(unreadable)?;
    Ok(End::Well)
}

/// Answers one question: a service manager has put the socket where input and output are.
fn answer() -> Result<End, Failure> {
    // Others may write where it lies: nobody can have put something there under that name.
    let name = u64::from_le_bytes(random::<8>().map_err(unreadable)?);
    let scratch = std::env::temp_dir().join(format!("codex-agent-probe-{name:016x}"));
    std::fs::create_dir(&scratch).map_err(unreadable)?;
    let (question, answer) = (std::io::stdin().lock(), std::io::stdout().lock());
    let served = elsewhere::serve(question, answer, &scratch);
    // Who is asked may have written there; what stays is of this service's own folder.
    drop(std::fs::remove_dir_all(&scratch));
    served.map_err(Failure::Usage)?;
    Ok(End::Well)
}

fn fetch(layout: &Layout, config: &Config, enrolment: &Enrolment) -> Result<End, Failure> {
    let mut direct = direct(layout, config)?;
    if let Some(client) = direct.client() {
        hints_to_spool(client, layout.clone());
    }
    let claims = &enrolment.identity.claims;
    serve(layout, &mut direct, claims, &mut |text| {
        say(&format!("{} {text}", now().wall.strftime("%F %TZ")));
    });
    Ok(End::Well)
}
