## Statistics

nav-statistics = Statistics
statistics-title = Statistics
statistics-nation = The whole country
statistics-prefecture = Prefecture
statistics-from = Given from
statistics-to = Given to
statistics-show = Show
statistics-fresh = As of { $at }. Every record is counted.
statistics-lag = As of { $at }. Entries not counted yet: { $count }. They will be in a moment.
statistics-restated = Counts of past days change with late entries and corrections.
statistics-total = Total
statistics-sum = Total
statistics-by-day = Doses by day
statistics-chart = Chart of doses by day. The table below has the same numbers.
statistics-week = Week (from Monday)
statistics-table = The numbers
statistics-by-prefecture = Doses by prefecture
statistics-by-sex = Doses by sex and age
statistics-unknown = “Unknown” are mostly people not in a register yet. Age is that on the day of the dose.
statistics-empty = No dose is recorded in this range.
statistics-open-data = Open data
statistics-open-data-lead = The country's counts, for everybody to use.
statistics-open-prefecture = day × prefecture × sex × age × turn (NDJSON, gzip)
statistics-open-date = by day (CSV)
statistics-open-summary = by prefecture (CSV)
