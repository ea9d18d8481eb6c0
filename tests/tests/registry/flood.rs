//! What a million bogus pairs leave in the memory of a process.

use std::sync::Arc;

use cas_layer::{
    registry::{Delivered, ProxyGrants, Registry, Sealed},
    testing::RegistryStore,
};
use cas_layer_tests::suite::trial;
use futures_util::FutureExt as _;
use libtest_mimic::Trial;

use crate::support::{NOW, VALIDATION, collect, deliver, grant, grants, iou};

const FLOOD: u64 = 1_000_000;

/// The longest pair that the layer brings, in bytes.
const LONGEST: usize = 1_024;

/// What they may take, in bytes, and while they come.
const ALLOWED: u64 = 1_000_000;

pub(crate) fn trial_of<S: RegistryStore + 'static>(registry: &str, store: fn() -> S) -> Trial {
    trial(
        format!("{registry}::flood::a_million_bogus_pairs_leave_memory_flat"),
        move || a_million_bogus_pairs_leave_memory_flat(store()),
    )
}

/// How many are kept, and how many bytes that takes: at most, and afterwards. All of them are as long as may be.
fn flood(grants: &dyn ProxyGrants) -> (u64, u64, i64) {
    let mut kept = 0;
    let taken = allocation_counter::measure(|| {
        for n in 0..FLOOD {
            let bytes = vec![0; LONGEST];
            let delivered = grants.deliver(
                iou(1_000 + n),
                Sealed::new(bytes).unwrap(),
                // They come within a quarter of an hour of a busy site.
                *NOW + n / 50_000,
            );
            let delivered = delivered.now_or_never().unwrap().unwrap();
            kept += u64::from(delivered == Delivered::Kept);
        }
    });
    (kept, taken.bytes_max, taken.bytes_current)
}

async fn a_million_bogus_pairs_leave_memory_flat<S: RegistryStore>(store: S) {
    let registry: Arc<dyn Registry> = store.node().await;
    let (kept, most, left) = flood(grants(&registry));
    assert_eq!((kept, left), (0, 0));
    assert!(most < 4_096, "{most}");

    let expected = grants(&registry).expect(VALIDATION, *NOW).await.unwrap();
    assert_eq!(deliver(&registry, 0).await, Delivered::Kept);
    let (kept, most, left) = flood(grants(&registry));
    println!("{kept} of a million pairs are kept, in {left} bytes, and {most} at most");
    assert!(kept > 500, "{kept}");
    assert!(most <= ALLOWED, "{most}");
    assert_eq!(collect(&registry, 0).await, Some(grant(0)));

    // And nothing when it is over.
    let freed = allocation_counter::measure(|| drop(expected));
    assert!(freed.bytes_current <= -left, "{}", freed.bytes_current);
}
