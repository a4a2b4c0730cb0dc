"""A history as one page: series (what is drawn), charts (how), page (around it)."""
