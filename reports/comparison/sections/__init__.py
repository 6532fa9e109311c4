"""The sections of the page that compares runs, one file each: text and tables from `reports.comparison`."""
