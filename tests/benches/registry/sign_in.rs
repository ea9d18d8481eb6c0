//! What a sign-in costs the app: the page that begins it, the callback, and the validation at a CAS server.

use std::{sync::mpsc, thread};

use cas_layer::MemoryRegistry;
use tokio::runtime;

use crate::{figures::median, http::worked, site::Site};

const SIGN_INS: usize = 2_000;
const BLOCK: usize = 100;

pub(crate) fn run() {
    // The CAS server works on a thread of its own.
    let (sender, site) = mpsc::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            sender.send(Site::new().await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let site = site.recv().unwrap();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut blocks = runtime.block_on(async {
        let node = site.node(MemoryRegistry::default());
        let mut blocks = Vec::new();
        for _ in 0..SIGN_INS / BLOCK {
            let before = worked();
            for _ in 0..BLOCK {
                site.sign_in(&node).await;
            }
            let each = (worked() - before) / u64::try_from(BLOCK).unwrap();
            blocks.push(f64::from(u32::try_from(each).unwrap()) / 1_000.0);
        }
        blocks
    });
    let each = median(&mut blocks);
    println!(
        "\none sign-in, and the first page after it: {each:.0} µs of the app's CPU, so {:.0} a second on one core (median \
         of {} blocks of {BLOCK})",
        1e6 / each,
        blocks.len()
    );
}
