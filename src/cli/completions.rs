//! `portcullis completions`: what a shell needs to complete commands and options, from the same list as `--help`.

use crate::cli::entry;
use crate::cli::output::Ending;
use crate::cli::output::say;
use crate::diagnostic::Diagnostics;
use clap::Args;
use clap::ValueEnum;
use clap_complete::Shell;

/// Writes a completion script for a shell to standard output.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  portcullis completions bash > /usr/share/bash-completion/completions/portcullis\n  \
                  portcullis completions zsh > /usr/share/zsh/vendor-completions/_portcullis\n  \
                  portcullis completions fish > /usr/share/fish/vendor_completions.d/portcullis.fish"
)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Known,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Known {
    /// GNU Bash
    Bash,
    /// Z shell
    Zsh,
    /// fish
    Fish,
}

impl From<Known> for Shell {
    fn from(shell: Known) -> Self {
        match shell {
            Known::Bash => Self::Bash,
            Known::Zsh => Self::Zsh,
            Known::Fish => Self::Fish,
        }
    }
}

pub(super) fn execute(arguments: &Arguments) -> Result<Ending, Diagnostics> {
    say(&script(arguments.shell));
    Ok(Ending::Done)
}

fn script(shell: Known) -> String {
    let mut script = Vec::new();
    clap_complete::generate(Shell::from(shell), &mut entry::line(), entry::NAME, &mut script);
    String::from_utf8(script).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_each_shell_knows_every_command_and_its_options() {
        for shell in Known::value_variants() {
            let script = script(*shell);
            for command in entry::line().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell:?}: {}", command.get_name());
                for option in command.get_arguments().filter_map(clap::Arg::get_long) {
                    assert!(script.contains(option), "{shell:?}: {} --{option}", command.get_name());
                }
            }
        }
    }
}
