//! `sesshu rules`: schedules as data, held against their own examples and asked about people.
//!
//! Works without any database: a folder of rules in, verdicts out. `docs/rules.md` tells both forms.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use clap::Subcommand;
use domain::calendar::Day;
use domain::findings::{Finding, Severity};
use domain::people::{BirthDate, Sex};
use domain::schedules::{DoseVerdict, Flags, Given, Next, Part, Person, Schedules};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::say;
use crate::web::locale::{Locale, Texts};

/// A folder of rules is read by people; more files than this is another folder.
const FILES_MAX: usize = 1_000;
/// The same for one file: the longest of ours has a hundredth of it.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A person with a hundred doses fits many times; a longer line is no person.
const LINE_BYTES_MAX: u64 = 1024 * 1024;
/// Doses of one person; each is held against every rule, so their number has a limit.
const DOSES_MAX: usize = 200;

/// What to do with rules.
#[derive(Subcommand)]
pub(super) enum Command {
    /// 規則のデータにある例をすべて試す / run every example in the data files
    Check {
        /// 規則のフォルダー（省略時は組み込みの規則） / a folder of rules, else the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
    },
    /// 人と接種歴から、各回の判定と次の接種を答える / judge each dose and forecast the next
    Forecast {
        /// 規則のフォルダー（省略時は組み込みの規則） / a folder of rules, else the built-in ones
        #[arg(long, value_name = "DIR")]
        rules: Option<PathBuf>,
        /// 1行に1人のJSON（-は標準入力） / one JSON object per line (- for standard input)
        #[arg(long, value_name = "FILE", default_value = "-")]
        input: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Check { rules } => check(rules.as_deref()),
        Command::Forecast { rules, input } => forecast(rules.as_deref(), input),
    }
}

/// Lists every example; exits 0 only if all hold.
fn check(rules: Option<&Path>) -> anyhow::Result<ExitCode> {
    let read = rules.map(read_folder).transpose()?;
    let schedules = read.as_ref().unwrap_or_else(|| Schedules::bundled());
    let checked = schedules.check();
    let mut failed = 0;
    for one in &checked {
        let mark = if one.differences.is_empty() {
            "ok  "
        } else {
            failed += 1;
            "FAIL"
        };
        say(&format!(
            "{mark} {}:{} {}: {}",
            one.file, one.line, one.id, one.says
        ));
        for difference in &one.differences {
            say(&format!("     expected {:?}", difference.expected));
            say(&format!("     got      {:?}", difference.got));
        }
    }
    for rule in schedules.rules_without_example() {
        say(&format!(
            "     例のない規則 / no example for the rule: {rule}"
        ));
    }
    let count = checked.len();
    say(&format!(
        "例{count}件、一致しないもの{failed}件 / {count} examples, {failed} failed"
    ));
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Answers line by line; memory does not grow with the input.
fn forecast(rules: Option<&Path>, input: &Path) -> anyhow::Result<ExitCode> {
    let read = rules.map(read_folder).transpose()?;
    let schedules = read.as_ref().unwrap_or_else(|| Schedules::bundled());
    let source: Box<dyn Read> = if input == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(
            File::open(input)
                .with_context(|| format!("{0}を開けません / cannot open {0}", input.display()))?,
        )
    };
    let answered = answer_all(
        schedules,
        BufReader::new(source),
        BufWriter::new(std::io::stdout().lock()),
    );
    match answered {
        // Whoever listened has heard enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => {
            other?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn answer_all(
    schedules: &Schedules,
    mut source: BufReader<Box<dyn Read>>,
    mut out: BufWriter<impl Write>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut line: u64 = 0;
    loop {
        bytes.clear();
        let got = (&mut source)
            .take(LINE_BYTES_MAX + 1)
            .read_until(b'\n', &mut bytes)?;
        if got == 0 {
            return out.flush();
        }
        line += 1;
        let is_whole = bytes.last() == Some(&b'\n');
        let answer = if !is_whole && got as u64 > LINE_BYTES_MAX {
            skip_line(&mut source)?;
            Err(Complaint::new("line_too_long", "", ""))
        } else {
            match std::str::from_utf8(&bytes) {
                Err(_) => Err(Complaint::new("not_utf8", "", "")),
                Ok(text) if text.trim().is_empty() => continue,
                Ok(text) => answer(schedules, text.trim_start_matches('\u{feff}'), line),
            }
        };
        let written = match &answer {
            Ok(answer) => serde_json::to_writer(&mut out, answer),
            Err(complaint) => serde_json::to_writer(
                &mut out,
                &Refused {
                    line,
                    error: complaint,
                },
            ),
        };
        written?;
        out.write_all(b"\n")?;
        // Nobody waits for an answer that is made already.
        if source.buffer().is_empty() {
            out.flush()?;
        }
    }
}

/// Leaves the rest of a line unread.
fn skip_line(source: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = source.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => {
                source.consume(at + 1);
                return Ok(());
            }
            None => {
                let all = buffer.len();
                source.consume(all);
            }
        }
    }
}

/// A person as a line tells it. Fields nobody knows are left alone: a published suite has its own.
#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    id: Value,
    birth_date: String,
    #[serde(default)]
    sex: String,
    evaluation_date: Day,
    #[serde(default)]
    doses: Vec<AskedDose>,
    #[serde(default, alias = "risk_flags")]
    flags: Vec<String>,
    /// Only these series; all if empty.
    #[serde(default)]
    series: Vec<String>,
}

#[derive(Deserialize)]
struct AskedDose {
    #[serde(default)]
    product: Option<String>,
    #[serde(default)]
    cvx: Option<Value>,
    date: Day,
    /// `true`, or where: `abroad`, `us_base`, `trial`.
    #[serde(default)]
    external: Value,
    #[serde(default)]
    turn: Option<u8>,
    #[serde(default)]
    lot: String,
    #[serde(default)]
    expires: Option<Day>,
}

/// Why a line has no answer.
#[derive(Serialize)]
struct Complaint {
    code: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
    ja: &'static str,
    en: &'static str,
}

impl Complaint {
    fn new(code: &'static str, field: &'static str, detail: &str) -> Self {
        let (ja, en) = match code {
            "line_too_long" => (
                "1行が長すぎます。1行に1人を書いてください。",
                "The line is too long. Write one person on a line.",
            ),
            "not_utf8" => (
                "UTF-8ではありません。UTF-8で保存し直してください。",
                "Not UTF-8. Save the file as UTF-8.",
            ),
            "not_json" => (
                "1行に1つのJSONオブジェクトとして読めません。項目と形をdocs/rules.mdで確かめてください。",
                "Not one JSON object of the documented form. Check the fields in docs/rules.md.",
            ),
            "too_many_doses" => (
                "接種が多すぎます。1人200回までにしてください。",
                "Too many doses. Give at most 200 for a person.",
            ),
            _ => (
                "この項目の値が正しくありません。docs/rules.mdを確かめてください。",
                "The value of this field is not right. See docs/rules.md.",
            ),
        };
        Self {
            code,
            field,
            detail: detail.to_owned(),
            ja,
            en,
        }
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    line: u64,
    error: &'a Complaint,
}

/// One line of the output; others script against it.
#[derive(Serialize)]
struct Answer<'s> {
    line: u64,
    #[serde(skip_serializing_if = "Value::is_null")]
    id: Value,
    evaluation_date: Day,
    doses: Vec<ToldDose<'s>>,
    next: Vec<ToldNext<'s>>,
    /// Flags that no rule asks for: a slip of the pen, perhaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_flags: Vec<String>,
}

#[derive(Serialize)]
struct ToldDose<'s> {
    date: Day,
    /// The product's key, or nothing if no rule knows it.
    product: Option<&'s str>,
    /// Whether it counts as a dose of anything.
    counts: bool,
    parts: Vec<ToldPart<'s>>,
    /// Everything found, worst first.
    findings: Vec<ToldFinding>,
}

#[derive(Serialize)]
struct ToldPart<'s> {
    series: &'s str,
    programme: &'s str,
    turn: u8,
    counts: bool,
    rule: &'s str,
    source: &'s str,
    findings: Vec<&'static str>,
}

#[derive(Serialize)]
struct ToldFinding {
    code: &'static str,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<Day>,
    ja: String,
    en: String,
    /// What the city does.
    todo_ja: String,
    todo_en: String,
}

#[derive(Serialize)]
struct ToldNext<'s> {
    series: &'s str,
    status: &'static str,
    programme: Option<&'s str>,
    turn: Option<u8>,
    rule: Option<&'s str>,
    products: Vec<&'s str>,
    earliest: Option<Day>,
    recommended: Option<Day>,
    overdue: Option<Day>,
    latest: Option<Day>,
}

fn answer<'s>(schedules: &'s Schedules, text: &str, line: u64) -> Result<Answer<'s>, Complaint> {
    let asked: Asked = serde_json::from_str(text)
        .map_err(|error| Complaint::new("not_json", "", &error.to_string()))?;
    if asked.doses.len() > DOSES_MAX {
        return Err(Complaint::new("too_many_doses", "doses", ""));
    }
    let birth = BirthDate::parse(&asked.birth_date)
        .ok_or_else(|| Complaint::new("not_possible", "birth_date", &asked.birth_date))?;
    let sex = sex(&asked.sex).ok_or_else(|| Complaint::new("not_possible", "sex", &asked.sex))?;
    let words: Vec<&str> = asked.flags.iter().map(String::as_str).collect();
    let (flags, strange) = schedules.flags(&words);
    let person = Person {
        birth: Some(birth),
        sex,
        flags: Flags::Known(flags),
    };
    let history: Vec<Given<'_>> = asked
        .doses
        .iter()
        .map(|dose| given(schedules, dose))
        .collect::<Result<_, _>>()?;
    let on = asked.evaluation_date;
    let verdicts = schedules.evaluate(&person, &history, on);
    let wanted = |next: &Next<'_>| {
        asked.series.is_empty() || asked.series.iter().any(|one| one == next.series)
    };
    let next = schedules.forecast(&person, &history, on);
    Ok(Answer {
        line,
        id: asked.id,
        evaluation_date: on,
        doses: history
            .iter()
            .zip(&verdicts)
            .map(|(dose, verdict)| told_dose(schedules, dose, verdict))
            .collect(),
        next: next
            .iter()
            .filter(|next| wanted(next))
            .map(|next| told_next(schedules, next))
            .collect(),
        unknown_flags: strange.into_iter().map(str::to_owned).collect(),
    })
}

fn sex(text: &str) -> Option<Sex> {
    match text.to_ascii_lowercase().as_str() {
        "m" | "male" => Some(Sex::Male),
        "f" | "female" => Some(Sex::Female),
        "" | "u" | "unknown" => Some(Sex::Unknown),
        _ => None,
    }
}

fn given<'a>(schedules: &Schedules, dose: &'a AskedDose) -> Result<Given<'a>, Complaint> {
    let cvx = match &dose.cvx {
        None | Some(Value::Null) => None,
        Some(Value::String(code)) => Some(code.trim().to_owned()),
        // A number has lost its leading zero.
        Some(Value::Number(code)) => Some(format!("{:0>2}", code.to_string())),
        Some(_) => return Err(Complaint::new("not_possible", "doses.cvx", "")),
    };
    let product = match (&dose.product, cvx) {
        (Some(key), _) => schedules.product(key),
        (None, Some(code)) => schedules.product_by_cvx(&code, dose.date),
        (None, None) => return Err(Complaint::new("not_possible", "doses.product", "")),
    };
    let external = match &dose.external {
        Value::Null => false,
        Value::Bool(external) => *external,
        Value::String(place) => !place.is_empty(),
        _ => return Err(Complaint::new("not_possible", "doses.external", "")),
    };
    Ok(Given {
        on: dose.date,
        turn: dose.turn,
        product,
        external,
        lot: &dose.lot,
        expires: dose.expires,
    })
}

fn told_dose<'s>(
    schedules: &'s Schedules,
    dose: &Given<'_>,
    verdict: &DoseVerdict<'s>,
) -> ToldDose<'s> {
    ToldDose {
        date: dose.on,
        product: dose.product.map(|id| schedules.product_key(id)),
        counts: verdict.parts.iter().any(|part| part.counts),
        parts: verdict.parts.iter().map(told_part).collect(),
        findings: verdict.all_findings().iter().map(told_finding).collect(),
    }
}

fn told_part<'s>(part: &Part<'s>) -> ToldPart<'s> {
    ToldPart {
        series: part.series,
        programme: part.programme,
        turn: part.turn,
        counts: part.counts,
        rule: part.rule,
        source: part.source,
        findings: part
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect(),
    }
}

fn told_finding(finding: &Finding) -> ToldFinding {
    let code = finding.code.as_str();
    let text = |locale| {
        let day = finding.day.map_or_else(
            || "—".to_owned(),
            |day| match locale {
                Locale::Ja => day.japanese(),
                Locale::En => day.to_string(),
            },
        );
        Texts::new(locale).t_with(&format!("finding-{code}"), &[("day", day)])
    };
    let todo = |locale| Texts::new(locale).t(&format!("finding-{code}.city"));
    ToldFinding {
        code,
        severity: finding.code.severity(),
        day: finding.day,
        ja: text(Locale::Ja),
        en: text(Locale::En),
        todo_ja: todo(Locale::Ja),
        todo_en: todo(Locale::En),
    }
}

fn told_next<'s>(schedules: &'s Schedules, next: &Next<'s>) -> ToldNext<'s> {
    let dose = next.dose.as_ref();
    ToldNext {
        series: next.series,
        status: next.status.as_str(),
        programme: dose.map(|dose| dose.programme),
        turn: dose.map(|dose| dose.turn),
        rule: dose.map(|dose| dose.rule),
        products: dose
            .into_iter()
            .flat_map(|dose| &dose.products)
            .map(|id| schedules.product_key(*id))
            .collect(),
        earliest: dose.map(|dose| dose.earliest),
        recommended: dose.map(|dose| dose.recommended),
        overdue: dose.and_then(|dose| dose.overdue),
        latest: dose.and_then(|dose| dose.latest),
    }
}

/// Every `*.toml` of a folder and the folders in it, in the order of their paths.
fn read_folder(folder: &Path) -> anyhow::Result<Schedules> {
    let mut paths = Vec::new();
    find_files(folder, &mut paths)?;
    if paths.is_empty() {
        bail!(
            "{0}に規則のファイル（*.toml）がありません。\nThere are no rules (*.toml) in {0}.",
            folder.display()
        );
    }
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let mut text = String::new();
        let read = File::open(&path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
        read.with_context(|| format!("{0}を読めません / cannot read {0}", path.display()))?;
        if text.len() as u64 > FILE_BYTES_MAX {
            bail!("{0}は大きすぎます / {0} is too large", path.display());
        }
        files.push((name.display().to_string(), text));
    }
    let named: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Schedules::parse(&named).map_err(|faults| anyhow!("{faults}"))
}

/// Links are not followed, so the walk ends.
fn find_files(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let unreadable = || format!("{0}を読めません / cannot read {0}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let kind = entry.file_type().with_context(unreadable)?;
        let path = entry.path();
        if kind.is_dir() {
            find_files(&path, paths)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
        if paths.len() > FILES_MAX {
            bail!("規則のファイルが多すぎます / too many files of rules");
        }
    }
    Ok(())
}
