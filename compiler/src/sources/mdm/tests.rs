//! Fixtures are made here, signatures by the `openssl` program.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

const TOML: &str = "allowed_approval_policies = [\"on-request\"]\n# ÿ~?>\n";

fn encoded() -> String {
    STANDARD.encode(TOML)
}

fn plist(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST \
         1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n\
         {body}\n</plist>\n"
    )
}

fn requirements(value: &str) -> String {
    format!("<key>requirements_toml_base64</key>\n<string>{value}</string>")
}

fn domain(value: &str) -> String {
    plist(&format!("<dict>\n{}\n</dict>", requirements(value)))
}

fn head(kind: &str, number: u8) -> String {
    format!(
        "<key>PayloadType</key><string>{kind}</string><key>PayloadVersion</key><integer>1\
         </integer><key>PayloadIdentifier</key><string>org.example.{number}</string>\
         <key>PayloadUUID</key><string>0000000{number}-0000-5000-8000-000000000000</string>"
    )
}

fn profile(payloads: &str) -> String {
    let head = head("Configuration", 0);
    plist(&format!(
        "<dict>{head}<key>PayloadDisplayName</key><string>Codex &amp; more</string>\n\
         <key>PayloadContent</key><array>\n{payloads}\n</array></dict>"
    ))
}

fn direct(number: u8, settings: &str) -> String {
    format!("<dict>{}\n{settings}</dict>", head("com.openai.codex", number))
}

fn managed_client(number: u8, list: &str, settings: &str) -> String {
    format!(
        "<dict>{}\n<key>PayloadContent</key><dict><key>com.openai.codex</key><dict><key>{list}\
         </key><array><dict><key>mcx_preference_settings</key><dict>{settings}</dict></dict>\
         </array></dict></dict></dict>",
        head("com.apple.ManagedClient.preferences", number)
    )
}

fn binary(xml: &str) -> Vec<u8> {
    let value: plist::Value = plist::from_bytes(xml.as_bytes()).unwrap();
    let mut out = Vec::new();
    value.to_writer_binary(&mut out).unwrap();
    out
}

fn read_it(bytes: impl AsRef<[u8]>) -> ManagedPreferences {
    assert!(fuzz_entry(bytes.as_ref()), "an invariant does not hold");
    read(bytes.as_ref(), &Limits::default())
}

/// One line per problem: code, severity, place.
fn problems(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let found = read_it(bytes);
    found.problems.iter().map(summary).collect()
}

fn summary(problem: &MdmProblem) -> String {
    let severity = match problem.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
        Severity::WouldStopCodex => "stop",
    };
    let place = match &problem.place {
        None => "-".to_owned(),
        Some(Place { line_column: Some(LineColumn { line, column }), .. }) => {
            format!("{line}:{column}")
        }
        Some(place) => format!("@{}..{}", place.range.start, place.range.end),
    };
    let code = problem.kind.code().trim_start_matches("mdm-");
    assert!(!problem.help.is_empty() && !problem.message.ends_with('.'), "{problem:?}");
    format!("{code} {severity} {place}")
}

fn text_at<'a>(bytes: &'a [u8], place: &Place) -> &'a str {
    assert_eq!(place.document, Document::File);
    std::str::from_utf8(&bytes[place.range.clone()]).unwrap()
}

#[test]
fn every_unsigned_form_gives_the_value_and_its_place() {
    let settings = requirements(&format!("\n\t{}\n", encoded()));
    let shapes = [
        (plist(&format!("<dict>{settings}</dict>")), Forced::NotStated, PayloadShape::Domain),
        (profile(&direct(1, &settings)), Forced::Forced, PayloadShape::Direct { payload: 0 }),
        (
            profile(&managed_client(1, "Forced", &settings)),
            Forced::Forced,
            PayloadShape::ManagedClient { payload: 0, entry: 0 },
        ),
    ];
    for (xml, forced, shape) in shapes {
        for bytes in [xml.clone().into_bytes(), binary(&xml)] {
            let found = read_it(&bytes);
            assert_eq!(found.problems, [], "{xml}");
            let [value] = found.values.as_slice() else { panic!("{found:?}") };
            assert_eq!(value.toml_text, TOML);
            assert_eq!((value.key, value.forced), (PreferenceKey::RequirementsToml, forced));
            assert_eq!(value.shape, shape);
            assert_eq!(text_at(&bytes, &value.location).trim(), encoded());
            assert_eq!(found.signature, Signature::NotSigned);
            assert_eq!(found.effective(PreferenceKey::RequirementsToml), Some(value));
            assert_eq!(found.effective(PreferenceKey::ConfigToml), None);
        }
    }
}

#[test]
fn a_profile_says_who_it_is() {
    let settings = requirements(&encoded());
    let other = format!("<dict>{}</dict>", head("com.apple.wifi", 2));
    let found = read_it(profile(&format!("{other}{}", direct(1, &settings))));
    let info = found.profile.unwrap();
    assert_eq!(info.display_name.as_deref(), Some("Codex & more"));
    assert_eq!(info.identifier.as_deref(), Some("org.example.0"));
    assert_eq!((info.payload_count, info.scope), (2, None));
    assert_eq!(found.values[0].shape, PayloadShape::Direct { payload: 1 });
    assert_eq!(found.problems, []);
}

#[test]
fn set_once_is_reported_as_not_forced() {
    let found = read_it(profile(&managed_client(1, "Set-Once", &requirements(&encoded()))));
    assert_eq!(found.values[0].forced, Forced::SetOnce);
    assert_eq!(found.effective(PreferenceKey::RequirementsToml), None);
    let kinds: Vec<_> = found.problems.iter().map(|p| (p.kind, p.severity)).collect();
    assert_eq!(kinds, [(ProblemKind::NotForced, Severity::Warning)]);
}

#[test]
fn values_that_codex_refuses() {
    let wrapped = format!("{}\n{}", &encoded()[..20], &encoded()[20..]);
    let both = format!("{}\n{}", &URL_SAFE.encode(TOML)[..20], &URL_SAFE.encode(TOML)[20..]);
    let (a, b) = (STANDARD.encode("a = 1"), STANDARD.encode("abcd"));
    let cases = [
        (wrapped, vec!["base64-wrapped stop 6:29"]),
        (URL_SAFE.encode(TOML), vec!["base64-url-safe stop 6:73"]),
        (both, vec!["base64-wrapped stop 6:29", "base64-url-safe stop 6:9"]),
        (a.trim_end_matches('=').to_owned(), vec!["base64-padding stop 6:9"]),
        (format!("{a}="), vec!["base64-padding stop 6:9"]),
        ("YWJjZ".to_owned(), vec!["base64-padding stop 6:9"]),
        (format!("{b}YQ"), vec!["base64-trailing stop 6:17"]),
        ("YR==".to_owned(), vec!["base64-invalid stop 6:9"]),
        ("a = [\"b\"]".to_owned(), vec!["base64-invalid stop 6:13"]),
        ("YQ==%".to_owned(), vec!["base64-invalid stop 6:13"]),
        ("Y\u{200b}Q==".to_owned(), vec!["base64-invalid stop 6:10"]),
        (STANDARD.encode(b"a = \"\xff\""), vec!["decoded-not-utf-8 stop 6:9"]),
    ];
    for (value, expected) in cases {
        // The url-safe position is that of its first character in the text.
        let url_safe = value.find(['-', '_']);
        let found = problems(domain(&value));
        let expected: Vec<String> = expected
            .into_iter()
            .map(|line| match (line.strip_prefix("base64-url-safe stop "), url_safe) {
                (Some(_), Some(at)) => {
                    let before = &value[..at];
                    let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next());
                    let first = if lines == 0 { 9 } else { 1 };
                    format!("base64-url-safe stop {}:{}", 6 + lines, last.unwrap().len() + first)
                }
                _ => line.to_owned(),
            })
            .collect();
        assert_eq!(found, expected, "{value}");
    }
}

#[test]
fn values_of_another_type() {
    for (element, line) in [
        ("<data>YQ==</data>", "not-a-string stop 6:1"),
        ("<true/>", "not-a-string stop 6:1"),
        ("<integer>1</integer>", "not-a-string stop 6:1"),
        ("<array/>", "not-a-string stop 6:1"),
        ("<dict/>", "not-a-string stop 6:1"),
        ("<date>2026-01-01T00:00:00Z</date>", "not-a-string stop 6:1"),
    ] {
        let xml =
            plist(&format!("<dict>\n<key>requirements_toml_base64</key>\n{element}\n</dict>"));
        assert_eq!(problems(&xml), [line], "{element}");
        let in_binary = problems(binary(&xml));
        assert!(in_binary[0].starts_with("not-a-string stop @"), "{in_binary:?}");
    }
}

#[test]
fn values_that_work_but_deserve_a_word() {
    for (value, line) in [
        (String::new(), "empty-value warning 6:9"),
        (STANDARD.encode("\u{feff}a = 1\n"), "toml-byte-order-mark warning 6:9"),
        (STANDARD.encode("a = 1\r\n"), "toml-carriage-return warning 6:9"),
    ] {
        let found = read_it(domain(&value));
        assert_eq!(found.problems.iter().map(summary).collect::<Vec<_>>(), [line]);
        assert_eq!(found.values.len(), 1, "codex reads it: {value}");
    }
}

#[test]
fn entities_and_cdata_are_text() {
    let text = encoded().replace('=', "&#61;").replace('w', "<![CDATA[w]]>");
    let found = read_it(domain(&text));
    assert_eq!((found.values[0].toml_text.as_str(), found.problems.len()), (TOML, 0));
    let lines = problems(domain("YQ&#x3d;=&#x20;YQ=="));
    assert_eq!(lines, ["base64-wrapped stop 6:9", "base64-trailing stop 6:9"]);
}

#[test]
fn structure_of_domain_and_profile() {
    let good = requirements(&encoded());
    let twice = format!("{}{}", direct(1, &good), direct(2, ""));
    let both = format!("{}{}", direct(1, &good), managed_client(2, "Forced", &good));
    let misspelt = direct(1, &good).replace("com.openai.codex", "com.openai.Codex");
    let no_list = managed_client(1, "Always", &good);
    let typo = good.replace("requirements_toml", "requirement_toml");
    let cases = [
        (plist("<array/>"), "not-a-domain-or-profile"),
        (plist("<dict/>"), "nothing-for-codex"),
        (plist(&format!("<dict>{good}<key>model</key><true/></dict>")), "unknown-key"),
        (plist(&format!("<dict>{typo}</dict>")), "unknown-key nothing-for-codex"),
        (plist(&format!("<dict>{good}{good}</dict>")), "duplicate-key"),
        (profile(&twice), "several-payloads"),
        (profile(&both), "both-shapes several-values"),
        (profile(&misspelt), "misspelt-domain nothing-for-codex"),
        (profile(&no_list), "profile-structure nothing-for-codex"),
        (profile(""), "nothing-for-codex"),
        (profile("<string>x</string>"), "profile-structure nothing-for-codex"),
        (
            profile(&direct(1, &good)).replace("<key>PayloadUUID", "<key>UUID"),
            "profile-structure profile-structure unknown-key",
        ),
        (
            profile(&direct(1, &good)).replace("PayloadContent", "EncryptedPayloadContent"),
            "encrypted-profile profile-structure",
        ),
    ];
    for (xml, expected) in cases {
        let found = read_it(&xml);
        let codes: Vec<_> =
            found.problems.iter().map(|p| p.kind.code().trim_start_matches("mdm-")).collect();
        assert_eq!(codes.join(" "), expected, "{xml}");
        for problem in &found.problems {
            assert!(problem.place.is_some(), "{problem:?}");
        }
    }
}

#[test]
fn a_duplicate_key_names_both_places_and_decides_nothing() {
    let xml = plist(&format!("<dict>\n{0}\n{0}\n</dict>", requirements(&encoded())));
    let found = read_it(&xml);
    let problem = &found.problems[0];
    let line = |place: &Option<Place>| place.as_ref().unwrap().line_column.unwrap().line;
    assert_eq!((problem.kind, line(&problem.place)), (ProblemKind::DuplicateKey, 7));
    assert_eq!(line(&problem.related), 5);
    assert_eq!(found.values.len(), 2);
    assert_eq!(found.effective(PreferenceKey::RequirementsToml), None);
}

#[test]
fn a_duplicate_key_of_a_binary_list_is_found() {
    // Two keys of the same length, one renamed to the other in the object area.
    let xml = plist("<dict><key>aaaa</key><string>1</string><key>bbbb</key><true/></dict>");
    let mut bytes = binary(&xml);
    let at = bytes.windows(4).position(|w| w == b"bbbb").unwrap();
    bytes[at..at + 4].copy_from_slice(b"aaaa");
    let lines = problems(&bytes);
    assert!(lines.iter().any(|line| line.starts_with("duplicate-key error @")), "{lines:?}");
}

#[test]
fn xml_that_is_not_read() {
    let good = domain(&encoded());
    let laughs = good.replace(
        "PropertyList-1.0.dtd\">",
        "PropertyList-1.0.dtd\" [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>",
    );
    let latin: Vec<u8> = good.replace("YWx", "Y\u{e9}").chars().map(|c| c as u8).collect();
    let wide: Vec<u8> =
        [0xfeff].into_iter().chain(good.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let bare_wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "empty error -"),
        (b" \n".to_vec(), "empty error -"),
        (b"\x00\x01\x02garbage".to_vec(), "not-a-property-list error @0..0"),
        (b"{ \"a\" = 1; }".to_vec(), "not-a-property-list error @0..0"),
        (b"allowed = []".to_vec(), "not-a-property-list error @0..0"),
        (wide, "utf-16 error @0..4"),
        (bare_wide, "utf-16 error @0..4"),
        (latin, "not-utf-8 error 6:10"),
        (good.replace("UTF-8", "ISO-8859-1").into_bytes(), "declared-encoding error 1:1"),
        (laughs.into_bytes(), "entity-declaration error 2:1"),
        (domain("&a;").into_bytes(), "unknown-entity error 6:9"),
        (good.as_bytes()[..good.len() - 17].to_vec(), "xml-syntax error 4:1"),
        (good.as_bytes()[..good.len() - 20].to_vec(), "xml-syntax error 6:77"),
        (good.replace("</plist>", "").into_bytes(), "xml-syntax error 9:1"),
        (good.replace("</dict>", "</array>").into_bytes(), "xml-syntax error 7:1"),
        (domain("\u{1}").into_bytes(), "xml-syntax error 6:9"),
        (plist("").into_bytes(), "plist-structure error 5:1"),
        (plist("<dict><string/></dict>").into_bytes(), "plist-structure error 4:7"),
        (plist("<dict><key>a</key></dict>").into_bytes(), "plist-structure error 4:12"),
        (plist("<dict><key>a</key><key>b</key></dict>").into_bytes(), "plist-structure error 4:19"),
        (plist("<dict/><dict/>").into_bytes(), "plist-structure error 4:8"),
        (plist("<dict>text</dict>").into_bytes(), "plist-structure error 4:7"),
        (plist("<string><b/></string>").into_bytes(), "plist-structure error 4:9"),
        (plist("<dictionary/>").into_bytes(), "plist-structure error 4:1"),
        (plist("<integer>one</integer>").into_bytes(), "plist-structure error 4:1"),
        (b"<dict/>".to_vec(), "plist-structure error 1:1"),
        (format!("{good}<dict/>").into_bytes(), "plist-structure error 9:1"),
        (b"<html>".to_vec(), "plist-structure error 1:1"),
    ];
    for (bytes, expected) in cases {
        assert_eq!(problems(&bytes), [expected], "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn a_byte_order_mark_shifts_nothing() {
    let text = format!("\u{feff}{}", domain(&encoded()));
    let found = read_it(&text);
    assert_eq!(text_at(text.as_bytes(), &found.values[0].location), encoded());
    assert_eq!(
        found.problems.iter().map(summary).collect::<Vec<_>>(),
        ["byte-order-mark warning 1:1"]
    );
}

#[test]
fn limits_hold() {
    for element in ["dict", "array"] {
        let opening = if element == "dict" { "<dict><key>a</key>" } else { "<array>" };
        let deep = opening.repeat(10_000) + "<true/>" + &format!("</{element}>").repeat(10_000);
        assert!(problems(plist(&deep))[0].starts_with("too-deep error 4:"));
        assert!(problems(plist(&opening.repeat(10_000)))[0].starts_with("too-deep"));
    }
    let many = format!("<array>{}</array>", "<true/>".repeat(100_001));
    assert!(problems(plist(&many))[0].starts_with("too-many-objects"));
    let big = domain(&"A".repeat(10_000_000));
    assert_eq!(problems(&big), ["too-large error -"]);
    let unknown: String = (0..300).map(|n| format!("<key>k{n}</key><true/>")).collect();
    let lines = problems(plist(&format!("<dict>{unknown}</dict>")));
    assert_eq!((lines.len(), lines[200].as_str()), (201, "more-problems warning -"));
}

/// Makes a binary property list from raw objects, all offsets and references one byte wide.
fn raw_binary(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in objects {
        offsets.push(u8::try_from(bytes.len()).unwrap());
        bytes.extend(object);
    }
    let table = bytes.len() as u64;
    bytes.extend(&offsets);
    bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    bytes.extend((objects.len() as u64).to_be_bytes());
    bytes.extend(0_u64.to_be_bytes());
    bytes.extend(table.to_be_bytes());
    bytes
}

#[test]
fn binary_lists_that_are_not_read() {
    // Twenty arrays of ten references to the next one: 10^20 values in 300 bytes.
    let mut laughs: Vec<Vec<u8>> =
        (1..=20).map(|next| [vec![0xaa], vec![next; 10]].concat()).collect();
    laughs.push(vec![0x09]);
    let mut chain: Vec<Vec<u8>> = (1..=70).map(|next| vec![0xa1, next]).collect();
    chain.push(vec![0x09]);
    let cases = [
        (raw_binary(&laughs), "too-many-objects error"),
        (raw_binary(&chain), "too-deep error"),
        (raw_binary(&[vec![0xa1, 0x00]]), "binary-structure error"),
        (raw_binary(&[vec![0xa1, 0x07]]), "binary-structure error"),
        (
            raw_binary(&[vec![0x5f, 0x13, 255, 255, 255, 255, 255, 255, 255, 255]]),
            "binary-structure error",
        ),
        (raw_binary(&[vec![0xd1, 0x01, 0x01], vec![0x09]]), "binary-structure error"),
        (raw_binary(&[vec![0x61, 0xd8, 0x00]]), "binary-structure error"),
        (raw_binary(&[vec![0xf0]]), "binary-structure error"),
        (b"bplist15".to_vec(), "binary-structure error"),
        (b"bplist00".to_vec(), "binary-truncated error"),
        (b"bplist".to_vec(), "binary-truncated error"),
    ];
    for (bytes, expected) in cases {
        let lines = problems(&bytes);
        assert!(lines.len() == 1 && lines[0].starts_with(expected), "{expected}: {lines:?}");
    }
}

#[test]
fn a_binary_list_cut_anywhere_is_an_error() {
    let bytes = binary(&profile(&direct(1, &requirements(&encoded()))));
    for length in 1..bytes.len() {
        let found = read_it(&bytes[..length]);
        assert!(found.values.is_empty(), "{length}");
        assert!(found.problems.iter().any(|p| p.severity >= Severity::Error), "{length}");
    }
}

/// Runs openssl in a folder; it must succeed.
fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Signs a profile with a fresh key and certificate.
fn sign(content: &[u8], key: &[&str], extra: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), content).unwrap();
    let request = ["req", "-x509", "-nodes", "-days", "9", "-subj", "/O=Example/CN=Policy Signer"];
    let files = ["-keyout", "key", "-out", "certificate"];
    openssl(folder.path(), &[&request[..], key, &files[..]].concat());
    let signing = ["cms", "-sign", "-signer", "certificate", "-inkey", "key", "-binary"];
    let files = ["-in", "in", "-out", "out"];
    openssl(folder.path(), &[&signing[..], extra, &files[..]].concat());
    std::fs::read(folder.path().join("out")).unwrap()
}

const RSA: &[&str] = &["-newkey", "rsa:2048"];
const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
const P384: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"];
const DER: &[&str] = &["-nodetach", "-outform", "DER", "-md", "sha256"];

fn content() -> String {
    profile(&direct(1, &requirements(&encoded())))
}

/// One signed profile for the tests that damage it.
fn signed_once() -> &'static [u8] {
    static SIGNED: OnceLock<Vec<u8>> = OnceLock::new();
    SIGNED.get_or_init(|| sign(content().as_bytes(), P256, DER))
}

fn only_signer(found: &ManagedPreferences) -> &Signer {
    match &found.signature {
        Signature::Consistent { signers } if signers.len() == 1 => &signers[0],
        other => panic!("{other:?} {:?}", found.problems),
    }
}

#[test]
fn signatures_of_every_algorithm_hold() {
    let cases: [(&[&str], &[&str], &str); 6] = [
        (RSA, DER, "RSA PKCS#1 v1.5 with SHA-256"),
        (RSA, &["-nodetach", "-outform", "DER", "-md", "sha512"], "RSA PKCS#1 v1.5 with SHA-512"),
        (P256, DER, "ECDSA on P-256 with SHA-256"),
        (P384, &["-nodetach", "-outform", "DER", "-md", "sha384"], "ECDSA on P-384 with SHA-384"),
        (P256, &["-nodetach", "-outform", "DER", "-noattr"], "ECDSA on P-256 with SHA-256"),
        (P256, &["-nodetach", "-outform", "DER", "-keyid"], "ECDSA on P-256 with SHA-256"),
    ];
    for (key, extra, name) in cases {
        for list in [content().into_bytes(), binary(&content())] {
            let bytes = sign(&list, key, extra);
            let found = read_it(&bytes);
            let signer = only_signer(&found);
            assert_eq!((signer.algorithm, found.problems.len()), (name, 0), "{found:?}");
            assert_eq!(signer.subject, "CN=Policy Signer,O=Example");
            assert_eq!(signer.issuer_certificate, EmbeddedIssuer::SelfSigned);
            assert_eq!(found.values[0].toml_text, TOML);
            assert_eq!(text_at(&bytes, &found.values[0].location), encoded());
        }
    }
}

#[test]
fn weak_digests_are_named() {
    let extra = ["-nodetach", "-outform", "DER", "-md", "sha1"];
    let found = read_it(sign(content().as_bytes(), RSA, &extra));
    assert_eq!(only_signer(&found).algorithm, "RSA PKCS#1 v1.5 with SHA-1");
    assert_eq!(found.problems[0].kind, ProblemKind::WeakDigest);
}

#[test]
fn pem_and_ber_are_read_too() {
    let pem = sign(content().as_bytes(), P256, &["-nodetach", "-outform", "PEM"]);
    let large = profile(&direct(1, &requirements(&STANDARD.encode("# long\n".repeat(5000)))));
    let ber = sign(large.as_bytes(), RSA, &["-nodetach", "-outform", "DER", "-stream"]);
    assert_eq!(ber[..2], [0x30, 0x80], "openssl streams with indefinite length");
    for bytes in [pem, ber] {
        let found = read_it(&bytes);
        only_signer(&found);
        assert_eq!(found.problems, []);
        let location = &found.values[0].location;
        assert_eq!(location.document, Document::SignedContent);
        assert_eq!(location.line_column, Some(LineColumn { line: 8, column: 9 }));
    }
}

#[test]
fn a_flipped_bit_in_the_content_breaks_the_signature() {
    for key in [RSA, P256] {
        let mut bytes = sign(content().as_bytes(), key, DER);
        let at = bytes.windows(4).position(|w| w == b"more").unwrap();
        bytes[at] ^= 1;
        let found = read_it(&bytes);
        assert_eq!(found.signature, Signature::Broken);
        assert_eq!((found.values.len(), found.refused.len()), (0, 1));
        assert_eq!(found.problems[0].kind, ProblemKind::SignatureDigest);
        assert!(found.problems[0].message.contains("Policy Signer"));
    }
}

#[test]
fn broken_containers() {
    let signed = signed_once();
    let mut last = signed.to_vec();
    *last.last_mut().unwrap() ^= 1;
    let mut subject = signed.to_vec();
    let at = subject.windows(6).rposition(|w| w == b"Policy").unwrap();
    subject[at] ^= 1;
    let detached = sign(content().as_bytes(), P256, &["-outform", "DER"]);
    let no_certificate =
        sign(content().as_bytes(), P256, &["-nodetach", "-outform", "DER", "-nocerts"]);
    let twice = sign(signed, P256, DER);
    let sha512 = ["-nodetach", "-outform", "DER", "-md", "sha512"];
    let unsupported = sign(content().as_bytes(), P256, &sha512);
    let folder = tempfile::tempdir().unwrap();
    let request = "req -x509 -nodes -newkey rsa:2048 -subj /CN=x -keyout key -out certificate";
    openssl(folder.path(), &request.split(' ').collect::<Vec<_>>());
    let bag = "crl2pkcs7 -nocrl -certfile certificate -outform DER -out bag";
    openssl(folder.path(), &bag.split(' ').collect::<Vec<_>>());
    let bag = std::fs::read(folder.path().join("bag")).unwrap();
    // A set that would take the DER reader minutes to sort.
    let set = [vec![0x31, 0x83, 0x0f, 0x00, 0x00], [0x05, 0x00].repeat(0x0007_8000)].concat();
    let wide = [vec![0x30, 0x83, 0x0f, 0x00, 0x05], set].concat();
    let trailing = [signed, b"x"].concat();
    let pem = sign(content().as_bytes(), P256, &["-nodetach", "-outform", "PEM"]);
    let key = String::from_utf8(pem).unwrap().replace("CMS", "CERTIFICATE");
    let cases = [
        (last, "signature-invalid"),
        (subject, "signer-certificate-missing"),
        (detached, "signature-detached"),
        (no_certificate, "signer-certificate-missing"),
        (twice, "not-a-property-list"),
        (unsupported, "signature-algorithm"),
        (bag, "signer-missing"),
        (wide, "signature-structure"),
        (trailing, "trailing-bytes"),
        (signed[..signed.len() - 1].to_vec(), "signature-structure"),
        (b"\x30\x82garbage".to_vec(), "signature-structure"),
        (key.into_bytes(), "signature-structure"),
        ([0x30, 0x80].repeat(10_000), "signature-structure"),
    ];
    for (bytes, expected) in cases {
        let found = read_it(&bytes);
        assert_eq!(found.problems[0].kind.code(), format!("mdm-{expected}"), "{found:?}");
        let usable = expected == "trailing-bytes";
        assert_eq!(!found.values.is_empty(), usable, "{expected}");
    }
}

#[test]
fn a_changed_certificate_is_not_believed() {
    // The name of the holder alone: the key, the issuer and the serial number still fit.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in"), content()).unwrap();
    std::fs::write(folder.path().join("serial"), "01\n").unwrap();
    let authority = "req -x509 -nodes -newkey rsa:2048 -days 9 -subj /CN=Authority -keyout ca.key \
                     -out ca.pem";
    let request = "req -nodes -newkey rsa:2048 -subj /CN=HolderOfTheKey -keyout key -out request";
    let issue = "x509 -req -in request -CA ca.pem -CAkey ca.key -CAserial serial -out holder.pem";
    let sign = "cms -sign -signer holder.pem -inkey key -binary -nodetach -outform DER -in in";
    for line in [authority, request, issue, &format!("{sign} -out alone")] {
        openssl(folder.path(), &line.split(' ').collect::<Vec<_>>());
    }
    let both = format!("{sign} -certfile ca.pem -out both");
    openssl(folder.path(), &both.split(' ').collect::<Vec<_>>());
    let mut bytes = std::fs::read(folder.path().join("both")).unwrap();
    let found = read_it(&bytes);
    assert_eq!(only_signer(&found).issuer_certificate, EmbeddedIssuer::Embedded);
    let alone = read_it(std::fs::read(folder.path().join("alone")).unwrap());
    assert_eq!(only_signer(&alone).issuer_certificate, EmbeddedIssuer::Missing);
    let at = bytes.windows(6).position(|w| w == b"Holder").unwrap();
    bytes[at] = b'B';
    let found = read_it(&bytes);
    assert_eq!(found.signature, Signature::Broken);
    assert_eq!(found.problems[0].kind, ProblemKind::SignatureInvalid);
}

#[test]
fn the_plist_crate_reads_the_same_values() {
    // A second opinion: where both read a file, they agree on the strings of the domain.
    let xml = domain(&encoded());
    for bytes in [xml.clone().into_bytes(), binary(&xml)] {
        let value: plist::Value = plist::from_bytes(&bytes).unwrap();
        let text = value.as_dictionary().unwrap().get("requirements_toml_base64").unwrap();
        let toml = STANDARD.decode(text.as_string().unwrap()).unwrap();
        assert_eq!(toml, read_it(&bytes).values[0].toml_text.as_bytes());
    }
}

#[test]
fn codes_are_unique() {
    let codes: std::collections::BTreeSet<_> = ProblemKind::ALL.iter().map(|k| k.code()).collect();
    assert_eq!(codes.len(), ProblemKind::ALL.len());
}

/// One way to damage a file; positions are taken modulo its length.
#[derive(Debug, Clone)]
enum Damage {
    Truncate(usize),
    Flip(usize, u8),
    Duplicate(usize, usize),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<usize>;
    prop_oneof![
        at().prop_map(Damage::Truncate),
        (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (at(), 1_usize..200).prop_map(|(at, n)| Damage::Duplicate(at, n)),
        (at(), 1_usize..40).prop_map(|(at, n)| Damage::Remove(at, n)),
        (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, b)| Damage::Insert(at, b)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let length = bytes.len().max(1);
    let part = |at: usize, n: usize| {
        let start = at % length;
        start..(start + n).min(bytes.len())
    };
    match damage {
        Damage::Truncate(at) => bytes.truncate(at % length),
        Damage::Flip(at, bit) => {
            if let Some(byte) = bytes.get_mut(at % length) {
                *byte ^= 1 << bit;
            }
        }
        Damage::Duplicate(at, n) => {
            let range = part(*at, *n);
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, copy);
        }
        Damage::Remove(at, n) => {
            let range = part(*at, *n);
            bytes.drain(range);
        }
        Damage::Insert(at, new) => {
            let at = (at % length).min(bytes.len());
            bytes.splice(at..at, new.iter().copied());
        }
    }
}

fn seeds() -> &'static [Vec<u8>] {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let mcx = profile(&managed_client(1, "Forced", &requirements(&encoded())));
        let pem = sign(content().as_bytes(), P256, &["-nodetach", "-outform", "PEM"]);
        let ber = sign(content().as_bytes(), P256, &["-nodetach", "-outform", "DER", "-stream"]);
        vec![
            domain(&encoded()).into_bytes(),
            binary(&domain(&encoded())),
            content().into_bytes(),
            binary(&mcx),
            mcx.into_bytes(),
            signed_once().to_vec(),
            pem,
            ber,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(1000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn damaged_files_never_panic(
        seed in any::<prop::sample::Index>(),
        damage in prop::collection::vec(damage(), 1..5),
    ) {
        let mut bytes = seed.get(seeds()).clone();
        damage.iter().for_each(|damage| apply(&mut bytes, damage));
        prop_assert!(fuzz_entry(&bytes));
    }

    #[test]
    fn random_bytes_never_panic(
        start in prop::sample::select(vec!["", "bplist00", "<", "<plist>", "-----BEGIN CMS-----"]),
        rest in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        prop_assert!(fuzz_entry(&[start.as_bytes(), &rest].concat()));
    }

    #[test]
    fn a_flipped_bit_never_changes_a_signed_value(at in any::<usize>(), bit in 0_u8..8) {
        let original = read(signed_once(), &Limits::default());
        let mut bytes = signed_once().to_vec();
        apply(&mut bytes, &Damage::Flip(at, bit));
        let found = read(&bytes, &Limits::default());
        let texts = |found: &ManagedPreferences| {
            found.values.iter().map(|v| (v.key, v.toml_text.clone())).collect::<Vec<_>>()
        };
        prop_assert!(found.values.is_empty() || texts(&found) == texts(&original));
    }
}

#[test]
fn columns_count_characters_on_lines_longer_than_a_block() {
    for length in [1, 700, 1023, 1024, 1025, 5000] {
        let key = "é".repeat(length);
        let xml = plist(&format!("<dict><key>{key}</key><true/><key>other</key><true/></dict>"));
        let found = read_it(&xml);
        let column = 6 + 5 + length + 6 + 7 + 5 + 1;
        let place = found.problems[1].place.clone().unwrap();
        assert_eq!(place.line_column, Some(LineColumn { line: 4, column }));
    }
}

#[test]
fn hostile_sizes_stay_cheap() {
    // Each of these once took time that grows with the square of the size; the test is that it
    // ends at all under a debug build.
    let many =
        |entry: &str| plist(&format!("<dict>{}</dict>", entry.repeat(40_000).replace('\n', "")));
    assert_eq!(read_it(many(&requirements(""))).values.len(), 40_000);
    assert_eq!(read_it(many("<key>x</key><true/>")).problems.len(), 201);
}
