## Lots, seals, the check before the shot

nav-lots = Lots
lots-title = Register of lots
lots-lead = Lots as the nation entered them. Recalled lots come first.
lots-search = Find a lot by its number
lots-find = Find
lots-empty = No lot is registered.
lots-change = Change
lots-enter = Enter or change a lot
lots-expires-help = The day as printed. Extensions are worked out separately.
lots-recall-help = Only to recall the lot. Leave it empty to take a recall back.
lots-reason = Reason of the recall
lots-save = Save
field-expires = Expiry (printed)
field-recalled_since = Not to be given from
field-gtin = Package number (GTIN)
field-package_product = Vaccine in it
field-seal = Code of the seal
packages-title = Packages and vaccines
packages-lead = Which vaccine is in a package, by the fourteen digits on seal and vial.
packages-save = Enter the package
notice-lot = The lot is entered.
notice-package = The package is entered.
complaint-lot-changed = Somebody else has changed this lot. Look at it and save again.
complaint-gtin-unknown = The package { $gtin } is not registered. Look at the vial and choose the vaccine.
complaint-seal-without-lot = This code tells no lot. Look at the vial and type it.
problem-lot_changed_meanwhile =
    .title = Changed by somebody else
    .detail = Somebody else has changed this lot since you looked at it.
    .todo = Load it again, look at it, and send your change again.
problem-lot_stopped =
    .title = This lot must not be given
    .detail = The lot is recalled or has expired.
    .todo = Use another lot. To record doses that are given already, send given_already.
problem-seal_refused =
    .title = Not the code of a seal
    .detail = The code cannot be read as that of a vaccine's seal.
    .todo = Look at the reason; read the seal again, or type the lot.
lot-state-good = Good until { $day } (extensions included)
lot-state-unknown = The register does not know this lot. Compare it with the delivery note.
lot-state-expired = Expired: good until { $day }, extensions included.
lot-state-recalled = Recalled, not to be given from { $day }. Reason: { $reason }
lot-state-quarantined = This venue's vials are in quarantine since { $day }: do not give them until it is decided.
lot-state-quarantined-partly = Some of this venue's vials are in quarantine since { $day }. Give only those that are not marked.

# The day's settings
settings-seal-photo = Take a photo of the seal
settings-seal-help = A hand scanner fills in vaccine and lot. To type them, leave this empty.
settings-seal-send = Read the seal
settings-seal-read = Filled in from the seal. Compare it with the vial.
settings-stop = Do not give this lot
settings-stop-todo = Put the vials aside and tell the municipality. To use another lot, change the lot below.
settings-given-already = These doses are given already, and this is their lot

# Why a seal cannot be read
refused-seal_empty = No code of a seal was found. Take the photo closer, or type the lot.
refused-seal_too_long = The code is too long. Read the code on the vaccine's seal.
refused-seal_coupon = These are the digits of a coupon. Read the code on the vaccine's seal.
refused-seal_not_gs1 = This is not the code of a seal (at character { $at }). Read the vaccine's seal.
refused-seal_element = The element ({ $identifier }) of the code cannot be right. Read it again.
refused-seal_check_digit = The check digit of the package's number is wrong (it should be { $expected }). Read it again.
refused-seal_twice = The element ({ $identifier }) is there twice and says two things. Read one seal only.
refused-seal_separator_lost = The scanner does not send the separator (FNC1), so where the lot ends cannot be told. Set the scanner to send it, or type the lot.
refused-seal_lot = This cannot be a lot. Look at the vial and type it.
refused-seal_nothing_told = The code tells neither package nor lot. Read the vaccine's seal.

# Before the shot
before-title = Check before the shot
before-green = May be given
    .means = By the records, nothing speaks against it.
before-amber = Check first
    .means = Check the points below with the person, the coupon and the vial.
before-red = Do not give it
    .means = Tell the doctor the reasons below. If it is given already, record it as it is.
before-earliest = It can be given from { $day }.
before-due = Next is dose { $turn }, possible from { $day }.
before-given = Dose { $turn } { $day } { $product }
before-age = Age by the register: { $age }
before-status-due = A dose is due.
before-status-later = The next dose can be given later.
before-status-overdue = The next dose is overdue.
before-status-complete = Every planned dose was given.
before-status-aged_out = Past the age for what is left.
before-status-ended = The programme is over.
before-status-not_eligible = Not of those it is meant for.
before-status-contraindicated = Something registered forbids the dose.
view-check = Check before the shot
