//! A network that can be cut.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// Stands between a node and Redis.
pub(crate) struct Proxy {
    address: SocketAddr,
    /// Where Redis is. Of several, each has the next connection in turn.
    ports: Arc<Mutex<Vec<u16>>>,
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
                tokio::spawn(async move {
                    if !state.is_open {
                        return;
                    }
                    let Ok(mut to) = TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = states.wait_for(|new| *new != state) => {}
                    }
                });
            }
        });
        Self {
            address,
            ports,
            state,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
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
