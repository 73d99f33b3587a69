//! Lists as text, written piece by piece while they are sent.

use crate::{
    encode::{pretty::Pretty, yaml},
    group::{GroupVersion, Objects, ResourceNames},
    negotiate::{Choice, Media, MetaVersion},
    object_writer::ObjectWriter,
    table::Rows,
};

/// What a list's items are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Objects(GroupVersion),
    Table(Rows),
    Partial(MetaVersion),
}

/// A list that is being written.
pub(crate) struct ListWriter {
    objects: Box<dyn Objects>,
    items: ObjectWriter,
    form: Form,
    notation: Notation,
    frame: Frame,
    /// The next item, where it is rewritten.
    scratch: Vec<u8>,
    written: usize,
}

enum Notation {
    Compact,
    Pretty(Pretty),
    Yaml,
}

/// The text before and after the items.
struct Frame {
    before: Vec<u8>,
    after: Vec<u8>,
    /// The whole document when there are none.
    empty: Vec<u8>,
}

// === impl ListWriter ===

impl ListWriter {
    pub(crate) fn new<T: Copy>(
        objects: Box<dyn Objects>,
        names: ResourceNames,
        form: Form,
        choice: Choice<T>,
    ) -> Self {
        let notation = match choice.media {
            Media::Yaml => Notation::Yaml,
            _ if choice.pretty => Notation::Pretty(Pretty::default()),
            _ => Notation::Compact,
        };
        let mut frame = Frame::new(form, names);
        if matches!(notation, Notation::Yaml) {
            frame.turn_into_yaml();
        }
        let items = ObjectWriter::new(names);
        Self { objects, items, form, notation, frame, scratch: Vec::new(), written: 0 }
    }

    /// Appends to `out` until it is about `length` long or it is time to yield to other tasks.
    /// False when the list is complete.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, length: usize) -> bool {
        for _ in 0..self.objects.batch() {
            if !self.write_next(out) {
                self.finish(out);
                return false;
            }
            if out.len() >= length {
                break;
            }
        }
        true
    }

    fn write_next(&mut self, out: &mut Vec<u8>) -> bool {
        let Self { objects, items, form, notation, frame, scratch, written } = self;
        objects.next(&mut |object| {
            scratch.clear();
            let direct = matches!(notation, Notation::Compact);
            let target = if direct { &mut *out } else { &mut *scratch };
            match (*written, &notation) {
                (0, Notation::Yaml) => out.extend_from_slice(&frame.before),
                (_, Notation::Yaml) => {}
                (0, _) => target.extend_from_slice(&frame.before),
                _ => target.push(b','),
            }
            *written += 1;
            let target = if direct { &mut *out } else { &mut *scratch };
            match form {
                Form::Objects(_) => items.json(target, object, None),
                Form::Table(rows) => rows.write(target, items, object),
                Form::Partial(version) => items.partial(target, object, *version),
            }
            match notation {
                Notation::Compact => {}
                Notation::Pretty(pretty) => pretty.write(scratch, out),
                Notation::Yaml => yaml::item(out, scratch, 0),
            }
        })
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let end = if self.written == 0 { &self.frame.empty } else { &self.frame.after };
        match &mut self.notation {
            Notation::Compact => {
                out.extend_from_slice(end);
                out.push(b'\n');
            }
            Notation::Pretty(pretty) => pretty.write(end, out),
            Notation::Yaml => out.extend_from_slice(end),
        }
    }
}

// === impl Frame ===

impl Frame {
    fn new(form: Form, names: ResourceNames) -> Self {
        let (kind, version) = match form {
            Form::Objects(version) => (names.list_kind, version.group_version),
            Form::Table(rows) => ("Table", rows.meta.group_version()),
            Form::Partial(version) => ("PartialObjectMetadataList", version.group_version()),
        };
        let head = format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{{}}"#);
        let (before, empty) = match form {
            Form::Objects(_) => (r#","items":["#.to_owned(), r#","items":[]}"#),
            // Null where the Go server has lists that nothing was added to.
            Form::Partial(_) => (r#","items":["#.to_owned(), r#","items":null}"#),
            Form::Table(_) => (
                format!(r#","columnDefinitions":{},"rows":["#, names.columns),
                r#","columnDefinitions":null,"rows":null}"#,
            ),
        };
        Self {
            before: format!("{head}{before}").into_bytes(),
            after: b"]}".to_vec(),
            empty: format!("{head}{empty}").into_bytes(),
        }
    }

    /// YAML has the fields in the order of their names, so more stands behind the items.
    fn turn_into_yaml(&mut self) {
        const NO_ITEMS: &[u8] = b"s: []\n";
        self.empty = yaml::document(&self.empty);
        let mut around = yaml::document(&[&self.before[..], &self.after].concat());
        let at = around.windows(NO_ITEMS.len()).position(|bytes| bytes == NO_ITEMS);
        let at = at.unwrap_or(around.len());
        self.after = around.split_off(at).split_off(NO_ITEMS.len());
        around.extend_from_slice(b"s:\n");
        self.before = around;
    }
}
