//! From the words that were typed to the command, and from its ending to the exit code.

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;

use crate::cli::approve;
use crate::cli::audit;
use crate::cli::backup;
use crate::cli::certs;
use crate::cli::check;
use crate::cli::completions;
use crate::cli::config;
use crate::cli::contract;
use crate::cli::coverage;
use crate::cli::demo;
use crate::cli::diff;
use crate::cli::expiries;
use crate::cli::explain;
use crate::cli::init;
use crate::cli::keys;
use crate::cli::lift;
use crate::cli::man;
use crate::cli::mutate;
use crate::cli::new;
use crate::cli::output::Ending;
use crate::cli::output::complain;
use crate::cli::panics;
use crate::cli::restore;
use crate::cli::revocations;
use crate::cli::revoke;
use crate::cli::run;
use crate::cli::schema;
use crate::cli::status;
use crate::cli::store;
use crate::cli::test;
use crate::cli::token;
use crate::cli::top;
use crate::cli::verify;
use crate::cli::version;
use crate::cli::who_can;
use crate::diagnostic::Diagnostic;

/// A policy enforcement gateway: nothing crosses it that is not authenticated, declared, permitted and on record.
#[derive(Parser)]
#[command(name = NAME, version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(
    after_help = "Examples:\n  portcullis demo\n  portcullis run --config gateway.yaml\n\nExit codes: 0 done, 1 found something wrong, 2 could not run."
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Run(run::Arguments),
    Revoke(revoke::Arguments),
    Status(status::Arguments),
    Top(top::Arguments),
    Expiries(expiries::Arguments),
    Keys(keys::Arguments),
    Check(check::Arguments),
    Test(test::Arguments),
    Explain(explain::Arguments),
    WhoCan(who_can::Arguments),
    Init(init::Arguments),
    New(new::Arguments),
    Schema(schema::Arguments),
    Coverage(coverage::Arguments),
    Mutate(mutate::Arguments),
    Diff(diff::Arguments),
    Approve(approve::Arguments),
    Verify(verify::Arguments),
    Audit(audit::Arguments),
    Config(config::Arguments),
    Contract(contract::Arguments),
    Token(token::Arguments),
    Certs(certs::Arguments),
    Backup(backup::Arguments),
    Restore(restore::Arguments),
    Store(store::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Lift(lift::Arguments),
    Revocations(revocations::Arguments),
    Version(version::Arguments),
}

/// The program's name.
pub(super) const NAME: &str = "portcullis";

/// The whole command line, as the one list from which help, completions and manual pages are made.
pub(super) fn line() -> clap::Command {
    Line::command()
}

/// Does what the process was called for.
#[must_use]
pub fn main() -> ExitCode {
    panics::tell_the_place_alone();
    // A panic has told its place by then; the way out is that of whatever could not run.
    std::panic::catch_unwind(AssertUnwindSafe(|| obey(std::env::args_os()))).unwrap_or(Ending::CouldNotRun).into()
}

/// Tells what keeps the process from doing anything.
#[must_use]
pub fn refuse_to_start(why: &dyn std::error::Error) -> ExitCode {
    complain(&Diagnostic::without_file("cannot-start", why.to_string()).into());
    Ending::CouldNotRun.into()
}

/// Runs the command that `words` spell; the first is the program's own name.
fn obey(words: impl IntoIterator<Item = OsString>) -> Ending {
    let line = match Line::try_parse_from(words) {
        Ok(line) => line,
        Err(told) => {
            let _ = told.print();
            return ending_of(&told);
        }
    };
    let ending = match line.command {
        Command::Demo(arguments) => demo::execute(&arguments),
        Command::Run(arguments) => run::execute(&arguments),
        Command::Revoke(arguments) => revoke::execute(&arguments),
        Command::Status(arguments) => status::execute(&arguments),
        Command::Top(arguments) => top::execute(&arguments),
        Command::Expiries(arguments) => expiries::execute(&arguments),
        Command::Keys(arguments) => keys::execute(&arguments),
        Command::Check(arguments) => check::execute(&arguments),
        Command::Test(arguments) => test::execute(&arguments),
        Command::Explain(arguments) => explain::execute(&arguments),
        Command::WhoCan(arguments) => who_can::execute(&arguments),
        Command::Diff(arguments) => diff::execute(&arguments),
        Command::Approve(arguments) => approve::execute(&arguments),
        Command::Verify(arguments) => verify::execute(&arguments),
        Command::Audit(arguments) => audit::execute(&arguments),
        Command::Backup(arguments) => backup::execute(&arguments),
        Command::Restore(arguments) => restore::execute(&arguments),
        Command::Store(arguments) => store::execute(&arguments),
        Command::Init(arguments) => init::execute(&arguments),
        Command::New(arguments) => new::execute(&arguments),
        Command::Schema(arguments) => schema::execute(&arguments),
        Command::Coverage(arguments) => coverage::execute(&arguments),
        Command::Mutate(arguments) => mutate::execute(&arguments),
        Command::Config(arguments) => config::execute(&arguments),
        Command::Contract(arguments) => contract::execute(&arguments),
        Command::Token(arguments) => token::execute(&arguments),
        Command::Certs(arguments) => certs::execute(&arguments),
        Command::Completions(arguments) => completions::execute(&arguments),
        Command::Man(arguments) => man::execute(&arguments),
        Command::Lift(arguments) => lift::execute(&arguments),
        Command::Revocations(arguments) => revocations::execute(&arguments),
        Command::Version(arguments) => version::execute(&arguments),
    };
    ending.unwrap_or_else(|diagnostics| {
        complain(&diagnostics);
        Ending::CouldNotRun
    })
}

/// Help and version are told in place of a command, as faults are.
fn ending_of(told: &clap::Error) -> Ending {
    if told.use_stderr() { Ending::CouldNotRun } else { Ending::Done }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a line ends that is told something instead of run.
    fn told(line: &str) -> Ending {
        Line::try_parse_from(line.split(' ')).err().map(|told| ending_of(&told)).unwrap()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn the_help_of_each_command_has_an_example_that_parses() {
        fn helps(command: &mut clap::Command) -> Vec<String> {
            let own = command.render_long_help().to_string();
            std::iter::once(own).chain(command.get_subcommands_mut().flat_map(helps)).collect()
        }
        for help in helps(&mut Line::command()) {
            let (_, examples) = help.split_once("Example").unwrap_or_else(|| panic!("no example in: {help}"));
            let commands: Vec<&str> =
                examples.lines().filter_map(|line| line.split_once("portcullis ")).map(|(_, rest)| rest).collect();
            assert!(!commands.is_empty(), "{help}");
            for command in commands {
                let command = command.split(" > ").next().unwrap_or_default();
                let words = std::iter::once("portcullis").chain(command.split_whitespace());
                assert!(Line::try_parse_from(words).is_ok(), "does not parse: portcullis {command}");
            }
        }
    }

    /// A command and those below it as `docs/commands.md` tells them.
    fn documented(command: &clap::Command, before: &str, out: &mut String) {
        let name = format!("{before}{}", command.get_name());
        let text = |styled: Option<&clap::builder::StyledStr>| styled.map(ToString::to_string).unwrap_or_default();
        let about = text(command.get_long_about().or(command.get_about()));
        out.push_str(&format!("## `{name}`\n\n{}\n", about.replace("\n\n", "\n").replace('\n', "\n\n")));
        let arguments: Vec<_> = command.get_arguments().filter(|one| one.get_id() != "help").collect();
        if !arguments.is_empty() {
            out.push_str("\n| | |\n|---|---|\n");
        }
        for argument in arguments {
            let help = text(argument.get_long_help().or(argument.get_help()));
            let words =
                argument.get_possible_values().iter().map(|word| format!("`{}`", word.get_name())).collect::<Vec<_>>();
            let takes =
                if argument.get_num_args().is_some_and(|count| count.takes_values()) { words } else { Vec::new() };
            let takes = if takes.is_empty() { String::new() } else { format!(": {}", takes.join(", ")) };
            let help = help.replace("\n\n", " ").replace('|', "\\|");
            out.push_str(&format!("| `{}` | {help}{takes} |\n", argument.to_string().replace('|', "\\|")));
        }
        let examples = text(command.get_after_help());
        let lines = examples.lines().filter(|line| line.contains("portcullis "));
        let lines = lines.map(|line| format!("- `{}`\n", line.trim())).collect::<String>();
        out.push_str(&format!("\nFor instance\n\n{lines}\n"));
        command.get_subcommands().for_each(|below| documented(below, &format!("{name} "), out));
    }

    #[test]
    fn the_page_of_commands_is_what_the_commands_say_of_themselves() {
        let mut line = line();
        line.build();
        let mut wanted = String::new();
        line.get_subcommands()
            .filter(|one| one.get_name() != "help")
            .for_each(|one| documented(one, "portcullis ", &mut wanted));
        let page = include_str!("../../docs/commands.md");
        let (_, told) = page.split_once("\n## ").unwrap_or_default();
        assert_eq!(format!("## {}", told.trim_end()), wanted.trim_end(), "write it so:\n{wanted}");
    }

    #[test]
    fn what_is_unknown_or_missing_could_not_run() {
        for line in [
            "portcullis",
            "portcullis open-sesame",
            "portcullis --verbose",
            "portcullis help",
            "portcullis version --format yaml",
            "portcullis version --long",
            "portcullis version now",
            "portcullis run",
            "portcullis run gateway.yaml",
        ] {
            assert_eq!(told(line), Ending::CouldNotRun, "{line}");
        }
    }

    #[test]
    fn help_and_version_are_no_faults() {
        for line in ["portcullis --help", "portcullis --version", "portcullis revoke --help", "portcullis version -h"] {
            assert_eq!(told(line), Ending::Done, "{line}");
        }
    }
}
