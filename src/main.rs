//! The program `metrics-server`.

fn main() {}
