//! The steps for sealed bytes: what is kept for open sessions, and proxy-granting tickets.

use sqlx::PgConnection;

use super::{failure::Failure, node::Node, steps::signed};
use crate::{
    clock::UnixSeconds,
    registry::{IouId, Item, Sealed},
    session::SessionId,
};

pub(super) async fn keep(
    node: &Node,
    session: SessionId,
    item: Item,
    sealed: &Sealed,
    now: UnixSeconds,
) -> Result<bool, Failure> {
    node.call(async |connection: &mut PgConnection| {
        let query = sqlx::query_scalar(&node.schema.keep)
            .bind(session.as_bytes().as_slice())
            .bind(signed(now))
            .bind(item.as_str())
            .bind(sealed.as_bytes());
        Ok(query.fetch_one(connection).await?)
    })
    .await
}

pub(super) async fn kept(
    node: &Node,
    session: SessionId,
    item: Item,
    now: UnixSeconds,
) -> Result<Option<Sealed>, Failure> {
    let bytes: Option<Vec<u8>> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_scalar(&node.schema.kept)
                .bind(session.as_bytes().as_slice())
                .bind(item.as_str())
                .bind(signed(now));
            Ok(query.fetch_optional(connection).await?)
        })
        .await?;
    bytes.map(sealed).transpose()
}

pub(super) async fn forget(node: &Node, session: SessionId, item: Item) -> Result<(), Failure> {
    node.call(async |connection: &mut PgConnection| {
        let query = sqlx::query(&node.schema.forget)
            .bind(session.as_bytes().as_slice())
            .bind(item.as_str());
        query.execute(connection).await?;
        Ok(())
    })
    .await
}

pub(super) async fn deliver(
    node: &Node,
    iou: IouId,
    grant: &Sealed,
    room: i64,
) -> Result<String, Failure> {
    node.call(async |connection: &mut PgConnection| {
        let query = sqlx::query_scalar(&node.schema.deliver)
            .bind(iou.as_bytes().as_slice())
            .bind(grant.as_bytes())
            .bind(room);
        Ok(query.fetch_one(connection).await?)
    })
    .await
}

pub(super) async fn collect(node: &Node, iou: IouId) -> Result<Option<Sealed>, Failure> {
    let bytes: Option<Vec<u8>> = node
        .call(async |connection: &mut PgConnection| {
            let query = sqlx::query_scalar(&node.schema.collect).bind(iou.as_bytes().as_slice());
            Ok(query.fetch_optional(connection).await?)
        })
        .await?;
    bytes.map(sealed).transpose()
}

/// PostgreSQL has what some node put there, and nothing longer.
fn sealed(bytes: Vec<u8>) -> Result<Sealed, Failure> {
    Sealed::new(bytes).ok_or(Failure::Unexpected)
}
