use super::*;
use crate::files::Unreadable;

/// Each gives a clear diagnostic with a place, never a panic and never silence.
#[test]
fn bad_input_is_named() {
    let nested = format!("a = {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let dotted = format!("a{} = 1\n", ".a".repeat(10_000));
    let wide: Vec<u8> = "allow = 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = [vec![0xff, 0xfe], wide].concat();
    for (name, content, expected) in [
        ("requirements.toml", Vec::new(), "CX0005 1:1 the file is empty"),
        ("requirements.toml", b"a = \"\xff\"\n".to_vec(), "CX0002 1:6 the file is not UTF-8"),
        ("requirements.toml", wide, "CX0002 1:1 the file is UTF-16"),
        ("requirements.toml", nested.clone().into_bytes(), "CX0003 1:85 cannot recurse further"),
        ("requirements.toml", dotted.into_bytes(), "CX0003 1:1 recursion limit"),
        ("bundle.json", Vec::new(), "CX0004 1:1 the bundle is empty"),
        ("bundle.json", b"{\"a\":".to_vec(), "CX0004 1:5 "),
        (
            "bundle.json",
            format!("{{\"requirements_toml\":{}", "[".repeat(10_000)).into_bytes(),
            "CX0004 1:",
        ),
        ("a.plist", Vec::new(), "CX0005 1:1 "),
        ("a.plist", b"bplist00\xd1\x01".to_vec(), "CX0009 1:1 "),
        ("a.mobileconfig", b"<plist><dict>".to_vec(), "CX0009 1:8 "),
        ("x.rules", b"prefix_rule(".to_vec(), "CX0007 1:"),
        ("x.rules", Vec::new(), "CX0005 1:1 "),
        ("x.rules", format!("x = {}", "[".repeat(10_000)).into_bytes(), "CX0008 1:"),
    ] {
        let found = listing(&check_one(name, content.clone(), &[]));
        let fits = matches!(found.as_slice(), [one] if one.starts_with(expected));
        let shown =
            String::from_utf8_lossy(content.get(..content.len().min(40)).unwrap_or_default());
        assert!(fits, "{name} {shown:?}: expected {expected}, found {found:#?}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    for (reason, expected) in [
        (Unread::Absent, "there is no file"),
        (Unread::Unreadable(Unreadable::NotAFile), "folder or a device"),
        (
            Unread::Unreadable(Unreadable::Refused("Symbolic link loop (os error 40)".to_owned())),
            "Symbolic link loop",
        ),
        (Unread::Unreadable(Unreadable::TooLarge(99)), "99 bytes"),
    ] {
        let input = Input { name: "r.toml".to_owned(), content: Err(reason), kind: None };
        let found = listing(&check(vec![input], &Options::default()));
        assert!(matches!(found.as_slice(), [one] if one.contains(expected)), "{found:?}");
    }
}

#[test]
fn line_ends_and_marks_of_windows_are_no_mistake() {
    let text = "\u{feff}allow_appshots = true\r\n[features]\r\nhooks = true\r\n";
    assert_eq!(listing(&check_one("requirements.toml", text, &[])), [""; 0]);
    let report = check_one("requirements.toml", "\u{feff}allow_appshot = true\r\n", &[]);
    assert_eq!(listing(&report), ["CX0101 1:1 unknown key `allow_appshot`"]);
}

#[test]
fn ten_megabytes_are_checked() {
    let mut text = "# a comment\n".repeat(900_000);
    text.push_str("allow_appshot = true\n");
    let found = listing(&check_one("requirements.toml", text, &[]));
    assert_eq!(found, ["CX0101 900001:1 unknown key `allow_appshot`"]);
}

#[test]
fn managed_preferences_are_checked_inside() {
    let inner = encoded("# policy\n\nallowed_sandbox_mode = [\"read-only\"]\n");
    let report = check_one("p.mobileconfig", profile("requirements_toml_base64", &inner), &[]);
    let places: Vec<String> =
        report.diagnostics.iter().map(|found| report.documents.place(found.primary.span)).collect();
    assert_eq!(places, ["p.mobileconfig › requirements_toml_base64:3:1"], "{:?}", listing(&report));
    let wrapped = inner.get(..20).unwrap().to_owned() + "\n" + inner.get(20..).unwrap();
    for (text, expected) in [
        (profile("requirements_toml_base64", &wrapped), "CX0106 5:"),
        (profile("requirements_toml_base64", inner.get(..21).unwrap()), "CX0106 5:"),
        (profile("requirement_toml_base64", &encoded("allow_appshots = true\n")), "CX0101 4:"),
        (
            profile(
                "requirements_toml_base64",
                "eA==</string><key>requirements_toml_base64</key><string>eA==",
            ),
            "CX0103 5:",
        ),
    ] {
        let found = listing(&check_one("p.plist", text.clone(), &[]));
        assert!(found.iter().any(|one| one.starts_with(expected)), "{text}: {found:#?}");
    }
}

#[test]
fn the_number_of_diagnostics_is_bounded() {
    let lines: Vec<String> = (0..1_000).map(|number| format!("zz{number} = 1")).collect();
    let report = check_one("requirements.toml", lines.join("\n"), &[]);
    assert_eq!(report.diagnostics.len(), 201);
    assert_eq!(report.diagnostics.last().map(|last| last.code), Some(Code::TooManyProblems));
}
