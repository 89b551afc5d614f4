//! What a comparison says, in words: for whoever signs, and for the screen.
//!
//! Texts of files are shown as plain text: no control character, nothing that turns a line around.

use crate::diagnostic::plain;
use crate::model::Difference;
use crate::model::Rating;
use crate::workbench::compare::Comparison;
use crate::workbench::compare::Verdict;

/// The longest text of a file that one line shows, in characters.
const MAX_SHOWN_CHARS: usize = 160;

impl Comparison {
    /// What the newer bundle comes to, in one sentence each: for the screen's first lines, and for who is about to sign.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let unshown = |id: &String| format!("The policy {} changed, and that is not shown by the tests.", shown(id));
        self.sentences().into_iter().chain(self.unshown.iter().map(unshown)).collect()
    }

    /// The summary without the policies that no test shows, in words of our own alone.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let [wider, underived, narrower, neutral] = Rating::ALL.map(|rating| self.count(rating));
        let mut lines = vec![match self.verdict() {
            Verdict::Wider => "More may cross, or more may be done, than before.".to_owned(),
            Verdict::NotShown => {
                "Nothing widens as far as is derived, and a policy changed that no test shows.".to_owned()
            }
            Verdict::Narrower if self.old == self.new => "It is the same bundle.".to_owned(),
            Verdict::Narrower => "Nothing widens, and the tests show every policy that changed.".to_owned(),
        }];
        lines.push(format!(
            "{wider} widen, {underived} count as wider because nothing was derived, {narrower} narrow, {neutral} are neutral."
        ));
        let table = self.table;
        let beyond =
            if table.left_out == 0 { String::new() } else { format!("; {} more were not played", table.left_out) };
        lines.push(format!("{} cases were played on both, {} come out otherwise{beyond}.", table.rows, table.changed));
        lines
    }

    /// The summary and every difference that is not neutral, as lines of plain text.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let told = self.differences.iter().filter(|one| one.rating != Rating::Neutral);
        self.summary().into_iter().chain(told.map(line)).collect()
    }
}

/// One difference in one line.
#[must_use]
pub fn line(one: &Difference) -> String {
    let place = one.place.iter().map(|step| shown(step)).collect::<Vec<_>>().join(", ");
    let (old, new) = (one.old.as_deref().map(shown), one.new.as_deref().map(shown));
    let change = match (old, new) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (Some(old), None) => format!("gone: {old}"),
        (None, Some(new)) => format!("new: {new}"),
        (None, None) => String::new(),
    };
    let example = one.example.as_deref().map(|text| format!(" For instance {}.", shown(text))).unwrap_or_default();
    format!("{}: {place}: {} {change}: {}.{example}", one.rating.word(), one.kind.word(), one.meaning)
}

/// A text of a file on one line.
fn shown(text: &str) -> String {
    let text = plain(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
