//! The YAML format of nodes, pods, usage and faults, which scenarios and `fake-kubelet` read alike.
//!
//! A text becomes a tree of values that know their locations ([`yaml`]). [`validate`] compares the
//! tree with the JSON Schema of its type, and [`check`] with the rules that a schema cannot express,
//! so that every mistake of a file is reported at once. Doc comments of the types are the descriptions
//! in the schema and in the [`reference`].

pub mod check;
mod faults;
mod file_errors;
mod location;
mod mistake;
mod node;
mod pod;
mod reference;
mod schedule;
mod schema_type;
pub mod suggest;
mod template;
mod usage;
mod validate;
pub mod values;
mod x509;
pub mod yaml;
mod yaml_node;

pub use self::{
    faults::{
        BodyFault, CertificateFault, Faults, SampleFault, TlsFault, TransferFault, Trickle, When,
    },
    file_errors::{FileErrors, snippet},
    location::Location,
    mistake::Mistake,
    node::{Access, Address, AddressType, CertificateKind, Kubelet, Node, Sampling},
    pod::{Container, Pod},
    reference::reference,
    schedule::Schedule,
    schema_type::unknown_keywords,
    template::{numbered, raised},
    usage::{Amounts, Shape, ShapeKind, Usage},
    validate::validate,
    values::{In, Network, Notation, Probability, Share},
    x509::{KeyKind, X509, X509Version},
    yaml_node::{Content, YamlNode},
};
