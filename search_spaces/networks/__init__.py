"""Networks as data: layer specs, their notation as text, and their costs. No Keras model is built here, and nothing is tuned."""
