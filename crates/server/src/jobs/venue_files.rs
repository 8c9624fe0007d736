//! The venues of an area as a file (会場マスタ出力), read from the database as fast as it is taken and no faster.

use axum::body::Body;
use exchange::encoding::Encoding;
use exchange::venue_master::Writer;
use store::venues::Export;
use tokio::sync::mpsc;

use super::exports::{CutOff, Pieces, WAITING_MAX};

/// A file of venues on its way out.
pub struct Outgoing {
    export: Export,
    file: Writer,
}

impl Outgoing {
    /// Begins with the header.
    ///
    /// # Errors
    /// [`CutOff::Unwritten`].
    pub fn begin(export: Export, encoding: Encoding) -> Result<Self, CutOff> {
        Ok(Self {
            export,
            file: Writer::new(encoding)?,
        })
    }

    /// The next bytes, of some hundred venues; `None` at the end. The first have the header.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, CutOff> {
        let Some(rows) = self.export.page().await? else {
            return Ok(None);
        };
        for row in rows {
            self.file.row(&row)?;
        }
        Ok(Some(self.file.take()?))
    }

    /// The file as the body of an answer.
    pub fn body(mut self) -> Body {
        let (sender, pieces) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            loop {
                let sent = match self.piece().await {
                    Ok(None) => break,
                    Ok(Some(piece)) if piece.is_empty() => continue,
                    Ok(Some(piece)) => sender.send(Ok(piece)).await,
                    Err(error) => {
                        tracing::error!(%error, "venues.cut_off");
                        drop(sender.send(Err(error)).await);
                        return;
                    }
                };
                // Nobody takes it any more: there is nobody to tell.
                if sent.is_err() {
                    return;
                }
            }
        });
        Body::new(Pieces(pieces))
    }
}
