## The municipality's pages

nav-city = Desk
nav-ledger = Ledger
nav-pending = Waiting
nav-findings = To check
nav-residents = Residents

# The desk
desk-title = Desk
desk-waiting = Waiting for you
desk-holds = Ledger and register
desk-to-correct = Quarantined and contradicting records
desk-to-check = Intervals, order and the like
desk-pending = Records whose person is not registered yet
desk-nothing = Nothing is waiting.
desk-entries = entries in the ledger
desk-residents = people in the register

# The ledger
ledger-title = Ledger
ledger-search-label = Coupon number (10 digits), or how a name or its kana begins
ledger-search = Search
ledger-any = Any
ledger-from = Given from
ledger-to = Given to
ledger-all = Clear
ledger-none = No record fits. Check the number of digits, the spelling of the name and the range of days.
ledger-empty = The ledger holds no record yet. Records appear here as venues enter them.
ledger-open = Record { $seq }
pending-title = Waiting
pending-lead = These doses are recorded, but the person is not in the register. They find their persons when the residents' CSV is loaded.
pending-empty = No record is waiting.
pending-load = Load the residents' CSV

# The work list
findings-title = Records to check
findings-lead = What a venue records is never refused. Compare with the form here, then correct, take back or confirm.
findings-to-correct = To be corrected
findings-to-check = To be checked
findings-code = Only one kind
findings-any = All
findings-show = Show
findings-todo = What to do:
findings-empty = No record belongs here.

# One person
person-title = One person's record
person-register = Register
person-resident-no = Resident number
person-standing = Residence
person-records = Doses
person-none = No dose is recorded.
person-not-registered = The person is not in the register. The records find their person when the residents' CSV is loaded. If they stay long, suspect a misread number.
person-story = See its story
person-logged = This view was written to the access log (for: { $purpose }).
person-protected-title = A protected person
person-protected = This person is protected (支援措置).
person-protected-lead = Others must not learn where this person lives or goes. Open the record only if your work needs it. Who opens it, when and what for is written down.
person-purpose = What for
person-open = Open the record
person-leave = Leave it
purpose-desk = A question at the counter or by telephone
purpose-correction = Checking or correcting a record
purpose-certificate = Issuing a certificate
purpose-inquiry = An inquiry of another municipality
purpose-other = Other work

# A record's story
story-title = A record's story
story-person = Person with coupon { $number }
story-now = As it stands
story-acts = What can be done
story-entries = Its story, newest first
story-before = before:
story-after = after:
story-erased = The personal part was erased at the end of its retention.
story-confirm-lead = Confirm it once it agrees with the form. From then on only the municipality corrects it.
story-confirm-do = Confirm
story-reopen = Open it again
story-reopen-lead = The venue can correct it again on the day of recording. Leave a reason.
story-reopen-do = Open it again
story-correct-lead = What it says now stays in the story. The 18 digits cannot be changed.
notice-city-corrected = Corrected. What it said before stays in the story.
notice-city-voided = Taken back. The record stays, marked as such.
notice-city-confirmed = Confirmed.
notice-city-reopened = Opened again.

# Residents
residents-title = Residents
residents-lead = People in the register: { $count }
residents-load = Load a CSV
residents-encoding = Encoding
encoding-utf-8 = UTF-8
encoding-windows-31j = Shift_JIS (Windows-31J)
residents-file = Residents' CSV
residents-send = Load
residents-safe = Only lines with mistakes are left out. Loading the same file again changes nothing.
residents-layout = The file
residents-layout-lead = The first line names the items, then one line a person. Any order. Keep leading zeros.
loaded-title = What was loaded
loaded-lines = Lines read
loaded-new = New
loaded-changed = Changed
loaded-unchanged = Unchanged
loaded-rejected = Left out
loaded-matched = Records matched
loaded-clean = Every line was loaded.
loaded-complaints = Lines to look at
loaded-complaints-lead = Correct them in the system they come from, then load those lines or the whole file again.
loaded-save = Save as CSV
loaded-line = Line
loaded-item = Item
loaded-why = What is wrong and what to do
loaded-taken = This line
loaded-kept = Loaded
loaded-left = Left out
loaded-more = There are { $count } more. Save the CSV to see them.
loaded-desk = Back to the desk
loaded-again = Load another

# Who looked
looks-title = Access log
looks-lead = Who looked at whose record, when and for what, newest first. When a person asks, narrow it to their coupon number and print the page.
looks-number = Coupon number (10 digits)
looks-show = Narrow
looks-empty = Nobody looked.
looks-at = When
looks-by = Who
looks-view = At what
looks-person = Coupon number
looks-purpose = What for
view-person = a person's records
view-record = a record in detail
view-ledger = the list of records
view-pending = the pending list
view-findings = the work list
view-export = an export of the ledger
purpose-api = another program
