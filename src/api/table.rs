//! Lists as tables, for `kubectl get`.

use k8s_text::{duration, quantity::Quantity};

use super::{
    encode::{json, time::display},
    item::{Item, ItemWriter, Used},
    negotiate::{Include, MetaVersion},
    version::Version,
};
use crate::store::{ContainerUsage, Usage};

/// The columns. As in the Go server, there are none in a table without rows.
pub(super) const COLUMNS: &str = r#"[{"name":"Name","type":"string","format":"name","description":"Name of the resource","priority":0},{"name":"cpu","type":"string","format":"quantity","description":"","priority":0},{"name":"memory","type":"string","format":"quantity","description":"","priority":0},{"name":"Window","type":"string","format":"duration","description":"","priority":0}]"#;

/// What rows look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) include: Include,
    pub(super) meta: MetaVersion,
    pub(super) version: Version,
}

// === impl Rows ===

impl Rows {
    pub(super) fn write(self, out: &mut Vec<u8>, writer: &mut ItemWriter, item: &Item<'_>) {
        json::field(out, "{\"cells\":[", item.name);
        let usage = match item.used {
            Used::Node(usage) => Some(usage),
            Used::Pod(containers) => sum(containers),
        };
        out.extend_from_slice(b",\"");
        // The Go server has fewer cells than columns, or fewer columns than cells, where a pod's
        // containers are all unknown. Zero is what it writes when other pods come first.
        match usage {
            Some(usage) => {
                display(out, usage.cpu);
                out.extend_from_slice(b"\",\"");
                display(out, usage.memory);
            }
            None => out.extend_from_slice(b"0\",\"0"),
        }
        json::field(out, "\",", &duration::format(item.window()));
        out.extend_from_slice(b"],\"object\":");
        match self.include {
            Include::Nothing => out.extend_from_slice(b"null"),
            Include::Metadata => writer.partial(out, item, self.meta),
            Include::Object => writer.object(out, item, Some(self.version)),
        }
        out.push(b'}');
    }
}

fn sum(containers: &[ContainerUsage]) -> Option<Usage> {
    let total = |amount: fn(&Usage) -> i128| {
        let sum: i128 = containers.iter().map(|container| amount(&container.usage)).sum();
        u64::try_from(sum).unwrap_or(u64::MAX)
    };
    (!containers.is_empty()).then(|| Usage {
        cpu: Quantity::nanocores(total(|usage| usage.cpu.nanos())),
        memory: Quantity::bytes(total(|usage| usage.memory.units())),
    })
}
