//! `sesshu account first`: the first administrator, made on the machine itself.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand};
use domain::access::{OrganisationId, OrganisationKind, Role, UserId};
use store::accounts::{self, NewAccount, NewOrganisation};

use crate::cli::{complain, running, say};
use crate::config;
use crate::web::locale::{Locale, Texts};
use crate::web::newcomers::login_of;
use crate::web::passwords;
use crate::web::problem::Problem;

/// The environment variable that may hold the first password.
const PASSWORD_VARIABLE: &str = "SESSHU_FIRST_PASSWORD";
/// Bytes read from standard input at most.
const INPUT_BYTES_MAX: u64 = 4 * 1024;

/// What to do with accounts.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 最初の管理者（国）を作る / create the first administrator, of the nation
    First(First),
}

/// What `account first` is told.
#[derive(Args)]
pub(super) struct First {
    /// 設定ファイル / the configuration
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// 利用者ID / the login
    #[arg(long)]
    login: String,
    /// 氏名 / the person's name
    #[arg(long, default_value = "最初の管理者")]
    name: String,
    /// 組織名 / the organisation's name
    #[arg(long, default_value = "国")]
    organisation: String,
    /// パスワードを書いたファイル / a file with the password; else SESSHU_FIRST_PASSWORD, else standard
    /// input when it is no terminal, else one is made and printed once
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub(super) async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let Command::First(first) = command;
    let login = login_of(&first.login).map_err(|problem| in_words(&problem))?;
    let outside = crate::clock::outside()?;
    let (password, is_ours) = password(&first)?;
    if let Some(problem) = passwords::fault(&password, &login) {
        return Err(in_words(&problem));
    }
    let db = running::open(&config::read(&first.config)?.database).await?;
    store::migrations::migrate(&db).await?;
    let nation = NewOrganisation {
        id: OrganisationId(crate::clock::fresh_id(&outside)),
        kind: OrganisationKind::Nation,
        name: first.organisation,
        facility_code: None,
    };
    let account = NewAccount {
        id: UserId(crate::clock::fresh_id(&outside)),
        login: login.clone(),
        name: first.name,
        role: Role::Administrator,
        password_hash: passwords::hash(&password)
            .ok_or_else(|| anyhow!("the password cannot be hashed"))?,
        password_must_change: is_ours,
    };
    let made = accounts::first_administrator(&db, &nation, &account, (outside.now)()).await;
    db.close().await;
    match made {
        Ok(_) => {}
        Err(store::Error::Exists) => bail!(
            "利用者はすでにいます。ほかの利用者は、管理者が画面から追加します。何も変更していません。\n\
             There are accounts already; an administrator adds others on the pages. Nothing was changed."
        ),
        Err(error) => return Err(error.into()),
    }
    complain(&format!(
        "最初の管理者を作りました / the first administrator is made: {login}"
    ));
    if is_ours {
        complain(
            "次のパスワードは一度しか表示しません。最初のログインで変更します。/ This password is shown once, and changed at the first login:",
        );
        say(&password);
    }
    Ok(ExitCode::SUCCESS)
}

/// The password, and whether we made it.
fn password(first: &First) -> anyhow::Result<(String, bool)> {
    if let Some(path) = &first.password_file {
        return Ok((config::secret(path)?, false));
    }
    if let Ok(password) = std::env::var(PASSWORD_VARIABLE) {
        return Ok((password, false));
    }
    if !std::io::stdin().is_terminal() {
        let mut text = String::new();
        std::io::stdin()
            .take(INPUT_BYTES_MAX)
            .read_to_string(&mut text)?;
        let password = text.trim_end_matches(['\r', '\n']);
        if !password.is_empty() {
            return Ok((password.to_owned(), false));
        }
    }
    let made =
        passwords::made().ok_or_else(|| anyhow!("the operating system gives no randomness"))?;
    Ok((made, true))
}

/// A problem's words in both languages, for a terminal.
fn in_words(problem: &Problem) -> anyhow::Error {
    let words = |locale| {
        let texts = Texts::new(locale);
        format!("{} {}", problem.detail(&texts), problem.todo(&texts))
    };
    anyhow!("{}\n{}", words(Locale::Ja), words(Locale::En))
}
