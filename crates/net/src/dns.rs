//! Names to addresses, as Go's resolver does it: from the hosts file and the name servers of
//! `resolv.conf`, with its search domains, `ndots`, `timeout` and `attempts`, and with its words
//! for what went wrong, which is what people paste into search engines.
//!
//! hickory-proto reads and writes the messages. The exchange is ours, because what an operator
//! needs to be told (which server was asked, from which port, what it said) is what
//! hickory-resolver keeps to itself, and its cache and statistics run on real time.

mod config;
mod error;
mod exchange;
mod hosts;
mod lookups;
mod progress;
mod resolver;

pub use self::{
    config::ResolvConf,
    error::{LookupError, LookupFailure},
    hosts::Hosts,
    resolver::{ConfigFiles, Resolver},
};
