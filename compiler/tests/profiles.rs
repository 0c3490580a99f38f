//! `verify-profile`: profiles with one fault each, and how many of them a program finds that only
//! parses property lists, as the common hooks for such files do.

#![expect(clippy::unwrap_used, reason = "what cannot be set up fails the test")]
#![expect(clippy::too_many_lines, reason = "one list of faults")]

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clap::Parser;
use codex_compiler::cli::{Cli, Outcome, Output, run};

fn program(arguments: &[&str]) -> (Outcome, Output) {
    let cli = Cli::try_parse_from([&["codex-config"], arguments].concat()).unwrap();
    let mut output = Output::default();
    let outcome = run(&cli, &mut output);
    (outcome, output)
}

fn verify(paths: &[&Path], more: &[&str]) -> (Outcome, String) {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let mut arguments = vec!["verify-profile", "--today", "2026-11-25", "--plain"];
    arguments.extend(more);
    arguments.extend(names.iter().map(String::as_str));
    let (outcome, output) = program(&arguments);
    (outcome, output.data)
}

const POLICY: &str = "# Policy of all.\nallowed_sandbox_modes = [\"read-only\", \"workspace-write\"]\n\
    allowed_approval_policies = [\"on-request\"]\n";

/// A good profile in the form that people write by hand.
fn good(value: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
    <key>PayloadContent</key>
    <array>
        <dict>
            <key>PayloadIdentifier</key>
            <string>example.bank.codex.payload</string>
            <key>PayloadType</key>
            <string>com.openai.codex</string>
            <key>PayloadUUID</key>
            <string>83C9F6E8-EF4B-4974-B83B-B2E7FE79B75C</string>
            <key>PayloadVersion</key>
            <integer>1</integer>
            <key>requirements_toml_base64</key>
            <string>{value}</string>
        </dict>
    </array>
    <key>PayloadDisplayName</key>
    <string>Codex</string>
    <key>PayloadIdentifier</key>
    <string>example.bank.codex</string>
    <key>PayloadScope</key>
    <string>System</string>
    <key>PayloadType</key>
    <string>Configuration</string>
    <key>PayloadUUID</key>
    <string>54E23577-3424-4092-A9B4-A5E5AF88FD52</string>
    <key>PayloadVersion</key>
    <integer>1</integer>
</dict>
</plist>
"#
    )
}

/// A good profile in the older form.
fn good_mcx(list: &str) -> String {
    let value = STANDARD.encode(POLICY);
    good("").replace("com.openai.codex", "com.apple.ManagedClient.preferences").replace(
        "            <key>requirements_toml_base64</key>\n            <string></string>\n",
        &format!(
            "            <key>PayloadContent</key><dict><key>com.openai.codex</key><dict>\
             <key>{list}</key><array><dict><key>mcx_preference_settings</key><dict>\
             <key>requirements_toml_base64</key><string>{value}</string>\
             </dict></dict></array></dict></dict>\n"
        ),
    )
}

/// Faults: a name, the faulty profile, the code that tells, part of what is said.
fn faults() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let right = || good(&STANDARD.encode(POLICY));
    let edit = |from: &str, to: &str| {
        let text = right();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let valued = |toml: &str| good(&STANDARD.encode(toml));
    let value = STANDARD.encode(POLICY);
    let wrapped = format!("{}\n{}", &value[..76], &value[76..]);
    let payload_version = "<key>PayloadVersion</key>\n            <integer>1</integer>";
    let two = |second: &str| {
        edit("        </dict>\n    </array>", &format!("        </dict>\n{second}\n    </array>"))
    };
    let direct_again = "<dict><key>PayloadIdentifier</key><string>example.other</string>\
        <key>PayloadType</key><string>com.openai.codex</string><key>PayloadUUID</key>\
        <string>93C9F6E8-EF4B-4974-B83B-B2E7FE79B75C</string><key>PayloadVersion</key>\
        <integer>1</integer></dict>";
    let older_beside =
        direct_again.replace("com.openai.codex", "com.apple.ManagedClient.preferences").replace(
            "<key>PayloadIdentifier",
            "<key>PayloadContent</key><dict><key>com.openai.codex</key>\
            <dict><key>Forced</key><array/></dict></dict><key>PayloadIdentifier",
        );
    vec![
        (
            "key twice at the top",
            edit(
                "<key>PayloadDisplayName</key>",
                "<key>PayloadScope</key>\n    <string>User</string>\n    <key>PayloadDisplayName</key>",
            ),
            "CX0103",
            "twice",
        ),
        (
            "value twice",
            edit(
                "<key>requirements_toml_base64</key>",
                "<key>requirements_toml_base64</key><string>YSA9IDE=</string>\n            <key>requirements_toml_base64</key>",
            ),
            "CX0103",
            "twice",
        ),
        (
            "no UUID",
            edit(
                "<key>PayloadUUID</key>\n    <string>54E23577-3424-4092-A9B4-A5E5AF88FD52</string>\n",
                "",
            ),
            "CX0508",
            "no `PayloadUUID`",
        ),
        (
            "no identifier of the payload",
            edit(
                "<key>PayloadIdentifier</key>\n            <string>example.bank.codex.payload</string>",
                "",
            ),
            "CX0508",
            "no `PayloadIdentifier`",
        ),
        (
            "version is text",
            edit(payload_version, "<key>PayloadVersion</key><string>1</string>"),
            "CX0508",
            "`<string>`",
        ),
        (
            "version 2",
            edit(payload_version, "<key>PayloadVersion</key><integer>2</integer>"),
            "CX0510",
            "version 1",
        ),
        (
            "UUID of no form",
            edit("54E23577-3424-4092-A9B4-A5E5AF88FD52", "54E23577342440"),
            "CX0510",
            "which is none",
        ),
        ("UUID with a wrong digit", edit("83C9F6E8", "83C9F6EG"), "CX0510", "payload 0"),
        (
            "one UUID for both",
            edit("83C9F6E8-EF4B-4974-B83B-B2E7FE79B75C", "54E23577-3424-4092-A9B4-A5E5AF88FD52"),
            "CX0511",
            "UUID",
        ),
        (
            "one identifier for both",
            edit("example.bank.codex.payload", "example.bank.codex"),
            "CX0511",
            "identifier",
        ),
        (
            "identifier with a blank",
            edit("<string>example.bank.codex</string>", "<string>example bank codex</string>"),
            "CX0510",
            "identifier",
        ),
        ("two payloads", two(direct_again), "CX0501", "second payload"),
        ("both forms", two(&older_beside), "CX0501", "both payload shapes"),
        (
            "misspelt domain",
            edit("<string>com.openai.codex</string>", "<string>com.openai.codx</string>"),
            "CX0508",
            "not the domain",
        ),
        ("set once", good_mcx("Set-Once"), "CX0503", "set once"),
        ("list of another name", good_mcx("Always"), "CX0508", "no `Forced`"),
        ("wrapped base64", good(&wrapped), "CX0106", "blank inside"),
        (
            "other alphabet",
            good(&URL_SAFE_NO_PAD.encode("# ???>>>\u{7f}\u{fe}\n")),
            "CX0106",
            "url",
        ),
        (
            "no padding",
            good(STANDARD.encode("# 1234\n").trim_end_matches('=')),
            "CX0106",
            "padding",
        ),
        ("goes on after its padding", good("IyAxMjM0Cg==IyA="), "CX0106", ""),
        ("mark before the text", valued(&format!("\u{feff}{POLICY}")), "CX0106", "byte order mark"),
        ("line ends of Windows", valued(&POLICY.replace('\n', "\r\n")), "CX0106", "line ends"),
        (
            "value as data",
            good("VALUE").replacen("<string>VALUE</string>", &format!("<data>{value}</data>"), 1),
            "CX0102",
            "",
        ),
        ("no TOML", valued("allowed_sandbox_modes = [\"read-only\"\n"), "CX0003", ""),
        (
            "misspelt key",
            valued("allowed_sandbox_mode = [\"read-only\"]\n"),
            "CX0101",
            "allowed_sandbox_mode",
        ),
        ("value that Codex refuses", valued("allowed_approval_policies = []\n"), "CX02", ""),
        ("empty value", good(""), "CX0005", ""),
        (
            "scope of one user",
            edit("<string>System</string>", "<string>User</string>"),
            "CX0510",
            "scope",
        ),
        (
            "no scope",
            edit("<key>PayloadScope</key>\n    <string>System</string>\n", ""),
            "CX0510",
            "no scope",
        ),
        (
            "misspelt key of the profile",
            edit(
                "<key>PayloadDisplayName</key>",
                "<key>PayloadRemovalDisalowed</key><true/><key>PayloadDisplayName</key>",
            ),
            "CX0510",
            "no key of a profile",
        ),
        (
            "removed long ago",
            edit(
                "<key>PayloadDisplayName</key>",
                "<key>RemovalDate</key><date>2026-01-31T00:00:00Z</date><key>PayloadDisplayName</key>",
            ),
            "CX0512",
            "which is over",
        ),
        (
            "misspelt preference",
            edit("<key>requirements_toml_base64</key>", "<key>requirement_toml_base64</key>"),
            "CX0101",
            "did you mean",
        ),
        (
            "entity of its own",
            edit("<plist version", "<!DOCTYPE plist [<!ENTITY a \"b\">]>\n<plist version"),
            "CX0009",
            "",
        ),
        ("cut short", right()[..right().len() - 30].to_owned(), "CX0009", ""),
    ]
}

#[test]
fn every_fault_is_found_and_nothing_else() {
    let around = tempfile::tempdir().unwrap();
    let path = around.path().join("a.mobileconfig");
    for text in [good(&STANDARD.encode(POLICY)), good_mcx("Forced")] {
        fs::write(&path, text).unwrap();
        let (outcome, told) = verify(&[&path], &[]);
        assert_eq!(outcome, Outcome::Fine, "{told}");
    }
    let all = faults();
    assert!(all.len() >= 30, "{}", all.len());
    let mut missed = Vec::new();
    for (name, text, code, says) in &all {
        fs::write(&path, text).unwrap();
        let (outcome, told) = verify(&[&path], &[]);
        if outcome != Outcome::Findings || !told.contains(code) || !told.contains(says) {
            missed.push(format!("{name}: not {code} {says}, but {told}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn files_are_held_against_each_other_and_against_what_devices_have() {
    let around = tempfile::tempdir().unwrap();
    let path = |name: &str| around.path().join(name);
    let right = good(&STANDARD.encode(POLICY));
    fs::write(path("one.mobileconfig"), &right).unwrap();
    // Another profile, copied and not renamed.
    fs::write(
        path("two.mobileconfig"),
        right.replace("<string>Codex</string>", "<string>B</string>"),
    )
    .unwrap();
    let (outcome, told) = verify(&[&path("one.mobileconfig"), &path("two.mobileconfig")], &[]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(told.contains("CX0511") && told.contains("in another profile"), "{told}");

    fs::write(path("next.mobileconfig"), right.replace("54E23577", "64E23577")).unwrap();
    let previous = path("one.mobileconfig").display().to_string();
    let (outcome, told) = verify(&[&path("next.mobileconfig")], &["--previous", &previous]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(told.contains("CX0502"), "{told}");
    let (outcome, told) = verify(&[&path("one.mobileconfig")], &["--previous", &previous]);
    assert_eq!(outcome, Outcome::Fine, "{told}");
    let (outcome, told) = verify(&[&path("nowhere.mobileconfig")], &[]);
    assert_eq!(outcome, Outcome::Findings);
    assert!(told.contains("CX0001"), "{told}");
}

#[test]
fn a_parser_of_property_lists_finds_three_at_most() {
    let around = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, (_, text, _, _)) in faults().into_iter().enumerate() {
        let path = around.path().join(format!("{number}.mobileconfig"));
        fs::write(&path, text).unwrap();
        paths.push(path);
    }
    let script = "import plistlib, sys\nbad = 0\nfor path in sys.argv[1:]:\n    try:\n        \
        plistlib.load(open(path, 'rb'))\n    except Exception:\n        bad += 1\nprint(bad)\n";
    let ended = match Command::new("python3").arg("-c").arg(script).args(&paths).output() {
        Ok(ended) => ended,
        Err(error) => {
            let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
            assert!(!in_ci, "python3 must be installed in CI: {error}");
            eprintln!("DID NOT RUN: python3 is not installed: {error}");
            return;
        }
    };
    let found: usize = String::from_utf8_lossy(&ended.stdout).trim().parse().unwrap();
    println!("{} faults; plistlib finds {found}", paths.len());
    assert!(found <= 3, "{found}");
}

#[test]
fn what_is_emitted_raises_no_alarm() {
    let around = tempfile::tempdir().unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy");
    for example in ["startup", "bank", "open-source-ci", "safe-defaults"] {
        let out = around.path().join(example);
        let repository = examples.join(example).display().to_string();
        let (outcome, output) =
            program(&["emit", &repository, "--out", &out.display().to_string(), "--all"]);
        assert_eq!(outcome, Outcome::Fine, "{}{}", output.data, output.talk);
        let mut profiles = Vec::new();
        for cohort in fs::read_dir(&out).unwrap() {
            let folder = cohort.unwrap().path().join("macos");
            if !folder.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|ending| ending == "mobileconfig") {
                    profiles.push(path);
                }
            }
        }
        assert!(profiles.len() >= 2);
        let paths: Vec<&Path> = profiles.iter().map(AsRef::as_ref).collect();
        let (outcome, told) = verify(&paths, &[]);
        assert_eq!(outcome, Outcome::Fine, "{told}");
    }
}
