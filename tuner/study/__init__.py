"""One-factor studies: their plan and presets, the comparison of arms, the result and its conclusion in words."""
