//! The power of attorney (委任状) by which a venue becomes a party to the collective contract, changes or leaves: made
//! online, printed, signed, and handed to the district medical association (domain paper §3.5).
//!
//! The wording and the places are ours \[O\]; the form of the real programme was not found.

use domain::calendar::Day;
use domain::contracts::Act;

use crate::PaperRefusal;
use crate::forms::{A4_HEIGHT_MM, A4_INNER_MM, MARGIN_MM, NOTE, TEXT, TITLE};
use crate::layout::{Align, Area, Layout, Style};

/// A mandate as it is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mandate {
    /// By which the association finds it again.
    pub number: String,
    /// 郡市医師会.
    pub association: String,
    /// What for.
    pub act: Act,
    /// 作成日.
    pub made_on: Day,
    /// From which day on.
    pub from: Day,
    /// 会場コード; empty if the venue has none yet.
    pub code: String,
    /// 会場名.
    pub venue: String,
    /// 所在地.
    pub address: String,
    /// Who signs: post and name.
    pub signatory: String,
}

const HEADING: Style = Style {
    size_pt: 18.0,
    align: Align::Center,
    ..TITLE
};
const RIGHT: Style = Style {
    align: Align::Right,
    ..TEXT
};
const BODY: Style = Style {
    size_pt: 11.0,
    size_min_pt: 9.0,
    ..TEXT
};
const LABEL_MM: f32 = 38.0;
const ROW_MM: f32 = 11.0;

impl Mandate {
    /// The mandate as a page.
    pub(crate) fn layout(&self) -> Result<Layout, PaperRefusal> {
        let mut page = Layout::a4();
        let number = format!("受付番号 {}", self.number);
        page.line("number", &number, RIGHT, [MARGIN_MM, 16.0, A4_INNER_MM]);
        let made = self.made_on.japanese();
        page.line("made", &made, RIGHT, [MARGIN_MM, 22.0, A4_INNER_MM]);
        page.line(
            "title",
            "委　任　状",
            HEADING,
            [MARGIN_MM, 40.0, A4_INNER_MM],
        );
        let to = format!("{}　会長 殿", self.association);
        page.line("to", &to, BODY, [MARGIN_MM, 56.0, A4_INNER_MM]);
        let text = Area::new(MARGIN_MM, 64.0, A4_INNER_MM, 46.0);
        page.paragraph("body", &self.body(), BODY, text);
        let y_mm = self.write_facts(&mut page, 114.0);
        self.write_signature(&mut page, y_mm + 8.0);
        let note = "印刷して署名し、所属する郡市医師会に提出してください。医師会が受け取って確認した日、または適用日のいずれか遅い日から効力をもちます。";
        let area = Area::new(MARGIN_MM, A4_HEIGHT_MM - 20.0, A4_INNER_MM, 8.0);
        page.paragraph("note", note, NOTE, area);
        page.finish()
    }

    fn body(&self) -> String {
        match self.act {
            Act::Join => "当施設は、予防接種の実施に関する集合契約について、次の事項を貴会の会長に委任します。貴会の会長が都道府県医師会の会長等に復委任することを承諾します。\n\n１　集合契約を締結すること。\n２　契約の変更及び解除に関すること。\n３　前各号に附帯する一切のこと。".to_owned(),
            Act::Change => "当施設が加入している予防接種の実施に関する集合契約について、委任の内容を次のとおり変更します。今後は、契約の変更及び解除並びにこれらに附帯する一切のことを、貴会の会長に委任します。".to_owned(),
            Act::Leave => "当施設が加入している予防接種の実施に関する集合契約から、次のとおり脱退します。脱退に必要な一切の手続を、貴会の会長に委任します。".to_owned(),
        }
    }

    fn write_facts(&self, page: &mut Layout, mut y_mm: f32) -> f32 {
        let act = match self.act {
            Act::Join => "加入",
            Act::Change => "変更",
            Act::Leave => "脱退",
        };
        let from = self.from.japanese();
        let code = if self.code.is_empty() {
            "（未取得）"
        } else {
            self.code.as_str()
        };
        let rows = [
            ("act", "区　分", act),
            ("from", "適用日", from.as_str()),
            ("code", "会場コード", code),
            ("venue", "施設名", self.venue.as_str()),
            ("address", "所在地", self.address.as_str()),
        ];
        for (part, label, text) in rows {
            let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, ROW_MM);
            page.field(part, label, text, area, LABEL_MM);
            y_mm += ROW_MM;
        }
        y_mm
    }

    /// The name in print, and room for a hand.
    fn write_signature(&self, page: &mut Layout, y_mm: f32) {
        const HAND_MM: f32 = 24.0;
        let area = Area::new(MARGIN_MM, y_mm, A4_INNER_MM, ROW_MM);
        page.field(
            "signatory",
            "委任者（職・氏名）",
            &self.signatory,
            area,
            LABEL_MM,
        );
        let area = Area::new(MARGIN_MM, area.bottom_mm(), A4_INNER_MM, HAND_MM);
        page.field("hand", "署名または記名押印", "", area, LABEL_MM);
    }
}
