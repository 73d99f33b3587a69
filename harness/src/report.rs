//! The reports of a run for people and programs: lines on a terminal while it runs, and files at
//! its end. All of them show what is in [`Report`].

mod collect;
mod earlier;
mod github;
mod html;
mod json;
mod junit;
mod markdown;
mod model;
mod progress;
mod target;
mod terminal;
mod waits;

pub use self::{
    collect::Collector,
    earlier::{Earlier, EarlierError},
    json::schema,
    model::{
        CheckedExpectation, FailureReport, Report, ScenarioReport, StepReport, Totals, Verdict,
    },
    progress::Progress,
    target::{Format, Open, Target, TargetError, WriteError, open, write},
    terminal::Terminal,
    waits::Waits,
};
pub(crate) use self::{
    collect::failure as failure_report, earlier::EarlierScenario, model::SIMULATED,
};
