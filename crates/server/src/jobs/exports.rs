//! The files that a city takes out (台帳向け出力, 登録待ちリスト出力): read page by page from the database,
//! handed on as bytes, and never whole in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use domain::access::CityPermit;
use domain::places::MunicipalityCode;
use domain::vaccines::Vaccines;
use exchange::encoding::Encoding;
use exchange::ledger::{LedgerDose, LedgerExport, LedgerRow, Width};
use exchange::table::Exported;
use http_body::Frame;
use store::Db;
use store::audit::View;
use store::exports::{Dose, Export, Kind, Line};
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader; while they wait, nothing more is read from the database.
pub(super) const WAITING_MAX: usize = 2;

/// Which file, and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Of whom.
    pub kind: Kind,
    /// In which encoding.
    pub encoding: Encoding,
    /// For how many turns.
    pub width: Width,
}

impl Wanted {
    /// The file's name, in letters that every system keeps.
    #[must_use]
    pub fn file_name(&self, city: MunicipalityCode) -> String {
        format!("{}-{}.csv", self.kind.as_str(), city.as_str())
    }
}

/// Why a file ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum CutOff {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The bytes could not be put together.
    #[error("the file could not be written: {0}")]
    Unwritten(#[from] io::Error),
}

/// A file on its way out.
pub struct Outgoing {
    export: Export,
    table: LedgerExport<Vec<u8>>,
    city: MunicipalityCode,
}

impl Outgoing {
    /// Writes down who takes the file and what for, and begins it.
    ///
    /// # Errors
    /// [`CutOff`]; then nothing may be shown.
    pub async fn begin(
        db: &Db,
        permit: &CityPermit,
        wanted: Wanted,
        view: &View,
    ) -> Result<Self, CutOff> {
        Ok(Self {
            export: Export::begin(db, permit, wanted.kind, view).await?,
            table: LedgerExport::new(Vec::new(), wanted.encoding, wanted.width)?,
            city: permit.city(),
        })
    }

    /// The next bytes, of some hundred people; `None` at the end. The first have the header.
    ///
    /// # Errors
    /// [`CutOff`]; then the file is not whole.
    pub async fn piece(&mut self) -> Result<Option<Vec<u8>>, CutOff> {
        let Some(lines) = self.export.page().await? else {
            return Ok(None);
        };
        for line in lines {
            self.table.row(&row(line, self.city))?;
        }
        Ok(Some(self.table.take()?))
    }

    /// What was written.
    ///
    /// # Errors
    /// [`CutOff::Unwritten`].
    pub fn finish(self) -> Result<Exported, CutOff> {
        Ok(self.table.finish()?)
    }

    /// The file as the body of an answer, read from the database as fast as it is taken and no faster.
    pub fn body(mut self) -> axum::body::Body {
        let (sender, pieces) = mpsc::channel(WAITING_MAX);
        tokio::spawn(async move {
            loop {
                match self.piece().await {
                    Ok(Some(piece)) if piece.is_empty() => {}
                    Ok(Some(piece)) => {
                        // Nobody takes it any more: there is nobody to tell.
                        if sender.send(Ok(piece)).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(%error, "export.cut_off");
                        drop(sender.send(Err(error)).await);
                        return;
                    }
                }
            }
            if let Ok(done) = self.finish() {
                let altered = done.remarks.len() as u64 + done.remarks_left_off;
                tracing::info!(rows = done.rows, altered, "export.ended");
            }
        });
        axum::body::Body::new(Pieces(pieces))
    }
}

/// The pieces of a file as they come. One that fails breaks the connection, so that half a file
/// never looks like a whole one.
pub(super) struct Pieces(pub(super) mpsc::Receiver<Result<Vec<u8>, CutOff>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let next = self.0.poll_recv(context);
        next.map(|piece| piece.map(|piece| piece.map(|bytes| Frame::data(Bytes::from(bytes)))))
    }
}

/// A person as the layout writes them.
fn row(line: Line, city: MunicipalityCode) -> LedgerRow {
    let doses = line.doses.into_iter();
    LedgerRow {
        resident_number: line.resident_no,
        doses: doses.map(|one| dose(one, city)).collect(),
    }
}

/// A product that no table knows stands there by the key that was reported.
fn dose(dose: Dose, city: MunicipalityCode) -> LedgerDose {
    let known = Vaccines::bundled().find(&dose.product);
    LedgerDose {
        turn: dose.turn,
        recorded_at: dose.recorded_at,
        given_on: dose.given_on,
        number: dose.number,
        city,
        venue_name: dose.venue_name,
        doctor: dose.doctor,
        maker: known.map_or(dose.product, |product| product.maker.clone()),
        lot: dose.lot,
    }
}
