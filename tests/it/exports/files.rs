//! Files, and a gateway that is killed in between.

use super::*;
use crate::harness::Process;
use crate::harness::Served;

#[test]
fn a_file_has_every_record_whenever_the_gateway_is_killed_and_no_half_line() {
    let stage = Stage::new();
    exporting(&stage, &[to_file("archive", "state/archive.jsonl", "jsonl")]);
    let archive = stage.path("state/archive.jsonl");
    let length = || fs::metadata(&archive).map_or(0, |metadata| metadata.len());
    for round in 0..4 {
        let gateway = Process::on(&stage);
        let before = length();
        commands(&stage, gateway.address, 2);
        // In the second round and the fourth as soon as anything of it is there: the place is perhaps not kept yet.
        if round % 2 == 1 {
            until("a batch is there", || length() > before);
        }
        gateway.kill();
    }
    // As a crash of the machine may leave it.
    let half = b"{\"log\":{\"origin\":\"gateway.pr";
    fs::OpenOptions::new()
        .append(true)
        .open(&archive)
        .map(|mut file| std::io::Write::write_all(&mut file, half))
        .unwrap()
        .unwrap();
    let gateway = Served::on(&stage);
    caught_up(&stage, gateway.ops, "archive");
    let batches = batches_of_lines(&fs::read_to_string(&archive).unwrap());
    is_the_whole_log(&stage, &batches);
    // At most one batch for each time that it was killed.
    let longest = batches.iter().map(|batch| batch.records.len()).max().unwrap();
    assert!(repeated(&batches) <= 4 * longest, "{} of {longest}", repeated(&batches));
}

#[test]
fn a_place_that_cannot_be_read_is_a_fault_of_the_start_and_one_of_another_log_holds_its_destination() {
    let stage = Stage::new();
    exporting(&stage, &[to_file("archive", "state/archive.cef", "cef")]);
    let place = stage.path("state/audit/exports/archive.cursor");
    fs::create_dir(stage.path("state/audit/exports")).unwrap();
    fs::write(&place, "no place").unwrap();
    let refused = Served::try_on(&stage).err().unwrap();
    assert!(refused.to_string().contains("archive.cursor"), "{refused}");
    for (text, fault) in [("1:5:0\n", "place-astray"), ("7:100:4\n", "segment-gone")] {
        fs::write(&place, text).unwrap();
        let gateway = Served::on(&stage);
        commands(&stage, gateway.address, 3);
        until("the fault is told", || stand(gateway.ops, "archive")["last_failure"]["fault"] == fault);
        assert!(!stage.path("state/archive.cef").exists());
        drop(gateway);
        assert_eq!(fs::read_to_string(&place).unwrap(), text, "the place stays");
    }
    fs::remove_file(&place).unwrap();
    let gateway = Served::on(&stage);
    caught_up(&stage, gateway.ops, "archive");
    let lines = fs::read_to_string(stage.path("state/archive.cef")).unwrap();
    let records = lines.lines().filter(|line| !line.contains("|checkpoint|")).count();
    assert_eq!(records, leaves(&stage).len(), "from the oldest record on");
}

#[test]
fn a_file_that_logrotate_moves_away_is_begun_anew_and_a_full_disk_loses_nothing() {
    let stage = Stage::new();
    exporting(&stage, &[to_file("archive", "state/archive.jsonl", "jsonl")]);
    let [path, moved] = ["state/archive.jsonl", "state/archive.jsonl.1"].map(|name| stage.path(name));
    let gateway = Served::on(&stage);
    commands(&stage, gateway.address, 3);
    caught_up(&stage, gateway.ops, "archive");
    fs::rename(&path, &moved).unwrap();
    commands(&stage, gateway.address, 3);
    caught_up(&stage, gateway.ops, "archive");
    // `/dev/full` takes no byte: ENOSPC, as a full disk says.
    let second = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    commands(&stage, gateway.address, 3);
    until("the fault is told", || stand(gateway.ops, "archive")["last_failure"]["fault"] == "file");
    fs::remove_file(&path).unwrap();
    caught_up(&stage, gateway.ops, "archive");
    let all = [fs::read_to_string(&moved).unwrap(), second, fs::read_to_string(&path).unwrap()].concat();
    let batches = batches_of_lines(&all);
    is_the_whole_log(&stage, &batches);
    assert_eq!(repeated(&batches), 0);
}
