//! CPU and memory of a process, as the kernel reports them.

use std::{fs, io};

use serde::Serialize;

/// Ticks a second in `/proc/PID/stat`: the same on every architecture of Linux that runs this
/// (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Where user time stands in `/proc/PID/stat` after the program's name, counted from zero; system
/// time follows it.
const USER_TIME: usize = 11;

/// Resident memory in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: u64,
    /// The most there was.
    pub(crate) peak: u64,
}

/// CPU seconds that a process has used, all of its threads together.
pub(super) fn cpu(pid: u32) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    cpu_of(&stat).ok_or_else(|| unreadable(pid, "stat"))
}

/// The memory of a process.
pub(super) fn memory(pid: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    memory_of(&status).ok_or_else(|| unreadable(pid, "status"))
}

fn unreadable(pid: u32, file: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/{file} is not as expected"))
}

fn cpu_of(stat: &str) -> Option<f64> {
    // The program's name stands in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(USER_TIME);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn memory_of(status: &str) -> Option<Memory> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
    };
    Some(Memory { resident: kilobytes("VmRSS:")?, peak: kilobytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_found() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 31 0 0 20 0 1 0 5 1000 10";
        assert_eq!(cpu_of(stat), Some(2.81));
        assert_eq!(cpu_of("7 (a"), None);
        let status = "Name:\ta\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
        assert_eq!(memory_of(status), Some(Memory { resident: 1 << 20, peak: 2 << 20 }));
        assert_eq!(memory_of("Name:\ta\n"), None);
    }
}
