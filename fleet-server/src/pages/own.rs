//! Pages of this server, as somebody from outside may name them.

/// The most characters of a path to come back to.
const MAX_PATH: usize = 512;

/// A page of this server: `/ui` or something below it, in plain characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPage(String);

impl OwnPage {
    /// The page at a path, if it is one. Nothing that a browser could take for another host is.
    pub fn of(path: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/?&=+".contains(&byte);
        let rest = path.strip_prefix("/ui")?;
        let is_below = rest.is_empty() || rest.starts_with(['/', '?']);
        let is_plain = path.len() <= MAX_PATH && path.bytes().all(plain);
        (is_below && is_plain && !path.contains("//") && !path.contains(".."))
            .then(|| Self(path.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for OwnPage {
    fn default() -> Self {
        Self("/ui".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_server_are_gone_to() {
        for good in ["/ui", "/ui/rollouts", "/ui/rollouts/pay%20ments", "/ui/endpoints?x=1&y=a+b"] {
            assert!(OwnPage::of(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "/ui//evil.example",
            "/uix",
            "/ui\\evil",
            "/ui/../v1",
            "/ui/\r\nlocation: x",
            "/ui/#x",
            "https://evil.example/ui",
            "javascript:alert(1)",
            "/ui@evil.example",
            "/ui:80",
        ] {
            assert!(OwnPage::of(bad).is_none(), "{bad}");
        }
        assert!(OwnPage::of(&format!("/ui/{}", "a".repeat(600))).is_none());
    }
}
