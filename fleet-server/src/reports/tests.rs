use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_796_000_000 + seconds).expect("a time")
}

fn device(number: u32) -> DeviceId {
    let mut bytes = [0_u8; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    DeviceId::from_random(bytes)
}

fn record(number: u32, generation: u64, state: State, reasons: &[&str]) -> Record {
    Record {
        device: device(number),
        host: format!("pay-{number}.bank.example"),
        team: Some("payments".to_owned()),
        environment: Some("workstations".to_owned()),
        groups: BTreeSet::from(["laptops".to_owned()]),
        os: "linux".to_owned(),
        held: Some(Held {
            cohort: "payments".to_owned(),
            generation,
            digest: format!("sha256:{generation}"),
        }),
        last: Some(Last {
            generation,
            state,
            reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
            at: at(50),
        }),
        codex: vec!["0.169.0".to_owned()],
        seen: at(9_000),
        enforced_at: (state == State::Enforced).then(|| at(45)),
    }
}

fn context() -> Context {
    let requirements = "allowed_approval_policies = [\"on-request\"]\n\
                        [permissions.filesystem]\ndeny_read = [\"/secret\"]\n";
    let newest = Newest {
        generation: 7,
        committed_at: Some(at(0)),
        published_at: at(20),
        requirements: requirements.to_owned(),
    };
    Context { newest: BTreeMap::from([("payments".to_owned(), newest)]), now: at(10_000) }
}

#[test]
fn a_report_says_who_stands_how_and_why() {
    let old_codex = Record {
        codex: vec!["0.110.0".to_owned(), "built by hand".to_owned()],
        ..record(2, 6, State::Refused, &["codex 0.110.0 does not know `deny_read`"])
    };
    let silent = Record { seen: at(10_000 - 86_400), ..record(3, 6, State::Enforced, &[]) };
    let new = Record { held: None, last: None, ..record(5, 0, State::Offered, &[]) };
    let records = [
        record(1, 7, State::Enforced, &[]),
        old_codex,
        silent,
        record(4, 6, State::Fetched, &[]),
        new,
        record(6, 7, State::Drifted, &["requirements.toml was changed"]),
    ];
    let report = Report::of(&records, &context());
    let standing =
        Standing { silent: 1, refused: 1, drifted_or_stale: 1, without: 1, current: 1, behind: 1 };
    assert_eq!((report.endpoints, report.standing), (6, standing));
    let cohort = &report.cohorts[0];
    assert_eq!((cohort.newest, cohort.endpoints), (Some(7), 5));
    assert_eq!(cohort.generations, BTreeMap::from([(6, 3), (7, 2)]));
    let hosts: Vec<&str> = report.laggards.examples.iter().map(|one| one.host.as_str()).collect();
    assert_eq!(hosts, ["pay-2.bank.example", "pay-4.bank.example"], "the silent one is no laggard");
    assert_eq!(report.laggards.examples[0].behind_seconds, 9_980);
    assert_eq!(report.refusals[0].reason, "codex 0.110.0 does not know `deny_read`");
    assert_eq!(report.drift.examples[0].reasons, ["requirements.toml was changed"]);
    let versions: Vec<(&str, Readable)> =
        report.codex.iter().map(|one| (one.version.as_str(), one.readable)).collect();
    assert_eq!(
        versions,
        [("0.169.0", Readable::Yes), ("0.110.0", Readable::Yes), ("built by hand", Readable::No)]
    );
    // Measured against the binaries: the key is ignored by 0.110 and older.
    assert_eq!(
        report.codex[1].lost,
        BTreeMap::from([("permissions".to_owned(), 1)]),
        "one endpoint has lost a control"
    );
    assert!(report.codex[0].lost.is_empty());
    assert_eq!((report.latency.endpoints, report.latency.half), (1, Some(45)));
    let json = serde_json::to_string(&report).expect("JSON");
    assert!(json.contains(r#""up_to":60,"endpoints":1"#), "{json}");
}

#[test]
fn latencies_are_ranked_and_every_one_is_in_one_bar() {
    let latency = Latency::of((1..=100).collect());
    assert_eq!((latency.half, latency.most, latency.nearly_all), (Some(50), Some(95), Some(99)));
    assert_eq!(latency.bars.iter().map(|bar| bar.endpoints).sum::<u64>(), 100);
    assert_eq!(latency.bars[0], Bar { up_to: Some(10), endpoints: 10 });
    let none = Latency::of(Vec::new());
    assert_eq!((none.half, none.endpoints), (None, 0));
    assert_eq!(Latency::of(vec![u64::MAX]).bars.last().map(|bar| bar.endpoints), Some(1));
}

/// Reads a text as RFC 4180 says.
fn read(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (true, '"') if letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            (true, '"') => quoted = false,
            (true, other) => cell.push(other),
            (false, '"') => quoted = true,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {}
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (false, other) => cell.push(other),
        }
    }
    rows
}

#[test]
fn cells_come_back_as_they_were_and_formulas_do_not_run() {
    let nasty = [
        "=HYPERLINK(\"https://evil.example\",\"click\")",
        "+1",
        "-1",
        "@SUM(A1)",
        "  =1",
        "\t=1",
        "＝1",
        "a \"quoted\", and\r\nbroken one",
    ];
    let records: Vec<Record> = nasty
        .iter()
        .map(|host| Record { host: (*host).to_owned(), ..record(1, 7, State::Enforced, &[]) })
        .collect();
    let rows = read(&endpoints_csv(&records));
    assert_eq!(rows.len(), nasty.len() + 1);
    assert!(rows.iter().all(|row| row.len() == 14), "{rows:#?}");
    for (row, host) in rows[1..].iter().zip(nasty) {
        let shown = &row[1];
        let formula = shown.trim_start().starts_with(['=', '+', '-', '@', '＝']);
        assert!(!formula, "{shown}");
        assert_eq!(shown.trim_start_matches('\''), host);
    }
}

#[test]
fn a_hundred_thousand_endpoints_make_a_report_of_the_same_size() {
    let reasons: Vec<String> = (0..500).map(|number| format!("reason {number}")).collect();
    let records: Vec<Record> = (0..100_000)
        .map(|number| match number % 50 {
            0 => record(number, 6, State::Refused, &[&reasons[number as usize % 500]]),
            1 => record(number, 7, State::Drifted, &["requirements.toml was changed"]),
            2 => record(number, 6, State::Enforced, &[]),
            _ => record(number, 7, State::Enforced, &[]),
        })
        .collect();
    let before = std::time::Instant::now();
    let report = Report::of(&records, &context());
    println!("a report of 100,000 endpoints: {:?}", before.elapsed());
    assert_eq!(report.drift.total, 2_000);
    assert_eq!(report.laggards.total, 4_000);
    let json = serde_json::to_string(&report).expect("JSON");
    assert!(json.len() < 100_000, "{} bytes", json.len());
}
