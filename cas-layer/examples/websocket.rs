//! A WebSocket that closes when its user signs out, here or anywhere else.
//!
//! `cargo run --example websocket -- https://cas.example.org/cas`, then open <http://127.0.0.1:8080>.

use axum::{
    Router,
    extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    response::{Html, Response},
    routing::{any, get},
};
use cas_layer::{CasConfig, CasLayer, CasUser, Key};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cas_url = std::env::args().nth(1).ok_or("usage: websocket CAS_URL")?;
    let listen = std::env::var("LISTEN").unwrap_or_else(|_| "127.0.0.1:8080".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let app_url = format!("http://{}", listener.local_addr()?);
    println!("Listening on {app_url}");

    let config = CasConfig::builder(cas_url, app_url)
        .key(Key::generate())
        .build()?;
    let app = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/socket", any(open))
        .layer(CasLayer::new(config));
    axum::serve(listener, app).await?;
    Ok(())
}

/// Without a session the layer answers the handshake with 401, and this is not called.
async fn open(user: CasUser, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |socket| echo(socket, user).await)
}

async fn echo(mut socket: WebSocket, user: CasUser) {
    let mut ended = std::pin::pin!(user.ended());
    loop {
        let message = tokio::select! {
            () = &mut ended => {
                let signed_out = CloseFrame {
                    code: close_code::POLICY,
                    reason: "signed out".into(),
                };
                // The other side may be gone already.
                let _ = socket.send(Message::Close(Some(signed_out))).await;
                return;
            }
            message = socket.recv() => message,
        };
        let Some(Ok(message)) = message else { return };
        if let Message::Text(text) = message {
            let answer = format!("{} says {text}", user.name());
            if socket.send(Message::text(answer)).await.is_err() {
                return;
            }
        }
    }
}

const PAGE: &str = r#"<!DOCTYPE html><html lang="en"><title>WebSocket</title>
<form><input name="say"><button>Send</button></form> <a href="/logout" target="_blank">Sign out</a>
<pre></pre><script>
const log = text => document.querySelector("pre").append(text + "\n");
const socket = new WebSocket(`ws://${location.host}/socket`);
socket.onmessage = event => log(event.data);
socket.onclose = event => log(`closed: ${event.reason}`);
document.querySelector("form").onsubmit = event => {
  event.preventDefault();
  socket.send(event.target.say.value);
};
</script></html>"#;
