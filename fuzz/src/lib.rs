//! What each fuzz target does with its input. `tests/fuzz.rs` of the server does the same with
//! the seeds, so that the targets keep working where no fuzzer is.

mod answer;
mod kubeconfig;
mod policy;
mod request;
mod resource;
mod selector;
mod summary;

pub use self::{
    answer::answer, kubeconfig::kubeconfig, policy::policy, request::request, resource::resource,
    selector::selector, summary::summary,
};
