//! Lists as tables, for `kubectl get`.

use crate::{
    encode::json,
    group::{GroupVersion, Object},
    negotiate::{Include, MetaVersion},
    object_writer::ObjectWriter,
};

/// The columns and rows of a resource's Table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) include: Include,
    pub(crate) meta: MetaVersion,
    pub(crate) version: GroupVersion,
}

// === impl Rows ===

impl Rows {
    pub(crate) fn write(
        self,
        out: &mut Vec<u8>,
        writer: &mut ObjectWriter,
        object: &mut dyn Object,
    ) {
        json::field(out, "{\"cells\":[", object.metadata().name);
        object.write_cells(out);
        out.extend_from_slice(b"],\"object\":");
        match self.include {
            Include::Nothing => out.extend_from_slice(b"null"),
            Include::Metadata => writer.partial(out, object, self.meta),
            Include::Object => writer.json(out, object, Some(self.version)),
        }
        out.push(b'}');
    }
}
