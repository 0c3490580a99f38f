use super::*;

/// The texts of a file that may not be shown.
fn hidden(name: &str, text: &str) -> Vec<String> {
    let report = check_one(name, text, &[]);
    let shown = |span: &Span| {
        let document = report.documents.get(span.source)?;
        let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
        Some(document.text.get(range)?.trim().to_owned())
    };
    report.secrets.iter().filter_map(shown).collect()
}

#[test]
fn words_of_commands_are_no_secrets() {
    for text in [
        "[rules]\nprefix_rules = [{ pattern = [{ token = \"rm\" }], decision = \"allow\" }]\n",
        "[[rules.prefix_rules]]\npattern = [{ token = \"rm\" }]\ndecision = \"allow\"\n",
        "[rules]\nprefix_rules = [{ pattern = [{ token = \"rm\" }], decision = \"allow\" }]\nx=\n",
        "[[rules.prefix_rules]]\npattern = [{ token = \"rm\" }]\ndecision = \n",
        "[[rules.prefix_rules]]\npattern = [\n  { token = \"rm\" }\n  { token = \"-r\" }\n]\n",
    ] {
        assert_eq!(hidden("requirements.toml", text), [""; 0], "{text}");
    }
}

#[test]
fn secrets_are_found_where_rows_say_so_even_under_a_misspelt_name() {
    for text in [
        "[mcp_servers.a.http_headers]\nX = \"sesame\"\n",
        "[mcp_servers.a.http_header]\nX = \"sesame\"\n",
        "[mcp_servers.a]\nenv = { X = \"sesame\" }\n",
        "[mcp_servers.a]\nbearer_tokn = \"sesame\"\n",
        "[mcp_servers.a]\nenv = { X = \"sesame\"\n",
        "[mcp_servers]\na = { env = { X = \"sesame\" }\n",
        "[zzz]\napi_key = \"sesame\"\n",
    ] {
        let found = hidden("config.toml", text);
        assert!(found.iter().any(|one| one.contains("sesame")), "{text}: {found:?}");
    }
}
