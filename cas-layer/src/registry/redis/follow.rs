//! Reading what other nodes have ended.

use std::time::{Duration, Instant};

use super::{
    connection::Connection, failure::Failure, known::Known, node::Node, read::read, recovery,
};

/// How long a read waits for news.
const BLOCK: Duration = Duration::from_secs(1);

/// How often to check whether Redis lost something.
const LOOK: Duration = Duration::from_secs(1);

/// Follows the stream until the connection breaks or Redis has lost something.
pub(super) async fn follow(
    node: &Node,
    known: &mut Known,
    commands: &Connection,
    news: &Connection,
) -> Failure {
    let followed = async {
        tell(node, known, commands).await?;
        let mut looked = Instant::now();
        loop {
            read(node, known, news, Some(BLOCK)).await?;
            if looked.elapsed() >= LOOK {
                recovery::check(node, known, commands).await?;
                tell(node, known, commands).await?;
                looked = Instant::now();
            }
        }
    };
    let Err(failure): Result<std::convert::Infallible, _> = followed.await;
    failure
}

/// Tells Redis what it lacks, if it may lack something. If that fails, it is still to be told.
async fn tell(node: &Node, known: &mut Known, commands: &Connection) -> Result<(), Failure> {
    known.is_doubtful |= node.facts.take_untold();
    if known.is_doubtful {
        recovery::complete(node, known, commands).await?;
    }
    Ok(())
}
