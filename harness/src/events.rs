//! The timeline of a run: what happened, in order. All reports are made from it, and two runs of a
//! scenario in the simulated world give the same to the byte.

use std::{fmt, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use net::Clock;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::Serialize;

use crate::file::format::Shown;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum What {
    /// A step began.
    #[serde(skip)]
    Step(String),
    /// The world was changed.
    Change {
        /// How.
        text: String,
    },
    /// The server under test logged a line.
    Log {
        /// The line.
        text: String,
    },
    /// The server under test ended before its time, or would not start.
    Ended {
        /// Why.
        text: String,
    },
    /// A kubelet answered a request.
    Kubelet {
        /// The node.
        node: String,
        /// Which of its addresses got it.
        #[serde(skip)]
        address: IpAddr,
        /// Method and target.
        request: String,
        /// The status of its answer; none when the client did not wait for it.
        status: Option<u16>,
        /// The credentials.
        #[serde(skip)]
        shown: Shown,
    },
    /// The API server answered a request.
    Api {
        /// The user.
        user: String,
        /// Method and target.
        request: String,
        /// The status of its answer.
        status: u16,
    },
    /// DNS got a question.
    Dns {
        /// The name.
        name: String,
        /// The type of record, such as `A`.
        question: String,
        /// Its answer.
        answer: String,
        /// The name server.
        #[serde(skip)]
        server: IpAddr,
    },
    /// An expectation was checked.
    #[serde(skip)]
    Checked {
        /// In words.
        expectation: String,
        /// Whether it holds.
        holds: bool,
    },
}

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Event {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: What,
}

/// All that has happened so far. Clones share it.
#[derive(Clone)]
pub struct Timeline {
    clock: Clock,
    events: Arc<Mutex<Vec<Event>>>,
}

/// A place in a timeline; its beginning by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(usize);

// === impl Timeline ===

impl Timeline {
    /// An empty one.
    pub fn new(clock: Clock) -> Self {
        Self { clock, events: Arc::default() }
    }

    /// Adds what happens now.
    pub fn add(&self, what: What) {
        let at = self.clock.now();
        self.events.lock().push(Event { at, what });
    }

    /// The present end.
    pub fn mark(&self) -> Mark {
        Mark(self.events.lock().len())
    }

    /// What has happened since a mark.
    pub fn since(&self, mark: Mark) -> Vec<Event> {
        self.events.lock().get(mark.0..).unwrap_or_default().to_vec()
    }

    /// Everything.
    pub fn all(&self) -> Vec<Event> {
        self.events.lock().clone()
    }
}

// === impl Event ===

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.at.strftime("%H:%M:%S.%3f"))?;
        let status = |status: &Option<u16>| {
            status.map_or_else(|| "gone".to_owned(), |status| status.to_string())
        };
        match &self.what {
            What::Step(name) => write!(f, "step    {name}"),
            What::Change { text } => write!(f, "change  {text}"),
            What::Log { text: line } => write!(f, "log     {line}"),
            What::Ended { text } => write!(f, "ended   {text}"),
            What::Kubelet { node, request, status: code, .. } => {
                write!(f, "kubelet {node} {request} -> {}", status(code))
            }
            What::Api { user, request, status } => {
                write!(f, "api     {user} {request} -> {status}")
            }
            What::Dns { name, question, answer, .. } => {
                write!(f, "dns     {name} {question} -> {answer}")
            }
            What::Checked { expectation, holds } => {
                write!(f, "{} {expectation}", if *holds { "holds  " } else { "FAILS  " })
            }
        }
    }
}
