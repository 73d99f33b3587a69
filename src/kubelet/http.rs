//! As much of an HTTP/1.1 client as scraping needs: one request without a body, one response.
//!
//! A general client costs each scrape a task, channels, two buffers and two copies of the body,
//! which was a third of all CPU with thousands of nodes; docs/performance.md has the figures.

mod chunks;
mod framing;
mod head;

pub(super) use self::{
    framing::{Framing, Taken},
    head::{Head, LONGEST_HEAD},
};
