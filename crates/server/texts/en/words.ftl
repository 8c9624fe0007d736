## The words about records. The venue's pages and the city's use the same ones.

# What the venue is told in one large word, and what it means
answer-normal = Normal
    .means = This will be recorded for a resident of this municipality.
    .done = The dose is recorded.
answer-out_of_residence = Out of residence
    .means = The coupon is of another municipality than this venue. The record goes into the ledger of the coupon's municipality.
    .done = The dose is recorded in the ledger of the coupon's municipality.
answer-interview_only = Interview only
    .means = This coupon is for an interview only. The interview is recorded; it does not count as a dose.
    .done = The interview is recorded. It does not count as a dose.
answer-pending = Waiting
    .means = The person is not in the municipality's register yet. The record waits and finds the person by itself.
    .done = The person is not registered yet. The record is kept and waits.
answer-already_recorded = Recorded before
    .means = The same turn, day and vaccine are recorded already. Recording it again leaves a duplicate that does not count.
    .done = The same record was there before. This one is kept as a duplicate and does not count.
answer-clash = Another record
    .means = The same turn is recorded with another day or vaccine. Nothing is overwritten; the municipality will check.
    .done = There is another record of this turn. Nothing is overwritten; the municipality will check.
answer-quarantined = To be checked
    .means = Something here cannot be right. It will be kept, but does not count until it has been checked.
    .done = Kept. Something cannot be right, so it does not count until the municipality has checked it.
answer-void = Taken back
    .done = This record was taken back. It does not count.

# How a record stands
standing-counted = Counted
standing-interview = Interview only
standing-duplicate = Duplicate
standing-clash = Another record
standing-quarantined = Quarantined
standing-void = Taken back
mark-pending = Waiting
mark-confirmed = Confirmed
mark-contested = Contested

# How bad
severity-info = For information
severity-warn = To be checked
severity-error = To be corrected
severity-block = Quarantined

# What was found. .venue is what the venue does, .city what the municipality does
finding-future_date = The date lies after the day of recording ({ $day }).
    .name = Date in the future
    .venue = Check the date in the day's settings.
    .city = Ask the venue for the date and correct the record.
finding-before_product = The date lies before this vaccine's first day of use ({ $day }).
    .name = Before the product's use
    .venue = Check the date and the vaccine.
    .city = Ask the venue for date and vaccine and correct the record.
finding-before_birth = The date lies before the person's birth.
    .name = Before birth
    .venue = Check that the coupon is this person's, and the date.
    .city = Compare the date with the birth date in the register and correct the wrong one.
finding-unknown_municipality = The municipality code is of no municipality that issued coupons.
    .name = Unknown municipality
    .venue = Compare the first 8 digits again. If they are right, record it; nothing is lost.
    .city = Ask the venue for the 18 digits on the form. If they were misread, take the record back and have it entered again.
finding-kind_unknown = The kind of coupon (1st digit) is not a known one.
    .name = Unknown kind
    .venue = Compare the 1st digit again.
    .city = Ask the venue for the 18 digits on the form.
finding-order_reversed = The dates of this turn and another are the wrong way round (the other: { $day }).
    .name = Order reversed
    .venue = Check the turn on the coupon, and the date.
    .city = Compare both forms and correct the turn or the date.
finding-same_turn_differs = There is another record of this turn (given on { $day }). Nothing is overwritten; the municipality will check.
    .name = Another record of the turn
    .venue = Check the turn and the number. If they are right, record it.
    .city = Compare the two forms, confirm the right record, and correct or take back the other.
finding-same_turn_again = The same turn is recorded already, the same way (given on { $day }).
    .name = Recorded twice
    .venue = If it was read twice, nothing needs to be done.
    .city = Kept as a duplicate, not counted. Nothing needs to be done.
finding-too_soon = Too soon after the last dose (possible from { $day }).
    .name = Interval too short
    .venue = Before the shot, tell the doctor. After the shot, record it.
    .city = Check the date on the form. If it is right, decide whether an error report is due.
finding-earlier_turn_missing = An earlier turn is not recorded.
    .name = Earlier turn missing
    .venue = Check the turn on the coupon. If it was given elsewhere, record it.
    .city = Look for doses in other municipalities or abroad, and for forms not yet entered.
finding-person_gone = The person had left the register by that day ({ $day }).
    .name = After leaving the register
    .venue = Check that the coupon is this person's.
    .city = Check the day of the change and the date. After a move, look for a coupon of the new municipality.
finding-product_ended = The use of this vaccine ended on { $day }.
    .name = After the product's end
    .venue = Check the vaccine in the day's settings.
    .city = Ask the venue for the vaccine and correct the record.
finding-product_unknown = The vaccine is not in the list.
    .name = Unknown vaccine
    .venue = Choose the vaccine again in the day's settings.
    .city = Ask the venue for the vaccine and correct the record.
finding-lot_missing = There is no lot number.
    .name = Lot missing
    .venue = Enter the lot in the day's settings.
    .city = Ask the venue for the lot and correct the record.
finding-kind_local = This is a kind of coupon for local use.
    .name = Local kind
    .venue = It can be recorded as it is.
    .city = Check how this municipality uses the kind.
finding-not_registered = The person is not in the municipality's register yet.
    .name = Not in the register
    .venue = The record waits. Nothing needs to be done.
    .city = It finds its person when the residents' CSV is loaded. If it stays long, suspect a misread number.
finding-out_of_residence = The coupon is of another municipality than the venue.
    .name = Out of residence
    .venue = The record goes to the coupon's municipality. Nothing needs to be done.
    .city = Given out of residence. Nothing needs to be done.
finding-turn_open = The coupon does not say which turn it is; it was counted from the records.
    .name = Turn left open
    .venue = Nothing needs to be done.
    .city = Check the turn only if in doubt.
finding-late_entry = Recorded later than the day it was given.
    .name = Late entry
    .venue = If the date is right, nothing needs to be done.
    .city = Nothing needs to be done.
finding-contested = The same receipt number came with other content. Both are kept.
    .name = Contested
    .venue = The municipality will check.
    .city = Compare the two in the record's story and correct it to the right one.

# Entries of the ledger
act-recorded = Recorded
act-corrected = Corrected
act-voided = Taken back
act-confirmed = Confirmed
act-reopened = Reopened
act-matched = Matched with the register
act-contested = Other content received

# Ways of input
input-qr = QR code
input-ocr = Printed line
input-scanner = Scanner
input-keyed = Typed
input-csv = File
input-api = Other system
input-system = Automatic

# What was read
channel-qr = QR code
channel-ocr = printed 18 digits
channel-nw7 = bar code

# Why a record cannot be changed
refusal-not_yours = This is another venue's record. Ask the municipality.
refusal-not_today = A venue can correct only on the day of recording ({ $day }). Ask the municipality.
refusal-confirmed = This record is confirmed and cannot be changed. Ask the municipality.
refusal-voided = This record was taken back before.
refusal-as_it_is = This record is like that already.

# People
sex-M = Male
sex-F = Female
sex-U = Unknown
age--64 = 64 and under
age-65- = 65 and over
age-UNK = Unknown
resident-resident = Lives here
resident-moved_out = Moved out ({ $day })
resident-dead = Died ({ $day })
resident-removed = Removed ({ $day })

# Fields
field-line = 18 digits
field-kind = Kind
field-turn = Turn
field-city = Municipality
field-city_code = Municipality code
field-number = Coupon number
field-given_on = Date given
field-product = Vaccine
field-lot = Lot
field-doctor = Doctor
field-venue = Venue
field-recorded_at = Recorded at
field-input = Input
field-standing = Standing
field-name = Name
field-kana = Kana
field-birth = Birth date
field-sex = Sex
field-reason = Reason
field-venue_name = Name of the venue
field-words = More words
field-other_day = The date
turn-n = Dose { $turn }
turn-open = Turn left open
unknown-city = Unknown municipality
masked = Hidden (protected person)
not-registered-person = Not in the register
