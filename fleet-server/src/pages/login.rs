//! The way in. Its form carries no proof: who has no session has nothing to lose, and the server takes
//! forms from its own origin alone.

use maud::html;

use super::frame::bare;
use super::parts::{Tone, status};
use super::paths;

/// The way in; `wrong` is said to somebody whose token was refused.
pub fn login(wrong: Option<&str>) -> String {
    let body = html! {
        div.narrow {
            section.sheet {
                h1 { "Codex fleet" }
                p.soft { "Sign in with an access token of this server." }
                @if let Some(wrong) = wrong {
                    div.note.bad role="alert" { (status(Tone::Bad, "Refused")) p { (wrong) } }
                }
                form method="post" action=(paths::LOGIN) {
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
