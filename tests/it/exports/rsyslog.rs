//! The real one: rsyslog with GnuTLS takes records over TLS, through restarts of either side.

use super::*;
use crate::harness::Process;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Child;
use std::process::Stdio;

/// An rsyslogd of our own: its own configuration, port, folder and process; ended by its id.
struct Rsyslog {
    folder: PathBuf,
    /// Where it listens, once it has.
    address: Option<SocketAddr>,
    running: Option<Child>,
}

impl Rsyslog {
    /// What it is told, in its own words. The port is the system's choice at first, and then stays.
    fn new(stage: &Stage) -> Self {
        let folder = stage.path("rsyslog");
        fs::create_dir(&folder).unwrap();
        let rsyslog = Self { folder, address: None, running: None };
        rsyslog.configure(stage, 0);
        rsyslog
    }

    fn configure(&self, stage: &Stage, port: u16) {
        let (folder, pki) = (self.folder.display(), stage.path("pki"));
        let pki = pki.display();
        let text = format!(
            r#"global(workDirectory="{folder}" maxMessageSize="64k" defaultNetstreamDriverCAFile="{pki}/partner-authority.pem"
                defaultNetstreamDriverCertFile="{pki}/partner.pem" defaultNetstreamDriverKeyFile="{pki}/partner.key")
            module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
            input(type="imtcp" address="127.0.0.1" port="{port}" listenPortFileName="{folder}/port")
            template(name="raw" type="string" string="%rawmsg%\n")
            action(type="omfile" file="{folder}/received" template="raw" asyncWriting="off" flushOnTXEnd="on")
            "#
        );
        fs::write(self.folder.join("rsyslog.conf"), text).unwrap();
    }

    /// Starts it, and gives its port.
    fn start(&mut self) -> SocketAddr {
        let port = self.folder.join("port");
        let _ = fs::remove_file(&port);
        let mut command = std::process::Command::new("rsyslogd");
        command.arg("-n").arg("-f").arg(self.folder.join("rsyslog.conf")).arg("-i").arg(self.folder.join("pid"));
        let said = fs::File::create(self.folder.join("said")).unwrap();
        self.running = Some(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).spawn().unwrap());
        // It tells the port only where the system chose it.
        let written = || fs::read_to_string(&port).ok()?.trim().parse::<u16>().ok();
        let known = self.address;
        until("rsyslog listens", || match known {
            Some(address) => TcpStream::connect(address).is_ok(),
            None => written().is_some(),
        });
        // Else it would listen without what it cannot read, and turn away whoever comes.
        let said = fs::read_to_string(self.folder.join("said")).unwrap();
        assert!(known.is_some() || said.is_empty(), "{said}");
        self.address = known.or_else(|| Some(SocketAddr::from(([127, 0, 0, 1], written()?))));
        self.address.unwrap()
    }

    /// Ends it as an administrator does, and waits for its end.
    fn stop(&mut self) {
        let mut child = self.running.take().unwrap();
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success());
    }

    fn received(&self) -> String {
        fs::read_to_string(self.folder.join("received")).unwrap_or_default()
    }
}

impl Drop for Rsyslog {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn rsyslog_has_every_record_through_restarts_of_either_side_and_twice_only_whole_batches() {
    let stage = Stage::new();
    let mut rsyslog = Rsyslog::new(&stage);
    let address = rsyslog.start();
    rsyslog.configure(&stage, address.port());
    exporting(&stage, &[to_syslog("siem", address, "rfc5424")]);

    let gateway = Process::on(&stage);
    commands(&stage, gateway.address, 10);
    caught_up(&stage, gateway.ops, "siem");
    let (before, sizes) = (rsyslog.received().lines().count(), leaves(&stage).len());
    assert!(before > sizes, "records, and a checkpoint for each batch");

    // The gateway is killed under load, twice; the second time with rsyslog down.
    commands(&stage, gateway.address, 10);
    gateway.kill();
    let gateway = Process::on(&stage);
    commands(&stage, gateway.address, 10);
    rsyslog.stop();
    commands(&stage, gateway.address, 10);
    until("it is missed", || stand(gateway.ops, "siem")["last_failure"]["fault"] == "refused");
    gateway.kill();
    let gateway = Process::on(&stage);
    commands(&stage, gateway.address, 10);
    let again = rsyslog.start();
    assert_eq!(again, address);
    caught_up(&stage, gateway.ops, "siem");

    // It is stopped and started while records come.
    for _ in 0..2 {
        commands(&stage, gateway.address, 3);
        rsyslog.stop();
        commands(&stage, gateway.address, 3);
        rsyslog.start();
    }
    caught_up(&stage, gateway.ops, "siem");
    gateway.terminate();
    assert!(gateway.ended().0.success());
    let gateway = Process::on(&stage);
    caught_up(&stage, gateway.ops, "siem");
    rsyslog.stop();
    let received = rsyslog.received();
    assert!(!received.contains('\u{fffd}'));
    let batches = batches_of_messages(received.lines());
    is_the_whole_log(&stage, &batches);
    assert!(leaves(&stage).len() > 100);
    let longest = batches.iter().map(|batch| batch.records.len()).max().unwrap();
    // Each end of a gateway and of rsyslog may have made one batch come again.
    assert!(repeated(&batches) <= 6 * longest, "{} records of batches of {longest}", repeated(&batches));
}
