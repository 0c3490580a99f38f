//! Allowed wildcards below suffixes where everybody can have a host.

use codex_schema::diagnostic::{Code, Diagnostic};

use super::view::View;

/// Suffixes of more than one label below which anybody can register a name, or gets one.
const SHARED: &[&str] = &[
    "amazonaws.com",
    "appspot.com",
    "azurewebsites.net",
    "blob.core.windows.net",
    "cloudfront.net",
    "co.jp",
    "co.uk",
    "com.au",
    "com.br",
    "com.cn",
    "firebaseapp.com",
    "github.io",
    "gitlab.io",
    "googleusercontent.com",
    "herokuapp.com",
    "loca.lt",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.app",
    "ngrok.io",
    "onrender.com",
    "org.uk",
    "pages.dev",
    "s3.amazonaws.com",
    "storage.googleapis.com",
    "trycloudflare.com",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// Names that no public registry gives away.
const PRIVATE: &[&str] = &[
    "corp",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localhost",
    "private",
    "test",
];

/// Checks a policy.
pub(super) fn check(subject: &View<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for domain in subject.domains().iter().filter(|domain| domain.allowed) {
        let pattern = &*domain.pattern;
        let suffix = pattern.strip_prefix("**.").or_else(|| pattern.strip_prefix("*."));
        let Some(suffix) = suffix else { continue };
        let top = !suffix.contains('.') && !PRIVATE.contains(&suffix);
        if top || SHARED.contains(&suffix) {
            let message = format!("`{}` covers hosts anybody can have", domain.written);
            found.push(
                Diagnostic::new(Code::WildcardTooBroad, message, domain.span)
                    .help("list the hosts that are needed"),
            );
        }
    }
    found
}
