"""The parts of `mnist-tune predict` besides `inference`: a run's model, the page of images, and the test on synthetic digits."""
