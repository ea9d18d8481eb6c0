//! What is said to the operator.

use std::collections::HashSet;

use cas_layer::{PostgresRegistry, registry::Registry as _};
use cas_layer_tests::{
    listening::{Listening, alone, heard},
    postgres::PostgresServer,
};

use crate::support::{
    CALL, LIFETIME, LIMIT, Session, account, connect, end_unheard, ends, eventually, is_back, lock,
    now, sign_in, sign_out,
};

pub(crate) async fn what_postgres_is_told_again_is_said() {
    for is_account in [false, true] {
        alone(async move || {
            let _listening = Listening::start();
            let server = PostgresServer::start().await;
            let node = connect(&server).await;
            let time = now();
            if is_account {
                let ended = node.end_all(account("alice"), time + LIFETIME, time);
                ended.await.unwrap();
            } else {
                sign_out(&node, &Session::unknown()).await.unwrap();
            }
            server.run("DROP SCHEMA cas_layer CASCADE").await;
            let _new = connect(&server).await;
            eventually("it is said", async || {
                let heard = heard();
                let mut said = heard.lines().filter(|line| line.contains("was told again"));
                said.any(|line| line.contains("told=1"))
            })
            .await;
        });
    }
}

pub(crate) async fn sign_outs_that_are_lost_with_the_registry_are_said() {
    alone(async || {
        let _listening = Listening::start();
        let mut server = PostgresServer::start().await;
        let listening = async || {
            let count = "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'listen%'";
            server.ask::<i64>(count).await
        };
        let node = connect(&server).await;
        eventually("it listens", async || listening().await == 1).await;
        drop(node);
        assert!(!heard().contains("is gone before"), "{}", heard());
        eventually("nothing goes on for it", async || listening().await == 0).await;
        let node = connect(&server).await;
        server.stop().await;
        sign_out(&node, &Session::unknown()).await.unwrap_err();
        assert!(format!("{node:?}").contains("waiting: 1"), "{node:?}");
        drop(node);
        let heard = heard();
        let mut said = heard.lines().filter(|line| line.contains("is gone before"));
        assert!(said.any(|line| line.contains("lost=1")), "{heard}");
    });
}

pub(crate) async fn what_happens_is_said() {
    alone(async || {
        let _listening = Listening::start();
        let mut server = PostgresServer::start().await;
        let node = connect(&server).await;
        server.stop().await;
        eventually("it is said", async || {
            heard().contains("lost touch with PostgreSQL")
        })
        .await;
        server.restart().await;
        is_back(&node).await;
        let again = "in touch with PostgreSQL again";
        eventually("it is said", async || heard().contains(again)).await;
        sign_out(&node, &Session::unknown()).await.unwrap();
        let heard = heard();
        assert_eq!(heard.matches(again).count(), 1, "{heard}");
        assert!(!heard.contains("may have lost sign-outs"), "{heard}");
    });
}

/// It is locked for longer than any call waits, more than once.
pub(crate) async fn what_goes_on_is_said_once() {
    alone(async || {
        let _listening = Listening::start();
        let server = PostgresServer::start().await;
        PostgresRegistry::migrate(&server.pool()).await.unwrap();
        // Nothing else makes a call fail.
        let builder = PostgresRegistry::builder(server.pool()).timeout(LIMIT);
        let node = builder.connect().await.unwrap();
        let lock = lock(&server, "state").await;
        sign_out(&node, &Session::unknown()).await.unwrap_err();
        for function in ["look", "finish"] {
            let sql = format!(
                "SELECT (SELECT query_start::text FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND query LIKE '%.{function}(%' LIMIT 1)"
            );
            let mut tries = HashSet::new();
            eventually("it was tried several times", async || {
                tries.extend(server.ask::<Option<String>>(&sql).await);
                tries.len() > 3
            })
            .await;
        }
        lock.rollback().await.unwrap();
        let over = [
            "in touch with PostgreSQL again",
            "PostgreSQL accepts sign-outs again",
        ];
        eventually("it is said", async || {
            over.iter().all(|said| heard().contains(said))
        })
        .await;
        sign_out(&node, &sign_in(&node).await).await.unwrap();
        let said = [
            "lost touch with PostgreSQL",
            "sign-outs wait, because PostgreSQL does not record them",
        ];
        for said in said.iter().chain(&over) {
            assert_eq!(heard().matches(said).count(), 1, "{said}: {}", heard());
        }
    });
}

pub(crate) async fn notifications_that_do_not_arrive_are_said_and_others_are_listened_for() {
    alone(async || {
        let _listening = Listening::start();
        let server = PostgresServer::start().await;
        let node = connect(&server).await;
        let listener = async || {
            let sql =
                "SELECT (SELECT pid FROM pg_stat_activity WHERE query ILIKE 'listen%' LIMIT 1)";
            server.ask::<Option<i32>>(sql).await
        };
        eventually("it listens", async || listener().await.is_some()).await;
        let first = listener().await;
        let said = "notifications of PostgreSQL do not arrive";
        for _ in 0..3 {
            assert!(!heard().contains(said), "{}", heard());
            let session = Session::unknown();
            end_unheard(&server, &session).await;
            ends(&node, &session).await;
        }
        eventually("it is said", async || heard().contains(said)).await;
        eventually("it listens anew", async || {
            let now = listener().await;
            now.is_some() && now != first
        })
        .await;
    });
}

/// Where nothing is to be told again, nothing is said of it.
pub(crate) async fn a_loss_of_nothing_is_said() {
    alone(async || {
        let _listening = Listening::start();
        let server = PostgresServer::start().await;
        let node = connect(&server).await;
        server.run("DROP SCHEMA cas_layer CASCADE").await;
        let new = connect(&server).await;
        eventually("it is said", async || {
            heard().contains("may have lost sign-outs")
        })
        .await;
        is_back(&node).await;
        // The first one may be read together with everything. What is read later is read after all of that.
        for _ in 0..2 {
            let session = sign_in(&new).await;
            sign_out(&new, &session).await.unwrap();
            ends(&node, &session).await;
        }
        assert!(!heard().contains("was told again"), "{}", heard());
    });
}

pub(crate) async fn a_postgres_that_may_forget_is_said() {
    for (option, is_said) in [
        ("fsync=on", false),
        ("fsync=off", true),
        ("full_page_writes=off", true),
    ] {
        alone(async move || {
            let _listening = Listening::start();
            let options = ["fsync=on", "full_page_writes=on", option];
            let server = PostgresServer::start_with(&options).await;
            PostgresRegistry::migrate(&server.pool()).await.unwrap();
            let builder = PostgresRegistry::builder(server.pool()).timeout(CALL);
            builder.connect().await.unwrap();
            let heard = heard();
            assert_eq!(heard.contains("may forget sign-outs"), is_said, "{heard}");
        });
    }
}
