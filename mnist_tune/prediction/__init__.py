"""Parts of `mnist-tune predict`: the model of a path, the page of images, the test on synthetic digits."""
