//! Getting in, and what Redis has to be like.

use std::{error::Error as _, time::Duration};

use cas_layer::{
    CasSettings, RedisRegistry, SettingsRegistry,
    registry::{
        Delivered, Item, ProxyGrants as _, Registry as _, RegistryErrorKind, SessionStorage as _,
    },
};
use cas_layer_tests::{
    listening::{Listening, heard},
    redis::RedisServer,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    grants::{grant, new_iou},
    support::{
        CALL, LIFETIME, Session, account, connect, ends, eventually, is_ended, log_out, new_id,
        now, sign_in, sign_out,
    },
};

pub(crate) async fn refused(url: impl Into<String>) -> (RegistryErrorKind, String) {
    let error = RedisRegistry::connect(url).await.unwrap_err();
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    (error.kind(), format!("{error}: {source}"))
}

pub(crate) async fn a_password_that_is_refused_is_named() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    let url = |login| format!("redis://{login}127.0.0.1:{}", server.port());
    let unusable = RegistryErrorKind::Unusable;
    for login in [":wrong@", "nobody:right@"] {
        let (kind, text) = refused(url(login)).await;
        assert_eq!(kind, unusable);
        assert!(
            text.contains("refuses the user name or the password"),
            "{text}"
        );
        assert!(
            !text.contains("wrong@") && !text.contains("right"),
            "{text}"
        );
    }
    let (kind, text) = refused(url("")).await;
    assert_eq!(kind, unusable);
    assert!(text.contains("asks for a password"), "{text}");
    for login in [":right@", "default:right@"] {
        sign_in(
            &RedisRegistry::builder(url(login))
                .timeout(CALL)
                .connect()
                .await
                .unwrap(),
        )
        .await;
    }
}

pub(crate) async fn settings_open_the_registry_that_they_name() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).await;
    let settings = |password: &str| {
        let url = format!("redis://:{password}@127.0.0.1:{}", server.port());
        let redis = serde_json::json!({ "prefix": "other" });
        CasSettings::read(serde_json::json!({ "registry": url, "redis": redis })).unwrap()
    };
    let opened = settings("right").registry().await.unwrap();
    let SettingsRegistry::Redis(node) = &opened else {
        panic!("{opened:?}");
    };
    let url = format!("redis://:right@127.0.0.1:{}", server.port());
    let same = RedisRegistry::builder(url).timeout(CALL).prefix("other");
    let same = same.connect().await.unwrap();
    let session = sign_in(node).await;
    sign_out(node, &session).await.unwrap();
    ends(&same, &session).await;
    opened.shutdown().await.unwrap();
    let gone = sign_out(node, &sign_in(&same).await).await;
    assert!(gone.is_err(), "it has disconnected");

    let error = settings("wrong").registry().await.unwrap_err();
    assert_eq!(error.key(), "registry");
    let text = format!("{error} {error:?}");
    assert!(
        text.contains("refuses the user name or the password"),
        "{text}"
    );
    assert!(!text.contains("wrong"), "{text}");
}

/// A Redis with TLS for `localhost`, and its certificate authority.
struct WithTls {
    server: RedisServer,
    ca: CertifiedIssuer<'static, KeyPair>,
    _files: TempDir,
}

impl WithTls {
    async fn start(asks_clients: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let (certificate, key) = signed("localhost", &ca);
        let write = |name: &str, text: String| {
            let path = files.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let server = RedisServer::start_with(&[
            "--requirepass",
            "secret",
            "--tls-port",
            "TLS_PORT",
            "--tls-cert-file",
            &write("certificate", certificate),
            "--tls-key-file",
            &write("key", key),
            "--tls-ca-cert-file",
            &write("ca", ca.pem()),
            "--tls-auth-clients",
            asks_clients,
        ])
        .await;
        Self {
            server,
            ca,
            _files: files,
        }
    }
}

/// A certificate of this name and its key, in PEM form.
fn signed(name: &str, ca: &CertifiedIssuer<'static, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    // With the name of its issuer it would count as signed by itself.
    params.distinguished_name.push(DnType::CommonName, name);
    let certificate = params.signed_by(&key, ca).unwrap();
    (certificate.pem(), key.serialize_pem())
}

pub(crate) async fn a_redis_that_asks_for_a_client_certificate_gets_one() {
    let WithTls { server, ca, _files } = WithTls::start("yes").await;
    let builder = || {
        let url = format!("rediss://:secret@localhost:{}", server.tls_port());
        RedisRegistry::builder(url)
            .timeout(CALL)
            .add_root_certificate_pem(ca.pem())
    };
    let (certificate, key) = signed("app", &ca);
    let node = builder().client_certificate_pem(certificate.clone(), key.clone());
    let node = node.connect().await.unwrap();
    sign_in(&node).await;

    let error = builder().connect().await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unavailable);
    let other = KeyPair::generate().unwrap().serialize_pem();
    for (chain, key) in [
        (certificate.clone(), other),
        (certificate.clone(), "no key".to_owned()),
        (key.clone(), key.clone()),
        (String::new(), key.clone()),
    ] {
        let builder = builder().client_certificate_pem(chain, key);
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{error}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    let plain = RedisRegistry::builder(server.url()).client_certificate_pem(certificate, key);
    let error = plain.connect().await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unusable);
}

pub(crate) async fn tls_needs_a_root_certificate_that_is_trusted() {
    let WithTls { server, ca, _files } = WithTls::start("no").await;
    let port = server.tls_port();
    let url = format!("rediss://:secret@localhost:{port}");
    let builder = RedisRegistry::builder(url.clone())
        .timeout(CALL)
        .add_root_certificate_pem(ca.pem());
    let node = builder.connect().await.unwrap();
    let session = sign_in(&node).await;
    sign_out(&node, &session).await.unwrap();
    let plain = format!("redis://:secret@127.0.0.1:{}", server.port());
    assert!(is_ended(
        &RedisRegistry::builder(plain)
            .timeout(CALL)
            .connect()
            .await
            .unwrap(),
        &session
    ));

    let (kind, text) = refused(url).await;
    assert_eq!(kind, RegistryErrorKind::Unavailable);
    assert!(text.contains("certificate"), "{text}");
    // The certificate is for another name.
    let builder = RedisRegistry::builder(format!("rediss://:secret@127.0.0.1:{port}"));
    let builder = builder.add_root_certificate_pem(ca.pem());
    let error = builder.connect().await.unwrap_err();
    assert_eq!(error.kind(), RegistryErrorKind::Unavailable);
}

pub(crate) async fn a_redis_that_is_not_there_is_unavailable() {
    let mut server = RedisServer::start().await;
    server.kill().await;
    let (kind, text) = refused(server.url()).await;
    assert_eq!(kind, RegistryErrorKind::Unavailable);
    assert!(text.contains("cannot be reached"), "{text}");
}

pub(crate) async fn a_redis_before_6_2_is_refused_with_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await.unwrap();
        let info = "# Server\r\nredis_version:5.0.14\r\nrun_id:1\r\nrole:master\r\n";
        let answer = format!("${}\r\n{info}\r\n", info.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        // Until the other side has read it.
        let _ = stream.read(&mut [0; 1024]).await;
    };
    let ((), (kind, text)) = tokio::join!(answers, refused(format!("redis://{address}")));
    assert_eq!(kind, RegistryErrorKind::Unusable);
    assert!(text.contains("6.2") && text.contains("5.0.14"), "{text}");
}

pub(crate) async fn a_replica_is_refused() {
    let master = RedisServer::start().await;
    let port = master.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", &format!("127.0.0.1 {port}")]).await;
    let (kind, text) = refused(replica.url()).await;
    assert_eq!(kind, RegistryErrorKind::Unusable);
    assert!(text.contains("replica"), "{text}");
}

pub(crate) async fn settings_that_make_no_sense_are_refused() {
    let builder = || RedisRegistry::builder("redis://127.0.0.1:1");
    for builder in [
        builder().prefix(""),
        builder().prefix("a{b}"),
        builder().prefix("a b"),
        builder().prefix("a".repeat(65)),
        builder().queue(0),
        builder().longest_lifetime(Duration::from_secs(367 * 24 * 3600)),
        builder().fail_closed_after(Duration::from_secs(2)),
        builder().add_root_certificate_pem("none"),
        RedisRegistry::builder("rediss://127.0.0.1:1").add_root_certificate_pem("none"),
        RedisRegistry::builder("http://127.0.0.1:1"),
    ] {
        let error = builder.connect().await.unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{error}");
    }
}

pub(crate) async fn a_policy_that_evicts_is_refused_unless_it_is_allowed() {
    for policy in ["allkeys-lru", "volatile-lru"] {
        let server = RedisServer::start_with(&["--maxmemory-policy", policy]).await;
        let builder = || RedisRegistry::builder(server.url());
        let error = builder().connect().await.unwrap_err();
        assert_eq!(error.kind(), RegistryErrorKind::Unusable, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("noeviction") && text.contains("allow_eviction"),
            "{text}"
        );
        let _listening = Listening::start();
        builder().allow_eviction(true).connect().await.unwrap();
        let heard = heard();
        assert!(heard.contains("WARN") && heard.contains(policy), "{heard}");
    }
}

pub(crate) async fn a_redis_that_may_lose_what_it_has_confirmed_is_warned_of() {
    for (options, said) in [
        (["--appendonly", "no"], "set appendonly to yes"),
        (["--appendfsync", "no"], "set appendfsync to"),
    ] {
        let server = RedisServer::start_with(&options).await;
        let _listening = Listening::start();
        connect(&server).await;
        let heard = heard();
        assert!(heard.contains("WARN") && heard.contains(said), "{heard}");
    }

    let server = RedisServer::start().await;
    let _listening = Listening::start();
    connect(&server).await;
    assert!(!heard().contains("WARN"), "{}", heard());
}

/// The rights that the documentation names.
pub(crate) fn rights() -> String {
    let (_, text) = include_str!("../../../cas-layer/src/docs/redis.md")
        .split_once("resetkeys ~{my-app}:* ")
        .unwrap();
    let (rights, _) = text.split_once("```").unwrap();
    rights.replace('\n', " ")
}

pub(crate) async fn a_user_with_the_documented_rights_can_do_everything() {
    let server = user(&rights()).await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let builder = RedisRegistry::builder(url).timeout(CALL).min_replicas(1);
    let waiting = builder.connect().await.unwrap();
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let node = RedisRegistry::builder(url)
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    let session = sign_in(&node).await;
    // Seen while Redis is new to the registry, so it is noted again.
    assert!(!is_ended(&node, &session));
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);
    sign_out(&node, &Session::unknown()).await.unwrap();
    // Unknown, and kept for the same reason.
    assert_eq!(log_out(&node, &Session::unknown()).await.unwrap(), 0);
    let now = now();
    node.end_all(account("bob"), now + LIFETIME, now)
        .await
        .unwrap();
    let id = new_id();
    node.begin(id, Duration::from_secs(1)).await.unwrap();
    node.begin(id, Duration::from_secs(1)).await.unwrap();
    node.abandon(id);
    let expecting = node.expect(Duration::from_secs(40), now).await.unwrap();
    let (iou, kept) = (new_iou(), sign_in(&node).await.id);
    for expected in [Delivered::Kept, Delivered::Twice] {
        let delivered = node.deliver(iou, grant(1), now).await;
        assert_eq!(delivered.unwrap(), expected);
    }
    let collected = node.collect(iou, Duration::ZERO, now).await;
    assert_eq!(collected.unwrap(), Some(grant(1)));
    assert!(
        node.keep(kept, Item::Attributes, grant(1), now)
            .await
            .unwrap()
    );
    assert_eq!(
        node.kept(kept, Item::Attributes, now).await.unwrap(),
        Some(grant(1))
    );
    node.forget(kept, Item::Attributes).await.unwrap();
    drop(expecting);
    eventually("nothing is expected", async || {
        let delivered = node.deliver(new_iou(), grant(1), now).await;
        delivered.unwrap() == Delivered::Unexpected
    })
    .await;
    ends(&waiting, &session).await;
    let error = sign_out(&waiting, &Session::unknown()).await.unwrap_err();
    assert!(error.to_string().contains("replicas"), "{error}");
    // Nothing was refused behind our backs.
    let refused: Vec<redis::Value> = server.command(&["ACL", "LOG"]).await;
    assert!(refused.is_empty(), "{refused:?}");
}

pub(crate) async fn a_user_who_may_not_ask_for_info_is_warned_of() {
    let server = user(&rights().replace("+info ", "")).await;
    let _listening = Listening::start();
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let node = RedisRegistry::builder(url)
        .timeout(CALL)
        .connect()
        .await
        .unwrap();
    assert_eq!(heard().matches("INFO is not permitted").count(), 1);
    let session = sign_in(&node).await;
    assert_eq!(log_out(&node, &session).await.unwrap(), 1);

    for right in ["eval", "xread"] {
        let server = user(&rights().replace(&format!("+{right} "), "")).await;
        let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
        let (kind, text) = refused(url).await;
        assert_eq!(kind, RegistryErrorKind::Unusable, "{text}");
        assert!(text.contains("does not let this user"), "{text}");
    }
}

/// A server with a user `app`.
pub(crate) async fn user(rights: &str) -> RedisServer {
    let server = RedisServer::start().await;
    let mut words = vec![
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">secret",
        "resetkeys",
        "~{cas-layer}:*",
    ];
    words.extend(rights.split_whitespace());
    server.command::<()>(&words).await;
    server
}
