//! Files of the log that are deleted, replaced, cut or forbidden under it: noticed, told, and nothing is let through.

use crate::audit::AuditFault;
use crate::audit::Closed;
use crate::audit::Disturbance;
use crate::audit::Disturbed;
use crate::audit::Log;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::model::Reason;
use std::fs;
use std::fs::File;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A deed to the directory, beside it a free place.
type Deed = fn(&Path, &Path);

/// A log in a directory that can be moved, and that stays closed once it is: some deeds are put right by opening it anew, a
/// tenth of a second later, and a test that looks after that would find nothing.
fn opened(house: &House) -> (Log, PathBuf) {
    let directory = house.folder.path().join("audit");
    fs::create_dir(&directory).unwrap();
    let settings = crate::audit::Settings { directory: directory.clone(), ..house.settings() };
    let deeds = Arc::new(Deeds::default());
    deeds.fails_to_reopen.store(true, Ordering::SeqCst);
    (house.open_with(settings, &deeds), directory)
}

fn until_closed(log: &Log) -> Option<Closed> {
    until("nobody notices", || log.closed().is_some());
    log.closed()
}

async fn record(log: &Log, number: u8) -> u16 {
    log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await.reply().status.as_u16()
}

#[tokio::test]
async fn what_is_done_to_a_file_of_the_log_is_noticed_and_closes_the_gate() {
    let (deleted, replaced): (Deed, Deed) = (
        |log, _| fs::remove_file(segment::path(log, 1)).unwrap(),
        |log, aside| {
            fs::copy(segment::path(log, 1), aside).unwrap();
            fs::rename(aside, segment::path(log, 1)).unwrap();
        },
    );
    let (cut, cut_ahead): (Deed, Deed) = (
        |log, _| File::options().write(true).open(segment::path(log, 1)).unwrap().set_len(10).unwrap(),
        |log, _| File::options().write(true).open(segment::path(log, 1)).unwrap().set_len(SEGMENT_BYTES - 1).unwrap(),
    );
    let forbidden: Deed = |log, _| fs::set_permissions(segment::path(log, 1), Permissions::from_mode(0o400)).unwrap();
    let (moved, another): (Deed, Deed) = (
        |log, aside| fs::rename(log, aside).unwrap(),
        |log, aside| {
            fs::rename(log, aside).unwrap();
            fs::create_dir(log).unwrap();
        },
    );
    let shut: Deed = |log, _| fs::set_permissions(log, Permissions::from_mode(0o500)).unwrap();
    let (of_segment, of_directory) = ("segment-0000000001.jsonl", "audit");
    let deeds = [
        (deleted, of_segment, Disturbed::Deleted),
        (replaced, of_segment, Disturbed::Replaced),
        (cut, of_segment, Disturbed::Truncated),
        (cut_ahead, of_segment, Disturbed::Truncated),
        (forbidden, of_segment, Disturbed::Forbidden),
        (moved, of_directory, Disturbed::Deleted),
        (another, of_directory, Disturbed::Replaced),
        (shut, of_directory, Disturbed::Forbidden),
    ];
    // All at once, so that the watches look at the same time.
    let mut houses = Vec::new();
    for (deed, file, what) in deeds {
        let house = House::new();
        let (log, directory) = opened(&house);
        assert_eq!((record(&log, 1).await, log.closed(), log.disturbance()), (403, None, None));
        deed(&directory, &house.folder.path().join("aside"));
        houses.push((house, log, file, what));
    }
    for (house, log, file, what) in houses {
        assert_eq!(until_closed(&log), Some(Closed::Disturbed), "{what:?}");
        assert_eq!(log.disturbance(), Some(Disturbance { file: file.to_owned(), what }));
        assert_eq!(record(&log, 2).await, 503, "{what:?}");
        let fault = log.intent(&permit(), &protected(), &facts(3, None), NOW).await.err();
        assert_eq!(fault, Some(AuditFault::Failed));
        let series = format!("portcullis_audit_disturbed{{file=\"{file}\",what=\"{}\"}} 1\n", what.word());
        assert!(house.metrics.render().contains(&series), "{series}");
    }
}

#[tokio::test]
async fn a_finished_segment_is_watched_and_finishing_it_is_no_fault() {
    let house = House::new();
    let (log, directory) = opened(&house);
    let mut number = 0;
    while segment::numbers(&directory).unwrap().len() < 4 {
        number += 1;
        assert_eq!(record(&log, number).await, 403);
    }
    let first = segment::path(&directory, 1);
    until("it is never finished", || fs::metadata(&first).unwrap().len() < SEGMENT_BYTES);
    // A look that came upon it while it was made shorter has found nothing.
    assert_eq!((log.closed(), log.disturbance()), (None, None));
    let written = fs::metadata(&first).unwrap().len();
    File::options().write(true).open(&first).unwrap().set_len(written - 1).unwrap();
    assert_eq!(until_closed(&log), Some(Closed::Disturbed));
    let what = Disturbed::Truncated;
    assert_eq!(log.disturbance(), Some(Disturbance { file: "segment-0000000001.jsonl".to_owned(), what }));
}
