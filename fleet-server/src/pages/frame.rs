//! What is around every page.

use maud::{DOCTYPE, Markup, html};

use super::paths;

/// Who looks, and what every page needs to know.
#[derive(Clone, Debug)]
pub struct Frame<'frame> {
    /// The organisation.
    pub organisation: &'frame str,
    /// Who looks: the name of a token or a person.
    pub user: &'frame str,
    /// What this person may do here.
    pub may: May,
    /// What forms carry, so that no other site can send them.
    pub csrf: &'frame str,
    /// The server's version.
    pub version: &'frame str,
}

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Look.
    Read,
    /// Look and decide.
    Decide,
}

/// Where a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The overview.
    Overview,
    /// Rollouts.
    Rollouts,
    /// Endpoints.
    Endpoints,
    /// Releases.
    Releases,
    /// Requests.
    Requests,
    /// The audit trail.
    Audit,
}

impl Tab {
    const ALL: [Self; 6] = [
        Self::Overview,
        Self::Rollouts,
        Self::Endpoints,
        Self::Releases,
        Self::Requests,
        Self::Audit,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Rollouts => "Rollouts",
            Self::Endpoints => "Endpoints",
            Self::Releases => "Releases",
            Self::Requests => "Requests",
            Self::Audit => "Audit",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Overview => paths::OVERVIEW,
            Self::Rollouts => paths::ROLLOUTS,
            Self::Endpoints => paths::ENDPOINTS,
            Self::Releases => paths::RELEASES,
            Self::Requests => paths::REQUESTS,
            Self::Audit => paths::AUDIT,
        }
    }
}

/// A whole page.
pub fn page(frame: &Frame<'_>, tab: Tab, title: &str, body: &Markup) -> String {
    let Frame { organisation, user, may: _, csrf, version } = frame;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("{title} · {organisation}"), None))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.bar {
                    div.bar-in {
                        a.brand href=(paths::OVERVIEW) { (mark()) "Codex fleet " small { (organisation) } }
                        nav aria-label="Main" {
                            ul {
                                @for one in Tab::ALL {
                                    li {
                                        a href=(one.path()) aria-current=[(one == tab).then_some("page")] {
                                            (one.name())
                                        }
                                    }
                                }
                            }
                        }
                        form method="post" action=(paths::LOGOUT) {
                            (csrf_field(csrf))
                            span.small { (user) }
                            button.plain.small { "Sign out" }
                        }
                    }
                }
                main id="main" { (body) }
                footer.foot {
                    "The server can ask endpoints to wait. What they install is decided by signatures and by \
                     their own guards. "
                    span.num { "codex-fleet-server " (version) }
                }
            }
        }
    };
    markup.into_string()
}

/// A page without a person: the way in.
pub fn bare(title: &str, body: &Markup) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title, None))
            body { main id="main" { (body) } }
        }
    };
    markup.into_string()
}

/// What browsers read first; `onward` is where they go on to by themselves.
pub(super) fn head(title: &str, onward: Option<&str>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="same-origin";
            @if let Some(page) = onward { meta http-equiv="refresh" content={ "0;url=" (page) }; }
            title { (title) }
            link rel="icon" href=(paths::ICON) type="image/svg+xml";
            link rel="stylesheet" href=(paths::SHEET);
            script src=(paths::SCRIPT) defer {}
        }
    }
}

fn mark() -> Markup {
    html! {
        svg viewBox="0 0 24 24" aria-hidden="true" {
            circle cx="12" cy="12" r="9" {}
            path d="M12 3a9 9 0 0 1 9 9h-9z" {}
        }
    }
}

/// What every form carries.
pub fn csrf_field(csrf: &str) -> Markup {
    html! { input type="hidden" name="csrf" value=(csrf); }
}
