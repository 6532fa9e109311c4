"""What `mnist-tune predict` needs besides `inference`: a run's model, the page of images, and the test on synthetic digits."""
