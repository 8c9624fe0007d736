//! `sesshu import`: a file into a city's register from the command line, looked through first.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use domain::access;
use domain::places::{MunicipalityCode, Prefecture};
use domain::venues::files::Area;
use exchange::complaints::remarks_csv;
use exchange::encoding::Encoding;
use store::imports::{self, Became, Decided, Import, Kind, NewImport, PIECE_BYTES, Right, State};
use store::recorder::{Outside, Pace, Recorder};
use store::seals::Seals;
use store::{Db, Location};
use uuid::Uuid;

use crate::cli::{Place, complain, running, say};
use crate::clock::fresh_id;
use crate::jobs::imports::{Imports, Upload, operator, operator_of};

/// How often the progress is told.
const TELL: Duration = Duration::from_millis(500);

/// What to take in.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 接種対象者CSVを取り込む / take a file of residents in
    Residents(Options),
    /// 接種記録CSV(紙から入力したもの)を取り込む / take a file of doses typed from paper in
    Records(Options),
    /// 会場マスタCSVを取り込む / take a file of the venues of an area in
    Venues(Options),
}

/// Which file, into whose register.
#[derive(Args)]
pub(super) struct Options {
    /// CSVファイル / the file
    file: PathBuf,
    /// 市町村コード6桁。会場マスタでは都道府県コード2桁、国は00でもよい / the city's six digits; of venues also a prefecture's
    /// two, or 00 for the nation
    #[arg(long, value_name = "CODE")]
    municipality: String,
    /// 文字コード / utf-8 or shift_jis
    #[arg(long, default_value = "utf-8")]
    encoding: String,
    /// 調べるだけで、登録しない / look it through and change nothing
    #[arg(long)]
    dry_run: bool,
    /// 誤りの一覧を書き出すファイル / where to write what is wrong, line by line
    #[arg(long, value_name = "FILE")]
    complaints: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (kind, options) = match command {
        Command::Residents(options) => (Kind::Residents, options),
        Command::Records(options) => (Kind::Records, options),
        Command::Venues(options) => (Kind::Venues, options),
    };
    let right = right(kind, &options.municipality)?;
    let encoding = Encoding::parse(&options.encoding).ok_or_else(|| {
        anyhow!(
            "{}: 文字コードは utf-8 か shift_jis です / the encoding is utf-8 or shift_jis",
            options.encoding
        )
    })?;
    let location = options.place.location()?;
    let _lock = match &location {
        Location::Sqlite(path) => Some(running::lock(path)?),
        Location::Postgres(_) => None,
    };
    let outside = crate::clock::outside().context("the operating system gives no randomness")?;
    let seals = options.place.keys(&location)?.seals(&outside)?;
    let db = running::open(&location).await?;
    store::migrations::migrate(&db).await?;
    let (recorder, writers) = Recorder::start(&db, &outside, Pace::default())?;
    let desk = Desk {
        imports: Imports::new(db.clone(), recorder.clone(), outside.clone(), seals.clone()),
        db: db.clone(),
        seals,
        permit: right,
        outside,
        kind,
    };
    let done = desk.import(&options, encoding).await;
    drop(desk);
    drop(recorder);
    writers.finish().await;
    db.close().await;
    let import = done?;
    say(&serde_json::to_string(&serde_json::json!({
        "state": import.state.as_str(),
        "found": import.found,
        "done": import.done,
        "refusal": import.refusal,
    }))?);
    Ok(match import.state {
        State::Refused => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    })
}

/// The right to take a file of this kind in for this place.
fn right(kind: Kind, place: &str) -> anyhow::Result<Right> {
    let denied = |_| anyhow!("the file may not be taken in");
    let area = match place {
        "00" => Some(Area::Nation),
        digits if digits.len() == 2 => Prefecture::parse(digits).map(Area::Prefecture),
        _ => None,
    };
    if let (Kind::Venues, Some(area)) = (kind, area) {
        let actor = operator_of(area);
        let permit = access::permit(&actor, kind.action(), area.place()).map_err(denied)?;
        return Ok(Right::from(&permit));
    }
    let city = MunicipalityCode::parse(place).map_err(|refusal| {
        anyhow!("{place}: 市町村コードではありません / not a municipality code ({refusal:?})")
    })?;
    let actor = operator(city);
    if kind == Kind::Venues {
        let place = Area::City(city).place();
        let permit = access::permit(&actor, kind.action(), place).map_err(denied)?;
        return Ok(Right::from(&permit));
    }
    let permit = access::city(&actor, kind.action(), city).map_err(denied)?;
    Ok(Right::from(&permit))
}

struct Desk {
    imports: Imports,
    db: Db,
    seals: Option<Seals>,
    permit: Right,
    outside: Outside,
    kind: Kind,
}

impl Desk {
    async fn import(&self, options: &Options, encoding: Encoding) -> anyhow::Result<Import> {
        let id = self.upload(options, encoding).await?;
        let checked = self.work(id).await?;
        if let Some(path) = &options.complaints {
            self.write_complaints(id, path).await?;
        }
        let decided = Decided {
            audit: fresh_id(&self.outside),
            at: (self.outside.now)(),
        };
        if checked.state != State::Ready {
            return Ok(checked);
        }
        if options.dry_run {
            imports::discard(&self.db, &self.permit, id, decided).await?;
            return self.now(id).await;
        }
        if imports::approve(&self.db, &self.permit, id, decided).await? == Became::OwnProposal {
            let page = match self.kind {
                Kind::Venues => "/venues/files",
                Kind::Residents | Kind::Records => "/city/imports",
            };
            complain(&format!(
                "この取込には二人目の承認が要ります。画面 {page}/{id} で承認してください / \
                 a second person is wanted for it, who approves at {page}/{id}"
            ));
            return Ok(checked);
        }
        self.work(id).await
    }

    async fn upload(&self, options: &Options, encoding: Encoding) -> anyhow::Result<Uuid> {
        let cannot = || {
            format!(
                "{}: ファイルを読めません / the file cannot be read",
                options.file.display()
            )
        };
        let mut file = std::fs::File::open(&options.file).with_context(cannot)?;
        let name = options.file.file_name().unwrap_or_default();
        let new = NewImport {
            id: fresh_id(&self.outside),
            kind: self.kind,
            file_name: name.to_string_lossy().into_owned(),
            encoding: encoding.as_str().to_owned(),
        };
        let now = (self.outside.now)();
        let mut upload =
            Upload::begin(&self.db, self.seals.as_ref(), &self.permit, &new, now).await?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let taken = file.read(&mut piece).with_context(cannot)?;
            if taken == 0 {
                break;
            }
            upload.take(piece.get(..taken).unwrap_or_default()).await?;
        }
        upload.end().await?;
        Ok(new.id)
    }

    /// Works until this import has nothing to do, and tells how far it is.
    async fn work(&self, id: Uuid) -> anyhow::Result<Import> {
        let telling = async {
            loop {
                tokio::time::sleep(TELL).await;
                if let Ok(Some(import)) = imports::import(&self.db, &self.permit, id).await
                    && std::io::stderr().is_terminal()
                {
                    complain(&format!(
                        "{:>3} %  {} 行 / lines",
                        import.percent(),
                        import.lines
                    ));
                }
            }
        };
        let working = async {
            loop {
                let import = self.now(id).await?;
                if !import.state.is_at_work() {
                    return Ok(import);
                }
                if !self.imports.turn().await? {
                    bail!(
                        "別のSesshuがこのファイルを扱っています / another Sesshu has this file in hand"
                    );
                }
            }
        };
        tokio::select! {
            done = working => done,
            () = telling => bail!("the progress ended before the work"),
        }
    }

    async fn now(&self, id: Uuid) -> anyhow::Result<Import> {
        imports::import(&self.db, &self.permit, id)
            .await?
            .context("the import is gone")
    }

    async fn write_complaints(&self, id: Uuid, path: &std::path::Path) -> anyhow::Result<()> {
        let mut after = 0;
        let mut all = Vec::new();
        loop {
            let more = imports::remarks(&self.db, &self.permit, id, after).await?;
            let Some(last) = more.last() else { break };
            after = last.line;
            all.extend(more);
        }
        let rows = all.iter().map(|one| {
            let column = one.column.as_deref().unwrap_or_default();
            (one.line, one.code.as_str(), column, one.ja.as_str())
        });
        std::fs::write(path, remarks_csv(rows)).with_context(|| {
            format!(
                "{}: 一覧を書けません / the list cannot be written",
                path.display()
            )
        })
    }
}
