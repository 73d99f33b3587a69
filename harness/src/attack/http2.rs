//! Frames of HTTP/2 (RFC 9113) as no well-meaning client would send them: libraries give streams
//! windows and wait for answers.

/// What a client sends first.
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const INITIAL_WINDOW_SIZE: u16 = 4;
const CANCEL: u32 = 8;

/// SETTINGS with the window that each stream begins with, and the acknowledgement of the peer's.
pub(super) fn settings(initial_window: u32) -> Vec<u8> {
    let mut payload = INITIAL_WINDOW_SIZE.to_be_bytes().to_vec();
    payload.extend(initial_window.to_be_bytes());
    [frame(SETTINGS, 0, 0, &payload), frame(SETTINGS, ACK, 0, &[])].concat()
}

/// A whole GET request.
pub(super) fn get(stream: u32, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let own = [(":method", "GET"), (":scheme", "https"), (":path", path), (":authority", "attack")];
    let mut block = Vec::new();
    for (name, value) in own.iter().chain(headers) {
        // A literal that is not indexed, with a new name (RFC 7541, 6.2.2).
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
}

/// Gives a stream up.
pub(super) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

/// Allows the peer to send this many more bytes over the whole connection.
pub(super) fn window_update(bytes: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, 0, &bytes.to_be_bytes())
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A string without Huffman coding; its length is an integer with a prefix of seven bits.
fn string(block: &mut Vec<u8>, text: &str) {
    const PREFIX: usize = 127;
    if text.len() < PREFIX {
        block.push(text.len() as u8);
    } else {
        block.push(PREFIX as u8);
        let mut rest = text.len() - PREFIX;
        while rest >= 128 {
            block.push((rest % 128 + 128) as u8);
            rest /= 128;
        }
        block.push(rest as u8);
    }
    block.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_those_of_the_rfcs() {
        assert_eq!(reset(3), [0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8]);
        assert_eq!(settings(0)[..15], [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        // RFC 7541, C.1.2: 1337 in a prefix of five bits is 31, 154, 10; here the prefix has seven.
        let mut block = Vec::new();
        string(&mut block, &"a".repeat(1337));
        assert_eq!(block[..3], [127, 186, 9]);
        assert_eq!(block.len(), 3 + 1337);
    }
}
