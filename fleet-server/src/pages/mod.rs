//! The dashboard: pages made on the server, from prepared figures.
//!
//! Reading order: [`frame`] (what is around every page), `parts` (status, bars, times), then one
//! module a page.
//!
//! **Invariants.**
//! - A page is a function from a view to a text. Views hold what is shown and nothing else, so a page
//!   has one size for a hundred endpoints and for a hundred thousand.
//! - Every text is escaped by the template; nothing is put in unescaped but the sheet's own pictures.
//! - Everything can be read without JavaScript, and everything can be done without it: the script
//!   keeps figures fresh. [`POLICY`] lets no other script, style or host in.
//! - Status is a glyph, a word and a colour, never a colour alone.

pub mod audit;
pub mod endpoint;
pub mod endpoints;
pub mod frame;
pub mod login;
pub mod overview;
pub mod own;
pub mod parts;
pub mod releases;
pub mod requests;
pub mod rollout;
#[cfg(test)]
mod tests;

/// The content security policy of every page.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                          connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                          base-uri 'none'";

/// The sheet, [`paths::SHEET`].
pub const SHEET: &str = include_str!("assets/fleet.css");

/// The script, [`paths::SCRIPT`].
pub const SCRIPT: &str = include_str!("assets/fleet.js");

/// The picture of a tab, [`paths::ICON`].
pub const ICON: &str = include_str!("assets/icon.svg");

/// Where pages are.
pub mod paths {
    /// The overview.
    pub const OVERVIEW: &str = "/ui";
    /// Rollouts; one is below it, by its cohort.
    pub const ROLLOUTS: &str = "/ui/rollouts";
    /// `POST` starts one.
    pub const START: &str = "/ui/rollouts";
    /// Endpoints; one is below it, by its number.
    pub const ENDPOINTS: &str = "/ui/endpoints";
    /// Endpoints as CSV.
    pub const ENDPOINTS_CSV: &str = "/ui/endpoints.csv";
    /// The report as JSON.
    pub const REPORT: &str = "/ui/report.json";
    /// Releases; a bundle is below it, by cohort and generation.
    pub const RELEASES: &str = "/ui/releases";
    /// Requests; an exception file is below it, by the request's number.
    pub const REQUESTS: &str = "/ui/requests";
    /// The audit trail.
    pub const AUDIT: &str = "/ui/audit";
    /// The way in.
    pub const LOGIN: &str = "/ui/login";
    /// The way in through an identity provider.
    pub const PROVIDER: &str = "/ui/sign-in";
    /// Where browsers come back to from there.
    pub const SIGNED_IN: &str = "/ui/signed-in";
    /// The way out.
    pub const LOGOUT: &str = "/ui/logout";
    /// The sheet.
    pub const SHEET: &str = "/ui/assets/fleet.css";
    /// The script.
    pub const SCRIPT: &str = "/ui/assets/fleet.js";
    /// The picture of a tab.
    pub const ICON: &str = "/ui/assets/icon.svg";

    /// A place below another: a name with everything escaped that is no plain letter.
    pub fn below(place: &str, name: &str) -> String {
        format!("{place}/{}", escaped(name))
    }

    /// A name with everything escaped that is no plain letter.
    pub fn escaped(name: &str) -> String {
        let mut text = String::new();
        for byte in name.bytes() {
            let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if plain {
                text.push(char::from(byte));
            } else {
                text.push_str(&format!("%{byte:02X}"));
            }
        }
        text
    }
}
