//! What is said of something that fails: once for each change of what is wrong, not too often, and once that it is over.

use std::time::Duration;

/// The shortest time between two warnings of one thing, in steady time.
const WARNING_PAUSE: Duration = Duration::from_secs(10);

/// What was said last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Warned {
    /// Steady time of the last warning.
    at: Option<Duration>,
    /// The word for what was wrong then, unless it was said since that it is over.
    stands: Option<&'static str>,
}

/// What is to be said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Line {
    /// It fails, or fails otherwise than before.
    Fails,
    /// It works again.
    Works,
}

impl Warned {
    /// What is to be said after a try that ended at `steady`, with this word for its fault, if it had one.
    pub fn after(&mut self, fault: Option<&'static str>, steady: Duration) -> Option<Line> {
        let is_time = self.at.is_none_or(|at| steady >= at.saturating_add(WARNING_PAUSE));
        match fault {
            None => self.stands.take().map(|_| Line::Works),
            Some(word) if is_time && self.stands != Some(word) => {
                *self = Self { at: Some(steady), stands: Some(word) };
                Some(Line::Fails)
            }
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_warned_of_once_until_it_is_over_or_another_and_at_most_once_in_its_pause() {
        let mut warned = Warned::default();
        let mut at = |fault, seconds| warned.after(fault, Duration::from_secs(seconds));
        let (one, other) = (Some("one"), Some("other"));
        assert_eq!(at(None, 100), None, "nothing failed");
        assert_eq!([at(one, 101), at(one, 102), at(one, 200)], [Some(Line::Fails), None, None]);
        assert_eq!([at(None, 201), at(None, 202)], [Some(Line::Works), None]);
        assert_eq!(at(one, 203), Some(Line::Fails));
        assert_eq!([at(None, 204), at(one, 205), at(None, 206)], [Some(Line::Works), None, None]);
        assert_eq!([at(one, 212), at(one, 213)], [None, Some(Line::Fails)]);
        assert_eq!([at(other, 222), at(other, 223), at(other, 300)], [None, Some(Line::Fails), None]);
        assert_eq!([at(one, 301), at(None, 302)], [Some(Line::Fails), Some(Line::Works)]);
    }
}
