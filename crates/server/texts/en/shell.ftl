# Words common to all pages
app-name = Vaccination records
app-foot = Sesshu — vaccination record system
skip-to-main = Skip to the content
other-language = 日本語
nav-label = Menu
nav-home = Home
nav-accounts = People
nav-password = Password
room-desk = Desk
room-people = People
room-files = Files
room-stock = Vaccine
room-register = Reports and keeping
room-administration = Administration
room-venue = Venue and contract
home-others = Other pages
logout = Log out
back-to-start = Back to the start
home-title = Home
problem-code = Code of the problem:

role-administrator = Administrator
role-operator = Operator
kind-nation = Nation
kind-prefecture = Prefecture
kind-city = Municipality
kind-venue = Venue
kind-wholesaler = Wholesaler
kind-maker = Maker
kind-federation = Insurers' federation
kind-association = Medical association

## Login
login-title = Log in
login-login = Login
login-password = Password
login-button = Log in
notice-logged-out = You are logged out.
notice-password-changed = The password is changed. Log in with the new one.

## Changing the password
password-title = Change the password
password-must-change = This password was chosen by an administrator. To go on, change it to one that only you know.
password-current = Present password
password-new = New password
password-again = New password, again
password-help = At least { $least } characters. A few short words in a row are easy to remember. It must not contain your login.
password-button = Change it

## People
accounts-title = People
accounts-of = People of { $name }
accounts-none = Nobody yet.
accounts-login = Login
accounts-name = Name
accounts-role = Role
accounts-state = State
accounts-actions = Actions
accounts-active = Active
accounts-inactive = Disabled
accounts-must-change = Must change the first password
accounts-disable = Disable
accounts-enable = Enable
accounts-reset = Make a new password
accounts-close = Log out everywhere
accounts-new = Add a person
accounts-login-help = 3 to 64 of a–z, 0–9, “.”, “-” and “_”.
accounts-create = Add
accounts-made-title = The password is made
accounts-made = The first password of { $login }. It is shown here and nowhere else: write it down and hand it over. It must be changed at the first login.
accounts-made-back = Back to the people
notice-account-disabled = Disabled and logged out everywhere.
notice-account-enabled = Enabled again.
notice-sessions-closed = Logged out everywhere.

## Organisations
organisations-title = Organisations
organisations-name = Name
organisations-kind = Kind
organisations-facility-code = Facility code
organisations-facility-code-help = Ten digits. A code whose check digit does not fit is taken too, and marked to be looked at. Leave it empty if there is none yet, and apply for a new code on the venue's page.
organisations-check-code = The check digit does not fit
organisations-add = Add
organisations-add-prefecture = Add a prefecture
organisations-add-city = Add a municipality
organisations-add-venue = Add a venue
organisations-add-company = Add a wholesaler, a maker, a federation or an association
notice-organisation-founded = The organisation is added. The first thing it needs is an administrator.
notice-organisation-founded-check-code = The organisation is added. The check digit of its facility code does not fit: look at the code again. The first thing it needs is an administrator.
