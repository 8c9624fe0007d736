## 統計

nav-statistics = 統計
statistics-title = 接種の統計
statistics-nation = 全国
statistics-prefecture = 都道府県
statistics-from = 接種日(から)
statistics-to = 接種日(まで)
statistics-show = 表示
statistics-fresh = { $at }現在。登録された記録はすべて数えています。
statistics-lag = { $at }現在。まだ数えていない記入が{ $count }件あります。まもなく反映されます。
statistics-restated = 過去の日の数も、後からの登録や訂正で毎日変わります。
statistics-total = 合計
statistics-sum = 計
statistics-by-day = 日ごとの接種回数
statistics-chart = 日ごとの接種回数のグラフ。同じ数を下の表でも見られます。
statistics-week = 週(月曜から)
statistics-table = 数の表
statistics-by-prefecture = 都道府県ごとの接種回数
statistics-by-sex = 性別・年齢区分ごとの接種回数
statistics-unknown = 「不明」は、まだ名簿に載っていない人などです。年齢は接種日のものです。
statistics-empty = この範囲に接種の記録はありません。
statistics-open-data = オープンデータ
statistics-open-data-lead = 全国の数を、どなたでも利用できる形で公開しています。
statistics-open-prefecture = 日 × 都道府県 × 性別 × 年齢区分 × 回数(NDJSON、gzip)
statistics-open-date = 日ごとの合計(CSV)
statistics-open-summary = 都道府県ごとの合計(CSV)
