//! What Codex checks when it has read all fields of a table: conditions between fields, in Codex's
//! words. Measured with 0.169.0.

use crate::de::TypeProblem;
use crate::value::{Node, Table, Value};

fn refuse(message: impl Into<String>, node: Option<&Node>) -> Result<(), TypeProblem> {
    let span = node.map(|node| node.span);
    Err(TypeProblem { message: message.into(), keys: Vec::new(), span })
}

/// Dates are texts to Codex.
fn text_of(node: &Node) -> &str {
    match &node.value {
        Value::String(text) | Value::Datetime(text) => text,
        _ => "",
    }
}

/// The addresses of a configuration server and of its sign-in.
///
/// # Errors
/// The first address, query, client or port that cannot be used.
pub fn config_server(table: &Table) -> Result<(), TypeProblem> {
    let base = table.get("base_url");
    let oauth = table.get("oauth");
    let part = |name: &str| oauth.and_then(|node| node.at(&[name]));
    let addresses = [
        base,
        part("authorization_url"),
        part("token_url"),
        part("device_authorization_url"),
    ];
    for address in addresses.into_iter().flatten() {
        if !secure_address(text_of(address)) {
            let text = "config_server URLs must use HTTPS without userinfo or fragments";
            return refuse(text, Some(address));
        }
    }
    if base.is_some_and(|base| text_of(base).contains('?')) {
        return refuse("config_server.base_url must not contain a query", base);
    }
    let blank = part("client_id").filter(|id| text_of(id).trim().is_empty());
    let zero = part("redirect_port").filter(|port| port.value == Value::Integer(0));
    if blank.or(zero).is_some() {
        let text = "config_server OAuth requires a client ID and a nonzero redirect port when \
                    specified";
        return refuse(text, blank.or(zero));
    }
    Ok(())
}

/// Whether an address is HTTPS, names a host, and carries neither a user nor a fragment.
fn secure_address(address: &str) -> bool {
    let address = address.trim();
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '\\']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    };
    let names_host = !host.is_empty()
        && !host.contains(|letter: char| letter.is_whitespace() || "<>^|%@".contains(letter));
    scheme.eq_ignore_ascii_case("https")
        && names_host
        && (port.is_empty() || port.parse::<u16>().is_ok())
        && !address.contains('#')
}

/// The hosts of Codex's own traffic: exact ASCII names, each once.
///
/// # Errors
/// The first name that is no such name, or that another one equals.
pub fn application_domains(table: &Table) -> Result<(), TypeProblem> {
    let domains = table.get("domains").and_then(|node| node.value.as_table());
    let mut seen = std::collections::BTreeSet::new();
    for entry in domains.into_iter().flatten() {
        let Some(name) = exact_domain(&entry.key.value) else {
            let text = "application.network.domains requires exact ASCII domain names without \
                        URLs, ports, or wildcards";
            return refuse(text, Some(&entry.node));
        };
        if let Some(twice) = seen.replace(name) {
            let text = format!(
                "duplicate application.network domain after normalization: {twice:?}"
            );
            return refuse(text, Some(&entry.node));
        }
    }
    Ok(())
}

/// A domain name in Codex's normal form: lower case, without a final dot. `None` for what is no
/// exact domain name.
pub fn exact_domain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let label = |label: &str| {
        let ends = |edge: Option<char>| edge.is_some_and(|letter| letter != '-');
        label.len() <= 63
            && label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            && ends(label.chars().next())
            && ends(label.chars().next_back())
    };
    (name.len() <= 253 && name.split('.').all(label)).then_some(name)
}

/// Old lists and the newer map exclude each other.
///
/// # Errors
/// Both are there, even if one is empty.
pub fn one_spelling(table: &Table) -> Result<(), TypeProblem> {
    let has = |name: &str| table.get(name).is_some();
    if has("domains") && (has("allowed_domains") || has("denied_domains")) {
        let text = "`domains` cannot be combined with legacy `allowed_domains` or \
                    `denied_domains` in managed network requirements";
        return refuse(text, table.get("domains"));
    }
    if has("unix_sockets") && has("allow_unix_sockets") {
        let text = "`unix_sockets` cannot be combined with legacy `allow_unix_sockets` in \
                    managed network requirements";
        return refuse(text, table.get("unix_sockets"));
    }
    Ok(())
}

/// Fields by which Codex recognises a permission profile.
pub const PROFILE_FIELDS: &[&str] =
    &["description", "extends", "workspace_roots", "filesystem", "network"];

/// `permissions.network` is the shared network policy, never a profile of that name.
///
/// # Errors
/// It is empty or looks like a profile.
pub fn shared_network(table: &Table) -> Result<(), TypeProblem> {
    if table.is_empty() || PROFILE_FIELDS.iter().any(|field| table.get(field).is_some()) {
        let text = "`permissions.network` in requirements.toml is reserved for shared network \
                    constraints; rename the managed profile (for example, to `network-access`) \
                    and update `default_permissions`, `allowed_permission_profiles`, and \
                    `extends`; check saved session profile references. Profiles named `network` \
                    in config.toml remain valid";
        return refuse(text, None);
    }
    Ok(())
}

/// `permissions.filesystem` holds constraints, never a profile of that name.
///
/// # Errors
/// It looks like a profile.
pub fn no_profile(table: &Table) -> Result<(), TypeProblem> {
    match PROFILE_FIELDS.iter().find_map(|field| table.get(field)) {
        None => Ok(()),
        profile => {
            let text = "`permissions.filesystem` is reserved for requirements-level filesystem \
                        constraints and cannot define a profile";
            refuse(text, profile)
        }
    }
}
