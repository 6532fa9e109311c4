"""Several runs side by side on one page: which they are, how they differ, and the page. One run's page is `reports.pages.page`."""
