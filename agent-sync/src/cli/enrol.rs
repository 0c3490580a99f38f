//! `enroll`: a key, a certificate, and settings.

use std::path::Path;
use std::time::Duration;

use crate::client::Client;
use crate::config::{Config, read};
use crate::identity::{keep, new_key, put};
use crate::install::plan::Platform;
use crate::layout::{Layout, SETTINGS};
use crate::shell::now;
use crate::store::FileStore;

use super::{End, EnrolArguments, Failure, say, unreadable};

pub(super) fn enrol(layout: &Layout, arguments: &EnrolArguments) -> Result<End, Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let token = read(&arguments.token_file).map_err(|one| usage(&one))?;
    let token = String::from_utf8_lossy(&token).trim().to_owned();
    if !token.starts_with(codex_fleet::enrolment::TOKEN_PREFIX) {
        let file = arguments.token_file.display();
        return Err(Failure::Usage(format!("`{file}` holds no enrolment token")));
    }
    let root = read(&arguments.trust_root).map_err(|one| usage(&one))?;
    codex_trust::refresh::check_root(&root).map_err(|error| {
        Failure::Usage(format!("`{}` is no root of trust: {error}", arguments.trust_root.display()))
    })?;
    layout.prepare().map_err(unreadable)?;
    let already = layout.trust_root();
    if already.exists() && read(&already).map_err(unreadable)? != root {
        let text = "this machine trusts another root; `codex-agent uninstall` first";
        return Err(Failure::Usage(text.to_owned()));
    }
    let authorities = arguments.authorities.as_deref().map(absolute).transpose()?;
    let config = Config {
        organisation: arguments.organisation.clone(),
        server: Some(arguments.server.clone()),
        release: None,
        proxy: arguments.proxy.clone().map(Into::into),
        authorities,
        codex: arguments.codex.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?,
        proxies: super::run::proxies(),
    };
    let settings = config.settings(&arguments.server, None).map_err(|one| usage(&one))?;
    let client = Client::new(&arguments.server, &settings).map_err(|one| usage(&one))?;
    let key = new_key().map_err(unreadable)?;
    let host = arguments.host.clone().unwrap_or_else(host_name);
    let os = Platform::HERE.name();
    let answer = client.enrol(&key.request(&token, os, &host)).map_err(Failure::Unreadable)?;
    let wait = Duration::from_secs(5);
    let store = FileStore::open(&layout.identity(), wait).map_err(unreadable)?;
    let kept = keep(layout, &store, &key, &answer, &arguments.organisation, now().wall);
    let enrolment = kept.map_err(unreadable)?;
    put(layout, SETTINGS, "root.json", &root).map_err(unreadable)?;
    put(layout, SETTINGS, "agent.toml", config.text().as_bytes()).map_err(unreadable)?;
    if let Some(user) = &arguments.fetch_user {
        hand_over(layout, user)?;
    }
    let claims = &enrolment.identity.claims;
    let team = claims.team.as_deref().unwrap_or("no team");
    say(&format!("enrolled as {} ({team}, {})", enrolment.identity.device, claims.host));
    say("next: `codex-agent once`, then the services: `systemctl enable --now \
         codex-agent-fetch codex-agent-install codex-agent-probe.socket`");
    Ok(End::Well)
}

/// A path as it is from everywhere.
fn absolute(path: &Path) -> Result<std::path::PathBuf, Failure> {
    std::path::absolute(path).map_err(unreadable)
}

/// Gives the fetching half what is its own: the spool and the identity.
fn hand_over(layout: &Layout, user: &str) -> Result<(), Failure> {
    let users = read(Path::new("/etc/passwd")).map_err(unreadable)?;
    let users = String::from_utf8_lossy(&users).into_owned();
    let line = users.lines().find(|line| line.split(':').next() == Some(user));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse::<u32>().ok());
    let Some(number) = number else {
        return Err(Failure::Usage(format!("there is no user `{user}` on this machine")));
    };
    std::fs::create_dir_all(layout.spool()).map_err(unreadable)?;
    let mut paths = vec![layout.spool(), layout.identity()];
    for entry in std::fs::read_dir(layout.identity()).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    for path in paths {
        std::os::unix::fs::lchown(&path, Some(number), Some(number)).map_err(unreadable)?;
    }
    Ok(())
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
