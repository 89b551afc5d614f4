//! Two periods of `retention` (ISO 8601, the part that contracts may use), and which is the longer.
//!
//! Weeks have seven days; how many days a month or a year has, depends on which one it is. So a period is a least and a most
//! number of days, and one is longer only if its least is more than the other's most.

/// Which of two periods is longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Order {
    /// The newer one, whichever months are meant.
    Longer,
    /// The older one.
    Shorter,
    /// They are one period in two spellings.
    Equal,
    /// It depends on the months and years, or cannot be counted.
    Unknown,
}

/// Days at least and at most, and the months and days that are written.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
struct Period {
    months: u64,
    days: u64,
}

/// How `new` stands to `old`.
pub(super) fn compare(old: &str, new: &str) -> Order {
    let (Some(old), Some(new)) = (read(old), read(new)) else { return Order::Unknown };
    if old == new {
        Order::Equal
    } else if new.least() > old.most() || new.months >= old.months && new.days >= old.days {
        Order::Longer
    } else if new.most() < old.least() || new.months <= old.months && new.days <= old.days {
        Order::Shorter
    } else {
        Order::Unknown
    }
}

impl Period {
    /// Any twelve months have at least 365 days, and any one at least 28.
    const fn least(self) -> u64 {
        let (years, months) = (self.months / 12, self.months % 12);
        years.saturating_mul(365).saturating_add(months.saturating_mul(28)).saturating_add(self.days)
    }

    const fn most(self) -> u64 {
        let (years, months) = (self.months / 12, self.months % 12);
        years.saturating_mul(366).saturating_add(months.saturating_mul(31)).saturating_add(self.days)
    }
}

/// Reads `P…` of years, months, weeks and days; `None` for what is none, or too large to be counted.
fn read(text: &str) -> Option<Period> {
    let mut period = Period::default();
    for part in text.strip_prefix('P')?.split_inclusive(['Y', 'M', 'W', 'D']) {
        let (digits, unit) = part.split_at_checked(part.len().checked_sub(1)?)?;
        let number: u64 = digits.parse().ok()?;
        let (months, days) = match unit {
            "Y" => (number.checked_mul(12)?, 0),
            "M" => (number, 0),
            "W" => (0, number.checked_mul(7)?),
            "D" => (0, number),
            _ => return None,
        };
        period.months = period.months.checked_add(months)?;
        period.days = period.days.checked_add(days)?;
    }
    Some(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_longer_only_if_it_is_so_in_every_month_and_year() {
        for (old, new, order) in [
            ("P30D", "P31D", Order::Longer),
            ("P30D", "P29D", Order::Shorter),
            ("P7D", "P1W", Order::Equal),
            ("P12M", "P1Y", Order::Equal),
            ("P1M", "P30D", Order::Unknown),
            ("P1M", "P31D", Order::Unknown),
            ("P1M", "P32D", Order::Longer),
            ("P1M", "P27D", Order::Shorter),
            ("P1M", "P28D", Order::Unknown),
            ("P1M", "P1M1D", Order::Longer),
            ("P1Y", "P365D", Order::Unknown),
            ("P1Y", "P367D", Order::Longer),
            ("P1Y1M", "P1Y", Order::Shorter),
            ("P1Y", "P11M4W", Order::Unknown),
            ("P18446744073709551616D", "P1D", Order::Unknown),
            ("P18446744073709551615Y", "P1D", Order::Unknown),
        ] {
            assert_eq!(compare(old, new), order, "{old} {new}");
        }
    }
}
