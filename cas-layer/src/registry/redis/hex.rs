//! Ids as text, as logs show them too.

/// Lower-case hexadecimal.
pub(super) fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The 16 bytes of an id, if this is exactly that.
pub(super) fn decode(text: &[u8]) -> Option<[u8; 16]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 16];
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_comes_back_as_it_went_in_and_nothing_else_is_one() {
        let id = *b"\x00\x01\x09\x0a\x0f\x10\x7f\x80\xa0\xff0123456789"
            .first_chunk()
            .unwrap();
        assert_eq!(decode(encode(&id).as_bytes()), Some(id));
        let good = encode(&id);
        for bad in ["", &good[1..], &format!("{good}0"), &good.to_uppercase()] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(decode(good.replace('0', "g").as_bytes()), None);
    }
}
