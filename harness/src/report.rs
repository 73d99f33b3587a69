//! What runs look like to those who wait for them.

mod terminal;

pub use self::terminal::Terminal;
