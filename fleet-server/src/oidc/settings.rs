//! The table `[oidc]` of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::address::Address;
use crate::store::tokens::Role;

/// How people and Codex are known by an identity provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The issuer, to the letter as its tokens and its discovery document name it.
    pub issuer: String,
    /// What people call it: "Sign in with …". Its host where nothing is said.
    pub name: Option<String>,
    /// Where browsers reach this server: `https://fleet.bank.example:8443`. Needed for `roles`.
    pub url: Option<String>,
    /// This server as a client of the issuer. Needed for `roles`.
    pub client_id: Option<String>,
    /// The file of the client's secret; none for a public client, which has PKCE alone.
    pub client_secret_file: Option<PathBuf>,
    /// What else is asked of the issuer at a login, next to `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// The audience of bearer tokens. Needed for `cohorts`.
    pub audience: Option<String>,
    /// The clients that may ask for bearer tokens (`azp` or `client_id`); any where none is named.
    #[serde(default)]
    pub bearer_clients: Vec<String>,
    /// The claim with the groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// What members of groups may do at the dashboard.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// The cohorts of groups, for Codex's own pull.
    #[serde(default)]
    pub cohorts: BTreeMap<String, String>,
    /// Cohorts whose rule files may be left out of what Codex pulls.
    #[serde(default)]
    pub without_rules: BTreeSet<String>,
    /// Authorities that the issuer's certificate may be of, PEM; those of the web where none are given.
    pub authorities: Option<PathBuf>,
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl Settings {
    /// The settings with paths that start from a folder.
    #[must_use]
    pub fn inside(self, folder: &Path) -> Self {
        let inside = |path: PathBuf| folder.join(path);
        Self {
            client_secret_file: self.client_secret_file.map(inside),
            authorities: self.authorities.map(inside),
            ..self
        }
    }

    /// All that cannot be.
    pub fn problems(&self) -> Vec<String> {
        let Self {
            issuer,
            name,
            url,
            client_id,
            client_secret_file: _,
            scopes,
            audience,
            bearer_clients: _,
            groups_claim,
            roles,
            cohorts,
            without_rules,
            authorities: _,
        } = self;
        let mut problems = Vec::new();
        let mut wrong = |is_wrong: bool, problem: &str| {
            if is_wrong {
                problems.push(problem.to_owned());
            }
        };
        let is_name = |text: &String| codex_fleet::identity::is_name(text, 255);
        match Address::of(issuer) {
            Err(problem) => wrong(true, &format!("`oidc.issuer` {problem}")),
            Ok(address) => wrong(address.has_query(), "`oidc.issuer` must have no `?`"),
        }
        if let Some(url) = url {
            wrong(origin(url).is_none(), "`oidc.url` must be like `https://fleet.example:8443`");
        }
        wrong(name.as_ref().is_some_and(|name| !is_name(name)), "`oidc.name` must be a name");
        wrong(groups_claim.is_empty(), "`oidc.groups_claim` must name a claim");
        wrong(
            roles.is_empty() && cohorts.is_empty(),
            "`oidc` lets nobody in: map groups to roles in `oidc.roles` or to cohorts in `oidc.cohorts`",
        );
        let is_client = client_id.as_ref().is_some_and(is_name);
        wrong(
            !roles.is_empty() && (url.is_none() || !is_client),
            "`oidc.roles` needs `oidc.client_id` and `oidc.url`, where browsers reach this server",
        );
        wrong(
            !cohorts.is_empty() && !audience.as_ref().is_some_and(is_name),
            "`oidc.cohorts` needs `oidc.audience`, which bearer tokens must be for",
        );
        wrong(
            audience.is_some() && audience == client_id,
            "`oidc.audience` must not be `oidc.client_id`: what signs somebody in here must not open \
             anything else",
        );
        let scope =
            |text: &String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        wrong(!scopes.iter().all(scope), "`oidc.scopes` must be words without spaces");
        for cohort in without_rules {
            let is_known = cohorts.values().any(|one| one == cohort);
            wrong(!is_known, &format!("`oidc.without_rules` names `{cohort}`, which no group has"));
        }
        problems
    }

    /// What people call the issuer.
    pub fn shown(&self) -> String {
        let host = || Address::of(&self.issuer).map_or_else(|_| String::new(), |one| one.host());
        self.name.clone().unwrap_or_else(host)
    }
}

/// An address of a server and nothing below it: as a browser writes an origin.
pub(super) fn origin(url: &str) -> Option<Address> {
    let rest = url.strip_prefix("https://")?;
    let is_bare = !rest.contains(['/', '?']) && !rest.ends_with(':');
    is_bare.then(|| Address::of(url).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: &str) -> Vec<String> {
        let good = "issuer = 'https://id.example'\nurl = 'https://fleet.example:8443'\n\
                    client_id = 'fleet'\naudience = 'codex'\n\
                    roles = { chiefs = 'admin' }\ncohorts = { pay = 'payments' }\n";
        let name = change.split(' ').next().unwrap();
        let mut lines: Vec<&str> = good.lines().filter(|line| !line.starts_with(name)).collect();
        lines.push(change);
        toml::from_str::<Settings>(&lines.join("\n")).unwrap().problems()
    }

    #[test]
    fn what_lets_nobody_or_anybody_in_is_refused() {
        assert_eq!(problems("name = 'Bank ID'"), [""; 0]);
        for (change, why) in [
            ("issuer = 'http://id.example'", "`oidc.issuer` must begin with `https://`"),
            ("issuer = 'https://id.example?x=1'", "no `?`"),
            ("url = 'http://fleet.example'", "`oidc.url` must be like"),
            ("url = 'https://fleet.example/ui'", "`oidc.url` must be like"),
            ("client_id = ''", "needs `oidc.client_id`"),
            ("audience = ''", "needs `oidc.audience`"),
            ("audience = 'fleet'", "must not be `oidc.client_id`"),
            ("without_rules = ['other']", "which no group has"),
            ("scopes = ['a b']", "without spaces"),
            ("groups_claim = ''", "must name a claim"),
        ] {
            let found = problems(change);
            assert!(found.len() == 1 && found[0].contains(why), "{change}: {found:?}");
        }
        let empty: Settings = toml::from_str("issuer = 'https://id.example'").unwrap();
        assert!(empty.problems()[0].contains("lets nobody in"));
        assert!(toml::from_str::<Settings>("issuer = 'https://a'\nsecret = 'x'").is_err());
    }

    #[test]
    fn an_issuer_has_a_name_for_people() {
        let shown = |text: &str| toml::from_str::<Settings>(text).unwrap().shown();
        assert_eq!(shown("issuer = 'https://id.example/realms/x'"), "id.example");
        assert_eq!(shown("issuer = 'https://id.example'\nname = 'Bank ID'"), "Bank ID");
    }
}
