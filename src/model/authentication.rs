//! How a user must have been authenticated for an operation (RFC 9470): at which level, by which means, how long ago.

use crate::model::stranger::Stranger;

/// What is demanded of a token. The default demands nothing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Authentication {
    /// The levels of which the token must name one (`acr`), the preferred one first; none for any.
    pub levels: Vec<Box<str>>,
    /// The means that the token must name, all of them (`amr`, RFC 8176); none for any.
    pub means: Vec<Box<str>>,
    /// The longest time since the user was authenticated (`auth_time`), in seconds; `None` for any.
    pub max_age_s: Option<u64>,
}

impl Authentication {
    /// Whether there is anything to be met.
    #[must_use]
    pub const fn demands_nothing(&self) -> bool {
        self.levels.is_empty() && self.means.is_empty() && self.max_age_s.is_none()
    }

    /// Whether a token meets it that names this level and these means, of a user who was authenticated so many seconds ago. What
    /// a token does not say is not met.
    #[must_use]
    pub fn is_met(&self, level: Option<&Stranger>, means: &[Stranger], age_s: Option<u64>) -> bool {
        let is_level = |level: &Stranger| self.levels.iter().any(|known| **known == *level.expose());
        let is_named = |wanted: &str| means.iter().any(|named| named.expose() == wanted);
        (self.levels.is_empty() || level.is_some_and(is_level))
            && self.means.iter().all(|wanted| is_named(wanted))
            && self.max_age_s.is_none_or(|most| age_s.is_some_and(|age| age <= most))
    }

    /// Whether every token that meets this meets `other`.
    #[must_use]
    pub fn is_at_least(&self, other: &Self) -> bool {
        let within = !self.levels.is_empty() && self.levels.iter().all(|level| other.levels.contains(level));
        (other.levels.is_empty() || within)
            && other.means.iter().all(|wanted| self.means.contains(wanted))
            && other.max_age_s.is_none_or(|most| self.max_age_s.is_some_and(|ours| ours <= most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn demand(levels: &[&str], means: &[&str], max_age_s: Option<u64>) -> Authentication {
        let boxed = |list: &[&str]| list.iter().map(|text| Box::from(*text)).collect();
        Authentication { levels: boxed(levels), means: boxed(means), max_age_s }
    }

    fn strangers(list: &[&str]) -> Vec<Stranger> {
        list.iter().map(|text| Stranger::new(*text)).collect()
    }

    #[test]
    fn one_of_the_levels_all_of_the_means_and_no_older_than_demanded() {
        let met = |demand: &Authentication, level: Option<&str>, means: &[&str], age: Option<u64>| {
            demand.is_met(level.map(Stranger::new).as_ref(), &strangers(means), age)
        };
        assert!(met(&Authentication::default(), None, &[], None));
        let levels = demand(&["high", "highest"], &[], None);
        assert!(met(&levels, Some("highest"), &[], None) && !met(&levels, Some("low"), &[], None));
        assert!(!met(&levels, None, &[], None), "what is not said is not met");
        let means = demand(&[], &["pwd", "otp"], None);
        assert!(met(&means, None, &["otp", "geo", "pwd"], None));
        assert!(!met(&means, None, &["otp"], None) && !met(&means, None, &[], None));
        let fresh = demand(&[], &[], Some(300));
        assert!(
            met(&fresh, None, &[], Some(300)) && !met(&fresh, None, &[], Some(301)) && !met(&fresh, None, &[], None)
        );
    }

    fn any_demand() -> impl Strategy<Value = Authentication> {
        let some = |of: &[&'static str]| prop::sample::subsequence(of.to_vec(), 0..=of.len());
        (some(&["a", "b", "c"]), some(&["x", "y"]), prop::option::of(1_u64..4))
            .prop_map(|(levels, means, age)| demand(&levels, &means, age))
    }

    proptest! {
        #[test]
        fn what_is_at_least_another_demand_is_met_by_no_token_that_does_not_meet_the_other(one in any_demand(), other in any_demand()) {
            let mut all = Vec::new();
            for level in [None, Some("a"), Some("b"), Some("c"), Some("d")] {
                for means in [&[][..], &["x"], &["y"], &["x", "y"]] {
                    for age in [None, Some(1), Some(2), Some(3), Some(4)] {
                        let level = level.map(Stranger::new);
                        let means = strangers(means);
                        all.push((one.is_met(level.as_ref(), &means, age), other.is_met(level.as_ref(), &means, age)));
                    }
                }
            }
            // Exactly: no token would tell them apart the other way round.
            prop_assert_eq!(one.is_at_least(&other), all.iter().all(|(ours, theirs)| !ours || *theirs));
        }
    }
}
