"""One fit, or one sample, on several processes or machines: with Ray (extra ``ray``)."""
