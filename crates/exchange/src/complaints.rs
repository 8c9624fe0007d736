//! What is wrong with a file that came in, told to the person who has to mend it.

use domain::cold_chain::TemperatureRefusal;
use domain::languages::both;
use domain::places::MunicipalityCode;

use crate::encoding::gaiji_cell;
use crate::in_memory;
use crate::lines::{LINE_BYTES_MAX, writer};

/// Something wrong with one line of a file.
///
/// Says where and why, never what stood there: complaints are shown, saved and sent on, and what
/// stood there is about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The line of the file, the header being line 1.
    pub line: u64,
    /// The item (項目名) as the header spells it, or `None` if it is about the whole line.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with an item or a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line has more or fewer fields than the header.
    ColumnCount {
        /// Fields in the header.
        expected: usize,
        /// Fields in this line.
        got: usize,
    },
    /// A quote is not closed on its line.
    QuoteOpen,
    /// The line holds a NUL byte, which no text holds.
    NulByte,
    /// The line has more than [`crate::lines::LINE_BYTES_MAX`] bytes and was passed over.
    LineTooLong,
    /// A quote stands inside a field that is not quoted, or text follows a closing quote.
    QuoteMisplaced,
    /// A required item is empty.
    Empty,
    /// Bytes that are no character, or the mark an earlier conversion left for a lost one.
    Undecodable {
        /// Which character of the item, from 1.
        position: usize,
    },
    /// A tab or another character that cannot be printed.
    ControlCharacter,
    /// A character that only the system it came from can draw (外字). The row is kept.
    Gaiji {
        /// The private-use character.
        character: char,
        /// Which character of the item, from 1.
        position: usize,
    },
    /// Something else than half-width digits.
    NotDigits,
    /// Digits, but too few or too many; too few are mostly leading zeros that a spreadsheet ate.
    DigitCount {
        /// Digits the item has.
        expected: usize,
        /// Digits found.
        got: usize,
    },
    /// The check digit does not fit the other digits.
    CheckDigit,
    /// A right code, but of another municipality than the file was handed in for.
    OtherCity {
        /// The municipality the file was handed in for.
        expected: MunicipalityCode,
    },
    /// More characters than the item may have.
    TooLong {
        /// Characters allowed.
        max: usize,
        /// Characters found.
        got: usize,
    },
    /// A reading (カナ) with characters that are not kana. The row is kept.
    NotKana,
    /// A name in Latin letters (ローマ字) with other characters. The row is kept.
    NotRomaji,
    /// A number that is none, or too large.
    NotANumber {
        /// The largest there may be.
        max: u16,
    },
    /// A count that is none, or too large.
    NotACount {
        /// The largest there may be.
        max: u64,
    },
    /// A 会場コード whose check digit does not fit: how a 類似コード is made was never published, so
    /// the row is kept.
    FacilityUnusual,
    /// Something that no 製品コード can be.
    NotAProduct,
    /// A 製品コード that is not in the list of products. The row is kept.
    ProductUnknown,
    /// A 自社コード that no venue has on the day of delivery.
    OwnCodeUnknown,
    /// A 自社コード that several venues have on the day of delivery.
    OwnCodeOfSeveral,
    /// A 自社コード of another venue than the one whose 会場コード stands beside it.
    OwnCodeOfAnother,
    /// A ロット番号 that cannot be one.
    NotALot,
    /// No day of the calendar in the form `YYYYMMDD`.
    NotADay,
    /// Not one of the codes of this item.
    NotACode {
        /// The codes there are.
        codes: &'static [&'static str],
    },
    /// Moving out, death and removal happen on a day, and the day is missing.
    ChangeDayMissing,
    /// The number stands in an earlier line already; that line was read.
    Repeated {
        /// The earlier line.
        first_line: u64,
    },
    /// The same dose stands in an earlier line already; that line was read.
    DoseRepeated {
        /// The earlier line.
        first_line: u64,
    },
    /// The coupon number belongs to somebody else in the register.
    CouponTaken,
    /// No hours of a week (診療時間).
    NotHours,
    /// No days of the week.
    NotWeekdays,
    /// No date and time of the clock.
    NotAMoment,
    /// No temperature of a cooler (保冷庫).
    NotATemperature(TemperatureRefusal),
}

impl Fault {
    /// The stable code (結果コード) for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ColumnCount { .. } => "column-count",
            Self::QuoteOpen => "quote-open",
            Self::NulByte => "nul-byte",
            Self::LineTooLong => "line-too-long",
            Self::QuoteMisplaced => "quote-misplaced",
            Self::Empty => "empty",
            Self::Undecodable { .. } => "undecodable",
            Self::ControlCharacter => "control-character",
            Self::Gaiji { .. } => "gaiji",
            Self::NotDigits => "not-digits",
            Self::DigitCount { .. } => "digit-count",
            Self::CheckDigit => "check-digit",
            Self::OtherCity { .. } => "other-city",
            Self::TooLong { .. } => "too-long",
            Self::NotKana => "not-kana",
            Self::NotRomaji => "not-romaji",
            Self::NotANumber { .. } => "not-a-number",
            Self::NotACount { .. } => "not-a-count",
            Self::FacilityUnusual => "facility-unusual",
            Self::NotAProduct => "not-a-product",
            Self::ProductUnknown => "product-unknown",
            Self::OwnCodeUnknown => "own-code-unknown",
            Self::OwnCodeOfSeveral => "own-code-of-several",
            Self::OwnCodeOfAnother => "own-code-of-another",
            Self::NotALot => "not-a-lot",
            Self::NotADay => "not-a-day",
            Self::NotACode { .. } => "not-a-code",
            Self::ChangeDayMissing => "change-day-missing",
            Self::Repeated { .. } => "repeated",
            Self::DoseRepeated { .. } => "dose-repeated",
            Self::CouponTaken => "coupon-taken",
            Self::NotHours => "not-hours",
            Self::NotWeekdays => "not-weekdays",
            Self::NotAMoment => "not-a-moment",
            Self::NotATemperature(_) => "not-a-temperature",
        }
    }

    /// Whether the row is kept all the same: what is wrong cannot put a dose on the wrong person,
    /// and leaving the person out would be worse.
    #[must_use]
    pub fn keeps_row(self) -> bool {
        matches!(
            self,
            Self::Gaiji { .. }
                | Self::NotKana
                | Self::NotRomaji
                | Self::FacilityUnusual
                | Self::ProductUnknown
        )
    }
}

impl Complaint {
    /// What the register says of a line that the file alone cannot show to be wrong.
    #[must_use]
    pub fn coupon_taken(line: u64) -> Self {
        Self {
            line,
            column: Some("券番号"),
            fault: Fault::CouponTaken,
        }
    }

    /// The stable code (結果コード) for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }

    /// Whether the row was kept all the same.
    #[must_use]
    pub fn keeps_row(&self) -> bool {
        self.fault.keeps_row()
    }

    /// What happened and what to do, in Japanese.
    #[must_use]
    pub fn text_ja(&self) -> String {
        match self.fault {
            Fault::ColumnCount { expected, got } => {
                format!("項目の数が{got}個です。見出し行と同じ{expected}個にしてください。")
            }
            Fault::QuoteMisplaced => {
                "引用符(\")の位置が正しくありません。項目全体を引用符で囲み、項目の中の引用符は2つ続けて書いてください。".into()
            }
            Fault::Empty => "必須の項目が空です。入力してください。".into(),
            Fault::QuoteOpen => {
                "引用符(\")が閉じられていません。引用符を閉じてください。項目の中で改行することはできません。".into()
            }
            Fault::NulByte => {
                "NUL文字があります。途中で壊れています。もう一度出力してください。".into()
            }
            Fault::LineTooLong => {
                format!("行が長すぎます。{LINE_BYTES_MAX}バイト以内にしてください。")
            }
            Fault::Undecodable { position } => format!(
                "{position}文字目が読み取れません。元のシステムで正しい文字に直して、もう一度取り込んでください。"
            ),
            Fault::ControlCharacter => "タブなどの制御文字が含まれています。取り除いてください。".into(),
            Fault::Gaiji { character, position } => format!(
                "{position}文字目が外字({})です。この行は登録しましたが、正しく表示・印刷できません。代わりの文字を確認してください。",
                gaiji_name(character)
            ),
            Fault::NotDigits => "半角数字以外の文字が含まれています。半角数字だけにしてください。".into(),
            Fault::DigitCount { expected, got } if got < expected => format!(
                "{got}桁しかありません。{expected}桁で入力してください(表計算ソフトで開いて保存すると、先頭の0が消えることがあります)。"
            ),
            Fault::DigitCount { expected, got } => {
                format!("{got}桁あります。{expected}桁で入力してください。")
            }
            Fault::CheckDigit => "検査数字が合いません。数字を確認してください。".into(),
            Fault::OtherCity { expected } => {
                format!("ほかの自治体のコードです。この取り込みで登録できるのは{expected}だけです。")
            }
            Fault::TooLong { max, got } => format!("{got}文字あります。{max}文字以内にしてください。"),
            Fault::NotKana => {
                "カナ以外の文字が含まれています。この行は登録しましたが、カナで検索できないことがあります。".into()
            }
            Fault::NotRomaji => {
                "ローマ字以外の文字が含まれています。この行は登録しましたが、ローマ字で検索できないことがあります。".into()
            }
            Fault::NotANumber { max } => format!("数が正しくありません。1から{max}までの半角数字で入力してください。"),
            Fault::NotACount { max } => format!("数が正しくありません。0から{max}までの半角数字で入力してください。"),
            Fault::FacilityUnusual => {
                "会場コードの検査数字が合いません。この行は登録しました。類似コードでなければ、コードを確認してください。".into()
            }
            Fault::NotAProduct => {
                "製品コードではありません。製品一覧のコード(英小文字・数字・下線)を入力してください。".into()
            }
            Fault::ProductUnknown => {
                "一覧にない製品コードです。この行は登録しました。コードを確認してください。".into()
            }
            Fault::OwnCodeUnknown => {
                "配送日にこの自社コードの会場はありません。会場コードを入力するか、自社コードを登録してください。".into()
            }
            Fault::OwnCodeOfSeveral => {
                "配送日にこの自社コードの会場が2つ以上あります。会場コードを入力してください。".into()
            }
            Fault::OwnCodeOfAnother => {
                "自社コードの会場と会場コードの会場が違います。どちらかを直してください。".into()
            }
            Fault::NotALot => "ロット番号が正しくありません。20文字以内で入力してください。".into(),
            Fault::NotADay => "日付が正しくありません。YYYYMMDDの8桁で、実在する日付を入力してください。".into(),
            Fault::NotACode { codes } => {
                format!("決められたコードではありません。{}のどれかにしてください。", codes.join("、"))
            }
            Fault::ChangeDayMissing => "転出・死亡・職権消除のときは異動日が必要です。入力してください。".into(),
            Fault::Repeated { first_line } => format!(
                "同じ番号が{first_line}行目にもあります。{first_line}行目を先に読みました。どちらが正しいか確認してください。"
            ),
            Fault::DoseRepeated { first_line } => format!(
                "同じ接種が{first_line}行目にもあります。{first_line}行目だけを読みました。別の接種なら、違うところを直してください。"
            ),
            Fault::CouponTaken => {
                "この券番号は、台帳では別の宛名番号の人のものです。券番号を確認してください。".into()
            }
            Fault::NotHours => {
                "診療時間が正しくありません。「月火木 09:00-12:00 14:00-17:30; 土 09:00-12:00」の形で入力してください。診療しないときは「なし」です。".into()
            }
            Fault::NotWeekdays => "曜日が正しくありません。「月水金」のように、曜日の漢字を続けて入力してください。".into(),
            Fault::NotAMoment => {
                "日時が正しくありません。2021-06-01 08:30 の形で、実在する日時を入力してください。".into()
            }
            Fault::NotATemperature(refusal) => both(&refusal.to_string()).0.to_owned(),
        }
    }

    /// What happened and what to do, in English.
    #[must_use]
    pub fn text_en(&self) -> String {
        match self.fault {
            Fault::ColumnCount { expected, got } => {
                format!("The line has {got} items. Give it {expected}, like the header line.")
            }
            Fault::QuoteMisplaced => {
                "A quotation mark (\") is out of place. Quote the whole item, and write a quotation mark inside it twice.".into()
            }
            Fault::Empty => "A required item is empty. Fill it in.".into(),
            Fault::QuoteOpen => {
                "A quotation mark (\") is not closed. Close it; an item cannot hold a line break.".into()
            }
            Fault::NulByte => "There is a NUL byte: the line was damaged on the way. Export it again.".into(),
            Fault::LineTooLong => format!("The line is too long. Use {LINE_BYTES_MAX} bytes at most."),
            Fault::Undecodable { position } => format!(
                "Character {position} cannot be read. Correct it in the system it comes from and load the file again."
            ),
            Fault::ControlCharacter => "There is a tab or another control character. Remove it.".into(),
            Fault::Gaiji { character, position } => format!(
                "Character {position} is user-defined ({}). The row was loaded, but cannot be shown or printed rightly. Choose another character for it.",
                gaiji_name(character)
            ),
            Fault::NotDigits => "There is something other than half-width digits. Use half-width digits only.".into(),
            Fault::DigitCount { expected, got } if got < expected => format!(
                "There are only {got} digits. Write {expected} (a spreadsheet may have dropped leading zeros when it saved the file)."
            ),
            Fault::DigitCount { expected, got } => format!("There are {got} digits. Write {expected}."),
            Fault::CheckDigit => "The check digit does not fit. Compare the digits with the original.".into(),
            Fault::OtherCity { expected } => {
                format!("This is the code of another municipality. Only {expected} can be loaded here.")
            }
            Fault::TooLong { max, got } => format!("There are {got} characters. Use {max} at most."),
            Fault::NotKana => {
                "There are characters other than kana. The row was loaded, but may not be found by its reading.".into()
            }
            Fault::NotRomaji => {
                "There are characters other than Latin letters. The row was loaded, but may not be found by them.".into()
            }
            Fault::NotANumber { max } => format!("This is not such a number. Write 1 to {max} in half-width digits."),
            Fault::NotACount { max } => format!("This is not such a number. Write 0 to {max} in half-width digits."),
            Fault::FacilityUnusual => {
                "The check digit of the facility code does not fit. The row was loaded; unless it is a look-alike code (類似コード), compare it with the original.".into()
            }
            Fault::NotAProduct => "This cannot be a product code. Write the code (small letters, digits, underscores) of the list of products.".into(),
            Fault::ProductUnknown => "This product is not in the list. The row was loaded; check the code.".into(),
            Fault::OwnCodeUnknown => "No venue has this own code (自社コード) on the day of delivery. Write the facility code, or tell the own code first.".into(),
            Fault::OwnCodeOfSeveral => "Several venues have this own code (自社コード) on the day of delivery. Write the facility code.".into(),
            Fault::OwnCodeOfAnother => "The own code (自社コード) is of another venue than the facility code. Correct one of them.".into(),
            Fault::NotALot => "This cannot be a lot number. Use 20 characters at most.".into(),
            Fault::NotADay => "This is not a date. Write a day that exists, in eight digits, YYYYMMDD.".into(),
            Fault::NotACode { codes } => format!("This is not a code of this item. Use one of {}.", codes.join(", ")),
            Fault::ChangeDayMissing => "Moving out, death and removal need the day of change (異動日). Fill it in.".into(),
            Fault::Repeated { first_line } => format!(
                "The same number is in line {first_line}, which was read first. Check which of the two is right."
            ),
            Fault::DoseRepeated { first_line } => format!(
                "The same dose is in line {first_line}, which alone was read. If it is another dose, mend what differs."
            ),
            Fault::CouponTaken => {
                "In the register this coupon number belongs to another resident. Check the coupon number.".into()
            }
            Fault::NotHours => "These are no hours. Write them as 月火木 09:00-12:00 14:00-17:30; 土 09:00-12:00, and なし for a week without hours.".into(),
            Fault::NotWeekdays => "These are no days of the week. Write their letters one after the other, as 月水金.".into(),
            Fault::NotAMoment => "This is no date and time. Write one that exists, as 2021-06-01 08:30.".into(),
            Fault::NotATemperature(refusal) => both(&refusal.to_string()).1.to_owned(),
        }
    }
}

/// The character as the people who drew it know it: `U+E000, 0xF040`.
fn gaiji_name(character: char) -> String {
    let code_point = format!("U+{:04X}", u32::from(character));
    match gaiji_cell(character) {
        Some([lead, trail]) => format!("{code_point}, 0x{lead:02X}{trail:02X}"),
        None => code_point,
    }
}

/// Writes the complaints as a file that a spreadsheet opens rightly: `行番号,結果コード,項目名,メッセージ`
/// in UTF-8 with a byte order mark, CRLF. A complaint about a whole line has an empty 項目名.
#[must_use]
pub fn complaints_csv(complaints: &[Complaint]) -> Vec<u8> {
    let texts: Vec<String> = complaints.iter().map(Complaint::text_ja).collect();
    let rows = complaints.iter().zip(&texts);
    remarks_csv(rows.map(|(one, text)| {
        let column = one.column.unwrap_or_default();
        (one.line, one.code(), column, text.as_str())
    }))
}

/// The same file from what was kept of the complaints: line, code, item and words.
#[must_use]
pub fn remarks_csv<'a>(rows: impl Iterator<Item = (u64, &'a str, &'a str, &'a str)>) -> Vec<u8> {
    let mut writer = writer("\u{FEFF}".as_bytes().to_vec());
    in_memory(writer.write_record(["行番号", "結果コード", "項目名", "メッセージ"]));
    for (line, code, column, text) in rows {
        in_memory(writer.write_record([line.to_string().as_str(), code, column, text]));
    }
    in_memory(writer.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_fault() -> Vec<Fault> {
        let city = MunicipalityCode::parse("131016").unwrap();
        vec![
            Fault::ColumnCount {
                expected: 11,
                got: 10,
            },
            Fault::QuoteOpen,
            Fault::NulByte,
            Fault::LineTooLong,
            Fault::QuoteMisplaced,
            Fault::Empty,
            Fault::Undecodable { position: 3 },
            Fault::ControlCharacter,
            Fault::Gaiji {
                character: '\u{E000}',
                position: 2,
            },
            Fault::NotDigits,
            Fault::DigitCount {
                expected: 10,
                got: 9,
            },
            Fault::DigitCount {
                expected: 10,
                got: 11,
            },
            Fault::CheckDigit,
            Fault::OtherCity { expected: city },
            Fault::TooLong { max: 100, got: 101 },
            Fault::NotKana,
            Fault::NotRomaji,
            Fault::NotANumber { max: 999 },
            Fault::FacilityUnusual,
            Fault::NotAProduct,
            Fault::ProductUnknown,
            Fault::OwnCodeUnknown,
            Fault::OwnCodeOfSeveral,
            Fault::OwnCodeOfAnother,
            Fault::NotALot,
            Fault::NotADay,
            Fault::NotACode { codes: &["0", "1"] },
            Fault::ChangeDayMissing,
            Fault::Repeated { first_line: 2 },
            Fault::DoseRepeated { first_line: 2 },
            Fault::NotHours,
            Fault::NotWeekdays,
            Fault::NotAMoment,
            Fault::NotATemperature(TemperatureRefusal::Comma),
        ]
    }

    #[test]
    fn the_file_of_complaints_opens_in_a_spreadsheet_and_keeps_its_words() {
        let complaints: Vec<_> = (2..)
            .zip(every_fault())
            .map(|(line, fault)| Complaint {
                line,
                column: Some("券番号"),
                fault,
            })
            .chain([Complaint {
                line: 99,
                column: None,
                fault: Fault::QuoteMisplaced,
            }])
            .collect();
        let text = String::from_utf8(complaints_csv(&complaints)).unwrap();
        let text = text.strip_prefix('\u{FEFF}').unwrap();
        assert_eq!(text.matches("\r\n").count(), text.lines().count());
        insta::assert_snapshot!(text.replace("\r\n", "\n"));
    }

    #[test]
    fn every_fault_says_in_english_what_to_do() {
        let texts: Vec<_> = every_fault()
            .into_iter()
            .map(|fault| {
                Complaint {
                    line: 1,
                    column: None,
                    fault,
                }
                .text_en()
            })
            .collect();
        insta::assert_snapshot!(texts.join("\n"));
    }
}
