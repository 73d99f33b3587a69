//! Writes log lines on a thread of its own, so that an output that is full, closed or not read
//! neither blocks nor ends the program.

use std::{
    collections::VecDeque,
    io::{self, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

/// Bytes of lines that wait to be written: some 5,000 lines, more than one cycle over thousands of
/// failing nodes logs.
const QUEUE_BYTES: usize = 1 << 20;

/// Takes lines at any time, and writes them one after the other.
#[derive(Clone)]
pub struct LineWriter(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    limit: usize,
    changed: Condvar,
    dropped: Box<dyn Fn(u64) + Send + Sync>,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    bytes: usize,
    /// A line has been taken out and is being written.
    writing: bool,
    /// Lines dropped since the last report.
    unreported: u64,
}

// === impl LineWriter ===

impl LineWriter {
    /// Writes to stderr. `dropped` is called with the number of lines that could not be written.
    pub fn stderr(dropped: impl Fn(u64) + Send + Sync + 'static) -> io::Result<Self> {
        Self::start(io::stderr(), QUEUE_BYTES, dropped)
    }

    fn start(
        output: impl Write + Send + 'static,
        limit: usize,
        dropped: impl Fn(u64) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            limit,
            changed: Condvar::new(),
            dropped: Box::new(dropped),
        });
        let writer = shared.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.run(output))?;
        Ok(Self(shared))
    }

    /// Queues a line. While the queue is full, its oldest lines are dropped.
    pub fn write(&self, line: &str) {
        let mut queue = self.0.queue.lock();
        queue.bytes += line.len();
        queue.lines.push_back(line.to_owned());
        let mut dropped = 0;
        while queue.bytes > self.0.limit {
            let Some(oldest) = queue.lines.pop_front() else { break };
            queue.bytes -= oldest.len();
            dropped += 1;
        }
        queue.unreported += dropped;
        drop(queue);
        self.0.changed.notify_all();
        self.0.count(dropped);
    }

    /// Waits until all lines are written, but no longer than `limit`.
    pub fn flush(&self, limit: Duration) {
        let waits = |queue: &mut Queue| queue.writing || !queue.lines.is_empty();
        // The queue is given back when the limit has passed too.
        self.0.changed.wait_while_for(&mut self.0.queue.lock(), waits, limit);
    }
}

// === impl Shared ===

impl Shared {
    fn count(&self, dropped: u64) {
        if dropped > 0 {
            (self.dropped)(dropped);
        }
    }

    fn run(&self, mut output: impl Write) {
        loop {
            let mut line = self.next();
            line.push('\n');
            let written = output.write_all(line.as_bytes()).and_then(|()| output.flush());
            let mut queue = self.queue.lock();
            queue.writing = false;
            let failed = u64::from(written.is_err());
            queue.unreported += failed;
            let lines = if failed == 0 { std::mem::take(&mut queue.unreported) } else { 0 };
            drop(queue);
            self.changed.notify_all();
            self.count(failed);
            if lines > 0 {
                // The lines before this one, which are in the queue, are newer than what is lost.
                tracing::warn!(
                    lines,
                    cure = "see that whatever reads the log of this process keeps up and has space",
                    "Dropped log lines that could not be written"
                );
            }
        }
    }

    /// Waits for a line.
    fn next(&self) -> String {
        let mut queue = self.queue.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes -= line.len();
                queue.writing = true;
                return line;
            }
            self.changed.wait(&mut queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, Sender, channel},
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// An output that writes one line for each permit, or fails with it.
    struct Output {
        permits: Receiver<io::Result<()>>,
        written: Sender<String>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(|_| io::ErrorKind::BrokenPipe)??;
            self.written.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Started {
        writer: LineWriter,
        permit: Sender<io::Result<()>>,
        written: Receiver<String>,
        dropped: Arc<AtomicU64>,
    }

    fn start(limit: usize) -> Started {
        let (permit, permits) = channel();
        let (written, lines) = channel();
        let dropped = Arc::new(AtomicU64::new(0));
        let count = dropped.clone();
        let writer = LineWriter::start(Output { permits, written }, limit, move |lines| {
            count.fetch_add(lines, Ordering::Relaxed);
        });
        Started { writer: writer.unwrap(), permit, written: lines, dropped }
    }

    #[test]
    fn an_output_that_blocks_drops_the_oldest_lines() {
        let Started { writer, permit, written, dropped } = start(3);
        // The first line is being written, and is no longer in the queue.
        writer.write("a");
        while !writer.0.queue.lock().writing {
            thread::yield_now();
        }
        for line in ["b", "c", "d", "e", "f"] {
            writer.write(line);
        }
        writer.flush(Duration::ZERO);
        (0..4).for_each(|_| permit.send(Ok(())).unwrap());
        writer.flush(LONG);
        assert_eq!(written.try_iter().collect::<String>(), "a\nd\ne\nf\n");
        assert_eq!(dropped.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_output_that_fails_drops_the_lines_it_fails_for() {
        let Started { writer, permit, written, dropped } = start(QUEUE_BYTES);
        permit.send(Err(io::ErrorKind::BrokenPipe.into())).unwrap();
        permit.send(Ok(())).unwrap();
        writer.write("a");
        writer.write("b");
        writer.flush(LONG);
        assert_eq!(written.try_iter().collect::<String>(), "b\n");
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
    }
}
