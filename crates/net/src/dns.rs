//! Resolves names to addresses as Go's resolver does in a program without libc: from the hosts file
//! and the name servers of `resolv.conf`, in the order of `nsswitch.conf`, with all options that Go
//! supports. Errors have Go's texts, because these are what people search for.
//!
//! hickory-proto reads and writes the messages. The exchange is ours: an operator needs to know
//! which server was queried, from which port, and what it answered. hickory-resolver does not
//! expose these, and its cache and statistics run on real time.

mod config;
mod config_files;
mod error;
mod exchange;
mod hosts;
mod lookups;
mod name_server;
mod names;
mod nsswitch;
mod progress;
mod resolver;

pub use self::{
    config::ResolvConf,
    config_files::ConfigFiles,
    error::{LookupError, LookupFailure},
    hosts::Hosts,
    name_server::NameServer,
    resolver::Resolver,
};
