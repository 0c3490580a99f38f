//! Model providers that requirements define or demand.

use codex_schema::value::{Entry, Node, Table};

use super::{Merged, Refusal};

/// Providers that Codex brings and nobody may redefine.
const RESERVED: &[&str] = &["lmstudio", "ollama", "openai"];

/// Providers that Codex brings and that may be changed in part, with their changeable fields.
const ADJUSTABLE: &[(&str, &[&str], &str)] = &[
    ("amazon-bedrock", BEDROCK, BEDROCK_TEXT),
    ("amazon-bedrock-runtime", BEDROCK, BEDROCK_TEXT),
    (
        "gcp",
        &["base_url", "auth", "http_headers", "project_id", "location", "credential_file"],
        "`base_url`, `auth`, `http_headers`, `project_id`, `location`, and `credential_file`",
    ),
];

const BEDROCK: &[&str] = &["base_url", "auth", "http_headers", "aws"];

const BEDROCK_TEXT: &str = "`base_url`, `auth`, `http_headers`, `aws.profile`, `aws.region`, \
                            `aws.credential_export`, and `aws.auth_refresh`";

/// Definitions that cannot be used.
pub(super) fn definitions(merged: &Merged<'_>) -> Vec<Refusal> {
    merged
        .get(&["model_providers"])
        .and_then(|node| node.value.as_table())
        .map_or_else(Vec::new, wrong)
}

/// Everything wrong with a table of definitions, in requirements or in the configuration.
pub(crate) fn wrong(defined: &Table) -> Vec<Refusal> {
    let mut found: Vec<Refusal> = reserved(defined).into_iter().collect();
    for entry in defined {
        if RESERVED.contains(&&*entry.key.value) {
            continue;
        }
        if let Some((text, node)) = of_provider(entry) {
            found.push(Refusal::start(text, Some(node.span)));
        }
    }
    found
}

fn reserved(defined: &Table) -> Option<Refusal> {
    let wrong: Vec<&Entry> = defined
        .sorted()
        .into_iter()
        .filter(|entry| RESERVED.contains(&&*entry.key.value))
        .collect();
    let names: Vec<String> = wrong.iter().map(|entry| format!("`{}`", entry.key.value)).collect();
    let text = format!(
        "model_providers contains reserved built-in provider IDs: {}. Built-in providers cannot be \
         overridden. Rename your custom provider (for example, `openai-custom`).",
        names.join(", ")
    );
    Some(Refusal::start(text, Some(wrong.first()?.key.span)))
}

fn blank(node: Option<&Node>) -> bool {
    node.is_none_or(|node| node.value.as_str().is_some_and(|text| text.trim().is_empty()))
}

/// The first thing wrong with one provider.
fn of_provider(entry: &Entry) -> Option<(String, &Node)> {
    let (name, node) = (&*entry.key.value, &entry.node);
    let with_name = |(text, at): (String, _)| (format!("model_providers.{name}: {text}"), at);
    if let Some((_, fields, listed)) = ADJUSTABLE.iter().find(|(own, _, _)| *own == name) {
        let other = |entry: &&Entry| !fields.contains(&&*entry.key.value);
        if let Some(other) = node.value.as_table().and_then(|table| table.iter().find(other)) {
            let text = format!(
                "model_providers.{name} only supports changing {listed}; other non-default \
                 provider fields are not supported"
            );
            return Some((text, &other.node));
        }
        return of_aws(node).map(with_name);
    }
    if let Some(aws) = node.at(&["aws"]) {
        let text = "provider aws is only supported for `amazon-bedrock` or \
                    `amazon-bedrock-runtime`";
        return Some(with_name((text.to_owned(), aws)));
    }
    if blank(node.at(&["name"])) {
        return Some(with_name(("provider name must not be empty".to_owned(), node)));
    }
    of_auth(node).or_else(|| of_gateway(node)).map(with_name)
}

fn of_aws(provider: &Node) -> Option<(String, &Node)> {
    let aws = provider.at(&["aws"])?;
    if let Some(export) = aws.at(&["credential_export"]) {
        if blank(command_of(export)) {
            let text = "provider aws.credential_export.command must not be empty";
            return Some((text.to_owned(), export));
        }
        if aws.at(&["profile"]).is_some() {
            let text = "provider aws.credential_export cannot be combined with aws.profile";
            return Some((text.to_owned(), export));
        }
    }
    let refresh = aws.at(&["auth_refresh"])?;
    (command_of(refresh)?.value.as_str() != Some("aws"))
        .then(|| ("provider aws.auth_refresh.command must be `aws`".to_owned(), refresh))
}

/// The command of a program, which may be written as the list of its fields.
fn command_of(program: &Node) -> Option<&Node> {
    let first = program.value.as_array().and_then(<[Node]>::first);
    program.at(&["command"]).or(first)
}

fn of_auth(provider: &Node) -> Option<(String, &Node)> {
    let auth = provider.at(&["auth"])?;
    if blank(auth.at(&["command"])) {
        return Some(("provider auth.command must not be empty".to_owned(), auth));
    }
    let others: Vec<&str> = ["env_key", "experimental_bearer_token", "requires_openai_auth"]
        .into_iter()
        .filter(|other| {
            provider.at(&[other]).is_some_and(|node| node.value.as_bool() != Some(false))
        })
        .collect();
    let text = format!("provider auth cannot be combined with {}", others.join(", "));
    (!others.is_empty()).then_some((text, auth))
}

fn of_gateway(provider: &Node) -> Option<(String, &Node)> {
    let gateway = provider.at(&["gateway_oauth"])?;
    if provider.at(&["base_url"]).is_none() {
        return Some(("gateway_oauth requires base_url".to_owned(), gateway));
    }
    ["authorization_url", "token_url"].into_iter().find_map(|field| {
        let address = gateway.at(&[field])?;
        let absolute = address.value.as_str().is_some_and(|text| text.contains(':'));
        (!absolute).then(|| (format!("invalid gateway_oauth.{field} URL"), address))
    })
}

/// The provider that is demanded, or wanted where none is, must be defined somewhere.
pub(super) fn known(merged: &Merged<'_>) -> Vec<Refusal> {
    let wanted = merged.get(&["model_provider"]).or_else(|| merged.config.get("model_provider"));
    let Some((node, name)) = wanted.and_then(|node| Some((node, node.value.as_str()?))) else {
        return Vec::new();
    };
    let built_in = RESERVED.contains(&name) || ADJUSTABLE.iter().any(|(own, _, _)| *own == name);
    let user = merged.config.get("model_providers").and_then(|all| all.at(&[name]));
    if built_in || user.is_some() || merged.get(&["model_providers", name]).is_some() {
        return Vec::new();
    }
    let text = if name == "ollama-chat" {
        "`ollama-chat` is no longer supported.\nHow to fix: replace `ollama-chat` with `ollama` in \
         `model_provider`, `oss_provider`, or `--local-provider`.\nMore info: \
         https://github.com/openai/codex/discussions/7782"
            .to_owned()
    } else {
        format!("Model provider `{name}` not found")
    };
    vec![Refusal::start(text, Some(node.span))]
}
