//! Names to addresses, as Go's resolver does it in a program without libc: from the hosts file and
//! the name servers of `resolv.conf`, in the order of `nsswitch.conf`, with all options that count
//! for Go, and with its words for what went wrong, which is what people paste into search engines.
//!
//! hickory-proto reads and writes the messages. The exchange is ours, because what an operator
//! needs to be told (which server was asked, from which port, what it said) is what
//! hickory-resolver keeps to itself, and its cache and statistics run on real time.

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
