//! The way in.

use maud::html;

use super::frame::{bare, csrf_field};
use super::parts::{Tone, status};
use super::paths;

/// The way in; `wrong` is said to somebody whose token was refused.
pub fn login(csrf: &str, wrong: Option<&str>) -> String {
    let body = html! {
        div.narrow {
            section.sheet {
                h1 { "Codex fleet" }
                p.soft { "Sign in with an access token of this server." }
                @if let Some(wrong) = wrong {
                    div.note.bad role="alert" { (status(Tone::Bad, "Refused")) p { (wrong) } }
                }
                form method="post" action=(paths::LOGIN) {
                    (csrf_field(csrf))
                    div.field {
                        label for="token" { "Access token" }
                        input id="token" name="token" type="password" autocomplete="current-password" required autofocus;
                    }
                    button.main { "Sign in" }
                }
            }
        }
    };
    bare("Sign in · Codex fleet", &body)
}
