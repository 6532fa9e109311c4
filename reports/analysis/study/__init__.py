"""Numbers about a study: effects of its arms, their learning, their costs."""
