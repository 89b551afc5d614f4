//! Texts that try to break out: whatever stands in a record stays on its line, shows itself, and is read back as it was.

use crate::audit::formats::Covered;
use crate::audit::formats::Format;
use crate::audit::formats::syslog::MESSAGE_MAX_BYTES;
use crate::audit::formats::tests::parsers;
use crate::audit::formats::tests::samples;
use crate::audit::formats::tests::samples::Sample;
use crate::clock::UnixMillis;
use crate::diagnostic::hides;
use serde_json::Value;
use serde_json::json;

/// Each of these stands wherever a text may stand.
const HOSTILE: &[&str] = &[
    "plain",
    "",
    " ",
    "  two before and two behind  ",
    "a\nb\r\nc\u{b}\u{c}\u{85}\u{2028}\u{2029}d",
    "\0\u{1}\u{1b}[2J\u{7f}\u{9b}31m",
    "\"quoted\\\" 'and' \\n \\\\ \\",
    "cs1=forged act=allowed suid\\=x =",
    "a|b\\|c||CEF:0|x|y|1|2|3|10|act=Allowed",
    "]\" [forged@1 a=\"b\"] ]]\\]",
    "<34>1 2026-11-27T00:00:00Z host app - - - forged",
    "65 <34>1 - - - - - -",
    "\u{202e}drowssap\u{2066}\u{200f}\u{200b}\u{feff}\u{ad}\u{61c}",
    "\\u{202e} \\u202e \\u{5c}u{41} \\\\u{0} \\u{",
    "\u{e0041}\u{e007f}😀🏠 дверь \u{10fffd}",
    "</script>{\"kind\":\"forged\"}",
    "%00%0a${jndi:ldap://x}",
];

fn written(format: Format, sample: &Sample) -> Vec<u8> {
    let mut line = Vec::new();
    format.write(&sample.entry(), &mut line);
    line
}

fn with(text: &str) -> Sample {
    let members = json!({
        "receipt": "r-1", "operation": text, "peer": text, "partner": text, "tenant": text, "subject": text, "device": text,
        "purpose": text, "reason": "policy-denied", "state": text, "other": { text: [text] }, text: text,
        "resource": { "type": "Door", "id": [text] },
        "decision": { "result": "deny", "policies": [text], "inputs": { "context": text } },
    });
    Sample::of("refusal", &members)
}

/// Very long, and as long as a message may just be, so that no length escapes differently.
fn texts() -> impl Iterator<Item = String> {
    let long = ["x\n|=]\"\\\u{202e}".repeat(1_000), "я".repeat(70_000), "y".repeat(200)];
    HOSTILE.iter().map(|text| (*text).to_owned()).chain(long)
}

#[test]
fn one_record_is_one_line_that_shows_all_it_holds() {
    let short = HOSTILE.iter().skip(4).step_by(4).flat_map(|text| samples::all(text));
    for sample in short.chain(texts().map(|text| with(&text))) {
        for format in Format::ALL {
            let mut message = Vec::new();
            format.write_message(&sample.entry(), &mut message);
            for line in [written(format, &sample), message] {
                let line = std::str::from_utf8(&line).expect("UTF-8");
                let mark = line.matches('\u{feff}').count();
                let hidden = line.chars().filter(|c| hides(*c)).count();
                assert!(mark <= 1 && hidden == mark, "{} {line:?}", format.word());
            }
        }
    }
}

#[test]
fn json_lines_give_the_line_of_the_log_back_byte_for_byte() {
    for text in texts() {
        let sample = with(&text);
        let line = String::from_utf8(written(Format::Jsonl, &sample)).unwrap();
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["log"], json!({ "origin": samples::ORIGIN, "index": 41, "segment": 7, "offset": 4096 }));
        assert_eq!(read["record"], serde_json::from_str::<Value>(&sample.line).unwrap());
        let (_, record) = line.split_once("\"record\":").unwrap();
        assert_eq!(turned_back(record.strip_suffix('}').unwrap()), sample.line.trim_end_matches('\n'));
    }
}

/// As the page says: each `\uXXXX` above 007e is the character itself; a pair of them one beyond the first plane.
fn turned_back(text: &str) -> String {
    let mut units = Vec::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let code = rest.as_str().strip_prefix('u').and_then(|digits| u16::from_str_radix(digits.get(..4)?, 16).ok());
        match (c, code) {
            ('\\', Some(code)) if code > 0x7e => {
                units.push(code);
                rest.nth(4).unwrap();
            }
            ('\\', _) => {
                units.push(u16::from(b'\\'));
                units.extend_from_slice(rest.next().unwrap().encode_utf16(&mut [0; 2]));
            }
            (c, _) => units.extend_from_slice(c.encode_utf16(&mut [0; 2])),
        }
    }
    String::from_utf16(&units).unwrap()
}

#[test]
fn ocsf_gives_every_text_back() {
    for text in texts() {
        let event: Value = serde_json::from_slice(&written(Format::Ocsf, &with(&text))).unwrap();
        assert_eq!(event["api"]["operation"], text);
        assert_eq!(event["src_endpoint"]["name"], text);
        assert_eq!(event["actor"]["user"]["uid"], text);
        assert_eq!(event["metadata"]["tenant_uid"], text);
        assert_eq!(event["authorizations"][0]["policy"]["uid"], text);
        assert_eq!(event["resources"][0]["uid"], text);
        assert_eq!(event["unmapped"]["other"], json!({ &text: [&text] }));
        assert_eq!(event["unmapped"]["purpose"], text);
    }
}

#[test]
fn cef_gives_every_text_back_or_marks_where_it_was_cut() {
    for text in texts() {
        let line = String::from_utf8(written(Format::Cef, &with(&text))).unwrap();
        let read = parsers::cef(&line);
        assert_eq!(&read.header[..2], ["Portcullis", "Portcullis"]);
        assert_eq!((&*read.header[3], &*read.header[5]), ("refusal", "3"));
        for (key, longest) in [("cs1", 4000), ("sourceServiceName", 1023), ("suid", 1023), ("cs2", 4000), ("cs5", 4000)]
        {
            let value = &read.extension[key];
            let whole = crate::audit::formats::escape::shown_but(&text, &['\n', '\r']).len() <= longest;
            match whole {
                true => assert_eq!(parsers::unescaped(value), text, "{key} of {line}"),
                false => assert!(value.ends_with(" bytes]") && value.len() <= longest, "{key} of {value}"),
            }
        }
        let rest: Value = serde_json::from_str(&parsers::unescaped(&read.extension["portcullisAuditRest"])).unwrap();
        assert_eq!((&rest["other"], &rest["state"]), (&json!({ &text: [&text] }), &json!(text)));
        assert_eq!((&*read.extension["rt"], &*read.extension["externalId"]), (&*samples::MILLIS.to_string(), "41"));
        assert_eq!(read.extension["deviceExternalId"], samples::ORIGIN);
    }
}

#[test]
fn syslog_gives_every_text_back_or_says_where_the_record_stands() {
    for text in texts() {
        let sample = with(&text);
        let message = written(Format::Syslog, &sample);
        assert!(message.len() <= MESSAGE_MAX_BYTES, "{} bytes", message.len());
        let read = parsers::syslog(&message);
        assert_eq!((read.facility, read.severity), (13, 5));
        assert_eq!(read.header, [samples::TIME, "gateway.prop.example", "portcullis", "-", "refusal"]);
        let value = |name: &str| &read.data[&("record@32473".to_owned(), name.to_owned())];
        match crate::audit::formats::escape::shown(&text).len() <= 255 {
            true => assert_eq!(&parsers::unescaped(value("operation")), &text),
            false => assert!(value("operation").ends_with(" bytes]")),
        }
        assert_eq!((&**value("reason"), &**value("outcome")), ("policy-denied", "Failure"));
        let place = |name: &str| &*read.data[&("log@32473".to_owned(), name.to_owned())];
        assert_eq!(["origin", "index", "segment", "offset"].map(place), [samples::ORIGIN, "41", "7", "4096"]);
        assert!(read.text.is_ascii(), "no mark is necessary");
        match text.len() < 300 {
            true => assert_eq!(serde_json::from_str::<Value>(&read.text).unwrap()["other"], json!({ &text: [&text] })),
            false => assert!(read.text.ends_with("too long for a message: segment 7, offset 4096"), "{}", read.text),
        }
    }
}

#[test]
fn a_text_of_another_format_begins_with_a_mark_as_soon_as_it_is_more_than_ascii() {
    for (text, marked) in [("plain", false), ("дверь", true)] {
        for format in [Format::Jsonl, Format::Ocsf, Format::Cef] {
            let sample = with(text);
            let mut message = Vec::new();
            format.write_message(&sample.entry(), &mut message);
            assert_eq!(message.windows(3).any(|bytes| bytes == b"\xEF\xBB\xBF"), marked);
            assert_eq!(parsers::syslog(&message).text.as_bytes(), written(format, &sample));
        }
    }
}

#[test]
fn a_checkpoint_comes_back_whole_from_every_format() {
    let note = "gateway.prop.example/audit\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} gateway.prop.example/audit c2ln\n";
    let covered = Covered::of_note(note, UnixMillis::new(samples::MILLIS)).unwrap();
    assert_eq!((covered.origin, covered.size), (samples::ORIGIN, 42));
    let written = |format: Format| {
        let (mut line, mut message) = (Vec::new(), Vec::new());
        format.write_checkpoint(&covered, &mut line);
        format.write_checkpoint_message(&covered, &mut message);
        (String::from_utf8(line).unwrap(), parsers::syslog(&message))
    };
    let (jsonl, wrapped) = written(Format::Jsonl);
    assert_eq!(serde_json::from_str::<Value>(&jsonl).unwrap()["checkpoint"], note);
    assert_eq!((wrapped.text, &*wrapped.header[4]), (jsonl, "checkpoint"));
    let (ocsf, _) = written(Format::Ocsf);
    assert_eq!(serde_json::from_str::<Value>(&ocsf).unwrap()["unmapped"]["checkpoint"], note);
    let (cef, _) = written(Format::Cef);
    assert_eq!(parsers::cef(&cef).extension["portcullisAuditCheckpoint"], note);
    let (_, syslog) = written(Format::Syslog);
    assert_eq!(serde_json::from_str::<Value>(&syslog.text).unwrap()["checkpoint"], note);
    assert_eq!(syslog.data[&("log@32473".to_owned(), "size".to_owned())], "42");
    for wrong in [
        "",
        "o\n7\nr\n",
        "o\nx\nr\n\n\u{2014} o s\n",
        "\n7\nr\n\n\u{2014} o s\n",
        "o\n07\nr\n\n\u{2014} o s\n",
        "o\n7\nr\n\no s\n",
    ] {
        assert!(Covered::of_note(wrong, UnixMillis::new(0)).is_none(), "{wrong:?}");
    }
}
