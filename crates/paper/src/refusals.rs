//! Why a paper is not printed.

use thiserror::Error;

/// Why a paper is not printed, and what to do about it.
///
/// Holds characters of names and addresses at most, never a whole one.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PaperRefusal {
    /// No typeface here has these characters (外字); a box in their place would be another name.
    #[error("印刷できない文字があります: {}。代わりの文字に置き換えてください。/ These characters cannot be printed: {}. Replace them with substitutes.", characters.join("、"), characters.join(", "))]
    MissingGlyphs {
        /// Each character once, with its variation selector if it has one, in code point order.
        characters: Vec<String>,
    },
    /// These texts do not fit their place even at the smallest size.
    #[error("枠に収まらない項目があります({})。短くしてください。/ Too long for the form: {}. Shorten it.", japanese(parts), parts.join(", "))]
    TooLong {
        /// The parts of the form, in English.
        parts: Vec<&'static str>,
    },
    /// The kind or turn digit means nothing that could be printed.
    #[error(
        "券種{kind_digit}・回数{turn_digit}の券は印刷できません。券種と回数を確認してください。/ A coupon of kind {kind_digit}, turn {turn_digit} cannot be printed. Check both."
    )]
    Meaningless {
        /// 券種.
        kind_digit: u8,
        /// 回数.
        turn_digit: u8,
    },
    /// A coupon of one city on the sheet of another.
    #[error(
        "{position}枚目の券は別の市町村のものです。市町村ごとに印刷してください。/ Coupon {position} belongs to another municipality. Print each municipality by itself."
    )]
    OtherCity {
        /// Which coupon of the sheet, from 1.
        position: usize,
    },
    /// A form of a pack without a draft: it could only be keyed.
    #[error(
        "{position}枚目の予診票に控えがありません。もう一度作成してください。/ Form {position} carries no draft. Make the pack again."
    )]
    NoDraft {
        /// Which form, from 1.
        position: usize,
    },
    /// Two forms of a pack with one id: two people's doses would become one record.
    #[error(
        "{position}枚目の予診票の番号が重複しています。もう一度作成してください。/ Form {position} has the id of another. Make the pack again."
    )]
    SameForm {
        /// Which form, from 1.
        position: usize,
    },
    /// None, or more than fit.
    #[error(
        "1枚に印刷できるのは1〜{most}件です({got}件あります)。/ Between 1 and {most} can be printed at once; there are {got}."
    )]
    Count {
        /// What there is too little or too much of: coupons, address lines or sheets.
        part: &'static str,
        /// How many there are.
        got: usize,
        /// How many fit.
        most: usize,
    },
    /// A picture too coarse to be read, or too large to be made.
    #[error(
        "解像度は1mmあたり{least}〜{most}ピクセルで指定してください({got}は使えません)。/ Ask for {least} to {most} pixels per millimetre, not {got}."
    )]
    PixelsPerMillimetre {
        /// What was asked for.
        got: u32,
        /// The least there is.
        least: u32,
        /// The most there is.
        most: u32,
    },
    /// Sheets of a batch that cannot be printed; none of the batch is.
    #[error("印刷できない用紙が{}枚あります。{} / {} sheet(s) cannot be printed.", refused.len(), listed(refused), refused.len())]
    Sheets {
        /// All of them, in order.
        refused: Vec<RefusedSheet>,
    },
    /// The file could not be assembled: a fault of the program, not of what was asked.
    #[error(
        "ファイルを作成できませんでした({reason})。管理者に連絡してください。/ The file could not be made ({reason}). Tell the administrator."
    )]
    Unwritten {
        /// What the writer said.
        reason: String,
    },
}

/// A sheet of a batch that cannot be printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefusedSheet {
    /// Which sheet, from 1.
    pub position: usize,
    /// Why.
    pub refusal: PaperRefusal,
}

impl PaperRefusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingGlyphs { .. } => "paper_missing_glyphs",
            Self::TooLong { .. } => "paper_too_long",
            Self::Meaningless { .. } => "paper_meaningless",
            Self::OtherCity { .. } => "paper_other_city",
            Self::NoDraft { .. } => "paper_no_draft",
            Self::SameForm { .. } => "paper_same_form",
            Self::Count { .. } => "paper_count",
            Self::PixelsPerMillimetre { .. } => "paper_pixels_per_millimetre",
            Self::Sheets { .. } => "paper_sheets",
            Self::Unwritten { .. } => "paper_unwritten",
        }
    }

    /// The fault of a writer of files.
    pub(crate) fn unwritten(reason: impl ToString) -> Self {
        Self::Unwritten {
            reason: reason.to_string(),
        }
    }
}

/// Parts of a form as they are called on it.
fn japanese(parts: &[&'static str]) -> String {
    let names: Vec<&str> = parts
        .iter()
        .map(|part| match *part {
            "issuer" => "請求先",
            "name" | "recipient" => "氏名",
            "postal code" => "郵便番号",
            "address" => "住所",
            "address lines" => "住所の行",
            "sender" | "advice" => "市町村名",
            "coupons" => "券",
            "sheets" | "sheets in a file" => "用紙",
            "kana" => "フリガナ",
            "birth" => "生年月日",
            "venue" => "会場",
            "lot" => "ロット番号",
            "dose" | "doses" => "接種の記録",
            "mayor" => "首長名",
            "desk" => "担当窓口",
            "romaji" => "ローマ字氏名",
            "draft" => "二次元コード",
            "questions" | "question" => "質問事項",
            "turns" => "回数",
            "forms" => "予診票",
            "row" | "rows" => "一覧の行",
            "product" | "vaccine" | "vaccines" => "ワクチン",
            "symptoms" => "症状",
            "summary" => "概要",
            "cause" => "原因",
            "harm" => "健康被害",
            "explained" => "説明",
            "measures" => "再発防止策",
            "reporter" => "報告者",
            "place" => "接種場所",
            "background" => "接種前の状況",
            "other cause" => "他要因",
            "hospital" => "入院した病院",
            other => other,
        })
        .collect();
    names.join("、")
}

fn listed(refused: &[RefusedSheet]) -> String {
    let lines: Vec<String> = refused
        .iter()
        .map(|sheet| format!("[{}] {}", sheet.position, sheet.refusal))
        .collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_a_person_in_both_languages_what_to_change() {
        let refused = vec![RefusedSheet {
            position: 3,
            refusal: PaperRefusal::TooLong {
                parts: vec!["address"],
            },
        }];
        let told = PaperRefusal::Sheets { refused }.to_string();
        assert!(
            told.contains("[3] 枠に収まらない項目があります(住所)"),
            "{told}"
        );
        assert!(told.contains("Too long for the form: address"), "{told}");
    }

    #[test]
    fn characters_to_replace_are_named() {
        let characters = vec!["槗".to_owned(), "𠮷".to_owned()];
        let told = PaperRefusal::MissingGlyphs { characters }.to_string();
        assert!(told.contains("槗、𠮷") && told.contains("槗, 𠮷"), "{told}");
    }
}
