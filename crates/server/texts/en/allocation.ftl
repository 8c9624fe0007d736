## Allocation

alloc-why-top = All that is supplied.
alloc-why-sum = The sum of what those below get.
alloc-why-not_reached = Nothing has been divided as far down as this.
alloc-why-set = { $by } set it to { $units }. Reason: { $reason }. The formula gave { $instead_of }.
alloc-part = { $units } from { $name } (quota { $quota })
alloc-inputs = Figures used: { $inputs }
alloc-between = {", "}
alloc-share = { $weight } × { $shared } ÷ { $weights } = { $share }, whole packs { $whole }
alloc-ranked = Rate { $over } ÷ { $under } = { $rate } %, number { $place }. It wanted { $want }; { $left } were left when its turn came.
alloc-ranked-beyond = Rate { $over } ÷ { $under } = { $rate } %, number { $place }: beyond the first { $places } (it wanted { $want }; { $left } were left).
alloc-braked = Its stock is for more than { $weeks } weeks of use: { $units } were taken back ({ $cut } %).
alloc-rounding-whole = There was no fraction.
alloc-rounding-no_weight = By this formula its figure is zero, so it gets nothing.
alloc-rounding-no_room = There is no room for the smallest shipment ({ $limit }), so it gets nothing.
alloc-rounding-full = It reached its limit ({ $limit }).
alloc-rounding-below_minimum = Its share is below the smallest shipment of { $minimum }. It was number { $place } of those below; the nearest { $chosen } were sent one.
alloc-rounding-minimum = Lifted to the smallest shipment of { $minimum }.
alloc-rounding-down = Its fraction was number { $place }, and the largest { $up } were rounded up: rounded down.
alloc-rounding-up = Its fraction was number { $place }, and the largest { $up } were rounded up: one pack more.
alloc-rounding-beyond = It got what was less than the packs of the others.
alloc-limit-cap = what it can keep
alloc-limit-request = what it asked for
alloc-limit-below = what those below can take
alloc-limit-lacking = what it lacks
alloc-limit-none = what it can take
alloc-kept-quotas = { $units } are in no part of the formula and stay with the giver.
alloc-kept-full = { $units } stay with the giver: everybody who could get some is full.
alloc-kept-packs = { $units } are less than the next pack and stay with the giver.
alloc-kept-no_claims = { $units } stay with the giver: by this formula nobody has a claim.
alloc-kept-nobody = { $units } stay with the giver: nobody stands below.
alloc-rule-population = by population
alloc-rule-requests = pro rata to requests
alloc-rule-highest_usage = in full to the { $nodes } with the highest usage rate
alloc-rule-lowest_stock_rate = lowest stock rate first
alloc-rule-coverage = what is missing to the target ({ $target } % × { $doses } doses)
alloc-rule-need = by need (due doses − usable stock)
alloc-figure-population = population { $value }
alloc-figure-request = request { $value }
alloc-figure-stock = stock { $value } doses
alloc-figure-expiring = expiring { $value } doses
alloc-figure-due = due { $value } doses
alloc-figure-supplied = supplied { $value } doses
alloc-figure-elsewhere = supplied in other ways { $value } doses
alloc-figure-used = used { $value } doses
alloc-figure-week = used in the latest week { $value } doses
alloc-figure-late = thought to be not entered yet { $value } doses
alloc-figure-late_week = of the latest week { $value } doses
alloc-figure-late_in_stock = still seen in stock { $value } doses
alloc-figure-given = from the parts before { $value }
