//! What the keys of the log show: each in a log that begins, at a gateway of its own.

use crate::harness::Command;
use crate::harness::Deeds;
use crate::harness::Process;
use crate::harness::Served;
use crate::keys::Site;
use crate::keys::rows::Look;
use portcullis::clock::Clock;
use portcullis::clock::ManualClock;
use portcullis::clock::SystemClock;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Those that a gateway of its own is for.
pub const LOG_LOOKS: &[Look] = &[Look::Vouched, Look::Reserve, Look::Ahead, Look::Age];

/// With a reserve of one MiB little is left of it.
const SEGMENT_BYTES: u64 = (1 << 20) + 16 * 1024;
/// More records than find room in that.
const COMMANDS: usize = 20;

impl Site {
    /// What a log of this configuration shows, which begins in a folder of its own.
    pub fn log(&mut self, config: &Value, look: Look) -> String {
        self.logs += 1;
        let name = format!("state/log-{}", self.logs);
        let folder = self.stage.path(&name);
        fs::create_dir(&folder).unwrap();
        let mut config = config.clone();
        config["audit"]["directory"] = name.into();
        // A store that has seen more of another log would not take this one.
        config["store"]["sqlite"]["path"] = format!("state/store-{}.sqlite", self.logs).into();
        self.write(&config);
        match look {
            Look::Vouched => self.vouched(folder),
            Look::Reserve => self.reserve(),
            Look::Ahead => {
                let _gateway = Process::on(&self.stage);
                let segment = fs::metadata(folder.join("segment-0000000001.jsonl")).unwrap();
                format!("{} bytes ahead", segment.len())
            }
            _ => self.age(folder),
        }
    }

    fn vouched(&mut self, folder: PathBuf) -> String {
        drop(Served::on(&self.stage));
        let note = fs::read_to_string(folder.join("checkpoint")).unwrap();
        let (origin, signed) = (note.lines().next().unwrap(), note.lines().last().unwrap());
        assert!(signed.starts_with(&format!("\u{2014} {origin} ")), "{note}");
        let vkey = fs::read_to_string(folder.join("log.vkey")).unwrap();
        let key = vkey.trim().rsplit_once('+').unwrap().1.to_owned();
        let same = *self.log_key.get_or_insert_with(|| key.clone()) == key;
        format!("{origin} by {} key", if same { "the first" } else { "another" })
    }

    /// There is no further segment, and this one has little room beside a reserve of one MiB.
    fn reserve(&self) -> String {
        let deeds = Arc::new(Deeds::default());
        let gateway = Served::on_disk_with(&self.stage, &deeds, |config| config.audit.segment_bytes = SEGMENT_BYTES);
        deeds.is_full.store(true, Ordering::SeqCst);
        // One that was made by then is as short.
        let backend = self.stage.backend(gateway.address);
        let status = || self.stage.wait(Command::new(&self.stage).give(&backend)).unwrap().status;
        let served = (0..COMMANDS).filter(|_| status() == 200).count();
        if served == COMMANDS { format!("{COMMANDS} find room") } else { "a few find room".into() }
    }

    /// Two refusals at a gateway by a clock that goes on for two minutes between them.
    fn age(&self, folder: PathBuf) -> String {
        let clock = Arc::new(ManualClock::new(SystemClock::new().now()));
        let gateway = Served::by(&self.stage, clock.clone());
        let backend = self.stage.backend(gateway.address);
        let refused = || self.stage.wait(backend.call("GET", "/v1/nothing", &[], b"")).unwrap().status;
        assert_eq!(refused(), 404);
        clock.advance(Duration::from_secs(120));
        assert_eq!(refused(), 404);
        drop(gateway);
        let begun = |number: u64| {
            let segment = fs::read(folder.join(format!("segment-{number:010}.jsonl")));
            segment.is_ok_and(|bytes| bytes.first() == Some(&b'{'))
        };
        let count = (1..).take_while(|number| begun(*number)).count();
        format!("{count} segment{} in two minutes", if count == 1 { "" } else { "s" })
    }
}
