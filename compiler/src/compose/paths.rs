//! Paths as Codex resolves them: `~/` expanded, `.` and `..` taken out, relative ones below the
//! layer's own folder, no environment variables.

use base64::Engine;

/// The absolute form of a path.
pub fn absolute(path: &str, base: &str, home: &str) -> String {
    let joined = match path {
        "~" => home.to_owned(),
        _ => match path.strip_prefix("~/") {
            Some(rest) => format!("{home}/{rest}"),
            None if path.starts_with('/') => path.to_owned(),
            None => format!("{base}/{path}"),
        },
    };
    normal(&joined)
}

/// Takes out empty parts, `.` and `..`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A path as a `file://` address, the form in which Codex prints some paths.
pub fn file_uri(path: &str) -> String {
    if path.contains('\0') {
        // No address can hold it; Codex hides the path in one instead.
        let hidden = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(path);
        return format!("file:///%00/bad/path/{hidden}");
    }
    let mut uri = String::from("file://");
    for letter in path.chars() {
        if letter.is_ascii_graphic() && !"\"#%<>?\\`{}".contains(letter) {
            uri.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                uri.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_resolve_as_measured() {
        assert_eq!(absolute("x", "/etc/codex", "/h"), "/etc/codex/x");
        assert_eq!(absolute("./l", "/etc/codex", "/h"), "/etc/codex/l");
        assert_eq!(absolute("", "/etc/codex", "/h"), "/etc/codex");
        assert_eq!(absolute("../a/../b", "/etc/codex", "/h"), "/etc/b");
        assert_eq!(absolute("~/x", "/etc/codex", "/h"), "/h/x");
        assert_eq!(absolute("$HOME/x", "/etc/codex", "/h"), "/etc/codex/$HOME/x");
        assert_eq!(file_uri("/etc/a b"), "file:///etc/a%20b");
    }
}
