//! `scenario bench`: what a metrics server costs.
//!
//! A cluster of any size runs in a process of its own (`cluster_process`), so that what the server under test
//! costs can be measured apart from what the cluster costs. The server is any program that knows the
//! Go server's flags.

mod client;
mod cluster_process;
mod error;
mod figures;
mod measure;
mod options;
mod process;
mod report;
mod scrapes;
mod server;
mod size;

use std::{
    fs,
    io::{self, Write},
};

use tokio::runtime::Builder;

pub(crate) use self::{cluster_process::ClusterProcess, scrapes::Scrapes, server::ServerProcess};
pub use self::{
    cluster_process::{ClusterOptions, run as run_cluster},
    error::BenchError,
    options::Options,
    size::Size,
};
use self::{figures::Bench, measure::measure};
use crate::up::own_server;

/// Measures one server, or two alternately; prints the figures and writes them where `options` say.
#[allow(
    clippy::print_stderr,
    reason = "progress is for the user, and standard output has the figures"
)]
pub fn bench(options: &Options) -> Result<(), BenchError> {
    let mut programs = vec![match &options.server {
        Some(program) => (program.clone(), &options.server_arg),
        None => (own_server()?, &options.server_arg),
    }];
    programs.extend(options.vs.as_ref().map(|program| (program.clone(), &options.vs_arg)));
    let mut bench = Bench::new(options);
    for (program, args) in programs {
        eprintln!("{}: {}", program.display(), options.plan());
        // One thread: what measures must not take both cores from what is measured.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        bench.programs.push(runtime.block_on(measure(&program, args, options))?);
    }
    let mut out = io::stdout().lock();
    report::write(&mut out, &bench)?;
    out.flush()?;
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(&bench).map_err(io::Error::from)? + "\n";
        fs::write(path, text).map_err(|source| BenchError::Write { path: path.clone(), source })?;
    }
    Ok(())
}
