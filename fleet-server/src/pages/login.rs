//! The way in. Its form carries no proof: who has no session has nothing to lose, and the server takes
//! forms from its own origin alone.

use maud::{DOCTYPE, html};

use super::frame::{bare, head};
use super::own::OwnPage;
use super::parts::{Tone, status};
use super::paths;

/// What the way in shows.
#[derive(Clone, Debug, Default)]
pub struct Door<'door> {
    /// The name of the identity provider, where people can sign in by it.
    pub provider: Option<&'door str>,
    /// What somebody is told who was refused, and the groups that would do.
    pub refused: Option<(&'door str, &'door [&'door str])>,
    /// The page to go to.
    pub page: Option<&'door OwnPage>,
}

/// The way in.
pub fn login(door: &Door<'_>) -> String {
    let Door { provider, refused, page } = door;
    let body = html! {
        div.narrow {
            section.sheet {
                h1 { "Codex fleet" }
                @if let Some((why, groups)) = refused {
                    div.note.bad role="alert" {
                        (status(Tone::Bad, "Refused"))
                        div {
                            (why)
                            @if !groups.is_empty() {
                                " Members of these groups may:"
                                ul { @for group in *groups { li { code { (group) } } } }
                            }
                        }
                    }
                }
                @if let Some(provider) = provider {
                    a.button.main.across href=(onwards(paths::PROVIDER, *page)) { "Sign in with " (provider) }
                    p.or { "or with an access token of this server" }
                } @else {
                    p.soft { "Sign in with an access token of this server." }
                }
                form method="post" action=(paths::LOGIN) {
                    @if let Some(page) = page { input type="hidden" name="next" value=(page.as_str()); }
                    div.field {
                        label for="token" { "Access token" }
                        input id="token" name="token" type="password" autocomplete="current-password"
                            required autofocus[provider.is_none()];
                    }
                    button.main[provider.is_none()] { "Sign in" }
                }
            }
        }
    };
    bare("Sign in · Codex fleet", &body)
}

/// A place that is told where to go afterwards.
pub fn onwards(place: &str, page: Option<&OwnPage>) -> String {
    match page {
        // The characters of a page of this server are plain; these three mean something here.
        Some(page) => {
            let page = page.as_str().replace('%', "%25").replace('&', "%26").replace('+', "%2B");
            format!("{place}?next={page}")
        }
        None => place.to_owned(),
    }
}

/// Goes to a page of this server by itself. Browsers send the session's cookie only where one of our
/// own pages leads, and not where another site's answer does.
pub fn onward(page: &OwnPage) -> String {
    let page = page.as_str();
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            (head("Signed in · Codex fleet", Some(page)))
            body {
                main id="main" {
                    div.narrow { section.sheet {
                        h1 { "Signed in" }
                        p { a href=(page) { "Go on to the dashboard" } }
                    } }
                }
            }
        }
    };
    markup.into_string()
}
