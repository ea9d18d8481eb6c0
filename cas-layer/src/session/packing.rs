//! Attributes, compressed: group lists repeat themselves, and a cookie has little room.
//!
//! Nothing but attributes is ever in a stream. Beside a secret, the length of what comes out would tell something of
//! it to somebody who can choose what stands next to it.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The most bytes that attributes may have when they are unpacked.
pub(crate) const MAX_UNPACKED: usize = 1024 * 1024;

/// What is shorter is left as it is: there is little to win, and every request would have to undo it.
const WORTH_IT: usize = 256;

/// What is longer is not expected to fit into a cookie, even if it is packed.
const MAY_FIT: usize = 64 * 1024;

/// The same in fewer bytes, or as many at most, if it is worth it.
pub(super) fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    if !(WORTH_IT..=MAX_UNPACKED).contains(&bytes.len()) {
        return None;
    }
    // It fits, or it would be longer.
    let mut packed = Vec::with_capacity(bytes.len());
    // More time is worth it only where a cookie may come out.
    let level = if bytes.len() > MAY_FIT {
        Compression::default()
    } else {
        Compression::best()
    };
    let mut stream = Compress::new(level, false);
    let status = stream.compress_vec(bytes, &mut packed, FlushCompress::Finish);
    matches!(status, Ok(Status::StreamEnd)).then_some(packed)
}

/// What was packed, which has `length` bytes. `None` if it was not packed here.
pub(super) fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    if length > MAX_UNPACKED {
        return None;
    }
    // One byte more, to tell what is too long from what just fits.
    let mut bytes = Vec::with_capacity(length + 1);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(packed, &mut bytes, FlushDecompress::Finish);
    let is_whole = matches!(status, Ok(Status::StreamEnd))
        && bytes.len() == length
        && usize::try_from(stream.total_in()) == Ok(packed.len());
    is_whole.then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(count: usize) -> Vec<u8> {
        let group =
            |number| format!("cn=group-{number:04},ou=groups,dc=faculty,dc=university,dc=example");
        (0..count)
            .flat_map(|number| group(number).into_bytes())
            .collect()
    }

    #[test]
    fn what_is_packed_comes_back_and_is_shorter() {
        for count in [5, 47, 400, 10_000] {
            let bytes = groups(count);
            let packed = pack(&bytes).unwrap();
            assert!(packed.len() * 3 < bytes.len(), "{count}: {}", packed.len());
            assert_eq!(unpack(&packed, bytes.len()).unwrap(), bytes);
        }
        for length in [WORTH_IT, MAX_UNPACKED] {
            let bytes = vec![b'a'; length];
            let packed = pack(&bytes).unwrap();
            assert_eq!(unpack(&packed, length), Some(bytes), "{length}");
        }
    }

    #[test]
    fn what_would_be_longer_or_is_short_is_left_as_it_is() {
        assert_eq!(pack(&[b'a'; WORTH_IT - 1]), None);
        assert_eq!(pack(&vec![b'a'; MAX_UNPACKED + 1]), None);
        let mut random = vec![0; 4096];
        getrandom::fill(&mut random).unwrap();
        assert_eq!(pack(&random), None);
    }

    #[test]
    fn nothing_else_is_unpacked() {
        let bytes = groups(47);
        let packed = pack(&bytes).unwrap();
        for length in [
            0,
            bytes.len() - 1,
            bytes.len() + 1,
            MAX_UNPACKED,
            usize::MAX,
        ] {
            assert_eq!(unpack(&packed, length), None, "{length}");
        }
        assert_eq!(unpack(&packed[..packed.len() - 1], bytes.len()), None);
        assert_eq!(unpack(&[&packed[..], b"x"].concat(), bytes.len()), None);
        assert_eq!(unpack(b"", 0), None);
        assert_eq!(unpack(&[0xff; 64], 64), None);
    }
}
