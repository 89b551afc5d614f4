//! Any record that can be written can be exported: the records of `audit/tests/reading.rs`, whatever their texts, through all formats.

use crate::audit::find::FoundRecord;
use crate::audit::formats::Entry;
use crate::audit::formats::Format;
use crate::audit::formats::tests::parsers;
use crate::audit::formats::tests::samples::ORIGIN;
use crate::audit::outcome::OutcomeState;
use crate::audit::read::Line;
use crate::audit::read::Lines;
use crate::audit::tests::reading::number;
use crate::audit::tests::reading::text;
use crate::audit::tests::reading::written;
use crate::audit::walk::Cursor;
use crate::diagnostic::hides;
use crate::model::Reason;
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_written_goes_out_as_one_line_of_every_format_and_is_read_back(
        texts in prop::array::uniform8(text()),
        numbers in prop::array::uniform8(number()),
        keyed in any::<bool>(),
        state in 0..OutcomeState::ALL.len(),
        reason in 0..Reason::ALL.len(),
    ) {
        let bytes = written(&texts, numbers, keyed, state, reason);
        for (offset, line) in Lines::new(&bytes) {
            let record = FoundRecord::from(Line::parse(line).unwrap());
            let at = Cursor { segment: numbers[1], offset: offset as u64, index: numbers[0] };
            let entry = Entry { record: &record, line, origin: ORIGIN, at };
            for format in Format::ALL {
                let (mut out, mut message) = (Vec::new(), Vec::new());
                format.write(&entry, &mut out);
                format.write_message(&entry, &mut message);
                let out = String::from_utf8(out).unwrap();
                prop_assert!(!out.chars().any(hides), "{} {out:?}", format.word());
                let read = parsers::syslog(&message);
                prop_assert_eq!(read.header.last().map(String::as_str), Some(record.kind()));
                let index = &read.data[&("log@32473".to_owned(), "index".to_owned())];
                prop_assert_eq!(index, &numbers[0].to_string());
                match format {
                    Format::Jsonl => {
                        let read: Value = serde_json::from_str(&out).unwrap();
                        prop_assert_eq!(&read["record"], &serde_json::from_slice::<Value>(line).unwrap());
                    }
                    Format::Ocsf => {
                        let read: Value = serde_json::from_str(&out).unwrap();
                        prop_assert_eq!(&read["metadata"]["event_code"], record.kind());
                    }
                    Format::Cef => {
                        let read = parsers::cef(&out);
                        prop_assert_eq!(&read.header[3], record.kind());
                        let rest = parsers::unescaped(&read.extension["portcullisAuditRest"]);
                        prop_assert!(serde_json::from_str::<Value>(&rest).is_ok());
                    }
                    Format::Syslog => {}
                }
            }
        }
    }
}
