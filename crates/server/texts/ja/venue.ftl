## 接種会場の画面

nav-read = 読み取り
nav-today = 本日の一覧
nav-settings = 当日の設定
choose = 選んでください
pages-label = ページ
pages-first = 最新へ戻る
pages-older = 前の記録へ

# 入力の誤り
complaints-head = 入力を確かめてください
complaint-empty = 入力してください。
complaint-long = { $got }文字あります。{ $max }文字以内にしてください。
complaint-control = 改行や制御文字は使えません。入力し直してください。
complaint-day = 日付が正しくありません。年月日を選んでください。
complaint-future = 今日より後の日付は選べません。
complaint-lot-empty = ロット番号を入力してください。バイアルまたはシールに印字されています。
complaint-product = ワクチンを選んでください。
complaint-product-day = この接種日に使われていたワクチンではありません。選び直してください。

# 当日の設定
settings-title = 当日の設定
settings-lead = 今日({ $day })の設定はまだありません。バイアルを見ながら入力してください。前の日の設定は使われません。
settings-change = 設定を変える
settings-show-products = この日のワクチンを表示
settings-other-day = 接種日が本日ではありません。
settings-other-day-mark = 本日ではない
settings-other-day-tick = 過去の日の接種をまとめて登録するため、この日付で正しい
settings-other-day-untold = 当日の設定の接種日が本日ではありません。正しければ、下の欄に印を付けてください。
settings-no-products = この日に使われているワクチンが登録されていません。接種日を確かめてください。
settings-lot-help = バイアルまたはシールに印字された番号(半角英数字)
settings-before = 前回({ $day })は「{ $value }」
settings-use = これを使う
settings-save = この設定で始める
settings-keep = 変えずに戻る
notice-settings = 当日の設定を保存しました。

# 読み取り
read-title = 接種券を読み取る
read-strip-alt = 写真から切り出した印字の行
camera-title = カメラ
camera-help = 下段の数字と二次元コードが枠に入るように、接種券を置いてください。
camera-start = カメラで読み取る
camera-stop = カメラを止める
camera-view = カメラの映像
camera-noscript = この端末ではカメラをそのまま使えません。写真を撮って選ぶか、18桁を入力してください。
camera-looking = 読み取っています…
camera-comparing = 読み取れました。もう一度確かめています…
camera-read = 読み取れました。
camera-differs = 続けて読み取った数字が一致しませんでした。接種券を1枚だけ枠に置いて、もう一度始めるか、18桁を入力してください。
camera-refused = カメラの使用が許可されていません。ブラウザーの設定で許可するか、写真を選ぶか、18桁を入力してください。
camera-none = この端末でカメラが見つかりません。写真を選ぶか、18桁を入力してください。
camera-insecure = カメラは安全な接続(https)でだけ使えます。写真を選ぶか、18桁を入力してください。
camera-lost = サーバーにつながりません。通信を確かめて、もう一度始めてください。
photo-title = 写真
photo-label = 接種券の写真を撮る・選ぶ
photo-send = この写真を読み取る
photo-sending = 写真を送っています…
typed-title = スキャナー・手入力
typed-label = 接種券の下段の18桁
typed-help = スキャナーで読むか、数字を入力して Enter を押してください。全角や空白があってもかまいません。
typed-count = { "{count}" } / 18桁
typed-again = もう一度、同じ18桁
typed-send = 確認へ進む
read-differs = 2回の入力が一致しません。
    .todo = 接種券を見ながら、はじめから2回入力してください。
read-not-digits = { $position }文字目が数字ではありません。
read-number-only = 10桁(券番号)だけでは、市町村と回数が分かりません。
    .todo = バーコードではなく二次元コードを読み取るか、下段の18桁を入力してください。
read-empty = 数字が入力されていません。
read-length = 数字が{ $got }桁です。接種券の下段は18桁です。
read-typed =
    .todo = 接種券を見ながら、数字を入力し直してください。
read-check-digit = 自治体コードが正しくありません。
    .todo = 3桁目から8桁目(6桁の自治体コード)を接種券と見比べて、入力し直してください。
why-nothing-found = 読み取れませんでした。接種券が写っていないか、ぼやけています。
    .todo = 下段の数字と二次元コードが大きく写るように、明るいところで撮り直してください。
why-line-unsure = 読み取れませんでした。数字の一部がはっきりしません。
    .todo = 影や汚れを避けて撮り直すか、下の画像と接種券を見ながら18桁を入力してください。
why-codes-disagree = 二次元コードと印字の数字が一致しません。
    .todo = 接種券を見ながら、18桁を2回入力してください。別の券が一緒に写っていないかも確かめてください。
why-partial-only = バーコードだけが読めました。市町村と回数が分かりません。
    .todo = 下段の18桁か二次元コードが写るように撮り直してください。
why-bad-check-digit = 自治体コードが正しくありません。
    .todo = 撮り直すか、接種券を見ながら18桁を入力してください。
why-not-a-coupon-code = 接種券ではない二次元コードが写っています。
    .todo = 接種券の二次元コードだけが写るように撮り直してください。
picture-empty = 写真が選ばれていません。
    .todo = 写真を撮るか選んでから、もう一度送ってください。
picture-too-large = 写真のファイルが大きすぎます。
    .todo = カメラの画質を下げて撮り直してください。
picture-not-a-picture = 写真として開けないファイルです。
    .todo = JPEG、PNG、WebPの写真を選んでください。
picture-too-many-pixels = 写真の画素数が多すぎます。
    .todo = カメラの画質を下げて撮り直してください。
picture-damaged = 写真が途中で切れているか、壊れています。
    .todo = もう一度撮り直すか、選び直してください。

# 確認
check-title = 登録前の確認
check-digits = 読み取った18桁
check-strip = 写真から切り出した印字の行。数字が同じか見比べてください。
check-agreed = 別々に読み取った数字が一致しました
check-twice = 2回の入力が一致しました
check-alone = 読み取りは1つだけです
check-compare = 接種券の18桁と、上の数字が同じであることを見比べました
check-would = 登録すると
check-register = 登録
check-leave = やめる
check-not-compared = 接種券との見比べがまだです。
    .todo = 18桁を接種券と見比べて、印を付けてから登録してください。
check-settings-changed = 当日の設定が変わりました。まだ登録していません。
    .todo = 下に表示した新しい設定(接種日・ワクチン・ロット番号)を確かめてから、登録してください。
check-not-saved = 保存できませんでした。まだ登録していません。
    .todo = この画面のまま、少し待ってからもう一度「登録」を押してください。二重に登録されることはありません。

# 結果
result-title = 登録の結果
result-next = 次の人
result-receipt = 受付の控え
result-number = 台帳の番号
result-change = 取消・訂正
conflict-title = 内容が食い違っています
conflict-text = 同じ受付番号で、{ $at }に別の内容が登録されています。
conflict-todo = 先の記録はそのまま残り、今送った内容も保存しました。市町村が確認します。登録し直すときは「次の人」から読み取り直してください。
conflict-first = 先の記録を見る

# 本日の一覧
today-title = 本日の一覧
today-lead = { $day }にこの会場で登録した記録 { $count }件
today-empty = 今日はまだ登録がありません。
today-read = 接種券を読み取る
today-see = 詳しく
today-change = 取消・訂正
record-title = 登録した記録
notice-voided = 記録を取り消しました。一覧に「取消」として残ります。
notice-corrected = 記録を訂正しました。前の内容は市町村の台帳に残ります。

# 取消と訂正
void-title = 取消
void-lead = 記録は消えず、「取消」として台帳に残ります。
void-why = 取り消す理由
void-misread = 番号の読み違い
void-twice = 二重に登録した
void-not-given = 接種しなかった
void-other = その他
void-words = 補足(「その他」のときは必ず)
void-do = 取り消す
correct-title = 訂正
correct-lead = 18桁は変えられません。番号が違うときは取り消して、読み取り直してください。
correct-reason-help = 例:ロット番号の入力間違い
correct-do = 訂正する
change-nothing = 変わったところがありません。直すところを入力してください。
change-conflict = 同じ受付番号で別の内容がすでに届いています。画面を開き直してください。
