# 全画面に共通の語句
app-name = 接種記録
app-foot = Sesshu — 予防接種記録システム
skip-to-main = 本文へ移動
other-language = English
nav-label = メニュー
nav-home = ホーム
nav-accounts = 利用者
nav-password = パスワード
room-desk = 業務一覧
room-people = 住民
room-files = 取込・出力
room-stock = ワクチン
room-register = 報告・保存
room-administration = 管理
room-venue = 会場・契約
home-others = ほかの画面
logout = ログアウト
back-to-start = ホームへ戻る
home-title = ホーム
problem-code = 問題のコード

role-administrator = 管理者
role-operator = 担当者
kind-nation = 国
kind-prefecture = 都道府県
kind-city = 市町村
kind-venue = 接種会場・医療機関
kind-wholesaler = 卸
kind-maker = メーカー
kind-federation = 国保連
kind-association = 郡市医師会

## ログイン
login-title = ログイン
login-login = 利用者ID
login-password = パスワード
login-button = ログインする
notice-logged-out = ログアウトしました。
notice-password-changed = パスワードを変更しました。新しいパスワードでログインしてください。

## パスワードの変更
password-title = パスワードの変更
password-must-change = このパスワードは管理者が決めたものです。続けるには、ご自分だけが知るパスワードに変更してください。
password-current = 今のパスワード
password-new = 新しいパスワード
password-again = 新しいパスワード（確認）
password-help = { $least }文字以上。短い文をつなげると覚えやすくなります。利用者IDは含められません。
password-button = 変更する

## 利用者
accounts-title = 利用者
accounts-of = { $name }の利用者
accounts-none = まだ利用者がいません。
accounts-login = 利用者ID
accounts-name = 氏名
accounts-role = 権限
accounts-state = 状態
accounts-actions = 操作
accounts-active = 利用中
accounts-inactive = 停止中
accounts-must-change = 初回のパスワード変更待ち
accounts-disable = 停止する
accounts-enable = 再開する
accounts-reset = パスワードを作り直す
accounts-close = すべてログアウトさせる
accounts-new = 利用者を追加する
accounts-login-help = 半角の英小文字・数字・「.」「-」「_」で3文字から64文字。
accounts-create = 追加する
accounts-made-title = パスワードができました
accounts-made = { $login }さんの最初のパスワードです。この画面でしか表示しません。書き留めて本人に渡してください。本人は最初のログインで変更します。
accounts-made-back = 利用者の一覧へ戻る
notice-account-disabled = 利用を停止し、すべてログアウトさせました。
notice-account-enabled = 利用を再開しました。
notice-sessions-closed = すべてログアウトさせました。

## 組織
organisations-title = 組織
organisations-name = 名称
organisations-kind = 種類
organisations-facility-code = 医療機関コード
organisations-facility-code-help = 10桁の数字。検査数字が合わないコードも登録できますが、確認が必要と表示します。まだないときは空欄のまま追加し、会場のページで新規付番を申請してください。
organisations-check-code = 検査数字が合いません
organisations-add = 追加する
organisations-add-prefecture = 都道府県を追加する
organisations-add-city = 市町村を追加する
organisations-add-venue = 接種会場・医療機関を追加する
organisations-add-company = 卸・メーカー・国保連・医師会を追加する
notice-organisation-founded = 組織を追加しました。最初に管理者を追加してください。
notice-organisation-founded-check-code = 組織を追加しました。医療機関コードの検査数字が合いません。コードを確かめてください。最初に管理者を追加してください。
