//! A network that can be cut and slowed down.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// What lies between a node and its store.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    /// Where it leads.
    port: u16,
    is_open: bool,
    delay: Duration,
}

/// The way of one node to its store.
#[derive(Debug)]
pub struct Way {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Way {
    /// A good way to this port.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let state = watch::Sender::new(State {
            port,
            is_open: true,
            delay: Duration::ZERO,
        });
        let changes = state.subscribe();
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                tokio::spawn(carry(from, changes.clone()));
            }
        });
        Self { address, state }
    }

    /// Where the node connects to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections, and lets none through.
    pub(crate) fn cut(&self) {
        self.state.send_modify(|state| state.is_open = false);
    }

    /// Lets connections through again, as they were before.
    pub(crate) fn mend(&self) {
        self.state.send_modify(|state| {
            state.is_open = true;
            state.delay = Duration::ZERO;
        });
    }

    /// Carries everything later, in both directions.
    pub fn slow(&self, delay: Duration) {
        self.state.send_modify(|state| state.delay = delay);
    }

    /// Leads elsewhere from now on. What is connected is cut off.
    pub(crate) fn lead_to(&self, port: u16) {
        self.state.send_modify(|state| state.port = port);
    }
}

async fn carry(from: TcpStream, mut changes: watch::Receiver<State>) {
    let State { port, is_open, .. } = *changes.borrow();
    if !is_open {
        return;
    }
    let Ok(to) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    let ((from_read, from_write), (to_read, to_write)) = (from.into_split(), to.into_split());
    let is_over = changes.clone();
    tokio::select! {
        () = pass(from_read, to_write, is_over.clone()) => {}
        () = pass(to_read, from_write, is_over) => {}
        _ = changes.wait_for(|state| !state.is_open || state.port != port) => {}
    }
}

/// Passes on what comes, each piece after the delay that there is when it comes.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: watch::Receiver<State>) {
    let (pieces, mut due) = mpsc::channel::<(Instant, Vec<u8>)>(1_024);
    let reading = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let at = Instant::now() + state.borrow().delay;
            if pieces.send((at, buffer[..count].to_vec())).await.is_err() {
                break;
            }
        }
    };
    let writing = async move {
        while let Some((at, piece)) = due.recv().await {
            sleep_until(at).await;
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(reading, writing);
}
