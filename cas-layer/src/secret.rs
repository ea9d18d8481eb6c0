//! Buffers of secrets: overwritten when they are dropped, and grown without leaving a copy behind.

use zeroize::Zeroizing;

/// Adds to a buffer. A vector that grows by itself would free its old memory without overwriting it.
pub(crate) fn append(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let needed = buffer.len().saturating_add(bytes.len());
    if needed > buffer.capacity() {
        let doubled = buffer.capacity().saturating_mul(2);
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(doubled)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
#[cfg(target_os = "linux")]
pub(crate) mod tests {
    use std::{
        fs::{self, File},
        os::unix::fs::FileExt as _,
    };

    use super::*;

    /// Hides a letter, so that a marker stands nowhere by itself.
    const MASK: u8 = 0x80;
    const LENGTH: usize = 48;
    const CHUNK: usize = 8 * 1024;

    /// A ticket whose text is in memory only where a test puts it.
    pub(crate) struct Marker([u8; LENGTH]);

    impl Marker {
        pub(crate) fn new() -> Self {
            let mut masked = [0; LENGTH];
            getrandom::fill(&mut masked).unwrap();
            Self(masked.map(|byte| MASK | (b'a' + byte % 26)))
        }

        pub(crate) fn text(&self) -> Zeroizing<String> {
            let mut text = Zeroizing::new(String::with_capacity(LENGTH));
            text.extend(self.0.iter().map(|byte| char::from(byte ^ MASK)));
            text
        }

        /// How often the middle of the text is in what this process has allocated, in use or freed. An allocator writes over
        /// the beginning of what it takes back.
        pub(crate) fn copies(&self) -> usize {
            let Some((_, needle)) = self.0.split_at_checked(LENGTH / 3) else {
                return 0;
            };
            let memory = File::open("/proc/self/mem").unwrap();
            // On the stack, which is not searched: what is read must not be found there again.
            let mut buffer = [0; CHUNK + LENGTH];
            let here = buffer.as_ptr().addr() as u64;
            let mut copies = 0;
            for (start, end) in allocated().filter(|&(start, end)| !(start..end).contains(&here)) {
                for offset in (start..end).step_by(CHUNK) {
                    // What begins in this chunk may end in the next.
                    let length = (end - offset).min((CHUNK + needle.len() - 1) as u64);
                    let chunk = &mut buffer[..usize::try_from(length).unwrap()];
                    // What has been given back meanwhile cannot be read.
                    if memory.read_exact_at(chunk, offset).is_ok() {
                        copies += count(chunk, needle);
                    }
                }
            }
            copies
        }
    }

    fn count(bytes: &[u8], masked: &[u8]) -> usize {
        let first = masked[0] ^ MASK;
        memchr::memchr_iter(first, bytes)
            .filter(|&at| {
                let found = bytes.get(at..at + masked.len());
                found.is_some_and(|found| found.iter().zip(masked).all(|(f, m)| f ^ MASK == *m))
            })
            .count()
    }

    /// The ranges of memory that allocators have, and the stacks of threads.
    fn allocated() -> impl Iterator<Item = (u64, u64)> {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let ranges: Vec<(u64, u64)> = maps
            .lines()
            .filter_map(|line| {
                let mut fields = line.split_ascii_whitespace();
                let (start, end) = fields.next()?.split_once('-')?;
                let is_writable = fields.next()?.starts_with("rw");
                let is_allocated = matches!(fields.nth(3), None | Some("[heap]"));
                let hex = |text| u64::from_str_radix(text, 16).ok();
                (is_writable && is_allocated).then_some((hex(start)?, hex(end)?))
            })
            .collect();
        ranges.into_iter()
    }

    #[test]
    fn a_buffer_that_grew_is_nowhere_once_it_is_dropped() {
        let marker = Marker::new();
        let mut buffer = Zeroizing::new(Vec::new());
        append(&mut buffer, marker.text().as_bytes());
        assert_eq!(marker.copies(), 1, "or the search finds nothing");
        for _ in 0..100 {
            append(&mut buffer, &[b'x'; 100]);
        }
        assert_eq!(marker.copies(), 1, "none left behind");
        assert_eq!(buffer.len(), LENGTH + 10_000);
        drop(buffer);
        assert_eq!(marker.copies(), 0);
    }
}
