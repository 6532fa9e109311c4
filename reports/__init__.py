"""The report: it reads a run's folder, computes, draws and writes the page. Never imports Keras."""
