//! Each keyword of a leaf, at its limit and one past.

use super::Posting;
use super::kept;
use crate::contract::Format;
use crate::json;
use serde_json::json;

const PUBLIC: &str = "x-portcullis: {class: public}";

/// Whether the value, as text, fits; asserts that what does not is told by `expected`, and that what does goes out as it came.
fn fits(schema: &str, expected: &'static str, yes: &[&str], no: &[&str]) {
    let posting = Posting::of_value(&format!("{{{schema}, {PUBLIC}}}"));
    for value in yes {
        assert_eq!(posting.value(value).as_deref(), Ok(*value), "{schema}");
    }
    for value in no {
        assert_eq!(posting.value(value), Err(("/v".to_owned(), expected)), "{schema} {value}");
    }
}

/// Texts of each format, and such as are not.
const FORMATS: [(Format, &[&str], &[&str]); 11] = [
    (
        Format::DateTime,
        &[
            "2026-02-28T23:59:59Z",
            "2024-02-29T00:00:00.123456789+23:59",
            "0001-01-01T00:00:00-12:00",
            "2000-02-29T12:00:00.1Z",
            "2026-01-01T00:00:00+00:00",
        ],
        &[
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-02-28t00:00:00Z",
            "2026-02-28T00:00:00z",
            "2026-02-28 00:00:00Z",
            "2026-02-28T00:00:00",
            "2026-02-28T24:00:00Z",
            "2026-02-28T00:60:00Z",
            "2026-06-30T23:59:60Z",
            "2026-02-28T00:00:00.Z",
            "2026-02-28T00:00:00.1234567890Z",
            "2026-02-28T00:00:00,1Z",
            "2026-02-28T00:00:00+24:00",
            "2026-02-28T00:00:00-00:00",
            "2026-02-28T00:00:00+0100",
            "2026-02-28T00:00Z",
            "2026-02-28T00:00:00Z ",
            "2026-02-28T00:00:00ZZ",
            "+2026-02-28T00:00:00Z",
            "2026-W09-6T00:00:00Z",
            "20260228T000000Z",
            "２026-02-28T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "",
        ],
    ),
    (
        Format::Date,
        &["2026-12-31", "2024-02-29", "9999-12-31", "0001-01-01"],
        &[
            "2026-13-01",
            "2026-00-01",
            "2026-04-31",
            "2026-01-00",
            "2026-1-01",
            "26-01-01",
            "2026-01-01Z",
            "2026/01/01",
            "2100-02-29",
            "",
        ],
    ),
    (
        Format::Time,
        &["00:00:00Z", "23:59:59.999+03:00"],
        &[
            "24:00:00Z",
            "08:30Z",
            "08:30:00",
            "08:30:00z",
            "8:30:00Z",
            "08:30:00+3",
            "08:30:00-00:00",
            "08:30:00+03:00:00",
        ],
    ),
    (
        Format::Uuid,
        &[
            "8e03978e-40d5-43dd-bc93-6894a57f9324",
            "8E03978E-40D5-43DD-BC93-6894A57F9324",
            "00000000-0000-0000-0000-000000000000",
        ],
        &[
            "8e03978e40d543ddbc936894a57f9324",
            "{8e03978e-40d5-43dd-bc93-6894a57f9324}",
            "urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324",
            "8e03978e-40d5-43dd-bc93-6894a57f932g",
            "8e03978e-40d5-43dd-bc93-6894a57f93245",
            "8e03978e-40d5-43dd-bc93-6894a57f932",
            "8e03978e040d5-43dd-bc93-6894a57f9324",
        ],
    ),
    (
        Format::Uri,
        &[
            "https://example.com",
            "https://example.com/",
            "https://example.com:65535/a/b;c=1?x=1&y=/?#f/?",
            "coap+tcp://10.0.0.1/%D0%B4",
            "https://[2001:db8::1]:443/a",
            "urn2://a",
        ],
        &[
            "",
            "example.com",
            "//example.com",
            "/a",
            "https:",
            "https://",
            "https:///a",
            "HTTPS://example.com",
            "1https://example.com",
            "urn:uuid:8e03978e-40d5-43dd-bc93-6894a57f9324",
            "https://user@example.com",
            "https://user:secret@example.com/",
            "https://example.com@evil.example",
            "https://example.com:",
            "https://example.com:65536",
            "https://example.com:+80",
            "https://example.com:80:80",
            "https://exa mple.com",
            "https://example.com/a b",
            "https://example.com/%",
            "https://example.com/%g0",
            "https://example.com/é",
            "https://example.com/#a#b",
            "https://example.com/\\\\evil.example",
            "https://[::1",
            "https://[::1]x",
            "https://[fe80::1%25eth0]",
            "https://[v1.a]",
            "https://256.1.1.1",
            "https://a_b.example",
        ],
    ),
    (
        Format::Email,
        &["a@b.example", "first.last+tag@sub.example.com", "!#$%&'*+/=?^_`{|}~-@example.com"],
        &[
            "",
            "a",
            "@example.com",
            "a@",
            "a@b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a..b@example.com",
            "a b@example.com",
            "a@-b.example",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "A <a@example.com>",
            "a@example.com,b@example.com",
            "д@example.com",
        ],
    ),
    (
        Format::Ipv4,
        &["0.0.0.0", "255.255.255.255", "10.0.0.1"],
        &[
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.4 ",
            "0x7f.0.0.1",
            "2130706433",
            "1.2.3.-4",
            "1.2.3.4/8",
        ],
    ),
    (
        Format::Ipv6,
        &["::", "::1", "2001:DB8::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "1:2:3:4:5:6:1.2.3.4"],
        &[
            "",
            ":",
            ":::",
            "1::2::3",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "fe80::1%eth0",
            "[::1]",
            "12345::",
            "::1.2.3",
            "::g",
            "1.2.3.4",
        ],
    ),
    (
        Format::Hostname,
        &["a", "example.com", "a-b.example", "1a.example", "xn--p1ai", "x1"],
        &["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "1.2.3.4", "123", "a/b", "д.рф", "a:80"],
    ),
    (
        Format::Byte,
        &["", "AA==", "AAA=", "AAAA", "+/+/", "Zg==", "Zm9vYmFy"],
        &["A", "AA", "AAA", "AB==", "AAB=", "AA=A", "=", "====", "AA== ", "-_-_", "A===", "AAAA=", "AA=\\n"],
    ),
    (
        Format::Base64Url,
        &["", "AA", "AAA", "AAAA", "-_-_", "Zg"],
        &["A", "AA==", "AB", "AAB", "+/+/", "AAAAA", " AA", "AAA="],
    ),
];

#[test]
fn each_format_takes_what_all_readers_take_for_the_same_and_nothing_else() {
    assert_eq!(FORMATS.map(|(format, ..)| format), Format::ALL);
    for (format, yes, no) in FORMATS {
        let schema = format!("type: string, maxLength: 300, format: {}", format.word());
        let quoted = |texts: &[&str]| texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>();
        let (yes, no) = (quoted(yes), quoted(no));
        let (yes, no): (Vec<&str>, Vec<&str>) =
            (yes.iter().map(|text| &**text).collect(), no.iter().map(|text| &**text).collect());
        fits(&schema, "format", &yes, &no);
    }
}

#[test]
fn what_fits_a_format_here_fits_it_elsewhere() {
    for (format, yes, _) in FORMATS {
        let schema = json!({"type": "string", "format": format.word()});
        let theirs = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for text in yes {
            assert!(theirs.is_valid(&json!(text)), "{text} as {}", format.word());
        }
    }
}

#[test]
fn the_longest_text_of_a_format_fits_and_one_more_does_not() {
    let label = "a".repeat(63);
    let host = |length: usize| format!("{label}.{label}.{label}.{}", "a".repeat(length - 192));
    assert!(Format::Hostname.fits(&host(253)) && !Format::Hostname.fits(&host(254)));
    assert!(Format::Hostname.fits(&label) && !Format::Hostname.fits(&format!("a{label}")));
    let local = "a".repeat(64);
    assert!(
        Format::Email.fits(&format!("{local}@example.com")) && !Format::Email.fits(&format!("a{local}@example.com"))
    );
    let mail = |length: usize| format!("a@{}", host(length - 2));
    assert!(Format::Email.fits(&mail(254)) && !Format::Email.fits(&format!("a{}", mail(254))));
    for format in Format::ALL {
        let Some(most) = format.max_bytes() else { continue };
        let (_, yes, _) = FORMATS.iter().find(|(known, ..)| *known == format).unwrap();
        assert!(yes.iter().all(|text| text.len() <= most), "{}", format.word());
        let posting = Posting::of_value(&format!("{{type: string, format: {}, {PUBLIC}}}", format.word()));
        assert!(posting.value(&json!(yes[0]).to_string()).is_ok(), "a format that ends needs no `maxLength`");
    }
}

#[test]
fn a_constant_is_the_only_value() {
    fits("type: string, const: \"é\"", "enum", &["\"é\""], &["\"e\"", "\"\"", "\"éé\""]);
    fits("type: integer, const: 3", "enum", &["3"], &["2", "4", "-3"]);
    fits("type: number, const: 0.1", "enum", &["0.1"], &["0.10000000000000002", "0", "1"]);
    fits("type: boolean, const: true", "enum", &["true"], &["false"]);
    fits("type: boolean, const: false", "enum", &["false"], &["true"]);
}

#[test]
fn a_long_enum_is_searched_and_none_of_its_neighbours_fits() {
    let words: Vec<String> = (0..999).rev().map(|number| format!("w{number}")).collect();
    let posting = Posting::of_value(&format!("{{type: string, enum: [{}], {PUBLIC}}}", words.join(",")));
    for word in &words {
        assert!(posting.value(&format!("\"{word}\"")).is_ok(), "{word}");
    }
    for word in ["", "w", "w999", "w-1", "W1", "w01", "x0"] {
        assert_eq!(posting.value(&format!("\"{word}\"")), Err(("/v".to_owned(), "enum")), "{word}");
    }
    fits("type: number, enum: [3, -1.5, 2, 0]", "enum", &["3", "-1.5", "2", "0"], &["1", "-1", "2.5", "4"]);
}

#[test]
fn a_multiple_is_told_exactly() {
    fits(
        "type: integer, multipleOf: 5",
        "multiple",
        &["0", "5", "-10", "9007199254740990"],
        &["1", "4", "6", "9007199254740991"],
    );
    fits("type: number, multipleOf: 0.1", "multiple", &["0.3", "0.7", "1.1", "-0.1", "2"], &["0.35", "0.01", "1e-9"]);
    fits("type: number, multipleOf: 0.01", "multiple", &["19.99", "1.15", "4.35", "1.1"], &["19.999", "0.005"]);
    let posting = Posting::of_value(&format!("{{type: number, multipleOf: 0.01, {PUBLIC}}}"));
    assert_eq!(posting.value("1.150e0").as_deref(), Ok("1.15"), "one number in any spelling");
    assert_eq!(posting.value("0.30000000000000004"), Err(("/v".to_owned(), "multiple")));
}

#[test]
fn a_set_holds_nothing_twice_in_whatever_spelling() {
    let inner = format!("{{type: array, maxItems: 2, items: {{type: number, {PUBLIC}}}}}");
    let text = format!("{{type: string, maxLength: 2, {PUBLIC}}}");
    let item = format!("{{type: object, properties: {{a: {inner}, b: {text}}}}}");
    let posting = Posting::of_value(&format!("{{type: array, maxItems: 3, uniqueItems: true, items: {item}}}"));
    for (value, second) in [
        (r#"[{},{}]"#, 1),
        (r#"[{"a":[1]},{},{"a":[1.0]}]"#, 2),
        (r#"[{"a":[0],"b":"x"},{"b":"x","a":[-0]}]"#, 1),
        (r#"[{"b":"\u0061"},{"b":"a"}]"#, 1),
        (r#"[{"a":[10]},{"a":[1e1]}]"#, 1),
    ] {
        assert_eq!(posting.value(value), Err((format!("/v/{second}"), "unique")), "{value}");
    }
    for value in [r#"[]"#, r#"[{}]"#, r#"[{},{"a":[]},{"a":[1]}]"#, r#"[{"a":[1,2]},{"a":[2,1]},{"b":"1"}]"#] {
        assert_eq!(posting.value(value).as_deref(), Ok(value));
    }
    let many = Posting::of_value(&format!(
        "{{type: array, maxItems: 20000, uniqueItems: true, items: {{type: integer, {PUBLIC}}}}}"
    ));
    let mut numbers: Vec<String> = (0..9_999).map(|number| number.to_string()).collect();
    assert!(many.value(&format!("[{}]", numbers.join(","))).is_ok());
    numbers.push("0".to_owned());
    assert_eq!(many.value(&format!("[{}]", numbers.join(","))), Err(("/v/9999".to_owned(), "unique")));
}

#[test]
fn null_stands_only_where_the_type_says_so_and_crosses_as_null() {
    let keep = "x-portcullis: {class: personal, protect: keep}";
    for (schema, value) in [
        (format!("{{type: [string, \"null\"], maxLength: 3, {keep}}}"), "\"abc\""),
        (format!("{{type: [integer, \"null\"], maximum: 3, {keep}}}"), "3"),
        (format!("{{type: [boolean, \"null\"], {keep}}}"), "true"),
        (format!("{{type: [string, \"null\"], enum: [a, null], {keep}}}"), "\"a\""),
        (format!("{{type: [array, \"null\"], maxItems: 1, items: {{type: boolean, {keep}}}}}"), "[true]"),
        (format!("{{type: [object, \"null\"], properties: {{a: {{type: boolean, {keep}}}}}}}"), "{\"a\":true}"),
        (format!("{{type: array, maxItems: 3, items: {{type: [boolean, \"null\"], {keep}}}}}"), "[null,true,null]"),
    ] {
        let posting = Posting::of_value(&schema);
        assert_eq!(posting.value(value).as_deref(), Ok(value), "{schema}");
        let null = posting.value("null");
        if schema.starts_with("{type: [") {
            assert_eq!(null.as_deref(), Ok("null"), "{schema}");
        } else {
            assert_eq!(null, Err(("/v".to_owned(), "array")), "{schema}");
        }
    }
    fits("type: string, maxLength: 3", "text", &[], &["null"]);
    fits("type: boolean", "boolean", &[], &["null"]);
}

#[test]
fn null_is_absent_to_policies_and_asks_nothing_of_protection() {
    let schema = |protect: &str| {
        format!(
            "{{type: [string, \"null\"], maxLength: 9, x-portcullis: {{class: identifier, of: house, protect: {protect}}}}}"
        )
    };
    let posting = Posting::of_value(&schema("pseudonymize"));
    let field = posting.0.operations()[0].fields.iter().find(|field| field.pointer == "/v").unwrap();
    assert!(!field.required, "a policy has to ask whether it is there");
    let rebuilt = posting.rebuild("{\"v\":null}").unwrap();
    assert_eq!(rebuilt.value("v"), None);
    let refused = rebuilt.render(&mut |leaf| {
        if leaf.part == crate::model::Part::Body { Err("asked") } else { Ok(crate::model::Treated::Keep) }
    });
    assert_eq!(&refused.unwrap().body[..], b"{\"v\":null}");
    let there = posting.rebuild("{\"v\":\"h-1\"}").unwrap();
    assert_eq!(there.value("v").and_then(json::Value::as_str), Some("h-1"));
    assert_ne!(there.digest(), rebuilt.digest());
    let dropped = Posting::of_value(&schema("drop")).rebuild("{\"v\":null}").unwrap();
    assert_eq!(&kept(&dropped).body[..], b"{}", "what never crosses does not say that it was empty");
}
