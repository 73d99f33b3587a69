/// Indents compact JSON that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Pretty {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A bracket was opened, and nothing stands behind it yet.
    opened: bool,
}

// === impl Pretty ===

impl Pretty {
    /// Indents a whole document.
    pub(crate) fn document(compact: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(compact.len() * 2);
        Self::default().write(compact, &mut out);
        out
    }

    /// Indents the next piece. White space between values is dropped, a newline at the end too.
    pub(crate) fn write(&mut self, compact: &[u8], out: &mut Vec<u8>) {
        for byte in compact {
            self.write_byte(*byte, out);
        }
    }

    fn write_byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        if self.in_string {
            out.push(byte);
            self.in_string = self.escaped || byte != b'"';
            self.escaped = !self.escaped && byte == b'\\';
            return;
        }
        if byte.is_ascii_whitespace() {
            return;
        }
        let closes = matches!(byte, b'}' | b']');
        if closes {
            self.depth = self.depth.saturating_sub(1);
        }
        if self.opened != closes && (self.opened || closes) {
            self.break_line(out);
        }
        self.opened = matches!(byte, b'{' | b'[');
        self.depth += usize::from(self.opened);
        self.in_string = byte == b'"';
        out.push(byte);
        match byte {
            b',' => self.break_line(out),
            b':' => out.push(b' '),
            _ => {}
        }
    }

    fn break_line(&self, out: &mut Vec<u8>) {
        out.push(b'\n');
        out.resize(out.len() + 2 * self.depth, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_as_go_indents_it() {
        let compact = br#"{"a":{},"b":[],"c":[1,{"d":"x,{\"}"}],"e":null}"#;
        let expected = "{\n  \"a\": {},\n  \"b\": [],\n  \"c\": [\n    1,\n    {\n      \"d\": \"x,{\\\"}\"\n    }\n  ],\n  \"e\": null\n}";
        assert_eq!(String::from_utf8(Pretty::document(compact)).unwrap(), expected);
        let (mut pieces, mut pretty) = (Vec::new(), Pretty::default());
        for byte in compact {
            pretty.write(&[*byte], &mut pieces);
        }
        assert_eq!(String::from_utf8(pieces).unwrap(), expected);
    }
}
