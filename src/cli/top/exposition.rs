//! Reading the text format of Prometheus (version 0.0.4), as much of it as our own page uses: samples with labels, without
//! timestamps. What cannot be read is passed over: a view is no check.

use crate::cli::output::plain;
use std::collections::BTreeMap;

/// The samples of one page, in its order.
pub(super) struct Exposition {
    samples: Vec<Sample>,
}

/// One sample. Its labels are safe to show.
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

impl Exposition {
    /// Reads a page.
    pub(super) fn parse(page: &str) -> Self {
        let lines = page.lines().filter(|line| !line.starts_with('#'));
        Self { samples: lines.filter_map(sample).collect() }
    }

    /// The samples of this name.
    pub(super) fn of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of the samples of this name, of those that have this value of a label where one is given.
    pub(super) fn sum(&self, name: &str, label: Option<(&str, &str)>) -> f64 {
        let fits = |sample: &&Sample| label.is_none_or(|(name, value)| sample.label(name) == value);
        self.of(name).filter(fits).map(|sample| sample.value).sum()
    }

    /// The values of a label among the samples of this name, each once, in their order.
    pub(super) fn labels(&self, name: &str, label: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for value in self.samples.iter().filter(|sample| sample.name == name).map(|sample| sample.label(label)) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        found
    }

    /// The cumulative buckets of a histogram for one value of a label: upper bound and count, in order.
    pub(super) fn buckets(&self, name: &str, label: (&str, &str)) -> Vec<(f64, f64)> {
        let name = format!("{name}_bucket");
        let fits = |sample: &&Sample| sample.name == name && sample.label(label.0) == label.1;
        let bound = |sample: &Sample| match sample.label("le") {
            "+Inf" => Some((f64::INFINITY, sample.value)),
            bound => bound.parse().ok().map(|bound| (bound, sample.value)),
        };
        self.samples.iter().filter(fits).filter_map(bound).collect()
    }
}

impl Sample {
    /// The value of a label; empty where there is none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// One line: `name{label="value",…} number`.
fn sample(line: &str) -> Option<Sample> {
    let (name, rest) = line.split_once(['{', ' '])?;
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if line.get(name.len()..)?.starts_with('{') {
        loop {
            if let Some(after) = rest.strip_prefix('}') {
                rest = after.strip_prefix(' ')?;
                break;
            }
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(plain(label), plain(&value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
    }
    let value = rest.split(' ').next()?.parse::<f64>().ok().filter(|value| value.is_finite())?;
    Some(Sample { name: plain(name), labels, value })
}

/// A label's value up to its closing quotation mark, unescaped, and what comes behind.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a x\n# TYPE a counter\na 3\nb{x=\"1\"} 2\nb{x=\"2\",y=\"q\\\"\\\\\\n}, \"} 5\nbroken{x=\"1\nb{x=} 7\n\
                        h_bucket{s=\"t\",le=\"0.5\"} 1\nh_bucket{s=\"t\",le=\"+Inf\"} 2\nnan NaN\n\n";

    #[test]
    fn samples_are_found_by_name_and_label_and_what_is_broken_is_passed_over() {
        let page = Exposition::parse(PAGE);
        assert_eq!((page.sum("a", None), page.sum("b", None), page.sum("b", Some(("x", "2")))), (3.0, 7.0, 5.0));
        assert_eq!((page.sum("nan", None), page.of("broken").count()), (0.0, 0));
        assert_eq!(page.labels("b", "x"), ["1", "2"]);
        assert_eq!(page.buckets("h", ("s", "t")), [(0.5, 1.0), (f64::INFINITY, 2.0)]);
    }

    #[test]
    fn a_label_is_unescaped_as_the_format_says_and_then_safe_to_show() {
        let page = Exposition::parse(PAGE);
        assert_eq!(page.of("b").last().unwrap().label("y"), "q\"\\\\n}, ");
        let hostile = Exposition::parse("b{x=\"\u{1b}[2J\u{202e}\"} 1\n");
        assert_eq!(hostile.labels("b", "x"), ["\\u{1b}[2J\\u{202e}"]);
    }
}
