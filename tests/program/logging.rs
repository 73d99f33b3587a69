//! An output for the log that is full, closed or not read.

use std::{
    fs::File,
    io::{BufRead, BufReader, PipeReader, Read, Write, pipe},
    process::{Child, Stdio},
    thread::yield_now,
};

use tokio::time::Instant;

use super::{PATIENCE, folder, free_port, get, program};

/// What a pipe holds on Linux before a write to it blocks.
const PIPE: usize = 64 << 10;

/// The program with this output, and its address.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(stderr: impl Into<Stdio>) -> Self {
        let folder = folder(1);
        let address = format!("127.0.0.1:{}", free_port());
        let (_, port) = address.split_once(':').unwrap();
        let arguments =
            ["--kubeconfig=good", "--bind-address=127.0.0.1", "--secure-port", port, "--v=6"];
        let child = program(folder.path(), &arguments).stderr(stderr).spawn().unwrap();
        // It has read the files once it serves.
        let mut server = Self { child, address };
        server.answers();
        server
    }

    /// Waits until it answers a probe.
    fn answers(&mut self) {
        let end = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(&self.address).is_err() {
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended");
            assert!(Instant::now() < end, "it does not listen");
            yield_now();
        }
        assert_eq!(get(&self.address, "/livez"), "ok");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipe without space.
fn full_pipe() -> (PipeReader, Stdio) {
    let (reader, mut writer) = pipe().unwrap();
    writer.write_all(&vec![b'x'; PIPE]).unwrap();
    (reader, writer.into())
}

#[test]
fn a_full_disk_does_not_end_the_server() {
    let mut server = Server::start(File::options().write(true).open("/dev/full").unwrap());
    server.answers();
}

#[test]
fn a_closed_pipe_does_not_end_the_server() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut server = Server::start(writer);
    server.answers();
}

#[test]
fn a_pipe_that_is_not_read_does_not_stop_the_server() {
    let (mut reader, writer) = full_pipe();
    let mut server = Server::start(writer);
    server.answers();
    let mut filling = vec![0; PIPE];
    reader.read_exact(&mut filling).unwrap();
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"Serving securely\"")));
}
