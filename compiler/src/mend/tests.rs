use codex_schema::diagnostic::{Diagnostic, Edit};
use codex_schema::span::Span;
use codex_schema::version::Version;

use super::*;
use crate::check::{Input, Options, check};

fn report(texts: &Texts, versions: &[Version]) -> Report {
    let inputs = texts.iter().map(|(name, text)| Input {
        name: name.clone(),
        content: Ok(text.clone().into_bytes()),
        kind: None,
    });
    let options = Options { versions: versions.to_vec(), ..Options::default() };
    check(inputs.collect(), &options)
}

fn mended_for(text: &str, only: Option<Code>, versions: &[Version]) -> (String, Mended) {
    let name = "requirements.toml".to_owned();
    let texts: Texts = [(name.clone(), text.to_owned())].into();
    let first = report(&texts, versions);
    let mended = mend(first, only, &|changed| {
        let mut texts = texts.clone();
        texts.extend(changed.clone());
        report(&texts, versions)
    });
    (mended.texts.get(&name).cloned().unwrap_or_else(|| text.to_owned()), mended)
}

fn mended(text: &str) -> String {
    mended_for(text, None, &[]).0
}

#[test]
fn safe_mistakes_are_mended_and_comments_stay() {
    for (text, expected) in [
        (
            "# why\nallowed_sandbox_mode = [\"read-only\"] # note\n",
            "# why\nallowed_sandbox_modes = [\"read-only\"] # note\n",
        ),
        (
            "allowed_approval_policies = [\n  \"never\", # a\n  \"never\", # b\n]\n",
            "allowed_approval_policies = [\n  \"never\", # a\n]\n",
        ),
        (
            "allowed_approval_policies = [\"never\", \"never\"]\n",
            "allowed_approval_policies = [\"never\"]\n",
        ),
        (
            "allowed_sandbox_modes = [\"workspace-write\"] # x\r\n",
            "allowed_sandbox_modes = [\"workspace-write\", \"read-only\"] # x\r\n",
        ),
        (
            "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
             \"a.example:443\" = \"allow\" # tls\n",
            "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
             \"a.example\" = \"allow\" # tls\n",
        ),
        ("[feautres]\napps = true\n", "[features]\napps = true\n"),
        ("[features]\nappz = true\n", "[features]\napps = true\n"),
        (
            "[experimental_netwrk]\nenabled = true\n[experimental_netwrk.domains]\na = \"deny\"\n",
            "[experimental_network]\nenabled = true\n[experimental_network.domains]\na = \"deny\"\n",
        ),
        (
            "allowed_approval_policies = [\"On-Request\"]\n",
            "allowed_approval_policies = [\"on-request\"]\n",
        ),
    ] {
        assert_eq!(mended(text), expected);
        assert_eq!(mended(expected), expected, "not stable");
    }
}

#[test]
fn what_is_not_safe_is_left_alone() {
    for text in [
        // The right name is taken.
        "allowed_sandbox_mode = [\"read-only\"]\nallowed_sandbox_modes = [\"read-only\"]\n",
        // The value would not fit.
        "allowed_sandbox_mode = 5\n",
        // The host without its port is there.
        "[experimental_network]\nenabled = true\n[experimental_network.domains]\n\
         \"a.example:443\" = \"allow\"\n\"a.example\" = \"deny\"\n",
        // The text is not TOML.
        "allowed_sandbox_mode = [\"read-only\"]\nx = \n",
    ] {
        let (after, mended) = mended_for(text, None, &[]);
        assert_eq!(after, text);
        assert!(mended.done.is_empty() && mended.worse.is_none(), "{:?}", mended.done);
    }
}

#[test]
fn old_names_are_renamed_only_where_every_version_knows_the_new_one() {
    let text = "[feature_requirements]\napps = true\n";
    let new = "[features]\napps = true\n";
    assert_eq!(mended_for(text, None, &[Version::NEWEST]).0, new);
    assert_eq!(mended_for(text, None, &[Version::of(98), Version::NEWEST]).0, text);
}

#[test]
fn one_code_can_be_chosen() {
    let text = "allowed_sandbox_mode = [\"read-only\", \"read-only\"]\n";
    let (after, mended) = mended_for(text, Some(Code::DuplicateEntry), &[]);
    assert_eq!(after, "allowed_sandbox_mode = [\"read-only\"]\n");
    assert_eq!(mended.done.len(), 1);
    assert_eq!(mended.done[0].place, "requirements.toml:1:38");
    assert_eq!(mended.report.diagnostics[0].code, Code::UnknownKey);
}

/// A report with one finding that carries the given edits.
fn with_edits(text: &str, fixes: Vec<Vec<Edit>>) -> Report {
    let mut report = Report::default();
    let source = report.documents.add(Source::File { path: "f.toml".to_owned() }, text);
    let span = Span::new(source, 0, 0);
    for edits in fixes {
        let found = Diagnostic::new(Code::UnknownKey, "x", span).fix("t", edits);
        report.diagnostics.push(found);
    }
    report
}

fn applied(text: &str, fixes: Vec<Vec<Edit>>) -> (Option<String>, usize) {
    let round = round(&with_edits(text, fixes), None);
    (round.texts.get("f.toml").cloned(), round.done.len())
}

fn at(start: usize, end: usize) -> Span {
    Span::new(SourceId(0), start, end)
}

fn replace(start: usize, end: usize, text: &str) -> Edit {
    Edit::Replace { span: at(start, end), text: text.to_owned() }
}

#[test]
fn all_edits_of_a_finding_or_none_and_the_first_of_two_wins() {
    let text = "aa = 1\nbb = 2\n";
    let first = vec![replace(0, 2, "cc")];
    let both = vec![replace(7, 9, "dd"), replace(0, 2, "ee")];
    let (after, count) = applied(text, vec![first, both]);
    assert_eq!((after.as_deref(), count), (Some("cc = 1\nbb = 2\n"), 1));
    let outside = vec![replace(0, 2, "cc"), replace(90, 99, "dd")];
    assert_eq!(applied(text, vec![outside]), (None, 0));
}

#[test]
fn keys_are_set_and_taken_out_with_their_comments() {
    let set = |path: &[&str], value: &str| Edit::Set {
        source: SourceId(0),
        path: path.iter().map(|name| (*name).to_owned()).collect(),
        value: value.to_owned(),
    };
    let text = "# top\na = 1 # one\n\n[t]\n# two\nb = 2\n";
    let (after, _) = applied(text, vec![vec![set(&["a"], "5"), set(&["t", "c"], "true")]]);
    assert_eq!(after.unwrap(), "# top\na = 5 # one\n\n[t]\n# two\nb = 2\nc = true\n");
    let (after, _) = applied(text, vec![vec![set(&["features", "hooks"], "true")]]);
    assert_eq!(after.unwrap(), format!("{text}\n[features]\nhooks = true\n"));
    let dos = text.replace('\n', "\r\n");
    let (after, _) = applied(&dos, vec![vec![set(&["a"], "5")]]);
    assert_eq!(after.unwrap(), dos.replace('1', "5"));
    assert_eq!(applied(text, vec![vec![set(&["a", "b"], "5")]]), (None, 0));

    let remove = |start, end| vec![vec![Edit::Remove { span: at(start, end) }]];
    let (after, _) = applied(text, remove(6, 7));
    assert_eq!(after.unwrap(), "\n[t]\n# two\nb = 2\n");
    let (after, _) = applied(text, remove(20, 21));
    assert_eq!(after.unwrap(), "# top\na = 1 # one\n\n");
    let start = text.find("b =").unwrap();
    let (after, _) = applied(text, remove(start, start + 1));
    assert_eq!(after.unwrap(), "# top\na = 1 # one\n\n[t]\n");
    let list = "l = { x = 1, y = [1, 2] }\n";
    let x = list.find('x').unwrap();
    assert_eq!(applied(list, remove(x, x + 1)).0.unwrap(), "l = { y = [1, 2] }\n");
    let two = list.find('2').unwrap();
    assert_eq!(applied(list, remove(two, two + 1)).0.unwrap(), "l = { x = 1, y = [1] }\n");
    assert_eq!(applied(list, remove(1, 3)), (None, 0));
}

#[test]
fn what_makes_it_worse_is_not_kept() {
    let report = with_edits("aa = 1\n", vec![vec![replace(0, 2, "cc")]]);
    let worse = mend(report, None, &|texts| {
        let mut report = with_edits(&texts["f.toml"], vec![Vec::new(), Vec::new()]);
        report.diagnostics.iter_mut().for_each(|found| found.fix = None);
        report
    });
    assert_eq!((worse.worse, worse.texts.len(), worse.done.len()), (Some(2), 0, 0));
    assert_eq!(worse.report.diagnostics.len(), 1);
}
