"""The page that compares several runs, with their differences. One run's page is `reports.pages.page`."""
