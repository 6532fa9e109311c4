"""People's own pictures: reading files, finding paper and ink, preparing a digit as MNIST's were. No model is known here."""
