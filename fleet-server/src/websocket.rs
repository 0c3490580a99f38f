//! The server's side of a WebSocket (RFC 6455) that only sends small texts. Nothing is buffered
//! beyond the one small frame that a client may send.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{self, HeaderMap, HeaderValue};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// What the protocol mixes into the key, so that nobody takes another server for a WebSocket.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The most bytes of a client's frame: control frames have no more, and there is nothing else to
/// send.
pub(crate) const MAX_PAYLOAD: usize = 125;

/// The answer to a client's key, where the request is one for a WebSocket.
pub(crate) fn accept(headers: &HeaderMap) -> Option<HeaderValue> {
    let has = |name: header::HeaderName, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(wanted)))
    };
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes();
    let is_one = has(header::CONNECTION, "upgrade")
        && has(header::UPGRADE, "websocket")
        && headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes() == b"13"
        && STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    if !is_one {
        return None;
    }
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, GUID].concat());
    HeaderValue::from_str(&STANDARD.encode(hash.as_ref())).ok()
}

/// A text of up to 65,535 bytes as a frame; what is longer is cut off.
pub(crate) fn text_frame(text: &[u8]) -> Vec<u8> {
    frame(0x1, text)
}

/// A frame with a kind of RFC 6455, section 5.2.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(length) {
        Ok(short) if usize::from(short) <= MAX_PAYLOAD => frame.push(short),
        Ok(_) | Err(_) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
    }
    frame.extend(payload.iter().take(usize::from(length)));
    frame
}

/// The frame that says that the server ends and that another one may be there.
pub(crate) fn going_away() -> Vec<u8> {
    frame(0x8, &1001_u16.to_be_bytes())
}

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// More is needed.
    Nothing,
    /// Something that needs no answer: a pong, or a text that means nothing here.
    Ignored,
    /// It wants this sent back.
    Ping(Vec<u8>),
    /// It ends; this is the polite answer.
    Close(Vec<u8>),
}

/// What a client has sent so far and was not understood yet.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Vec<u8>);

impl Inbox {
    /// Adds bytes that came.
    pub(crate) fn add(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Takes one frame out.
    ///
    /// # Errors
    /// When the client breaks the protocol, or sends more than there is to say.
    pub(crate) fn next(&mut self) -> io::Result<Heard> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let &[first, second, ..] = self.0.as_slice() else { return Ok(Heard::Nothing) };
        let length = usize::from(second & 0x7f);
        if second & 0x80 == 0 || first & 0x70 != 0 || length > MAX_PAYLOAD {
            return Err(wrong("a frame that is not masked, extended or too long"));
        }
        let Some(mask) = self.0.get(2..6) else { return Ok(Heard::Nothing) };
        let Some(masked) = self.0.get(6..6 + length) else { return Ok(Heard::Nothing) };
        let payload: Vec<u8> =
            masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        self.0.drain(..6 + length);
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
        match first & 0x0f {
            0x0..=0x2 | 0xa => Ok(Heard::Ignored),
            0x9 => Ok(Heard::Ping(frame(0xa, &payload))),
            0x8 => Ok(Heard::Close(frame(0x8, payload.get(..2).unwrap_or_default()))),
            _ => Err(wrong("a frame of an unknown kind")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        let mask = [1, 2, 3, 4];
        let body = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        [0x80 | opcode, 0x80 | length].into_iter().chain(mask).chain(body).collect()
    }

    #[test]
    fn the_key_of_the_specification_has_its_answer() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(
            header::SEC_WEBSOCKET_KEY,
            HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="),
        );
        assert_eq!(accept(&headers).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        headers.remove(header::UPGRADE);
        assert_eq!(accept(&headers), None);
    }

    #[test]
    fn frames_are_understood_in_pieces() {
        let mut inbox = Inbox::default();
        let ping = masked(0x9, b"hello");
        for byte in &ping {
            assert_eq!(inbox.next().unwrap(), Heard::Nothing);
            inbox.add(&[*byte]);
        }
        assert_eq!(inbox.next().unwrap(), Heard::Ping(b"\x8a\x05hello".to_vec()));
        inbox.add(&[masked(0x1, b"text"), masked(0x8, &[3, 232, b'x'])].concat());
        assert_eq!(inbox.next().unwrap(), Heard::Ignored);
        assert_eq!(inbox.next().unwrap(), Heard::Close(vec![0x88, 2, 3, 232]));
        assert_eq!(inbox.next().unwrap(), Heard::Nothing);
    }

    #[test]
    fn what_breaks_the_protocol_ends_the_channel() {
        for wrong in
            [&[0x81, 0x05][..], &[0x81, 0xfe], &[0xf1, 0x80, 0, 0, 0, 0], &[0x83, 0x80, 0, 0, 0, 0]]
        {
            let mut inbox = Inbox::default();
            inbox.add(wrong);
            assert!(inbox.next().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn long_texts_have_their_length() {
        assert_eq!(text_frame(&[b'x'; 200])[..4], [0x81, 126, 0, 200]);
        assert_eq!(text_frame(b"x"), [0x81, 1, b'x']);
    }
}
