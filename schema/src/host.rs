//! Patterns of host names, as policy selects machines by them.

/// Whether a host name matches a pattern of `*` and `?`. Case, outer spaces and trailing dots do
/// not count; brackets mean themselves.
pub fn host_matches(pattern: &str, hostname: &str) -> bool {
    let fold = |text: &str| text.trim().trim_end_matches('.').to_lowercase();
    let (pattern, host): (Vec<char>, Vec<char>) =
        (fold(pattern).chars().collect(), fold(hostname).chars().collect());
    wildcard(&pattern, &host)
}

/// Linear in both lengths: on a mismatch only the last `*` is tried further.
fn wildcard(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut from, mut star, mut resume) = (0, 0, None, 0);
    while from < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some(at);
                resume = from;
                at += 1;
            }
            Some(one) if *one == '?' || Some(one) == text.get(from) => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some(last) = star else { return false };
                at = last + 1;
                resume += 1;
                from = resume;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_match_whole_and_without_brackets() {
        for (pattern, host, expected) in [
            ("runner-*.example.com", "runner-01.example.com", true),
            ("runner-01.example.com", "runner-01", false),
            ("[ab].b", "a.b", false),
            (" A.b. ", "a.B.", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
        ] {
            assert_eq!(host_matches(pattern, host), expected, "{pattern} {host}");
        }
    }
}
