//! A network that can be cut.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Stands between a node and Redis.
pub(crate) struct Proxy {
    address: SocketAddr,
    /// Where Redis is. Of several, each has the next connection in turn.
    ports: Arc<Mutex<Vec<u16>>>,
    /// How many connections there were, and how many are closed again.
    counts: Arc<[AtomicUsize; 2]>,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq)]
struct State {
    is_open: bool,
    /// Connections of before break with each change.
    changes: u32,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new(State {
            is_open: true,
            changes: 0,
        });
        let states = state.clone();
        let ports = Arc::new(Mutex::new(vec![port]));
        let to_ports = Arc::clone(&ports);
        let counts = Arc::new([const { AtomicUsize::new(0) }; 2]);
        let counted = Arc::clone(&counts);
        tokio::spawn(async move {
            let states = Arc::new(states);
            while let Ok((mut from, _)) = listener.accept().await {
                let mut states = states.subscribe();
                let state = *states.borrow();
                let port = {
                    let mut ports = to_ports.lock().unwrap();
                    ports.rotate_left(1);
                    ports[0]
                };
                let counted = Arc::clone(&counted);
                tokio::spawn(async move {
                    counted[0].fetch_add(1, Ordering::SeqCst);
                    if state.is_open
                        && let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await
                    {
                        let ((mut asks, mut hears), (mut answers, mut told)) =
                            (from.split(), to.split());
                        tokio::select! {
                            _ = copy(&mut asks, &mut told) => {}
                            _ = copy(&mut answers, &mut hears) => {}
                            _ = states.wait_for(|new| *new != state) => {}
                        }
                    }
                    counted[1].fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            ports,
            counts,
            state,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many connections were made.
    pub(crate) fn accepted(&self) -> usize {
        self.counts[0].load(Ordering::SeqCst)
    }

    /// How many of them are open.
    pub(crate) fn open(&self) -> usize {
        // In this order: more may be made meanwhile, and none is closed before it was made.
        let closed = self.counts[1].load(Ordering::SeqCst);
        self.accepted() - closed
    }

    /// Breaks all connections, and leads to another server from now on.
    pub(crate) fn lead_to(&self, port: u16) {
        self.lead_to_each_of(&[port]);
    }

    /// The same with several servers, each of which has the next connection in turn.
    pub(crate) fn lead_to_each_of(&self, ports: &[u16]) {
        *self.ports.lock().unwrap() = ports.to_vec();
        self.change(true);
    }

    /// Breaks all connections, and lets none through.
    pub(crate) fn cut(&self) {
        self.change(false);
    }

    pub(crate) fn mend(&self) {
        self.change(true);
    }

    fn change(&self, is_open: bool) {
        self.state.send_modify(|state| {
            state.is_open = is_open;
            state.changes += 1;
        });
    }
}
