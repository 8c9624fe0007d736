## 市町村の画面

nav-city = 対応状況
nav-ledger = 台帳
nav-pending = 登録待ち
nav-findings = 要確認
nav-residents = 接種対象者

# 対応状況
desk-title = 対応状況
desk-waiting = 対応を待つもの
desk-holds = 台帳と名簿
desk-to-correct = 隔離中の記録と、内容の食い違う記録
desk-to-check = 間隔や順番など、確かめたい記録
desk-pending = 名簿に載るのを待つ記録
desk-nothing = 対応を待つものはありません。
desk-entries = 台帳の記入の数
desk-residents = 名簿の人数

# 台帳
ledger-title = 予防接種台帳
ledger-search-label = 券番号(10桁)、または氏名・カナのはじめ
ledger-search = 探す
ledger-any = すべて
ledger-from = 接種日(から)
ledger-to = 接種日(まで)
ledger-all = 条件を消す
ledger-none = 条件に合う記録はありません。券番号の桁数、氏名の表記、日付の範囲を確かめてください。
ledger-empty = 台帳にはまだ記録がありません。会場で登録されると、ここに並びます。
ledger-open = 記録 { $seq }
pending-title = 登録待ち
pending-lead = 接種の記録は保存されていますが、この番号の人が名簿にありません。接種対象者CSVを取り込むと自動で結びつきます。
pending-empty = 登録待ちの記録はありません。
pending-load = 接種対象者CSVを取り込む

# 要確認
findings-title = 要確認の記録
findings-lead = 会場からの登録は断らずに保存しています。ここで予診票と見比べて、訂正・取消・確定をしてください。
findings-to-correct = 要修正
findings-to-check = 要確認
findings-code = 内容で絞る
findings-any = すべて
findings-show = 表示
findings-todo = すること:
findings-empty = ここに当てはまる記録はありません。

# 一人の記録
person-title = 個人の接種記録
person-register = 名簿
person-resident-no = 個別宛名番号
person-standing = 異動
person-records = 接種の記録
person-none = 接種の記録はありません。
person-not-registered = この番号の人は名簿にありません。接種対象者CSVを取り込むと自動で結びつきます。長く残るものは番号の読み違いを疑ってください。
person-story = 経緯を見る
person-logged = この閲覧は記録されました(目的:{ $purpose })。
person-protected-title = 支援措置の対象者
person-protected = 支援措置の対象者です。
person-protected-lead = 住所や行動が第三者に伝わらないよう守られている人です。業務に必要なときだけ開いてください。開いた人・日時・目的が記録されます。
person-purpose = 開く目的
person-open = 記録を開く
person-leave = やめる
purpose-desk = 窓口・電話での問い合わせ
purpose-correction = 記録の確認・訂正
purpose-certificate = 接種証明書の発行
purpose-inquiry = ほかの市町村からの照会
purpose-other = その他の業務

# 記録の経緯
story-title = 記録の経緯
story-person = 券番号 { $number }の人
story-now = 今の内容
story-acts = できること
story-entries = 経緯(新しい順)
story-before = 前:
story-after = 後:
story-erased = 保存期間が過ぎたため、個人に関する内容は消去されています。
story-confirm-lead = 予診票と一致していることを確かめたら確定します。確定後は市町村だけが訂正できます。
story-confirm-do = 確定する
story-reopen = 確定を解除する
story-reopen-lead = 会場がまた当日中の訂正をできるようになります。理由を残してください。
story-reopen-do = 解除する
story-correct-lead = 前の内容は経緯に残ります。18桁は変えられません。
notice-city-corrected = 訂正しました。前の内容は経緯に残っています。
notice-city-voided = 取り消しました。記録は「取消」として残っています。
notice-city-confirmed = 確定しました。
notice-city-reopened = 確定を解除しました。

# 接種対象者
residents-title = 接種対象者
residents-lead = 名簿には{ $count }人います。
residents-load = CSVを取り込む
residents-encoding = 文字コード
encoding-utf-8 = UTF-8
encoding-windows-31j = Shift_JIS(Windows-31J)
residents-file = 接種対象者CSV
residents-send = 取り込む
residents-safe = 誤りのある行だけを除いて、正しい行は登録します。同じファイルを何度取り込んでも変わりません。
residents-layout = ファイルの形
residents-layout-lead = 1行目は見出し、2行目から1人1行です。順番は自由です。券番号などの先頭の0を落とさないでください。
loaded-title = 取り込みの結果
loaded-lines = 読んだ行
loaded-new = 新規
loaded-changed = 変更
loaded-unchanged = 変更なし
loaded-rejected = 除いた行
loaded-matched = 結びついた記録
loaded-clean = すべての行を取り込みました。
loaded-complaints = 確かめてほしい行
loaded-complaints-lead = 元のシステムで直し、直した行だけのファイルか、ファイル全体をもう一度取り込んでください。
loaded-save = 一覧をCSVで保存
loaded-line = 行
loaded-item = 項目
loaded-why = 内容とすること
loaded-taken = この行
loaded-kept = 登録した
loaded-left = 除いた
loaded-more = ほかに{ $count }件あります。CSVで保存して確かめてください。
loaded-desk = 対応状況へ
loaded-again = 続けて取り込む

# 閲覧記録
looks-title = 閲覧記録
looks-lead = 誰が、いつ、誰の記録を、何のために見たかの一覧です(新しい順)。本人から求められたときは、券番号で絞り込んで印刷できます。
looks-number = 券番号(10桁)
looks-show = 絞り込む
looks-empty = 該当する閲覧はありません。
looks-at = 日時
looks-by = 見た人
looks-view = 見たもの
looks-person = 券番号
looks-purpose = 目的
view-person = 個人の記録
view-record = 記録の詳細
view-ledger = 接種記録の一覧
view-pending = 登録待ちの一覧
view-findings = 確認が必要な記録の一覧
view-export = 台帳の書き出し
purpose-api = 外部プログラム
