//! What k8s.io/apiserver is to Go: the parts of an aggregated API server that are the same whatever
//! API it serves. A server describes its [`ApiGroup`]; this crate does the rest: TLS and HTTP
//! ([`serving`]), authentication by front proxy, client certificate or token, authorization and
//! impersonation ([`access`]), audit ([`audit`]), discovery, OpenAPI, content negotiation, lists
//! that are written while they are sent, and `Status` errors.
//!
//! It knows neither the API that is served nor the flags of the program.
//!
//! A request passes, from outside in: the filters ([`serving::Filters`]: audit id, HSTS, CORS, audit,
//! deadline), authentication, impersonation, authorization and the limit of requests in flight
//! ([`access::Access`]), and then the handlers of the group ([`PathMux`]).

mod accept;
pub mod access;
mod api_path;
pub mod audit;
mod discovery;
pub mod encode;
mod group;
mod handlers;
mod json_resource;
mod list_memory;
mod list_options;
mod list_response;
mod list_writer;
mod log_limit;
mod negotiate;
mod object_writer;
pub mod openapi;
mod path_mux;
mod query;
mod request_options;
mod response;
mod server;
pub mod serving;
mod status;
mod table;
pub mod zpages;

pub use self::{
    group::{ApiGroup, GroupVersion, Object, ObjectMeta, Objects, Resource, ResourceNames},
    json_resource::{JsonObject, JsonResource, json_resource},
    list_options::ListOptions,
    object_writer::write_protobuf_time,
    path_mux::PathMux,
    request_options::RequestOptions,
    server::{GenericServer, ServerError, ServerOptions},
    status::{Details, Failure, Status},
};
