//! The shipped service and the example of the documentation, before the conformance test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sevorix_verdict::conformance::{Report, check};

/// A service that runs until the test ends.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts it and waits until it says on `stderr` that it listens.
fn started(command: &mut Command) -> Service {
    let mut child = command.stderr(Stdio::piped()).spawn().expect("started");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut first = String::new();
    stderr.read_line(&mut first).expect("a line");
    let service = Service(child);
    assert!(first.starts_with("listening on "), "{first}");
    // it must not be stopped by a pipe that nobody reads
    std::thread::spawn(move || stderr.read_to_end(&mut Vec::new()));
    service
}

fn conforms(command: &mut Command, socket: &Path) -> Report {
    let _service = started(command);
    let report = check(socket, Duration::from_secs(30)).expect("connected");
    for case in &report.cases {
        assert_eq!(case.wrong, None, "{}", case.name);
    }
    assert!(report.conforms() && report.cases.len() >= 25);
    report
}

#[test]
fn the_shipped_service_conforms() {
    let folder = tempfile::tempdir().expect("tempdir");
    let socket = folder.path().join("slm.sock");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sevorix-slm"));
    let report = conforms(command.arg("serve").arg("--socket").arg(&socket), &socket);
    let sample = report.sample.expect("an answer");
    assert_eq!(
        (sample.verdict, sample.jurors),
        (sevorix_verdict::Decided::Allow, 1)
    );
}

#[test]
fn the_example_of_the_documentation_conforms_and_is_short() {
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples/verdict_service.py");
    let text = std::fs::read_to_string(&script).expect("the example");
    assert!(text.lines().count() <= 60, "{} lines", text.lines().count());
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no python3 here, so the example was not tried");
        return;
    }
    let folder = tempfile::tempdir().expect("tempdir");
    let socket = folder.path().join("slm.sock");
    conforms(Command::new("python3").arg(&script).arg(&socket), &socket);
}

#[test]
fn a_socket_in_use_or_in_no_folder_is_an_error_with_a_hint() {
    let folder = tempfile::tempdir().expect("tempdir");
    let socket = folder.path().join("slm.sock");
    let serve = |path: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sevorix-slm"));
        command.arg("serve").arg("--socket").arg(path);
        command
    };
    let _service = started(&mut serve(&socket));
    for path in [socket, folder.path().join("none/slm.sock")] {
        let output = serve(&path).output().expect("run");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(
            told.contains("error: ") && told.contains("hint: ") && told.contains("slm.sock"),
            "{told}"
        );
    }
}
