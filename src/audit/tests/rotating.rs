//! A segment ends by its age, though there is room in it; one that holds nothing does not.

use crate::audit::Log;
use crate::audit::Settings;
use crate::audit::segment;
use crate::audit::tests::harness::*;
use crate::clock::Clock;
use crate::clock::ManualClock;
use crate::clock::SystemClock;
use crate::model::Reason;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const AGE: Duration = Duration::from_secs(60);

fn open_by(house: &House, segment_age: Duration, clock: Arc<dyn Clock>) -> Log {
    let settings = Settings { segment_age, ..house.settings() };
    Log::open(settings, &key(), clock, Arc::clone(&house.metrics)).unwrap().0
}

async fn record(log: &Log, number: u8) {
    let concluded = log.refusal(&facts(number, None), Reason::Revoked, &forbidden(), NOW).await;
    assert_eq!(concluded.reply().status.as_u16(), 403);
}

/// How many refusals each segment holds.
fn told(house: &House) -> Vec<usize> {
    let count = |number| {
        let bytes = fs::read(segment::path(house.folder.path(), number)).unwrap();
        String::from_utf8_lossy(&bytes).matches("\"kind\":\"refusal\"").count()
    };
    segment::numbers(house.folder.path()).unwrap().into_iter().map(count).collect()
}

#[tokio::test]
async fn what_comes_when_a_segment_is_old_stands_in_the_next_one_and_a_millisecond_earlier_in_this() {
    let house = House::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let log = open_by(&house, AGE, Arc::<ManualClock>::clone(&clock));
    record(&log, 1).await;
    clock.advance(AGE - Duration::from_millis(1));
    record(&log, 2).await;
    clock.advance(Duration::from_millis(1));
    record(&log, 3).await;
    clock.advance(AGE);
    record(&log, 4).await;
    drop(log);
    let mut told = told(&house);
    // The last one was made ahead.
    told.retain(|count| *count > 0);
    assert_eq!(told, [2, 1, 1]);
}

#[tokio::test]
async fn a_segment_ends_by_its_age_while_nothing_comes() {
    let house = House::new();
    let system = SystemClock::new();
    let log = open_by(&house, Duration::from_millis(20), Arc::new(SystemClock::new()));
    record(&log, 1).await;
    let first = segment::path(house.folder.path(), 1);
    while fs::metadata(&first).unwrap().len() == SEGMENT_BYTES {
        assert!(system.steady() < AGE, "it is never finished");
    }
    drop(log);
    assert_eq!(told(&house)[0], 1);
}
