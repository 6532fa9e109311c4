"""A trial: one configuration trained from scratch, evaluated and measured. Imports Keras when it trains, not before."""
