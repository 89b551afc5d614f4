//! The story: chapters, and steps that did what they should or did not.

use crate::cli::output::say;

/// What a step showed: what to tell of it, or what happened in its stead.
pub(super) type Shown = Result<String, String>;

/// Columns that the name of a step takes.
const NAME_WIDTH: usize = 36;

/// A story while it is told.
pub(super) struct Story {
    steps: usize,
    failed: usize,
}

impl Story {
    /// Tells what it is about.
    pub(super) fn begin(introduction: &str) -> Self {
        say(introduction);
        Self { steps: 0, failed: 0 }
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, title: &str) {
        say(&format!("\n{title}\n"));
    }

    /// Tells a step.
    pub(super) fn tell(&mut self, name: &str, shown: Shown) {
        self.steps += 1;
        if shown.is_err() {
            self.failed += 1;
        }
        say(&line(name, &shown));
    }

    /// Ends; whether every step did what it should.
    pub(super) fn end(self) -> bool {
        let (steps, failed) = (self.steps, self.failed);
        say(&match failed {
            0 => format!("\nAll {steps} steps did what they should.\n"),
            _ => format!("\n{failed} of {steps} steps did NOT do what they should.\n"),
        });
        failed == 0
    }
}

fn line(name: &str, shown: &Shown) -> String {
    match shown {
        Ok(told) => format!("  ok    {name:NAME_WIDTH$} {told}\n"),
        Err(instead) => format!("  FAIL  {name:NAME_WIDTH$} {instead}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_ends_well_only_if_every_step_did() {
        let mut story = Story::begin("");
        story.tell("a", Ok("as it should".to_owned()));
        assert!(story.end());
        let mut story = Story::begin("");
        story.tell("a", Err("otherwise".to_owned()));
        story.tell("b", Ok("as it should".to_owned()));
        assert!(!story.end());
    }

    #[test]
    fn a_step_says_how_it_went_before_all_else() {
        assert!(line("a", &Ok("b".to_owned())).starts_with("  ok    a "));
        assert!(line("a", &Err("c".to_owned())).starts_with("  FAIL  a "));
    }
}
