//! Tokens for Codex's own pull, and sessions of people.

use codex_fleet::identity::DeviceId;

use super::arguments::{ById, ConfigArgs};
use super::{CONSOLE, Ended, day, deed, ended_well, say, store};
use crate::issue;
use crate::store::devices;
use crate::store::head;
use crate::store::sessions::{self, Holder, Which};
use crate::store::tokens::{Grant, Rules};
use crate::world::now;

/// Makes a token for a cohort or for a machine.
pub(super) async fn config_token(
    config: &ConfigArgs,
    whom: (Option<String>, Option<String>),
    rules: Rules,
) -> Result<String, Ended> {
    let store = store(config)?;
    let (grant, name) = match whom {
        (Some(cohort), _) => (Grant::Config { cohort: cohort.clone(), rules }, cohort),
        (None, Some(device)) => {
            let id = DeviceId::try_from(device).map_err(|error| Ended::Usage(error.to_string()))?;
            let wanted = id.clone();
            let found = store.read(move |tx| devices::find(tx, wanted.as_str())).await?;
            let found = found.filter(|found| found.revoked.is_none());
            let found = found.ok_or_else(|| {
                Ended::Findings("no such machine is enrolled: `device list` shows them".to_owned())
            })?;
            (Grant::Device { device: id, rules }, found.claims.host)
        }
        (None, None) => return Err(Ended::Usage("say `--cohort` or `--device`".to_owned())),
    };
    let (token, secret) = issue::access(&store, (grant, &name), None, CONSOLE).await?;
    say(&format!(
        "token {}: it is shown once. In requirements.toml: [config_server] \
         base_url = \"https://HOST/codex/TOKEN\"",
        token.id
    ));
    Ok(format!("/codex/{}\n", secret.text()))
}

/// Lists who is signed in.
pub(super) async fn list_sessions(config: &ConfigArgs) -> Result<String, Ended> {
    let found = store(config)?.read(|tx| sessions::list(tx, now())).await?;
    let line = |kept: &sessions::Kept| {
        let holder = match &kept.holder {
            Holder::Token(_) => "a token".to_owned(),
            Holder::Person(person) => person.actor(),
        };
        format!("{}  {holder}  since {}  until {}\n", kept.id, day(kept.began), day(kept.ends))
    };
    Ok(found.iter().map(line).collect())
}

/// Ends a session.
pub(super) async fn end_session(arguments: ById) -> Result<String, Ended> {
    let id = arguments.id.clone();
    let store = store(&arguments.config)?;
    let ended = store.write(move |tx| {
        let ended = sessions::end(tx, Which::Id(&id), now())?;
        if ended {
            head::log(tx, &deed("session ended", &id))?;
        }
        Ok(ended)
    });
    ended_well(ended.await?, "nobody is signed in under this number")
}
