use std::path::Path;

use codex_schema::diagnostic::registry::RULES;

/// Every code has its page under `docs/diagnostics`; run with `UPDATE=1` to write them.
#[test]
fn every_code_has_its_page() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/diagnostics");
    let update = std::env::var("UPDATE").is_ok_and(|value| value == "1");
    let mut index = "# Diagnostics of `codex-config check`\n\n".to_owned();
    let mut pages = Vec::new();
    for rule in RULES {
        let page = rule.code.page();
        let (severity, title) = (rule.severity.word(), rule.title);
        index.push_str(&["- [", &rule.code.to_string(), "](", &page, ") ("].concat());
        index.push_str(&[severity, "): ", title, "\n"].concat());
        pages.push((page, rule.page()));
    }
    pages.push(("README.md".to_owned(), index));
    for (name, text) in &pages {
        let path = folder.join(name);
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(&committed, text, "docs/diagnostics/{name} is out of date: UPDATE=1 cargo test");
    }
    let count = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(count, pages.len(), "a page without a code");
}
