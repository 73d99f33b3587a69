//! Reads as many pods and containers of a summary as there is room for: a short text such as
//! `{"name":""}` would take up ten times its size.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Container, Node, PodReference};

/// What a summary says.
pub(super) struct Summary<'b> {
    pub(super) node: Node<'b>,
    pub(super) pods: Vec<Pod<'b>>,
}

/// A pod in it.
pub(super) struct Pod<'b> {
    pub(super) pod_ref: PodReference<'b>,
    pub(super) containers: Vec<Container<'b>>,
}

/// How many more may come.
pub(super) struct Room {
    containers: usize,
    /// Most have a container.
    pods: usize,
    is_over: bool,
}

/// Reads the whole summary, a list of pods, one pod, or its containers into the room.
struct Into<'r, T> {
    room: &'r mut Room,
    what: PhantomData<T>,
}

/// Reads the summary, and nothing behind it.
pub(super) fn read<'b>(body: &'b [u8], room: &mut Room) -> Result<Summary<'b>, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let summary = Into::<Summary<'b>>::new(room).deserialize(&mut reader)?;
    reader.end()?;
    Ok(summary)
}

// === impl Room ===

impl Room {
    pub(super) fn for_containers(containers: usize) -> Self {
        Self { containers, pods: containers, is_over: false }
    }

    /// Whether there was more than there is room for.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

/// Takes one place, if there is one.
fn take(places: &mut usize, is_over: &mut bool) -> bool {
    *is_over |= *places == 0;
    *places = places.saturating_sub(1);
    !*is_over
}

// === impl Into ===

impl<'r, T> Into<'r, T> {
    fn new(room: &'r mut Room) -> Self {
        Self { room, what: PhantomData }
    }
}

impl<'b> DeserializeSeed<'b> for Into<'_, Summary<'b>> {
    type Value = Summary<'b>;

    fn deserialize<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Into<'_, Summary<'b>> {
    type Value = Summary<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a summary")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut node, mut pods) = (None, Vec::new());
        while let Some(name) = fields.next_key::<Name>()? {
            match name {
                Name::Node => node = Some(fields.next_value()?),
                Name::Pods => {
                    pods = fields.next_value_seed(Into::<Vec<Pod<'b>>>::new(self.room))?;
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Summary { node: node.ok_or_else(|| A::Error::missing_field("node"))?, pods })
    }
}

impl<'b> DeserializeSeed<'b> for Into<'_, Vec<Pod<'b>>> {
    type Value = Vec<Pod<'b>>;

    fn deserialize<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'b> Visitor<'b> for Into<'_, Vec<Pod<'b>>> {
    type Value = Vec<Pod<'b>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of pods")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut pods = Vec::new();
        while let Some(pod) = items.next_element_seed(Into::<Pod<'b>>::new(self.room))? {
            if take(&mut self.room.pods, &mut self.room.is_over) {
                pods.push(pod);
            }
        }
        Ok(pods)
    }
}

impl<'b> DeserializeSeed<'b> for Into<'_, Pod<'b>> {
    type Value = Pod<'b>;

    fn deserialize<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Into<'_, Pod<'b>> {
    type Value = Pod<'b>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pod")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let (mut pod_ref, mut containers) = (None, Vec::new());
        while let Some(name) = fields.next_key::<Name>()? {
            match name {
                Name::PodRef => pod_ref = Some(fields.next_value()?),
                Name::Containers => {
                    let seed = Into::<Vec<Container<'b>>>::new(self.room);
                    containers = fields.next_value_seed(seed)?;
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Pod { pod_ref: pod_ref.ok_or_else(|| A::Error::missing_field("podRef"))?, containers })
    }
}

impl<'b> DeserializeSeed<'b> for Into<'_, Vec<Container<'b>>> {
    type Value = Vec<Container<'b>>;

    fn deserialize<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'b> Visitor<'b> for Into<'_, Vec<Container<'b>>> {
    type Value = Vec<Container<'b>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of containers")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'b>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut containers = Vec::new();
        while let Some(container) = items.next_element()? {
            if take(&mut self.room.containers, &mut self.room.is_over) {
                containers.push(container);
            }
        }
        Ok(containers)
    }
}

/// The fields that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Name {
    Node,
    Pods,
    PodRef,
    Containers,
    #[serde(other)]
    Other,
}
