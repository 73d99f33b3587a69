//! What the operating system knows of this process, under the names that every Prometheus client
//! uses. Where there is no `/proc`, the values stay zero.

use std::fs;

use prometheus::{Counter, Gauge, Opts, Registry};

/// Linux reports CPU time in hundredths of a second to every program, whatever the kernel's own
/// clock.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) struct ProcessMetrics {
    cpu: Counter,
    received: Counter,
    transmitted: Counter,
    open_files: Gauge,
    max_files: Gauge,
    resident: Gauge,
    virtual_now: Gauge,
    virtual_max: Gauge,
    start: Gauge,
}

/// The fields of `/proc/self/stat` that matter.
#[derive(Debug, Default, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    start_after_boot: f64,
    virtual_bytes: f64,
}

// === impl ProcessMetrics ===

impl ProcessMetrics {
    pub(super) fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str| {
            let counter = Counter::with_opts(Opts::new(format!("process_{name}"), help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::with_opts(Opts::new(format!("process_{name}"), help))?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            cpu: counter("cpu_seconds_total", "CPU time used, in seconds.")?,
            received: counter(
                "network_receive_bytes_total",
                "Bytes received in this network namespace.",
            )?,
            transmitted: counter(
                "network_transmit_bytes_total",
                "Bytes sent in this network namespace.",
            )?,
            open_files: gauge("open_fds", "Open file descriptors.")?,
            max_files: gauge("max_fds", "The most file descriptors that may be open.")?,
            resident: gauge("resident_memory_bytes", "Memory that is in RAM.")?,
            virtual_now: gauge("virtual_memory_bytes", "Address space in use.")?,
            virtual_max: gauge(
                "virtual_memory_max_bytes",
                "The most address space that may be used; -1 for no limit.",
            )?,
            start: gauge(
                "start_time_seconds",
                "When the process started, in seconds since the Unix epoch.",
            )?,
        })
    }

    pub(super) fn update(&self) {
        let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
        let stat = stat(&read("/proc/self/stat"));
        set(&self.cpu, stat.cpu_seconds);
        self.virtual_now.set(stat.virtual_bytes);
        let boot = number_after(&read("/proc/stat"), "btime");
        self.start.set(boot.map_or(0.0, |boot| boot + stat.start_after_boot));
        let kilobytes = number_after(&read("/proc/self/status"), "VmRSS:").unwrap_or_default();
        self.resident.set(kilobytes * 1024.0);
        let limits = read("/proc/self/limits");
        self.max_files.set(number_after(&limits, "Max open files").unwrap_or(-1.0));
        self.virtual_max.set(number_after(&limits, "Max address space").unwrap_or(-1.0));
        // One of them is the directory that is being read.
        let open = fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1));
        self.open_files.set(open as f64);
        let network = read("/proc/self/net/netstat");
        set(&self.received, octets(&network, "InOctets"));
        set(&self.transmitted, octets(&network, "OutOctets"));
    }
}

/// The kernel counts; this only repeats it.
fn set(counter: &Counter, value: f64) {
    counter.reset();
    counter.inc_by(value.max(0.0));
}

fn stat(text: &str) -> Stat {
    // The program's name, in parentheses, may hold anything: what matters comes after it.
    let fields: Vec<f64> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .map(|field| field.parse().unwrap_or_default())
        .collect();
    // proc(5) counts from 1, and the first of these is its third.
    let field = |number: usize| fields.get(number - 3).copied().unwrap_or_default();
    Stat {
        cpu_seconds: (field(14) + field(15)) / TICKS_PER_SECOND,
        start_after_boot: field(22) / TICKS_PER_SECOND,
        virtual_bytes: field(23),
    }
}

/// The first number after `label` on the line that begins with it.
fn number_after(text: &str, label: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(label))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// A column of the `IpExt` rows, the names in the first and the values in the second.
fn octets(netstat: &str, column: &str) -> f64 {
    let mut rows = netstat.lines().filter(|line| line.starts_with("IpExt:"));
    let (Some(names), Some(values)) = (rows.next(), rows.next()) else { return 0.0 };
    names
        .split_whitespace()
        .zip(values.split_whitespace())
        .find(|(name, _)| *name == column)
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_linux_writes() {
        let line = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 12345 8192000 300 18446744073709551615";
        let expected =
            Stat { cpu_seconds: 3.0, start_after_boot: 123.45, virtual_bytes: 8_192_000.0 };
        assert_eq!(stat(line), expected);
        let limits = "Limit  Soft Limit  Hard Limit\nMax open files            1024                 4096  files\nMax address space         unlimited            unlimited bytes\n";
        assert_eq!(number_after(limits, "Max open files"), Some(1024.0));
        assert_eq!(number_after(limits, "Max address space"), None);
        let netstat =
            "TcpExt: A B\nTcpExt: 1 2\nIpExt: InNoRoutes InOctets OutOctets\nIpExt: 0 77 88\n";
        assert_eq!((octets(netstat, "InOctets"), octets(netstat, "OutOctets")), (77.0, 88.0));
    }
}
