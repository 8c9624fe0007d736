## 配分

alloc-why-top = 供給量の全体です。
alloc-why-sum = 下の配分先の合計です。
alloc-why-not_reached = ここへの配分はまだ計算していません。
alloc-why-set = { $by }が{ $units }に決めました。理由: { $reason }。計算では{ $instead_of }でした。
alloc-part = { $name }(枠 { $quota })から{ $units }
alloc-inputs = 使った値: { $inputs }
alloc-between = 、
alloc-share = { $weight } × { $shared } ÷ { $weights } = { $share }、切り捨てて{ $whole }
alloc-ranked = 比率 { $over } ÷ { $under } = { $rate }%で{ $place }番目。希望{ $want }、順番が来たときの残り{ $left }。
alloc-ranked-beyond = 比率 { $over } ÷ { $under } = { $rate }%で{ $place }番目。{ $places }番目までの枠に入りません(希望{ $want }、残り{ $left })。
alloc-braked = 在庫が使用量の{ $weeks }週分を超えるため、{ $cut }%にあたる{ $units }を差し引きました。
alloc-rounding-whole = 端数はありません。
alloc-rounding-no_weight = この式での値が0なので、配分はありません。
alloc-rounding-no_room = 最小の配送量が入らないので、配分はありません({ $limit })。
alloc-rounding-full = 上限に達しました({ $limit })。
alloc-rounding-below_minimum = 取り分が最小配送量{ $minimum }に足りません。足りない所のうち{ $place }番目で、近い順に{ $chosen }か所に送りました。
alloc-rounding-minimum = 最小配送量{ $minimum }まで引き上げました。
alloc-rounding-down = 端数の大きさは{ $place }番目。大きい方から{ $up }か所を切り上げたため、ここは切り捨てです。
alloc-rounding-up = 端数の大きさは{ $place }番目。大きい方から{ $up }か所を切り上げたため、1つ加えました。
alloc-rounding-beyond = ほかの配分先の配送単位に満たない残りを受け取りました。
alloc-limit-cap = 保管できる量
alloc-limit-request = 希望量
alloc-limit-below = 下の配分先が受け取れる量
alloc-limit-lacking = 不足している量
alloc-limit-none = 受け取れる量
alloc-kept-quotas = { $units }は、どの枠にも入らないため配分元に残ります。
alloc-kept-full = { $units }は、受け取れる所がすべて上限に達したため配分元に残ります。
alloc-kept-packs = { $units }は、どの配分先の配送単位にも満たないため配分元に残ります。
alloc-kept-no_claims = { $units }は、この式で受け取れる所がないため配分元に残ります。
alloc-kept-nobody = { $units }は、下に配分先がないため配分元に残ります。
alloc-rule-population = 人口比
alloc-rule-requests = 希望量比
alloc-rule-highest_usage = 使用率上位{ $nodes }か所に満額
alloc-rule-lowest_stock_rate = 在庫率の低い順
alloc-rule-coverage = 接種率目標({ $target }% × { $doses }回)までの不足分
alloc-rule-need = 必要量(接種予定 − 使える在庫)
alloc-figure-population = 人口 { $value }
alloc-figure-request = 希望 { $value }
alloc-figure-stock = 在庫 { $value }回分
alloc-figure-expiring = 期限切れ見込み { $value }回分
alloc-figure-due = 接種予定 { $value }回
alloc-figure-supplied = 供給済み { $value }回分
alloc-figure-elsewhere = 別経路の供給 { $value }回分
alloc-figure-used = 使用 { $value }回
alloc-figure-week = 直近1週間の使用 { $value }回
alloc-figure-late = 入力待ちの見込み { $value }回
alloc-figure-late_week = 直近1週間の入力待ちの見込み { $value }回
alloc-figure-late_in_stock = 在庫に残って見える入力待ち { $value }回分
alloc-figure-given = 前の枠から { $value }
