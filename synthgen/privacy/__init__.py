"""Differential privacy: what may be spent, what was spent, and the noise that was bought for it."""
