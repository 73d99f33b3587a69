//! The time line as a picture: each request, when it was sent, and its result.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    super::ScenarioReport,
    chart::{Axis, px},
};
use crate::events::{Event, What};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 936.0;
const TOP: f64 = 26.0;
const LANE: f64 = 22.0;

/// More kubelets and names than this share a lane.
const MOST_OF_A_KIND: usize = 6;

/// How far apart dots must be to be distinguishable.
const APART: f64 = 5.0;

/// How long a lane's name may be.
const NAME_LENGTH: usize = 22;

/// What resolvers try behind a name: all of these questions are about the name itself.
const SEARCH: [&str; 3] =
    [".kube-system.svc.cluster.local", ".svc.cluster.local", ".cluster.local"];

/// Lanes from top to bottom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    World,
    Api,
    Dns(Option<String>),
    Kubelet(Option<String>),
    Log,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mood {
    Good,
    Odd,
    Bad,
    Change,
}

struct Dot {
    x: f64,
    mood: Mood,
    count: usize,
    says: String,
}

/// The picture.
pub(super) fn lanes(scenario: &ScenarioReport) -> Markup {
    let axis = Axis::of(scenario, LEFT, RIGHT);
    let lanes = fill(scenario, &axis);
    let bottom = TOP + LANE * lanes.len() as f64;
    let levels: Vec<_> = (0..lanes.len()).map(middle).collect();
    let label = format!("Time line of {}: {} lanes", scenario.name, lanes.len());
    html! {
        div.scroll tabindex="0" role="group" aria-label="Time line, scrolls sideways" {
            svg.lanes viewBox={ "0 0 " (WIDTH) " " (px(bottom + 20.0)) } role="img" aria-label=(label) {
                (axis.grid(TOP, bottom, &levels))
                @for (number, step) in scenario.steps.iter().enumerate() {
                    @let x = axis.place(step.began);
                    @let ok = step.expectations.iter().all(|checked| checked.holds);
                    g class=(if ok { "step" } else { "step bad" }) {
                        line x1=(px(x)) x2=(px(x)) y1="10" y2=(px(bottom)) {}
                        circle cx=(px(x)) cy="11" r="9" {}
                        text x=(px(x)) y="15" text-anchor="middle" { (number + 1) }
                        title { "Step " (number + 1) ": " (step.name) }
                    }
                }
                @for (row, (lane, dots)) in lanes.iter().enumerate() {
                    @let y = middle(row);
                    g.lane {
                        text x="0" y=(px(y + 4.0)) { (lane.name()) @if lane.name() != lane.full_name() { title { (lane.full_name()) } } }
                        @for dot in dots { (dot.draw(y)) }
                    }
                }
            }
        }
        ul.legend aria-label="Colours" {
            li { i.good {} "answered" } li { i.odd {} "warned, or refused" }
            li { i.bad {} "failed" } li { i.change {} "the world changed" }
        }
    }
}

/// The height of a lane's dots.
fn middle(row: usize) -> f64 {
    TOP + LANE * (row as f64 + 0.5)
}

fn fill(scenario: &ScenarioReport, axis: &Axis) -> BTreeMap<Lane, Vec<Dot>> {
    let events = || scenario.steps.iter().flat_map(|step| &step.events);
    let mut lanes: BTreeMap<Lane, Vec<Dot>> = BTreeMap::new();
    let mut own: Vec<Lane> = Vec::new();
    for event in events() {
        let (lane, mood, says) = read(event);
        let lane = own_lane(lane, &mut own);
        let x = axis.place(event.at);
        let dots = lanes.entry(lane).or_default();
        match dots.last_mut().filter(|last| x - last.x < APART) {
            Some(last) => {
                last.count += 1;
                if mood > last.mood {
                    (last.mood, last.says) = (mood, says);
                }
            }
            None => dots.push(Dot { x, mood, count: 1, says }),
        }
    }
    lanes
}

/// A lane of its own for the first few of a kind, one for the rest together.
fn own_lane(lane: Lane, own: &mut Vec<Lane>) -> Lane {
    let rest = match &lane {
        Lane::Kubelet(_) => Lane::Kubelet(None),
        Lane::Dns(_) => Lane::Dns(None),
        _ => return lane,
    };
    if own.contains(&lane) {
        return lane;
    }
    let alike = |other: &&Lane| std::mem::discriminant(*other) == std::mem::discriminant(&lane);
    if own.iter().filter(alike).count() >= MOST_OF_A_KIND {
        return rest;
    }
    own.push(lane.clone());
    lane
}

fn read(event: &Event) -> (Lane, Mood, String) {
    let of_status = |status: u16| match status {
        200..400 => Mood::Good,
        400..500 => Mood::Odd,
        _ => Mood::Bad,
    };
    match &event.what {
        What::Change { text } => (Lane::World, Mood::Change, text.clone()),
        What::Ended { text } => (Lane::Server, Mood::Bad, text.clone()),
        What::Log { text } => {
            let mood = match text.as_bytes().first() {
                Some(b'E' | b'F') => Mood::Bad,
                Some(b'W') => Mood::Odd,
                _ => Mood::Good,
            };
            let says = text.split_once("] ").map_or(text.as_str(), |(_, says)| says);
            (Lane::Log, mood, shorten(says, 160))
        }
        What::Kubelet { node, request, status, .. } => {
            let mood = status.map_or(Mood::Bad, of_status);
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            (Lane::Kubelet(Some(node.clone())), mood, format!("{request}: {status}"))
        }
        What::Api { user, request, status } => {
            let says = format!("{}: {}: {status}", short_user(user), shorten(request, 120));
            (Lane::Api, of_status(*status), says)
        }
        What::Step(name) => (Lane::World, Mood::Change, name.clone()),
        What::Checked { expectation, .. } => (Lane::World, Mood::Good, expectation.clone()),
        What::Dns { name, question, answer, .. } => {
            let mood = match answer.as_str() {
                "no such host" | "NXDOMAIN" => Mood::Odd,
                answer if answer.parse::<std::net::IpAddr>().is_ok() => Mood::Good,
                answer if answer.contains("fail") || answer.contains("silence") => Mood::Bad,
                _ => Mood::Odd,
            };
            let about = SEARCH.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
            (Lane::Dns(Some(about.to_owned())), mood, format!("{name} {question}: {answer}"))
        }
    }
}

/// A user's name without what all service accounts have in common.
pub(super) fn short_user(user: &str) -> &str {
    user.strip_prefix("system:serviceaccount:kube-system:").unwrap_or(user)
}

fn shorten(text: &str, most: usize) -> String {
    let mut kept: String = text.chars().take(most).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

// === impl Lane ===

impl Lane {
    fn full_name(&self) -> String {
        match self {
            Self::World => "world".to_owned(),
            Self::Api => "API server".to_owned(),
            Self::Dns(Some(name)) => format!("dns {name}"),
            Self::Dns(None) => "dns, others".to_owned(),
            Self::Kubelet(Some(node)) => format!("kubelet {node}"),
            Self::Kubelet(None) => "kubelets, others".to_owned(),
            Self::Log => "log".to_owned(),
            Self::Server => "server".to_owned(),
        }
    }

    fn name(&self) -> String {
        let full = self.full_name();
        shorten(full.strip_prefix("kubelet ").unwrap_or(&full), NAME_LENGTH)
    }
}

// === impl Dot ===

impl Dot {
    fn draw(&self, y: f64) -> Markup {
        let radius = if self.count > 1 { 5.0 } else { 3.5 };
        let says = match self.count {
            1 => self.says.clone(),
            count => format!("{} (and {} more)", self.says, count - 1),
        };
        html! {
            @if self.mood == Mood::Change {
                path.change d={ "M" (px(self.x)) " " (px(y - 6.0)) "l6 6-6 6-6-6z" } { title { (says) } }
            } @else {
                circle class=(self.mood.word()) cx=(px(self.x)) cy=(px(y)) r=(radius) { title { (says) } }
            }
        }
    }
}

// === impl Mood ===

impl Mood {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Odd => "odd",
            Self::Bad => "bad",
            Self::Change => "change",
        }
    }
}
