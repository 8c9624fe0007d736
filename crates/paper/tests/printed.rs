//! Every paper as it comes out of a printer, looked at by programs that are not ours: poppler draws
//! it, zbar reads its codes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail as tests do"
)]

mod samples;

use std::path::Path;
use std::process::Command;

use paper::{Paper, pack_pdf, papers_pdf};

use samples::*;

/// Whether the two programs are here. Where `SESSHU_TEST_REQUIRE` is set they must be, as
/// `cargo xtask test` sees to.
fn judges_are_here() -> bool {
    let missing: Vec<&str> = ["pdftoppm", "pdftotext", "zbarimg"]
        .into_iter()
        .filter(|program| Command::new(program).arg("-h").output().is_err())
        .collect();
    if !missing.is_empty() {
        let required = std::env::var_os("SESSHU_TEST_REQUIRE").is_some();
        assert!(
            !required,
            "missing: {missing:?} (poppler-utils, zbar-tools)"
        );
        eprintln!("not installed, so nobody else looked at the papers: {missing:?}");
    }
    missing.is_empty()
}

/// Draws each page at 300 dots per inch, as an office printer does.
fn drawn(pdf: &[u8], folder: &Path) -> Vec<std::path::PathBuf> {
    let file = folder.join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let status = Command::new("pdftoppm")
        .args(["-r", "300", "-gray", "-png"])
        .args([&file, &folder.join("page")])
        .status()
        .expect("poppler's pdftoppm draws: apt-get install poppler-utils");
    assert!(status.success());
    let mut pictures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "png"))
        .collect();
    pictures.sort();
    pictures
}

/// What zbar reads, as `QR-Code:…` and `Codabar:…`, sorted.
fn zbar(picture: &Path) -> Vec<String> {
    let output = Command::new("zbarimg")
        .args([
            "--quiet",
            "-Sdisable",
            "-Sqrcode.enable",
            "-Scodabar.enable",
        ])
        .arg(picture)
        .output()
        .expect("zbarimg reads: apt-get install zbar-tools");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut codes: Vec<String> = text.lines().map(str::to_owned).collect();
    codes.sort();
    codes
}

/// A part of the only page, in millimetres from the left and from above, at 300 dots per inch.
fn cut_out(pdf: &[u8], folder: &Path, area_mm: [f32; 4]) -> std::path::PathBuf {
    let (file, picture) = (folder.join("paper.pdf"), folder.join("cut"));
    std::fs::write(&file, pdf).unwrap();
    let [x, y, width, height] = area_mm.map(|mm| (mm / 25.4 * 300.0).round().to_string());
    let status = Command::new("pdftoppm")
        .args(["-r", "300", "-gray", "-png", "-singlefile"])
        .args(["-x", &x, "-y", &y, "-W", &width, "-H", &height])
        .args([&file, &picture])
        .status()
        .expect("poppler's pdftoppm draws: apt-get install poppler-utils");
    assert!(status.success());
    picture.with_extension("png")
}

/// Keeps a file where `SESSHU_KEEP_PAGES` names a folder, for whoever wants to look.
fn keep(name: &str, pdf: &[u8]) {
    if let Some(kept) = std::env::var_os("SESSHU_KEEP_PAGES") {
        std::fs::write(Path::new(&kept).join(format!("{name}.pdf")), pdf).unwrap();
    }
}

/// Asserts what zbar reads on the last page of a paper.
fn check(name: &str, paper: Paper, expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let pdf = papers_pdf(name, &[paper]).unwrap();
    keep(name, &pdf);
    let pictures = drawn(&pdf, folder.path());
    assert_eq!(zbar(pictures.last().unwrap()), expected, "{name}");
}

#[test]
fn zbar_reads_the_coupon_on_a_questionnaire() {
    if !judges_are_here() {
        return;
    }
    check(
        "questionnaire",
        Paper::MailedQuestionnaire(questionnaire(), paper::Envelope::LONG_3),
        &["Codabar:A0000012345A", "QR-Code:211310160000012345"],
    );
}

/// Asserts that our own reader reads a coupon by all three channels, as a tablet sees it.
fn check_ours(coupon: &Path, line: &str) {
    let picture = reader::decode_photo(&std::fs::read(coupon).unwrap()).unwrap();
    assert_eq!(reader::read_qr(&picture).unwrap().text, line);
    assert_eq!(reader::read_nw7(&picture).as_deref(), Some(&line[8..]));
    assert_eq!(reader::read_line(&picture).unwrap().sure(), Some(line));
}

#[test]
fn our_reader_reads_the_coupon_and_the_draft_of_a_questionnaire() {
    if !judges_are_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut form = questionnaire();
    form.draft = Some(draft());
    let pdf = papers_pdf("予診票", &[Paper::Questionnaire(form)]).unwrap();
    let coupon = cut_out(&pdf, folder.path(), [137.0, 6.0, 67.0, 38.0]);
    check_ours(&coupon, LINE);
    let code = cut_out(&pdf, folder.path(), [8.0, 6.0, 29.0, 29.0]);
    let picture = reader::decode_photo(&std::fs::read(code).unwrap()).unwrap();
    let read = reader::read_qr(&picture).unwrap().text;
    assert_eq!(domain::drafts::Draft::parse(&read), Ok(draft()));
}

#[test]
fn zbar_reads_the_draft_on_a_blank_questionnaire() {
    if !judges_are_here() {
        return;
    }
    let text = draft().text();
    check(
        "blank",
        Paper::Questionnaire(blank()),
        &[&format!("QR-Code:{text}")],
    );
    assert_eq!(domain::drafts::Draft::parse(&text), Ok(draft()));
}

#[test]
fn zbar_reads_every_seal_of_a_sheet() {
    if !judges_are_here() {
        return;
    }
    // zbar tells equal codes once and loses one of several QR codes now and then, so each seal is
    // looked at by itself, as a venue holds it under the reader.
    let folder = tempfile::tempdir().unwrap();
    let pdf = papers_pdf("接種券", &[Paper::Seals(seals())]).unwrap();
    keep("seals", &pdf);
    let lines = [
        ["211310160000012345", "111310160000012345"],
        ["221310160000012345", "121310160000012345"],
    ];
    for (row, lines) in lines.into_iter().enumerate() {
        for (column, line) in lines.into_iter().enumerate() {
            let (x_mm, y_mm) = (35.0 + 77.0 * column as f32, 109.0 + 39.0 * row as f32);
            let seal = cut_out(&pdf, folder.path(), [x_mm - 2.0, y_mm - 2.0, 67.0, 38.0]);
            let expected = ["Codabar:A0000012345A".to_owned(), format!("QR-Code:{line}")];
            assert_eq!(zbar(&seal), expected);
            check_ours(&seal, line);
        }
    }
}

/// What a person who copies the text out of the file gets.
fn text_of(pdf: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("paper.pdf");
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new("pdftotext")
        .args(["-enc", "UTF-8", "-nopgbrk"])
        .args([file.as_os_str(), "-".as_ref()])
        .output()
        .expect("poppler's pdftotext reads: apt-get install poppler-utils");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn what_stands_on_a_paper_can_be_copied_and_searched() {
    if !judges_are_here() {
        return;
    }
    for (name, paper) in every_paper(&person()) {
        let pdf = papers_pdf(name, &[paper]).unwrap();
        keep(name, &pdf);
        let text = text_of(&pdf);
        for word in expected_words(name) {
            assert!(text.contains(word), "{name} lacks {word}: {text}");
        }
    }
}

/// Every paper by itself; a paper that is not here is found by
/// `every_kind_of_paper_is_looked_at`.
fn expected_words(name: &str) -> &'static [&'static str] {
    match name {
        "questionnaire" | "mailed" | "seals" | "coupons" => &["厚生", "211310160000012345"],
        "certificate" => &["予防接種済証", "EY0573", "九段南"],
        "travel" => &["KOSEI TARO", "TK0000000", "EY0573", "JPN"],
        "disclosure" => &["予防接種台帳", "九段南", "EY0573", "山田"],
        "access_log" => &["閲覧記録", "本人からの電話"],
        "roster" => &["2 1 131016 0000012345", "(接種券で確認)", "〓田"],
        "adverse_reaction" => &["アナフィラキシー", "0120-176-146", "軽快"],
        "mistake" => &["様式4-10-3", "■接種間隔の誤り", "2021年8月15日"],
        "mandate" => &["委 任 状", "見本区医師会", "1310000015", "2021年3月15日"],
        "handover" => &["様式7-1", "EY0573", "2021年6月1日", "受領日時・受領者"],
        "handover_again" => &["様式7-3", "払出元が受けた融通", "基本病院"],
        "transfer_book" => &["様式7-2", "12本", "未報告"],
        "transfer_report" => &["様式7-4", "東京都", "基本病院"],
        _ => &[],
    }
}

#[test]
fn every_kind_of_paper_is_looked_at() {
    for (name, paper) in every_paper(&person()) {
        // A new kind of paper does not compile until it is here, and then in `every_paper`.
        let known = match paper {
            Paper::Coupons(_) => "coupons",
            Paper::Questionnaire(_) => "questionnaire",
            Paper::MailedQuestionnaire(..) => "mailed",
            Paper::Seals(_) => "seals",
            Paper::Certificate(certificate) if certificate.travel.is_some() => "travel",
            Paper::Certificate(_) => "certificate",
            Paper::Disclosure(_) => "disclosure",
            Paper::AccessLog(_) => "access_log",
            Paper::Roster(_) => "roster",
            Paper::AdverseReaction(_) => "adverse_reaction",
            Paper::Mistake(_) => "mistake",
            Paper::Mandate(_) => "mandate",
            Paper::Handover(handover) if handover.of.came.is_empty() => "handover",
            Paper::Handover(_) => "handover_again",
            Paper::TransferBook(book) if book.reader == paper::BookReader::Giver => "transfer_book",
            Paper::TransferBook(_) => "transfer_report",
        };
        assert_eq!(known, name);
    }
}

#[test]
fn no_paper_of_a_protected_person_tells_the_address() {
    if !judges_are_here() {
        return;
    }
    let protected = paper::Person {
        residence: paper::Residence::of(Some(address()), true),
        ..person()
    };
    for (name, paper) in every_paper(&protected) {
        let text = text_of(&papers_pdf(name, &[paper]).unwrap());
        for secret in ["九段南", "千代田マンション", "102-8688"] {
            assert!(!text.contains(secret), "{name} tells {secret}");
        }
    }
}

#[test]
fn a_pack_is_the_roster_and_forms_that_zbar_reads() {
    if !judges_are_here() {
        return;
    }
    let printed = pack_pdf(&pack()).unwrap();
    keep("pack", &printed.pdf);
    let folder = tempfile::tempdir().unwrap();
    let pages = drawn(&printed.pdf, folder.path());
    let drafts: Vec<String> = pack()
        .forms
        .iter()
        .map(|form| format!("QR-Code:{}", form.draft.as_ref().unwrap().text()))
        .collect();
    let codes: Vec<_> = pages.iter().map(|page| zbar(page)).collect();
    let with_coupon = vec![
        "Codabar:A0000012345A".to_owned(),
        "QR-Code:211310160000012345".to_owned(),
        drafts[0].clone(),
    ];
    let alone = |form: usize| vec![drafts[form].clone()];
    assert_eq!(codes, [vec![], with_coupon, alone(1), alone(2), alone(3)]);
    assert!(!text_of(&printed.pdf).contains("秘匿"));
    // The second name has a character no typeface has: the form came out for filling in by hand.
    let told: Vec<_> = printed
        .made_blank
        .iter()
        .map(|form| form.position)
        .collect();
    assert_eq!(told, [2]);
}
