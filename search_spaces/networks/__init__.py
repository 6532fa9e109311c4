"""Networks as data, without Keras: layer specs, their notation as text, and their costs."""
