//! What certification authorities inside this server publish, and where.

use async_trait::async_trait;

use super::providers::Connections;
use crate::{
    connector::ca::{
        self,
        builtin::{PublishUrl, Publisher},
        publication::Publishers,
    },
    store::{self, Reads, connection::Connection},
};

/// The addresses that stand in certificates, each with the name of its connection.
///
/// # Errors
/// When the database does.
pub(crate) async fn urls(from: &mut impl Reads) -> store::Result<Vec<(String, PublishUrl)>> {
    let rows = store::connection::list(from).await?;
    Ok(rows.into_iter().filter_map(url).collect())
}

fn url(row: Connection) -> Option<(String, PublishUrl)> {
    match serde_json::from_str(&row.settings).ok()? {
        ca::Settings::Builtin(settings) => {
            PublishUrl::parse(&settings.publish_url).map(|url| (row.name, url))
        }
        _ => None,
    }
}

#[async_trait]
impl Publishers for Connections {
    /// The same authorities that operations use: a list that they change is made anew.
    async fn publishers(&self) -> Result<Vec<Publisher>, String> {
        let rows = async { store::connection::list(&mut self.store.read().await?).await };
        let rows: store::Result<Vec<Connection>> = rows.await;
        let rows = rows.map_err(|error| error.to_string())?;
        let inside = rows.iter().filter(|row| row.kind == ca::Settings::BUILTIN);
        Ok(inside
            .filter_map(|row| match self.connected(row) {
                Ok(connected) => connected.publisher,
                Err(why) => {
                    // Whoever asks is a stranger: no line in the log for each question.
                    tracing::debug!(%why, "an authority publishes nothing");
                    None
                }
            })
            .collect())
    }
}
