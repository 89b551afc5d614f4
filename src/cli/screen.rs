//! A screen that is drawn again and again: the terminal's second page, which is left as it was found; or, where no terminal
//! is, frames one after the other.
//!
//! ANSI sequences (ECMA-48, and DEC's private modes 25 and 1049) and nothing more. The only ones that are written are those
//! of this file: frames hold no control characters but line feeds, and whatever else they hold, [`plain`] has passed it.
//!
//! [`plain`]: crate::cli::output::plain

use crate::cli::output::say;
use crate::diagnostic::Diagnostic;
use crate::diagnostic::Diagnostics;
use std::io::IsTerminal;
use std::time::Duration;
use terminal_size::Height;
use terminal_size::Width;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// The second page, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
/// The first page again, as it was, with its cursor.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// The upper left corner, and nothing from there on.
const CLEAR: &str = "\x1b[H\x1b[J";
/// Nothing from here to the end of the line.
const CLEAR_LINE: &str = "\x1b[K";

/// Where frames go, until it is dropped.
pub(super) struct Screen {
    drawn: bool,
}

impl Screen {
    /// The terminal's second page if standard output is a terminal and `draw` says so; else frames follow one another.
    pub(super) fn open(draw: bool) -> Self {
        let drawn = draw && std::io::stdout().is_terminal();
        if drawn {
            say(ENTER);
        }
        Self { drawn }
    }

    /// Shows a frame, of which a terminal takes as much as fits.
    pub(super) fn show(&self, frame: &str) {
        if self.drawn {
            let (width, height) = terminal_size::terminal_size().map_or((80, 24), |(Width(w), Height(h))| (w, h));
            say(&format!("{CLEAR}{}", cut(frame, usize::from(width), usize::from(height))));
        } else {
            say(frame);
            say("\n");
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if self.drawn {
            say(LEAVE);
        }
    }
}

/// How many columns the terminal has that standard output is; `None` where it is none.
pub(super) fn width() -> Option<usize> {
    let is_terminal = std::io::stdout().is_terminal();
    terminal_size::terminal_size().filter(|_| is_terminal).map(|(Width(width), _)| usize::from(width))
}

/// Does `work` now and then each `period`, until Ctrl-C or SIGTERM, which end it in order.
///
/// # Errors
/// The system gives no runtime or no signals.
pub(super) fn repeat(period: Duration, mut work: impl FnMut()) -> Result<(), Diagnostics> {
    repeat_while(period, || {
        work();
        true
    })
}

/// The same, and ends too when `work` says `false`.
///
/// # Errors
/// As [`repeat`].
pub(super) fn repeat_while(period: Duration, mut work: impl FnMut() -> bool) -> Result<(), Diagnostics> {
    let unable =
        |error: std::io::Error| Diagnostic::without_file("no-runtime", format!("it cannot be repeated: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unable)?;
    runtime.block_on(async {
        let mut interrupted = signal(SignalKind::interrupt()).map_err(unable)?;
        let mut terminated = signal(SignalKind::terminate()).map_err(unable)?;
        loop {
            if !work() {
                return Ok(());
            }
            tokio::select! {
                _ = interrupted.recv() => return Ok(()),
                _ = terminated.recv() => return Ok(()),
                () = tokio::time::sleep(period) => {}
            }
        }
    })
}

/// The part of a frame that fits; the last line without a line feed, which would scroll.
fn cut(frame: &str, width: usize, height: usize) -> String {
    let lines = frame.lines().take(height).map(|line| {
        let fits: String = line.chars().take(width).collect();
        // A line that is full has nothing behind it to clear, and the sequence would take its last character.
        if fits.chars().count() < width { fits + CLEAR_LINE } else { fits }
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_cut_to_the_terminal_and_does_not_scroll_it() {
        assert_eq!(cut("ab\nabc\nabcd\nx\n", 3, 3), format!("ab{CLEAR_LINE}\r\nabc\r\nabc"));
        assert_eq!(cut("", 3, 3), "");
        assert_eq!(cut("дверь", 2, 1), "дв");
    }
}
