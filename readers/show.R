# Writes the value of an expression over `file` as objects, one a line; doubles with all their digits.
# A double is not exactly its millisecond, and R cuts what it prints: half a millisecond more rounds it.
options(digits.secs = 3, warn = -1, readr.show_progress = FALSE, readr.show_col_types = FALSE)
asked <- commandArgs(trailingOnly = TRUE)
file <- asked[2]
environment <- new.env()
assign("file", asked[2], environment)
quoted <- function(text) ifelse(is.na(text), "null", vapply(text, function(one) as.character(jsonlite::toJSON(jsonlite::unbox(one))), ""))
spelled <- function(values) {
  if (is.data.frame(values)) values <- lapply(seq_len(nrow(values)), function(row) as.list(values[row, ]))
  if (inherits(values, "POSIXct")) return(quoted(format(values + 0.0005, "%Y-%m-%dT%H:%M:%OS3Z", tz = "UTC")))
  if (inherits(values, c("Date", "IDate"))) return(quoted(format(values, "%Y-%m-%d")))
  if (inherits(values, "integer64")) return(ifelse(is.na(values), "null", as.character(values)))
  if (is.list(values)) return(vapply(values, function(one) as.character(jsonlite::toJSON(one, auto_unbox = TRUE, null = "null", na = "null", digits = NA)), ""))
  if (is.numeric(values)) return(ifelse(is.na(values), "null", sprintf("%.17g", values)))
  if (is.logical(values)) return(ifelse(is.na(values), "null", tolower(values)))
  quoted(enc2utf8(as.character(values)))
}
frame <- as.data.frame(eval(parse(text = asked[1]), environment), check.names = FALSE)
names <- vapply(names(frame), function(one) as.character(jsonlite::toJSON(jsonlite::unbox(one))), "")
columns <- lapply(frame, spelled)
for (row in seq_len(nrow(frame))) {
  cat("{", paste(paste(names, vapply(columns, function(one) one[[row]], ""), sep = ": "), collapse = ", "), "}\n", sep = "")
}
