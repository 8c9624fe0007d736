## 記録についての言葉。会場の画面と市町村の画面が同じ言葉を使う。

# 会場への答え(大きく示す一語)と、その意味
answer-normal = 通常
    .means = この市町村の接種対象者の記録として登録します。
    .done = 接種の記録を登録しました。
answer-out_of_residence = 住所地外
    .means = 接種券の市町村は、この会場の市町村と違います。記録は接種券の市町村の台帳に入ります。
    .done = 接種券の市町村の台帳に登録しました。
answer-interview_only = 予診のみ
    .means = 予診のみの券です。予診の記録だけを登録し、接種には数えません。
    .done = 予診の記録を登録しました。接種には数えません。
answer-pending = 登録待ち
    .means = この番号の人は、まだ市町村の名簿にありません。登録待ちとして保存し、名簿に載ると自動で結びつきます。
    .done = 接種対象者が未登録のため、登録待ちとして保存しました。
answer-already_recorded = 記録済み
    .means = 同じ回・同じ日・同じワクチンの記録がすでにあります。登録すると重複として残り、接種には数えません。
    .done = すでに同じ記録があります。重複として残しました。接種には数えません。
answer-clash = 別の記録あり
    .means = 同じ回に、日付かワクチンの違う記録がすでにあります。上書きせず、市町村が確認します。
    .done = 同じ回に別の記録があります。上書きせず、市町村が確認します。
answer-quarantined = 要確認
    .means = 内容に正しいはずのない点があります。登録すると保存しますが、確認が済むまで接種には数えません。
    .done = 保存しました。正しいはずのない点があるため、市町村が確認するまで接種には数えません。
answer-void = 取消済み
    .done = この記録は取り消されています。接種には数えません。

# 記録の状態
standing-counted = 有効
standing-interview = 予診のみ
standing-duplicate = 重複
standing-clash = 別の記録あり
standing-quarantined = 隔離
standing-void = 取消
mark-pending = 登録待ち
mark-confirmed = 確定
mark-contested = 内容の食い違い

# 重さ
severity-info = 参考
severity-warn = 要確認
severity-error = 要修正
severity-block = 隔離

# 見つかったこと。.venue は会場ですること、.city は市町村ですること
finding-future_date = 接種日が登録日({ $day })より後です。
    .name = 接種日が未来
    .venue = 当日の設定の接種日を確かめてください。
    .city = 会場に接種日を確かめ、訂正してください。
finding-before_product = 接種日が、このワクチンの使用開始日({ $day })より前です。
    .name = 使用開始前の接種日
    .venue = 接種日とワクチンを確かめてください。
    .city = 会場に接種日とワクチンを確かめ、訂正してください。
finding-before_birth = 接種日が生年月日より前です。
    .name = 生年月日より前
    .venue = 接種券がこの人のものか、接種日が正しいかを確かめてください。
    .city = 接種日と名簿の生年月日を見比べ、誤っているほうを訂正してください。
finding-unknown_municipality = 自治体コードが、接種券を発行した市町村のものではありません。
    .name = 自治体コード不明
    .venue = 接種券の8桁までをもう一度見比べてください。正しければ登録してください。記録は失われません。
    .city = 会場に予診票の18桁を確かめてください。読み違いなら取り消し、正しい番号で登録し直してもらいます。
finding-kind_unknown = 券種(1桁目)が正しくありません。
    .name = 券種が不正
    .venue = 接種券の1桁目をもう一度見比べてください。
    .city = 会場に予診票の18桁を確かめてください。
finding-order_reversed = 前後の回と接種日の順番が逆です(相手の接種日 { $day })。
    .name = 回と日付の逆転
    .venue = 接種券の回数と接種日を確かめてください。
    .city = 両方の記録の予診票を見比べ、回数か接種日を訂正してください。
finding-same_turn_differs = すでに同じ接種回の別の記録があります(接種日 { $day })。上書きせず、市町村で確認します。
    .name = 同じ回の別の記録
    .venue = 接種券の回数と番号を確かめてください。正しければそのまま登録してください。
    .city = 二つの予診票を見比べ、正しい記録を確定し、誤った記録を訂正または取り消してください。
finding-same_turn_again = すでに同じ接種回の同じ記録があります(接種日 { $day })。
    .name = 同じ記録の重複
    .venue = 二度読み取ったなら、そのままで問題ありません。
    .city = 重複として残っています。数には入りません。対応は要りません。
finding-too_soon = 前回からの間隔が足りません({ $day }以降に接種できます)。
    .name = 間隔の不足
    .venue = 接種の前なら医師に伝えてください。接種した後なら、そのまま登録してください。
    .city = 接種日を予診票で確かめてください。正しければ間違い接種の報告が要るか判断します。
finding-earlier_turn_missing = 前の回の記録がありません。
    .name = 前の回がない
    .venue = 接種券の回数を確かめてください。ほかの市町村で受けた人なら、そのまま登録してください。
    .city = ほかの市町村や海外での接種、紙の予診票の未登録を確かめてください。
finding-person_gone = 接種日に、この人は名簿から外れていました({ $day })。
    .name = 名簿から外れた後
    .venue = 接種券がこの人のものかを確かめてください。
    .city = 異動日と接種日を確かめてください。転出後の接種なら転出先の券かを調べます。
finding-product_ended = このワクチンは{ $day }で使用が終わっています。
    .name = 使用終了後
    .venue = 当日の設定のワクチンを確かめてください。
    .city = 会場にワクチンの種類を確かめ、訂正してください。
finding-product_unknown = ワクチンの種類が一覧にありません。
    .name = ワクチン不明
    .venue = 当日の設定のワクチンを選び直してください。
    .city = 会場にワクチンの種類を確かめ、訂正してください。
finding-lot_missing = ロット番号がありません。
    .name = ロット番号なし
    .venue = 当日の設定でロット番号を入れてください。
    .city = 会場にロット番号を確かめ、訂正してください。
finding-kind_local = その他の券種です。
    .name = その他の券種
    .venue = 市町村が独自に使う券です。そのまま登録できます。
    .city = 独自の券種の取り扱いを確かめてください。
finding-not_registered = この番号の人は、まだ市町村の名簿にありません。
    .name = 名簿にない
    .venue = 登録待ちとして保存します。することはありません。
    .city = 接種対象者CSVを取り込むと自動で結びつきます。長く残るものは番号の読み違いを疑ってください。
finding-out_of_residence = 接種券の市町村と会場の市町村が違います。
    .name = 住所地外
    .venue = 記録は接種券の市町村に入ります。することはありません。
    .city = 住所地外の接種です。対応は要りません。
finding-turn_open = 接種券に回数の指定がありません。記録から数えました。
    .name = 回数の指定なし
    .venue = することはありません。
    .city = 数えた回数が正しいか、気になるときだけ確かめてください。
finding-late_entry = 接種した日より後に登録しました。
    .name = 後日の登録
    .venue = 接種日が正しければ、することはありません。
    .city = 対応は要りません。
finding-contested = 同じ受付番号で、別の内容が届きました。両方を保存しています。
    .name = 内容の食い違い
    .venue = 市町村が確認します。
    .city = 記録の経緯で二つの内容を見比べ、正しいほうに訂正してください。

# 台帳の記入
act-recorded = 登録
act-corrected = 訂正
act-voided = 取消
act-confirmed = 確定
act-reopened = 確定の解除
act-matched = 名簿との照合
act-contested = 別の内容の受信

# 入力のしかた
input-qr = 二次元コード
input-ocr = 印字の読み取り
input-scanner = スキャナー
input-keyed = 手入力
input-csv = ファイル
input-api = 外部システム
input-system = 自動

# 読み取ったもの
channel-qr = 二次元コード
channel-ocr = 印字された18桁
channel-nw7 = バーコード

# 変更できない理由
refusal-not_yours = ほかの会場の記録です。市町村に連絡してください。
refusal-not_today = 会場で直せるのは登録した日({ $day })だけです。市町村に連絡してください。
refusal-confirmed = この記録は確定済みのため変更できません。市町村に連絡してください。
refusal-voided = この記録はすでに取り消されています。
refusal-as_it_is = この記録はすでにその状態です。

# 人
sex-M = 男
sex-F = 女
sex-U = 不明
age--64 = 64歳以下
age-65- = 65歳以上
age-UNK = 不明
resident-resident = 在住
resident-moved_out = 転出({ $day })
resident-dead = 死亡({ $day })
resident-removed = 職権消除など({ $day })

# 項目
field-line = 18桁
field-kind = 券種
field-turn = 回数
field-city = 市町村
field-city_code = 自治体コード
field-number = 券番号
field-given_on = 接種日
field-product = ワクチン
field-lot = ロット番号
field-doctor = 接種医師
field-venue = 会場
field-recorded_at = 登録日時
field-input = 入力方法
field-standing = 状態
field-name = 氏名
field-kana = カナ
field-birth = 生年月日
field-sex = 性別
field-reason = 理由
field-venue_name = 会場名
field-words = 補足
field-other_day = 接種日の確認
turn-n = { $turn }回目
turn-open = 回数の指定なし
unknown-city = 不明な市町村
masked = 支援措置のため非表示
not-registered-person = 名簿にありません
