//! The client's side of a WebSocket.

use cas_layer_tests::visitor::Visitor;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::COOKIE;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest as _},
};

use crate::program::{Program, soon};

pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens a WebSocket with the cookies of `visitor`.
    pub(crate) async fn open(
        program: &Program,
        visitor: &Visitor,
        path: &str,
    ) -> Result<Self, Error> {
        let url = format!("ws://{}{path}", program.address());
        let mut request = url.into_client_request().unwrap();
        let cookies = visitor.cookies(&program.at(path));
        let cookies: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            let cookies = cookies.join("; ").parse().unwrap();
            request.headers_mut().insert(COOKIE, cookies);
        }
        let socket = TcpStream::connect(program.address()).await.unwrap();
        let (socket, _) = soon(tokio_tungstenite::client_async(request, socket)).await?;
        Ok(Self(socket))
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next message, `None` when the connection is gone.
    pub(crate) async fn hear(&mut self) -> Option<Message> {
        soon(self.0.next()).await?.ok()
    }
}

/// The status of a handshake that was refused.
pub(crate) fn refusal(result: Result<Socket, Error>) -> u16 {
    match result {
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("no answer: {error}"),
        Ok(_) => panic!("not refused"),
    }
}
