//! Faults: what excludes what, and when.

use super::{
    numbers::{check_status, zero},
    schedule,
};
use crate::{
    faults::{Faults, SampleFault, TlsFault, When},
    mistake::Mistake,
    suggest::{list, quote},
    yaml_node::YamlNode,
};

/// Faults that have no effect where no connection gets as far as TLS, or as far as HTTP.
const OF_TLS: [&str; 4] = ["tls", "certificate", "cutAfter", "trickle"];
const OF_HTTP: [&str; 7] =
    ["delay", "status", "redirect", "contentType", "transfer", "body", "samples"];

/// Checks faults and those that come with them.
pub fn check(faults: &Faults, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    check_status(faults.status, at.field("status"), mistakes);
    check_what_shows(faults, at, mistakes);
    if let (Some(_), Some(status)) = (&faults.redirect, faults.status)
        && !(300..400).contains(&status)
    {
        let message = format!("clients do not follow a redirect with status {status}");
        mistakes.push(
            Mistake::at(&at.field("status").location, message)
                .related(at.field("redirect").key_place(), "the redirect")
                .help("write 300 to 399, or leave it out for 302"),
        );
    }
    if let Some(trickle) = faults.trickle {
        let at = at.field("trickle");
        for (name, is_zero) in [("bytes", trickle.bytes == 0), ("every", trickle.every.0.is_zero())]
        {
            if is_zero {
                let help = "for nothing at all, write \"silence: true\" instead of \"trickle\"";
                mistakes.push(zero(name, help, at));
            }
        }
    }
    if let Some(samples) = &faults.samples {
        check_samples(samples, at.field("samples"), mistakes);
    }
    if let Some(when) = &faults.when {
        check_when(when, faults, at.field("when"), mistakes);
    }
    if faults.at.as_ref().is_some_and(Vec::is_empty) {
        mistakes.push(
            Mistake::at(&at.field("at").location, "faults at no address at all")
                .help("name at least one, or leave \"at\" out"),
        );
    }
    for (index, faults) in faults.also.iter().enumerate() {
        check(faults, at.field("also").item(index), mistakes);
    }
}

/// What hides other faults of the same entry.
fn check_what_shows(faults: &Faults, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let (hides, hidden): (&str, Vec<&str>) = if faults.refuse {
        ("refuse", [&["silence"], &OF_TLS[..], &OF_HTTP[..]].concat())
    } else if faults.silence {
        ("silence", [&OF_TLS[..], &OF_HTTP[..]].concat())
    } else if faults.tls == Some(TlsFault::InternalError) {
        ("tls", [&["certificate"], &OF_HTTP[..]].concat())
    } else {
        return;
    };
    let hidden: Vec<_> = hidden.into_iter().filter(|name| at.get(name).is_some()).collect();
    if let Some(first) = hidden.first() {
        let message =
            format!("{} cannot show: {} comes before", list(hidden.clone(), "and"), quote(hides));
        mistakes.push(
            Mistake::at(at.field(first).key_place(), message)
                .related(at.field(hides).key_place(), "no request gets further than this")
                .help("keep one of them, or move one to \"also\" with a \"when\" or an \"at\" of its own"),
        );
    }
}

fn check_samples(samples: &SampleFault, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    if samples.ahead.is_some() && samples.behind.is_some() {
        mistakes.push(
            Mistake::at(at.field("behind").key_place(), "samples both ahead and behind")
                .related(at.field("ahead").key_place(), "ahead")
                .help("keep one of them"),
        );
    }
    if samples.untimed && (samples.ahead.is_some() || samples.behind.is_some()) {
        mistakes.push(
            Mistake::at(
                at.field("untimed").key_place(),
                "samples without times cannot have wrong ones",
            )
            .help("keep \"untimed\", or \"ahead\" or \"behind\""),
        );
    }
    if *samples == SampleFault::default() && !at.broken {
        mistakes.push(
            Mistake::at(at.place(), "nothing is wrong with these samples")
                .help("write one of ahead, behind, frozen, untimed and reset"),
        );
    }
}

fn check_when(when: &When, faults: &Faults, at: &YamlNode, mistakes: &mut Vec<Mistake>) {
    let help = "write more, or leave the fault out";
    schedule::check(&faults.schedule(), help, at, mistakes);
    if when.for_requests == Some(0) {
        mistakes.push(zero("forRequests", help, at));
    }
    if faults.refuse {
        let turns = ["afterRequests", "forRequests", "probability"];
        for name in turns.into_iter().filter(|name| at.get(name).is_some()) {
            mistakes.push(
                Mistake::at(
                    at.field(name).key_place(),
                    format!("{} does not go with \"refuse\"", quote(name)),
                )
                .help("a port is open or closed for everybody: use \"after\", \"for\" and \"every\", or \"cutAfter: 0\" instead of \"refuse\""),
            );
        }
    }
}
