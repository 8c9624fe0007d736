## ロット、シール、接種前チェック

nav-lots = ロット台帳
lots-title = ロット台帳
lots-lead = 国が登録したロットです。使用中止のロットは先頭に表示します。
lots-search = ロット番号で探す
lots-find = 探す
lots-empty = 登録されたロットはありません。
lots-change = 変更
lots-enter = ロットを登録・変更する
lots-expires-help = 印字された日付です。有効期限の延長は別に計算します。
lots-recall-help = 使用中止にするときだけ入力してください。空にすると解除します。
lots-reason = 使用中止の理由
lots-save = 登録する
field-expires = 有効期限(印字)
field-recalled_since = 使用中止の開始日
field-gtin = 商品コード(GTIN)
field-package_product = 入っているワクチン
field-seal = シールのコード
packages-title = 商品コードとワクチン
packages-lead = シールやバイアルの商品コード(14桁)から、ワクチンを決めるための表です。
packages-save = 商品コードを登録する
notice-lot = ロットを登録しました。
notice-package = 商品コードを登録しました。
complaint-lot-changed = ほかの人がこのロットを変更しました。内容を確かめて、もう一度登録してください。
complaint-gtin-unknown = 商品コード { $gtin } は登録されていません。バイアルを見てワクチンを選んでください。
complaint-seal-without-lot = このコードにロット番号がありません。バイアルを見て入力してください。
problem-lot_changed_meanwhile =
    .title = ほかの人が変更しました
    .detail = このロットは、見た後にほかの人が変更しました。
    .todo = もう一度読み込み、内容を確かめてから送り直してください。
problem-lot_stopped =
    .title = このロットは使用できません
    .detail = 使用中止または期限切れのロットです。
    .todo = ほかのロットを使ってください。すでに接種した分を登録するときは given_already を付けてください。
problem-seal_refused =
    .title = シールのコードではありません
    .detail = コードをワクチンのシールとして読めません。
    .todo = 理由(reason)を見て、シールを読み取り直すか、手で入力してください。
lot-state-good = 有効期限 { $day }(延長を含む)
lot-state-unknown = ロット台帳にないロットです。納品書と見比べてください。
lot-state-expired = 有効期限切れです({ $day }まで、延長を含む)。
lot-state-recalled = { $day }から使用中止です。理由:{ $reason }
lot-state-quarantined = この会場のワクチンは{ $day }から温度逸脱で隔離中です。判断が出るまで使用できません。
lot-state-quarantined-partly = { $day }からの温度逸脱で、この会場の一部が隔離中です。隔離中の表示がないバイアルだけを使ってください。

# 当日の設定
settings-seal-photo = シールを撮って入力する
settings-seal-help = ハンドスキャナーで読むと、ワクチンとロット番号が入ります。手で入力するときは空のままにしてください。
settings-seal-send = シールを読む
settings-seal-read = シールから入力しました。バイアルと見比べてください。
settings-stop = このロットは接種しないでください
settings-stop-todo = バイアルを分けて置き、市町村に知らせてください。ほかのロットを使うときは、下のロット番号を入力し直してください。
settings-given-already = すでに接種した分を登録するため、このロットで正しい

# シールを読めない理由
refused-seal_empty = シールのコードが見つかりません。コードだけが大きく写るように撮り直すか、手で入力してください。
refused-seal_too_long = コードが長すぎます。ワクチンのシールのコードを読み取ってください。
refused-seal_coupon = これは接種券の番号です。ワクチンのシールのコードを読み取ってください。
refused-seal_not_gs1 = シールのコードではありません({ $at }文字目)。ワクチンのシールを読み取ってください。
refused-seal_element = コードの項目({ $identifier })が正しくありません。もう一度読み取ってください。
refused-seal_check_digit = 商品コードの検査数字が合いません(正しければ { $expected })。もう一度読み取ってください。
refused-seal_twice = 同じ項目({ $identifier })が2つあり、内容が違います。シールを1枚だけ読み取ってください。
refused-seal_separator_lost = 読み取り機が区切り文字(FNC1)を送っていないため、ロット番号の終わりが分かりません。読み取り機の設定を直すか、手で入力してください。
refused-seal_lot = ロット番号として読めません。バイアルを見て入力してください。
refused-seal_nothing_told = このコードに商品コードもロット番号もありません。ワクチンのシールを読み取ってください。

# 接種前チェック
before-title = 接種前チェック
before-green = 接種できます
    .means = 記録の上では、接種を妨げるものはありません。
before-amber = 確かめてから接種
    .means = 下の点を、本人と接種券とバイアルで確かめてください。
before-red = 接種しないでください
    .means = 下の理由を医師に伝えてください。すでに接種したときは、そのまま登録してください。
before-earliest = 接種できるのは { $day } からです。
before-due = 次は{ $turn }回目、{ $day }から接種できます。
before-given = { $turn }回目 { $day } { $product }
before-age = 登録された年齢 { $age }歳
before-status-due = 接種できる時期です。
before-status-later = 接種できる時期はこれからです。
before-status-overdue = 接種の時期を過ぎています。
before-status-complete = 予定された接種は終わっています。
before-status-aged_out = 対象の年齢を過ぎています。
before-status-ended = 接種の期間が終わっています。
before-status-not_eligible = 対象者ではありません。
before-status-contraindicated = 接種できない事情が登録されています。
view-check = 接種前チェック
