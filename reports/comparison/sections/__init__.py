"""The sections of the page that compares runs, one file each: numbers of `reports.comparison` turned into text and tables."""
