"""A run from the first line to the last: launch, the loop over trials, confirmation, target, refit, result, restoration."""
