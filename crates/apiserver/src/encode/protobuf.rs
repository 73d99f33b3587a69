//! Protocol buffers as Kubernetes writes them: fields without a value are written too, since its
//! generated code does so, and clients may compare bytes.

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Writes a number.
pub fn number(out: &mut Vec<u8>, field: u8, value: u64) {
    out.push(field << 3);
    varint(out, value);
}

/// Writes a string.
pub fn string(out: &mut Vec<u8>, field: u8, text: &str) {
    out.push(field << 3 | 2);
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a message, which `fill` appends field by field.
pub fn message(out: &mut Vec<u8>, field: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(field << 3 | 2);
    let start = out.len();
    // Most messages are short: one byte is reserved for the length, and more are inserted when
    // needed.
    out.push(0);
    fill(out);
    let length = out.len() - start - 1;
    let mut room = 0;
    while length >> (7 * (room + 1)) > 0 {
        room += 1;
    }
    if room > 0 {
        let end = out.len();
        out.resize(end + room, 0);
        out.copy_within(start + 1..end, start + 1 + room);
    }
    for (at, byte) in out[start..=start + room].iter_mut().enumerate() {
        let more = if at < room { 0x80 } else { 0 };
        *byte = (length >> (7 * at)) as u8 & 0x7f | more;
    }
}

/// Writes what stands before an object of `length` bytes.
pub fn envelope(out: &mut Vec<u8>, api_version: &str, kind: &str, length: usize) {
    out.extend_from_slice(MAGIC);
    message(out, 1, |out| {
        string(out, 1, api_version);
        string(out, 2, kind);
    });
    out.push(2 << 3 | 2);
    varint(out, length as u64);
}

/// What follows the object: content encoding and content type, both empty.
pub const ENVELOPE_END: &[u8] = b"\x1a\0\x22\0";

/// An object with all that belongs around it.
pub fn document(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(object.len() + 80);
    envelope(&mut out, api_version, kind, object.len());
    out.extend_from_slice(object);
    out.extend_from_slice(ENVELOPE_END);
    out
}

/// Writes a list's metadata, all of it empty.
pub fn list_metadata(out: &mut Vec<u8>) {
    message(out, 1, |out| (1..=3).for_each(|field| string(out, field, "")));
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_long_messages_takes_more_bytes() {
        for length in [0_usize, 1, 127, 128, 16_383, 16_384, 300_000] {
            let mut out = b"before".to_vec();
            message(&mut out, 3, |out| out.resize(out.len() + length, b'x'));
            let mut expected = b"before\x1a".to_vec();
            varint(&mut expected, length as u64);
            expected.resize(expected.len() + length, b'x');
            assert!(out == expected, "{length}");
        }
    }

    #[test]
    fn numbers_have_seven_bits_a_byte() {
        let mut out = Vec::new();
        number(&mut out, 1, 15_006_000_000);
        assert_eq!(out, b"\x08\x80\xc7\xb5\xf37");
    }
}
