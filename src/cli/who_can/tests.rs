//! Who may do what by the sample, word for word; and what is asked for wrongly.

use super::*;
use crate::crypto::install_provider;
use crate::workbench::Condition;
use clap::Parser;
use std::fs;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What is asked of the sample, as it is typed behind the command's name.
const ASKED: &[&str] = &[
    "openDoor Door:house-1/door-1",
    "readEvents House:house-2",
    "openBarrier Barrier:house-1/gate-1",
    "reportAccessRefused Door:house-1/door-1",
    "--role resident",
    "--role visitor",
    "--as backend",
    "--as backend=spiffe://prop.example/other",
    "--as partner",
];

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn parsed(words: &str) -> Arguments {
    let sample = [format!("--bundle={ROOT}/policies"), format!("--directory={ROOT}/directory.yaml")];
    let words = std::iter::once("who-can").chain(words.split(' ')).map(str::to_owned).chain(sample);
    Line::try_parse_from(words).unwrap_or_else(|fault| panic!("{fault}")).arguments
}

#[test]
fn every_answer_is_word_for_word_the_golden_one_and_json_says_the_same() {
    install_provider().unwrap();
    let mut wanted = String::new();
    for words in ASKED {
        let Told { question, answers } = told(&parsed(words)).unwrap();
        let _ = write!(wanted, "=== who-can {words}\n{}\n", text(&question, &answers));
        let json: serde_json::Value = serde_json::from_str(&json(&question, &answers)).unwrap();
        assert_eq!(json["answers"].as_array().unwrap().len(), answers.len());
        for (told, answer) in json["answers"].as_array().unwrap().iter().zip(&answers) {
            assert_eq!(told["possible"], answer.is_possible());
            assert_eq!(told["permits"].as_array().unwrap().len(), answer.permits.len());
        }
    }
    let path = Path::new(ROOT).join("tests/it/golden/who-can.txt");
    if std::env::var_os("GOLDEN").is_some_and(|word| word == "rewrite") {
        fs::write(&path, &wanted).unwrap();
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(wanted, golden, "`GOLDEN=rewrite cargo test --lib cli::who_can` writes the file anew");
}

#[test]
fn what_is_not_there_is_told_with_what_there_is() {
    install_provider().unwrap();
    let fault = |words: &str| told(&parsed(words)).map(|_| ()).unwrap_err().to_string();
    let unknown = fault("openDor Door:house-1/door-1");
    assert!(unknown.contains("nothing asks for the action `openDor`"), "{unknown}");
    assert!(unknown.contains("did you mean `openDoor`?"), "{unknown}");
    let nowhere = fault("openDoor Door:house-1/door-9");
    assert!(nowhere.contains("the directory knows no `Door house-1/door-9`"), "{nowhere}");
    let line = |words: &str| Line::try_parse_from(std::iter::once("who-can").chain(words.split(' '))).is_ok();
    assert!(line("--role resident") && line("openDoor Door:a/b") && line("--as partner"));
    for wrong in
        ["openDoor", "openDoor Door", "openDoor Door:a//b", "--role a --as partner", "--as someone", "--as backend="]
    {
        assert!(!line(wrong), "{wrong}");
    }
    assert!(!line("openDoor Door:a/b --role resident"));
}

#[test]
fn what_others_wrote_moves_no_cursor_and_turns_no_line() {
    let hostile = "\u{1b}[2J\r\n\u{202e}<script>";
    let word = || hostile.to_owned();
    let residual = || Residual {
        policy: word(),
        reason: word(),
        who: word(),
        conditions: vec![Condition { text: word(), origins: vec!["token"] }],
    };
    let possible = Possible {
        action: word(),
        operation: word(),
        partner: word(),
        on: word(),
        permits: vec![residual()],
        forbids: vec![residual()],
        besides: vec![word()],
        never: None,
    };
    let never = Possible { never: Some(word()), ..possible.clone() };
    let answers = [possible, never];
    for told in [text(hostile, &answers), json(hostile, &answers)] {
        assert!(!told.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{told:?}");
    }
}
