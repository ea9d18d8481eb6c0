//! `websocket`

use cas_layer_tests::visitor::Visitor;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    program::Program,
    socket::{Socket, refusal},
};

#[tokio::test]
async fn websocket_closes_when_the_cas_server_signs_its_user_out() {
    let program = Program::start("websocket", &[]).await;
    let visitor = Visitor::new();
    assert_eq!(
        refusal(Socket::open(&program, &visitor, "/socket").await),
        401
    );

    program.sign_in(&visitor, "/").await;
    let mut socket = Socket::open(&program, &visitor, "/socket").await.unwrap();
    socket.say("hello").await;
    assert_eq!(
        socket.hear().await,
        Some(Message::text("casuser says hello"))
    );

    program.cas.log_out("casuser").await;
    let Some(Message::Close(Some(frame))) = socket.hear().await else {
        panic!("no close frame");
    };
    assert_eq!(frame.reason, "signed out");
}
