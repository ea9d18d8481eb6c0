//! Files that something else has written to.
//!
//! Each is reported, or everything that was answered is still in it.

use std::fs;

use cas_layer::{
    FileRegistry,
    registry::{Registry as _, RegistryErrorKind},
};
use cas_layer_tests::suite::trial;
use libtest_mimic::Trial;

use super::{File, opening::refusal};
use crate::support::{NOW, id, is_ended, sender, sign_in, sign_out, single_logout};

const ENDED: u64 = 150;
const OPEN: u64 = 30;

/// The page of the database.
const PAGE: usize = 4096;
/// What of the first page is in use.
const HEADER: usize = 320;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("file::an_altered_byte_loses_nothing_silently", || {
            altered(alter_bytes)
        }),
        trial("file::a_lost_page_loses_nothing_silently", || {
            altered(alter_pages)
        }),
        trial("file::a_file_cut_short_loses_nothing_silently", || {
            altered(cut)
        }),
        trial("file::a_file_of_something_else_is_refused", something_else),
    ]
}

/// What was done to a file, and what it is then.
type Altered = (String, Vec<u8>);

/// A registry's file as a crash leaves it, and as it is when closed.
async fn files() -> [Vec<u8>; 2] {
    let file = File::new();
    let registry = file.open();
    for n in 0..ENDED {
        sign_out(&registry, n).await;
    }
    for n in ENDED..ENDED + OPEN {
        sign_in(&registry, n).await;
    }
    // The last of the answers is what a crash might take along.
    sign_out(&registry, ENDED + OPEN).await;
    let crashed = fs::read(file.path()).unwrap();
    drop(registry);
    [crashed, fs::read(file.path()).unwrap()]
}

async fn altered(alter: fn(&[u8]) -> Vec<Altered>) {
    let file = File::new();
    let (mut refused, mut whole) = (0, 0);
    for original in files().await {
        for (what, altered) in alter(&original) {
            fs::write(file.path(), altered).unwrap();
            match FileRegistry::open(file.path()) {
                Ok(registry) => {
                    whole += 1;
                    check(&registry, &what).await;
                }
                Err(error) => {
                    refused += 1;
                    assert_eq!(error.kind(), RegistryErrorKind::Damaged, "{what}: {error}");
                    // Reporting it has not made it look good.
                    let kind = refusal(&file.path()).kind();
                    assert_eq!(kind, RegistryErrorKind::Damaged, "{what}");
                }
            }
        }
    }
    assert!(refused > 20 && whole > 5, "{refused} {whole}");
}

/// Nothing is lost.
async fn check(registry: &FileRegistry, what: &str) {
    for n in (0..ENDED).chain([ENDED + OPEN]) {
        assert!(is_ended(registry, n), "{what}: {n}");
    }
    let open: Vec<_> = (ENDED..ENDED + OPEN).map(id).collect();
    let found = registry
        .end_if_opened(open.clone(), sender(), *NOW)
        .await
        .unwrap();
    assert_eq!(found, open, "{what}");
}

fn alter_bytes(original: &[u8]) -> Vec<Altered> {
    // The first bytes decide which of two states is read, bit by bit.
    let first = (0..12).flat_map(|at| (0..8).map(move |bit| (at, 1 << bit)));
    let header = (12..HEADER).step_by(5).map(|at| (at, 0xff));
    let pages = (PAGE..original.len()).step_by(997).map(|at| (at, 4));
    let alter = |(at, bits): (usize, u8)| {
        let mut altered = original.to_vec();
        altered[at] ^= bits;
        (format!("{at} ^ {bits:x}"), altered)
    };
    first.chain(header).chain(pages).map(alter).collect()
}

fn alter_pages(original: &[u8]) -> Vec<Altered> {
    let pages = (0..original.len()).step_by(PAGE);
    let alter = |at| {
        [0, 0xa5].map(|byte| {
            let mut altered = original.to_vec();
            altered[at..at + PAGE].fill(byte);
            (format!("page at {at} of {byte:x}"), altered)
        })
    };
    pages.flat_map(alter).collect()
}

fn cut(original: &[u8]) -> Vec<Altered> {
    let lengths = (0..HEADER)
        .step_by(7)
        .chain((0..original.len()).step_by(1021))
        .chain((0..original.len()).step_by(PAGE));
    let cut = |length| (format!("{length} bytes"), original[..length].to_vec());
    let longer = [1, 511, PAGE, 10 * PAGE].map(|more| {
        let mut longer = original.to_vec();
        longer.resize(original.len() + more, 0);
        (format!("{more} bytes more"), longer)
    });
    lengths.map(cut).chain(longer).collect()
}

async fn something_else() {
    let file = File::new();
    let mut noise = Vec::new();
    for n in 0..10_000 {
        noise.extend(id(n).as_bytes());
    }
    let mut noise_with_a_good_beginning = files().await[0][..HEADER].to_vec();
    noise_with_a_good_beginning.extend(&noise);
    let contents = [
        Vec::new(),
        vec![0],
        vec![0; PAGE],
        vec![0; 100 * PAGE],
        b"sessions: none\n".to_vec(),
        "text ".repeat(10_000).into_bytes(),
        noise,
        noise_with_a_good_beginning,
    ];
    for content in contents {
        fs::write(file.path(), &content).unwrap();
        let kind = refusal(&file.path()).kind();
        assert_eq!(kind, RegistryErrorKind::Damaged, "{} bytes", content.len());
        // It is left to the operator as it was.
        assert_eq!(fs::read(file.path()).unwrap(), content);
    }
    // And is no hindrance once it is gone.
    fs::remove_file(file.path()).unwrap();
    assert_eq!(single_logout(&file.open(), [1]).await, 0);
}
