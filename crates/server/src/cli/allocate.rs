//! `sesshu allocate`: a plan in, a proposal out; a pure function of its input. `docs/allocation.md`
//! publishes both.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use domain::allocation::{Plan, propose};

use crate::api::allocations::ProposalBody;
use crate::cli::complain;
use crate::web::locale::{Locale, Texts};

/// The nation with 70,000 venues and all figures is a tenth of this.
const INPUT_BYTES_MAX: u64 = 512 * 1024 * 1024;

#[derive(Args)]
pub(super) struct Options {
    /// 配分の入力JSON（-は標準入力） / the plan as JSON (- for standard input)
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// 理由を文章でも書く言語 / also tell the reasons as sentences in this language
    #[arg(long, value_name = "ja|en")]
    lang: Option<String>,
}

/// Prints the proposal; if the plan is wrong, every wrong field with what to do, and nothing else.
pub(super) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let texts = match options.lang.as_deref() {
        None => None,
        Some(tag) => match Locale::parse(tag) {
            Some(locale) => Some(Texts::new(locale)),
            None => bail!("--lang は ja か en です / --lang is ja or en"),
        },
    };
    let text = read(&options.input)?;
    let mut json = serde_json::Deserializer::from_slice(&text);
    let plan: Plan = match serde_path_to_error::deserialize(&mut json) {
        Ok(plan) => plan,
        Err(error) => {
            let (field, why) = (error.path().to_string(), error.inner());
            complain(&format!(
                "{field}: 読めません。docs/allocation.mdの形を確かめてください。/ cannot be read; see docs/allocation.md. ({why})"
            ));
            return Ok(ExitCode::FAILURE);
        }
    };
    if let Err(error) = json.end() {
        complain(&format!(
            "JSONの後に余分な文字があります / something follows the JSON ({error})"
        ));
        return Ok(ExitCode::FAILURE);
    }
    let proposal = match propose(&plan) {
        Ok(proposal) => proposal,
        Err(refusals) => {
            for refusal in refusals {
                complain(&refusal.to_string());
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    let body = ProposalBody::of(&plan, proposal, texts);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, &body)
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        // Whoever listened has heard enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => {
            other?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(input: &Path) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> = if input == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(
            File::open(input)
                .with_context(|| format!("{0}を開けません / cannot open {0}", input.display()))?,
        )
    };
    let mut text = Vec::new();
    source.take(INPUT_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        bail!("入力が大きすぎます / the input is too large");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan that both pages publish, as somebody would copy it.
    fn published(page: &str) -> Plan {
        let after = page.split("```json\n").nth(1).unwrap();
        serde_json::from_str(after.split("```").next().unwrap()).unwrap()
    }

    #[test]
    fn the_plan_of_the_docs_can_be_worked_out_and_is_the_same_in_both_languages() {
        let plan = published(include_str!("../../../../docs/allocation.md"));
        assert_eq!(
            plan,
            published(include_str!("../../../../docs/allocation.ja.md"))
        );
        let proposal = propose(&plan).unwrap();
        let units: Vec<u64> = proposal.nodes.iter().map(|node| node.units).collect();
        // 8 by population to 500 (room for 2), 260 and 240 (at least 2); then 2 by requests: the first is
        // full, the last asked for none.
        assert_eq!(units, [2, 5, 3, 10]);
        let body = ProposalBody::of(&plan, proposal, None);
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(json["nodes"][0]["items"]["needle"], 2_400);
        assert!(json["nodes"][0].get("says").is_none());
    }

    #[test]
    fn a_field_that_cannot_be_read_is_named_by_its_path() {
        let text = br#"{"supply": 1, "doses_per_unit": 1, "steps": [],
            "nodes": [{"code": "JP", "level": "nation", "population": -1}]}"#;
        let mut json = serde_json::Deserializer::from_slice(text);
        let error = serde_path_to_error::deserialize::<_, Plan>(&mut json).unwrap_err();
        assert_eq!(error.path().to_string(), "nodes[0].population");
    }
}
