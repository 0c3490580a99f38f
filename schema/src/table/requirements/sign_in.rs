//! How users sign in.

use crate::key::{Channels, Effect, KEY, Key, Tighter, Ty};
use crate::types::choice::{CredentialsStore, LoginMethod};
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "allowed_login_methods",
        ty: Ty::of::<Vec<LoginMethod>>(),
        tighter: Tighter::Subset,
        channels: Channels::Local,
        effect: Effect::Constrains("forced_login_method"),
        since: Version::of(147),
        doc: "Ways of signing in that are allowed.",
        example: r#"["chatgpt"]"#,
        ..KEY
    },
    Key {
        path: "allowed_chatgpt_workspaces",
        ty: Ty::of::<Vec<String>>(),
        tighter: Tighter::Subset,
        channels: Channels::Local,
        effect: Effect::Constrains("forced_chatgpt_workspace_id"),
        since: Version::of(147),
        doc: "Workspaces a ChatGPT sign-in may belong to; an empty list forbids ChatGPT sign-in.",
        example: r#"["ws-1"]"#,
        ..KEY
    },
    Key {
        path: "cli_auth_credentials_store",
        ty: Ty::of::<CredentialsStore>(),
        channels: Channels::Local,
        effect: Effect::Fixes("cli_auth_credentials_store"),
        since: Version::of(149),
        doc: "Where Codex must keep its sign-in credentials.",
        example: r#""keyring""#,
        ..KEY
    },
    Key {
        path: "chatgpt_base_url",
        ty: Ty::of::<String>(),
        channels: Channels::Local,
        effect: Effect::Fixes("chatgpt_base_url"),
        since: Version::of(149),
        doc: "Base address of the ChatGPT backend.",
        example: r#""https://chatgpt.com/backend-api/""#,
        ..KEY
    },
];
