//! What a run leaves behind for people and for other programs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]

#[path = "report/browser.rs"]
mod browser;
#[path = "report/files.rs"]
mod files;
#[path = "report/page.rs"]
mod page;
#[path = "report/support.rs"]
mod support;
