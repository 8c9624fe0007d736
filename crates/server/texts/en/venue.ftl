## The venue's pages

nav-read = Read
nav-today = Today
nav-settings = Day's settings
choose = Choose
pages-label = Pages
pages-first = Back to the newest
pages-older = Older records

# What is wrong with a field
complaints-head = Please check what you entered
complaint-empty = Fill this in.
complaint-long = There are { $got } characters. Use { $max } at most.
complaint-control = Line breaks and control characters cannot be used. Enter it again.
complaint-day = This is not a date. Choose year, month and day.
complaint-future = A day after today cannot be chosen.
complaint-lot-empty = Enter the lot. It is printed on the vial and on the seal.
complaint-product = Choose the vaccine.
complaint-product-day = This vaccine was not in use on that day. Choose again.

# The day's settings
settings-title = Day's settings
settings-lead = Nothing is set for today ({ $day }) yet. Enter it with the vial in view. Settings of earlier days are not used.
settings-change = Change
settings-show-products = Show the vaccines of that day
settings-other-day = The date is not today.
settings-other-day-mark = Not today
settings-other-day-tick = I am entering doses of that earlier day, and the date is right
settings-other-day-untold = The date is not today. If it is right, tick the box below.
settings-no-products = No vaccine is listed as in use on that day. Check the date.
settings-lot-help = The number printed on the vial or the seal
settings-before = Last time ({ $day }): { $value }
settings-use = Use this
settings-save = Begin with these settings
settings-keep = Back without a change
notice-settings = The day's settings are saved.

# Reading
read-title = Read a coupon
read-strip-alt = The printed line, cut out of the photo
camera-title = Camera
camera-help = Lay the coupon so that the digits at its foot and the QR code are inside the frame.
camera-start = Read with the camera
camera-stop = Stop the camera
camera-view = The camera's picture
camera-noscript = The camera cannot be used directly here. Take a photo and choose it, or type the 18 digits.
camera-looking = Reading …
camera-comparing = Read. Looking once more …
camera-read = Read.
camera-differs = Two readings in a row did not agree. Lay one coupon alone inside the frame and start again, or type the 18 digits.
camera-refused = The camera is not allowed. Allow it in the browser's settings, choose a photo, or type the 18 digits.
camera-none = No camera was found. Choose a photo or type the 18 digits.
camera-insecure = A camera works over a secure connection (https) only. Choose a photo or type the 18 digits.
camera-lost = The server cannot be reached. Check the connection and start again.
photo-title = Photo
photo-label = Take or choose a photo of the coupon
photo-send = Read this photo
photo-sending = Sending the photo …
typed-title = Scanner or keyboard
typed-label = The 18 digits at the coupon's foot
typed-help = Scan, or type the digits and press Enter. Full-width digits and blanks do no harm.
typed-count = { "{count}" } of 18 digits
typed-again = The same 18 digits again
typed-send = Go on to the check
read-differs = The two entries differ.
    .todo = Look at the coupon and type the digits twice again.
read-not-digits = Character { $position } is not a digit.
read-number-only = The 10 digits of the number alone do not tell municipality and turn.
    .todo = Read the QR code instead of the bar code, or type the 18 digits at the foot.
read-empty = Nothing was entered.
read-length = There are { $got } digits. The coupon has 18 at its foot.
read-typed =
    .todo = Look at the coupon and enter the digits again.
read-check-digit = The municipality code is wrong.
    .todo = Compare the 3rd to the 8th digit (the municipality code) with the coupon and enter them again.
why-nothing-found = Could not be read. There is no coupon in the picture, or it is blurred.
    .todo = Take it again in good light, with the digits at the foot and the QR code large.
why-line-unsure = Could not be read. Some digits are not clear.
    .todo = Take it again without shadow or dirt, or type the 18 digits from the coupon and the picture below.
why-codes-disagree = The QR code and the printed digits do not agree.
    .todo = Look at the coupon and type the 18 digits twice. Make sure that no other coupon is in the picture.
why-partial-only = Only the bar code could be read. It does not tell municipality and turn.
    .todo = Take it again with the 18 digits or the QR code in the picture.
why-bad-check-digit = The municipality code is wrong.
    .todo = Take it again, or type the 18 digits from the coupon.
why-not-a-coupon-code = There is a QR code in the picture that is not a coupon's.
    .todo = Take it again with the coupon's QR code alone.
picture-empty = No photo was chosen.
    .todo = Take or choose a photo, then send it.
picture-too-large = The photo's file is too large.
    .todo = Lower the camera's quality and take it again.
picture-not-a-picture = The file cannot be opened as a photo.
    .todo = Choose a JPEG, PNG or WebP picture.
picture-too-many-pixels = The photo has too many pixels.
    .todo = Lower the camera's quality and take it again.
picture-damaged = The photo is damaged or cut off.
    .todo = Take it or choose it again.

# The check
check-title = Check before recording
check-digits = The 18 digits read
check-strip = The printed line, cut out of the photo. Compare the digits.
check-agreed = Read in two ways, and both agree
check-twice = Both entries agree
check-alone = Read in one way only
check-compare = I compared the 18 digits on the coupon with those above, and they are the same
check-would = If it is recorded
check-register = Record
check-leave = Leave it
check-not-compared = The digits have not been compared with the coupon.
    .todo = Compare the 18 digits, tick the box, and record.
check-settings-changed = The day's settings have changed. Nothing is recorded yet.
    .todo = Check the new settings below (date, vaccine, lot), then record.
check-not-saved = It could not be saved. Nothing is recorded yet.
    .todo = Stay on this page, wait a little, and press “Record” again. It will not be recorded twice.

# The result
result-title = Result
result-next = Next person
result-receipt = Receipt
result-number = Ledger number
result-change = Take back or correct
conflict-title = The contents differ
conflict-text = Other content was recorded under the same receipt number at { $at }.
conflict-todo = The first record stands, and what was sent now is kept too. The municipality will check. To record again, read the coupon anew from “Next person”.
conflict-first = See the first record

# Today's list
today-title = Today
today-lead = Recorded at this venue on { $day }: { $count }
today-empty = Nothing has been recorded today.
today-read = Read a coupon
today-see = See it
today-change = Change
record-title = A record
notice-voided = The record was taken back. It stays in the list, marked as such.
notice-corrected = The record was corrected. What it said before stays in the municipality's ledger.

# Taking back and correcting
void-title = Take back
void-lead = The record does not vanish; it stays in the ledger as taken back.
void-why = Reason
void-misread = The number was misread
void-twice = It was recorded twice
void-not-given = The dose was not given
void-other = Other
void-words = More words (needed for “Other”)
void-do = Take it back
correct-title = Correct
correct-lead = The 18 digits cannot be changed. If the number is wrong, take the record back and read the coupon again.
correct-reason-help = For example: the lot was mistyped
correct-do = Correct it
change-nothing = Nothing is different. Change what is wrong.
change-conflict = Other content came under the same receipt number before. Open the page again.

# Disaster packs
nav-pack = Disaster pack
pack-title = Disaster pack
packs-title = Disaster packs
pack-lead = The list and the forms to go on vaccinating on paper while network or system are gone. It is made every night by itself. Print it or save it elsewhere while you can.
packs-lead = The lists and the forms to go on vaccinating on paper while network or system are gone, for the city and all its venues. They are made every night by themselves. Print them or save them elsewhere while you can.
packs-of-day = Disaster pack of { $day }
packs-made = As of { $made } ({ $age })
packs-age-minutes = { $count ->
    [one] one minute ago
   *[other] { $count } minutes ago
}
packs-age-hours = { $count ->
    [one] one hour ago
   *[other] { $count } hours ago
}
packs-old = Grown old
packs-expected = People expected
packs-forms = Forms
packs-left-out = More people are expected than there is room for: { $count } are not in it (at most { $most } are). Use blank forms for them.
packs-made-blank = { $count ->
    [one] One form was
   *[other] { $count } forms were
} printed without the name, which has a character that cannot be printed. The code carries the coupon’s number.
packs-open = Open the PDF to print
packs-open-of = Open the PDF of { $venue }
packs-logged = It names people. That you take it out is written to the access log. Shred it when it has been used.
packs-none = There is none yet. One is made tonight by itself. If you need it now, make it by the button below.
packs-make = Make those of the city and all venues now
pack-make = Make one now
packs-kept = After { $days } days they are deleted by themselves.
packs-progress = It is being made: { $count } rows so far
packs-making = Being made
packs-failed = The pack begun at { $made } could not be made.
    .todo = Make it again. If it goes on, tell your administrator this code.
packs-failed-word = Could not be made
packs-venues = Packs of the venues
packs-no-venues = There is none of a venue yet.
packs-day = Day
packs-made-title = As of
packs-file = File
packs-earlier = Those before
notice-pack-begun = It is being made. You can wait for it on this page.

# Registering from paper
nav-drafts = From paper
drafts-title = Register from paper forms
drafts-lead = Register people who were vaccinated on paper while there was no network, from the code at the top left of each form. A form scanned twice is one record.
drafts-scanner = Scanner
drafts-code = The code at the top left of the form
drafts-code-help = Select this field, then scan.
drafts-open = Go on to check it
drafts-photo = Take or choose a photo of the form
drafts-no-code = No form’s code was found.
    .todo = Take the photo again with the code at the top left larger, or use a scanner.
drafts-elsewhere = This form has been registered already, at another venue.
    .todo = There is no need to do it again. If that is strange, ask your municipality.
drafts-by-hand = If it cannot be read, set the day’s settings to the day on the paper and register by hand under “Read”.
draft-title = Check what is on the paper and register it
draft-lead = With the form before you, mend what differs and fill in what is missing.
draft-other-venue = This form was printed for another venue (code { $code }). Register it at the venue where the dose was given. If it was given here, go on.
draft-printed = The coupon’s number printed on the form
draft-line-help = The digits of the coupon stuck on the form. A scanner can type them.
draft-lot-help = Make sure that it is the lot number of the seal on the form.
draft-compare = I compared this with the form, and it says the same
draft-not-compared = Compare with the form and tick this box.
draft-enter = Register
draft-leave = Leave it and go to the next form
notice-draft-before = This form has been registered already. There is no need to do it again.
