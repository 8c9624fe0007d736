//! `sesshu serve`: the real thing.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio::net::TcpListener;

use crate::cli::running::{self, Running};
use crate::cli::say;
use crate::config;

/// What `serve` is told.
#[derive(Args)]
pub(super) struct Options {
    /// 設定ファイル / the configuration, as in docs/sesshu.example.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) async fn run(options: Options) -> anyhow::Result<ExitCode> {
    let config = config::read(&options.config)?;
    running::log(&config.log);
    let listener = TcpListener::bind(config.listen).await?;
    let running = Running::start(&config, None).await?;
    if !store::accounts::any(running.db()).await? {
        say(&first_steps(&options.config));
    }
    say(&format!("Sesshu: {}", config.address));
    running.serve(listener).await?;
    Ok(ExitCode::SUCCESS)
}

/// What to do with an empty database. There is no default password that somebody could forget to change.
fn first_steps(config: &std::path::Path) -> String {
    let command = format!(
        "sesshu account first --config {} --login LOGIN",
        config.display()
    );
    format!(
        "利用者がまだいません。最初の管理者を、この機械で次のように作ってください：\n    {command}\n\
         Nobody has a login yet. Create the first administrator, on this machine, by:\n    {command}"
    )
}
