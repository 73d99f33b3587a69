use std::time::Duration;

use clap::Args;
use k8s_text::klog::{FilePatterns, Format, Settings};

use super::values::{ValueError, read_duration};

/// What is logged, and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Logging")]
pub struct LoggingFlags {
    /// How much is logged: 0 for operators, 2 for debugging, 6 for developers.
    #[arg(id = "v", short, long = "v", value_name = "LEVEL", default_value = "0", value_parser = read_verbosity)]
    pub verbosity: u8,

    /// Other levels for some source files: FILE=LEVEL with * and ? in the file's name without
    /// .rs, separated by commas. For text logs only.
    #[arg(long, value_name = "FILE=LEVEL,…", default_value = "", value_parser = read_vmodule)]
    pub vmodule: FilePatterns,

    /// The format of log lines: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = read_format)]
    pub logging_format: Format,

    /// How long log lines may stay in a buffer.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = read_duration)]
    pub log_flush_frequency: Duration,
}

fn read_verbosity(text: &str) -> Result<u8, ValueError> {
    // Go reads a decimal number of 31 bits; levels beyond the last change nothing.
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    let level = text.parse().ok().filter(|level| is_decimal && i32::try_from(*level).is_ok());
    let level: u32 = level.ok_or(ValueError::Count)?;
    Ok(u8::try_from(level).unwrap_or(u8::MAX))
}

fn read_vmodule(text: &str) -> Result<FilePatterns, ValueError> {
    text.parse().map_err(|error: k8s_text::klog::PatternError| ValueError::Other(error.to_string()))
}

fn read_format(text: &str) -> Result<Format, ValueError> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err(ValueError::OneOf("text, json")),
    }
}

/// The crates whose events are logged.
const LOGGED_CRATES: [&str; 6] =
    ["apiserver", "k8s_text", "kube_dial", "metrics_server", "net", "tls"];

// === impl LoggingFlags ===

impl LoggingFlags {
    /// The settings of the log's formatter.
    pub fn settings(&self) -> Settings {
        Settings {
            verbosity: self.verbosity,
            files: self.vmodule.clone(),
            format: self.logging_format,
            crates: &LOGGED_CRATES,
        }
    }
}
