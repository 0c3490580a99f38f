//! How the user signs in and where that is kept.

use crate::key::{KEY, Key, Ty};
use crate::types::choice::{CredentialsStore, LoginMethod};
use crate::types::setting_value::WorkspaceIds;
use crate::version::Version;

pub(super) static KEYS: &[Key] = &[
    Key {
        path: "forced_chatgpt_workspace_id",
        ty: Ty::of::<WorkspaceIds>(),
        doc: "ChatGPT workspaces a sign-in must belong to.",
        example: r#""00000000-0000-0000-0000-000000000000""#,
        ..KEY
    },
    Key {
        path: "forced_login_method",
        ty: Ty::of::<LoginMethod>(),
        doc: "The only way of signing in.",
        example: r#""chatgpt""#,
        ..KEY
    },
    Key {
        path: "cli_auth_credentials_store",
        ty: Ty::of::<CredentialsStore>(),
        doc: "Where sign-in credentials are kept.",
        example: r#""keyring""#,
        ..KEY
    },
    Key {
        path: "chatgpt_base_url",
        ty: Ty::of::<String>(),
        doc: "Address of the ChatGPT service.",
        example: r#""https://chatgpt.com/backend-api/""#,
        ..KEY
    },
    Key {
        path: "openai_base_url",
        ty: Ty::of::<String>(),
        since: Version::of(118),
        doc: "Address of the built-in `openai` provider.",
        example: r#""https://api.openai.com/v1""#,
        ..KEY
    },
];
