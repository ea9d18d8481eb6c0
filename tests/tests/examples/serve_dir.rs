//! `serve_dir`

use std::fs;

use cas_layer_tests::visitor::Visitor;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::program::{Program, soon};

#[tokio::test]
async fn serve_dir_shows_assets_to_everybody_and_files_to_users() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("assets/style.css", "body {}"),
        ("files/report.txt", "top secret"),
        ("other.txt", "not served"),
    ] {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let program = Program::start("serve_dir", &[directory.path().to_str().unwrap()]).await;
    let visitor = Visitor::new();

    let style = visitor.get(&program.at("/assets/style.css")).await;
    assert_eq!(
        (style.status.as_u16(), style.body.as_str()),
        (200, "body {}")
    );
    assert_eq!(style.header("content-type"), "text/css");
    let away = visitor.get(&program.at("/files/report.txt")).await;
    assert!(away.location().as_str().starts_with(program.cas.url()));

    // As a client sends it that does not tidy its paths.
    for path in [
        "/assets/../files/report.txt",
        "/assets/%2e%2e/files/report.txt",
        "/assets/..%2ffiles/report.txt",
        "/assets/../other.txt",
        "//files/report.txt",
    ] {
        let mut socket = TcpStream::connect(program.address()).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        socket.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(socket.read_to_string(&mut answer)).await.unwrap();
        assert!(!answer.starts_with("HTTP/1.1 2"), "{path}: {answer}");
        assert!(
            !answer.contains("secret") && !answer.contains("not served"),
            "{answer}"
        );
    }

    let report = program.sign_in(&visitor, "/files/report.txt").await;
    assert_eq!(report.body, "top secret");
    assert_eq!(report.header("cache-control"), "private, no-store");
    let part = visitor.request(http::Method::GET, &program.at("/files/report.txt"));
    let part = part.header("range", "bytes=4-").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.text().await.unwrap(), "secret");
}
